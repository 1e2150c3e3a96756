"""The embeddings CSV: what is written comes back, the `lightly` package reads it, bad files are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lightly_nb.embeddings_csv import (
    folder_labels,
    read_embeddings_csv,
    write_embeddings_csv,
)
from lightly_nb.errors import InputError

NAMES = [
    "été à Zürich/a, b.jpg",
    '日本/say "hi".png',
    " leading space.jpg",
    "plain.jpg",
    "trailing ",
    "x/emoji 🦊.png",
]


def test_what_is_written_comes_back_exactly_whatever_the_names(tmp_path: Path) -> None:
    embeddings = np.random.default_rng(0).normal(size=(len(NAMES), 32)).astype(np.float32)
    write_embeddings_csv(tmp_path / "e.csv", NAMES, embeddings)
    back = read_embeddings_csv(tmp_path / "e.csv")
    assert back.filenames == NAMES
    np.testing.assert_array_equal(back.embeddings, embeddings)
    np.testing.assert_array_equal(back.labels, folder_labels(NAMES))
    assert not back.masked.any()
    assert not back.selected.any()


@given(
    values=hnp.arrays(np.float32, (3, 2), elements=st.floats(width=32, allow_nan=False, allow_infinity=False))
)
def test_every_finite_float32_survives(values: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("csv") / "e.csv"
    write_embeddings_csv(path, ["a", "b", "c"], values)
    np.testing.assert_array_equal(read_embeddings_csv(path).embeddings, values)


def test_lightly_itself_accepts_and_loads_the_file(tmp_path: Path) -> None:
    from lightly.utils import io

    embeddings = np.random.default_rng(1).normal(size=(len(NAMES), 5)).astype(np.float32)
    path = str(tmp_path / "e.csv")
    write_embeddings_csv(path, NAMES, embeddings, labels=[5, 4, 3, 2, 1, 0])
    io.check_embeddings(path)
    loaded, labels, names = io.load_embeddings(path)
    assert names == NAMES
    assert labels == [5, 4, 3, 2, 1, 0]
    np.testing.assert_array_equal(loaded.astype(np.float32), embeddings)


def test_a_file_saved_by_lightly_is_read(tmp_path: Path) -> None:
    from lightly.utils import io

    embeddings = np.random.default_rng(2).normal(size=(3, 4)).astype(np.float32)
    io.save_embeddings(str(tmp_path / "e.csv"), embeddings, [0, 0, 1], NAMES[:3])
    back = read_embeddings_csv(tmp_path / "e.csv")
    assert back.filenames == NAMES[:3]
    np.testing.assert_array_equal(back.embeddings, embeddings)


def test_masked_and_selected_are_read(tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text("filenames,embedding_0,masked,selected,labels\na,1,0,1,0\nb,2,True,false,1\n")
    back = read_embeddings_csv(path)
    assert back.masked.tolist() == [False, True]
    assert back.selected.tolist() == [True, False]


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["a.jpg", "b.jpg"], [0, 0]),
        (["z/a.jpg", "b/c/d.jpg", "b/e.jpg"], [1, 0, 0]),
        (["z/a.jpg", "top.jpg"], [1, 0]),
        ([], []),
    ],
)
def test_labels_number_the_sorted_top_folders(names: list[str], labels: list[int]) -> None:
    assert folder_labels(names).tolist() == labels


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is empty"),
        ("name,embedding_0,labels\na,1,0\n", "first column is 'name'"),
        ("filenames,embedding_0\na,1\n", "no column 'labels'"),
        ("filenames,embedding_1,labels\na,1,0\n", "column 'embedding_1' is not expected"),
        ("filenames,embedding_0,color,labels\na,1,2,0\n", "column 'color' is not expected"),
        ("filenames,embedding_0,embedding_0,labels\na,1,2,0\n", "'embedding_0' comes twice"),
        ("filenames,labels\na,0\n", "no embeddings"),
        ("filenames,embedding_0,labels\n", "no rows"),
        ("filenames,embedding_0,labels\na,1,0\na,2,0\n", "'a' comes more than once"),
        ("filenames,embedding_0,labels\na,1,0\nb,two,0\n", "embedding_0 of 'b' is 'two'"),
        ("filenames,embedding_0,labels\na,1,0\nb,nan,0\n", "embedding_0 of 'b' is 'nan'"),
        ("filenames,embedding_0,labels\na,1,0\nb,,0\n", "embedding_0 of 'b' is ''"),
        ("filenames,embedding_0,labels\na,1,0.5\n", "labels of 'a' is '0.5'"),
        ("filenames,embedding_0,masked,labels\na,1,maybe,0\n", "masked of 'a' is 'maybe'"),
        ("filenames,embedding_0,labels\na,1,0\nb,2\n", "every row needs 3 fields"),
    ],
)
def test_a_bad_file_is_an_error_that_says_where(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_embeddings_csv(path)


def test_a_missing_or_binary_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_embeddings_csv(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x80" * 10)
    with pytest.raises(InputError, match="cannot be read"):
        read_embeddings_csv(tmp_path / "binary.csv")


def test_lengths_that_differ_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="2 names, 1 labels"):
        write_embeddings_csv(tmp_path / "e.csv", ["a", "b"], np.zeros((2, 3)), labels=[0])
