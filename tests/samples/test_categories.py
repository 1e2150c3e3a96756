"""How samples fall into groups: folders, columns, classes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lightly_nb.samples import Samples
from lightly_nb.samples.categories import (
    balance,
    category_codes,
    class_names,
    codes_of,
    folders_of,
    is_categorical,
    is_number,
)


def test_balance_is_one_when_even_and_falls() -> None:
    assert balance(np.array([4.0, 4.0, 4.0])) == pytest.approx(1.0)
    assert balance(np.array([10.0, 0, 0])) == 0.0
    assert balance(np.array([3.0])) is None
    values = [balance(np.array([10.0 + k, 10.0])) for k in range(5)]
    assert values == sorted(values, reverse=True)


def test_the_folder_of_a_name_is_all_that_comes_before_it() -> None:
    assert folders_of(["a/b/1.jpg", "1.jpg", "a/2.jpg"]).tolist() == ["a/b", "(top)", "a"]
    assert folders_of([]).tolist() == []


@pytest.mark.parametrize(
    ("values", "number", "categorical"),
    [
        ([1, 2, 3, 4], True, False),
        ([1.0, np.nan, 2.0, 3.0], True, False),
        ([True, False, True, True], False, True),
        (pd.Categorical(["a", "b", "c", "d"]), False, True),
        (["sun", "rain", "sun", None], False, True),
        (["a", "b", "c", "d"], False, False),
        (["a", "a", "a", "a"], False, False),
        ([[1], [1], [2], [2]], False, False),
        (pd.to_datetime(["2026-01-01"] * 2 + ["2026-01-02"] * 2), False, False),
    ],
)
def test_which_columns_are_numbers_and_which_are_categories(
    values: object, number: bool, categorical: bool
) -> None:
    column = pd.Series(values)
    assert is_number(column) is number
    assert is_categorical(column) is categorical


@pytest.mark.parametrize("dtype", ["object", "string", "category"])
def test_a_missing_value_has_no_code_and_an_empty_one_has_a_name(dtype: str) -> None:
    codes, names = codes_of(pd.Series(["sun", None, "", "rain", "sun"], dtype=dtype))
    assert codes.tolist() == [2, -1, 0, 1, 2]
    assert names == ["(empty)", "rain", "sun"]


def test_samples_are_grouped_by_folder_and_by_what_a_person_understands() -> None:
    table = pd.DataFrame(
        {
            "weather": ["sun", None, "rain", "sun"],
            "version": ["1", "1", "2", "2"],
            "size": [1, 1, 2, 2],
            "one": ["x"] * 4,
        },
        index=["a/1", "a/2", "b/1", "2"],
    )
    found = category_codes(Samples(table))
    assert list(found) == ["sub-folder", "weather"]
    assert (found["sub-folder"][0].tolist(), found["sub-folder"][1]) == ([1, 1, 2, 0], ["(top)", "a", "b"])
    assert (found["weather"][0].tolist(), found["weather"][1]) == ([1, 2, 0, 1], ["rain", "sun", "no value"])


def test_classes_have_the_names_of_their_task_or_numbers() -> None:
    table = pd.DataFrame(index=["a", "b"])
    table.attrs["categories"] = {"animals": ["cat", "dog"]}
    arrays = {f"class_distribution.{task}": np.ones((2, 2)) for task in ("animals", "cars")}
    found = class_names(Samples(table, {**arrays, "embeddings": np.ones((2, 3))}))
    assert found == {"animals": ["cat", "dog"], "cars": ["class 0", "class 1"]}
