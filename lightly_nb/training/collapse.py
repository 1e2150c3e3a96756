"""Whether training has collapsed: all images have nearly the same representation.

The standard deviation of L2-normalised representations, as in SimSiam (Chen and He 2021, section 4.1): it is
near 1/sqrt(d) in each of the d dimensions when they spread over the sphere, and near 0 when they are alike.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lightly_nb.vectors.retrieval import COLLAPSED_BELOW


def representation_std(features: Tensor) -> float:
    """Return how far representations spread over the sphere: 0 all alike, 1 evenly in every direction.

    Parameters
    ----------
    features : torch.Tensor
        Float (n, d), n >= 2, not normalised.

    Returns
    -------
    float
        sqrt(d) times the root of the mean variance over the dimensions, of the rows at unit length.

    Examples
    --------
    >>> representation_std(torch.ones(4, 8))
    0.0
    """
    unit = torch.nn.functional.normalize(features.detach().float(), dim=1)
    return float((unit.var(dim=0).mean() * features.shape[1]).sqrt())


def has_collapsed(spread: float) -> bool:
    """Whether a `representation_std` is that of a collapsed model; NaN is."""
    return not spread >= COLLAPSED_BELOW


def collapse_warning(spread: float) -> str:
    """Say in one sentence what happened and what helps."""
    return (
        f"the model has collapsed: it represents all images alike (spread {spread:.2g}, 0 means identical), "
        "so its embeddings say nothing; lower optimizer.lr or optimizer.weight_decay, raise "
        "loader.batch_size, or check that the images differ at all"
    )
