"""The scatter: every sample a point, its image under the pointer, and a lasso.

`call` has `scatter`, `model` what the panel does without a browser, `panel` its live form,
`static` the picture
that a saved notebook shows.
"""
