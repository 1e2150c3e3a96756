"""Refused at the gate, which run, start and the CLI go through, and nothing dropped on the way in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lightly_nb as lnb
from lightly_nb.config import WorkerConfig, parse_configs
from lightly_nb.config.not_yet import NOT_YET, WITHOUT_EFFECT, without_effect
from lightly_nb.config.table import markdown
from lightly_nb.embeddings_csv import EmbeddingsTable
from lightly_nb.errors import ConfigError, InputError, LightlyNBError
from lightly_nb.events import silent
from lightly_nb.pipeline.gate import refuse_impossible
from lightly_nb.pipeline.job_file import load_job
from lightly_nb.pipeline.precomputed_embeddings import given_embeddings, with_precomputed_embeddings
from lightly_nb.pipeline.runs import prepare
from lightly_nb.samples import Samples
from lightly_nb.samples.quarantine import is_unusable, left_out_in_words
from lightly_nb.widgets.config_editor.checking import fields_of

EMBEDDINGS = {"type": "EMBEDDINGS"}


SEQUENCES = {
    "selected_sequence_length": 2,
    "enable_corruptness_check": False,
    "remove_exact_duplicates": False,
}


def metadata(key: str, **strategy: Any) -> list[dict[str, Any]]:
    return [{"input": {"type": "METADATA", "key": key}, "strategy": strategy}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("photos")
    for number in range(4):
        (top / f"{number}.jpg").write_bytes(b"x" * (number + 1))
    return top


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"worker_config": SEQUENCES, "n_samples": 2},
            "worker_config.selected_sequence_length: got 2, .*cannot do that yet",
        ),
        (
            {"worker_config": {"checkpoint": "gone.ckpt"}},
            "worker_config.checkpoint: .*gone.ckpt' does not exist",
        ),
        ({"worker_config": {"embeddings": "gone.csv"}}, "worker_config.embeddings: .*does not exist"),
        ({"checkpoint": "gone.ckpt"}, "checkpoint: .*does not exist"),
        ({"worker_config": {"model": "resnet-18/simclr/d99/w1.0"}}, "there is no 'resnet-18/simclr/d99"),
        ({"worker_config": {"model": "tim/resnet18"}}, "did you mean 'timm/resnet18'"),
        ({"worker_config": {"dimensions": 999}}, "gives 1 to 256, or 1280"),
        (
            {
                "lightly_config": {"model.name": "torchvision/resnet19"},
                "worker_config": {"enable_training": True},
            },
            "lightly_config.model.name: .*did you mean resnet18",
        ),
        (
            {"strategies": metadata("weather", type="BALANCE", distribution="UNIFORM")},
            r"selection_config.strategies\[0\].input.key: got 'weather', but there are lightly\.",
        ),
        ({"strategies": metadata("lightly.sharpnes", type="WEIGHTS")}, "Did you mean 'lightly.sharpness'"),
        (
            {"strategies": metadata("lightly.sharpness", type="BALANCE", distribution="UNIFORM")},
            "BALANCE needs categories, and 'lightly.sharpness' is a number",
        ),
        (
            {
                "strategies": [
                    {"input": {"type": "SCORES", "task": "t", "score": "s"}, "strategy": {"type": "WEIGHTS"}}
                ]
            },
            r"strategies\[0\].input.task: got 't', but there are no predictions at all",
        ),
        (
            {"strategies": [{"input": {**EMBEDDINGS, "tag_name": "t"}, "strategy": {"type": "SIMILARITY"}}]},
            "no embeddings are given for tag 't'",
        ),
        (
            {"strategies": [{"input": {**EMBEDDINGS, "task": "t"}, "strategy": {"type": "DIVERSITY"}}]},
            r"strategies\[0\].input.task: got 't', but this run embeds whole images; leave it out",
        ),
        ({"n_samples": None}, "exactly one of"),
        ({"shared_dir": 2}, ": shared_dir: got 2; allowed is a path"),
        ({"storage_options": "key"}, ": storage_options: got a str, 'key'; allowed is a dict"),
    ],
)
@pytest.mark.parametrize("begin", [lnb.run, lnb.start, prepare])
def test_what_cannot_work_is_refused_before_a_folder_is_made(
    folder: Path, tmp_path: Path, options: dict[str, Any], said: str, begin: Any
) -> None:
    with pytest.raises(LightlyNBError, match=said):
        begin(folder, tmp_path / "out", **{"n_samples": 1, **options})
    assert not (tmp_path / "out").exists()


def test_columns_of_a_table_may_be_selected_by(folder: Path, tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"path": sorted(map(str, folder.iterdir())), "sky": list("aabb"), "score.t.s": [0.1, 0.2, 0.3, 0.4]}
    )
    strategies = [
        *metadata("sky", type="BALANCE", distribution="UNIFORM"),
        {"input": {"type": "SCORES", "task": "t", "score": "s"}, "strategy": {"type": "WEIGHTS"}},
    ]
    assert prepare(table, tmp_path, n_samples=2, strategies=strategies).config.is_file()
    with pytest.raises(InputError, match=r"asked for 5 samples, but .* has 4"):
        prepare(table, tmp_path, n_samples=5)


def test_what_is_refused_is_neither_documented_nor_in_a_form() -> None:
    shown = [*fields_of(WorkerConfig)]
    text = markdown()
    for key in (*NOT_YET, *WITHOUT_EFFECT):
        assert f"| `{key}" not in text
        assert not [field for field in shown if field == key or field.startswith(f"{key}.")]
    assert "checkpoint" in shown
    with pytest.raises(ConfigError, match="cannot do that yet"):
        lnb.edit_worker_config(SEQUENCES)


def test_what_changes_nothing_is_told() -> None:
    said = without_effect(parse_configs({"num_processes": 3, "cache_size": 10}).worker)
    assert said[0] == (
        "worker_config.num_processes: 3 has no effect: files are worked on by threads; num_threads says by "
        "how many"
    )
    assert len(said) == 2


def test_no_selection_is_refused() -> None:
    with pytest.raises(ConfigError, match="exactly one of n_samples"):
        refuse_impossible(parse_configs())


def test_what_came_with_a_list_of_files_is_kept(folder: Path, tmp_path: Path) -> None:
    paths = [folder / "0.jpg", folder / "0.jpg", folder / "1.jpg", folder / "gone.jpg"]
    job = load_job(prepare(paths, tmp_path, n_samples=1))
    assert job.quarantine is not None
    assert job.quarantine["filename"].tolist() == ["gone.jpg"]
    assert job.told[0] == "1 paths came more than once, first '0.jpg'; each is one sample"
    assert len(load_job(prepare(f"{folder}/*.jpg", tmp_path, n_samples=1)).listing) == 4  # type: ignore[arg-type]


def test_embeddings_that_came_along_are_used_and_others_are_named(folder: Path, tmp_path: Path) -> None:
    table = pd.DataFrame({"path": sorted(map(str, folder.iterdir())), "embedding": list(np.eye(4))})
    job = load_job(prepare(table, tmp_path, n_samples=1))
    given = given_embeddings(job)
    assert given.filenames == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    np.testing.assert_array_equal(given.embeddings, np.eye(4))
    other = load_job(prepare(table, tmp_path, n_samples=1, worker_config={"model": "efficientnet-lite0"}))
    assert other.embeddings is None
    assert "worker_config.model asks for others" in other.told[0]


@pytest.mark.parametrize("column", ["filename", 3, "twice"])
def test_odd_columns_come_back_or_are_named(folder: Path, tmp_path: Path, column: Any) -> None:
    table = pd.DataFrame({"path": sorted(map(str, folder.iterdir())), column: list("abcd")})
    table = pd.concat([table, table[[column]]], axis=1) if column == "twice" else table
    if column == "filename":
        listing = load_job(prepare(table, tmp_path, n_samples=1)).listing
        assert listing is not None
        assert listing["filename"].tolist() == list("abcd")
        return
    with pytest.raises(InputError, match=r"column name 3 is no text|\['twice'\] come more than once"):
        prepare(table, tmp_path, n_samples=1)


def test_a_column_that_no_file_holds_is_named(folder: Path, tmp_path: Path) -> None:
    table = pd.DataFrame({"path": sorted(map(str, folder.iterdir())), "odd": [1, "a", object(), None]})
    with pytest.raises(InputError, match=r"the column 'odd' holds values of several kinds.*astype\(str\)"):
        prepare(table, tmp_path, n_samples=1)


def given(names: list[str], **flags: list[bool]) -> EmbeddingsTable:
    no = np.zeros(len(names), dtype=bool)
    masked = np.array(flags.get("masked", no))
    labels = np.zeros(len(names), dtype=np.int64)
    return EmbeddingsTable(names, np.eye(len(names), dtype=np.float32), labels, masked, no)


def test_images_without_a_row_and_rows_without_an_image_are_told() -> None:
    samples = Samples(pd.DataFrame(index=["a.jpg", "b.jpg", "c.jpg", "d.jpg"]))
    heard: list[Any] = []
    table = given(["b.jpg", "x.jpg", "a.jpg", "d.jpg"], masked=[False, False, False, True])
    found = with_precomputed_embeddings(samples, table, "x.csv", "/in", heard.append)
    assert found.filenames == ["a.jpg", "b.jpg"]
    said = [event["message"] for event in heard if event["level"] == "warning"]
    assert said == [
        "1 images have no row in x.csv, so they cannot be selected; first: 'c.jpg'",
        "1 images are masked in x.csv, so they are not selected; first: 'd.jpg'",
        "1 rows of x.csv are of no image of the input, so they are not used; first: 'x.jpg'",
    ]
    assert not is_unusable(found.quarantine).any(), "nothing is wrong with them"
    assert "2 files without a row in the embeddings" in left_out_in_words(found.quarantine)


@pytest.mark.parametrize("form", ["sub\\{}.jpg", "./sub/{}.jpg", "/in/sub/{}.jpg"])
def test_names_of_other_forms_are_understood(form: str) -> None:
    samples = Samples(pd.DataFrame(index=["sub/1.jpg", "sub/2.jpg"]))
    table = given([form.format(number) for number in (2, 1)])
    found = with_precomputed_embeddings(samples, table, "x.csv", "/in", silent)
    np.testing.assert_array_equal(found.embeddings, np.eye(2)[::-1])


@pytest.mark.parametrize("suffix", [".parquet", ".npz"])
def test_given_embeddings_may_be_other_files_with_names(folder: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    names = [f"{number}.jpg" for number in range(4)]
    if suffix == ".parquet":
        frame = pd.DataFrame({"filename": names, "embedding": list(np.eye(4)), "masked": [0, 0, 1, 0]})
        frame.to_parquet(path)
    else:
        np.savez(path, filenames=np.array(names), embeddings=np.eye(4))
    table = given_embeddings(
        load_job(prepare(folder, tmp_path, n_samples=1, worker_config={"embeddings": str(path)}))
    )
    assert table.filenames == names
    assert table.masked.tolist() == ([False, False, True, False] if suffix == ".parquet" else [False] * 4)


def test_embeddings_of_objects_are_those_of_the_run_s_task() -> None:
    inputs = [EMBEDDINGS, {**EMBEDDINGS, "task": "things"}, {**EMBEDDINGS, "task": ""}]
    strategies = [{"input": one, "strategy": {"type": "DIVERSITY"}} for one in inputs]
    worker = {"object_level.task_name": "things"}
    configs = parse_configs(worker, None, {"n_samples": 1, "strategies": strategies})
    assert refuse_impossible(configs) is configs.selection
    other = [*strategies, {"input": {**EMBEDDINGS, "task": "t"}, "strategy": {"type": "TYPICALITY"}}]
    with pytest.raises(
        ConfigError, match=r"strategies\[3\].input.task: got 't', but this run .* of 'things'"
    ):
        refuse_impossible(parse_configs(worker, None, {"n_samples": 1, "strategies": other}))
