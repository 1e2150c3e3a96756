"""The model as the pass calls it: pixels in, embeddings out, in the fastest number format that keeps them.

A batch is computed by one thread of its own. So all CPUs are busy without the model waiting for readers,
and a result depends neither on the number of threads nor on which thread it came from.
"""

from __future__ import annotations

import contextlib
import copy
import threading
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from lightly_nb.errors import CheckpointError, InputError
from lightly_nb.models import EmbeddingModel

PRECISIONS = {"32": torch.float32, "bf16": torch.bfloat16, "16": torch.float16, "int8": torch.float32}
"""Number formats by name, and the type of what the module gets."""
BATCH_SIZES = {"cpu": 16, "cuda": 64}


def square(rgb: np.ndarray, side: int) -> np.ndarray:
    """Resize a picture to `side` × `side` pixels: bilinear and antialiased, within one step of Pillow.

    Parameters
    ----------
    rgb : numpy.ndarray
        uint8 of shape (height, width, 3).
    side : int
        Pixels.

    Returns
    -------
    numpy.ndarray
        uint8 of shape (side, side, 3).
    """
    with torch.inference_mode():
        pixels = rgb if rgb.flags.writeable else rgb.copy()  # torch warns of what it could not write to
        image = torch.from_numpy(pixels).permute(2, 0, 1)[None]
        small = nn.functional.interpolate(image, (side, side), mode="bilinear", antialias=True)
        return np.asarray(small[0].permute(1, 2, 0))


class Embedder:
    """Calls a module on batches of pixels; safe to call from several threads.

    Parameters
    ----------
    model : EmbeddingModel
        The model.
    device : torch.device
        Where it computes.
    precision : str
        A key of `PRECISIONS`.
    """

    def __init__(self, model: EmbeddingModel, device: torch.device, precision: str = "32"):
        if precision not in PRECISIONS:
            raise InputError(f"precision: got {precision!r}, allowed are {', '.join(PRECISIONS)} and None")
        self.device, self.input_size, self.precision = device, model.input_size, precision
        self._lock = contextlib.nullcontext() if device.type == "cpu" else threading.Lock()
        self._mean = torch.tensor(model.mean, device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(model.std, device=device).view(1, 3, 1, 1)
        if precision == "int8":
            self._module = _in_int8(model, device)
        else:
            module = _fused(model.module).to(device).to(memory_format=torch.channels_last)
            self._module = module.to(PRECISIONS[precision])
        self._refuse_unfit(model)

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Return the embeddings, float32 (n, d), of `pixels`, uint8 (n, s, s, 3)."""
        with torch.inference_mode(), self._lock:
            features = self._module(self._normalised(pixels))
            return np.asarray(features.float().flatten(1).cpu())

    def _refuse_unfit(self, model: EmbeddingModel) -> None:
        """Raise, before any work, if the model does not turn two images into two finite vectors."""
        size = f"images of {self.input_size} x {self.input_size} pixels"
        try:
            with torch.inference_mode(), self._lock:
                features: object = self._module(self._normalised(_probes(self.input_size)))
        except Exception as error:  # whatever a module raises on what it cannot take
            said = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise InputError(
                f"model {model.name}: it cannot take {size} ({said}); give another input_size, or wrap "
                "what it needs into the module"
            ) from error
        if not _is_a_vector_each(features, 2):
            got = tuple(features.shape) if isinstance(features, Tensor) else type(features).__name__
            raise InputError(
                f"model {model.name}: expected (2, d) features for 2 {size}, got {got}; wrap the module so "
                "that it gives one vector an image, for example torch.nn.Sequential(module, "
                "torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())"
            )
        assert isinstance(features, Tensor)
        refuse_not_finite(np.asarray(features.float().flatten(1).cpu()))

    def _normalised(self, pixels: np.ndarray) -> torch.Tensor:
        batch = torch.from_numpy(pixels).to(self.device).permute(0, 3, 1, 2).float()
        return batch.div_(255).sub_(self._mean).div_(self._std).to(PRECISIONS[self.precision])


def _in_int8(model: EmbeddingModel, device: torch.device) -> Callable[[Tensor], Tensor]:
    """Return the model in 8-bit integers, as a function of tensors."""
    if model.int8 is None:
        raise InputError(
            f"precision: got 'int8', but {model.name} has no such form at {model.input_size} pixels; only "
            "efficientnet-lite0 has, at multiples of 32"
        )
    if device.type != "cpu":
        raise InputError(f"precision: got 'int8', which runs on CPUs, but the device is {device.type}")
    run = model.int8()
    return lambda images: torch.from_numpy(run(images.contiguous().numpy()))


def _is_a_vector_each(features: object, n: int) -> bool:
    """Whether `features` is a tensor (n, d), d > 0, or one with further axes of length 1."""
    if not isinstance(features, Tensor) or features.ndim < 2:
        return False
    rows, length, *others = features.shape
    return rows == n and length > 0 and all(one == 1 for one in others)


def _fused(module: nn.Module) -> nn.Module:
    """Return a copy in evaluation mode, its batch norms folded into the convolutions where torch can."""
    from torch.fx.experimental.optimization import fuse

    module = copy.deepcopy(module).eval().float()
    try:
        return fuse(module)
    except Exception:  # modules that cannot be traced raise anything; they work as they are
        return module


def _probes(size: int) -> np.ndarray:
    """Return two smooth coloured patterns, uint8 (2, size, size, 3), the same on every call."""
    coarse = np.random.default_rng(0).integers(0, 256, (2, 5, 5, 3), dtype=np.uint8)
    grown = nn.functional.interpolate(
        torch.from_numpy(coarse).permute(0, 3, 1, 2).float(), (size, size), mode="bicubic"
    )
    return grown.clamp(0, 255).permute(0, 2, 3, 1).to(torch.uint8).contiguous().numpy()


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch from starting threads of its own: beside ours they would wait for each other, spinning."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def resolve_device(device: str | torch.device | None) -> torch.device:
    """Return the device asked for; of None, the first GPU if there is one, else the CPU."""
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
        torch.zeros(1, device=resolved)
    except Exception as error:  # torch raises RuntimeError, AssertionError, NotImplementedError, …
        raise InputError(
            f"device: {device!r} cannot be used ({str(error).splitlines()[0]}); try 'cpu'"
        ) from error
    return resolved


def refuse_not_finite(embeddings: np.ndarray) -> None:
    """Raise `CheckpointError` if an embedding has a value that is not a number."""
    if not np.isfinite(embeddings).all():
        raise CheckpointError(
            "the model gives embeddings that are not finite; train again with a lower optimizer.lr, "
            "or pass precision='32'"
        )
