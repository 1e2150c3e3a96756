"""What decides about a result and stands in no configuration: threads, versions, weights, files as they were.

A run writes it down when it begins (`config/started_with.json`). A run that goes on, or repeats another one,
holds the threads and says what else is not as it was.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from lightly_nb.config import yaml_text
from lightly_nb.engines import local
from lightly_nb.errors import CheckpointError
from lightly_nb.events import Listener, Stage, say
from lightly_nb.runfolder import RunFolder, write_aside, write_text
from lightly_nb.samples import Source

REPORTED_PACKAGES = ("lightly_nb", "lightly", "torch", "torchvision", "numpy", "pandas", "simplejpeg")
DECIDING = ("lightly_nb", "torch", "torchvision", "numpy", "simplejpeg")
"""Packages whose version may change weights, embeddings or picks."""
STEP = "INITIALIZING"
GONE = "gone"
MOST_NAMED = 3


def write_circumstances(folder: RunFolder, path: Path) -> None:
    """Write `config/hydra.yaml` of a run whose folder is, or will be, `path`."""
    circumstances = {
        "run": {"dir": str(path)},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "executable": sys.executable,
        "packages": {name: _version(name) for name in REPORTED_PACKAGES},
    }
    write_text(folder.hydra, yaml_text.dump(circumstances))


def save_first(folder: RunFolder, first: RunFolder) -> None:
    """Keep, in the folder of a run that repeats `first`, what that one started with and looked at."""
    if (known := read_started_with(first)) is not None:
        write_text(folder.first_started_with, json.dumps(known))
    if not first.listed_files.is_file():
        return
    files = pd.read_parquet(first.listed_files)
    hashes = pd.Series("", index=files["filename"])
    if first.samples.is_file():
        table = pd.read_parquet(first.samples)
        if "content_hash" in table:
            hashes.update(table.set_index("filename")["content_hash"].dropna())
    files = files.assign(content_hash=hashes.to_numpy())
    write_aside(folder.first_files, partial(files.to_parquet, index=False))


def started_with(file: Path | None) -> dict[str, Any]:
    """Return what decides in this process now, with the hash of the file of weights or embeddings."""
    import torch

    return {
        "threads": torch.get_num_threads(),
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "packages": {name: _version(name) for name in DECIDING},
        "file": None if file is None else {"path": str(file), "sha256": hash_of_file(file)},
    }


def read_started_with(folder: RunFolder) -> dict[str, Any] | None:
    """Return what a run started with; None if it has not yet, or does not say."""
    return _read(folder.started_with)


def note(folder: RunFolder, **facts: Any) -> None:
    """Add facts to what a run has started with."""
    write_text(folder.started_with, json.dumps({**(_read(folder.started_with) or {}), **facts}))


def settle(
    folder: RunFolder, file: Path | None, emit: Listener, *, still_needed: bool, if_changed: str
) -> dict[str, Any]:
    """Return what the run of `folder` goes by: what it started with, else what the run that it repeats did.

    Parameters
    ----------
    folder : RunFolder
        Of the run.
    file : Path or None
        Of its weights or embeddings.
    emit : Listener
        Hears what is not as it was.
    still_needed : bool
        Whether the run has yet to read `file`.
    if_changed : str
        Whether a run that repeats another one may have another `file` than that one had.

    Raises
    ------
    CheckpointError
        If `file` is not the one that it was, and must be.
    """
    now, known = started_with(file), _read(folder.started_with)
    if known is not None:
        said = _replaced(known, now, "when this run began")
        if said and still_needed:
            raise CheckpointError(f"{said}; put the earlier file back and resume, or start a new run")
        _tell(known, now, said, emit, "this run began with")
        return {**now, **known}
    if (first := _read(folder.first_started_with)) is not None:
        said = _replaced(first, now, "in the run that this one repeats")
        if said and if_changed != "go_on":
            raise CheckpointError(f"{said}; put the earlier file back, or rerun with if_changed='go_on'")
        _tell(first, now, said, emit, "the run that this one repeats had")
        now["threads"] = first["threads"]
    write_text(folder.started_with, json.dumps(now))
    return now


def _replaced(then: dict[str, Any], now: dict[str, Any], when: str) -> str:
    """Return a sentence if the file of weights or embeddings is another one now, '' if not."""
    before, file = then.get("file"), now["file"]
    if not before or not file or before["sha256"] == file["sha256"]:
        return ""
    has = "is gone" if file["sha256"] == GONE else "has been replaced"
    return f"'{file['path']}' {has}: it was another file {when}"


def _tell(then: dict[str, Any], now: dict[str, Any], said: str, emit: Listener, who: str) -> None:
    if said:
        say(emit, STEP, said, "warning")
    packages = then.get("packages", {})
    other = [
        f"{name} {packages[name]} (now {now['packages'][name]})"
        for name in DECIDING
        if name in packages and packages[name] != now["packages"][name]
    ]
    if then.get("cpu", now["cpu"]) != now["cpu"]:
        other.append(f"a CPU with {then['cpu']} (now {now['cpu']})")
    if other:
        said = f"{who} {', '.join(other)}: embeddings and picks may differ in the last digits"
        say(emit, STEP, said, "warning")


@contextmanager
def threads_held(threads: int) -> Iterator[None]:
    """Have torch compute with that many threads for a while: their number changes what a training gives."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def changed_files(
    source: Source, known: pd.DataFrame, listed: pd.Series, emit: Listener, step: str
) -> list[str]:
    """Return the names whose content is not what it was.

    Parameters
    ----------
    source : Source
        Where files are read from.
    known : pandas.DataFrame
        Index the name; `version` and `content_hash` as they were, '' where unknown.
    listed : pandas.Series
        The versions now, by name.
    emit : Listener
        Hears the progress: a file of another version is read, as copying one changes its date too.
    step : str
        The step of those events.
    """
    both = known.loc[known.index.intersection(listed.index)]
    now = listed.loc[both.index].astype(str)
    then = both["version"].fillna("").astype(str)
    differs = (then != "") & (now != "") & (then != now)
    candidates = both[differs.to_numpy()]
    hashed = candidates[candidates["content_hash"] != ""]
    changed = set(candidates.index[candidates["content_hash"] == ""])
    if len(hashed):
        with Stage(emit, step, len(hashed), "file") as stage:
            names = [str(name) for name in hashed.index]
            with closing(local.map(partial(_hash_of, source), names)) as hashes:
                for name, content_hash, was in zip(names, hashes, hashed["content_hash"], strict=True):
                    stage.advance()
                    if content_hash != was:
                        changed.add(name)
    return sorted(changed)


def named(names: Sequence[str]) -> str:
    """Return a few of some names in brackets.

    >>> named(["a.jpg", "b.jpg", "c.jpg", "d.jpg"])
    '(a.jpg, b.jpg, c.jpg, …)'
    """
    return f"({', '.join(names[:MOST_NAMED])}{', …' if len(names) > MOST_NAMED else ''})"


def hash_of_file(path: Path) -> str:
    """Return the SHA-256 of a file; GONE if there is none."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return GONE


def _hash_of(source: Source, filename: str) -> str:
    try:
        return hashlib.sha256(source.read(filename)).hexdigest()
    except Exception:  # whatever a source raises: a file that cannot be read is not as it was
        return GONE


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and isinstance(content.get("threads"), int) else None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
