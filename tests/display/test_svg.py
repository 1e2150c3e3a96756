"""Line charts: where points lie, and what a screen reader is told."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from lightly_nb.display.svg import (
    BOTTOM,
    LEFT,
    RIGHT,
    STILL,
    TOP,
    Line,
    Scale,
    line_chart,
    marker,
    still_image,
)

SVG = "{http://www.w3.org/2000/svg}"
SCALE = Scale(400, 200, (0, 10), (0, 4))
numbers = st.floats(-1e6, 1e6)


def chart(**more: object) -> ET.Element:
    words = {"said": "a < b", "x_label": "<across>", "y_label": "up"}
    lines = [Line([(0, 0), (10, 4)], "#123456", label="ours", name="mine", has_dots=True)]
    return ET.fromstring(line_chart(SCALE, lines, y_ticks=[0, 2, 4], **words, **more))  # type: ignore[arg-type]


@given(st.lists(numbers, min_size=2, max_size=2, unique=True).map(sorted), st.floats(0, 1))
def test_points_of_the_ranges_lie_in_the_plot_and_rise(ends: list[float], share: float) -> None:
    low, high = ends
    scale = Scale(400, 200, (low, high), (low, high))
    value = low + share * (high - low)
    assert LEFT - 1e-6 <= scale.x(low) <= scale.x(value) <= 400 - RIGHT + 1e-6
    assert 200 - BOTTOM + 1e-6 >= scale.y(low) >= scale.y(value) >= TOP - 1e-6


def test_a_chart_says_what_it_is_and_has_axes_lines_legend_and_ticks() -> None:
    made = chart(class_="mine", band=Line([(0, 1), (10, 3), (10, 1)], "red", 9, label="band"))
    assert made.get("aria-label") == made.findtext(f"{SVG}title") == "a < b"
    texts = [node.text for node in made.iter(f"{SVG}text")]
    assert {"<across>", "up", "ours", "band", "0", "10", "4"} <= set(texts)
    assert [node.get("d") for node in made.iter(f"{SVG}path")] == [
        "M52.0 129.0L388.0 63.0L388.0 129.0Z",
        "M52.0 162.0L388.0 30.0",
    ]
    assert len(list(made.iter(f"{SVG}circle"))) == 2


def test_a_marker_is_at_its_point_and_reaches_no_further_than_the_plot() -> None:
    drawn = marker(SCALE, (5, 2), 99, "5", "blue")
    assert re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', drawn) == [("220.0", "96.0")]
    assert 'x2="388.0"' in drawn
    assert drawn in line_chart(SCALE, [], said="", x_label="", y_label="", y_ticks=[], marker=drawn)


def test_a_still_picture_knows_no_variables_of_a_page() -> None:
    line = Line([(0, 0), (1, 1)], STILL["accent"])
    still = line_chart(SCALE, [line], said="", x_label="x", y_label="y", y_ticks=[0], colors=STILL)
    assert "var(" not in still
    assert still_image(still, "a curve", 400).startswith('<img alt="a curve" src="data:image/svg+xml;base64,')
