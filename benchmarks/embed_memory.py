"""Peak memory of listing and embedding many small images, each in a process of its own.

python benchmarks/embed_memory.py [how many, 100,000]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import simplejpeg
from photographs import sources

SIDE = 48

MEASURED = """
import os, resource, sys, time
import torch
from lightly_nb.embedding import EmbeddingModel, embed
from lightly_nb.events import silent
from lightly_nb.models import build_backbone
from lightly_nb.reading import list_samples
module = torch.nn.Sequential(*build_backbone("resnet-9", 0.125, 32), torch.nn.Flatten(1)).eval()
model = EmbeddingModel(module, 32)
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
loaded = peak()
start = time.time()
samples = list_samples(sys.argv[1], on_event=silent)
listed, start, listing = peak(), time.time(), time.time() - start
samples = embed(samples, model, on_event=silent)
cpu = sum(os.times()[:2])
print(f"{len(samples):,} samples, {len(samples.quarantine)} in quarantine; peak so far: imports and model "
      f"{loaded:.0f} MB, listed ({listing:.1f} s) {listed:.0f} MB, "
      f"embedded ({time.time() - start:.0f} s, {cpu:.0f} CPU-s) {peak():.0f} MB")
"""


def write_small(folder: Path, count: int) -> None:
    """Write `count` distinct small JPEGs in sub-folders of 1,000."""
    rng, images = np.random.default_rng(1), sources()
    for number in range(count):
        image = images[number % len(images)]
        y, x = (rng.integers(size - SIDE) for size in image.shape[:2])
        crop = np.ascontiguousarray(image[y : y + SIDE, x : x + SIDE])
        crop[0, :8] = np.frombuffer(np.int64(number).tobytes(), np.uint8)[:, None]
        path = folder / f"{number // 1000:04d}" / f"{number:07d}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(simplejpeg.encode_jpeg(crop, quality=90))


if __name__ == "__main__":
    n_images = int(sys.argv[1]) if sys.argv[1:] else 100_000
    with tempfile.TemporaryDirectory() as temporary:
        started = time.time()
        write_small(Path(temporary), n_images)
        print(f"{n_images:,} images written in {time.time() - started:.0f} s", flush=True)
        subprocess.run([sys.executable, "-c", MEASURED, temporary], check=True)
