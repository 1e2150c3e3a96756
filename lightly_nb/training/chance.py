"""Whether a loss is at chance: the model finds the other view of an image no better than by guessing."""

from __future__ import annotations

import math

from torch import nn

TOLERANCE = math.log(1.1)
"""The right one of the candidates must be 1.1 times as probable as each is by chance. Untrained small ResNets
reach 1.03, trained ones that learned something 1.2 and more."""


AT_CHANCE = "the loss is at chance"
"""How the warning begins."""


def chance_loss(criterion: nn.Module, n_images: int) -> float | None:
    """Return the loss of guessing in a batch: ln of the number of candidates; None where nothing is guessed.

    Parameters
    ----------
    criterion : torch.nn.Module
        The loss. Only `lightly.loss.NTXentLoss` chooses among candidates.
    n_images : int
        In the batch: 2 n - 1 candidates, or those of the memory bank and the right one.

    Examples
    --------
    >>> from lightly.loss import NTXentLoss
    >>> bank = NTXentLoss(memory_bank_size=(63, 8))
    >>> f"{chance_loss(NTXentLoss(), 16):.3f}", f"{chance_loss(bank, 16):.3f}"
    ('3.434', '4.159')
    """
    from lightly.loss import NTXentLoss

    if not isinstance(criterion, NTXentLoss):
        return None
    size = criterion.memory_bank.size
    n_negatives = int(size if isinstance(size, int) else size[0])
    return math.log(1 + n_negatives) if n_negatives else math.log(2 * n_images - 1)


def is_at_chance(loss: float, chance: float | None) -> bool | None:
    """Whether a loss is no better than guessing; None where there is nothing to guess.

    >>> is_at_chance(3.40, 3.43), is_at_chance(2.1, 3.43), is_at_chance(25.0, None)
    (True, False, None)
    """
    return None if chance is None else not loss < chance - TOLERANCE


def chance_warning(loss: float, chance: float, is_pretrained: bool) -> str:
    """Say in one sentence what happened and what helps; a pretrained backbone has not lost what it knew."""
    what = "this training has taught it nothing" if is_pretrained else "do not select with its embeddings"
    return (
        f"{AT_CHANCE}: {loss:.3g} in the last epoch, where guessing gives {chance:.3g}; the model matches "
        f"the views of an image no better than by guessing, so {what}: embed without a checkpoint, with the "
        "embedder that ships with the package, or train longer, on more images"
    )
