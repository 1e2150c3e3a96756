"""Vectors for the selection benchmarks: Gaussian mixture, uniform sphere, and features of real
photographs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

SIDE = 16
"""Crops are shrunk to this many pixels a side."""


def mixture(n: int, d: int, seed: int = 0) -> np.ndarray:
    """Return n unit vectors around 100 Gaussian centres, noise 0.6 of the centres' spread, float32 (n, d)."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((100, d), dtype=np.float32)
    x = np.float32(0.6) * rng.standard_normal((n, d), dtype=np.float32)
    x += centres[rng.integers(100, size=n)]
    return unit(x)


def sphere(n: int, d: int, seed: int = 0) -> np.ndarray:
    """Return n unit vectors of uniform direction, the worst case: nothing is near anything. float32 (n,
    d).
    """
    return unit(np.random.default_rng(seed).standard_normal((n, d), dtype=np.float32))


def photographs(n: int, d: int = 128, cache: Path = Path("/tmp/lightly_nb_bench")) -> np.ndarray:
    """Return features of n random crops of the photographs that scikit-image and scikit-learn ship,
    float32 (n, 128).

    Each crop (48 to 256 pixels a side, anywhere) is shrunk to 16 x 16; the feature is its 64 lowest cosine
    coefficients of brightness and 32 of each colour difference, every dimension standardised, unit length.
    """
    assert d == 128
    path = cache / f"photographs_{n}.npy"
    if not path.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        np.save(path, _photograph_features(n))
    return np.load(path)


def _photograph_features(n: int) -> np.ndarray:
    import cv2

    pictures = _pictures()
    rng = np.random.default_rng(0)
    features = np.empty((n, 128), dtype=np.float32)
    for row in range(n):
        picture = pictures[rng.integers(len(pictures))]
        side = int(rng.integers(48, 1 + min(256, *picture.shape[:2])))
        top, left = (int(rng.integers(0, length - side + 1)) for length in picture.shape[:2])
        crop = cv2.resize(
            picture[top : top + side, left : left + side], (SIDE, SIDE), interpolation=cv2.INTER_AREA
        )
        light, red, blue = cv2.split(cv2.cvtColor(crop, cv2.COLOR_RGB2YCrCb).astype(np.float32))
        features[row] = np.concatenate(
            [cv2.dct(light)[:8, :8].ravel(), cv2.dct(red)[:8, :4].ravel(), cv2.dct(blue)[:8, :4].ravel()]
        )
    return unit((features - features.mean(axis=0)) / features.std(axis=0))


def _pictures() -> list[np.ndarray]:
    import skimage
    import sklearn
    from PIL import Image

    folders = [Path(skimage.__file__).parent / "data", Path(sklearn.__file__).parent / "datasets" / "images"]
    paths = sorted(p for folder in folders for p in folder.iterdir() if p.suffix in (".jpg", ".png"))
    pictures = [np.asarray(Image.open(path).convert("RGB")) for path in paths]
    return [picture for picture in pictures if min(picture.shape[:2]) >= 64]


def unit(x: np.ndarray) -> np.ndarray:
    """Return `x` with every row scaled to length 1, float32."""
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
