"""The old form of a selection, inside worker_config, translated to a `SelectionConfig`."""

from __future__ import annotations

from typing import Any

from lightly_nb.config.selection import SelectionConfig
from lightly_nb.config.worker import WorkerConfig
from lightly_nb.errors import ConfigError

OLD_KEYS = ("method", "stopping_condition", "active_learning", "scorer")
PRETAGGING_TASK = "lightly_pretagging"


def old_keys_given(worker: WorkerConfig) -> list[str]:
    """Return the keys of the old form that differ from their defaults, which mean "not given"."""
    unset = WorkerConfig()
    return [key for key in OLD_KEYS if getattr(worker, key) != getattr(unset, key)]


def without_old_form(worker: WorkerConfig) -> WorkerConfig:
    """Return `worker` with the keys of the old form at their defaults."""
    unset = WorkerConfig()
    return worker.model_copy(update={key: getattr(unset, key) for key in OLD_KEYS})


def translated(worker: WorkerConfig) -> SelectionConfig:
    """Return what the old form in `worker` asks for, as a `SelectionConfig`.

    `coreset` is DIVERSITY on EMBEDDINGS, `random` is WEIGHTS on RANDOM, `coral` is DIVERSITY and a score.
    A task in `active_learning` adds WEIGHTS on that score to any method. A minimum distance alone selects
    as many samples as it lets pass.

    Raises
    ------
    ConfigError
        If the keys contradict each other or no stopping condition is given.
    """
    stop = worker.stopping_condition
    if stop.n_samples == -1 and stop.min_distance == -1:
        raise ConfigError.at(
            "worker_config.stopping_condition",
            "no size is given; give n_samples or min_distance there, or use"
            f" selection_config instead of {', '.join(old_keys_given(worker))}",
        )
    if worker.method == "random" and stop.min_distance != -1:
        raise ConfigError.at(
            "worker_config.stopping_condition.min_distance",
            "method 'random' knows no distance; use 'coreset'",
        )
    share = 1.0 if stop.n_samples == -1 else stop.n_samples
    size = "n_samples" if isinstance(share, int) else "proportion_samples"
    values: dict[str, Any] = {size: share, "strategies": [_by_method(worker), *_by_score(worker)]}
    return SelectionConfig(**values)


def _by_method(worker: WorkerConfig) -> dict[str, Any]:
    if worker.method == "random":
        return {"input": {"type": "RANDOM"}, "strategy": {"type": "WEIGHTS"}}
    distance = worker.stopping_condition.min_distance
    limit = {} if distance == -1 else {"stopping_condition_minimum_distance": distance}
    return {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY", **limit}}


def _by_score(worker: WorkerConfig) -> list[dict[str, Any]]:
    task, score = worker.active_learning.task_name, worker.active_learning.score_name
    keys = old_keys_given(worker)
    if "scorer" in keys and task:
        raise ConfigError.at(
            "worker_config.scorer",
            "it scores the pretagging detections, and active_learning names another task; give one of them",
        )
    if "active_learning" in keys and not task:
        raise ConfigError.at("worker_config.active_learning.task_name", "missing beside score_name")
    if not task and (worker.method == "coral" or "scorer" in keys):
        if not worker.pretagging:
            raise ConfigError.at(
                "worker_config.method",
                "a score is asked for, and no predictions to compute it from; give active_learning.task_name"
                " or set pretagging to true",
            )
        task, score = PRETAGGING_TASK, worker.scorer.replace("-", "_")
    if not task:
        return []
    return [{"input": {"type": "SCORES", "task": task, "score": score}, "strategy": {"type": "WEIGHTS"}}]
