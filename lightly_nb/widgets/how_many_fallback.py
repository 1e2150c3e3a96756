"""The panel "how many do I need?" where anywidget is not installed: plain sliders, and the rest as HTML."""

from __future__ import annotations

from typing import Any

import ipywidgets as w

from lightly_nb.widgets.callback_errors import error_text, errors_shown
from lightly_nb.widgets.how_many_curve import MEASURES
from lightly_nb.widgets.how_many_model import HowManyModel
from lightly_nb.widgets.how_many_static import how_many_html
from lightly_nb.widgets.showing import show_panel

STRENGTHS = {"min": 0.0, "max": 3.0, "step": 0.05, "continuous_update": False}


class PlainHowMany(HowManyModel):
    """What `how_many` returns without anywidget; its traits and methods are those of `HowManyModel`."""

    def __init__(self, *args: Any, **kwargs: Any):
        self._picture, self._status = w.HTML(), w.Label()
        self._size = w.IntSlider(min=1, max=1, description="how many")
        super().__init__(*args, **kwargs)
        self.box = self._built()
        self.observe(lambda change: self._show(), ["n", "measure", "group_by"])
        self._show()

    def __repr__(self) -> str:
        return f"PlainHowMany({self.n:,} of {len(self.samples):,} samples, {self.n_max:,} picks computed)"

    def _ipython_display_(self, **kwargs: Any) -> None:
        self.work.wait(1.0)
        show_panel(self.box, how_many_html(self), repr(self))

    def _built(self) -> w.VBox:
        measure = w.Dropdown(options=MEASURES, value=self.measure, description="curve")
        measure.observe(lambda change: self._set("measure", change["new"]), "value")
        self._size.observe(lambda change: self._set("n", change["new"]), "value")
        sliders = [self._slider(name, value) for name, value in self.strengths.items()]
        return w.VBox(
            [self._size, *(sliders if len(sliders) > 1 else []), measure, self._picture, self._status]
        )

    def _slider(self, name: str, value: float) -> w.FloatSlider:
        limits = {**STRENGTHS, "min": min(0.0, value), "max": max(3.0, value)}
        slider = w.FloatSlider(value=value, description=name, **limits)
        slider.observe(
            lambda change: self._set("strengths", {**self.strengths, name: change["new"]}), "value"
        )
        return slider

    def _set(self, name: str, value: Any) -> None:
        with errors_shown(self._say):
            setattr(self, name, value)

    def _show(self) -> None:
        self._size.max = self.n_max
        self._size.value = self.n
        self._picture.value = how_many_html(self)

    def _say(self, text: str) -> None:
        self._status.value = text

    def _shown(self) -> None:
        self._show()

    def _order_changed(self) -> None:
        self._say("")
        self._show()

    def _failed(self, error: Exception) -> None:
        super()._failed(error)
        self._say(error_text(error))
