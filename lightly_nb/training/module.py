"""What Lightning trains: a method, its optimizer, and what is said after each batch and each epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytorch_lightning as pl
import torch
from torch import Tensor

from lightly_nb.errors import RunError
from lightly_nb.events import Event, Listener, Stage
from lightly_nb.models import Method
from lightly_nb.training.batches import Batch, Batches
from lightly_nb.training.chance import chance_loss
from lightly_nb.training.collapse import representation_std
from lightly_nb.training.fine_tuning import fine_tuning_optimizer, set_learning_rates


class EpochResult(NamedTuple):
    """The means over the batches of one epoch."""

    epochs: int
    """How many epochs are finished, this one included."""
    loss: float
    representation_std: float
    images_per_second: float
    n_images: int
    """How many images were seen."""
    chance_loss: float | None = None
    """The loss of guessing; None where the method guesses nothing."""


class Training(pl.LightningModule):  # type: ignore[misc]
    """A method on its way through its epochs.

    Parameters
    ----------
    method : Method
        Module, loss and transform.
    optimizer : mapping
        Keyword arguments of `torch.optim.SGD`: `lr`, `weight_decay`; those of a pretrained backbone, as in
        `fine_tuning`.
    stage : Stage
        Counts batches, those done before a resume included; its total is that of all epochs.
    on_broken : callable
        Called with the name of each image that could not be read, and why.
    epochs_before : int
        Epochs that are done already.
    """

    def __init__(
        self,
        method: Method,
        optimizer: Mapping[str, Any],
        stage: Stage,
        on_broken: Callable[[str, str], None],
        epochs_before: int = 0,
    ):
        super().__init__()
        self.model, self.criterion = method.module, method.loss
        self.optimizer_settings, self.stage, self.on_broken = optimizer, stage, on_broken
        self.epochs_before = epochs_before
        self._fine_tunes = bool(getattr(method.module, "is_pretrained", False))
        self.begin_epoch()

    @property
    def epoch(self) -> int:
        """Number of the current epoch, from 1, those before a resume included."""
        return int(self.epochs_before + self.current_epoch + 1)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        if self._fine_tunes:
            return fine_tuning_optimizer(self.model, self.optimizer_settings)
        return torch.optim.SGD(self.model.parameters(), **self.optimizer_settings)

    def on_train_batch_start(self, batch: Batch, index: int) -> None:
        if self._fine_tunes and self.stage.total:
            set_learning_rates(self.optimizers(), self.stage.done, self.stage.total)

    def begin_epoch(self) -> None:
        """Forget the batches of the epoch before."""
        self._losses: list[float] = []
        self._spreads: list[float] = []
        self._chances: list[float] = []
        self._n_images, self._started = 0, time.monotonic()

    def training_step(self, batch: Batch, index: int) -> Tensor | None:
        for filename, said in batch.broken:
            self.on_broken(filename, said)
        if batch.views is None or len(batch.views[0]) < 2:
            self.stage.advance()
            return None
        features, projections = self.model(torch.cat(batch.views))
        with torch.autocast(self.device.type, enabled=False):
            loss: Tensor = self.criterion(*projections.float().chunk(2))
        self._note(float(loss.detach()), features.chunk(2)[0], index)
        return loss

    def _note(self, loss: float, features: Tensor, index: int) -> None:
        if not math.isfinite(loss):
            raise RunError(
                f"training: the loss became {loss} in epoch {self.epoch}, batch {index + 1}; "
                f"the checkpoint of the epoch before, if any, is kept. "
                f"Lower optimizer.lr (it is {self.optimizer_settings['lr']:g})"
            )
        self._losses.append(loss)
        self._spreads.append(representation_std(features))
        chance = chance_loss(self.criterion, len(features))
        self._chances += [] if chance is None else [chance]
        self._n_images += len(features)
        result = self.result()
        self.stage.advance(
            epoch=self.epoch,
            loss=loss,
            images_per_second=result.images_per_second,
            representation_std=self._spreads[-1],
        )

    def result(self) -> EpochResult:
        """Return the means over the batches of the epoch so far; NaN if none could be read."""
        n = len(self._losses) or math.nan
        seconds = max(time.monotonic() - self._started, 1e-9)
        return EpochResult(
            self.epoch,
            sum(self._losses) / n,
            sum(self._spreads) / n,
            self._n_images / seconds,
            self._n_images,
            sum(self._chances) / len(self._chances) if self._chances else None,
        )


class EachEpoch(pl.Callback):  # type: ignore[misc]
    """Tells the batches their epoch, and hands on what each epoch has brought.

    Parameters
    ----------
    batches : Batches
        Whose epoch is set.
    on_start : callable
        Called with the trainer before the first epoch.
    on_end : callable
        Called with the trainer and the `EpochResult` after each epoch.
    """

    def __init__(
        self,
        batches: Batches,
        on_start: Callable[[pl.Trainer], None],
        on_end: Callable[[pl.Trainer, EpochResult], None],
    ):
        self.batches, self.on_start, self.on_end = batches, on_start, on_end

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self.on_start(trainer)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        pl_module.begin_epoch()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self.on_end(trainer, pl_module.result())
        self.batches.epoch = (
            pl_module.epoch + 1
        )  # now: workers draw the next batches before its start is told


def say_epoch(on_event: Listener, result: EpochResult, max_epochs: int) -> None:
    """Send the event of a finished epoch: `loss` and `epoch_loss` are the mean over its batches."""
    on_event(
        Event(
            time=time.time(),
            step="TRAINING",
            message=f"epoch {result.epochs} of {max_epochs}: loss {result.loss:.4g}, "
            f"{result.images_per_second:.0f} images/s",
            level="info",
            metrics={
                "epoch": result.epochs,
                "loss": result.loss,
                "epoch_loss": result.loss,
                "images_per_second": result.images_per_second,
                "representation_std": result.representation_std,
                **({} if result.chance_loss is None else {"chance_loss": result.chance_loss}),
            },
        )
    )
