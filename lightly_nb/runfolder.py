"""`RunFolder`: every output file name of a run, once, and how files get there.

Files are written aside and renamed, so a name that exists is whole. Events are the exception: they
are appended to `events.jsonl`, one JSON object a line, and a reader skips a last line without an end.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightly_nb.errors import RunError
from lightly_nb.events import Event
from lightly_nb.files import written_aside

DEFAULT_OUTPUT_DIR = "lightly_outputs"


@dataclass(frozen=True)
class RunFolder:
    """The files of one run, by name. Nothing here reads or writes on construction.

    Parameters
    ----------
    path : pathlib.Path
        The run folder itself, absolute.
    """

    path: Path

    # Configuration: a run started from these gives the same selection.
    @property
    def config(self) -> Path:
        """The whole configuration, defaults filled in."""
        return self.path / "config" / "config.yaml"

    @property
    def overrides(self) -> Path:
        """What was asked for, as `key=value` lines."""
        return self.path / "config" / "overrides.yaml"

    @property
    def hydra(self) -> Path:
        """Versions, machine and command of the run (named as the platform names it)."""
        return self.path / "config" / "hydra.yaml"

    @property
    def input_table(self) -> Path:
        """The listing itself, when the input was a list of files or a table."""
        return self.path / "config" / "input.parquet"

    @property
    def started_with(self) -> Path:
        """What else decides about the result: threads, versions, the weights as they were; JSON."""
        return self.path / "config" / "started_with.json"

    @property
    def first_started_with(self) -> Path:
        """Of a run that repeats another one: that run's `started_with`."""
        return self.path / "config" / "first" / "started_with.json"

    @property
    def first_files(self) -> Path:
        """Of a run that repeats another one: the files that it looked at, with version and hash, Parquet."""
        return self.path / "config" / "first" / "files.parquet"

    @property
    def input_quarantine(self) -> Path:
        """Files that were left out when that listing was made."""
        return self.path / "config" / "input_quarantine.parquet"

    @property
    def input_embeddings(self) -> Path:
        """Embeddings that came along with that listing, NumPy `.npy`."""
        return self.path / "config" / "input_embeddings.npy"

    def query(self, number: int) -> Path:
        """The embeddings of the query samples of one tag, NumPy `.npy`."""
        return self.path / "config" / "queries" / f"{number}.npy"

    # Data
    @property
    def data(self) -> Path:
        """The folder of tables and arrays."""
        return self.path / "data"

    @property
    def embeddings(self) -> Path:
        """The embeddings as computed, CSV."""
        return self.data / "embeddings.csv"

    @property
    def normalized_embeddings(self) -> Path:
        """The embeddings at unit length, CSV."""
        return self.data / "normalized_embeddings.csv"

    @property
    def selected_embeddings(self) -> Path:
        """The embeddings of the newly selected samples, CSV."""
        return self.data / "selected_embeddings.csv"

    @property
    def selected_embeddings_including_datapool(self) -> Path:
        """The embeddings of all selected samples, preselected ones too, CSV."""
        return self.data / "selected_embeddings_including_datapool.csv"

    @property
    def samples(self) -> Path:
        """The sample table, Parquet."""
        return self.data / "samples.parquet"

    @property
    def listed_files(self) -> Path:
        """Name and version of every file that the run has looked at, Parquet."""
        return self.data / "listed_files.parquet"

    @property
    def full_images(self) -> Path:
        """The images that hold a selected crop, with their metadata, Parquet; of a run on objects."""
        return self.data / "full_images.parquet"

    @property
    def full_image_embeddings(self) -> Path:
        """The embeddings of those, as computed, CSV."""
        return self.data / "full_image_embeddings.csv"

    @property
    def full_image_filenames(self) -> Path:
        """Names of those, in the order in which their first crop was picked, one a line."""
        return self.path / "filenames" / "full_image_filenames.txt"

    @property
    def annotations_table(self) -> Path:
        """Names of all files that predictions and metadata were read for, and the metadata, Parquet."""
        return self.data / "annotations" / "listed.parquet"

    def predictions(self, task: str) -> Path:
        """The predictions of one task, a row for each name in `annotations_table`, Arrow."""
        return self.data / "annotations" / f"{task}.arrow"

    def predictions_files(self) -> list[Path]:
        """The files of predictions that are there."""
        return sorted((self.data / "annotations").glob("*.arrow"))

    def made_predictions(self, task: str) -> Path:
        """The predictions of one task that the run itself makes, rows as in `samples`, Arrow."""
        return self.data / "predictions" / f"{task}.arrow"

    def made_predictions_files(self) -> list[Path]:
        """Those that are there."""
        return sorted((self.data / "predictions").glob("*.arrow"))

    def input_predictions(self, task: str) -> Path:
        """The predictions of one task that samples had which were handed in, Arrow."""
        return self.path / "config" / "predictions" / f"{task}.arrow"

    @property
    def unusable_annotations(self) -> Path:
        """Prediction and metadata files that could not be used and why, CSV."""
        return self.data / "unusable_annotations.csv"

    @property
    def al_score_embeddings(self) -> Path:
        """The embeddings as computed, with the active-learning scores as further dimensions, CSV."""
        return self.data / "al_score_embeddings.csv"

    @property
    def sampled(self) -> Path:
        """The folder of copies of the selected images, where they were asked for."""
        return self.data / "sampled"

    @property
    def arrays(self) -> Path:
        """The folder of arrays, one `.npy` a name, rows as in `samples`."""
        return self.data / "arrays"

    @property
    def quarantine(self) -> Path:
        """The files left out and why, CSV."""
        return self.data / "quarantine.csv"

    @property
    def thumbnails(self) -> Path:
        """The thumbnails, Arrow."""
        return self.data / "thumbnails.arrow"

    @property
    def old_thumbnails(self) -> Path:
        """Thumbnails as version 0.1 packed them; nothing reads them any more."""
        return self.data / "thumbnails.pack"

    @property
    def bounding_boxes(self) -> Path:
        """What pretagging has detected, in the platform's form, JSON."""
        return self.data / "bounding_boxes.json"

    @property
    def bounding_boxes_examples(self) -> Path:
        """The folder of pictures with detected boxes, where they were asked for, JPEG."""
        return self.data / "bounding_boxes_examples"

    @property
    def pretagging_progress(self) -> Path:
        """What a pretagging under way has found so far, JSON lines; gone once it is whole."""
        return self.data / "pretagging.jsonl"

    @property
    def selection(self) -> Path:
        """The selection: picks in order, what was asked and got, JSON."""
        return self.data / "selection.json"

    @property
    def selection_table(self) -> Path:
        """Why each sample was selected or left out, Parquet."""
        return self.data / "selection.parquet"

    @property
    def embedding_check(self) -> Path:
        """Whether the embeddings are worth selecting from, JSON."""
        return self.data / "embedding_check.json"

    @property
    def sizes(self) -> Path:
        """How large the files of the results are, so that a cut or deleted one is noticed; JSON."""
        return self.data / "sizes.json"

    @property
    def chunks(self) -> Path:
        """Chunks of an embedding that is under way; gone once it is whole."""
        return self.data / "chunks"

    @property
    def report_arrays(self) -> Path:
        """Arrays that `report.json` names: map coordinates, pictures; NumPy `.npz`."""
        return self.data / "report_arrays.npz"

    @property
    def layouts(self) -> Path:
        """PCA and UMAP coordinates, and which embeddings they are of; NumPy `.npz`."""
        return self.data / "layouts.npz"

    # The report
    @property
    def report_json(self) -> Path:
        """Every number of the report, JSON; written last."""
        return self.path / "report.json"

    @property
    def report_pdf(self) -> Path:
        """The report to print or send, PDF."""
        return self.path / "report.pdf"

    @property
    def report_html(self) -> Path:
        """The report as one page with interactive plots, to open without a network."""
        return self.path / "report.html"

    @property
    def plots(self) -> Path:
        """The folder of the report's plots, PNG."""
        return self.path / "plots"

    # File name lists
    @property
    def corrupt_filenames(self) -> Path:
        """Names of corrupt files, one a line."""
        return self.path / "filenames" / "corrupt_filenames.txt"

    @property
    def duplicate_filenames(self) -> Path:
        """Names of files that are exact duplicates of another, one a line."""
        return self.path / "filenames" / "duplicate_filenames.txt"

    @property
    def removed_filenames(self) -> Path:
        """Names of usable samples that were not selected, one a line."""
        return self.path / "filenames" / "removed_filenames.txt"

    @property
    def sampled_filenames(self) -> Path:
        """Names of the newly selected samples in the order of picking, one a line."""
        return self.path / "filenames" / "sampled_filenames_excluding_datapool.txt"

    # The run itself
    @property
    def events(self) -> Path:
        """The stream of events, JSON lines."""
        return self.path / "events.jsonl"

    @property
    def log(self) -> Path:
        """Messages for people who look for a cause."""
        return self.path / "log.txt"

    @property
    def process(self) -> Path:
        """Which process works on the run, JSON."""
        return self.path / "process.json"

    @property
    def cancel(self) -> Path:
        """Once this file exists, the run stops."""
        return self.path / "cancel"


def write_aside(path: Path, write: Callable[[Path], object]) -> None:
    """Have `write` fill a temporary file beside `path`, then rename it to `path`.

    Raises
    ------
    RunError
        If the disk is full or the folder cannot be written; what stood at `path` before is untouched.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_aside(path) as aside:
            write(aside)
    except OSError as error:
        raise _not_written(path, error) from error


def _not_written(path: Path, error: OSError) -> RunError:
    return RunError(
        f"'{path}' could not be written ({error.strerror or error}); what was finished before is kept. "
        "Free some space or mend the folder's permissions, then go on with: lightly-nb resume"
    )


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, aside and renamed."""
    write_aside(path, lambda temporary: temporary.write_text(text, encoding="utf-8", newline="\n"))


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write one line each, UTF-8; an empty file for no lines."""
    write_text(path, "".join(f"{line}\n" for line in lines))


def append_event(folder: RunFolder, event: Event) -> None:
    """Append one event as one line; readers in other processes see it at once.

    Raises
    ------
    RunError
        If the disk is full or the folder cannot be written.
    """
    line = json.dumps(event, ensure_ascii=False, default=float) + "\n"
    try:
        with folder.events.open("ab") as stream:
            stream.write(line.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise _not_written(folder.events, error) from error


def read_events(folder: RunFolder, start: int = 0, most: int = -1) -> tuple[list[Event], int]:
    """Return the events from byte `start` on, and the byte where the next reading starts.

    At most `most` bytes are read, -1 for all. A last line that is still being written, or that goes beyond
    them, is left for the next reading.
    """
    try:
        with folder.events.open("rb") as stream:
            stream.seek(start)
            content = stream.read(most)
    except FileNotFoundError:
        return [], start
    end = content.rfind(b"\n") + 1
    return list(_parsed(content[:end].splitlines())), start + end


def _parsed(lines: Iterable[bytes]) -> Iterator[Event]:
    for line in lines:
        with suppress(json.JSONDecodeError):  # a line cut by a full disk; the next one is whole again
            event: Any = json.loads(line)
            if isinstance(event, dict):
                yield Event(**event)  # type: ignore[typeddict-item]
