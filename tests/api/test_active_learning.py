"""What the client writes is what its next run selects by: predictions, metadata, scores."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lightly_nb.api import ApiWorkflowClient, DatasourcePurpose, InvalidConfigurationError
from lightly_nb.embeddings_csv import write_embeddings_csv
from lightly_nb.errors import InputError
from lightly_nb.workspace import open_workspace
from lightly_nb.workspace.work import scheduling
from lightly_nb.workspace.work.worker import run_worker

TASK = {
    "name": "cars",
    "type": "OBJECT_DETECTION",
    "categories": [{"id": 0, "name": "car"}, {"id": 1, "name": "bus"}],
}


@pytest.fixture
def annotated(filled: ApiWorkflowClient, names: list[str], tmp_path: Path) -> ApiWorkflowClient:
    """Ada's client on a dataset with predictions and metadata, and scores for those of her first tag."""
    filled.create_or_update_prediction_task_schema(TASK)
    for number, name in enumerate(names):
        box = {
            "task_name": "cars",
            "category_id": number % 2,
            "score": 0.99 - number / 20,
            "bbox": [1, 2, 3, 4],
        }
        filled.create_or_update_prediction(name, [box] * (number % 3))
    images = [{"id": number, "file_name": name} for number, name in enumerate(names)]
    weather = [
        {"image_id": number, "weather": "rain" if number % 4 else "sun"} for number in range(len(names))
    ]
    filled.upload_custom_metadata({"images": images, "metadata": weather[:-2]})
    tag = filled.get_all_tags()[0]
    filled.upload_scores({"mine": np.arange(tag.tot_size) / 10}, tag.id)
    vectors = np.random.default_rng(0).normal(size=(len(names), 4))
    write_embeddings_csv(tmp_path / "own.csv", names, vectors)
    return filled


def strategy(source: dict[str, Any], kind: str, **settings: Any) -> dict[str, Any]:
    return {"input": source, "strategy": {"type": kind, **settings}}


COUNT = {"type": "PREDICTIONS", "task": "cars", "name": "CATEGORY_COUNT", "categories": ["car"]}
MIX = [
    strategy({"type": "EMBEDDINGS"}, "DIVERSITY"),
    strategy({"type": "SCORES", "task": "cars", "score": "uncertainty_margin"}, "WEIGHTS"),
    strategy({**COUNT, "name": "CLASS_DISTRIBUTION", "categories": None}, "BALANCE", target={"bus": 0.7}),
    strategy({"type": "METADATA", "key": "weather"}, "BALANCE", target={"rain": 0.3, "sun": 0.7}),
    strategy({"type": "METADATA", "key": "al_scores.mine"}, "WEIGHTS"),
    strategy(COUNT, "WEIGHTS", target_range={"min_sum": 1, "max_sum": 4}),
]


def test_runs_select_by_what_the_client_wrote(annotated: ApiWorkflowClient, tmp_path: Path) -> None:
    worker = {"embeddings": str(tmp_path / "own.csv"), "generate_report": False}
    annotated.register_compute_worker("Default")
    scheduled = annotated.schedule_compute_worker_run(worker, {}, {"n_samples": 3, "strategies": MIX})
    run_worker(
        open_workspace(),
        "Default",
        token=annotated.token,
        output_dir=tmp_path / "out",
        shutdown_when_job_finished=True,
    )
    run = annotated.get_compute_worker_run_from_scheduled_run(scheduled)
    assert (run.state, run.message) == ("COMPLETED", "3 of 12 samples selected")
    assert annotated.get_all_tags()[0].tot_size >= 3


OF_METADATA = {"type": "METADATA", "key": "weathr"}


WRONG: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, strategy({**COUNT, "name": "CLASS_DISTRIBUTION"}, "WEIGHTS"), "with name CATEGORY_COUNT"),
    ({}, strategy({**COUNT, "task": "car"}, "WEIGHTS"), "input.task: got 'car'.* Did you mean 'cars'"),
    ({}, strategy({**COUNT, "categories": ["cra"]}, "WEIGHTS"), "got 'cra', .*Did you mean 'car'"),
    (
        {},
        strategy({**COUNT, "name": "CLASS_DISTRIBUTION", "categories": None}, "BALANCE", target={"bsu": 1.0}),
        "strategy.target: got 'bsu'.*Did you mean 'bus'",
    ),
    (
        {},
        strategy({"type": "SCORES", "task": "cars", "score": "uncertainty_margn"}, "WEIGHTS"),
        "input.score: .*Did you mean 'uncertainty_margin'",
    ),
    (
        {},
        strategy(OF_METADATA, "BALANCE", distribution="UNIFORM"),
        "input.key: got 'weathr', but .*Did you mean 'weather'",
    ),
    (
        {},
        strategy({**OF_METADATA, "key": "al_scores.mine"}, "BALANCE", distribution="UNIFORM"),
        "BALANCE needs categories, and 'al_scores.mine' is NUMERIC_FLOAT",
    ),
    ({}, strategy({**OF_METADATA, "key": "weather"}, "WEIGHTS"), "WEIGHTS needs numbers, and 'weather'"),
    ({"object_level.task_name": "crs"}, MIX[0], "object_level.task_name: got 'crs'.*Did you mean 'cars'"),
    (
        {"object_level.task_name": "lightly_pretagging"},
        MIX[0],
        "got 'lightly_pretagging'.*set worker_config.pretagging to true",
    ),
    (
        {"pretagging": True},
        strategy({**COUNT, "task": "lightly_pretagging", "categories": None}, "BALANCE", target={"cat": 1.0}),
        "strategy.target: got 'cat', but the categories of task 'lightly_pretagging'",
    ),
    ({}, strategy({"type": "EMBEDDINGS", "task": "cars"}, "DIVERSITY"), "this run embeds whole images"),
]


def test_what_lightly_does_not_have_is_refused_when_scheduled(annotated: ApiWorkflowClient) -> None:
    for worker, asked, text in WRONG:
        with pytest.raises(InvalidConfigurationError, match=text) as caught:
            annotated.schedule_compute_worker_run(worker, {}, {"n_samples": 3, "strategies": [asked]})
        assert all(problem.key for problem in caught.value.problems)
    assert annotated.get_scheduled_compute_worker_runs() == []


def test_all_that_is_wrong_is_said_at_once(annotated: ApiWorkflowClient) -> None:
    wrong = [strategy({**COUNT, "task": "car"}, "WEIGHTS"), strategy(OF_METADATA, "WEIGHTS")]
    with pytest.raises(InvalidConfigurationError, match=r"(?s)got 'car'.*got 'weathr'"):
        annotated.schedule_compute_worker_run({}, {}, {"n_samples": 3, "strategies": wrong})


def test_a_schema_that_cannot_be_used_is_said_when_scheduled(
    annotated: ApiWorkflowClient, tmp_path: Path
) -> None:
    (tmp_path / "lightly/.lightly/predictions/cars/schema.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match=r"cars/schema\.json"):
        annotated.schedule_compute_worker_run({}, {}, {"n_samples": 3, "strategies": MIX[2:3]})


@pytest.mark.parametrize("where", ["a folder of the worker's machine", "a bucket that does not answer"])
def test_the_run_finds_out_what_cannot_be_reached_from_here(
    annotated: ApiWorkflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    if where.startswith("a folder"):
        annotated.set_local_config(str(tmp_path / "gone"), purpose=DatasourcePurpose.LIGHTLY)
    else:
        answer = threading.Event()
        monkeypatch.setattr(scheduling, "SECONDS_TO_LOOK", 0.1)
        monkeypatch.setattr(scheduling, "open_lightly", lambda settings: answer.wait(30))
    wrong = strategy({**COUNT, "task": "lorries"}, "WEIGHTS")
    assert annotated.schedule_compute_worker_run({}, {}, {"n_samples": 3, "strategies": [wrong]})
    assert len(annotated.get_scheduled_compute_worker_runs()) == 1
    if not where.startswith("a folder"):
        answer.set()


def test_nothing_is_read_where_nothing_is_asked_of_it(
    annotated: ApiWorkflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduling, "open_lightly", lambda settings: pytest.fail("opened"))
    assert annotated.schedule_compute_worker_run({}, {}, {"n_samples": 3, "strategies": MIX[:1]})
