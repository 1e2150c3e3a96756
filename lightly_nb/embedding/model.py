"""The model as the pass calls it: pixels in, embeddings out, in the fastest number format that keeps them.

A batch is computed by one thread of its own. So all CPUs are busy without the model waiting for readers,
and a result depends neither on the number of threads nor on which thread it came from.
"""

from __future__ import annotations

import contextlib
import copy
import threading
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from lightly_nb.errors import CheckpointError, InputError
from lightly_nb.models import EmbeddingModel

LOWEST_COSINE = 0.999
"""Between a reduced-precision and an fp32 embedding; below it, fp32 is used."""
PRECISIONS = {"32": torch.float32, "bf16": torch.bfloat16, "16": torch.float16}
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
    precision : str or None
        A key of `PRECISIONS`. None: bf16 on CPUs and 16 on GPUs that are fast with them, if the
        embeddings of some probes keep a cosine of `LOWEST_COSINE` to those in fp32.

    Attributes
    ----------
    precision : str
        The one in use.
    """

    def __init__(self, model: EmbeddingModel, device: torch.device, precision: str | None):
        if precision is not None and precision not in PRECISIONS:
            raise InputError(f"precision: got {precision!r}, allowed are {', '.join(PRECISIONS)} and None")
        self.device, self.input_size = device, model.input_size
        self._lock = contextlib.nullcontext() if device.type == "cpu" else threading.Lock()
        self._mean = torch.tensor(model.mean, device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(model.std, device=device).view(1, 3, 1, 1)
        module = _fused(model.module).to(device).to(memory_format=torch.channels_last)
        self._refuse_unfit(module, model)
        self.precision, self._module = self._fastest_sound(module, precision)

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Return the embeddings, float32 (n, d), of `pixels`, uint8 (n, s, s, 3)."""
        return self._run(self._module, self.precision, pixels)

    def _run(self, module: nn.Module, precision: str, pixels: np.ndarray) -> np.ndarray:
        with torch.inference_mode(), self._lock:
            features: torch.Tensor = module(self._normalised(pixels).to(PRECISIONS[precision]))
            return np.asarray(features.float().flatten(1).cpu())

    def _refuse_unfit(self, module: nn.Module, model: EmbeddingModel) -> None:
        """Raise, before any work, if the model does not turn two images into two finite vectors."""
        size = f"images of {self.input_size} x {self.input_size} pixels"
        try:
            with torch.inference_mode(), self._lock:
                features = module(self._normalised(_probes(self.input_size)[:2]))
        except Exception as error:  # whatever a module raises on what it cannot take
            said = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise InputError(
                f"model {model.name}: it cannot take {size} ({said}); give another input_size, or wrap "
                "what it needs into the module"
            ) from error
        if not _is_a_vector_each(features, 2):
            got = tuple(features.shape) if isinstance(features, torch.Tensor) else type(features).__name__
            raise InputError(
                f"model {model.name}: expected (2, d) features for 2 {size}, got {got}; wrap the module so "
                "that it gives one vector an image, for example torch.nn.Sequential(module, "
                "torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())"
            )
        refuse_not_finite(np.asarray(features.float().flatten(1).cpu()))

    def _normalised(self, pixels: np.ndarray) -> torch.Tensor:
        batch = torch.from_numpy(pixels).to(self.device).permute(0, 3, 1, 2).float()
        return batch.div_(255).sub_(self._mean).div_(self._std)

    def _fastest_sound(self, module: nn.Module, precision: str | None) -> tuple[str, nn.Module]:
        candidates = [precision] if precision else _fast_precisions(self.device)
        probes = _probes(self.input_size)
        reference = self._run(module, "32", probes) if not precision and candidates else None
        for name in candidates:
            reduced = copy.deepcopy(module).to(PRECISIONS[name])
            if (
                reference is None
                or _lowest_cosine(self._run(reduced, name, probes), reference) >= LOWEST_COSINE
            ):
                return name, reduced
        return "32", module


def _is_a_vector_each(features: object, n: int) -> bool:
    """Whether `features` is a tensor (n, d), d > 0, or one with further axes of length 1."""
    if not isinstance(features, torch.Tensor) or features.ndim < 2:
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


def _fast_precisions(device: torch.device) -> list[str]:
    """Return the reduced precisions that `device` has instructions for."""
    if device.type == "cuda":
        return ["16", "bf16"] if torch.cuda.is_bf16_supported() else ["16"]
    if device.type != "cpu":
        return []
    asks = [getattr(torch.cpu, f"_is_{name}_supported", None) for name in ("avx512_bf16", "amx_tile")]
    return ["bf16"] if any(ask() for ask in asks if ask) else []


def _probes(size: int) -> np.ndarray:
    """Return eight smooth coloured patterns, uint8 (8, size, size, 3), the same on every call."""
    coarse = np.random.default_rng(0).integers(0, 256, (8, 5, 5, 3), dtype=np.uint8)
    grown = nn.functional.interpolate(
        torch.from_numpy(coarse).permute(0, 3, 1, 2).float(), (size, size), mode="bicubic"
    )
    return grown.clamp(0, 255).permute(0, 2, 3, 1).to(torch.uint8).contiguous().numpy()


def _lowest_cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Return the lowest cosine of a row of `a` to the same row of `b`; -1 if one is not finite."""
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine = (a * b).sum(axis=1) / np.maximum(lengths, np.finfo(np.float32).tiny)
    return float(cosine.min()) if np.isfinite(cosine).all() else -1.0


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
