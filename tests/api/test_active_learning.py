"""What the client writes is what its next run selects by: predictions, metadata, scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lightly_nb.api import ApiException, ApiWorkflowClient
from lightly_nb.embeddings_csv import write_embeddings_csv
from lightly_nb.workspace import open_workspace
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
    output, one_run = tmp_path / "out", {"shutdown_when_job_finished": True}
    run_worker(open_workspace(), "Default", token=annotated.token, output_dir=output, **one_run)
    run = annotated.get_compute_worker_run_from_scheduled_run(scheduled)
    assert (run.state, run.message) == ("COMPLETED", "3 of 12 samples selected")
    assert annotated.get_all_tags()[0].tot_size >= 3


def test_what_the_client_s_run_cannot_do_is_said_by_its_message(annotated: ApiWorkflowClient) -> None:
    wrong = strategy({**COUNT, "name": "CLASS_DISTRIBUTION"}, "WEIGHTS")
    with pytest.raises((ApiException, ValueError), match="PREDICTIONS with name CATEGORY_COUNT"):
        annotated.schedule_compute_worker_run({}, {}, {"n_samples": 3, "strategies": [wrong]})
