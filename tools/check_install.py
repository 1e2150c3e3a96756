"""Check, right after installing, that torch and torchvision fit together; say what to do if not."""

from __future__ import annotations

import sys
from importlib.metadata import version


def main() -> int:
    """Call one compiled operator of torchvision; return 0 if it answers, else 1."""
    versions = f"torch {version('torch')} and torchvision {version('torchvision')}"
    try:
        import torch
        import torchvision.ops

        boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 1.9]])
        kept = torchvision.ops.nms(boxes, torch.tensor([0.9, 0.8]), iou_threshold=0.5)
    except (RuntimeError, AttributeError, ImportError, OSError) as error:
        print(
            f"error: {versions} do not fit together ({str(error).splitlines()[0]}). They came from different "
            "places; both must come from one index. Remove .venv and install again without other package "
            "sources: rm -rf .venv && PIP_FIND_LINKS= PIP_EXTRA_INDEX_URL= make install",
            file=sys.stderr,
        )
        return 1
    if kept.tolist() != [0]:
        print(f"error: {versions} compute wrongly: nms kept {kept.tolist()}, not [0]", file=sys.stderr)
        return 1
    print(f"{versions} fit together" + (", with a GPU" if torch.cuda.is_available() else ", on the CPU"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
