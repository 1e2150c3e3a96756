"""Arguments of another type get words, whichever public function they are given to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lightly_nb as lnb
from lightly_nb.errors import InputError, LightlyNBError
from lightly_nb.events import silent
from lightly_nb.samples import Samples

SAMPLES = Samples(pd.DataFrame({"w": range(4)}, index=list("abcd")), {"embeddings": np.eye(4)})
PICKS = lnb.select(SAMPLES, 2, on_event=silent)


@pytest.mark.parametrize("function", [lnb.check, lnb.embed, lnb.train, lnb.check_embeddings, lnb.show_images])
@pytest.mark.parametrize("value", [None, 5, "photos", ["a.jpg"], np.eye(3)])
def test_what_is_not_samples_is_named(function: Any, value: Any) -> None:
    with pytest.raises(InputError, match=rf"{function.__name__}: samples: got .*; allowed is Samples, which"):
        function(value)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: lnb.export(SAMPLES, None, ["coco"]), "export: format: got a list of str; allowed is text"),
        (lambda: lnb.export(SAMPLES, None, "filenames", 3), "export: path: got 3; allowed is a path"),
        (lambda: lnb.export(SAMPLES, None, "filenames", url_for=3), "url_for: got 3; allowed is a function"),
        (lambda: lnb.export(SAMPLES, 5, "filenames"), "picks: got 5; give a list of file names"),
        (lambda: lnb.show_images(SAMPLES, 3), "filenames: got 3"),
        (lambda: lnb.show_images(SAMPLES, height="tall"), "height: got a str, 'tall'; allowed is a whole"),
        (lambda: lnb.show_images(SAMPLES, most=2.5), "most: got 2.5"),
        (lambda: lnb.scatter(SAMPLES, ["a"]), "selection: got a list of str; allowed is a Selection"),
        (lambda: lnb.scatter(SAMPLES, color_by=3), "color_by: got 3; allowed is text or None"),
        (lambda: lnb.scatter(SAMPLES, projection=None), "projection: got None; allowed is text$"),
        (lambda: lnb.show_results(SAMPLES, PICKS, page_size="12"), "page_size: got a str"),
        (lambda: lnb.how_many(SAMPLES, n=0), "how_many: n: got 0; allowed is a whole number of at least 1"),
        (lambda: lnb.select(SAMPLES, 2, on_event=5), "select: on_event: got 5; allowed is a function"),
        (lambda: lnb.select(SAMPLES, 2, strategy_table=5), "strategy_table: got 5; allowed is a dict"),
        (lambda: lnb.list_samples(".", root=3), "root: got 3; allowed is a path"),
        (lambda: lnb.list_samples(".", storage_options=3), "storage_options: got 3; allowed is a dict"),
        (lambda: lnb.list_samples(".", exclude=3), "exclude is a list of folders, got 3"),
        (lambda: lnb.list_samples(".", relevant_filenames=3), "relevant_filenames: got 3"),
        (lambda: lnb.open_run(5), "open_run: path: got 5; allowed is a path"),
        (lambda: lnb.rerun(5), "rerun: path: got 5"),
        (lambda: lnb.rerun(None), "rerun: path: got None; allowed is a path"),
        (lambda: lnb.run(".", None, n_samples=1), "run: output_dir: got None"),
        (lambda: lnb.run(".", n_samples=1, worker_config=np.ones(2)), "worker_config: got an? ndarray"),
        (lambda: lnb.check(SAMPLES, decode=np.ones(2)), "check: decode: got"),
        (
            lambda: lnb.embed(SAMPLES, thumbnail_size="s"),
            "thumbnail_size: got .*; .* of at least 1, or None",
        ),
        (lambda: lnb.embed(SAMPLES, thumbnail_size=None), "samples have no source"),
        (lambda: lnb.embed(SAMPLES, batch_size=2.5), "embed: batch_size: got 2.5"),
        (lambda: lnb.check_embeddings(SAMPLES, labels=5), "check_embeddings: labels: got 5"),
        (lambda: lnb.train(SAMPLES, lightly_config=5), "train: lightly_config: got 5"),
        (lambda: lnb.select(SAMPLES, 2, strategy_table={"MINE": None}), "strategies of the strategy_table"),
        (lambda: SAMPLES.rows_of(5), "got 5; give a list of file names"),  # type: ignore[arg-type]
        (lambda: SAMPLES.rows_of("a"), "got the text 'a'"),
        (lambda: SAMPLES.with_columns([1]), "with_columns: got a list of int"),  # type: ignore[arg-type]
        (lambda: SAMPLES.with_columns({"x": [1]}), "give one value per sample .4"),
        (lambda: SAMPLES.without(["a"]), "without: got a list of str"),  # type: ignore[arg-type]
        (lambda: SAMPLES.with_array("x", "no"), "array 'x': got a str"),  # type: ignore[arg-type]
        (lambda: Samples(5), "the table is 5, not a pandas.DataFrame"),  # type: ignore[arg-type]
        (lambda: Samples(SAMPLES.table, [1]), "arrays is a list of int"),  # type: ignore[arg-type]
        (lambda: PICKS.resized("3"), "resized: got '3'"),  # type: ignore[arg-type]
        (lambda: PICKS.explain(3), "explain: 3 is not among"),  # type: ignore[arg-type]
        (lambda: PICKS.plot_curve("speed"), "plot_curve: got a str; measures are coverage max"),
    ],
)
def test_other_types_get_words(call: Any, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LightlyNBError, match=said):
        call()
