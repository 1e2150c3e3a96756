"""What a configuration may say and no run does yet: refused by name when a run is scheduled or started."""

from __future__ import annotations

from lightly_nb.config.selection import EmbeddingsInput, SelectionConfig
from lightly_nb.errors import ConfigError


def refuse_tasks_of_embeddings(selection: SelectionConfig) -> None:
    """Refuse EMBEDDINGS with a task, the embeddings of the objects that a task has found.

    Raises
    ------
    ConfigError
        That names the strategy.
    """
    for number, one in enumerate(selection.strategies):
        if isinstance(one.input, EmbeddingsInput) and one.input.task is not None:
            raise ConfigError.at(
                f"selection_config.strategies[{number}].input.task",
                f"got {one.input.task!r}, but this version cannot embed the objects of a task yet; leave it "
                "out to select by the embeddings of whole images",
            )
