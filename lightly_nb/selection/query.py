"""The query samples of SIMILARITY, from whatever a call names them by to their embeddings."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lightly_nb.errors import InputError, SelectionError
from lightly_nb.samples import Samples
from lightly_nb.samples.numbers import as_vectors
from lightly_nb.samples.rows import names_in
from lightly_nb.selection.settings import QUERY

Key = tuple[str | None, str]
"""Dataset id (None: the samples' own) and tag name."""


def query_vectors(query: Any, samples: Samples, entries: Sequence[Mapping[str, Any]]) -> Any:
    """Return the embeddings of the query, an array or one for each key that a strategy names; None without.

    Raises
    ------
    SelectionError
        If no strategy reads it, or it is none.
    """
    if query is None:
        return None
    wanted = {
        (entry["input"].get("dataset_id"), str(entry["input"].get("tag_name", QUERY)))
        for entry in entries
        if entry["strategy"]["type"] == "SIMILARITY"
    }
    if not wanted:
        used = ", ".join(str(entry["strategy"]["type"]) for entry in entries)
        raise SelectionError(
            f"query: it is given, but no strategy reads it: {used} does not; add SIMILARITY on EMBEDDINGS to "
            "strategies, or leave query out"
        )
    if not isinstance(query, Mapping):
        return _vectors(query, samples, "query")
    found = {_key(key): _vectors(value, samples, f"query[{key!r}]") for key, value in query.items()}
    unused = [key for key in found if key not in wanted]
    if unused:
        raise SelectionError(
            f"query: no SIMILARITY strategy names {unused[0]}; they name {sorted(wanted, key=str)}; leave it "
            "out, or give that tag_name to a strategy's input"
        )
    return found


def _key(key: Any) -> Key:
    if isinstance(key, str):
        return None, key
    if isinstance(key, tuple) and len(key) == 2 and isinstance(key[1], str):
        return key[0], key[1]
    raise SelectionError(f"query: the key {key!r} is neither a tag_name nor (dataset_id, tag_name)")


def _vectors(query: Any, samples: Samples, what: str) -> np.ndarray:
    try:
        if isinstance(query, Samples):
            return query.embeddings
        if isinstance(query, str | os.PathLike):
            raise InputError(
                f"got the text {os.fspath(query)!r}; give samples, embeddings, or a list of names among the "
                "samples"
            )
        names = names_in(query)
        return as_vectors(query, what) if names is None else _of_names(names, samples)
    except InputError as error:
        said = str(error)
        raise SelectionError(said if said.startswith(what) else f"{what}: {said}") from error


def _of_names(names: list[str], samples: Samples) -> np.ndarray:
    try:
        rows = samples.rows_of(list(dict.fromkeys(names)))
    except InputError as error:
        raise InputError(
            f"{error}; of files that are not, give lightly_nb.embed(lightly_nb.list_samples(files)), "
            "embedded with the same model"
        ) from error
    vectors: np.ndarray = samples.embeddings[rows]
    return vectors
