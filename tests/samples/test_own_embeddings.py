"""Embeddings of one's own, in every form that they come in, and whose rows they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

import lightly_nb as lnb
from lightly_nb.errors import InputError
from lightly_nb.events import silent
from lightly_nb.samples import Samples

X = np.random.default_rng(0).standard_normal((12, 3)).astype(np.float32)
NAMES = [f"photos/{i:02d}.jpg" for i in range(12)]
FRAME = pd.DataFrame({"path": NAMES, "embedding": list(X), "city": list("abcdefghijkl")})


class Dataset:
    """What is used of a HuggingFace dataset: names of columns, and slices of them as Arrow."""

    def __init__(self, table: pa.Table):
        self.table, self.column_names = table, table.column_names

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def with_format(self, kind: str) -> Dataset:
        assert kind == "arrow"
        return self

    def __getitem__(self, rows: slice) -> pa.Table:
        return self.table[rows]


def dataset() -> Dataset:
    images = pa.array([{"bytes": b"x", "path": name} for name in NAMES])
    return Dataset(
        pa.table({"image": images, "embedding": pa.array(X.tolist()), "city": list("abcdefghijkl")})
    )


@pytest.mark.parametrize(
    "value",
    [
        X,
        X.tolist(),
        list(X),
        X.astype(np.float64),
        np.asfortranarray(X),
        torch.tensor(X),
        torch.tensor(X, requires_grad=True),
        list(torch.tensor(X)),
        pd.DataFrame(X),
        pd.DataFrame(X, columns=["embedding_0", "embedding_1", "embedding_2"]),
        pd.Series(list(X)),
        pa.array(X.tolist()),
        pa.table({"embedding": X.tolist()}),
        {"embeddings": X},
        {"features": torch.tensor(X)},
        iter(list(X)),
    ],
)
def test_embeddings_come_as_they_are(value: Any) -> None:
    samples = Samples.from_embeddings(value)
    assert samples.embeddings.dtype == np.float32
    np.testing.assert_array_equal(samples.embeddings, X)
    assert samples.filenames == [f"{i:02d}" for i in range(12)]


@pytest.mark.parametrize(
    "value",
    [X.astype(np.float16), torch.tensor(X).half(), torch.tensor(X).bfloat16(), (X * 100).astype(np.int8)],
)
def test_small_number_types_are_read(value: Any) -> None:
    wanted = value.float().numpy() if hasattr(value, "float") else value.astype(np.float32)
    np.testing.assert_array_equal(Samples.from_embeddings(value).embeddings, wanted)


@pytest.mark.parametrize(
    "value",
    [
        FRAME,
        dataset(),
        {"filenames": NAMES, "embeddings": torch.tensor(X), "city": list("abcdefghijkl")},
        pa.Table.from_pandas(FRAME),
        FRAME.rename(columns={"embedding": "clip"}),
        FRAME.drop(columns="embedding").join(pd.DataFrame(X).add_prefix("f")),
        FRAME.assign(embedding=[str(x.tolist()) for x in X]),
        FRAME.assign(path=[name.replace("/", "\\") for name in NAMES]),
        FRAME.assign(path=[Path(name) for name in NAMES]),
    ],
)
def test_a_table_brings_names_and_columns_along(value: Any) -> None:
    samples = Samples.from_embeddings(value)
    np.testing.assert_array_equal(samples.embeddings, X)
    assert samples.filenames == NAMES
    assert samples.table["city"].tolist() == list("abcdefghijkl")


def test_the_index_is_the_name_or_comes_back() -> None:
    by_name = Samples.from_embeddings(X, table=pd.DataFrame({"a": range(12)}, index=NAMES))
    assert by_name.filenames == NAMES
    numbered = pd.DataFrame({"a": range(12)}, index=pd.Index(range(100, 112), name="id"))
    samples = Samples.from_embeddings(X, NAMES, numbered)
    assert samples.table["id"].tolist() == list(range(100, 112))
    unnamed = Samples.from_embeddings(X, NAMES, numbered.rename_axis(None))
    assert unnamed.table["index"].tolist() == list(range(100, 112))


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".parquet", ".csv", ".pt"])
def test_files_are_read(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{suffix}"
    wide = pd.DataFrame(X).add_prefix("embedding_").assign(path=NAMES)
    if suffix == ".npy":
        np.save(path, X)
    elif suffix == ".npz":
        np.savez(path, filenames=np.array(NAMES), embeddings=X)
    elif suffix == ".parquet":
        FRAME.to_parquet(path)
    elif suffix == ".csv":
        wide.to_csv(path, index=False, encoding="utf-8-sig")
    else:
        torch.save({"filenames": NAMES, "embeddings": torch.tensor(X)}, path)
    samples = Samples.from_embeddings(path)
    np.testing.assert_allclose(samples.embeddings, X, rtol=1e-6)
    assert suffix == ".npy" or samples.filenames == NAMES


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((X[0],), r"one dimension, shape \(3,\); give one row per sample.*x.reshape"),
        ((np.ones((2, 2, 2)),), r"shape \(2, 2, 2\)"),
        ((np.array([["a", "b"]]),), "give real numbers"),
        ((X.astype(complex),), "complex128.*give real numbers"),
        (([[1, 2], [1]],), r"row 1 has shape \(1,\)"),
        (([[1, 2], None],), "row 1 has no value"),
        ((np.array([[1e300, 1]]),), "row 0 holds a number above 3.4e.38"),
        ((np.ma.masked_array(X, X > 0),), "values are masked"),
        (("nowhere.npy",), "no file 'nowhere.npy'"),
        ((None,), "got None"),
        ((5,), "got 5"),
        ((X, ["a"]), "filenames: 1 names for 12 embeddings"),
        ((X, "a.jpg"), "filenames: got a str"),
        ((X, [*NAMES[:11], NAMES[0]]), r"come more than once, first 'photos/00.jpg' in the rows \[0, 11\]"),
        ((X, [*NAMES[:11], None]), "entry 11 is None, not a name"),
        ((X, NAMES, FRAME.head(3)), "table: it has 3 rows, but there are 12"),
        ((X, NAMES, {"a": 1}), "table: got a dict"),
        ((FRAME.assign(vector=list(X)).rename(columns={"embedding": "u", "vector": "v"}),), "'u', 'v'"),
        ((FRAME[["path", "city"]],), "no column of embeddings among"),
        (({"train": dataset(), "test": dataset()},), "a dictionary of splits .*ds.'train'"),
        ((FRAME.assign(embedding=["[0.1 0.2 ... 0.3]"] * 12),), "row 0 is the text"),
    ],
)
def test_what_are_no_embeddings_gets_words(arguments: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Samples.from_embeddings(*arguments)


@pytest.mark.parametrize("name", ["not.npy", "not.npz", "not.parquet", "not.csv", "not.pt", "not.txt"])
def test_a_file_of_another_kind_gets_words(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"\x00\x01 nothing")
    with pytest.raises(InputError, match=r"embeddings: .*(cannot be read|files that are read|no column)"):
        Samples.from_embeddings(tmp_path / name)


@pytest.mark.parametrize("value", [X, torch.tensor(X), FRAME, dataset()])
def test_select_and_panels_take_embeddings_as_they_are(value: Any) -> None:
    picks = lnb.select(value, 4, on_event=silent)
    assert picks.filenames == lnb.select(Samples.from_embeddings(value), 4, on_event=silent).filenames
    assert len(X[picks.rows]) == 4
    assert lnb.scatter(value, picks, umap=False).picks is picks
    assert len(lnb.show_results(value, picks).picks) == 4


def test_select_says_whose_argument_is_wrong() -> None:
    with pytest.raises(InputError, match=r"select: embeddings: got one dimension"):
        lnb.select(X[0], 1, on_event=silent)
    with pytest.raises(InputError, match=r"scatter: embeddings: there is no file 'photos'"):
        lnb.scatter("photos")


def test_the_page_runs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "samples.md").read_text(encoding="utf-8")
    snippets = re.findall(r"```python\n(.*?)```", page, re.S)
    assert snippets
    for snippet in snippets:
        exec(compile(snippet, "docs/samples.md", "exec"), {})
