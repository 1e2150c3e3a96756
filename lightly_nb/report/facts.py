"""From sections to one plain dict that JSON can hold, with the arrays that it names beside it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from lightly_nb.errors import LightlyNBError
from lightly_nb.events import Listener, Stage, say
from lightly_nb.report.sections import SECTIONS, Section
from lightly_nb.samples import Samples
from lightly_nb.samples.selected import Selection

STEP = "GENERATING_REPORT"
SCHEMA_VERSION = 1
Arrays = dict[str, np.ndarray]


def report_facts(
    samples: Samples,
    selection: Selection,
    job: Mapping[str, Any] | None = None,
    *,
    sections: Mapping[str, Section] | None = None,
    on_event: Listener | None = None,
) -> tuple[dict[str, Any], Arrays]:
    """Return everything that a report says, and the arrays that it names.

    Parameters
    ----------
    samples : Samples
        The samples that were selected from, embedded.
    selection : Selection
        What was selected from them.
    job : mapping or None
        What is known about the run: see `run_facts`. `job["options"]` may hold `seed`, `n_random_draws`,
        `n_example_images`, `memory_requirement_in_GB`, `prices` and the limits named in docs/report.md.
    sections : mapping of str to callable, optional
        What the report says, in order. None: `SECTIONS`.
    on_event : callable, optional
        Gets the events of step GENERATING_REPORT; it may raise to stop the work. None is silent.

    Returns
    -------
    facts : dict
        As in docs/report.md; an array in it is `{"array": NAME, "shape": …, "dtype": …}`.
    arrays : dict of str to numpy.ndarray
        By name.

    Raises
    ------
    InputError
        If the selection is not of these samples, or an option cannot be used.
    """
    listen = on_event or _silent
    sections = SECTIONS if sections is None else sections
    arrays: Arrays = {}
    facts: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": {},
    }
    with Stage(listen, STEP, total=len(sections), unit="section") as stage:
        known = {**(job or {}), "tick": lambda: stage.advance(0)}
        for name, section in sections.items():
            started = time.monotonic()
            found = _section(name, section, samples, selection, known, listen)
            facts[name] = plain(found, name, arrays)
            facts["seconds"][name] = round(time.monotonic() - started, 3)
            stage.advance()
    return facts, arrays


def plain(value: Any, name: str, arrays: Arrays) -> Any:
    """Return `value` as JSON holds it; arrays go to `arrays` under a dotted name.

    NaN and infinity become None, numpy scalars Python numbers, text that is no valid UTF-8 is escaped.

    Examples
    --------
    >>> arrays = {}
    >>> plain({"a": np.float32(1), "b": float("nan"), "c": np.zeros(2)}, "x", arrays)
    {'a': 1.0, 'b': None, 'c': {'array': 'x.c', 'shape': [2], 'dtype': 'float64'}}
    >>> list(arrays)
    ['x.c']
    """
    if isinstance(value, Mapping):
        return {_text(key): plain(item, f"{name}.{key}", arrays) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, f"{name}.{number}", arrays) for number, item in enumerate(value)]
    if isinstance(value, np.ndarray):
        arrays[name] = value
        return {"array": name, "shape": list(value.shape), "dtype": str(value.dtype)}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    return None if value != value else _text(value)


def _section(
    name: str,
    section: Section,
    samples: Samples,
    selection: Selection,
    job: Mapping[str, Any],
    on_event: Listener,
) -> dict[str, Any]:
    """Return the facts of one section; one that breaks is said to, and the others still come."""
    try:
        return section(samples, selection, job)
    except (LightlyNBError, MemoryError):
        raise
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        say(on_event, STEP, f"report: section '{name}' could not be computed ({why})", level="warning")
        return {"skipped": f"could not be computed ({why})", "failed": True}


def _text(value: Any) -> str:
    return str(value).encode("utf-8", "backslashreplace").decode("utf-8")


def _silent(event: Any) -> None:
    """Hear nothing."""
