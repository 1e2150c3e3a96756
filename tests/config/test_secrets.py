"""A token is never shown: not in a repr, a dump, YAML, nor any error."""

import pickle
import traceback

import pytest

from lightly_nb.config import (
    LightlyConfig,
    WorkerConfig,
    from_yaml,
    parse_configs,
    parse_overrides,
    to_dict,
    to_yaml,
)
from lightly_nb.config.fields import MASK
from lightly_nb.errors import ConfigError

SECRET = "hunter2-0xC0FFEE"


def test_no_form_of_a_config_shows_the_token():
    config = WorkerConfig(token=SECRET)
    configs = parse_configs(config)
    for shown in (
        repr(config),
        str(config),
        repr(configs),
        repr(to_dict(config)),
        to_yaml(config),
        to_yaml(configs),
        repr(config.model_dump()),
        config.model_dump_json(),
        repr(config.token),
    ):
        assert SECRET not in shown
    assert to_dict(config)["token"] == MASK
    assert to_dict(WorkerConfig())["token"] == ""


def test_the_token_survives_copies_and_processes():
    config = pickle.loads(pickle.dumps(WorkerConfig(token=SECRET).model_copy(update={"decode": "fast"})))
    assert config.token.get_secret_value() == SECRET


def test_a_masked_token_read_back_means_none_is_given():
    assert from_yaml(to_yaml(WorkerConfig(token=SECRET)), WorkerConfig) == WorkerConfig()


@pytest.mark.parametrize(
    "given",
    [
        {"tokn": SECRET},
        {"Token": SECRET},
        {"tok": SECRET},
        {"api_key": SECRET},
        {"secret_access_key": SECRET},
        {"token": [SECRET]},
        {"token": {"value": SECRET}},
        {"token": SECRET, "decod": "fast"},
        {"worker": {"token": SECRET}},
        {"worker": [{"token": SECRET}]},
        {"worker": f"token={SECRET}"},
        {"wroker": {"auth": {"token": SECRET}}},
        {"token": SECRET, "checkpoint": "a", "checkpoint_run_id": "b"},
        {"token": SECRET, "method": "random"},
        f"token: {SECRET}\ndecode: slow\n",
        f"token: '{SECRET}\n",
        f"token: !!python/name:{SECRET} x\n",
        f"- token: {SECRET}\n",
        f"token: *{SECRET}\n",
    ],
)
def test_no_error_shows_the_token(given):
    with pytest.raises(ConfigError) as caught:
        parse_configs(given)
    shown = "".join(traceback.format_exception(caught.value))
    assert SECRET not in shown
    assert SECRET not in repr(caught.value)


def test_a_token_in_the_wrong_config_is_not_shown():
    with pytest.raises(ConfigError, match="It is a key of worker_config") as caught:
        parse_configs(None, {"token": SECRET})
    assert SECRET not in str(caught.value)
    with pytest.raises(ConfigError) as caught:
        LightlyConfig(token=SECRET)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("argument", [f"token:{SECRET}", f"--token {SECRET}", f"token='{SECRET}"])
def test_no_override_shows_the_token(argument):
    with pytest.raises(ConfigError) as caught:
        parse_overrides([argument])
    assert SECRET not in str(caught.value)
