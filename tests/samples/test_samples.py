"""Samples: rows and arrays stay together, nothing is mutated, and what it shows is safe to show."""

from __future__ import annotations

import base64
import io
import pickle
import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lightly_nb.errors import InputError, LightlyNBError
from lightly_nb.samples import QUARANTINE_COLUMNS, Samples, quarantine_table

NAMES = st.lists(st.text(st.characters(blacklist_categories=["Cs"]), min_size=1), unique=True, max_size=20)


def samples_of(names: list[str], **fields: object) -> Samples:
    """Samples whose every value tells its name: a column, a vector and a matrix of the row's number."""
    numbers = np.arange(len(names))
    table = pd.DataFrame({"number": numbers, "again": names}, index=pd.Index(names, dtype="str"))
    arrays = {"embeddings": np.stack([numbers, -numbers], axis=1), "score": numbers.astype(np.float64)}
    return Samples(table, arrays, **fields)  # type: ignore[arg-type]


def check_alignment(samples: Samples, names: list[str]) -> None:
    """Every row of table and arrays is that of `names`."""
    numbers = samples.table["number"].to_numpy()
    assert samples.filenames == names
    assert samples.table["again"].tolist() == names
    assert np.array_equal(samples.embeddings, np.stack([numbers, -numbers], axis=1))
    assert np.array_equal(samples.arrays["score"], numbers)


@settings(deadline=None)
@given(NAMES.filter(len), st.data())
def test_take_keeps_rows_and_arrays_together(names: list[str], data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.integers(0, len(names) - 1), unique=True))
    samples = samples_of(names)
    taken = samples.take(rows)
    check_alignment(taken, [names[row] for row in rows])
    check_alignment(samples, names)
    again = taken.take(list(range(len(rows)))[::-1])
    check_alignment(again, [names[row] for row in rows][::-1])


@settings(deadline=None)
@given(NAMES, st.data())
def test_take_of_a_mask_keeps_the_order(names: list[str], data: st.DataObject) -> None:
    mask = data.draw(st.lists(st.booleans(), min_size=len(names), max_size=len(names)))
    taken = samples_of(names).take(np.array(mask, dtype=bool))
    check_alignment(taken, [name for name, keep in zip(names, mask, strict=True) if keep])


@settings(deadline=None)
@given(NAMES.filter(len), st.randoms())
def test_rows_of_finds_each_name_again(names: list[str], rng: object) -> None:
    samples = samples_of(names)
    wanted = list(names)
    rng.shuffle(wanted)  # type: ignore[attr-defined]
    rows = samples.rows_of(wanted)
    assert rows.dtype == np.int64
    check_alignment(samples.take(rows), wanted)


@settings(deadline=None)
@given(NAMES.filter(lambda names: len(names) > 1), st.data())
def test_without_moves_files_to_the_quarantine(names: list[str], data: st.DataObject) -> None:
    out = data.draw(st.lists(st.sampled_from(names), unique=True))
    samples = samples_of(names)
    fewer = samples.without(quarantine_table({"filename": name, "stage": "check"} for name in out))
    check_alignment(fewer, [name for name in names if name not in out])
    assert fewer.quarantine["filename"].tolist() == out
    rest = fewer.without(
        quarantine_table([{"filename": name, "stage": "later"} for name in fewer.filenames[:1]])
    )
    assert rest.quarantine["filename"].tolist() == out + fewer.filenames[:1]
    assert list(rest.quarantine.columns) == list(QUARANTINE_COLUMNS)


@pytest.mark.parametrize("dtype", ["str", "object", "string[pyarrow]", "category"])
@pytest.mark.parametrize("names", [["a", "b", "a"], ["b", "a", "a"], ["a", "a"]])
def test_repeated_names_are_refused_in_any_order_and_dtype(names: list[str], dtype: str) -> None:
    with pytest.raises(InputError, match=r"file names must be unique, but \['a'\] come more than once"):
        Samples(pd.DataFrame(index=pd.Index(names, dtype=dtype)))
    assert len(Samples(pd.DataFrame(index=pd.Index(["c", "a", "b"], dtype=dtype)))) == 3


@pytest.mark.parametrize("dtype", ["str", "object", "string[pyarrow]"])
def test_rows_of_refuses_unknown_and_repeated_names(dtype: str) -> None:
    samples = Samples(pd.DataFrame(index=pd.Index(["b.jpg", "a.jpg"], dtype=dtype)))
    assert samples.rows_of(["a.jpg", "b.jpg"]).tolist() == [1, 0]
    assert samples.rows_of([]).tolist() == []
    with pytest.raises(InputError, match=r"1 file name\(s\) are not among the 2 samples, first: \['c.jpg'\]"):
        samples.rows_of(["a.jpg", "c.jpg"])
    with pytest.raises(InputError, match=r"more than once: \['a.jpg'\]"):
        samples.rows_of(["a.jpg", "a.jpg"])
    with pytest.raises(InputError, match="are not among"):
        samples.rows_of(["\udcff.jpg"])


def test_arrays_must_have_a_row_per_sample() -> None:
    table = pd.DataFrame(index=["a", "b"])
    with pytest.raises(InputError, match=r"array 'embeddings' has shape \(3, 2\) but there are 2 samples"):
        Samples(table, {"embeddings": np.zeros((3, 2))})
    with pytest.raises(InputError, match=r"array 'score' has shape \(\)"):
        Samples(table).with_array("score", np.float32(1))


def test_arrays_are_read_only_contiguous_float32() -> None:
    given_array = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))
    mine = np.arange(2, dtype=np.float64)
    samples = Samples(pd.DataFrame(index=["a", "b"]), {"embeddings": given_array, "score": mine})
    assert given_array.flags.writeable
    for array in samples.arrays.values():
        assert array.dtype == np.float32
        assert array.flags.c_contiguous
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(TypeError):
        samples.arrays["new"] = mine  # type: ignore[index]
    with pytest.raises(AttributeError):
        samples.table = pd.DataFrame()  # type: ignore[misc]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([True], "a mask needs 2 values, one per sample"),
        (np.ones((2, 1), bool), "of bool, shape"),
        ([0.5], "a list of float; give row numbers"),
        ([5], "no row 5; there are 2 samples, rows 0 to 1"),
        ([-3], "no row -3"),
        ([[0, 1], [0]], "give row numbers"),
        (["c"], "1 file name.* not among the 2 samples"),
        ([0, "a"], "list of int and str"),
        (None, "got None"),
        (True, "got True"),
        ({"a": 1}, "a dict"),
        (b"a", "a bytes"),
    ],
)
def test_take_refuses_what_are_not_rows(rows: object, said: str) -> None:
    with pytest.raises(InputError, match=f"take: .*{said}"):
        samples_of(["a", "b"]).take(rows)


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        (["c", "a"], ["c", "a"]),
        ("b", ["b"]),
        (1, ["b"]),
        (-1, ["c"]),
        (slice(1, None), ["b", "c"]),
        (range(2), ["a", "b"]),
        ({"c", "b"}, ["b", "c"]),
        (pd.Index(["b"]), ["b"]),
        (pd.Series([True, False, True]), ["a", "c"]),
        (pd.Series(["c"], dtype="string[pyarrow]"), ["c"]),
        (np.array(["a", "b"]), ["a", "b"]),
        (pd.DataFrame({"x": [1]}, index=["b"]), ["b"]),
        ((name for name in ("b", "a")), ["b", "a"]),
        ([Path("a")], ["a"]),
        (torch.tensor([2, 0]), ["c", "a"]),
        (SimpleNamespace(filenames=["c"]), ["c"]),
        ([], []),
    ],
)
def test_take_accepts_what_people_have_at_hand(rows: object, names: list[str]) -> None:
    assert samples_of(["a", "b", "c"]).take(rows).filenames == names


def test_taking_a_row_twice_is_refused() -> None:
    with pytest.raises(InputError, match="unique"):
        samples_of(["a", "b"]).take([0, 0])


def test_with_array_and_columns_return_new_samples() -> None:
    samples = samples_of(["a", "b"])
    more = samples.with_array("x", np.ones(2)).with_columns({"y": [3, 4]})
    assert more.arrays["x"].tolist() == [1, 1]
    assert more.table["y"].tolist() == [3, 4]
    assert "x" not in samples.arrays
    assert "y" not in samples.table
    check_alignment(more, ["a", "b"])


def test_missing_embeddings_say_what_to_do() -> None:
    with pytest.raises(LightlyNBError, match=r"no embeddings yet; call lightly_nb.embed"):
        _ = Samples(pd.DataFrame(index=["a"])).embeddings


def test_pickles_whole() -> None:
    samples = samples_of(["b", "a"], source=Pictures(), quarantine=quarantine_table([{"filename": "x"}]))
    again = pickle.loads(pickle.dumps(samples))
    check_alignment(again, ["b", "a"])
    assert again.quarantine["filename"].tolist() == ["x"]
    assert again.source.read("a") == samples.source.read("a")  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="read-only"):
        again.embeddings[0, 0] = 1


# What it shows


class Pictures:
    """A source and thumbnails in one: a picture whose width is the length of the name, or the number."""

    def read(self, name: str | int) -> bytes:
        buffer = io.BytesIO()
        Image.new("RGB", (len(name) if isinstance(name, str) else name, 8), "red").save(buffer, "JPEG")
        return buffer.getvalue()


class Broken:
    def read(self, name: object) -> bytes:
        raise LightlyNBError("gone")


class Seen(HTMLParser):
    """Collects the tags, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def widths(page: str) -> list[int]:
    pictures = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    return [Image.open(io.BytesIO(base64.b64decode(picture))).width for picture in pictures]


EVIL = ["<script>alert(1)</script>.jpg", '"><img src=x onerror=alert(1)>.jpg', "a&amp;b'.jpg"]


@pytest.mark.parametrize("source", [None, Pictures(), Broken()])
def test_names_values_and_columns_cannot_smuggle_html(source: object) -> None:
    table = pd.DataFrame({EVIL[0]: EVIL, "ok": [1.23456789, 2, 3]}, index=EVIL)
    left_out = quarantine_table([dict.fromkeys(QUARANTINE_COLUMNS, EVIL[1])])
    page = Samples(table, quarantine=left_out, source=source)._repr_html_()  # type: ignore[arg-type]
    seen = Seen(page)
    assert set(seen.tags) <= {"p", "table", "thead", "tbody", "tr", "th", "td", "img", "details", "summary"}
    assert {name for name, _ in seen.attributes} <= {"src", "alt", "style"}
    for name in EVIL:
        assert name in seen.text


def test_shows_counts_shapes_the_first_rows_and_what_was_left_out() -> None:
    names = [f"{number:02d}.jpg" for number in range(1_200)]
    samples = Samples(
        pd.DataFrame({"sharp": np.linspace(0, 1, 1_200)}, index=names),
        {"embeddings": np.zeros((1_200, 32))},
        quarantine_table(
            [{"filename": "cut.jpg", "stage": "check", "reason": "truncated", "what_to_do": "copy"}]
        ),
    )
    text = Seen(samples._repr_html_()).text
    assert "1,200 samples · embeddings 1200 × 32 · first 6 shown" in text
    assert "05.jpg" in text
    assert "06.jpg" not in text
    assert "0.000834" in text
    assert "1 file left out" in text
    assert "truncated" in text
    assert repr(samples) == "Samples(1,200 samples, 1 in quarantine, embeddings 1200×32)"


def test_previews_come_from_the_thumbnails_or_else_from_the_files() -> None:
    table = pd.DataFrame({"thumbnail": [11, 12]}, index=["a.jpg", "bcd.jpg"])
    assert widths(Samples(table, source=Pictures())._repr_html_()) == [5, 7]
    both = Samples(table, source=Pictures(), thumbnails=Pictures())
    assert widths(both._repr_html_()) == [11, 12]
    assert widths(both.take([1, 0])._repr_html_()) == [12, 11]


def test_a_thumbnail_is_that_of_the_row_and_empty_where_there_is_none() -> None:
    table = pd.DataFrame({"thumbnail": [7, None, -1, 9]}, index=["a", "b", "c", "d"])
    samples = Samples(table, source=Pictures(), thumbnails=Pictures()).take([3, 1, 2, 0])
    jpegs = [samples.thumbnail(row) for row in range(4)]
    assert [jpeg and Image.open(io.BytesIO(jpeg)).width for jpeg in jpegs] == [9, b"", b"", 7]
    assert samples.has_thumbnails
    assert samples._repr_html_().count("<img") == 2
    for without in (Samples(table), Samples(table[[]], thumbnails=Pictures())):
        assert not without.has_thumbnails
        assert without.thumbnail(0) == b""


def test_a_file_that_is_too_large_has_no_preview(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightly_nb.samples.thumbnails.LARGEST_PREVIEW", 100)
    page = Samples(pd.DataFrame(index=["a.jpg"]), source=Pictures())._repr_html_()
    assert "<td>–</td>" in page


def test_a_file_that_cannot_be_read_does_not_keep_the_table_from_showing() -> None:
    page = Samples(pd.DataFrame(index=["a.jpg"]), source=Broken())._repr_html_()
    assert '<td>–</td><td style="text-align:left">a.jpg</td>' in page


def test_no_samples_show_as_an_empty_table() -> None:
    assert "0 samples" in samples_of([])._repr_html_()
