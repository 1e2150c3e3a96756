"""`python -m lightly_nb.config`: print the documentation of all configuration keys as Markdown."""

from lightly_nb.config.table import markdown

print(markdown(), end="")
