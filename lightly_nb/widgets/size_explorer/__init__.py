"""The size explorer: how well n samples cover all, beside random draws.

`call` has `how_many`, `model` what the panel does without a browser, `panel` its live form,
`static` what a saved
notebook shows.
"""
