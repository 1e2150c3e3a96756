"""One JupyterLab server and one page for all browser tests of a session."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.lab import Lab, Notebook, jupyter_server, this_python

LAB_OPTIONS = (
    "--LabApp.expose_app_in_browser=True",
    "--LabApp.collaborative=False",
    "--LabApp.extensions_in_dev_mode=False",
)
VIEWPORT = {"width": 1240, "height": 900}


@pytest.fixture(scope="session")
def lab_session(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab in a browser, loaded once."""
    folder = tmp_path_factory.mktemp("lab")
    settings = folder / "jupyter-config" / "lab" / "user-settings" / "@jupyterlab"
    (settings / "apputils-extension").mkdir(parents=True)
    (settings / "docmanager-extension").mkdir(parents=True)
    (settings / "apputils-extension" / "notification.jupyterlab-settings").write_text(
        '{"fetchNews": "false", "checkForUpdates": false}'
    )
    (settings / "docmanager-extension" / "plugin.jupyterlab-settings").write_text('{"autosave": false}')
    (folder / "jupyter-config" / "labconfig").mkdir()  # the debugger complains when a kernel ends under it
    (folder / "jupyter-config" / "labconfig" / "page_config.json").write_text(
        '{"disabledExtensions": {"@jupyterlab/debugger-extension": true}}'
    )
    with jupyter_server(this_python(), "jupyterlab", folder, *LAB_OPTIONS) as address:
        lab = Lab(browser.new_context(viewport=VIEWPORT).new_page(), folder / "notebooks")
        lab.start(address)
        yield lab


@pytest.fixture
def quiet_page(lab_session: Lab) -> Iterator[Lab]:
    """The Lab, with whatever is open on it; the test fails on any error that the page reports."""
    lab_session.errors.clear()
    yield lab_session
    assert not lab_session.errors, "\n".join(lab_session.errors)


@pytest.fixture
def lab(quiet_page: Lab) -> Iterator[Lab]:
    """The Lab in its light theme with no notebook open; what the test opens is closed after it."""
    quiet_page.theme("JupyterLab Light")
    yield quiet_page
    quiet_page.close_notebook()


@pytest.fixture(scope="module")
def opened(lab_session: Lab, request: pytest.FixtureRequest) -> Iterator[Notebook]:
    """A notebook that the module's `MAKE` has made a `panel` in, for all its tests."""
    lab_session.theme("JupyterLab Light")
    yield lab_session.open(request.module.MAKE, "panel")
    lab_session.close_notebook()
