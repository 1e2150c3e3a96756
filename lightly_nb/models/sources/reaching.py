"""Whether a server can be reached, found out within seconds, so that being offline is one early error."""

from __future__ import annotations

import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

SECONDS = 5.0


def reachable(url: str, seconds: float = SECONDS) -> bool:
    """Return whether anything answers at `url` within `seconds`, name lookup and proxies included."""
    answered = threading.Event()

    def ask() -> None:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=seconds):
                answered.set()
        except urllib.error.HTTPError:
            answered.set()  # a refusal is an answer
        except (OSError, ValueError):
            pass
        finally:
            asked.set()

    asked = threading.Event()
    # a thread, because a name lookup knows no timeout
    threading.Thread(target=ask, daemon=True).start()
    asked.wait(seconds)
    return answered.is_set()


def weights_folder() -> Path:
    """Return where torch keeps downloaded weights, and where they may be put by hand."""
    return Path(torch.hub.get_dir()) / "checkpoints"


@contextmanager
def socket_timeout(seconds: float) -> Iterator[None]:
    """Let no socket made inside stay silent for longer."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
