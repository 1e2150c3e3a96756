"""`score`: predictions to columns of the table, `score.TASK.SCORE`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lightly_nb.errors import InputError, did_you_mean
from lightly_nb.events import Listener, Stage, silent
from lightly_nb.samples import Samples
from lightly_nb.samples.predictions import predictions_of
from lightly_nb.scoring.scores import SCORES, Score, ScoreSettings, scores_of

STEP = "COMPUTING_ACTIVE_LEARNING_SCORES"


def score(
    samples: Samples,
    task: str,
    scores: Sequence[str] | None = None,
    *,
    frequency_penalty: float = 0.25,
    min_score: float = 0.9,
    table: Mapping[str, Score] | None = None,
    on_event: Listener | None = None,
) -> Samples:
    """Compute active-learning scores of the predictions of one task, in [0, 1]: high is worth a label.

    Parameters
    ----------
    samples : Samples
        With predictions of the task: of `add_predictions`, or of a run.
    task : str
        Name of the task.
    scores : sequence of str or None
        Which. None: all that such a task has.
    frequency_penalty : float
        What a further object of a category counts in `object_frequency`, where the first counts 1.
    min_score : float
        Lowest `object_frequency`, which is scaled over `samples` to [min_score, 1].
    table : mapping of str to Score or None
        Scores by name; None is `SCORES`; pass `{**SCORES, "mine": Score(function)}` for a home-made one.
    on_event : Listener or None
        Gets the progress.

    Returns
    -------
    Samples
        With a column `score.TASK.SCORE` for each.

    Raises
    ------
    InputError
        If there are no predictions of that task, or the task has no such score.

    Examples
    --------
    >>> import pandas as pd
    >>> from lightly_nb.samples.predictions import Task, packed
    >>> animals = Task("animals", "classification", ("cat", "dog", "fox"))
    >>> sure, unsure = ([{"category_id": 0, "score": score}] for score in (1.0, 0.5))
    >>> samples = Samples(pd.DataFrame(index=["a.jpg", "b.jpg"]))
    >>> samples = samples.with_predictions(packed(animals, [sure, unsure]))
    >>> score(samples, "animals").table["score.animals.uncertainty_margin"].tolist()
    [0.0, 0.75]
    """
    table = SCORES if table is None else table
    predictions = predictions_of(samples.predictions, task)
    chosen = scores_of(predictions.task.type, table) if scores is None else list(scores)
    for name in chosen:
        check_score(name, predictions.task.name, predictions.task.type, table)
    settings, columns = ScoreSettings(frequency_penalty, min_score), {}
    with Stage(on_event or silent, STEP, len(chosen), "score") as stage:
        for name in chosen:
            columns[f"score.{task}.{name}"] = table[name].compute(predictions, settings)
            stage.advance()
    return samples.with_columns(columns)


def check_score(name: str, task: str, task_type: str, table: Mapping[str, Score] | None = None) -> None:
    """Raise `InputError` if a task of that type has no score `name`."""
    there = scores_of(task_type, table)
    if name not in there:
        raise InputError(
            f"score '{name}' is none of task '{task}', which is one of {task_type}; there are "
            f"{', '.join(there)}.{did_you_mean(name, there)}"
        )
