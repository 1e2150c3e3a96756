"""Training: a self-supervised model learns from the samples themselves, without labels."""

from lightly_nb.training.trainer import train

__all__ = ["train"]
