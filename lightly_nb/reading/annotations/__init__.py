"""Predictions and metadata that are handed in, in whatever form: put beside samples by their names."""

from lightly_nb.reading.annotations.metadata import add_metadata
from lightly_nb.reading.annotations.predictions import FORMS, add_predictions, save_predictions

__all__ = ["FORMS", "add_metadata", "add_predictions", "save_predictions"]
