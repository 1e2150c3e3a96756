"""Metadata and scores that a user adds to a dataset, as files below `.lightly/metadata/` of LIGHTLY.

    schema.json                  what may be selected by
    path/of/image.json           the metadata of one sample

The layout is the platform's, so the same files can as well be written by hand. Uploaded scores are
metadata below the key `al_scores`. Two uploads at a time may lose an entry of the schema: do one, then the
other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any, NamedTuple

from lightly_nb.datasource import WritableDatasource
from lightly_nb.engines import local
from lightly_nb.errors import BadRequestException
from lightly_nb.events import Listener, Stage, silent
from lightly_nb.lightly_source.json_files import as_dict, json_name, read_json, text_of, write_json
from lightly_nb.lightly_source.metadata_schema import METADATA, VALUE_TYPES, entry_problem

SCORES_KEY = "al_scores"


class MetadataOf(NamedTuple):
    """The metadata that one sample is to have."""

    filename: str
    metadata: Mapping[str, Any]


def write_metadata(
    datasource: WritableDatasource,
    entries: Sequence[MetadataOf],
    *,
    kind: str = "image",
    merge: bool = False,
    max_workers: int = 8,
    on_event: Listener | None = None,
) -> None:
    """Write the metadata of samples, and entries of the schema for values that it does not name yet.

    The type of such an entry is that of the values; its default is False, 0 or "unknown".

    Parameters
    ----------
    kind : str
        `image`, `video` or `frame`.
    merge : bool
        Whether what a sample has already stays, keys of the same name excepted; else it is replaced.

    Raises
    ------
    DatasourceError
        If a file cannot be written; those before it are.
    """

    def write(entry: MetadataOf) -> None:
        name = json_name(METADATA, entry.filename)
        old = read_json(datasource, name, {}).get("metadata", {}) if merge else {}
        body = {"file_name": entry.filename, "type": kind, "metadata": _merged(old, entry.metadata)}
        write_json(datasource, name, body)

    _add_to_schema(datasource, [entry.metadata for entry in entries])
    work = local.map(write, entries, max_workers)
    with closing(work), Stage(on_event or silent, "UPLOADING", len(entries), "file") as stage:
        for _ in work:
            stage.advance()


def write_metadata_schema(datasource: WritableDatasource, configs: Iterable[Any]) -> None:
    """Write what metadata may be selected by: entries with name, path, default_value, value_data_type.

    An entry takes the place of one with the same path; others stay.
    """
    entries = []
    for number, fields in enumerate(as_dict(one) for one in configs):
        kind = text_of(fields.get("value_data_type"))
        entry = _entry(fields.get("name"), fields.get("path"), fields.get("default_value"), kind)
        if problem := entry_problem(entry):
            said = problem.replace("valueDataType is", "value_data_type is")
            raise BadRequestException(f"configs[{number}]: {said}")
        entries.append(entry)
    paths = {entry["path"] for entry in entries}
    old = read_json(datasource, f"{METADATA}/schema.json", [])
    kept = [entry for entry in old if entry["path"] not in paths]
    write_json(datasource, f"{METADATA}/schema.json", [*kept, *entries])


def write_scores(
    datasource: WritableDatasource,
    filenames: Sequence[str],
    scores: Mapping[str, Any],
    *,
    max_workers: int = 8,
) -> None:
    """Write scores of samples as metadata `al_scores.NAME`, beside what metadata they have.

    Parameters
    ----------
    filenames : sequence of str
        The samples, in the order of the scores.
    scores : mapping of str to array
        Finite numbers, one for each sample.

    Raises
    ------
    BadRequestException
        If an array has another length or a value that is no finite number.
    """
    import numpy as np

    columns: dict[str, list[float]] = {}
    for name, values in scores.items():
        try:
            array = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError):
            raise BadRequestException(f"al_scores[{name!r}] has values that are no numbers") from None
        if array.shape != (len(filenames),):
            said = f"al_scores[{name!r}] has the shape {array.shape}, the tag has {len(filenames)} samples"
            raise BadRequestException(f"{said}; give one number for each, in the order of the tag")
        wrong = np.flatnonzero(~np.isfinite(array))
        if wrong.size:
            said = f"al_scores[{name!r}] of {filenames[int(wrong[0])]!r} is {array[wrong[0]]}"
            raise BadRequestException(f"{said}; give finite numbers")
        columns[name] = array.tolist()
    entries = [
        MetadataOf(filename, {SCORES_KEY: {name: values[row] for name, values in columns.items()}})
        for row, filename in enumerate(filenames)
    ]
    write_metadata(datasource, entries, merge=True, max_workers=max_workers)


def metadata_by_filename(custom_metadata: Mapping[str, Any]) -> dict[str, dict[str, Any] | None]:
    """Return the metadata of each image of a COCO-like dict, None where it has none.

    Raises
    ------
    KeyError
        If 'images' or 'metadata' is missing, as the platform's client did.
    """
    check_custom_metadata(custom_metadata)
    by_id = {one["image_id"]: one for one in custom_metadata["metadata"]}
    return {image["file_name"]: by_id.get(image["id"]) for image in custom_metadata["images"]}


def check_custom_metadata(custom_metadata: Mapping[str, Any]) -> None:
    """Refuse a dict without 'images' or 'metadata' with a KeyError."""
    for key in ("images", "metadata"):
        if key not in custom_metadata:
            raise KeyError(
                f"Key {key} not found in custom metadata.\nFound keys: {list(custom_metadata)}. It needs "
                "'images', a list of {id, file_name}, and 'metadata', a list of {image_id, …}"
            )


def custom_metadata_entries(
    custom_metadata: Mapping[str, Any], filenames: Iterable[str]
) -> tuple[list[MetadataOf], list[str]]:
    """Return the metadata of each sample, and what to tell of entries without image or sample."""
    check_custom_metadata(custom_metadata)
    names = {image["id"]: image["file_name"] for image in custom_metadata["images"]}
    known, found, warnings = set(filenames), [], []
    for entry in custom_metadata["metadata"]:
        name = names.get(entry["image_id"])
        if name is None:
            warnings.append(f"No image found for custom metadata with image_id {entry['image_id']!r}")
        elif name not in known:
            warnings.append(f"The dataset has no sample {name!r}, for which there is custom metadata")
        else:
            rest = {key: value for key, value in entry.items() if key != "image_id"}
            found.append(MetadataOf(name, rest))
    return found, warnings


def _add_to_schema(datasource: WritableDatasource, metadata: Iterable[Mapping[str, Any]]) -> None:
    schema = read_json(datasource, f"{METADATA}/schema.json", [])
    known = {entry["path"] for entry in schema}
    types: dict[str, str] = {}
    for one in metadata:
        for path, value in _leaves(one):
            if path not in known and (kind := _type_of(value)):
                types[path] = _wider(types.get(path, kind), kind)
    new = [_entry(path, path, VALUE_TYPES[kind].default, kind) for path, kind in sorted(types.items())]
    if new:
        write_json(datasource, f"{METADATA}/schema.json", [*schema, *new])


def _entry(name: Any, path: Any, default: Any, kind: str) -> dict[str, Any]:
    return {"name": name, "path": path, "defaultValue": default, "valueDataType": kind}


def _leaves(metadata: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in metadata.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _type_of(value: Any) -> str | None:
    order = ("CATEGORICAL_BOOLEAN", "NUMERIC_INT", "NUMERIC_FLOAT", "CATEGORICAL_STRING")
    return next((kind for kind in order if VALUE_TYPES[kind].fits(value)), None)


def _wider(one: str, other: str) -> str:
    """Return the type that holds the values of both."""
    if one == other:
        return one
    numeric = {one, other} <= {"NUMERIC_INT", "NUMERIC_FLOAT"}
    return "NUMERIC_FLOAT" if numeric else "CATEGORICAL_STRING"


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(old)
    for key, value in new.items():
        before = result.get(key)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        result[key] = _merged(before or {}, value) if both else value
    return result
