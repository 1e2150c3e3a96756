"""The results viewer where anywidget is not installed: plain buttons and menus, and the page as HTML."""

from __future__ import annotations

from typing import Any

import ipywidgets as w

from lightly_nb.widgets.callback_errors import errors_shown
from lightly_nb.widgets.results_model import PAGE_SIZES, ResultsModel
from lightly_nb.widgets.results_static import results_html
from lightly_nb.widgets.results_views import ORDERS, VIEWS
from lightly_nb.widgets.showing import show_panel

LEAST_SIZE = min(PAGE_SIZES)


class PlainResults(ResultsModel):
    """What `show_results` returns without anywidget; its traits and methods are those of `ResultsModel`."""

    def __init__(self, *args: Any, **kwargs: Any):
        self._page, self._error_box = w.HTML(), w.Label()
        super().__init__(
            *args, **{**kwargs, "page_size": min(LEAST_SIZE, kwargs.get("page_size", LEAST_SIZE))}
        )
        self.box = self._built()
        self.observe(lambda change: self._show(), ["view", "page", "page_size", "order", "filter", "rows"])
        self._show()

    def __repr__(self) -> str:
        return f"PlainResults({len(self.picks):,} of {len(self.samples):,} samples selected)"

    def _ipython_display_(self, **kwargs: Any) -> None:
        show_panel(self.box, results_html(self), repr(self))

    def _built(self) -> w.VBox:
        view = w.Dropdown(options=VIEWS, value=self.view, description="view")
        order = w.Dropdown(options=ORDERS, value=self.order, description="removed")
        search = w.Text(description="name has", continuous_update=False)
        for widget, name in ((view, "view"), (order, "order"), (search, "filter")):
            widget.observe(lambda change, name=name: self._set(name, change["new"]), "value")
        previous, following = w.Button(description="‹ Previous"), w.Button(description="Next ›")
        previous.on_click(lambda button: self.previous_page())
        following.on_click(lambda button: self.next_page())
        bar = w.HBox([view, order, search])
        return w.VBox([bar, self._page, w.HBox([previous, following]), self._error_box])

    def _set(self, name: str, value: Any) -> None:
        with errors_shown(self._show_error):
            setattr(self, name, value)

    def _show(self) -> None:
        self._page.value = (
            f"{results_html(self, self.page_size)}<div>Page {self.page} of {self.n_pages}</div>"
        )

    def _neighbors_found(self) -> None:
        self._show()

    def _show_error(self, text: str) -> None:
        self._error_box.value = text
