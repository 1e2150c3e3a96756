"""Methods of the hosted platform's client that mean nothing here: each says what to do instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

GONE: Mapping[str, str] = MappingProxyType(
    {
        "upload_file_with_signed_url": "nothing is uploaded to a platform: put files into the datasource",
        "selection": "schedule a run with schedule_compute_worker_run(selection_config=...), or select in "
        "the notebook with lightly_nb.select(...)",
        "download_new_raw_samples": "new files are found by the run itself: schedule it with "
        "worker_config={'datapool.name': ...} or use_datapool, or list all files with download_raw_samples()",
        "get_processed_until_timestamp": "a run knows the files it has seen by their names; schedule it with "
        "worker_config={'datasource.process_all': True} to process all again",
        "update_processed_until_timestamp": "a run knows the files it has seen by their names; schedule it "
        "with worker_config={'datasource.process_all': True} to process all again",
    }
)
"""What to do instead, by the name of the method."""


def gone(name: str) -> Callable[..., Any]:
    """Return a method that refuses to be called, with the advice of `GONE`."""

    def method(self: object, *args: object, **kwargs: object) -> Any:
        raise NotImplementedError(f"{name}() is not part of the local platform: {GONE[name]}")

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"Not part of the local platform: {GONE[name]}."
    return method
