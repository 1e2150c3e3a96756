"""Steps of a run: read predictions and metadata of what was listed, check them against the selection, score.

What was read is kept in the run folder, a row for each listed file: one Arrow file a task, and a table. It is
put beside the samples by their names once these are known, so a crash costs no second reading.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd

from lightly_nb.config import SelectionConfig
from lightly_nb.datasource import Datasource
from lightly_nb.embeddings_csv import write_embeddings_csv
from lightly_nb.errors import ConfigError, InputError, SelectionError
from lightly_nb.events import Listener, say
from lightly_nb.lightly_source.companions import BadFile
from lightly_nb.lightly_source.metadata_schema import MetadataEntry, read_metadata
from lightly_nb.lightly_source.predictions import read_predictions
from lightly_nb.pipeline.job import Job
from lightly_nb.pipeline.results import load_predictions
from lightly_nb.pipeline.selection_inputs import Inputs
from lightly_nb.runfolder import RunFolder, write_aside
from lightly_nb.samples import Samples
from lightly_nb.samples.predictions import Predictions
from lightly_nb.samples.predictions_file import write_predictions_file


def read_annotations(
    job: Job, folder: RunFolder, lightly: Datasource, names: Sequence[str], inputs: Inputs, emit: Listener
) -> None:
    """Read metadata and predictions of the files `names` into the run folder, unless they are there.

    Parameters
    ----------
    job : Job
        Its own predictions, of samples that were handed in, come before those of LIGHTLY.
    folder : RunFolder
        Of the run.
    lightly : Datasource
        LIGHTLY.
    names : sequence of str
        What was listed, and what is in the datapool.
    inputs : Inputs
        The schemas.
    emit : Listener
        Gets the progress and what is wrong with files.
    """
    if _is_kept(folder, names):
        return
    bad: list[BadFile] = []
    columns: dict[str, Any] = {}
    if metadata := _not_in_table(job, inputs, emit):
        columns, bad = read_metadata(lightly, names, metadata, emit)
    for task in inputs.tasks_to_read.values():
        if task.name in job.predictions:
            predictions = _aligned(job.predictions[task.name], job.listed_names, names)
        else:
            predictions, unusable = read_predictions(lightly, names, task, emit)
            bad += unusable
        write_predictions_file(folder.predictions(task.name), predictions)
    if bad:
        table = pd.DataFrame(bad, columns=["path", "problem"])
        write_aside(folder.unusable_annotations, partial(table.to_csv, index=False))
        say(emit, "LOADING_PREDICTION", f"all of them are listed in {folder.unusable_annotations}", "warning")
    table = pd.DataFrame({"filename": list(names), **{key: one.array for key, one in columns.items()}})
    write_aside(folder.annotations_table, partial(table.to_parquet, index=False))


def _is_kept(folder: RunFolder, names: Sequence[str]) -> bool:
    """Whether an earlier attempt of the run has read those of the same names."""
    if not folder.annotations_table.is_file():
        return False
    kept = pd.read_parquet(folder.annotations_table, columns=["filename"])["filename"]
    return kept.tolist() == list(names)


def _not_in_table(job: Job, inputs: Inputs, emit: Listener) -> list[MetadataEntry]:
    """Return the metadata to read: what a table was handed in with comes before the files."""
    columns = () if job.listing is None else job.listing.columns
    taken = [entry.path for entry in inputs.metadata if entry.path in columns]
    if taken:
        said = (
            f"the table that was handed in has columns of its own for {', '.join(taken)}: files are not read"
        )
        say(emit, "LOADING_METADATA", said)
    return [entry for entry in inputs.metadata if entry.path not in columns]


def _aligned(predictions: Predictions, have: Sequence[str], wanted: Sequence[str]) -> Predictions:
    return predictions.take(pd.Index(list(have)).get_indexer(pd.Index(list(wanted))))


def with_annotations(samples: Samples, folder: RunFolder) -> Samples:
    """Return samples with the metadata and predictions that `read_annotations` has kept, by their names."""
    if not folder.annotations_table.is_file():
        return samples
    table = pd.read_parquet(folder.annotations_table).set_index("filename")
    rows = table.index.get_indexer(pd.Index(samples.filenames))
    if (rows < 0).any():
        raise InputError(f"'{folder.annotations_table}' is not of these samples; delete it and run again")
    samples = samples.with_columns({str(key): table[key].iloc[rows].array for key in table})
    scores = _scores(samples)
    for predictions in load_predictions(folder, samples.table).values():
        samples = samples.with_predictions(predictions)
    return samples.with_columns(scores)  # those that a table was handed in with


def _scores(samples: Samples) -> dict[str, Any]:
    return {str(name): samples.table[name] for name in samples.table if str(name).startswith("score.")}


def check_data(selection: SelectionConfig, listed: Samples, seed: int) -> None:
    """Refuse what the values themselves do not allow, before the work on images.

    The strategies on predictions and metadata are prepared on what was listed: a value that is missing, or a
    threshold that no sample passes, is found now and not after training.

    Raises
    ------
    ConfigError
        Names the strategy, and what is wrong.
    """
    from lightly_nb.selection.plan import prepared
    from lightly_nb.selection.settings import plain_strategies
    from lightly_nb.selection.strategies import STRATEGIES

    for number, strategy in enumerate(selection.strategies):
        entries = plain_strategies([strategy], STRATEGIES)
        if not _is_known(entries[0]["input"], listed):
            continue
        try:
            prepared(listed, entries, STRATEGIES, seed, None)
        except SelectionError as error:
            raise ConfigError.at(f"selection_config.strategies[{number}]", str(error)) from None


def _is_known(source: Mapping[str, Any], listed: Samples) -> bool:
    """Whether the input of a strategy is there as soon as files are listed."""
    if source["type"] == "METADATA":
        return source["key"] in listed.table
    return source.get("task") in listed.predictions


def scored(job: Job, folder: RunFolder, samples: Samples, emit: Listener) -> Samples:
    """Return samples with the scores of all tasks, and write `al_score_embeddings.csv`."""
    from lightly_nb.scoring import score

    settings = job.configs.worker.scorer_config
    for task in samples.predictions:
        samples = score(
            samples,
            task,
            frequency_penalty=settings.frequency_penalty,
            min_score=settings.min_score,
            on_event=emit,
        )
    columns = _scores(samples)
    write_aside(
        folder.al_score_embeddings,
        lambda path: write_embeddings_csv(path, samples.filenames, samples.embeddings, more=columns),
    )
    return samples
