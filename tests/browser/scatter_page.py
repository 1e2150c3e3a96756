"""The scatter on a page, as a person uses it, and the geometry that tests compare with."""

from __future__ import annotations

from typing import Any

import numpy as np


class Shown:
    """The first panel on the page of a notebook, which can answer `ask`."""

    def __init__(self, book: Any, n_samples: int):
        self.book, self.page, self.n_samples = book, book.page, n_samples
        self.root = self.page.locator(".lnb-scatter").first
        self.wait("root.dataset.ready")

    def wait(self, condition: str, value: Any = None) -> None:
        """Wait until a JavaScript expression of `root` and `value` is true."""
        script = f"""value => {{
          const root = document.querySelector('.lnb-scatter');
          return root && ({condition});
        }}"""
        self.page.wait_for_function(script, arg=value)

    def places(self) -> np.ndarray:
        """Return where every row is drawn on the page, of shape (n_samples, 2)."""
        self.root.locator("canvas").scroll_into_view_if_needed()
        return np.array(
            self.root.evaluate(
                """(root, n) => {
                  const box = root.querySelector('canvas').getBoundingClientRect();
                  return Array.from({length: n}, (_, row) => {
                    const [x, y] = root.positionOf(row);
                    return [x + box.left, y + box.top];
                  });
                }""",
                self.n_samples,
            )
        )

    def hover(self, row: int) -> None:
        """Move the pointer onto a point and wait until its picture is shown."""
        self.page.mouse.move(*self.places()[row])
        self.wait("root.dataset.shown === String(value)", row)

    def drag(self, corners: np.ndarray, *keys: str) -> None:
        """Drag the pointer from corner to corner."""
        for key in keys:
            self.page.keyboard.down(key)
        self.page.mouse.move(*corners[0])
        self.page.mouse.down()
        for corner in corners[1:]:
            self.page.mouse.move(*corner, steps=3)
        self.page.mouse.up()
        for key in keys:
            self.page.keyboard.up(key)

    def in_canvas(self, corners: np.ndarray) -> np.ndarray:
        """Return places moved to where the pointer still is over the plot."""
        box = self.root.locator("canvas").bounding_box()
        low = np.array([box["x"], box["y"]]) + 2
        high = np.array([box["x"] + box["width"], box["y"] + box["height"]]) - 2
        return np.clip(corners, low, high)

    def press(self, label: str) -> None:
        """Press the button of that name."""
        self.root.get_by_role("button", name=label, exact=True).click()

    def says(self, text: str) -> None:
        """Wait until the live region says something that contains `text`."""
        self.wait("root.querySelector('[role=status]').textContent.includes(value)", text)

    def selected(self) -> list[int]:
        """Return the rows in the lasso, as the kernel knows them."""
        return list(self.book.ask("panel.selected.tolist()"))


def square_around(places: np.ndarray, margin: float = 14) -> np.ndarray:
    (left, top), (right, bottom) = places.min(axis=0) - margin, places.max(axis=0) + margin
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


def alone(places: np.ndarray, rows: Any, distance: float = 16) -> int:
    """Return the first of `rows` that has no other point near it."""
    for row in rows:
        if np.sort(np.hypot(*(places - places[row]).T))[1] > distance:
            return int(row)
    raise AssertionError("every point has a neighbour")


def inside_polygon(places: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Return the rows inside, by the crossing rule."""
    inside = np.zeros(len(places), dtype=bool)
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        crosses = (y1 > places[:, 1]) != (y2 > places[:, 1])
        with np.errstate(divide="ignore", invalid="ignore"):
            at = (x2 - x1) * (places[:, 1] - y1) / (y2 - y1) + x1
        inside ^= crosses & (places[:, 0] < at)
    return np.flatnonzero(inside)


def near_polygon(places: np.ndarray, corners: np.ndarray, reach: float) -> np.ndarray:
    """Return the rows within `reach` pixels of the outline."""
    near = np.zeros(len(places), dtype=bool)
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        along = np.clip((places - start) @ (end - start) / ((end - start) @ (end - start)), 0, 1)
        near |= np.hypot(*(places - (start + along[:, None] * (end - start))).T) < reach
    return np.flatnonzero(near)
