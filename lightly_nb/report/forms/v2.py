"""The platform's `report_v2.json`: exactly its keys, all there, so that its own models read it.

What that form has no key for is in `report.json` alone. A number that it wants and a run has none of is 0, a
text is empty, a list is empty.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

Facts = Mapping[str, Any]
Arrays = Mapping[str, np.ndarray]
N_EXAMPLES = 10
"""Pictures named on a map."""


class Names(NamedTuple):
    """What a report does not know of its run, and the workspace does."""

    run_id: str = ""
    run_url: str = ""
    dataset_id: str = ""
    dataset_url: str = ""
    dataset_name: str = ""


def report_v2(facts: Facts, arrays: Arrays | None = None, names: Names | None = None) -> dict[str, Any]:
    """Return a report in that form; without what it cannot say where no sample was embedded.

    Parameters
    ----------
    facts : mapping
        Those of `report.json`.
    arrays : mapping of str to numpy.ndarray, optional
        The arrays that they name: the maps.
    names : Names, optional
        Of run and dataset.

    Examples
    --------
    >>> general = report_v2({"created": "2026-11-29T12:00:00+00:00"})["generalInformation"]
    >>> general["runInformation"]["endTimestamp"]
    1795953600000
    """
    result = {"generalInformation": _general(facts, names or Names()), "predictionTaskInformation": {}}
    if all(_said(facts, section) for section in ("distances", "coverage", "maps")):
        result["datasetAnalysis"] = {
            "embeddingInformation": _embeddings(facts, arrays or {}),
            "metadataInformation": _metadata(_said(facts, "dataset")),
        }
    return result


def _said(facts: Facts, section: str) -> Facts:
    """Return a section, empty if it has nothing to say."""
    found = facts.get(section) or {}
    return {} if "skipped" in found else found


def _general(facts: Facts, names: Names) -> dict[str, Any]:
    job, checks, coverage = (_said(facts, name) for name in ("job", "data_checks", "coverage"))
    ended = _milliseconds(facts.get("created"))
    seconds = job.get("duration_seconds") or 0.0
    return {
        "workerInformation": {
            "buildTime": "",
            "buildVersion": (job.get("versions") or {}).get("lightly_nb", ""),
        },
        "runInformation": {
            "startTimestamp": _milliseconds(job.get("started")) or ended,
            "endTimestamp": ended,
            "totalProcessingTimeS": seconds,
            "runId": names.run_id or job.get("name") or "",
            "runUrl": names.run_url,
        },
        "datasetInformation": {
            "datasetSizes": _sizes(job.get("counts") or {}, checks),
            "datasetId": names.dataset_id,
            "datasetUrl": names.dataset_url or job.get("input") or "",
            "datasetName": names.dataset_name,
        },
        "annotationSavings": _savings(_said(facts, "savings")),
        "selectedAndRemovedImageExamples": [
            {"selectedImage": pair["selected"], "removedImage": pair["removed"], "distance": pair["distance"]}
            for pair in coverage.get("pairs", ())
        ],
    }


def _sizes(counts: Facts, checks: Facts) -> dict[str, int]:
    selected, preselected = counts.get("selected", 0), counts.get("preselected", 0)
    return {
        "nInput": counts.get("listed", 0),
        "nCorrupt": checks.get("n_corrupt", 0),
        "nDuplicate": checks.get("n_duplicates", 0),
        "nRemoved": counts.get("removed", 0),
        "nSelected": selected,
        "nPreselectedDatapool": preselected,
        "nSelectedWithDatapool": selected + preselected,
    }


def _savings(savings: Facts) -> dict[str, Any]:
    """Return our one estimate, of boxes: a label an image for classification; at least that for segments."""
    price = {one["name"]: one["value"] for one in savings.get("prices", ())}
    cost, co2 = (savings.get(key, {}).get("saved", 0.0) for key in ("labelling", "co2_g"))
    boxes = {"costSavings": cost, "co2Savings": co2}
    one_label = {"costSavings": cost / (price.get("objects_per_image") or 1), "co2Savings": co2}
    return {"imageClassification": one_label, "objectDetection": boxes, "semanticSegmentation": boxes}


def _embeddings(facts: Facts, arrays: Arrays) -> dict[str, Any]:
    neighbors, coverage = facts["distances"]["nearest_neighbor"], facts["coverage"]
    has_pool = bool((_said(facts, "job").get("counts") or {}).get("preselected"))
    maps = facts["maps"]
    umap = next(iter((maps["umap"]["coordinates"] or {}).values()), None)
    return {
        "distanceToNearestNeighborInSet": _numeric(neighbors["before"], neighbors["after"], has_pool),
        "distanceToCoverInput": _numeric(None, coverage, has_pool),
        "scatterPlotData": {
            "pcaEmbeddingData": _map(maps, maps["pca"]["coordinates"], arrays),
            "umapEmbeddingData": _map(maps, umap, arrays),
        },
    }


def _map(maps: Facts, coordinates: Facts | None, arrays: Arrays) -> dict[str, Any]:
    """Return the points that a map draws, and names of some."""
    points = arrays.get((coordinates or {}).get("array", ""))
    state, shown = (arrays.get(maps[key]["array"]) for key in ("state", "shown"))
    if points is None or state is None or shown is None:
        points, state, shown = np.zeros((0, 2)), np.zeros(0, dtype=int), np.zeros(0, dtype=int)
    kinds = state[shown]
    drawn = {kind: points[shown[kinds == number]].tolist() for number, kind in enumerate(maps["states"])}
    step = max(1, len(shown) // N_EXAMPLES)
    return {
        "input2dEmbeddings": points[shown].tolist(),
        "datapool2dEmbeddings": drawn["preselected"],
        "selectedExcludingDatapool2dEmbeddings": drawn["selected"],
        "exampleImages": [
            {"location": points[row].tolist(), "filename": name}
            for row, name in list(zip(shown.tolist(), maps["filenames"], strict=False))[::step][:N_EXAMPLES]
        ],
    }


def _numeric(before: Facts | None, after: Facts, has_pool: bool) -> dict[str, Any]:
    edges = after["histogram"]["edges"]
    result = {
        "bins": len(edges) - 1,
        "range": [edges[0], edges[-1]],
        "selected": _distribution(after),
    }
    if before is not None:
        result["input"] = _distribution(before)
    if has_pool:
        result["selectedWithDatapool"] = result["selected"]
    return result


def _distribution(found: Facts) -> dict[str, Any]:
    metrics = {key: found[key] or 0.0 for key in ("mean", "std", "min", "median", "max")}
    return {"counts": even_counts(found["histogram"]), "metrics": metrics}


def even_counts(histogram: Facts) -> list[float]:
    """Return counts in even bins; those of a logarithmic axis are shared out as if even inside each bin.

    Examples
    --------
    >>> even_counts({"edges": [1.0, 2.0, 4.0, 8.0], "counts": [6, 2, 3], "log": True})[0] > 6
    True
    """
    counts, edges = np.asarray(histogram["counts"], dtype=float), np.asarray(histogram["edges"], dtype=float)
    if not histogram["log"]:
        return [float(count) for count in counts]
    cumulated = np.concatenate([[0.0], np.cumsum(counts)])
    even = np.linspace(edges[0], edges[-1], len(edges))
    return [float(count) for count in np.diff(np.interp(even, edges, cumulated))]


def _metadata(dataset: Facts) -> dict[str, Any]:
    numeric = {
        one["name"]: _numeric(one["before"], one["after"], False) for one in dataset.get("metadata", ())
    }
    return {
        "lightlyNumeric": {name: one for name, one in numeric.items() if name.startswith("lightly.")},
        "customNumeric": {name: one for name, one in numeric.items() if not name.startswith("lightly.")},
        "customCategorical": {one["name"]: _categorical(one) for one in dataset.get("categories", ())},
    }


def _categorical(grouping: Facts) -> dict[str, Any]:
    """Return counts of input, selection, and as random picks would have them in the mean."""
    values = [*grouping["values"], *([grouping["more"]] if grouping["more"] else [])]
    n_after = sum(one["after"] for one in values)
    columns = {
        "input": [one["before"] for one in values],
        "selected": [one["after"] for one in values],
        "random": [one["share_before"] * n_after for one in values],
    }
    return {name: _counts([one["value"] for one in values], counts) for name, counts in columns.items()}


def _counts(categories: Sequence[str], counts: Sequence[float]) -> dict[str, Any]:
    return {
        "counts": {category: round(count) for category, count in zip(categories, counts, strict=True)},
        "metrics": {"giniImbalance": gini(counts), "normalizedEntropy": entropy(counts)},
    }


def gini(counts: Sequence[float]) -> float:
    """Return the Gini coefficient of counts: 0 where all are the same, nearly 1 where one has all.

    Examples
    --------
    >>> gini([5, 5]), gini([0, 0, 0, 8])
    (0.0, 0.75)
    """
    values = np.sort(np.asarray(counts, dtype=float))
    total, n = values.sum(), len(values)
    return float((2 * np.arange(1, n + 1) - n - 1) @ values / (n * total)) if total > 0 else 0.0


def entropy(counts: Sequence[float]) -> float:
    """Return the entropy of counts over its largest value: 1 where all are the same, 0 where one has all.

    Examples
    --------
    >>> entropy([5, 5]), entropy([8, 0])
    (1.0, 0.0)
    """
    shares = np.asarray(counts, dtype=float)
    shares = shares[shares > 0] / max(shares.sum(), 1e-300)
    if len(counts) < 2 or len(shares) < 2:
        return 0.0
    return float(-(shares * np.log(shares)).sum() / math.log(len(counts)))


def _milliseconds(moment: str | None) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000) if moment else 0
