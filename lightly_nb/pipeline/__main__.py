"""The process of a background run: `python -m lightly_nb.pipeline RUN_FOLDER`."""

from __future__ import annotations

import gc
import json
import os
import sys
from pathlib import Path

from lightly_nb.errors import LightlyNBError, RunCanceled
from lightly_nb.pipeline.process.ending import stopped_by
from lightly_nb.pipeline.process.starter import end_with_starter
from lightly_nb.pipeline.steps import execute
from lightly_nb.runfolder import RunFolder
from lightly_nb.signals import RunTerminated, ending_signals


def main(run_folder: str) -> int:
    """Do the run of `run_folder`; return the exit code."""
    folder = RunFolder(Path(run_folder))
    try:
        with ending_signals(lambda name: stopped_by(folder, name)):
            end_with_starter(folder)
            options = json.loads(sys.stdin.buffer.read() or b"{}")
            execute(folder, **options)
    except RunCanceled:
        return 130
    except RunTerminated as ended:
        return 130 if folder.cancel.exists() else int(ended.code or 1)
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
