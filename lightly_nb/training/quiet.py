"""Surroundings in which Lightning trains: nothing printed, nothing of the caller's changed for good."""

from __future__ import annotations

import logging
import random
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from lightly_nb.signals import RunTerminated, ending_signals

LOGGERS = ("pytorch_lightning", "lightning.pytorch", "lightning.fabric", "lightning_fabric")


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Lightning's loggers and the warnings that concern only who writes training loops."""
    import pytorch_lightning  # noqa: F401 - on import it sets the level of its logger

    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"(pytorch_lightning|lightning_fabric|lightning)\b.*")
        warnings.filterwarnings(
            "ignore", message=r".*lr_scheduler\.step.*|.*LeafSpec.*|.*isinstance\(treespec.*"
        )
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextmanager
def own_randomness() -> Iterator[None]:
    """Give the global generators and cuDNN's settings back as they were."""
    states = random.getstate(), np.random.get_state()
    cudnn = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    try:
        with torch.random.fork_rng(devices=[]):  # the generators of GPUs are not used
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = cudnn


@contextmanager
def interruptible() -> Iterator[None]:
    """Let what ends the process come out as what it was, whoever holds the handlers.

    An interrupt comes out as KeyboardInterrupt (Lightning exits the process instead), SIGTERM as an exit with
    143 (Lightning's says 0); the handlers of before are put back.
    """
    on_main_thread = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT) if on_main_thread else None
    try:
        with ending_signals(lambda name: f"ended by signal {name}", unless_handled=True):
            yield
    except RunTerminated:
        raise
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        if type(error).__name__ == "SIGTERMException":  # Lightning's own, where its handler was called alone
            raise RunTerminated(signal.SIGTERM, "ended by signal SIGTERM") from None
        raise
    finally:
        if on_main_thread and handler is not None:
            signal.signal(signal.SIGINT, handler)
