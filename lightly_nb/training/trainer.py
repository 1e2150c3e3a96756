"""`train`: samples in, a checkpoint out."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lightly_nb.config.lightly import is_pretrained
from lightly_nb.errors import InputError
from lightly_nb.events import Listener, ProgressBar, say
from lightly_nb.models import Checkpoint
from lightly_nb.samples import Samples
from lightly_nb.samples.arguments import CONFIG, FUNCTION, PATH, SAMPLES, WHOLE, accepts
from lightly_nb.training.checkpoint_files import epoch_path, held_for_training, prepare_folder, save_epoch
from lightly_nb.training.device import memory_for_images
from lightly_nb.training.fitting import build_method, fit
from lightly_nb.training.images import Images, pixels_needed, read_images
from lightly_nb.training.quiet import own_randomness, quiet
from lightly_nb.training.start import (
    AnyConfig,
    interrupted_training,
    model_settings,
    settled_config,
    starting_checkpoint,
)
from lightly_nb.turns import taking_turns

if TYPE_CHECKING:
    from lightly_nb.config import LightlyConfig

STEP = "TRAINING"
MOST_WARNINGS = 3
"""So many broken images are named in a warning each; the embedding quarantines them all."""


@accepts(
    samples=SAMPLES,
    checkpoint=PATH,
    output_dir=PATH,
    lightly_config=CONFIG,
    max_epochs=WHOLE,
    seed=WHOLE,
    on_event=FUNCTION,
)
@taking_turns
def train(
    samples: Samples,
    *,
    max_epochs: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    output_dir: str | os.PathLike[str] | None = None,
    lightly_config: AnyConfig = None,
    seed: int | None = None,
    on_event: Listener | None = None,
) -> Path:
    """Train a self-supervised model on the images of `samples`, without labels.

    By default the backbone of the embedder that ships with the package is trained on for an epoch at 128
    pixels, with the defaults of configuration.md for pretrained backbones. That gains little, and a larger
    input more: see the event before it starts, and compare with `embed(samples)` without a checkpoint.

    Images are decoded once and shrunk to the size from which no random crop is enlarged; what a batch looks
    like depends on the seed alone, so two runs on the same machine give the same weights. A broken image is
    left out with a warning. After each epoch the checkpoint is written, and `last.ckpt` beside it, from which
    an interrupted training goes on: call again with the same `output_dir`, or with `checkpoint=` that file.

    Parameters
    ----------
    samples : Samples
        At least two images, with a source.
    max_epochs : int or None
        Passes over the samples, those before an interruption included. 0 does nothing and returns
        `checkpoint`. None: as `lightly_config` says (1 for a pretrained backbone, 100 for a ResNet).
    checkpoint : path or None
        Start from these weights. A `last.ckpt` brings optimizer and epochs with it; any other file counts
        as epoch 0. None: those of a pretrained backbone, random ones for a ResNet.
    output_dir : path or None
        Folder of the checkpoints. None: a new one below `lightly_outputs` in the current folder.
    lightly_config : LightlyConfig, dict or None
        All settings, dotted keys allowed, for example `{"model.name": "resnet-9", "optimizer.lr": 0.5}`.
        Where it names no model and there is no checkpoint, the model is `efficientnet-lite0`. None: the
        defaults, with the model of `checkpoint` if one is given.
    seed : int or None
        Seed of weights, order and views. None: as `lightly_config` says (1).
    on_event : Listener or None
        Hears steps LOADING_DATASET and TRAINING; metrics are `epoch` (from 1), `loss`, `images_per_second`
        and `representation_std` (0 collapsed, 1 spread evenly), and in one event after each epoch also
        `epoch_loss` and, where the method chooses among candidates, `chance_loss`, that of guessing. What to
        expect of the training is said before it starts. It may raise `RunCanceled`. None: progress bars.

    Returns
    -------
    pathlib.Path
        `lightly_epoch_X.ckpt`, X the number of epochs. Its `training` part says whether the model
        has collapsed, and whether its last loss is no better than guessing; both are also warning events.

    Raises
    ------
    InputError
        If there are fewer than two usable images, or nothing to return with `max_epochs` 0.
    CheckpointError
        If `checkpoint` cannot be used for this model.
    RunError
        If the loss diverges or a checkpoint cannot be written; earlier checkpoints are kept. If another
        process or thread trains in the same `output_dir`.
    RunCanceled, KeyboardInterrupt, SystemExit
        If the training was stopped, by SIGTERM for one; the message names the checkpoint that is kept.
    """
    on_event = ProgressBar() if on_event is None else on_event
    start = starting_checkpoint(checkpoint, lightly_config)
    if start is not None and start.note:
        say(on_event, STEP, start.note, "warning")
    config = settled_config(lightly_config, start, max_epochs, seed)
    if config.trainer.max_epochs == 0:
        return _nothing_to_train(start)
    _check(samples, start, config)
    if is_pretrained(config.model.name):
        with own_randomness():
            build_method(config, start)  # what cannot be built is refused before anything is read
    folder = prepare_folder(output_dir)
    with held_for_training(folder):
        start = interrupted_training(folder, model_settings(config)) or start
        if start is not None and start.resume and (start.epochs or 0) >= config.trainer.max_epochs:
            return _finished_before(folder, start, config)
        broken = _BrokenOnce(on_event)
        images = read_images_for(samples, config, broken, on_event)
        with quiet(), own_randomness():
            return fit(images, config, start, folder, broken, on_event)


def _nothing_to_train(start: Checkpoint | None) -> Path:
    if start is None:
        raise InputError(
            "trainer.max_epochs is 0, which skips training, and there is no checkpoint to use instead; "
            "set max_epochs to 1 or more, or pass checkpoint=…"
        )
    return start.path


def _check(samples: Samples, start: Checkpoint | None, config: LightlyConfig) -> None:
    if samples.source is None:
        raise InputError(
            "training: these samples have no source to read images from; list them from a folder"
        )
    if len(samples) < 2:
        raise InputError(
            f"training: got {len(samples)} image{'' if len(samples) == 1 else 's'}, but comparing "
            "images takes at least 2; add images, or use a checkpoint without training "
            "(checkpoint=…, max_epochs 0)"
        )
    if start is not None and start.resume and (start.epochs or 0) >= config.trainer.max_epochs:
        raise InputError(
            f"training: {start.path} has been trained for {start.epochs} epochs already, and "
            f"trainer.max_epochs ({config.trainer.max_epochs}) counts them; raise it to train further"
        )


def _finished_before(folder: Path, last: Checkpoint, config: LightlyConfig) -> Path:
    path = epoch_path(folder, last.epochs or 0)
    if not path.exists():  # interrupted between the two files of the last epoch
        module = build_method(config, last).module
        save_epoch(
            folder,
            module,
            last.settings,
            epochs=last.epochs or 0,
            training=last.training,
            resume=last.resume or {},
            save_top_k=config.checkpoint_callback.save_top_k,
        )
    return path


class _BrokenOnce:
    """Tells of each broken image once, however often it is met; of the first few as a warning."""

    def __init__(self, on_event: Listener):
        self.on_event, self.seen = on_event, set[str]()

    def __call__(self, filename: str, said: str) -> None:
        if filename in self.seen:
            return
        self.seen.add(filename)
        level = "warning" if len(self.seen) <= MOST_WARNINGS else "info"
        say(self.on_event, STEP, f"{filename} is left out of training: {said}", level, filename)
        if len(self.seen) == MOST_WARNINGS + 1:
            say(self.on_event, STEP, "more are left out of training; embedding lists them all", "warning")


def read_images_for(
    samples: Samples, config: LightlyConfig, on_broken: Callable[[str, str], None], on_event: Listener
) -> Images:
    """Return the images of `samples`, shrunk to what `config` needs; those that are broken are left out.

    Raises
    ------
    InputError
        If fewer than two are left.
    """
    assert samples.source is not None  # checked before
    images = read_images(
        samples.source,
        samples.filenames,
        pixels=pixels_needed(config.collate.input_size, config.collate.min_scale),
        max_bytes=memory_for_images(),
        on_broken=on_broken,
        on_event=on_event,
    )
    if len(images) < 2:
        raise InputError(
            f"training: {len(images)} of {len(samples)} images can be read, but comparing images takes at "
            "least 2; see the warnings for what is wrong with the others"
        )
    return images
