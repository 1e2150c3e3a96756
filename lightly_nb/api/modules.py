"""The module paths of client 1.5.26: a script moves when its `lightly.` becomes `lightly_nb.`.

The modules hold nothing of their own: each gives the names of `lightly_nb.api`. They are made when their
package is imported, since one file for each of 90 would say nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from lightly_nb.config.platform_form import snake_case

API = "lightly_nb.api"
API_MODULES = (
    *("api_workflow_artifacts", "api_workflow_client", "api_workflow_collaboration"),
    *("api_workflow_compute_worker", "api_workflow_datasets", "api_workflow_datasource_listing"),
    *("api_workflow_datasources", "api_workflow_download_dataset", "api_workflow_export"),
    *("api_workflow_predictions", "api_workflow_selection", "api_workflow_tags"),
    *("api_workflow_upload_embeddings", "api_workflow_upload_metadata"),
)
GENERATED_MODULES = ("rest", "exceptions")
"""Of the generated client, beside `models`."""


def add_api_modules() -> None:
    """Let `lightly_nb.api.api_workflow_…` be imported."""
    for name in API_MODULES:
        _add(f"{API}.{name}")


def add_generated_modules(package: str, names: Iterable[str]) -> None:
    """Let `package` be imported from as the generated client is: `models`, a module for each, and errors."""
    for inner in ("", ".models"):
        _add(f"{package}{inner}", is_package=True)
    for name in GENERATED_MODULES:
        _add(f"{package}.{name}")
    for name in names:
        _add(f"{package}.models.{snake_case(name)}")


def _add(path: str, *, is_package: bool = False) -> None:
    module = ModuleType(path, f"The names of {API}, by a module path of client 1.5.26.")
    module.__spec__ = ModuleSpec(path, None, is_package=is_package)
    if is_package:
        module.__path__ = []
    module.__getattr__ = _name_of(path)  # type: ignore[method-assign]
    parent, _, last = path.rpartition(".")
    setattr(sys.modules[parent], last, module)
    sys.modules[path] = module


def _name_of(path: str) -> Any:
    def found(name: str) -> Any:
        api = sys.modules[API]
        if name in api.__all__:
            return getattr(api, name)
        if name[:1].isupper():
            raise ImportError(
                f"{path} has no {name}: it means nothing without the platform's web service. "
                f"{API}.__all__ lists the names that there are; docs/api.md says what to do instead"
            )
        raise AttributeError(f"module {path!r} has no attribute {name!r}")

    return found
