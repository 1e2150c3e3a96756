"""`report_v2.json` has exactly the form of the platform: a table typed from the models of its client 1.5.26.

With that client at hand the same is `ReportV2.from_json(text)`; its models forbid every other key.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from lightly_nb.events import silent
from lightly_nb.report import Report, build_report
from tests.report.made_up import farthest, made_up_samples, trained_job

NUMBER = (int, float)
METRICS = dict.fromkeys(("mean", "std", "min", "median", "max"), NUMBER)
NUMERIC = {"counts": [NUMBER], "metrics": METRICS}
NUMERIC_PER_SET = {
    "bins": int,
    "range": [NUMBER],
    "selected": NUMERIC,
    **{f"{key}?": NUMERIC for key in ("input", "random", "preselectedDatapool", "selectedWithDatapool")},
}
CATEGORICAL = {
    "counts": {str: int},
    "metrics": {"giniImbalance": NUMBER, "normalizedEntropy": NUMBER},
}
CATEGORICAL_PER_SET = {
    **dict.fromkeys(("input", "selected", "random"), CATEGORICAL),
    **dict.fromkeys(("preselectedDatapool?", "selectedWithDatapool?"), CATEGORICAL),
}
SIZES = dict.fromkeys(
    (
        *("nInput", "nCorrupt", "nDuplicate", "nRemoved", "nSelected"),
        *("nPreselectedDatapool", "nSelectedWithDatapool"),
    ),
    int,
)
SAVINGS = {"costSavings": NUMBER, "co2Savings": NUMBER}
MAP = {
    "input2dEmbeddings": [[NUMBER]],
    "datapool2dEmbeddings?": [[NUMBER]],
    "selectedExcludingDatapool2dEmbeddings": [[NUMBER]],
    "exampleImages": [{"location": [NUMBER], "filename": str}],
}
FORM = {
    "generalInformation?": {
        "workerInformation": {"buildTime": str, "buildVersion": str},
        "runInformation": {
            **dict.fromkeys(("startTimestamp", "endTimestamp", "totalProcessingTimeS"), NUMBER),
            **dict.fromkeys(("runId", "runUrl"), str),
        },
        "datasetInformation": {
            "datasetSizes": SIZES,
            "videoLevelSizes?": SIZES,
            **dict.fromkeys(("datasetId", "datasetUrl", "datasetName"), str),
        },
        "annotationSavings": dict.fromkeys(
            ("imageClassification", "objectDetection", "semanticSegmentation"), SAVINGS
        ),
        "selectedAndRemovedImageExamples": [{"selectedImage": str, "removedImage": str, "distance": NUMBER}],
    },
    "datasetAnalysis?": {
        "embeddingInformation": {
            "distanceToNearestNeighborInSet": NUMERIC_PER_SET,
            "distanceToCoverInput": NUMERIC_PER_SET,
            "scatterPlotData": {"pcaEmbeddingData": MAP, "umapEmbeddingData": MAP},
        },
        "metadataInformation": {
            "lightlyNumeric": {str: NUMERIC_PER_SET},
            "customNumeric": {str: NUMERIC_PER_SET},
            "customCategorical": {str: CATEGORICAL_PER_SET},
        },
    },
    "predictionTaskInformation?": {str: dict},
}
"""Keys with a `?` may be left out; no other key may be there; [T] is a list of T, {str: T} a dict of T."""


def faults(value: Any, form: Any, where: str = "report") -> list[str]:
    """Return where `value` is not of that form."""
    if isinstance(form, list):
        if not isinstance(value, list):
            return [f"{where}: {value!r} is no list"]
        return [fault for n, one in enumerate(value) for fault in faults(one, form[0], f"{where}[{n}]")]
    if isinstance(form, dict) and isinstance(value, dict):
        if str in form:
            return [fault for key, one in value.items() for fault in faults(one, form[str], f"{where}.{key}")]
        known = {key.rstrip("?"): inner for key, inner in form.items()}
        missing = [key for key in form if not key.endswith("?") and key not in value]
        wrong = [f"{where}: no {key}" for key in missing] + [
            f"{where}: unknown {key}" for key in value if key not in known
        ]
        inside = [key for key in value if key in known]
        return wrong + [fault for key in inside for fault in faults(value[key], known[key], f"{where}.{key}")]
    if isinstance(value, bool) or not isinstance(value, dict if isinstance(form, dict) else form):
        return [f"{where}: {value!r} is no {form}"]
    return []


@pytest.fixture(scope="module")
def report() -> Report:
    samples = made_up_samples(60)
    columns = {"wind": np.geomspace(1, 1e6, 60), "weather": ["sun", "rain", "fog"] * 20}
    chosen = farthest(samples, 10, preselected=[1, 2])
    return build_report(
        samples.with_columns(columns), chosen, trained_job(2), options={"umap": False}, on_event=silent
    )


def test_it_has_exactly_the_platforms_keys(report: Report) -> None:
    names = {"run_id": "run", "run_url": "file:///run", "dataset_id": "x", "dataset_name": "photos"}
    nested = json.loads(json.dumps(report.to_v2(**names), allow_nan=False))
    assert faults(nested, FORM) == []
    general = nested["generalInformation"]
    assert (general["runInformation"]["runId"], general["datasetInformation"]["datasetName"]) == (
        "run",
        "photos",
    )
    with pytest.raises(TypeError, match="run_name"):
        report.to_v2(run_name="x")


def test_it_has_the_numbers_of_the_report(report: Report) -> None:
    nested, facts = report.to_v2(), report.facts
    sizes = nested["generalInformation"]["datasetInformation"]["datasetSizes"]
    counts = facts["job"]["counts"]
    assert sizes["nSelected"] == counts["selected"] == 10
    assert sizes["nSelectedWithDatapool"] == counts["selected"] + counts["preselected"] == 12
    embeddings = nested["datasetAnalysis"]["embeddingInformation"]
    nearest, before = embeddings["distanceToNearestNeighborInSet"], facts["distances"]["nearest_neighbor"]
    assert nearest["input"]["metrics"]["median"] == before["before"]["median"]
    assert nearest["selected"]["counts"] == before["after"]["histogram"]["counts"]
    assert embeddings["distanceToCoverInput"]["selected"]["metrics"]["max"] == facts["coverage"]["max"]
    drawn = embeddings["scatterPlotData"]["pcaEmbeddingData"]
    assert len(drawn["input2dEmbeddings"]) == 60
    assert len(drawn["selectedExcludingDatapool2dEmbeddings"]) == 10
    assert len(drawn["datapool2dEmbeddings"]) == 2
    first = drawn["exampleImages"][0]
    assert first["location"] in drawn["input2dEmbeddings"]
    assert embeddings["scatterPlotData"]["umapEmbeddingData"]["input2dEmbeddings"] == []
    pairs = nested["generalInformation"]["selectedAndRemovedImageExamples"]
    assert [one["distance"] for one in pairs] == [one["distance"] for one in facts["coverage"]["pairs"]]
    weather = nested["datasetAnalysis"]["metadataInformation"]["customCategorical"]["weather"]
    assert weather["input"]["counts"] == {"sun": 20, "rain": 20, "fog": 20}
    assert weather["random"]["counts"] == {"sun": 4, "rain": 4, "fog": 4}
    assert weather["input"]["metrics"] == {"giniImbalance": 0.0, "normalizedEntropy": pytest.approx(1.0)}


def test_a_logarithmic_axis_becomes_an_even_one(report: Report) -> None:
    wind = report.to_v2()["datasetAnalysis"]["metadataInformation"]["customNumeric"]["wind"]
    assert wind["range"] == [1.0, 1e6]
    assert sum(wind["input"]["counts"]) == pytest.approx(60)
    assert wind["input"]["counts"][0] > 30  # most are below 20,000


@pytest.mark.parametrize("n", [1, 2])
def test_a_report_with_little_to_say(n: int) -> None:
    samples = made_up_samples(n)
    little = build_report(samples, farthest(samples, 1), options={"umap": False}, on_event=silent)
    for one in (little, Report({"created": "2026-11-29T12:00:00+00:00"}, {})):
        assert faults(json.loads(json.dumps(one.to_v2(), allow_nan=False)), FORM) == []


def test_the_table_finds_a_fault(report: Report) -> None:
    nested = report.to_v2()
    nested["more"], nested["generalInformation"]["workerInformation"]["buildTime"] = 1, None
    del nested["datasetAnalysis"]["metadataInformation"]
    assert len(faults(nested, FORM)) == 3
