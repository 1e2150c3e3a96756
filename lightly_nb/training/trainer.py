"""`train`: samples in, a checkpoint out."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightly_nb.errors import InputError, RunCanceled
from lightly_nb.events import Listener, ProgressBar, Stage, say
from lightly_nb.models import METHODS, Checkpoint, Method
from lightly_nb.samples import Samples
from lightly_nb.training.batches import Batches, Loader, Views, seed_everything
from lightly_nb.training.collapse import collapse_warning, has_collapsed
from lightly_nb.training.device import choose_device, choose_precision, choose_workers, memory_for_images
from lightly_nb.training.images import Images, pixels_needed, read_images
from lightly_nb.training.keeping import LAST, epoch_path, epoch_paths, keep, prepare_folder
from lightly_nb.training.quiet import interruptible, own_randomness, quiet
from lightly_nb.training.start import (
    AnyConfig,
    given_checkpoint,
    interrupted_training,
    model_settings,
    settled_config,
)

if TYPE_CHECKING:
    from lightly_nb.config import LightlyConfig

STEP = "TRAINING"


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
        `checkpoint`. None: as `lightly_config` says (100).
    checkpoint : path or None
        Start from these weights. A `last.ckpt` brings optimizer and epochs with it; any other file counts
        as epoch 0. None: random weights.
    output_dir : path or None
        Folder of the checkpoints. None: a new one below `lightly_outputs` in the current folder.
    lightly_config : LightlyConfig, dict or None
        All settings, dotted keys allowed, for example `{"model.name": "resnet-9", "optimizer.lr": 0.5}`.
        None: the defaults, with the model of `checkpoint` if one is given.
    seed : int or None
        Seed of weights, order and views. None: as `lightly_config` says (1).
    on_event : Listener or None
        Hears steps LOADING_DATASET and TRAINING; metrics are `epoch` (from 1), `loss`, `images_per_second`
        and `representation_std` (0 collapsed, 1 spread evenly), and in one event after each epoch also
        `epoch_loss`. It may raise `RunCanceled`. None: progress bars.

    Returns
    -------
    pathlib.Path
        `lightly_epoch_X.ckpt`, X the number of epochs. Its `training` part says whether the model
        has collapsed, which is also a warning event.

    Raises
    ------
    InputError
        If there are fewer than two usable images, or nothing to return with `max_epochs` 0.
    CheckpointError
        If `checkpoint` cannot be used for this model.
    RunError
        If the loss diverges or a checkpoint cannot be written; earlier checkpoints are kept.
    RunCanceled, KeyboardInterrupt
        If the training was stopped; the message names the checkpoint that is kept.
    """
    on_event = ProgressBar() if on_event is None else on_event
    start = given_checkpoint(checkpoint, lightly_config)
    config = settled_config(lightly_config, start, max_epochs, seed)
    if config.trainer.max_epochs == 0:
        return _nothing_to_train(start)
    _check(samples, start, config)
    folder = prepare_folder(output_dir)
    start = interrupted_training(folder, model_settings(config)) or start
    if start is not None and start.resume and (start.epochs or 0) >= config.trainer.max_epochs:
        return _finished_before(folder, start, config)
    broken = _BrokenOnce(on_event)
    images = _read(samples, config, broken, on_event)
    with quiet(), own_randomness():
        return _fit(images, config, start, folder, broken, on_event)


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
        module = _build(config, last).module
        keep(
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
    """Warns of each broken image once, however often it is met."""

    def __init__(self, on_event: Listener):
        self.on_event, self.seen = on_event, set[str]()

    def __call__(self, filename: str, said: str) -> None:
        if filename not in self.seen:
            self.seen.add(filename)
            say(self.on_event, STEP, f"{filename} is left out of training: {said}", "warning")


def _read(
    samples: Samples, config: LightlyConfig, on_broken: Callable[[str, str], None], on_event: Listener
) -> Images:
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


def _build(config: LightlyConfig, start: Checkpoint | None) -> Method:
    """Return the method with the weights of `start`; of its head only if it is of the same form."""
    collate = config.collate.model_dump()
    method = METHODS[config.model.method](model_settings(config), config.criterion.model_dump(), collate)
    if start is not None:
        own = {key: value.shape for key, value in method.module.state_dict().items()}
        fitting = {key: value for key, value in start.weights.items() if own.get(key) == value.shape}
        method.module.load_state_dict(fitting, strict=False)
    return method


def _fit(
    images: Images,
    config: LightlyConfig,
    start: Checkpoint | None,
    folder: Path,
    on_broken: Callable[[str, str], None],
    on_event: Listener,
) -> Path:
    import pytorch_lightning as pl
    from pytorch_lightning.plugins.environments import LightningEnvironment

    from lightly_nb.training.module import EachEpoch, EpochResult, Training, say_epoch

    device = choose_device(config.trainer.gpus, on_event)
    workers, images = choose_workers(config.loader.num_workers, device, images)
    seed_everything(config.seed)
    method = _build(config, start)
    resume = start.resume if start is not None else None
    done = start.epochs or 0 if start is not None and resume else 0
    loader = config.loader
    batches = Batches(
        len(images), loader.batch_size, shuffle=loader.shuffle, drop_last=loader.drop_last, seed=config.seed
    )
    left = config.trainer.max_epochs - done
    stage = Stage(on_event, STEP, total=config.trainer.max_epochs * len(batches), unit="batch")
    stage.done = done * len(batches)
    module = Training(method, config.optimizer.model_dump(), stage, on_broken)
    module.epochs_before, batches.epoch = done, done + 1
    said_collapsed = False

    def begin(trainer: pl.Trainer) -> None:
        if resume:
            _restore(resume, trainer, module)

    def finish_epoch(trainer: pl.Trainer, result: EpochResult) -> None:
        nonlocal said_collapsed
        collapsed = has_collapsed(result.representation_std)
        keep(
            folder,
            method.module,
            model_settings(config),
            epochs=result.epochs,
            training={
                "loss": result.loss,
                "representation_std": result.representation_std,
                "collapsed": collapsed,
            },
            resume=_state(trainer, module),
            save_top_k=config.checkpoint_callback.save_top_k,
        )
        if collapsed and not said_collapsed:
            said_collapsed = True
            say(on_event, STEP, collapse_warning(result.representation_std), "warning")
        say_epoch(on_event, result, config.trainer.max_epochs)

    trainer = pl.Trainer(
        accelerator=device,
        devices=1,
        precision=choose_precision(config.trainer.precision, device, on_event),
        max_epochs=left,
        callbacks=[EachEpoch(batches, begin, finish_epoch)],
        plugins=[LightningEnvironment()],  # not that of a cluster, which may have set its own variables
        default_root_dir=folder,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    views = Views(images, method.transform, config.seed)
    try:
        with stage, interruptible():
            trainer.fit(module, Loader(views, batches, workers, pin_memory=device == "cuda"))
    except RunCanceled as error:
        raise RunCanceled(f"{error}; {_stopped(module.epoch, folder)}") from error
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_stopped(module.epoch, folder)) from None
    if not config.checkpoint_callback.save_last:
        (folder / LAST).unlink()
    return epoch_path(folder, config.trainer.max_epochs)


def _state(trainer: Any, module: Any) -> dict[str, Any]:
    return {
        "optimizer": trainer.optimizers[0].state_dict(),
        "criterion": {name: buffer.detach().cpu() for name, buffer in module.criterion.named_buffers()},
        "precision": trainer.precision_plugin.state_dict(),
    }


def _restore(resume: Any, trainer: Any, module: Any) -> None:
    optimizer = trainer.optimizers[0]
    settings = {key: optimizer.param_groups[0][key] for key in module.optimizer_settings}
    optimizer.load_state_dict(resume["optimizer"])
    optimizer.param_groups[0].update(settings)  # a learning rate lowered for the rest counts
    for name, buffer in module.criterion.named_buffers():
        if name in resume["criterion"]:
            buffer.copy_(resume["criterion"][name])
    if resume["precision"]:
        trainer.precision_plugin.load_state_dict(resume["precision"])


def _stopped(epoch: int, folder: Path) -> str:
    kept = epoch_paths(folder)
    said = (
        f"{kept[0]} is kept; go on with output_dir or checkpoint={folder / LAST}"
        if kept
        else "no epoch was finished, so there is no checkpoint"
    )
    return f"training stopped in epoch {epoch}: {said}"
