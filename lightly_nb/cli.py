"""The command line, `lightly-nb`: flat delegates to pipeline and workspace, no logic of its own.

Exit codes: 0 well, 1 the run failed, 2 what was asked for cannot be and no work was done, 130 canceled, 143
ended by SIGTERM (128 and the number of any other signal).
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from lightly_nb.errors import (
    ApiException,
    CheckpointError,
    ConfigError,
    DatasourceError,
    InputError,
    LightlyNBError,
    RunCanceled,
    RunError,
)
from lightly_nb.events import Event, Listener, say
from lightly_nb.runfolder import DEFAULT_OUTPUT_DIR
from lightly_nb.signals import RunTerminated, ending_signals

if TYPE_CHECKING:
    from lightly_nb.pipeline import Run

EXIT_FAILED, EXIT_USAGE, EXIT_CANCELED = 1, 2, 130

OVERRIDES_HELP = """\
Options of the run are key=value, as in the platform's configuration (docs/configuration.md):
  n_samples=50                        how many to select (or proportion_samples=0.1)
  enable_training=true                keys of worker_config by their name
  lightly.trainer.max_epochs=10       keys of lightly_config after 'lightly.'
  selection.strategies='[{input: {type: EMBEDDINGS}, strategy: {type: DIVERSITY}}]'
                                      (left out: FACILITY_LOCATION)
"""

WORKER_HELP = """\
Options are key=value:
  worker.worker_id=Default            id or name of a registered worker; Default registers itself
  worker.force_start=False            do not take over from another process of this worker (default True)
  shutdown_when_job_finished=True     end after one run
  sanity_check=True                   check versions, store, token, folders, device; end with 0 or 2
  output_dir=lightly_outputs          run folders are made below it
  shared_dir=DIR                      folder that checkpoint= and embeddings= of runs are relative to
  input_mount=DIR                     folder that stands for / in local datasources, as in a container
The token is LIGHTLY_TOKEN or, at a terminal, asked for; token=TOKEN works too, but everybody on this machine
can read it in the list of processes.
Environment: LIGHTLY_TOKEN, LIGHTLY_NB_HOME (folder of the workspace) or LIGHTLY_NB_URL (its database).
Ctrl-C or SIGTERM: no further run is taken, the one under way is aborted; what it had finished is kept.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    _print_whatever_the_terminal_can()
    options = _parsed(arguments)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as a background run does; before torch loads
    listener = _print_json if options.json else None
    try:
        with ending_signals(lambda name: f"ended by signal {name}"):
            options.command(options, listener)
    except (RunCanceled, KeyboardInterrupt) as error:
        return _fail(str(error) or "interrupted", EXIT_CANCELED, listener)
    except RunTerminated as ended:
        return _fail(str(ended), int(ended.code or EXIT_FAILED), listener)
    except LightlyNBError as error:
        return _fail(f"{error}{_of_run(error)}", _exit_code(error), listener)
    except Exception as error:  # a fault of ours: its traceback is in the run's log.txt
        said = f"unexpected {type(error).__name__}: {error}; please report it with the run's log.txt"
        return _fail(f"{said}{_of_run(error)}", EXIT_FAILED, listener)
    return 0


def _exit_code(error: LightlyNBError) -> int:
    """Return EXIT_FAILED for a run that failed at its work, EXIT_USAGE for what was refused before any."""
    if getattr(error, "failed_run", None) is not None:
        return EXIT_FAILED
    refused = (ConfigError, InputError, DatasourceError, CheckpointError, RunError, ApiException)
    return EXIT_USAGE if isinstance(error, refused) else EXIT_FAILED


def _of_run(error: Exception) -> str:
    folder = getattr(error, "failed_run", None)
    return "" if folder is None else f"; the run failed in '{folder}' (go on with it: lightly-nb resume)"


def _print_whatever_the_terminal_can() -> None:
    """Print file names and signs that the output's encoding lacks as escapes, rather than failing at them."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _print(text: str) -> None:
    """Print a line; who reads the output may have enough, as `head` does, but the run goes on."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse; key=value may stand before and after options, which argparse alone does not allow."""
    parser = _parser()
    options, more = parser.parse_known_args(arguments)
    unknown = [word for word in more if word.startswith("-") or not hasattr(options, "overrides")]
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    if more:
        options.overrides = [*options.overrides, *more]
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("lightly-nb", description="Decide which images are worth labelling.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = _command(commands, "run", _run, "train, embed and select", epilog=OVERRIDES_HELP)
    run.add_argument("input", metavar="INPUT", help="folder or URL of the images")
    run.add_argument(
        "--output", default=DEFAULT_OUTPUT_DIR, metavar="DIR", help="make the run folder below it"
    )
    run.add_argument("--shared-dir", metavar="DIR", help="folder of checkpoint= and embeddings=")
    run.add_argument("--lightly", metavar="LOCATION", help="folder or URL of .lightly/, if not INPUT itself")
    run.add_argument("--datapool", metavar="DIR", help="folder of the datapool to use and add to")
    run.add_argument("overrides", nargs="*", metavar="key=value", help="options of the run, see below")
    rerun = _command(commands, "rerun", _rerun, "repeat a run: the same configuration, a new folder")
    rerun.add_argument("run_folder", metavar="RUN_FOLDER")
    rerun.add_argument("--output", metavar="DIR", help="make the new run folder below it")
    rerun.add_argument(
        "--if-changed",
        default="go_on",
        choices=("go_on", "refuse", "same_files"),
        help="if files or weights are not as they were: say so, refuse, or leave out what was added",
    )
    for name, function, text in [
        ("resume", _resume, "go on with a run that was canceled, failed or crashed"),
        ("status", _status, "say how a run stands"),
        ("cancel", _cancel, "stop a run; what it had finished is kept"),
    ]:
        _command(commands, name, function, text).add_argument("run_folder", metavar="RUN_FOLDER")
    worker = _command(commands, "worker", _worker, "wait for scheduled runs and do them", epilog=WORKER_HELP)
    worker.add_argument("overrides", nargs="*", metavar="key=value", help="see below")
    user = _command(commands, "user", _user, "add, list and remove the users of a workspace")
    user.add_argument("action", choices=("add", "list", "remove", "rotate", "new-token"))
    user.add_argument("email", nargs="?", metavar="EMAIL")
    user.add_argument(
        "--me", action="store_true", help="add: this login, which needs no token on a local workspace"
    )
    user.add_argument(
        "--with-datasets", action="store_true", help="remove: delete the user's datasets as well"
    )
    demo = _command(commands, "demo", _demo, "gather real photographs to try things on")
    demo.add_argument("folder", nargs="?", default="demo/photographs", metavar="FOLDER")
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    function: Callable[[argparse.Namespace, Listener | None], None],
    text: str,
    epilog: str | None = None,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name, help=text, description=text, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print events as JSON lines, for programs")
    parser.set_defaults(command=function)
    return parser


def _run(options: argparse.Namespace, listener: Listener | None) -> None:
    from lightly_nb import pipeline
    from lightly_nb.config import parse_overrides

    worker_config, lightly_config, selection_config = parse_overrides(options.overrides)
    run = pipeline.run(
        options.input,
        options.output,
        worker_config=worker_config,
        lightly_config=lightly_config,
        selection_config=selection_config or None,
        shared_dir=options.shared_dir,
        lightly_source=options.lightly,
        datapool=options.datapool,
        on_event=listener,
    )
    _summary(run, listener)


def _rerun(options: argparse.Namespace, listener: Listener | None) -> None:
    from lightly_nb import pipeline

    run = pipeline.rerun(options.run_folder, options.output, if_changed=options.if_changed, on_event=listener)
    _summary(run, listener)


def _resume(options: argparse.Namespace, listener: Listener | None) -> None:
    from lightly_nb import pipeline
    from lightly_nb.events import ProgressBar

    run = pipeline.open_run(options.run_folder)
    if not run.is_whole:
        pipeline.execute(run.folder, on_event=listener or ProgressBar())
    _summary(run, listener)


def _status(options: argparse.Namespace, listener: Listener | None) -> None:
    from lightly_nb import pipeline

    run = pipeline.open_run(options.run_folder)
    if listener is not None:
        _print(json.dumps({"state": run.state, "message": run.message, "progress": run.progress}))
    else:
        _print(f"{run.state}: {run.message}")


def _cancel(options: argparse.Namespace, listener: Listener | None) -> None:
    from lightly_nb import pipeline

    pipeline.open_run(options.run_folder).cancel()
    _status(options, listener)


def _worker(options: argparse.Namespace, listener: Listener | None) -> None:
    from lightly_nb.workspace import open_workspace
    from lightly_nb.workspace.work.options import (
        named_worker,
        parse_worker_options,
        sanity_check,
        with_asked_token,
    )
    from lightly_nb.workspace.work.worker import print_line, run_worker

    worker_options = with_asked_token(parse_worker_options(options.overrides), options.overrides)
    tell = partial(say, listener, "WORKER") if listener is not None else print_line
    if worker_options.sanity_check:
        failed = 0
        for check in sanity_check(worker_options):
            failed += not check.is_well
            tell(f"{'ok' if check.is_well else 'FAILED':6} {check.name}: {' '.join(check.said.split())}")
        if failed:
            raise InputError(f"{failed} of the checks failed; this worker would not work")
        return
    run_worker(
        open_workspace(),
        named_worker(worker_options),
        token=worker_options.token,
        output_dir=worker_options.output_dir,
        shared_dir=worker_options.shared_dir or None,
        input_mount=worker_options.input_mount or None,
        force_start=worker_options.worker.force_start,
        shutdown_when_job_finished=worker_options.shutdown_when_job_finished,
        say=tell,
    )


def _user(options: argparse.Namespace, listener: Listener | None) -> None:
    from lightly_nb.workspace import open_workspace, reading, transact
    from lightly_nb.workspace.users.users import add_user, get_users, remove_user, rotate_token

    if (options.email is None) != (options.action == "list"):
        raise InputError("write lightly-nb user add|remove|rotate EMAIL, or lightly-nb user list")
    workspace = open_workspace()
    if options.action == "list":
        with reading(workspace) as session:
            for user in get_users(session):
                print(user.email if user.token_hash else f"{user.email} (no token)")
    elif options.action == "remove":
        transact(workspace, remove_user, options.email, with_datasets=options.with_datasets)
        print(f"{options.email} is removed from {workspace.url}")
    else:
        if options.action == "add":
            token = transact(workspace, add_user, options.email, me=options.me)[1]
        else:
            token = transact(workspace, rotate_token, options.email)
        print(
            f"Token of {options.email}, shown this once; hand it over privately. To use it: read -rs "
            "LIGHTLY_TOKEN; export LIGHTLY_TOKEN (asks for it, so that no command line or history holds it)",
            file=sys.stderr,
        )
        print(token.get_secret_value())


def _demo(options: argparse.Namespace, listener: Listener | None) -> None:
    from lightly_nb.demo import demo_images

    demo_images(options.folder)


def _summary(run: Run, listener: Listener | None) -> None:

    if listener is None:
        _print(summary_text(run))


def _print_json(event: Event) -> None:
    _print(json.dumps(event, ensure_ascii=True))


def _fail(message: str, code: int, listener: Listener | None) -> int:
    if listener is not None:
        say(listener, "COMMAND_LINE", message, "error")
    print(f"lightly-nb: {' '.join(message.split())}", file=sys.stderr)
    return code


def next_to_open(run: Run) -> str:
    """Return what a person should look at first, as a path inside the run folder."""
    if run.folder.report_html.is_file():
        return "report.html (or report.pdf): what was selected, and how much better than at random"
    return f"{run.folder.sampled_filenames.relative_to(run.path)}: the picks, in order"


def summary_text(run: Run) -> str:
    """Return a few lines: what was selected and left out, and what to open next."""
    from lightly_nb.samples.quarantine import left_out_in_words

    return "\n".join(
        [
            f"{run.state}: {run.message}",
            f"left out: {left_out_in_words(run.quarantine)} (data/quarantine.csv)",
            f"run folder: {run.path}",
            f"open next: {next_to_open(run)}",
            f'or in a notebook: run = lightly_nb.open_run("{run.path}"); run.selection',
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
