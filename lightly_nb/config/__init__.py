"""The three configurations of a run: `WorkerConfig`, `LightlyConfig`, `SelectionConfig`.

They have the platform's keys and defaults, are checked once when they are made, and never change after that.
"""

from lightly_nb.config.lightly import LightlyConfig
from lightly_nb.config.overrides import parse_overrides
from lightly_nb.config.parsing import Configs, from_yaml, parse, parse_configs, to_dict, to_yaml
from lightly_nb.config.selection import SelectionConfig, default_selection
from lightly_nb.config.table import config_table
from lightly_nb.config.worker import WorkerConfig

__all__ = [
    "Configs",
    "LightlyConfig",
    "SelectionConfig",
    "WorkerConfig",
    "config_table",
    "default_selection",
    "from_yaml",
    "parse",
    "parse_configs",
    "parse_overrides",
    "to_dict",
    "to_yaml",
]
