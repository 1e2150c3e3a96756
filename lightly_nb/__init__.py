"""Decide which images are worth labelling: train, embed and select, inline in Jupyter."""

__version__ = "0.1.0"
