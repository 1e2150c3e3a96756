"""What the CPU of this machine can do."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path


@cache
def has_vnni() -> bool:
    """Whether the CPU multiplies 8-bit integers fast and without overflow; False where nothing says so."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return re.search(r"\b(avx512_vnni|avx_vnni)\b", flags) is not None
