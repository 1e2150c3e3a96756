"""What a run that goes on does about its folder: sweep what is left over, make again what is gone or cut.

What can be made again from the rest is (CSVs, lists, thumbnails, the report). Where samples or selection
themselves are damaged, they are computed again. Both are said.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeVar

from pyarrow import ArrowException

from lightly_nb.checks.inspection import inspect
from lightly_nb.config import Configs, WorkerConfig
from lightly_nb.engines import local
from lightly_nb.errors import CheckpointError, LightlyNBError, RunError
from lightly_nb.events import Listener, Stage, say
from lightly_nb.files import sweep
from lightly_nb.models import load_checkpoint
from lightly_nb.pictures import single_threaded_cv2
from lightly_nb.pipeline import results
from lightly_nb.pipeline.circumstances import GONE, hash_of_file, read_started_with
from lightly_nb.runfolder import RunFolder
from lightly_nb.samples import Samples
from lightly_nb.samples.thumbnails import thumbnail_jpeg, write_thumbnails
from lightly_nb.selection import Selection
from lightly_nb.training.checkpoint_files import LAST, epoch_path, epoch_paths

Loaded = TypeVar("Loaded")
STEP = "INITIALIZING"
DAMAGE = (OSError, ValueError, KeyError, TypeError, EOFError, ArrowException, LightlyNBError)
"""What reading a cut or deleted file raises."""


def sweep_leftovers(folder: RunFolder) -> None:
    """Delete what was written aside in the run folder and never got its name; for who holds it."""
    for below in (folder.path, *(path for path in folder.path.rglob("*") if path.is_dir())):
        if folder.sampled not in (below, *below.parents) or below == folder.sampled:
            sweep(below)


def sweep_chunks(folder: RunFolder) -> None:
    """Delete the chunks of an embedding that is whole."""
    shutil.rmtree(folder.chunks, ignore_errors=True)


def sweep_checkpoints(folder: RunFolder, configs: Configs) -> None:
    """Delete the checkpoints of a training that has ended which are not to be kept."""
    keep = configs.lightly.checkpoint_callback
    found = epoch_paths(folder.path)
    if keep.save_top_k >= 0:
        for path in found[max(1, keep.save_top_k) :]:
            path.unlink()
    if found and not keep.save_last:
        (folder.path / LAST).unlink(missing_ok=True)


def finished_training(folder: RunFolder, configs: Configs, emit: Listener) -> Path | None:
    """Return the checkpoint of a training that the run has finished; None if it has not, or must again.

    One that is not the file that the training wrote is taken away, which is said.
    """
    known = (read_started_with(folder) or {}).get("trained")
    lightly = configs.lightly
    if not known:  # it may have been killed just then; without a `last.ckpt` the file itself says it
        path = epoch_path(folder.path, lightly.trainer.max_epochs)
        is_done = not lightly.checkpoint_callback.save_last and not (folder.path / LAST).exists()
        return path if is_done and path.is_file() and _is_checkpoint(path) else None
    path = folder.path / str(known["name"])
    found = hash_of_file(path)
    if found == known["sha256"]:
        return path
    has = "is gone" if found == GONE else "is not the file that this run has trained"
    say(emit, STEP, f"'{path}' {has}: it is made again", "warning")
    path.unlink(missing_ok=True)
    return None


def begin_training_again_if_damaged(folder: RunFolder, emit: Listener) -> None:
    """Delete the checkpoints of a training that cannot go on from them; it begins again, and that is said."""
    last, found = folder.path / LAST, epoch_paths(folder.path)
    if not last.exists() and not found:
        return
    if _is_checkpoint(last):
        return
    has = "is damaged" if last.exists() else "is gone"
    say(emit, STEP, f"'{last}' {has}, so the training cannot go on from it: it begins again", "warning")
    for path in (*found, last):
        path.unlink(missing_ok=True)


def _is_checkpoint(path: Path) -> bool:
    try:
        return bool(load_checkpoint(path).weights)
    except CheckpointError:
        return False


def saved_samples(folder: RunFolder, emit: Listener) -> Samples | None:
    """Return what the run has embedded; None if it has not, or if it is damaged, which is said.

    Raises
    ------
    RunError
        If it is damaged and cannot be computed again, as the datapool counts its files as processed.
    """
    if not folder.samples.is_file():
        return None
    if results.damaged(folder, [folder.thumbnails]):
        folder.thumbnails.unlink(missing_ok=True)  # made again by `restore_samples`
    core = [*results.noted_below(folder, folder.arrays), folder.quarantine, folder.embedding_check]
    samples, said = _loaded(partial(results.load_samples_without_source, folder), folder, core)
    if samples is not None and "embeddings" in samples.arrays:
        return samples
    said = said or "the array 'embeddings' is gone"
    if (read_started_with(folder) or {}).get("is_in_datapool"):
        raise RunError(
            f"results of the run in '{folder.path}' are damaged ({said}), and cannot be computed again: its "
            "picks are in the datapool, which counts these files as processed. Put the file back from a "
            "copy, or start a new run"
        )
    say(emit, STEP, f"{said}: the images are embedded, and the selection made, again", "warning")
    for path in (folder.report_json, folder.selection, folder.samples):
        path.unlink(missing_ok=True)
    return None


def saved_selection(folder: RunFolder, samples: Samples, emit: Listener) -> Selection | None:
    """Return what the run has selected; None if it has not, or if it is damaged, which is said."""
    if not folder.selection.is_file():
        return None
    selection, said = _loaded(partial(results.load_selection, folder), folder, [folder.selection_table])
    if selection is not None:
        try:
            if samples.take(selection.rows).filenames == list(selection.filenames):
                return selection
            said = f"'{folder.selection}' is of other samples"
        except (LightlyNBError, IndexError) as error:
            said = f"'{folder.selection}' is of other samples ({error})"
    say(emit, STEP, f"{said}: the selection is made again", "warning")
    for path in (folder.report_json, folder.selection):
        path.unlink(missing_ok=True)
    return None


def restore_samples(folder: RunFolder, samples: Samples, worker: WorkerConfig, emit: Listener) -> bool:
    """Make those files again that tell of the samples, and are gone or cut; return whether there were any."""
    gone = results.damaged(folder, results.of_samples(folder))
    if not gone:
        return False
    _say_restored(folder, gone, emit)
    if folder.thumbnails in gone:
        _restore_thumbnails(folder, samples, worker, emit)
    if {folder.embeddings, folder.normalized_embeddings} & set(gone):
        results.write_embeddings_csvs(folder, samples)
    if {folder.corrupt_filenames, folder.duplicate_filenames} & set(gone):
        results.save_quarantine(folder, samples.quarantine)
    results.note_sizes(folder, results.of_samples(folder))
    return True


def restore_selection(
    folder: RunFolder, samples: Samples, selection: Selection, worker: WorkerConfig, emit: Listener
) -> None:
    """Make those files again that tell of the selection, and are gone or cut."""
    if gone := results.damaged(folder, results.of_selection(folder)):
        _say_restored(folder, gone, emit)
        results.write_selection_lists(folder, samples, selection, worker.dump_sampled_embeddings)
        results.note_sizes(folder, results.of_selection(folder))


def has_report(folder: RunFolder) -> bool:
    """Whether the report is there, whole."""
    try:
        json.loads(folder.report_json.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    parts = [*results.of_report(folder), *_plots(folder)]
    return not results.damaged(folder, parts) and folder.report_html.is_file() and folder.report_pdf.is_file()


def note_report(folder: RunFolder) -> None:
    """Note the sizes of the files of a report that was just written."""
    results.note_sizes(folder, [*results.of_report(folder), *folder.plots.glob("*.png")])


def is_whole(folder: RunFolder, configs: Configs) -> bool:
    """Whether a run that is complete lacks nothing and has nothing left over."""
    files = [*results.of_samples(folder), *results.of_selection(folder), *_plots(folder)]
    files += [*results.noted_below(folder, folder.arrays), folder.quarantine, folder.embedding_check]
    if results.damaged(folder, [*files, folder.selection_table]):
        return False
    if not folder.overrides.is_file() or not folder.hydra.is_file() or folder.chunks.exists():
        return False
    if next(folder.path.rglob(".writing-*"), None) is not None:
        return False
    if configs.worker.generate_report and not has_report(folder):
        return False
    for load in (
        partial(results.load_samples_without_source, folder),
        partial(results.load_selection, folder),
    ):
        if _loaded(load, folder, [])[0] is None:
            return False
    return True


def _plots(folder: RunFolder) -> list[Path]:
    return results.noted_below(folder, folder.plots)


def _loaded(
    load: Callable[[], Loaded], folder: RunFolder, parts: Sequence[Path]
) -> tuple[Loaded | None, str]:
    """Return what `load` reads, or None and what is damaged."""
    if gone := results.damaged(folder, parts):
        return None, f"'{gone[0]}' is gone or was cut"
    try:
        return load(), ""
    except DAMAGE as error:
        return None, f"the results in '{folder.data}' cannot be read ({type(error).__name__}: {error})"


def _say_restored(folder: RunFolder, gone: Sequence[Path], emit: Listener) -> None:
    names = ", ".join(path.relative_to(folder.path).as_posix() for path in gone)
    say(emit, STEP, f"gone or cut, and made again: {names}", "warning")


def _restore_thumbnails(folder: RunFolder, samples: Samples, worker: WorkerConfig, emit: Listener) -> None:
    """Make the thumbnails again from the images; of those that cannot be read there is none."""
    source, size = samples.source, worker.thumbnail_size
    if "thumbnail" not in samples.table or source is None or size is None:
        return
    rows = {int(number): row for row, number in enumerate(samples.table["thumbnail"])}
    min_size = max(2 * (worker.input_size or 0), size) if worker.decode == "fast" else None
    n = max(rows, default=-1) + 1

    def jpeg_of(number: int) -> bytes:
        if number not in rows:
            return b""
        rgb = inspect(source, samples.filenames[rows[number]], min_size=min_size, strict=False).rgb
        return b"" if rgb is None else thumbnail_jpeg(rgb, size)

    with (
        Stage(emit, STEP, n, "thumbnail") as stage,
        single_threaded_cv2(),
        closing(local.map(jpeg_of, range(n))) as jpegs,
    ):

        def counted() -> Iterator[bytes]:
            for jpeg in jpegs:
                stage.advance()
                yield jpeg

        write_thumbnails(folder.thumbnails, counted())
