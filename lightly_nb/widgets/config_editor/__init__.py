"""The config editors: a configuration as a form that says what is wrong, and how long a run will take.

`call` has `edit_worker_config` and its siblings; `inputs` and `checking` turn what a form holds into values,
`form` and `selection_form` lay it out, `panel` is the live form, `dry_run` its line before a run, `static`
what a saved notebook shows.
"""
