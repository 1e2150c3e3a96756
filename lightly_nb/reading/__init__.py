"""From a datasource to `Samples`: listing, and reading the images."""

from lightly_nb.reading.listing import IMAGE_TYPES, list_samples

__all__ = ["IMAGE_TYPES", "list_samples"]
