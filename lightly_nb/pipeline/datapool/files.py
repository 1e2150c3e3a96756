"""The folder of a datapool: held, read and replaced.

It holds

- `datapool_latest.csv`: the embeddings of all selected samples, as the model computed them (embeddings CSV);
  a sample whose row is taken out is no longer in the pool
- `datapool_samples.parquet`: what else is known of them, with their thumbnails
- `datapool_processed.parquet`: every file that a run has looked at
- `datapool.json`: the model and the input folder
- `history/`: earlier states of `datapool_latest.csv`

A run reads it before any work and replaces it when all else is done; meanwhile it holds the folder, so that
of two runs the second waits and builds on the first. All files are written aside as a whole, into a folder
whose renaming makes them count (`.committed`), and then moved to their names: by whoever comes next, if the
writer was killed at it.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from pyarrow import ArrowException

from lightly_nb.embeddings_csv import read_embeddings_csv, write_embeddings_csv
from lightly_nb.errors import DatasourceError, InputError, LightlyNBError, RunError
from lightly_nb.files import ASIDE, exclusive, sweep, written_aside
from lightly_nb.pipeline.datapool.pool import Datapool, processed_table
from lightly_nb.samples import Samples

LATEST = "datapool_latest.csv"
FILES = (LATEST, "datapool_samples.parquet", "datapool_processed.parquet", "datapool.json")
HISTORY = "history"
COMMITTED = ".committed"
"""The folder of files that count, but have not all been moved to their names."""


@contextmanager
def held(folder: str | Path, wait: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Hold a datapool, so that nobody else changes it between reading and writing it.

    `wait` is called several times a second while another one holds it.

    Raises
    ------
    DatasourceError
        If its folder cannot be written.
    """
    folder = Path(folder)
    with ExitStack() as stack:
        try:
            stack.enter_context(exclusive(folder, wait))
            sweep(folder)
            _settle(folder)
        except LightlyNBError:
            raise
        except OSError as error:
            raise DatasourceError(
                f"datapool '{folder}': cannot be written ({error.strerror or error}); give a folder that you "
                "may write to, or set worker_config datasource.enable_datapool_update to false"
            ) from error
        yield


def read_datapool(folder: str | Path) -> Datapool:
    """Read the datapool of a folder; a folder without any file of one is an empty datapool.

    Raises
    ------
    InputError
        If its files are damaged, or some of them are gone.
    """
    folder = Path(folder)
    with suppress(OSError):
        _settle(folder)
    there = {name for name in FILES if (folder / name).exists()}
    if not there and not (folder / HISTORY).exists():
        return Datapool(Samples(pd.DataFrame()), processed_table())
    try:
        if gone := [name for name in FILES if name not in there]:
            raise ValueError(f"{' and '.join(gone)} {'is' if len(gone) == 1 else 'are'} gone")
        return _read_whole(folder)
    except (OSError, KeyError, TypeError, ValueError, ArrowException, LightlyNBError) as error:
        said = f"no {error}" if isinstance(error, KeyError) else error
        raise InputError(
            f"datapool '{folder}': cannot be read ({said}); nothing was changed: put its files back from a "
            "copy (earlier states of the embeddings are in its folder history/), or give another folder to "
            "begin a new datapool"
        ) from error


def _read_whole(folder: Path) -> Datapool:
    facts = json.loads((folder / "datapool.json").read_text(encoding="utf-8"))
    processed = pd.read_parquet(folder / "datapool_processed.parquet").set_index("filename")
    if "version" not in processed:  # of an earlier version
        processed["version"] = ""
    table = pd.read_parquet(folder / "datapool_samples.parquet").set_index("filename")
    samples = Samples(pd.DataFrame())
    if _has_rows(folder / LATEST):
        selected = read_embeddings_csv(folder / LATEST)
        known = table.reindex(pd.Index(selected.filenames, dtype="object"))
        samples = Samples(known, {"embeddings": selected.embeddings})
    return Datapool(samples, processed, facts["model"], facts["input"], facts.get("n_samples"))


def _has_rows(path: Path) -> bool:
    """Whether an embeddings CSV has rows; one that was cut is damage, not an empty one."""
    size = path.stat().st_size
    with path.open("rb") as lines:
        if not next(lines, b"").strip():
            raise ValueError(f"{path.name} is empty, without even its first line")
        first = next(lines, b"")
        lines.seek(max(0, size - 1))
        if lines.read(1) not in (b"\n", b"\r"):
            raise ValueError(f"{path.name} ends in the middle of a line")
    return bool(first.strip())


def write_datapool(folder: str | Path, pool: Datapool, *, keep_history: bool = True) -> None:
    """Replace the datapool of a folder, which the caller holds; with `keep_history` its last state is kept.

    Raises
    ------
    RunError
        If a file cannot be written (a full disk); the datapool is then as it was.
    """
    folder = Path(folder)
    table = pool.samples.table.reset_index()
    facts = {"model": pool.model, "input": pool.input, "n_samples": len(pool)}
    write: dict[str, Any] = {
        "datapool_processed.parquet": pool.processed.reset_index().to_parquet,
        "datapool_samples.parquet": table.to_parquet,
        LATEST: partial(_write_csv, pool.samples),
        "datapool.json": lambda path: path.write_text(json.dumps(facts), encoding="utf-8"),
    }
    aside = folder / f"{ASIDE}{secrets.token_hex(8)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            aside.mkdir()
            for name, write_to in write.items():
                write_to(aside / name)
            if keep_history:
                _keep(folder)
            os.rename(aside, folder / COMMITTED)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
        _settle(folder)
    except OSError as error:
        raise RunError(
            f"datapool '{folder}': could not be written ({error.strerror or error}); it is as it was. Free "
            "some space or mend the folder's permissions, then go on with: lightly-nb resume"
        ) from error


def _settle(folder: Path) -> None:
    """Move the files of a datapool that was written as a whole to their names, if need be once more."""
    committed = folder / COMMITTED
    if not committed.is_dir():
        return
    for name in FILES:
        with suppress(FileNotFoundError):  # moved already
            os.replace(committed / name, folder / name)
    committed.rmdir()


def _keep(folder: Path) -> None:
    latest = folder / LATEST
    if not latest.is_file():
        return
    stamp = datetime.fromtimestamp(latest.stat().st_mtime).strftime("%Y-%m-%d_%H-%M-%S-%f")
    (folder / HISTORY).mkdir(exist_ok=True)
    with written_aside(folder / HISTORY / f"datapool_{stamp}.csv") as aside:
        shutil.copyfile(latest, aside)


def _write_csv(samples: Samples, path: Path) -> None:
    if not len(samples):
        path.write_text("filenames,labels\n", encoding="utf-8")
        return
    write_embeddings_csv(path, samples.filenames, samples.embeddings)
