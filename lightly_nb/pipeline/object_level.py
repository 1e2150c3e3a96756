"""A run on objects: its samples are crops, and the images that hold a selected one are told with them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightly_nb.datasource import open_datasource
from lightly_nb.embeddings_csv import write_embeddings_csv
from lightly_nb.engines import local
from lightly_nb.errors import DatasourceError, InputError
from lightly_nb.events import Listener, Stage, say
from lightly_nb.pipeline.datasources import lightly_to_write
from lightly_nb.pipeline.job import Job
from lightly_nb.reading.crops import IMAGE, crops
from lightly_nb.runfolder import RunFolder, write_aside, write_lines
from lightly_nb.samples import Samples
from lightly_nb.samples.predictions_file import write_predictions_file

if TYPE_CHECKING:
    from lightly_nb.models import EmbeddingModel
    from lightly_nb.selection import Selection

STEP, UPLOAD = "INITIALIZING_OBJECT_CROPS", "SAVING_RESULTS"
CROPS = ".lightly/crops/"


def crops_of(job: Job, images: Samples, emit: Listener) -> Samples:
    """Return the crops of the images of a run, and say how many there are.

    Raises
    ------
    InputError
        If there are none, or fewer than shall be selected.
    """
    level, selection = job.configs.worker.object_level, job.configs.selection
    found = crops(images, level.task_name, padding=level.padding)
    counts = images.predictions[level.task_name].counts
    said = f"{len(found):,} crops of {int((counts > 0).sum()):,} images"
    without = int((counts == 0).sum())
    say(emit, STEP, f"{said}; {without:,} images have no object" if without else said)
    n_boxless = images.predictions[level.task_name].n_singletons - len(found)
    if n_boxless:
        say(emit, STEP, f"{n_boxless:,} predictions have no box and are left out", "warning")
    size = selection.n_samples if selection else None
    if size is not None and size > len(found):
        raise InputError(
            f"selection_config.n_samples: asked for {size:,} samples, but task '{level.task_name}' has "
            f"{len(found):,} objects; ask for at most that many, or for a share with proportion_samples"
        )
    return found


def keep_crops(folder: RunFolder, embedded: Samples) -> Samples:
    """Keep the predictions of the crops, in place of those of the images; return the crops."""
    for name, predictions in embedded.predictions.items():
        write_predictions_file(folder.made_predictions(name), predictions)
    return embedded


def full_images(samples: Samples, selection: Selection) -> list[str]:
    """Return the names of the images that hold a selected crop, in the order in which they were picked."""
    return list(dict.fromkeys(samples.table[IMAGE].iloc[selection.rows].astype(str)))


def save_full_images(
    job: Job,
    folder: RunFolder,
    names: list[str],
    model: Path | EmbeddingModel | None,
    storage_options: Mapping[str, Any] | None,
    emit: Listener,
) -> None:
    """Embed whole images and write their names, metadata and embeddings.

    Parameters
    ----------
    job, folder
        The run.
    names : list of str
        Of the images.
    model : pathlib.Path, EmbeddingModel or None
        The one that embedded the crops.
    storage_options : mapping or None
        What fsspec needs to reach INPUT.
    emit : callable
        Gets the progress.
    """
    import pandas as pd

    from lightly_nb.embedding import embed

    worker = job.configs.worker
    source = open_datasource(job.input, storage_options=storage_options)
    images = embed(
        Samples(pd.DataFrame(index=pd.Index(names, name="filename")), source=source),
        model,
        input_size=worker.input_size,
        normalize_embeddings=False,
        decode=worker.decode,
        enable_corruptness_check=worker.enable_corruptness_check,
        remove_exact_duplicates=False,
        num_workers=worker.num_threads,
        thumbnail_size=None,
        check_embeddings=False,
        on_event=emit,
    )
    write_aside(
        folder.full_image_embeddings,
        lambda path: write_embeddings_csv(path, images.filenames, images.embeddings),
    )
    write_aside(folder.full_images, partial(images.table.reset_index().to_parquet))
    write_lines(folder.full_image_filenames, names)


def upload_crops(
    job: Job,
    samples: Samples,
    selection: Selection,
    storage_options: Mapping[str, Any] | None,
    emit: Listener,
) -> None:
    """Write the selected crops to LIGHTLY, in place of files of their names; failures are counted."""
    assert samples.source is not None
    source, names = samples.source, selection.filenames
    lightly = lightly_to_write(job, storage_options, f"{len(names):,} crops", UPLOAD, emit)
    if lightly is None:
        return

    def write(name: str) -> str:
        try:
            lightly.write(CROPS + name, source.read(name))
        except (DatasourceError, InputError) as error:
            return f"'{name}': {error}"
        return ""

    problems = []
    with Stage(emit, UPLOAD, len(names), "crop") as stage, closing(local.map(write, names)) as results:
        for problem in results:
            problems += [problem] if problem else []
            stage.advance()
    if problems:
        said = f"{len(problems):,} of {len(names):,} crops are not written to {lightly.url}"
        say(emit, UPLOAD, f"{said}, first {'; '.join(problems[:3])}", "warning")
