"""One pass over the files against a pass for each thing, and against `lightly-embed`; as ratios in one run.

    python benchmarks/ingest.py [passes] [lightly-embed]

Everything is counted in CPU seconds (user + system), interleaved, medians of `REPEATS`; torch and OpenCV get
one thread in the separate passes and one a worker in ours, so that nothing burns time waiting.
"""

from __future__ import annotations

import hashlib
import io
import os
import platform
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import pandas as pd
import torch
import torchvision
from lightly.models.modules import SimCLRProjectionHead
from photographs import write_photographs
from PIL import Image, ImageStat
from torchvision import transforms as T

from lightly_nb.datasource import open_datasource
from lightly_nb.embedding import EmbeddingModel, embed
from lightly_nb.events import silent
from lightly_nb.models import ModelSettings, build_backbone, save_checkpoint
from lightly_nb.samples import Samples

REPEATS = 3
SIDE, BATCH = 64, 64
FOLDERS = {
    "1920 × 1080, quality 75": (1920, 1080, 75, 800),
    "1920 × 1080, quality 88": (1920, 1080, 88, 600),
    "500 × 375, quality 88": (500, 375, 88, 2000),
}
N_FEW, N_MANY = 40, 440


def naive(paths: list[Path], module: torch.nn.Module) -> None:
    """Check, hash, embed, describe and make thumbnails, each in a pass of its own, with Pillow and fp32."""
    transform = T.Compose(
        [T.Resize((SIDE, SIDE)), T.ToTensor(), T.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]
    )
    for path in paths:
        with Image.open(path) as image:
            image.load()
    for path in paths:
        hashlib.sha256(path.read_bytes()).hexdigest()
    with torch.no_grad():
        for start in range(0, len(paths), BATCH):
            batch = [transform(Image.open(path).convert("RGB")) for path in paths[start : start + BATCH]]
            module(torch.stack(batch)).numpy()
    for path in paths:
        with Image.open(path) as image:
            rgb, gray = image.convert("RGB"), image.convert("L")
        cv2.Laplacian(np.asarray(gray), cv2.CV_64F).std()
        _ = ImageStat.Stat(gray).mean, ImageStat.Stat(gray).stddev, ImageStat.Stat(rgb).mean
    for path in paths:
        with Image.open(path) as image:
            image.thumbnail((128, 128))
            image.save(io.BytesIO(), "JPEG", quality=70)


def cpu_seconds(work: Callable[[], object], who: int = resource.RUSAGE_SELF) -> float:
    """Return the user + system seconds that `work` takes in this process, or in its children."""
    before = resource.getrusage(who)
    work()
    after = resource.getrusage(who)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def medians(contestants: dict[str, Callable[[], float]]) -> dict[str, float]:
    """Run each contestant in turn, `REPEATS` rounds, and return the median of each."""
    rounds = [{name: run() for name, run in contestants.items()} for _ in range(REPEATS)]
    return {name: median(each[name] for each in rounds) for name in contestants}


def samples_of(folder: Path) -> Samples:
    """Return the files of a flat folder."""
    return Samples(pd.DataFrame(index=sorted(os.listdir(folder))), source=open_datasource(folder))


def passes(work: Path) -> None:
    """Print how one pass does against one for each thing, with a torchvision resnet-18."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.manual_seed(1)
    module = torchvision.models.resnet18().eval()
    module.fc = torch.nn.Identity()
    model = EmbeddingModel(module, SIDE)
    print("| photographs | bytes | separate passes, img/CPU-s | full | fast | full is | fast is |")
    print("|---|---|---|---|---|---|---|")
    for name, (width, height, quality, count) in FOLDERS.items():
        folder = write_photographs(work / name, count, width, height, quality)
        samples, paths = samples_of(folder), sorted(folder.iterdir())

        def one_pass(decode: str, samples: Samples = samples) -> float:
            quiet = {"on_event": silent}
            return cpu_seconds(lambda: embed(samples, model, decode=decode, batch_size=BATCH, **quiet))

        seconds = medians(
            {
                "naive": lambda paths=paths: cpu_seconds(lambda: naive(paths, module)),
                "full": lambda run=one_pass: run("full"),
                "fast": lambda run=one_pass: run("fast"),
            }
        )
        rate = {what: count / taken for what, taken in seconds.items()}
        size = sum(path.stat().st_size for path in paths) / count / 1000
        print(
            f"| {name} | {size:.0f} kB | {rate['naive']:.1f} | {rate['full']:.0f} | {rate['fast']:.0f} | "
            f"**{rate['full'] / rate['naive']:.1f} ×** | **{rate['fast'] / rate['naive']:.1f} ×** |",
            flush=True,
        )


OURS = """
import sys
from lightly_nb.embedding import embed
from lightly_nb.embeddings_csv import write_embeddings_csv
from lightly_nb.reading import list_samples
samples = embed(list_samples(sys.argv[1]), sys.argv[2])
write_embeddings_csv("ours.csv", samples.filenames, samples.embeddings)
"""


def against_lightly_embed(work: Path) -> None:
    """Print how the project's own model does against `lightly-embed`, each as a process of its own."""
    torch.manual_seed(1)
    whole = torch.nn.Module()
    whole.backbone = build_backbone()
    whole.projection_head = SimCLRProjectionHead(32, 32, 128, batch_norm=False)
    checkpoint = work / "lightly_epoch_1.ckpt"
    save_checkpoint(checkpoint, whole, ModelSettings(), epochs=1, training={})
    few = write_photographs(work / "few", N_FEW, 500, 375)
    many = write_photographs(work / "many", N_MANY, 500, 375)
    theirs = Path(sys.executable).with_name("lightly-embed")

    def process(folder: Path, *command: object, **environment: str) -> float:
        call = [str(part) for part in command]
        options = {"cwd": work, "capture_output": True, "check": True, "env": {**os.environ, **environment}}
        return cpu_seconds(lambda: subprocess.run(call, **options), resource.RUSAGE_CHILDREN)

    def lightly(folder: Path, **environment: str) -> float:
        return process(folder, theirs, f"input_dir={folder}", f"checkpoint={checkpoint}", **environment)

    def own(folder: Path) -> float:
        return process(folder, sys.executable, "-c", OURS, folder, checkpoint)

    one = {"OMP_NUM_THREADS": "1"}
    rows = {"lightly-embed": lightly, "lightly-embed, one thread": lambda f: lightly(f, **one), "embed": own}
    seconds = medians(
        {
            f"{name} {folder.name}": lambda run=run, folder=folder: run(folder)
            for name, run in rows.items()
            for folder in (few, many)
        }
    )
    print("| | whole process, img/CPU-s | once started, img/CPU-s | embed is faster by |")
    print("|---|---|---|---|")
    rates = {
        name: (
            N_MANY / seconds[f"{name} many"],
            (N_MANY - N_FEW) / (seconds[f"{name} many"] - seconds[f"{name} few"]),
        )
        for name in rows
    }
    for name, (whole_rate, rate) in rates.items():
        factors = (
            f"{rates['embed'][0] / whole_rate:.1f} × whole, **{rates['embed'][1] / rate:.1f} ×** once started"
        )
        print(f"| {name} | {whole_rate:.1f} | {rate:.1f} | {'' if name == 'embed' else factors} |")


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["passes", "lightly-embed"]
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    processor = next((line for line in lines if "model name" in line), platform.processor())
    print(
        f"{date.today()}, {os.cpu_count()} CPUs ({processor.split(':')[-1].strip()}), "
        f"torch {torch.__version__}, torchvision {torchvision.__version__}, Pillow {Image.__version__}\n"
    )
    with tempfile.TemporaryDirectory() as temporary:
        if "passes" in wanted:
            passes(Path(temporary))
        if "lightly-embed" in wanted:
            against_lightly_embed(Path(temporary))
