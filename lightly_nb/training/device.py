"""What to train on: device, precision, workers, and memory for images."""

from __future__ import annotations

import os
import shutil
import tempfile

import torch

from lightly_nb.events import Listener, say
from lightly_nb.training.images import Images

STEP = "TRAINING"
MOST_MEMORY = 4 * 2**30


def choose_device(gpus: int, on_event: Listener) -> str:
    """Return `cuda` or `cpu`, and warn where `trainer.gpus` asks for what is not there."""
    available = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if gpus > 0 and available == 0:
        say(
            on_event,
            STEP,
            f"trainer.gpus is {gpus}, but torch finds no GPU on this machine: training on the CPU",
            "warning",
        )
    elif gpus > 1:
        say(on_event, STEP, f"trainer.gpus is {gpus}, but training uses one GPU", "warning")
    return "cuda" if gpus > 0 and available else "cpu"


def choose_precision(bits: int, device: str, on_event: Listener) -> str:
    """Return Lightning's name of a precision: 16 is float16 on a GPU, bfloat16 on a CPU that has it."""
    if bits == 32:
        return "32-true"
    if device == "cuda":
        return "16-mixed"
    if torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return "bf16-mixed"
    say(on_event, STEP, "this CPU has no fast bfloat16, so trainer.precision 16 trains with 32 bits")
    return "32-true"


def choose_workers(asked: int, device: str, images: Images) -> tuple[int, Images]:
    """Return the number of worker processes, and the images as they can read them.

    -1 is one a CPU for a GPU. On a CPU the model takes the time: 0, the views are made in this process.
    The kept images go to the workers in shared memory, or not at all where there is too little of it.
    """
    n = asked if asked >= 0 else (os.cpu_count() or 1 if device == "cuda" else 0)
    if type(images.source).__module__ == "__main__":
        return 0, images  # a class that a notebook or script defines does not exist in other processes
    if n == 0 or not len(images.kept):
        return n, images
    shared = "/dev/shm" if os.path.isdir("/dev/shm") else tempfile.gettempdir()
    if shutil.disk_usage(shared).free > 2 * images.kept.nbytes:
        images.kept.share_memory_()  # type: ignore[no-untyped-call]
        return n, images
    return 0, images


def memory_for_images() -> int:
    """Return how many bytes of decoded images to keep: a quarter of what is free, at most 4 GiB."""
    import psutil

    return int(min(MOST_MEMORY, psutil.virtual_memory().available // 4))


def free_memory(device: str) -> int:
    """Return how many bytes are free for a training on `device`."""
    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    import psutil

    return int(psutil.virtual_memory().available)
