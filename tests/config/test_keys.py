"""Every key and default, against a table typed from the platform's reference."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from lightly_nb.config import LightlyConfig, SelectionConfig, WorkerConfig, config_table, to_dict
from lightly_nb.config.problems import dotted_keys
from lightly_nb.config.table import markdown

LIGHTLY = {
    "loader.batch_size": 16,
    "loader.shuffle": True,
    "loader.num_workers": -1,
    "loader.drop_last": True,
    "model.method": "simclr",
    "model.name": "resnet-18",
    "model.out_dim": 128,
    "model.num_ftrs": 32,
    "model.width": 1.0,
    "model.frozen_layers": 0,
    "trainer.gpus": 1,
    "trainer.max_epochs": 100,
    "trainer.precision": 32,
    "criterion.temperature": 0.5,
    "criterion.memory_bank_size": 0,
    "optimizer.lr": 1.0,
    "optimizer.weight_decay": 0.00001,
    "collate.input_size": 64,
    "collate.cj_prob": 0.8,
    "collate.cj_bright": 0.7,
    "collate.cj_contrast": 0.7,
    "collate.cj_sat": 0.7,
    "collate.cj_hue": 0.2,
    "collate.min_scale": 0.15,
    "collate.random_gray_scale": 0.2,
    "collate.gaussian_blur": 0.5,
    "collate.kernel_size": 0.1,
    "collate.sigmas": [0.2, 2.0],
    "collate.vf_prob": 0.0,
    "collate.hf_prob": 0.5,
    "collate.rr_prob": 0.0,
    "collate.rr_degrees": None,
    "checkpoint_callback.save_last": True,
    "checkpoint_callback.save_top_k": 1,
    "seed": 1,
}
WORKER = {
    "enable_corruptness_check": True,
    "corruptness_check.corruption_threshold": 0.1,
    "remove_exact_duplicates": True,
    "enable_training": False,
    "checkpoint": "",
    "model": "",
    "input_size": None,
    "dimensions": None,
    "accept_licence": False,
    "checkpoint_run_id": "",
    "embeddings": "",
    "relevant_filenames_file": "",
    "normalize_embeddings": True,
    "decode": "full",
    "thumbnail_size": 128,
    "dump_dataset": False,
    "output_image_size": -1,
    "output_image_format": "png",
    "dump_sampled_embeddings": True,
    "pretagging": False,
    "pretagging_detector": "fasterrcnn_resnet50_fpn",
    "pretagging_debug": False,
    "pretagging_upload": False,
    "selected_sequence_length": 1,
    "datapool.name": "",
    "datapool.keep_history": True,
    "use_datapool": False,
    "datasource.process_all": False,
    "datasource.enable_datapool_update": True,
    "datasource.bypass_verify": False,
    "datasource.use_frame_count_metadata": False,
    "object_level.task_name": "",
    "object_level.crop_dataset_name": "",
    "object_level.padding": 0.0,
    "crops.enable_upload": False,
    "active_learning.task_name": "",
    "active_learning.score_name": "uncertainty_margin",
    "scorer": "object-frequency",
    "scorer_config.frequency_penalty": 0.25,
    "scorer_config.min_score": 0.9,
    "method": None,
    "stopping_condition.n_samples": -1,
    "stopping_condition.min_distance": -1.0,
    "generate_report": True,
    "upload_report": True,
    "n_example_images": 6,
    "memory_requirement_in_GB": 2.0,
    "show_video_sampling_timeline": True,
    "num_processes": -1,
    "num_threads": -1,
    "cache_size": None,
    "shutdown_when_job_finished": False,
    "run_directory": "",
    "worker.worker_id": "",
    "worker.force_start": True,
    "token": "",
    "sanity_check": False,
}
DOCS = Path(__file__).parents[2] / "docs" / "configuration.md"


def flat(nested, prefix=""):
    for key, value in nested.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


@pytest.mark.parametrize(("model", "reference"), [(LightlyConfig, LIGHTLY), (WorkerConfig, WORKER)])
def test_all_keys_and_defaults_are_those_of_the_reference(model, reference):
    assert dict(flat(to_dict(model()))) == reference


@pytest.mark.parametrize(("model", "reference"), [(LightlyConfig, LIGHTLY), (WorkerConfig, WORKER)])
def test_each_default_can_be_given_nested_or_dotted(model, reference):
    assert model(**reference) == model() == model(**to_dict(model()))


@pytest.mark.parametrize(("model", "reference"), [(LightlyConfig, LIGHTLY), (WorkerConfig, WORKER)])
def test_default_types_are_exact(model, reference):
    types = {key: type(value) for key, value in flat(to_dict(model()))}
    assert types == {key: type(value) for key, value in reference.items()}


def test_table_has_every_key_with_default_and_description():
    for model, reference in ((LightlyConfig, LIGHTLY), (WorkerConfig, WORKER)):
        table = config_table(model)
        assert list(table.columns) == ["key", "type", "default", "allowed", "description"]
        assert dict(zip(table["key"], table["default"], strict=True)) == reference
        assert (table["description"].str.len() > 10).all()
        assert (table["allowed"].str.len() > 3).all()


def test_table_of_the_selection_opens_every_input_and_strategy():
    keys = set(config_table(SelectionConfig)["key"])
    assert "strategies[].input(EMBEDDINGS).tag_name" in keys
    assert "strategies[].strategy(WEIGHTS).target_range.max_sum" in keys
    assert "strategies[].strategy(TYPICALITY).num_nearest_neighbors" in keys
    table = config_table(SelectionConfig).set_index("key")
    assert table.loc["strategies[].strategy(BALANCE).type", "default"] == "(required)"
    assert table.loc["strategies[].strategy(TYPICALITY).num_nearest_neighbors", "allowed"].endswith(">= 2")


def test_table_names_ranges_and_choices():
    table = config_table(LightlyConfig).set_index("key")
    assert table.loc["trainer.precision", "allowed"] == "16 or 32"
    assert table.loc["collate.cj_hue", "allowed"] == "a number in [0, 0.5]"
    assert table.loc["optimizer.lr", "allowed"] == "a number > 0"
    assert table.loc["collate.rr_degrees", "type"] == "float or list"
    worker = config_table(WorkerConfig).set_index("key")
    assert worker.loc["decode", "allowed"] == "'full' or 'fast'"
    assert worker.loc["cache_size", "allowed"] == "a whole number >= 0 or null"
    assert worker.loc["token", "type"] == "secret"


def test_every_number_is_bounded_or_says_what_it_allows():
    from lightly_nb.config import describe

    for model in (LightlyConfig, WorkerConfig):
        for key, field in dotted_keys(model):
            if describe.members(field.annotation)[0] in (int, float):
                assert describe.allowed(field) not in ("a whole number", "a number"), key


def test_models_give_a_json_schema_with_descriptions_and_bounds():
    loader = LightlyConfig.model_json_schema()["$defs"]["LoaderConfig"]["properties"]["batch_size"]
    assert (loader["type"], loader["minimum"], loader["default"]) == ("integer", 1, 16)
    assert loader["description"]
    assert WorkerConfig.model_json_schema()["properties"]["decode"]["enum"] == ["full", "fast"]
    assert SelectionConfig.model_json_schema()["$defs"]["StrategyConfig"]["properties"]["input"][
        "discriminator"
    ]


def test_docs_are_up_to_date():
    assert DOCS.read_text(encoding="utf-8") == markdown(), (
        "run: python -m lightly_nb.config > docs/configuration.md"
    )


def test_docs_hold_one_row_for_each_key():
    lines = markdown().splitlines()
    for key in (*LIGHTLY, *WORKER):
        assert sum(line.startswith(f"| `{key}` |") for line in lines) == 1, key
    assert len({line.replace("\\|", "").count("|") for line in lines if line.startswith("| `")}) == 1


@pytest.mark.parametrize("config", [LightlyConfig(), WorkerConfig(), SelectionConfig(n_samples=1)])
def test_configurations_are_frozen(config):
    with pytest.raises(ValueError, match="frozen"):
        setattr(config, next(iter(type(config).model_fields)), 3)


def test_a_balance_target_is_frozen_too():
    target = {"cat": 0.5}
    strategy = {"input": {"type": "METADATA", "key": "k"}, "strategy": {"type": "BALANCE", "target": target}}
    config = SelectionConfig(n_samples=1, strategies=[strategy])
    with pytest.raises(TypeError, match="frozen"):
        config.strategies[0].strategy.target["cat"] = 0.9
    target["cat"] = 0.9
    assert config.strategies[0].strategy.target == {"cat": 0.5}
    assert hash(config) == hash(config.model_copy())


def test_import_loads_neither_torch_nor_pandas():
    code = (
        "import sys, lightly_nb.config; print([m for m in ('torch', 'pandas', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_token_is_a_secret_of_pydantic():
    assert isinstance(WorkerConfig(token="abc").token, SecretStr)
    assert WorkerConfig(token="abc").token.get_secret_value() == "abc"
