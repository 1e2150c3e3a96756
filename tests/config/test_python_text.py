"""Code that makes a configuration again: run, it gives an equal one."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lightly_nb.config import LightlyConfig, SelectionConfig, WorkerConfig, from_yaml
from lightly_nb.config.python_text import LONGEST_LINE, all_values, changed_values, to_python
from lightly_nb.config.yaml_text import dump

SECRET = "hunter2-0xC0FFEE"
NASTY = 'it\'s "quoted" \\ and\nnew – été\u2028'

CONFIGS = [
    WorkerConfig(),
    WorkerConfig(enable_training=True, checkpoint=NASTY, output_image_size=[3, 4], num_threads=2),
    WorkerConfig(method="coreset", stopping_condition={"n_samples": 1.0}),
    LightlyConfig(),
    LightlyConfig(
        **{"optimizer.weight_decay": 1e-7, "collate.sigmas": [0.1, 3], "collate.rr_degrees": [-3, 4]}
    ),
    SelectionConfig(n_samples=50),
    SelectionConfig(
        proportion_samples=0.25,
        strategies=[
            {"input": {"type": "RANDOM", "random_seed": 0}, "strategy": {"type": "WEIGHTS", "strength": -1}},
            {
                "input": {
                    "type": "PREDICTIONS",
                    "task": NASTY,
                    "name": "CATEGORY_COUNT",
                    "categories": ["a", "1"],
                },
                "strategy": {"type": "BALANCE", "target": {"a": 0.5, "yes": 0.25, "12": 0}},
            },
            {
                "input": {"type": "METADATA", "key": "lightly.sharpness"},
                "strategy": {"type": "WEIGHTS", "target_range": {"max_sum": 3}},
            },
        ],
    ),
]


def made_by(code: str) -> object:
    scope: dict[str, object] = {}
    exec(code, scope)
    return next(value for name, value in scope.items() if name.endswith("_config"))


@pytest.mark.parametrize("all_keys", [False, True])
@pytest.mark.parametrize("config", CONFIGS, ids=repr)
def test_the_code_makes_an_equal_configuration(config, all_keys):
    assert made_by(to_python(config, all_keys=all_keys)) == config
    text = dump(all_values(config) if all_keys else changed_values(config))
    assert from_yaml(text, type(config)) == config


@given(st.text(max_size=200), st.floats(min_value=1e-12, max_value=1e12))
def test_any_text_and_number_survive(text, number):
    worker = WorkerConfig(datapool={"name": text}, memory_requirement_in_GB=number)
    assert made_by(to_python(worker)) == worker


def test_only_what_differs_is_written_and_in_short_lines():
    config = CONFIGS[-1]
    code = to_python(config)
    assert "distribution" not in code
    assert "n_samples" not in code.replace("proportion_samples", "")
    assert max(map(len, to_python(CONFIGS[1]).splitlines())) <= LONGEST_LINE
    assert to_python(WorkerConfig()).endswith("worker_config = WorkerConfig()\n")


@pytest.mark.parametrize("all_keys", [False, True])
def test_a_secret_is_never_written(all_keys):
    config = WorkerConfig(token=SECRET, decode="fast")
    code = to_python(config, all_keys=all_keys)
    values = all_values(config) if all_keys else changed_values(config)
    assert SECRET not in code
    assert "token" not in yaml.safe_load(dump(values))
    assert made_by(code) == WorkerConfig(decode="fast")
