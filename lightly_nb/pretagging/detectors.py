"""The detectors by name: a table of functions that make one. Weights are fetched once, by URL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lightly_nb.config.worker import PRETAGGING_CATEGORIES as CATEGORIES
from lightly_nb.errors import CheckpointError, InputError
from lightly_nb.models.sources.reaching import reachable, socket_timeout, weights_folder
from lightly_nb.pretagging.detection import Detector

DEFAULT = "fasterrcnn_resnet50_fpn"
COCO_LABELS = {1: "person", 2: "bicycle", 3: "car", 4: "motorcycle", 6: "bus", 7: "train", 8: "truck"}
"""What they are among the 91 labels of torchvision's detectors; all others are left out."""
TIMEOUT = 20.0


def torchvision_detector(name: str) -> Detector:
    """Return a detector of torchvision, trained on COCO, that knows the platform's seven categories.

    Raises
    ------
    CheckpointError
        If the weights are not here and cannot be downloaded, or the file cannot be used.
    """
    import torch
    from torchvision import models

    weights: Any = models.get_model_weights(name).DEFAULT
    if name == DEFAULT:
        weights = models.get_weight("FasterRCNN_ResNet50_FPN_Weights.COCO_V1")
    path = weights_folder() / weights.url.rsplit("/", 1)[-1]
    advice = (
        f"go online and try again, or put the file there as {path}; or bring a detector of your own: "
        "lightly_nb.pretag(samples, detector), lightly_nb.run(…, detector=…)"
    )
    where = f"detector '{name}'"
    _fetch(weights.url, path, where, advice)
    try:
        torch.load(path, map_location="cpu", weights_only=True, mmap=True)  # first: nothing in it may be code
        module = models.get_model(name, weights=weights, progress=False).eval()
    except Exception as error:  # zip files, pickles and tensors of another model all fail in their own way
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(
            f"{where}: the file {path} cannot be used ({said}); delete it, then {advice}"
        ) from error
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return _Torchvision(module.to(device), device)


def _fetch(url: str, path: Path, where: str, advice: str) -> None:
    import torch

    if path.exists():
        return
    if not reachable(url):
        raise CheckpointError(f"{where}: no weights here, and {url} cannot be reached; {advice}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with socket_timeout(TIMEOUT):
            checksum = path.stem.rpartition("-")[2]
            torch.hub.download_url_to_file(url, str(path), hash_prefix=checksum, progress=False)
    except (OSError, RuntimeError) as error:
        said = str(error).splitlines()[0]
        raise CheckpointError(
            f"{where}: its weights could not be downloaded from {url} ({said}); {advice}"
        ) from error


class _Torchvision:
    """A detector of torchvision on arrays: what it finds beside the seven categories is left out."""

    categories = CATEGORIES

    def __init__(self, module: Any, device: Any):
        self.module, self.device = module, device

    def __call__(self, images: list[np.ndarray]) -> tuple[list[Any], list[Any], list[Any]]:
        import torch

        batch = [torch.from_numpy(image).to(self.device).permute(2, 0, 1).float() / 255 for image in images]
        with torch.inference_mode():
            outputs = [{key: values.cpu() for key, values in one.items()} for one in self.module(batch)]
        boxes, scores, labels = [], [], []
        for one in outputs:
            rows = [row for row, label in enumerate(one["labels"].tolist()) if label in COCO_LABELS]
            boxes.append(one["boxes"][rows].numpy())
            scores.append(one["scores"][rows].numpy())
            labels.append([COCO_LABELS[label] for label in one["labels"][rows].tolist()])
        return boxes, scores, labels


DETECTORS: Mapping[str, Callable[[], Detector]] = {
    name: partial(torchvision_detector, name)
    for name in (
        DEFAULT,
        "fasterrcnn_resnet50_fpn_v2",
        "fasterrcnn_mobilenet_v3_large_fpn",
        "fasterrcnn_mobilenet_v3_large_320_fpn",
        "ssdlite320_mobilenet_v3_large",
    )
}
"""What makes a detector, by its name. A new one is a line here, and its name in `config.worker`."""


def resolve_detector(
    detector: str | Detector = DEFAULT, table: Mapping[str, Callable[[], Detector]] | None = None
) -> tuple[str, Detector]:
    """Return the name to show of a detector, and itself, ready to detect.

    Parameters
    ----------
    detector : str or callable
        A name of the table, or a `Detector` as it is.
    table : mapping
        None: `DETECTORS`.

    Raises
    ------
    InputError
        If there is none of that name.
    CheckpointError
        If its weights are not here and cannot be downloaded: within seconds.
    """
    table = DETECTORS if table is None else table
    if callable(detector):
        return str(getattr(detector, "__name__", type(detector).__name__)), detector
    if not isinstance(detector, str):
        raise InputError(
            f"detector: got a {type(detector).__name__}; allowed are a name ({', '.join(table)}) and a "
            "callable that takes a list of uint8 RGB arrays and returns boxes, scores, labels"
        )
    if detector not in table:
        near = get_close_matches(detector, table, n=1, cutoff=0.4)
        guess = f"did you mean '{near[0]}'? " if near else ""
        raise InputError(
            f"detector: there is no '{detector}'; {guess}Allowed are {', '.join(table)}, and a callable"
        )
    return detector, table[detector]()
