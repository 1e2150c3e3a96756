"""`log.txt` of a run: messages, warnings and tracebacks, for people who look for a cause."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from lightly_nb.runfolder import RunFolder

LOGGER = logging.getLogger("lightly_nb")


@contextmanager
def run_log(folder: RunFolder) -> Iterator[None]:
    """Send the log of this package, warnings and an error's traceback to `log.txt` for a while."""
    handler = logging.FileHandler(folder.log, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    sources = [LOGGER, logging.getLogger("py.warnings")]
    levels = [source.level for source in sources]
    logging.captureWarnings(True)
    for source in sources:
        source.addHandler(handler)
        source.setLevel(logging.INFO)
    try:
        yield
    except BaseException as error:
        LOGGER.error("the run ended with %s", type(error).__name__, exc_info=error)
        raise
    finally:
        logging.captureWarnings(False)
        for source, level in zip(sources, levels, strict=True):
            source.removeHandler(handler)
            source.setLevel(level)
        handler.close()
