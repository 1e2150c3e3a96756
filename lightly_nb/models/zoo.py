"""Pretrained weights of the `lightly` package, downloaded once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch

from lightly_nb.errors import CheckpointError
from lightly_nb.models.checkpoint import load_checkpoint
from lightly_nb.models.sources.reaching import SECONDS, reachable, socket_timeout, weights_folder

INSTEAD = (
    "instead, take efficientnet-lite0, which ships with the package and is the default, train on your own "
    "images (enable_training: True with trainer.max_epochs, or lightly_nb.train), or pass checkpoint=… with "
    "the path of a checkpoint"
)


def pretrained(
    name: str = "resnet-18", num_ftrs: int = 32, width: float = 1.0, *, timeout: float = 20.0
) -> Path:
    """Return the checkpoint of the `lightly` model zoo for that model, downloading it once.

    Parameters
    ----------
    name, num_ftrs, width
        The model, as in `lightly_config.model`.
    timeout : float
        Seconds that the server may stay silent.

    Returns
    -------
    pathlib.Path
        A file in torch's hub folder that `load_checkpoint` has read and found to fit.

    Raises
    ------
    CheckpointError
        If the zoo has no such model, or it cannot be downloaded; says what to do instead.
    """
    from lightly.models.zoo import ZOO

    key = f"{name}/simclr/d{num_ftrs}/w{float(width)}"
    if key not in ZOO:
        raise CheckpointError(
            f"model: there are no pretrained weights for {key!r}; there are some for "
            f"{', '.join(sorted(ZOO))}; {INSTEAD}"
        )
    path = _local_path(ZOO[key])
    fresh = not path.exists()
    if fresh:
        _download(ZOO[key], path, key, timeout)
    try:
        load_checkpoint(path, name=name, num_ftrs=num_ftrs, width=width)
    except CheckpointError:
        if fresh:
            path.unlink()
        raise
    return path


def zoo_keys() -> list[str]:
    """Return the names of the models in the zoo."""
    from lightly.models.zoo import ZOO

    return sorted(ZOO)


def _local_path(url: str) -> Path:
    # the address is part of the name: another zoo may serve other weights under the same file name
    address = hashlib.sha256(url.encode()).hexdigest()[:8]
    return weights_folder() / f"{address}-{url.rsplit('/', 1)[-1]}"


def _download(url: str, path: Path, key: str, timeout: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        if not reachable(url, min(timeout, SECONDS)):
            raise OSError("the server does not answer")
        with socket_timeout(timeout):
            torch.hub.download_url_to_file(url, str(path), progress=False)
    except (OSError, RuntimeError) as error:
        raise CheckpointError(
            f"model: the pretrained weights {key!r} could not be downloaded from {url} ({error}); "
            f"go online and try again, or put the file there as {path}; {INSTEAD}"
        ) from error
