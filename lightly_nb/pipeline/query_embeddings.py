"""Query samples of SIMILARITY: the embeddings that a `dataset_id` and a `tag_name` stand for.

Whoever starts the run resolves them; they lie in the run folder as `config/queries/{number}.npy`, so that
the run can be repeated after the tag has changed or gone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lightly_nb.config import SelectionConfig
from lightly_nb.config.selection import EmbeddingsInput
from lightly_nb.embeddings_csv import read_embeddings_csv
from lightly_nb.errors import ConfigError, InputError
from lightly_nb.runfolder import RunFolder, write_aside
from lightly_nb.samples import Samples

Key = tuple[str | None, str]
"""Dataset id (None: the dataset of the run itself) and tag name, as in the strategy's input."""


class Query(NamedTuple):
    """The embeddings of the samples of one tag."""

    dataset_id: str | None
    tag_name: str
    embeddings: np.ndarray
    """float32 of shape (n_query, n_features)."""

    @property
    def key(self) -> Key:
        """What a strategy's input names it by."""
        return self.dataset_id, self.tag_name


def as_queries(embeddings_by_tag: Mapping[str | Key, Any] | None) -> tuple[Query, ...]:
    """Return the queries of `{tag_name or (dataset_id, tag_name): embeddings}`.

    Embeddings are an array, `Samples`, or the path of an embeddings CSV or a `.npy` file.

    Raises
    ------
    InputError
        If one is not float of shape (n, d) with n >= 1, or has a value that is not finite.
    """
    queries = []
    for key, value in (embeddings_by_tag or {}).items():
        dataset_id, tag_name = (None, key) if isinstance(key, str) else key
        queries.append(Query(dataset_id, tag_name, _vectors(value, f"queries[{key!r}]")))
    return tuple(queries)


def _vectors(value: Any, where: str) -> np.ndarray:
    if isinstance(value, Samples):
        value = value.embeddings
    elif isinstance(value, str | os.PathLike):
        path = Path(value)
        value = np.load(path, allow_pickle=False) if path.suffix == ".npy" else _of_csv(path)
    vectors = np.asarray(value, dtype=np.float32)
    if vectors.ndim != 2 or not vectors.size or not np.isfinite(vectors).all():
        raise InputError(
            f"{where}: got an array of shape {vectors.shape}; give finite embeddings of shape (n, d), one "
            "row per query sample, at least one"
        )
    return vectors


def _of_csv(path: Path) -> np.ndarray:
    return read_embeddings_csv(path).embeddings


def check_queries(config: SelectionConfig, queries: tuple[Query, ...]) -> None:
    """Raise `ConfigError` where a strategy names a tag that none of `queries` is of."""
    there = {query.key for query in queries}
    for number, strategy in enumerate(config.strategies):
        named = strategy.input
        if not isinstance(named, EmbeddingsInput) or named.tag_name is None:
            continue
        if (named.dataset_id, named.tag_name) not in there:
            known = ", ".join(map(str, sorted(there, key=str))) or "none"
            whose = f"dataset '{named.dataset_id}'" if named.dataset_id else "this dataset"
            raise ConfigError.at(
                f"selection_config.strategies[{number}].input",
                f"no embeddings are given for tag "
                f"'{named.tag_name}' of {whose}; schedule the run on a dataset that has "
                f"the tag, or give run(..., queries={{(dataset_id, tag_name): embeddings}}), got {known}",
            )


def save_queries(folder: RunFolder, queries: tuple[Query, ...]) -> list[dict[str, Any]]:
    """Write the vectors into the run folder; return what the configuration says of them."""
    for number, query in enumerate(queries):
        write_aside(folder.query(number), partial(_save, query.embeddings))
    return [{"dataset_id": query.dataset_id, "tag_name": query.tag_name} for query in queries]


def load_queries(folder: RunFolder, content: list[dict[str, Any]]) -> tuple[Query, ...]:
    """Read back what `save_queries` wrote; `content` is what it returned."""
    return tuple(
        Query(said["dataset_id"], said["tag_name"], np.load(folder.query(number), allow_pickle=False))
        for number, said in enumerate(content)
    )


def _save(array: np.ndarray, path: Path) -> None:
    with path.open("wb") as stream:
        np.save(stream, array)
