"""The check of samples for damage and exact duplicates."""

from lightly_nb.checks.check import check

__all__ = ["check"]
