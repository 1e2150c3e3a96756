"""`log.txt` of a run: messages, warnings and tracebacks, for people who look for a cause."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from lightly_nb.events import Event
from lightly_nb.runfolder import RunFolder

LOGGER = logging.getLogger("lightly_nb")


def log_event(event: Event) -> None:
    """Write the message of an event, if it has one, to the log."""
    if "message" in event:
        level = logging.getLevelNamesMapping().get(event.get("level", "info").upper(), logging.INFO)
        LOGGER.log(level, "%s: %s", event["step"], event["message"])


@contextmanager
def run_log(folder: RunFolder) -> Iterator[None]:
    """Send the log of this package, warnings and an error's traceback to `log.txt` for a while."""
    handler = logging.FileHandler(folder.log, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    sources = [LOGGER, logging.getLogger("py.warnings")]
    before = [(source.level, source.propagate) for source in sources]
    logging.captureWarnings(True)
    for source in sources:
        source.addHandler(handler)
        source.setLevel(logging.INFO)
        source.propagate = False
    try:
        yield
    except BaseException as error:
        LOGGER.error("the run ended with %s", type(error).__name__, exc_info=error)
        raise
    finally:
        logging.captureWarnings(False)
        for source, (level, propagate) in zip(sources, before, strict=True):
            source.removeHandler(handler)
            source.setLevel(level)
            source.propagate = propagate
        handler.close()
