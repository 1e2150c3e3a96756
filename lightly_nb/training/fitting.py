"""The training itself: from images in memory to checkpoints in a folder, run by Lightning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from lightly_nb.config import LightlyConfig
from lightly_nb.config.lightly import is_pretrained
from lightly_nb.errors import InputError, RunCanceled, RunError
from lightly_nb.events import Listener, Stage, say
from lightly_nb.models import METHODS, Checkpoint, Method, ModelSettings, pretrained_backbone
from lightly_nb.signals import RunTerminated
from lightly_nb.training.batches import Batches, Loader, Views, seed_everything
from lightly_nb.training.chance import chance_warning, is_at_chance
from lightly_nb.training.checkpoint_files import LAST, epoch_path, epoch_paths, save_epoch
from lightly_nb.training.collapse import collapse_warning, has_collapsed
from lightly_nb.training.device import (
    STEP,
    choose_device,
    choose_precision,
    choose_workers,
    free_memory,
)
from lightly_nb.training.expectation import seconds_of, what_to_expect
from lightly_nb.training.fine_tuning import freeze, memory_of_views, save_memory, what_it_gains
from lightly_nb.training.images import Images
from lightly_nb.training.quiet import interruptible
from lightly_nb.training.start import model_settings

SMALLEST_INPUT_SIZE = 32
"""Of a pretrained backbone."""

if TYPE_CHECKING:  # Lightning takes seconds to import
    from lightly_nb.training.module import EpochResult, Training


def fit(
    images: Images,
    config: LightlyConfig,
    start: Checkpoint | None,
    folder: Path,
    on_broken: Callable[[str, str], None],
    on_event: Listener,
) -> Path:
    """Train on `images` from `start` until `trainer.max_epochs`, and return the newest checkpoint.

    Parameters
    ----------
    images : Images
        At least two.
    config : LightlyConfig
        All settings.
    start : Checkpoint or None
        Weights to start from; with its `resume`, also the epochs that are done.
    folder : pathlib.Path
        Gets the checkpoints.
    on_broken : callable
        Called with the name of each image that could not be read, and why.
    on_event : Listener
        Gets progress, warnings and the result of each epoch.
    """
    from lightly_nb.training.module import EachEpoch, Training

    device = choose_device(config.trainer.gpus, on_event)
    workers, images = choose_workers(config.loader.num_workers, device, images)
    seed_everything(config.seed)
    method = build_method(config, start)
    if is_pretrained(config.model.name):
        module: Any = method.module
        n_views = 2 * min(config.loader.batch_size, len(images))
        needed = memory_of_views(module.backbone, config.collate.input_size, n_views)
        save_memory(module, needed, free_memory(device), on_event)
    resume = start.resume if start is not None else None
    done = start.epochs or 0 if start is not None and resume else 0
    batches = _batches(len(images), config, first_epoch=done + 1)
    stage = Stage(on_event, STEP, total=config.trainer.max_epochs * len(batches), unit="batch")
    stage.done = done * len(batches)
    training = Training(method, config.optimizer.model_dump(), stage, on_broken, epochs_before=done)
    save = _saver(folder, training, config, on_event)
    each_epoch = EachEpoch(batches, lambda trainer: _restore(resume, trainer, training), save)
    trainer = _trainer(config, device, folder, each_epoch, config.trainer.max_epochs - done, on_event)
    views = Views(images, method.transform, config.seed)
    if start is None:
        _say_what_to_expect(method, views, batches, config, device, on_event)
    try:
        with stage, interruptible():
            trainer.fit(training, Loader(views, batches, workers, pin_memory=device == "cuda"))
    except RunCanceled as error:
        raise RunCanceled(f"{error}; {_stopped(training.epoch, folder)}") from error
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_stopped(training.epoch, folder)) from None
    except RunTerminated as ended:
        ended.said = f"{ended.said}; {_stopped(training.epoch, folder)}"
        raise
    if not config.checkpoint_callback.save_last:
        (folder / LAST).unlink(missing_ok=True)
    return epoch_path(folder, config.trainer.max_epochs)


def build_method(config: LightlyConfig, start: Checkpoint | None) -> Method:
    """Return the method with the weights of `start`; of its head only if it is of the same form.

    Without `start`, a pretrained backbone has its own weights. Layers that `config` wants frozen are.
    """
    collate, name = config.collate.model_dump(), config.model.name
    settings = model_settings(config)
    method = METHODS[config.model.method](settings, config.criterion.model_dump(), collate)
    module: Any = method.module
    if start is not None:
        own = {key: value.shape for key, value in module.state_dict().items()}
        fitting = {key: value for key, value in start.weights.items() if own.get(key) == value.shape}
        module.load_state_dict(fitting, strict=False)
    elif is_pretrained(name):
        module.backbone.load_state_dict(pretrained_backbone(name).module.state_dict())
    if is_pretrained(name):
        _refuse_impossible_size(module.backbone, settings)
        freeze(module.backbone, config.model.frozen_layers)
    return method


def _refuse_impossible_size(backbone: Any, settings: ModelSettings) -> None:
    name, input_size, own = settings.name, settings.input_size, settings.embedding_size
    try:
        if input_size < SMALLEST_INPUT_SIZE:
            raise ValueError(f"it needs at least {SMALLEST_INPUT_SIZE}")
        with torch.inference_mode():
            backbone.eval()(torch.zeros(1, 3, input_size, input_size))
    except Exception as error:  # what an architecture does not bear it says in its own way
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"lightly_config collate.input_size: got {input_size}, but the backbone {name} cannot take "
            f"images of {input_size} x {input_size} pixels ({said}); take another size, such as its own, "
            f"{own}"
        ) from error


def _say_what_to_expect(
    method: Method, views: Views, batches: Batches, config: LightlyConfig, device: str, on_event: Listener
) -> None:
    """Say what a training brings before it starts; it takes no part of the randomness of the training."""
    settings = model_settings(config)
    if is_pretrained(settings.name):
        say(on_event, STEP, what_it_gains(settings.input_size, settings.embedding_size), "warning")
        return
    n_seen = config.trainer.max_epochs * len(batches) * batches.batch_size
    with torch.random.fork_rng(devices=[]):
        seconds = seconds_of(method, views, n_seen, settings.input_size, device)
    say(on_event, STEP, what_to_expect(settings.name, seconds), "warning")


def _batches(n: int, config: LightlyConfig, *, first_epoch: int) -> Batches:
    loader = config.loader
    batches = Batches(
        n, loader.batch_size, shuffle=loader.shuffle, drop_last=loader.drop_last, seed=config.seed
    )
    batches.epoch = first_epoch
    return batches


def _trainer(
    config: LightlyConfig, device: str, folder: Path, callback: Any, max_epochs: int, on_event: Listener
) -> Any:
    import pytorch_lightning as pl
    from pytorch_lightning.plugins.environments import LightningEnvironment

    return pl.Trainer(
        accelerator=device,
        devices=1,
        precision=choose_precision(config.trainer.precision, device, on_event),
        max_epochs=max_epochs,
        callbacks=[callback],
        plugins=[LightningEnvironment()],  # not that of a cluster, which may have set its own variables
        default_root_dir=folder,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )


def _saver(
    folder: Path, module: Training, config: LightlyConfig, on_event: Listener
) -> Callable[[Any, EpochResult], None]:
    """Return what is called with the trainer and the result of each epoch."""
    from lightly_nb.training.module import say_epoch

    said_collapsed = False

    def finish_epoch(trainer: Any, result: EpochResult) -> None:
        nonlocal said_collapsed
        if not result.n_images:
            raise RunError(f"training: no image could be read in epoch {result.epochs}; see the warnings")
        spread, chance = result.representation_std, result.chance_loss
        at_chance = is_at_chance(result.loss, chance)
        save_epoch(
            folder,
            module.model,
            model_settings(config),
            epochs=result.epochs,
            training={
                "loss": result.loss,
                "chance_loss": chance,
                "at_chance": at_chance,
                "representation_std": spread,
                "collapsed": has_collapsed(spread),
            },
            resume=_state(trainer, module),
            save_top_k=config.checkpoint_callback.save_top_k,
        )
        if has_collapsed(spread) and not said_collapsed:
            said_collapsed = True
            say(on_event, STEP, collapse_warning(spread), "warning")
        if at_chance and chance is not None and result.epochs == config.trainer.max_epochs:
            say(
                on_event,
                STEP,
                chance_warning(result.loss, chance, is_pretrained(config.model.name)),
                "warning",
            )
        say_epoch(on_event, result, config.trainer.max_epochs)

    return finish_epoch


def _state(trainer: Any, module: Any) -> dict[str, Any]:
    return {
        "optimizer": trainer.optimizers[0].state_dict(),
        "criterion": {name: buffer.detach().cpu() for name, buffer in _used_buffers(module.criterion)},
        "precision": trainer.precision_plugin.state_dict(),
    }


def _used_buffers(criterion: Any) -> list[tuple[str, Any]]:
    """Return the buffers that hold something: those of a memory bank without entries are never written to."""
    size = getattr(getattr(criterion, "memory_bank", criterion), "size", (1,))
    is_empty = isinstance(size, tuple) and size[:1] == (0,)
    return [] if is_empty else list(criterion.named_buffers())


def _restore(resume: Any, trainer: Any, module: Any) -> None:
    if not resume:
        return
    optimizer = trainer.optimizers[0]
    keys = (*module.optimizer_settings, "highest_lr")
    settings = [{key: group[key] for key in keys if key in group} for group in optimizer.param_groups]
    optimizer.load_state_dict(resume["optimizer"])
    for group, asked in zip(optimizer.param_groups, settings, strict=True):
        group.update(asked)  # a learning rate lowered for the rest counts
    for name, buffer in _used_buffers(module.criterion):
        kept = resume["criterion"].get(name)
        if kept is not None and kept.shape == buffer.shape:
            buffer.copy_(kept)
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
