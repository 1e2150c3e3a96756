"""What metadata samples have by `.lightly/metadata/schema.json`, and reading it: a column for each entry."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from lightly_nb.datasource import Datasource
from lightly_nb.errors import InputError
from lightly_nb.events import Listener, Stage, silent
from lightly_nb.lightly_source.companions import (
    BadFile,
    companion_files,
    optional_json,
    read_companions,
    say_what_was_read,
)
from lightly_nb.lightly_source.json_files import is_number, is_whole
from lightly_nb.samples import FOR_MACHINES

if TYPE_CHECKING:
    import pandas as pd

METADATA = ".lightly/metadata"
STEP = "LOADING_METADATA"
RESERVED = "lightly."
"""Metadata that are computed from the image begin so."""


class ValueType(NamedTuple):
    """A type of metadata."""

    fits: Callable[[Any], bool]
    allowed: str
    is_numeric: bool
    default: Any
    """What a sample without the value has, when an upload has to make the schema's entry."""


VALUE_TYPES: Mapping[str, ValueType] = {
    "CATEGORICAL_BOOLEAN": ValueType(lambda one: isinstance(one, bool), "true or false", False, False),
    "NUMERIC_INT": ValueType(is_whole, "a whole number", True, 0),
    "NUMERIC_FLOAT": ValueType(is_number, "a finite number", True, 0.0),
    "CATEGORICAL_STRING": ValueType(lambda one: isinstance(one, str), "a text", False, "unknown"),
    "CATEGORICAL_INT": ValueType(is_whole, "a whole number", False, 0),
}
"""All types of metadata by their names."""


class MetadataEntry(NamedTuple):
    """One entry of the schema."""

    name: str
    path: str
    """Where the value is in a sample's metadata, dots between the keys: what strategies call it."""
    default: Any
    """What a sample without the value has; None for nothing, which a strategy refuses."""
    value_type: str

    @property
    def is_numeric(self) -> bool:
        """Whether it is a number to weigh or compare by, rather than a category to balance."""
        return VALUE_TYPES[self.value_type].is_numeric


def is_own_name(key: str) -> bool:
    """Whether a column of that name is the package's own, so that no metadatum can have it."""
    return key in (*FOR_MACHINES, "preselected") or key.startswith((RESERVED, "score."))


def entry_problem(entry: Any) -> str | None:
    """Return what is wrong with an entry of the schema, None if nothing is."""
    fields = entry if isinstance(entry, Mapping) else {}
    for key in ("name", "path"):
        if not isinstance(fields.get(key), str) or not fields[key]:
            return f"{key} is {fields.get(key)!r}; allowed is a text"
    kind = fields.get("valueDataType")
    if not isinstance(kind, str) or kind not in VALUE_TYPES:
        return f"valueDataType is {kind!r}; there are {', '.join(VALUE_TYPES)}"
    if fields["path"].startswith(RESERVED):
        return f"path is {fields['path']!r}; what begins with '{RESERVED}' is computed from the image"
    if is_own_name(fields["path"]):
        return f"path is {fields['path']!r}, a name that the package uses itself; rename the key"
    default = fields.get("defaultValue")
    if default is not None and not VALUE_TYPES[kind].fits(default):
        return f"defaultValue is {default!r}; allowed is {VALUE_TYPES[kind].allowed}, as {kind} says, or null"
    return None


def read_metadata_schema(datasource: Datasource) -> tuple[MetadataEntry, ...]:
    """Return the entries of `schema.json`; none without that file.

    Raises
    ------
    InputError
        If it cannot be used; names the entry and what is allowed.
    """
    where = f"{METADATA}/schema.json in {datasource.url}"
    schema = optional_json(datasource, f"{METADATA}/schema.json")
    if schema is None:
        return ()
    if not isinstance(schema, list):
        raise InputError(f"{where}: got {type(schema).__name__}; allowed is a list of entries")
    for number, one in enumerate(schema):
        if problem := entry_problem(one):
            raise InputError(f"{where}: entry {number}: {problem}")
    entries = [MetadataEntry(e["name"], e["path"], e.get("defaultValue"), e["valueDataType"]) for e in schema]
    paths = [entry.path for entry in entries]
    if repeated := [path for path in paths if paths.count(path) > 1]:
        raise InputError(f"{where}: path {repeated[0]!r} comes more than once; keep one entry for each")
    return tuple(entries)


def read_metadata(
    datasource: Datasource,
    filenames: Sequence[str],
    schema: Sequence[MetadataEntry],
    on_event: Listener | None = None,
) -> tuple[dict[str, pd.Series[Any]], list[BadFile]]:
    """Read the metadata of samples: a column for each entry of the schema, and what cannot be used.

    Parameters
    ----------
    datasource : Datasource
        LIGHTLY. The files are listed once and fetched by several threads.
    filenames : sequence of str
        The samples. One without a file or value, or with one that cannot be used, has the default.
    schema : sequence of MetadataEntry
        What `read_metadata_schema` returned.
    on_event : Listener or None
        Gets the progress of step LOADING_METADATA, and of unusable values a warning each.
    """
    on_event, bad = on_event or silent, []
    columns = [_Column(entry) for entry in schema]
    files = companion_files(datasource, METADATA, filenames)
    with Stage(on_event, STEP, len(filenames), "sample") as stage:
        for row, read in enumerate(read_companions(datasource, filenames, files, _problem)):
            metadata = {} if read.body is None else read.body["metadata"]
            wrong = [text for column in columns if (text := column.add(metadata))]
            name = files.names[row]
            bad += [BadFile(str(name), text) for text in wrong]
            if read.bad:
                bad.append(read.bad)
            stage.advance()
    say_what_was_read(on_event, STEP, "metadata", files, bad, "keeps the defaults")
    return {column.entry.path: column.series(filenames) for column in columns}, bad


def _problem(body: Mapping[str, Any]) -> str | None:
    if not isinstance(body.get("metadata"), Mapping):
        return f"metadata is {body.get('metadata')!r}; allowed is an object of values by key"
    if body.get("type") not in (None, "image", "video", "frame"):
        return f"type is {body['type']!r}; there are image, video, frame"
    return None


class _Column:
    """The values of one entry, sample by sample."""

    def __init__(self, entry: MetadataEntry):
        self.entry, self.type = entry, VALUE_TYPES[entry.value_type]
        self.keys = entry.path.split(".")
        self.values: Any = array("d") if entry.value_type == "NUMERIC_FLOAT" else []
        self.n_missing = 0

    def add(self, metadata: Mapping[str, Any]) -> str | None:
        """Take the value of the next sample; return what is wrong with it, None if nothing is."""
        value, problem = self._found(metadata), None
        if value is not None and not self.type.fits(value):
            shown = repr(value)[:80]
            problem = f"metadata.{self.entry.path} is {shown}; allowed is {self.type.allowed}"
            value = None
        value = self.entry.default if value is None else value
        self.n_missing += value is None
        self.values.append(float("nan") if value is None and isinstance(self.values, array) else value)
        return problem

    def _found(self, metadata: Any) -> Any:
        whole = metadata.get(self.entry.path)
        if whole is not None or len(self.keys) == 1:
            return whole
        for key in self.keys:
            metadata = metadata.get(key) if isinstance(metadata, Mapping) else None
        return metadata

    def series(self, filenames: Sequence[str]) -> pd.Series[Any]:
        """Return all values: numbers as numbers, categories as categories, text and flags as such."""
        return typed_column(self.values, self.entry.value_type, filenames)


def typed_column(values: Any, value_type: str, filenames: Iterable[Any]) -> pd.Series[Any]:
    """Return values (None where missing) as a column of the type that the schema says."""
    import numpy as np
    import pandas as pd

    index = pd.Index(list(filenames), name="filename")
    if value_type == "NUMERIC_FLOAT":
        return pd.Series(np.array(values, dtype=np.float64), index)
    has_all = not any(one is None for one in values)
    if value_type == "NUMERIC_INT":
        return pd.Series(np.array(values, dtype=np.int64 if has_all else np.float64), index)
    if value_type == "CATEGORICAL_BOOLEAN":
        return pd.Series(values, index, dtype="bool" if has_all else "boolean")
    if value_type == "CATEGORICAL_INT":
        return pd.Series(pd.Categorical(pd.array(values, dtype="Int64")), index)
    return pd.Series(values, index, dtype=pd.StringDtype("pyarrow", na_value=np.nan))
