"""What a dataset may do in its datasources, tried out before any work starts."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from lightly_nb.datasource import Datasource, WritableDatasource
from lightly_nb.datasource.names import LIGHTLY_FOLDER
from lightly_nb.errors import LightlyNBError
from lightly_nb.workspace.data.datasource_kinds import DatasourceSettings
from lightly_nb.workspace.data.datasources import open_input, open_lightly

PROBE = f"{LIGHTLY_FOLDER}/permission_check.txt"
_CONTENT = b"lightly_nb wrote this file to see whether it may write here. It can be deleted.\n"
PERMISSIONS = ("can_list", "can_read", "can_write", "can_overwrite")


def datasource_permissions(
    input_settings: DatasourceSettings, lightly_settings: DatasourceSettings
) -> dict[str, bool | dict[str, str]]:
    """Try to list and read INPUT, and to list, read, write and overwrite in LIGHTLY.

    In LIGHTLY the file `.lightly/permission_check.txt` is written and left. In INPUT nothing is.

    Returns
    -------
    dict
        `can_list`, `can_read`, `can_write`, `can_overwrite` (bool), and `errors`, where there are any: for
        each permission that lacks, what was tried and what was said.
    """
    errors: dict[str, str] = {}
    _try_input(input_settings, errors)
    _try_lightly(lightly_settings, errors)
    found: dict[str, Any] = {permission: permission not in errors for permission in PERMISSIONS}
    return {**found, "errors": errors} if errors else found


def _try_input(settings: DatasourceSettings, errors: dict[str, str]) -> None:
    try:
        datasource = open_input(settings)
    except LightlyNBError as error:
        errors.update(dict.fromkeys(("can_list", "can_read"), f"INPUT: {error}"))
        return
    names = _attempt(errors, "can_list", "INPUT", lambda: _some_names(datasource))
    if names:
        _attempt(errors, "can_read", "INPUT", lambda: datasource.read(names[0]))
    elif names is not None:
        errors.setdefault("can_read", "INPUT: there is no file to try it with; is the path right?")
    else:
        errors.setdefault("can_read", "INPUT: not tried, since its files cannot be listed")


def _try_lightly(settings: DatasourceSettings, errors: dict[str, str]) -> None:
    try:
        datasource = open_lightly(settings)
    except LightlyNBError as error:
        for permission in PERMISSIONS:
            errors.setdefault(permission, f"LIGHTLY: {error}")
        return
    _attempt(errors, "can_write", "LIGHTLY", lambda: datasource.write(PROBE, _CONTENT))
    _attempt(errors, "can_list", "LIGHTLY", lambda: _some_names(datasource))  # now no bucket is empty
    if "can_write" in errors:
        errors["can_overwrite"] = "LIGHTLY: not tried, since no file can be written"
        return
    _attempt(errors, "can_read", "LIGHTLY", lambda: _read_back(datasource))
    _attempt(errors, "can_overwrite", "LIGHTLY", lambda: datasource.write(PROBE, _CONTENT))


def _some_names(datasource: Datasource) -> list[str]:
    return [entry.name for entry in islice(datasource.list(), 20) if not entry.refused]


def _read_back(datasource: WritableDatasource) -> None:
    if datasource.read(PROBE) != _CONTENT:
        raise LightlyNBError(f"{PROBE} in {datasource.url} does not hold what was just written to it")


def _attempt(errors: dict[str, str], permission: str, where: str, action: Callable[[], Any]) -> Any:
    """Return what `action` returns; None, and a line in `errors`, when it fails."""
    try:
        return action()
    except LightlyNBError as error:
        errors.setdefault(permission, f"{where}: {error}")
        return None
