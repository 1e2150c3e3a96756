"""The dataset of crops that a run on objects makes: its tag and that of the images, or neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from lightly_nb.config import WorkerConfig
from lightly_nb.states import DatasetType
from lightly_nb.workspace import open_workspace, reading, transact
from lightly_nb.workspace.data.crops import add_crops
from lightly_nb.workspace.data.datasets import create_dataset, get_datasets
from lightly_nb.workspace.data.datasources import get_datasource
from lightly_nb.workspace.data.tags import create_run_tag, get_filenames_in_tag, get_samples_in_tag, get_tags
from lightly_nb.workspace.users.users import add_user, authenticate
from lightly_nb.workspace.work.following import get_run_info
from lightly_nb.workspace.work.worker import run_worker
from lightly_nb.workspace.work.workers import register_worker
from tests.pipeline.test_object_level import SMALL, UNIFORM, write_images, write_things
from tests.workspace.queues import asked_for, with_datasources

THINGS = WorkerConfig(object_level={"task_name": "things", "padding": 0.1}).object_level


@pytest.fixture
def home(tmp_path: Path):
    return open_workspace(tmp_path / "home")


@pytest.fixture
def token(home) -> str:
    return transact(home, add_user, "eve@example.com")[1].get_secret_value()


@pytest.fixture
def eve(home, token):
    return authenticate(home, token)


def add(home, dataset, names, level=THINGS):
    return transact(home, add_crops, dataset, None, names=names, metas={}, level=level)


def test_further_runs_add_to_the_dataset_that_the_first_has_made(home, eve, tmp_path):
    images = transact(home, with_datasources, eve, "cats", tmp_path / "cats")
    crops = add(home, images, ["a-0-jpg.png", "a-1-jpg.png"])
    assert (crops.name, crops.type, crops.parent_id) == ("cats-crops", DatasetType.CROPS, images.id)
    assert crops.crop_info == {"task_name": "things", "padding": 0.1}
    assert add(home, images, ["b-0-jpg.png"]).id == crops.id
    with reading(home) as session:
        tags = get_tags(session, crops)
        assert tags[-1].name == "initial-tag"
        assert [get_filenames_in_tag(session, crops, tag) for tag in tags] == [
            ["b-0-jpg.png"],
            ["a-0-jpg.png", "a-1-jpg.png"],
        ]
        settings = get_datasource(session, crops, "LIGHTLY")
        assert settings == get_datasource(session, images, "LIGHTLY")


def test_other_objects_and_other_names_are_other_datasets(home, eve, tmp_path):
    images = transact(home, with_datasources, eve, "cats", tmp_path / "cats")
    transact(home, create_dataset, eve, "faces")
    add(home, images, ["a-0-jpg.png"])
    wider = THINGS.model_copy(update={"padding": 0.2})
    named = THINGS.model_copy(update={"crop_dataset_name": "faces"})
    assert add(home, images, ["a-0-jpg.png"], wider).name == "cats-crops_1"
    assert add(home, images, ["a-0-jpg.png"], named).name == "faces_1"
    assert add(home, images, ["b-0-jpg.png"], named).name == "faces_1"
    assert add(home, images, ["b-0-jpg.png"], wider).name == "cats-crops_1"


def test_both_tags_are_stored_or_neither(home, eve, tmp_path):
    images = transact(home, with_datasources, eve, "cats", tmp_path / "cats")

    def both(session, dataset):
        create_run_tag(session, dataset, ["a.jpg"])
        add_crops(session, dataset, "no such run", names=["a-0-jpg.png"], metas={}, level=THINGS)

    with pytest.raises(Exception, match=r"FOREIGN KEY|foreign key"):
        transact(home, both, images)
    with reading(home) as session:
        assert get_tags(session, images) == []
        assert [dataset.name for dataset in get_datasets(session, eve)] == ["cats"]


def test_a_scheduled_run_on_objects_ends_with_both_datasets(home, eve, token, tmp_path):
    folder = tmp_path / "photos"
    names = write_images(folder)
    images = transact(home, with_datasources, eve, "street", folder)
    write_things(folder, names)
    worker = {**SMALL, "object_level": {"task_name": "things"}, "shutdown_when_job_finished": True}
    asked = asked_for(
        home,
        eve,
        images,
        worker_config={**worker, "generate_report": False},
        selection_config={"n_samples": 4, "strategies": [UNIFORM]},
    )
    transact(home, register_worker, eve)
    run_worker(home, "Default", token=token, say=lambda text: None)
    with reading(home) as session:
        info = get_run_info(session, eve, asked)
        assert (info.state, info.message) == ("COMPLETED", "4 of 14 samples selected")
        crops = next(one for one in get_datasets(session, eve) if one.name == "street-crops")
        ((tag,), (crop_tag,)) = get_tags(session, images), get_tags(session, crops)
        assert tag.run_id == crop_tag.run_id
        rows = get_samples_in_tag(session, crops, crop_tag)
        assert len(rows) == 4
        of_crops = list(dict.fromkeys(row.meta["crop"]["image"] for row in rows))
        assert get_filenames_in_tag(session, images, tag) == of_crops
        assert rows[0].meta["crop"]["category"] in ("left", "right")
        assert rows[0].meta["lightly"]["width"] in (50, 60, 61)
