"""PCA and UMAP: of any size, repeatable, and the very same ones in the report of a run and in the scatter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import lightly_nb as lnb
from lightly_nb.embeddings_csv import write_embeddings_csv
from lightly_nb.events import silent
from lightly_nb.report import build_report
from lightly_nb.vectors.layout_file import hash_of, read_layouts, write_layouts
from lightly_nb.vectors.layouts import UMAP_NEIGHBORS, fitted, pca_layout, umap_layouts
from tests.photos import write_photographs
from tests.widgets.drawn import drawn_samples


def test_pca_agrees_with_the_singular_value_decomposition():
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(300, 6)) * [1, 9, 1, 4, 0.5, 0.1] + 7).astype(np.float32)
    vectors.flags.writeable = False
    coordinates, explained = pca_layout(vectors, rows_at_once=77)
    centered = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    _, values, axes = np.linalg.svd(centered, full_matrices=False)
    axes = axes[:2] * np.sign(axes[np.arange(2), np.abs(axes[:2]).argmax(axis=1)])[:, None]
    np.testing.assert_allclose(coordinates, centered @ axes.T, atol=1e-3)
    np.testing.assert_allclose(explained, np.square(values[:2]) / np.square(values).sum(), rtol=1e-5)


def test_pca_of_one_feature_and_of_equal_rows():
    line, explained = pca_layout(np.arange(4, dtype=np.float32)[:, None])
    assert np.ptp(line, axis=0).tolist() == [3, 0]
    assert explained == [1.0, 0.0]
    point, explained = pca_layout(np.ones((3, 4), np.float32))
    assert not fitted(point).any()
    assert explained == [0.0, 0.0]


def test_rows_that_are_not_finite_do_not_move_the_others():
    vectors = np.array(drawn_samples(30).embeddings)
    broken = vectors.copy()
    broken[[4, 9], 1] = np.nan, np.inf
    coordinates, explained = pca_layout(broken)
    kept = np.delete(np.arange(30), [4, 9])
    expected, shares = pca_layout(vectors[kept])
    np.testing.assert_allclose(coordinates[kept], expected, atol=1e-5)
    assert explained == pytest.approx(shares)
    assert np.isnan(coordinates[[4, 9]]).all()


@pytest.mark.slow
@pytest.mark.parametrize("most", [1000, 60])
def test_umap_keeps_clusters_apart_and_repeats_itself(most: int):
    pytest.importorskip("umap")
    vectors = np.array(drawn_samples(90).embeddings)
    layout = dict(umap_layouts(vectors, [5], most=most))[5]
    np.testing.assert_array_equal(layout, dict(umap_layouts(vectors, [5], most=most))[5])
    clusters = [layout[number::3] for number in range(3)]
    centers = np.array([cluster.mean(axis=0) for cluster in clusters])
    nearest = ((layout[:, None] - centers) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == np.arange(90) % 3).mean() > 0.95


def test_layouts_are_those_of_their_embeddings_and_of_no_others(tmp_path: Path):
    vectors = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    layouts = {"pca": vectors[:, :2], "umap_5": vectors[:, 1:]}
    path = tmp_path / "layouts.npz"
    assert read_layouts(path, vectors) == read_layouts(None, vectors) == {}
    write_layouts(path, vectors, layouts, seed=3, most=100)
    for asked in ({}, {"seed": 3}, {"seed": 3, "most": 100}):
        found = read_layouts(path, vectors, **asked)
        assert list(found) == ["pca", "umap_5"]
        np.testing.assert_array_equal(found["umap_5"], layouts["umap_5"])
    assert read_layouts(path, vectors, seed=4) == read_layouts(path, vectors, most=10) == {}
    changed = vectors.copy()
    changed[-1, -1] += 1e-6
    assert read_layouts(path, changed) == read_layouts(path, vectors[:-1]) == {}
    np.save(tmp_path / "mapped.npy", vectors)
    assert hash_of(np.load(tmp_path / "mapped.npy", mmap_mode="r")) == hash_of(vectors)
    assert hash_of(vectors.reshape(10, 6)) != hash_of(vectors)


def test_the_report_of_a_run_and_the_scatter_show_the_very_same_map(tmp_path: Path):
    pytest.importorskip("umap")
    n = max(UMAP_NEIGHBORS) + 5
    names = write_photographs(tmp_path / "photos", n)
    vectors = np.random.default_rng(0).normal(size=(n, 8)).astype(np.float32)
    write_embeddings_csv(tmp_path / "embeddings.csv", names, vectors, [0] * n)
    run = lnb.run(
        tmp_path / "photos",
        tmp_path / "out",
        n_samples=6,
        worker_config={"embeddings": str(tmp_path / "embeddings.csv")},
        lightly_config={"seed": 3},
        on_event=silent,
    )
    report, panel = run.report(), lnb.scatter(run.samples, run.selection)
    assert panel.in_work == [], "nothing is computed again"
    assert panel.projections == ["pca", *(f"umap_{k}" for k in UMAP_NEIGHBORS)]
    found = report["maps"]
    for name, place in {"pca": found["pca"]["coordinates"], **found["umap"]["coordinates"]}.items():
        shown = panel.samples.arrays[name if name == "pca" else f"umap_{name}"]
        np.testing.assert_array_equal(shown, report.arrays[place["array"]])
    assert list(found["umap"]["coordinates"]) == [str(k) for k in UMAP_NEIGHBORS]

    again = build_report(run.samples, run.selection, on_event=silent)
    for k in found["umap"]["coordinates"]:
        place = f"maps.umap.coordinates.{k}"
        np.testing.assert_array_equal(again.arrays[place], report.arrays[place])

    other = replace(run.samples, arrays={"embeddings": run.samples.embeddings[::-1]})
    stale = lnb.scatter(other, umap=False)
    np.testing.assert_allclose(stale.samples.arrays["pca"], pca_layout(other.embeddings)[0])
    assert stale.projections == ["pca"]
    part = lnb.scatter(run.samples.take(np.arange(20)), umap=False)
    assert part.projections == ["pca"], "a map of all is not one of a part"


@pytest.mark.parametrize("end", [0, 10, 200, -1])
def test_a_damaged_file_is_no_layout_and_no_error(tmp_path: Path, end: int):
    vectors = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    path = tmp_path / "layouts.npz"
    write_layouts(path, vectors, {"pca": pca_layout(vectors)[0]}, 0, 30)
    assert list(read_layouts(path, vectors)) == ["pca"]
    path.write_bytes(path.read_bytes()[:end])
    assert read_layouts(path, vectors) == {}
