"""`browse_datasets`: the one call."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from lightly_nb.errors import InputError

if TYPE_CHECKING:
    from lightly_nb.api import ApiWorkflowClient
    from lightly_nb.widgets.dataset_browser.panel import DatasetBrowser


def browse_datasets(client: ApiWorkflowClient | None = None) -> DatasetBrowser:
    """Show the datasets of a workspace: their datasources, sharing, runs and tags.

    On the left all datasets that the client's user sees, on the right the chosen one. A run under way moves.
    Its monitor and its report are shown below when its folder is on this machine. A tag is shown as images,
    combined with another one, deleted, downloaded, and exported to files for labelling and training tools.

    Parameters
    ----------
    client : ApiWorkflowClient or None
        Who looks, and at which workspace; its current dataset is chosen first. It is copied and not changed.
        None: `ApiWorkflowClient()`.

    Returns
    -------
    DatasetBrowser
        A live panel; `repr` of it is all of this as plain text. `.dataset_id`, `.tag_name` and
        `.scheduled_run_id` can be observed and set. Its buttons are also methods: `refresh`, `monitor`,
        `report`, `cancel`, `abort`, `show_images`, `export`, `download_images`, `combine`, `delete_tag`,
        `share_only_with`, `close_below`, and `close`.

    Raises
    ------
    InputError
        If ipywidgets is not installed.
    ApiException, WorkspaceError
        As `ApiWorkflowClient` raises them.

    Examples
    --------
    >>> import tempfile
    >>> from lightly_nb.api import ApiWorkflowClient
    >>> client = ApiWorkflowClient(url=tempfile.mkdtemp())
    >>> print(browse_datasets(client))
    No dataset yet. To make one:
    client = lightly_nb.api.ApiWorkflowClient()
    client.create_dataset("photos")
    client.set_local_config("path/to/photos")
    """
    if find_spec("ipywidgets") is None:
        raise InputError("browse_datasets needs ipywidgets: pip install ipywidgets, then restart the kernel")
    from lightly_nb.api import ApiWorkflowClient
    from lightly_nb.widgets.dataset_browser.panel import DatasetBrowser

    return DatasetBrowser(ApiWorkflowClient() if client is None else client)
