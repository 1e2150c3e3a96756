"""`log.txt` of a run: messages, warnings and tracebacks, for people who look for a cause."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from lightly_nb.events import Event
from lightly_nb.runfolder import RunFolder

LOGGER = logging.getLogger("lightly_nb")


def log_event(event: Event) -> None:
    """Write the message of an event, if it has one, to the log."""
    if "message" in event:
        level = logging.getLevelNamesMapping().get(event.get("level", "info").upper(), logging.INFO)
        LOGGER.log(level, "%s: %s", event["step"], event["message"])


class _QuietFileHandler(logging.FileHandler):
    """A log on a full disk loses lines; it neither stops the run nor prints over the real error."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        pass

    def close(self) -> None:
        with suppress(OSError):
            super().close()


@contextmanager
def run_log(folder: RunFolder) -> Iterator[None]:
    """Send the log of this package, warnings and an error's traceback to `log.txt` for a while."""
    handler = _QuietFileHandler(folder.log, encoding="utf-8", errors="backslashreplace")
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
