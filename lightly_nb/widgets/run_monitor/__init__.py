"""The run monitor: stages, loss, log and quarantine of a run while it works.

`call` has `monitor`; `follow` reads events from a thread, `story` puts them together, `html` and `loss_svg`
draw, `panel` is the live form and `static` the plain one.
"""
