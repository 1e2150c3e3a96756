"""The config editors through their traits: form to value, value to form, what is wrong, code, dry run."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import ipywidgets
import pytest
from pydantic import SecretStr

from lightly_nb import edit_lightly_config, edit_selection_config, edit_worker_config
from lightly_nb.config import LightlyConfig, SelectionConfig, WorkerConfig, from_yaml, parse_configs, to_yaml
from lightly_nb.config.parsing import MODELS
from lightly_nb.config.problems import dotted_keys
from lightly_nb.config.selection import ALLOWED_INPUTS
from lightly_nb.errors import ConfigError, InputError, RunCanceled, RunError
from lightly_nb.events import silent
from lightly_nb.pipeline import Run
from lightly_nb.pipeline.job_file import save_job
from lightly_nb.pipeline.making_job import as_job
from lightly_nb.widgets.config_editor import dry_run as config_dry_run
from lightly_nb.widgets.config_editor.card import PAIRS
from lightly_nb.widgets.config_editor.checking import fields_of
from lightly_nb.widgets.config_editor.groups import FOLDED, OPEN, OTHER, grouped
from lightly_nb.widgets.config_editor.panel import ConfigEditor
from tests.photos import write_photographs

EDITORS = {
    WorkerConfig: edit_worker_config,
    LightlyConfig: edit_lightly_config,
    SelectionConfig: edit_selection_config,
}
SECRET = "hunter2-0xC0FFEE"
FULL = {
    WorkerConfig: {
        "enable_training": True,
        "decode": "fast",
        "output_image_size": [3, 4],
        "input_size": 96,
        "method": "coreset",
        "stopping_condition.n_samples": 1.0,
    },
    LightlyConfig: {
        "optimizer.weight_decay": 1e-7,
        "collate.sigmas": [0.1, 3],
        "collate.rr_degrees": 5,
        "trainer.precision": 16,
    },
    SelectionConfig: {
        "n_samples": 5,
        "strategies": [
            {
                "input": {
                    "type": "PREDICTIONS",
                    "task": "t",
                    "name": "CATEGORY_COUNT",
                    "categories": ["a, b", "1"],
                },
                "strategy": {"type": "BALANCE", "target": {"a, b": 0.5, "yes": 0.25}, "strength": -2},
            },
            {
                "input": {"type": "EMBEDDINGS", "tag_name": "rare"},
                "strategy": {"type": "SIMILARITY"},
            },
            {
                "input": {"type": "METADATA", "key": "k"},
                "strategy": {"type": "WEIGHTS", "target_range": {"max_sum": 3}},
            },
        ],
    },
}


def shown_by(editor: ConfigEditor) -> str:
    """Everything that the page gets: the state of every widget of the panel."""
    states, waiting, seen = [], [editor], set()
    while waiting:
        widget = waiting.pop()
        if id(widget) not in seen:
            seen.add(id(widget))
            states.append(json.dumps(widget.get_state(), default=str))
            waiting.extend(getattr(widget, "children", ()))
    return "\n".join(states)


def opened_whole(editor: ConfigEditor) -> ConfigEditor:
    for fold in editor.form.folds:
        fold.open()
    return editor


# ---- the form is made from the models ------------------------------------------------------------------


@pytest.mark.parametrize("model", [WorkerConfig, LightlyConfig])
def test_every_key_is_in_one_group_and_has_a_field(model):
    editor = EDITORS[model]()
    keys = [*fields_of(model)]
    in_sight, folded = grouped(model.WHERE, keys)
    assert sorted([*in_sight, *(key for group in folded.values() for key in group)]) == sorted(keys)
    assert OTHER not in folded, "a new key: give it a group"
    for key in keys:
        control = editor.control(key)
        assert control.description == key
        tooltip = getattr(control, "tooltip", None) or control.description_tooltip  # ipywidgets 8, 7
        assert fields_of(model)[key].description in tooltip


def test_the_groups_name_only_keys_that_exist():
    for where, model in MODELS.items():
        keys = [key for key, _ in dotted_keys(model)]
        named = [*OPEN[where], *(key for group in FOLDED.get(where, {}).values() for key in group)]
        assert [key for key in named if not any(f"{each}.".startswith(f"{key}.") for each in keys)] == []


@pytest.mark.parametrize("model", EDITORS)
def test_most_of_the_form_is_folded_away(model):
    editor = EDITORS[model]()
    assert not any(fold.is_open for fold in editor.form.folds)
    assert len(editor.form._rows) <= 7


@pytest.mark.parametrize(("model", "values"), FULL.items(), ids=lambda each: getattr(each, "__name__", ""))
def test_a_form_that_nobody_touched_holds_its_configuration(model, values):
    editor = opened_whole(EDITORS[model](values))
    assert editor.value == model(**values)
    editor._read()
    assert (editor.value, editor.errors) == (model(**values), {})


@pytest.mark.parametrize(
    ("model", "key", "control", "held", "expected"),
    [
        (WorkerConfig, "enable_training", ipywidgets.Checkbox, True, True),
        (WorkerConfig, "decode", ipywidgets.Dropdown, "fast", "fast"),
        (WorkerConfig, "method", ipywidgets.Dropdown, None, None),
        (WorkerConfig, "checkpoint", ipywidgets.Text, " a b.ckpt", " a b.ckpt"),
        (WorkerConfig, "input_size", ipywidgets.Text, "", None),
        (WorkerConfig, "input_size", ipywidgets.Text, " 1000 ", 1000),
        (WorkerConfig, "output_image_size", ipywidgets.Text, "[10, 20]", (10, 20)),
        (WorkerConfig, "output_image_size", ipywidgets.Text, "-1", -1),
        (LightlyConfig, "optimizer.lr", ipywidgets.Text, "1e-3", 0.001),
        (LightlyConfig, "trainer.precision", ipywidgets.Dropdown, 16, 16),
        (LightlyConfig, "collate.sigmas", ipywidgets.Text, "0.5, 1", (0.5, 1.0)),
        (LightlyConfig, "collate.rr_degrees", ipywidgets.Text, "", None),
        (SelectionConfig, "n_samples", ipywidgets.Text, "12", 12),
    ],
)
def test_a_field_gives_the_value_that_it_shows(model, key, control, held, expected):
    editor = EDITORS[model]()
    field = editor.control(key)
    assert type(field) is control
    field.value = field.options[0][1] if control is ipywidgets.Dropdown else field.value
    field.value = held
    assert editor.errors == {}
    value: Any = editor.value
    for name in key.split("."):
        value = getattr(value, name)
    assert value == expected


# ---- value and errors ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "key", "held"),
    [
        (LightlyConfig, "loader.batch_size", "0"),
        (LightlyConfig, "loader.batch_size", ""),
        (LightlyConfig, "loader.batch_size", "2.5"),
        (LightlyConfig, "loader.batch_size", "010x"),
        (LightlyConfig, "collate.sigmas", "3, 1"),
        (LightlyConfig, "optimizer.lr", "fast"),
        (WorkerConfig, "relevant_filenames_file", "../x"),
        (WorkerConfig, "memory_requirement_in_GB", "1e999"),
    ],
)
def test_a_wrong_field_is_marked_with_the_words_of_the_configuration(model, key, held):
    editor = EDITORS[model]()
    before = editor.value
    editor.control(key).value = held
    assert list(editor.errors) == [key]
    assert editor.value is before
    said = editor.errors[key]
    try:
        typed: Any = float(held) if model is LightlyConfig and held in ("2.5",) else int(held)
    except ValueError:
        typed = held
    if key != "collate.sigmas" and held != "1e999":
        with pytest.raises(ConfigError) as caught:
            model(**{key: typed})
        assert str(caught.value) == f"{model.WHERE}.{key}: {said}"
    row = editor.form._rows[key]
    assert "lnb-wrong" in row.box._dom_classes
    assert 'role="alert"' in row.box.children[-1].value
    editor.control(key).value = "1, 2" if key == "collate.sigmas" else ".lightly/x" if ".." in held else "1"
    assert editor.errors == {}
    assert "lnb-wrong" not in row.box._dom_classes
    assert "alert" not in row.box.children[-1].value


def test_a_problem_between_keys_marks_each_of_them_and_its_group():
    editor = edit_worker_config({"checkpoint": "a.ckpt"})
    editor.control("checkpoint_run_id").value = "b"
    assert sorted(editor.errors) == ["checkpoint", "checkpoint_run_id"]
    assert "both given" in editor.errors["checkpoint"]
    fold = next(fold for fold in editor.form.folds if fold.title == "embeddings and thumbnails")
    assert "1 wrong, 1 changed" in fold.button.description
    fold.open(False)
    assert fold.button.description.startswith("▸")
    assert "1 wrong" in fold.button.description


def test_python_sets_the_value_and_the_form_follows():
    editor = edit_lightly_config()
    heard: list[Any] = []
    editor.observe(lambda change: heard.append(change["new"]), "value")
    control = editor.control("trainer.max_epochs")
    editor.value = {"trainer.max_epochs": 3}
    assert (control.value, editor.value.trainer.max_epochs) == ("3", 3)
    editor.value = LightlyConfig(seed=9)
    assert (control.value, editor.control("seed").value) == ("100", "9")
    assert [each.seed for each in heard] == [1, 9]


def test_another_kind_of_backbone_brings_its_defaults_to_what_nobody_has_changed():
    editor = edit_lightly_config({"loader.batch_size": 64})
    name, epochs = editor.control("model.name"), editor.control("trainer.max_epochs")
    name.value = "efficientnet-lite0"
    assert (epochs.value, editor.control("loader.batch_size").value) == ("1", "64")
    assert editor.value == LightlyConfig(**{"model.name": "efficientnet-lite0", "loader.batch_size": 64})
    epochs.value = "3"
    name.value = "resnet-9"
    assert (epochs.value, editor.control("optimizer.lr").value) == ("3", "1")
    expected = {"model.name": "resnet-9", "loader.batch_size": 64, "trainer.max_epochs": 3}
    assert editor.value == LightlyConfig(**expected)


def test_a_backbone_that_the_menu_does_not_offer_is_shown():
    editor = edit_lightly_config({"model.name": "timm/resnet10t"})
    assert editor.control("model.name").value == "timm/resnet10t"
    editor.value = {"model.name": "torchvision/resnet50"}
    assert editor.control("model.name").value == "torchvision/resnet50"
    assert editor.value.model.name == "torchvision/resnet50"


def test_a_refused_value_raises_and_leaves_the_form_as_it_was():
    editor = edit_lightly_config({"seed": 5})
    editor.control("optimizer.lr").value = "fast"
    wrong = editor.errors
    with pytest.raises(ConfigError, match=r"lightly_config.trainer.max_epochs: not allowed \(got 'x'\)"):
        editor.value = {"trainer.max_epochs": "x"}
    with pytest.raises(ConfigError, match="lightly_config: not allowed"):
        editor.value = WorkerConfig()
    assert (editor.value.seed, editor.control("optimizer.lr").value, editor.errors) == (5, "fast", wrong)
    editor.value = editor.value
    assert (editor.control("optimizer.lr").value, editor.errors) == ("1", {}), "an equal value mends the form"


def test_an_exception_of_an_observer_is_shown_under_the_panel():
    editor = edit_lightly_config()

    def broken(change: Any) -> None:
        raise RuntimeError("my <callback> broke")

    editor.observe(broken, "value")
    editor.control("seed").value = "7"
    assert "my &lt;callback&gt; broke" in editor._error.value
    assert editor.value.seed == 7
    editor._dismiss.click()
    assert editor._error.value == ""
    with pytest.raises(RuntimeError, match="my <callback> broke"):
        editor.value = {"seed": 8}


# ---- strategies as cards -------------------------------------------------------------------------------


def kinds(editor: ConfigEditor) -> list[tuple[str, str]]:
    return [(each.input.type, each.strategy.type) for each in editor.value.strategies]


def test_cards_are_added_filled_moved_and_removed():
    editor = edit_selection_config({"n_samples": 5})
    form = editor.form
    form.menu.value = "THRESHOLD of METADATA"
    form.add.click()
    assert sorted(editor.errors) == ["strategies[1].input.key", "strategies[1].strategy.threshold"]
    editor.control("strategies[1].input.key").value = "lightly.sharpness"
    editor.control("strategies[1].strategy.threshold").value = "0.5"
    assert editor.errors == {}
    assert kinds(editor) == [("EMBEDDINGS", "FACILITY_LOCATION"), ("METADATA", "THRESHOLD")]
    assert (form.cards[0].up.disabled, form.cards[0].down.disabled) == (True, False)
    form.cards[1].up.click()
    assert kinds(editor) == [("METADATA", "THRESHOLD"), ("EMBEDDINGS", "FACILITY_LOCATION")]
    editor.control("strategies[0].strategy.strength").value = "strong"
    assert list(editor.errors) == ["strategies[0].strategy.strength"]
    form.cards[0].down.click()
    assert list(editor.errors) == ["strategies[1].strategy.strength"], "what is wrong moves with its card"
    form.cards[1].away.click()
    assert (editor.errors, kinds(editor)) == ({}, [("EMBEDDINGS", "FACILITY_LOCATION")])
    form.cards[0].away.click()
    assert "at least one" in editor.errors["strategies"]
    assert kinds(editor) == [("EMBEDDINGS", "FACILITY_LOCATION")]


def test_the_menu_has_exactly_the_pairs_that_are_allowed():
    allowed = {(kind, strategy) for strategy, inputs in ALLOWED_INPUTS.items() for kind in inputs}
    assert set(PAIRS.values()) == allowed
    for name, (kind, strategy) in PAIRS.items():
        editor = edit_selection_config({"n_samples": 5})
        editor.form.cards[0].menu.value = name
        for key in [key for key in editor.errors if key.endswith((".task", ".score", ".key", ".tag_name"))]:
            editor.control(key).value = "x"
        for key in [key for key in editor.errors if key.endswith(".threshold")]:
            editor.control(key).value = "1"
        for key in [key for key in editor.errors if key.endswith(".target")]:
            editor.control(key).value = "cat: 0.5\n'yes': 0.25"
        assert (name, editor.errors) == (name, {})
        assert kinds(editor) == [(kind, strategy)]


def test_what_was_given_stays_when_a_card_changes_its_kind():
    editor = edit_selection_config({"n_samples": 5})
    editor.control("strategies[0].strategy.strength").value = "3"
    editor.control("strategies[0]").value = "TYPICALITY of EMBEDDINGS"
    assert editor.value.strategies[0].strategy.strength == 3
    assert editor.value.strategies[0].strategy.num_nearest_neighbors == 20


def test_a_target_that_cannot_be_read_is_marked():
    editor = edit_selection_config(FULL[SelectionConfig])
    editor.control("strategies[0].strategy.target").value = "a: 0.5\na: 0.7"
    assert "key 'a' twice" in editor.errors["strategies[0].strategy.target"]
    editor.control("strategies[0].strategy.target").value = "a: 0.5\nb: 0.7"
    assert "the shares sum to 1.2, above 1" in editor.errors["strategies[0].strategy.target"]


def test_one_size_replaces_the_other():
    editor = edit_selection_config()
    assert editor.value == SelectionConfig(proportion_samples=0.1)
    editor.control("n_samples").value = "20"
    assert editor.control("proportion_samples").value == ""
    assert editor.value == SelectionConfig(n_samples=20)
    editor.control("n_samples").value = ""
    assert "no size is given" in editor.errors["n_samples"]


# ---- what it opens from, code, secrets, static ---------------------------------------------------------


@pytest.fixture
def past_run(tmp_path: Path) -> Run:
    write_photographs(tmp_path / "photos", 6)
    configs = parse_configs({"decode": "fast", "token": SECRET}, {"seed": 4}, {"n_samples": 3})
    job = as_job(tmp_path / "photos", configs, tmp_path / "out", {})
    return Run(save_job(job, {}).path)


def test_it_opens_from_a_past_run_its_folder_and_its_file(past_run: Run):
    for given in (past_run, past_run.path, str(past_run.path), past_run.folder.config, past_run.job.configs):
        assert edit_worker_config(given).value.decode == "fast"
        assert edit_lightly_config(given).value == LightlyConfig(seed=4)
        assert edit_selection_config(given).value == SelectionConfig(n_samples=3)


def test_it_opens_from_files_mappings_and_configurations(tmp_path: Path):
    config = LightlyConfig(seed=7)
    (tmp_path / "mine.yaml").write_text(to_yaml(config))
    for given in (
        config,
        {"seed": 7},
        tmp_path / "mine.yaml",
        to_yaml(config),
        {"lightly_config": {"seed": 7}},
    ):
        assert edit_lightly_config(given).value == config


def test_what_it_cannot_open_from_is_an_error(tmp_path: Path):
    with pytest.raises(ConfigError, match="no such file or folder; give the folder of a run"):
        edit_worker_config(tmp_path / "nowhere")
    with pytest.raises(RunError, match="is not a run folder"):
        edit_worker_config(tmp_path)
    with pytest.raises(ConfigError, match=r"selection_config: not in it \(got worker_config\)"):
        edit_selection_config({"worker_config": {}})
    with pytest.raises(ConfigError, match="Did you mean 'max_epochs'"):
        edit_lightly_config({"trainer": {"max_epoch": 3}})


@pytest.mark.parametrize(("model", "values"), FULL.items(), ids=lambda each: getattr(each, "__name__", ""))
@pytest.mark.parametrize("all_keys", [False, True])
def test_the_code_makes_the_value_again(model, values, all_keys):
    editor = EDITORS[model](values)
    scope: dict[str, Any] = {}
    exec(editor.to_python(all_keys=all_keys), scope)
    assert scope[model.WHERE] == editor.value
    assert from_yaml(editor.to_yaml(all_keys=all_keys), model) == editor.value


def test_the_code_on_the_page_follows_the_form():
    editor = edit_lightly_config()
    editor._copies["Python"].value = True
    assert "LightlyConfig()" in editor._code.value
    editor.control("seed").value = "7"
    assert "seed=7" in editor._code.value
    editor._copies["YAML"].value = True
    assert "seed: 7" in editor._code.value
    assert not editor._copies["Python"].value
    editor._all_keys.value = True
    assert "batch_size: 16" in editor._code.value
    editor._copies["YAML"].value = False
    assert editor._code.value == ""


def test_a_secret_is_nowhere_on_the_page():
    editor = opened_whole(edit_worker_config({"token": SECRET}))
    control = editor.control("token")
    assert "given" in control.placeholder
    control.value = f"new {SECRET}"
    assert editor.value.token == SecretStr(f"new {SECRET}")
    assert control.value == ""
    editor._copies["Python"].value = editor._all_keys.value = True
    editor.control("decode").value = "fast"
    assert editor.value.token == SecretStr(f"new {SECRET}"), "other fields leave it alone"
    editor.control("checkpoint_run_id").value = editor.control("checkpoint").value = "x"
    assert editor.errors
    texts = (
        shown_by(editor),
        repr(editor),
        editor.to_python(),
        editor.to_yaml(all_keys=True),
        repr(editor.errors),
    )
    assert not any(SECRET in text for text in texts)


def test_without_a_front_end_it_is_a_table_and_a_text():
    from lightly_nb.widgets.config_editor.static import static_html, static_text

    config = WorkerConfig(checkpoint="<b>&.ckpt", token=SECRET, n_example_images=3)
    html, text = static_html(config), static_text(config)
    assert "<b>&.ckpt" not in html
    assert "&lt;b&gt;&amp;.ckpt" in html
    assert "n_example_images  3  (default 6)" in text
    assert "**********" in text
    assert SECRET not in html + text
    assert "all defaults" in static_text(WorkerConfig())


# ---- before a run --------------------------------------------------------------------------------------


@pytest.fixture
def quick_timing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the timing, which has its own tests and takes seconds."""
    monkeypatch.setattr(config_dry_run, "measured_costs", lambda *args, **kwargs: config_dry_run.TYPICAL)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    write_photographs(tmp_path / "photos", 12)
    return tmp_path / "photos"


@pytest.mark.usefixtures("quick_timing")
def test_the_dry_run_follows_all_editors_of_a_run(photos: Path):
    lightly = edit_lightly_config()
    selection = edit_selection_config(source=photos, beside=[lightly, WorkerConfig(enable_training=True)])
    selection.control("proportion_samples").value = "0.5"
    first = selection.dry_run(60)
    assert (first.n_images, first.n_selected) == (12, 6)
    lightly.control("trainer.max_epochs").value = "200"
    second = selection.dry_run(60)
    assert second.seconds["TRAINING"] > 1.8 * first.seconds["TRAINING"]
    assert "12 images, 6 to select" in selection._dry_line.value
    selection.control("n_samples").value = "13"
    assert "asked for 13 samples, but there are 12 images" in selection._dry_line.value


@pytest.mark.usefixtures("quick_timing")
def test_the_source_may_be_what_a_run_takes(photos: Path, past_run: Run):
    from lightly_nb.reading import list_samples

    samples = list_samples(photos, on_event=silent)
    for source in (photos, str(photos), sorted(photos.rglob("*.jpg")), samples):
        assert edit_worker_config(source=source).dry_run(60).n_images == len(samples)
    assert edit_worker_config(past_run, source=past_run).dry_run(60).n_images == len(samples)


def test_listing_goes_on_in_the_background_and_can_be_canceled(monkeypatch: pytest.MonkeyPatch):
    started = threading.Event()

    def slow(source: Any, options: Any, on_event: Any) -> Any:
        for done in range(10**9):
            started.set()
            on_event({"step": "LOADING_DATASET", "done": done, "total": None})

    monkeypatch.setattr(config_dry_run, "listed", slow)
    editor = edit_worker_config(source="somewhere")
    assert started.wait(60)
    editor.control("decode").value = "fast"
    assert editor.value.decode == "fast"
    with pytest.raises(InputError, match=r"still listing after 0\.01 s"):
        editor.dry_run(0.01)
    editor._dry_button.click()
    with pytest.raises(RunCanceled, match="listing was canceled"):
        editor.dry_run(60)
    assert "listing was canceled" in editor._dry_line.value
    assert editor._dry_button.description == "List again"


def test_a_source_that_cannot_be_listed_says_why(tmp_path: Path):
    editor = edit_worker_config(source=tmp_path / "nowhere")
    with pytest.raises(OSError, match="nowhere"):
        editor.dry_run(60)
    assert "nowhere" in editor._dry_line.value
    with pytest.raises(InputError, match="open the editor with source="):
        edit_worker_config().dry_run()
