"""The process of a background run: `python -m lightly_nb.pipeline RUN_FOLDER`."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from types import FrameType

from lightly_nb.errors import LightlyNBError, RunCanceled
from lightly_nb.pipeline.steps import execute
from lightly_nb.runfolder import RunFolder


def _stop(signal_number: int, frame: FrameType | None) -> None:
    raise RunCanceled(f"run ended by signal {signal.Signals(signal_number).name}")


def main(run_folder: str) -> int:
    """Do the run of `run_folder`; return the exit code."""
    signal.signal(signal.SIGTERM, _stop)
    storage_options = json.loads(sys.stdin.buffer.read() or b"{}")
    try:
        execute(RunFolder(Path(run_folder)), storage_options=storage_options)
    except RunCanceled:
        return 130
    except LightlyNBError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
