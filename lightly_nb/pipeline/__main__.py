"""The process of a background run: `python -m lightly_nb.pipeline RUN_FOLDER`."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from functools import partial
from pathlib import Path
from types import FrameType

from lightly_nb.errors import LightlyNBError, RunCanceled
from lightly_nb.pipeline.process.starter import end_with_starter
from lightly_nb.pipeline.steps import execute
from lightly_nb.runfolder import RunFolder


def _stop(folder: RunFolder, signal_number: int, frame: FrameType | None) -> None:
    signal.signal(signal_number, signal.SIG_IGN)  # once is enough: it is on its way out
    name = signal.Signals(signal_number).name
    what = "run canceled" if folder.cancel.exists() else f"run ended by signal {name}"
    raise RunCanceled(
        f"{what}; what was finished is kept in '{folder.path}'. Go on with it with: lightly-nb resume"
    )


def main(run_folder: str) -> int:
    """Do the run of `run_folder`; return the exit code."""
    folder = RunFolder(Path(run_folder))
    signal.signal(signal.SIGTERM, partial(_stop, folder))
    end_with_starter(folder)
    options = json.loads(sys.stdin.buffer.read() or b"{}")
    try:
        execute(folder, **options)
    except RunCanceled:
        return 130
    except LightlyNBError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _leave_quickly() -> None:
    """Spare the end of the process the search for cycles in all of torch, which takes longer than a second.

    Libraries complain then, on a standard error that is the log of a run that has ended.
    """
    gc.freeze()
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


if __name__ == "__main__":
    exit_code = main(sys.argv[1])
    _leave_quickly()
    sys.exit(exit_code)
