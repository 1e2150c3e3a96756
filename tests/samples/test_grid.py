"""`show_images`: pictures in the order asked for."""

from __future__ import annotations

import pytest

from lightly_nb.errors import InputError
from lightly_nb.samples.grid import show_images
from tests.widgets.drawn import drawn_samples


def test_pictures_stand_in_the_order_of_the_names_and_may_come_again():
    samples = drawn_samples(5)
    a, b = samples.filenames[3], samples.filenames[0]
    grid = show_images(samples, [a, b, a], captions=["one", "two", "three"])
    assert repr(grid) == "ImageGrid(3 pictures)"
    figures = grid.html.split("<figure")[1:]
    assert [f'title="{name}"' in figure for name, figure in zip([a, b, a], figures, strict=True)] == [
        True
    ] * 3
    assert [word in figure for word, figure in zip(["one", "two", "three"], figures, strict=True)] == [
        True
    ] * 3


def test_no_more_than_the_most_are_shown_and_it_is_said():
    samples = drawn_samples(5)
    assert "2 of 5 shown" in show_images(samples, most=2).html
    assert show_images(samples, []).html.count("<img") == 0
    with pytest.raises(InputError, match="not among the 5 samples"):
        show_images(samples, ["nowhere.jpg"])
