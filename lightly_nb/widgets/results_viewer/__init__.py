"""The results viewer: what was selected and why, beside what was left out.

`call` has `show_results`, `model` what the panel does without a browser, `panel` its live form,
`static` what a
saved notebook shows.
"""
