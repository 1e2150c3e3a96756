"""Where work on many things is done: an engine has `map(function, items) -> results in order`.

Nothing else knows about threads or machines.
"""
