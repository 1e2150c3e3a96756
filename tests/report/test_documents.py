"""PDF, page, plots and JSON: they say the same, look like something, and survive odd input."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lightly_nb.display import text as shown
from lightly_nb.errors import RunCanceled, RunError
from lightly_nb.events import silent
from lightly_nb.report import SECTIONS, Report, build_report, load_report, run_facts, write_report
from lightly_nb.report.describe import markdown, schema_text
from lightly_nb.report.forms.fonts import drawable
from lightly_nb.report.schema import ReportFacts
from lightly_nb.runfolder import RunFolder
from tests.report.made_up import farthest, made_up_samples, selection_of, trained_job

WITHOUT_UMAP = {"umap": False}
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def report() -> Report:
    """A report with everything in it but UMAP, whose compiling takes longer than all else."""
    samples = made_up_samples(220)
    selection = farthest(samples, 25, preselected=[1, 2])
    return build_report(samples, selection, trained_job(4), options=WITHOUT_UMAP, on_event=silent)


@pytest.fixture(scope="module")
def pdf_text(report: Report) -> str:
    """The text layer of its PDF."""
    return text_of(report.to_pdf())


def text_of(pdf: bytes) -> str:
    """Return the text of all pages."""
    pypdf = pytest.importorskip("pypdf")
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def leaves(value: Any) -> Iterator[Any]:
    """Yield every key and every plain value."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def test_json_is_valid_and_fits_its_schema(report: Report) -> None:
    facts = json.loads(report.to_json())
    assert facts == report.facts
    ReportFacts.model_validate(facts)
    assert [name for name in SECTIONS if facts[name].get("skipped")] == []
    for name in leaves([v for v in leaves(facts) if isinstance(v, dict) and "array" in v]):
        assert name in report.arrays


def test_every_array_that_is_named_is_there(report: Report) -> None:
    named = {}

    def walk(value: Any) -> None:
        if isinstance(value, dict) and set(value) == {"array", "shape", "dtype"}:
            named[value["array"]] = value
        elif isinstance(value, dict | list):
            for item in value.values() if isinstance(value, dict) else value:
                walk(item)

    walk(report.facts)
    assert set(named) == set(report.arrays)
    for name, array in report.arrays.items():
        assert (list(array.shape), str(array.dtype)) == (named[name]["shape"], named[name]["dtype"])


def test_every_number_of_the_pdf_is_in_the_json(report: Report, pdf_text: str) -> None:
    known: set[str] = set()
    for leaf in leaves(report.facts):
        if isinstance(leaf, str):
            known.update(numbers_in(leaf))
        elif leaf is not None:
            known.update(numbers_in(shown.duration(float(leaf))))
            for digits in (2, 3, 4):
                known.update(numbers_in(shown.number(leaf, digits)))
    in_words = {"5", "95", "0", "1", "0.05"}  # of "5 % to 95 %", "skewness near 0", 1 / distance, an example
    unknown = {
        number for number in numbers_in(re.sub(r"page \d+", "", pdf_text)) if number not in known | in_words
    }
    assert unknown == set()


def numbers_in(text: str) -> list[str]:
    """Return the numbers of a text, without signs, as they are written."""
    return re.findall(r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[+-]?\d+)?", text)


def test_the_pdf_says_what_the_sections_found(report: Report, pdf_text: str) -> None:
    flat = re.sub(r"\s+", " ", pdf_text)
    for finding in report.findings.values():
        assert finding in flat
    assert "removed, " in flat
    assert "DIVERSITY on EMBEDDINGS" in flat


def test_plots_have_the_names_of_the_platform_and_are_not_blank(report: Report) -> None:
    names = set(report.plots)
    pairs = {f"filter_decision_{p}" for p in (0, 11, 22, 33, 44, 55)}
    rest = {"distance_distr_before", "distance_distr_after", "scatter_pca", "scatter_pca_no_overlay"}
    assert pairs | rest <= names
    for name in sorted(names):
        with Image.open(io.BytesIO(report.png(name))) as image:
            pixels = np.asarray(image.convert("RGB")).astype(float)
        assert pixels.std() > 5, name
        assert (pixels[[0, -1]] == 255).all(), f"{name} is cut at its edge"
        assert (pixels[:, [0, -1]] == 255).all(), f"{name} is cut at its edge"


@pytest.mark.parametrize("name", ["distance_distr_before", "scatter_pca"])
def test_plots_look_like_their_references(report: Report, name: str) -> None:
    """The references are small, blurred pictures of the same report: fonts may differ, shapes may not."""
    with Image.open(io.BytesIO(report.png(name))) as image:
        small = image.convert("RGB").resize((48, 36), Image.Resampling.BOX)
    reference = Path(__file__).parent / "references" / f"{name}.png"
    with Image.open(reference) as image:
        expected = np.asarray(image.convert("RGB")).astype(float)
    assert np.abs(np.asarray(small).astype(float) - expected).mean() < 4


def test_the_page_holds_everything_and_loads_nothing(report: Report) -> None:
    page = report.to_html()
    outside = re.findall(r"""(?:src|href)=["'](?!data:|#)[^"']*""", page.split("<main")[1])
    assert outside == []
    assert "url(data:image/webp;base64," in page
    assert page.count("<section") == len(SECTIONS)
    assert len(page) < 5e6


def test_names_and_values_are_escaped_everywhere() -> None:
    evil = "</script><script>window.hacked=1</script>\"'><img src=x onerror=window.hacked=1>.jpg"
    samples = made_up_samples(30, names=[f"{n:02d}{evil}" for n in range(30)])
    report = build_report(samples, farthest(samples, 5), trained_job(1), on_event=silent)
    for text in (report.to_html(), report._repr_html_()):
        assert "<script>window" not in text
        assert "<img src=x" not in text


def test_a_notebook_gets_no_script(report: Report) -> None:
    fragment = report._repr_html_()
    assert "<script" not in fragment
    assert "Better than 20 random selections" in fragment
    assert fragment.count("<details") == len(SECTIONS)
    assert len(fragment) < 3e6


def test_ten_thousand_samples_make_a_page_below_five_megabytes() -> None:
    samples = made_up_samples(10_000, d=4)
    sections = {name: SECTIONS[name] for name in ("job", "maps", "dataset")}
    options = WITHOUT_UMAP
    report = build_report(
        samples,
        selection_of(samples, list(range(0, 10_000, 20))),
        options=options,
        sections=sections,
        on_event=silent,
    )
    assert report["maps"]["n_shown"] == 10_000
    assert len(report.to_html().encode()) < 5e6


@pytest.mark.slow
def test_umap_plots_have_the_names_of_the_platform() -> None:
    samples = made_up_samples(80)
    report = build_report(samples, farthest(samples, 8), on_event=silent)
    for k in (5, 15, 50):
        for suffix in ("", "_no_overlay"):
            assert len(report.png(f"scatter_umap_k_{k}{suffix}")) > 10_000


ODD = [
    "one",
    "none selected",
    "same vectors",
    "no embeddings",
    *(
        pytest.param(case, marks=pytest.mark.slow)
        for case in ("two", "all selected", "one feature", "no metadata")
    ),
]


@pytest.mark.parametrize("case", ODD)
def test_odd_inputs_give_a_report(case: str) -> None:
    n = {"one": 1, "two": 2}.get(case, 12)
    samples = made_up_samples(n, d=1 if case == "one feature" else 4)
    if case == "same vectors":
        samples = samples.with_array("embeddings", np.ones((n, 4)))
    if case == "no embeddings":
        samples = replace(samples, arrays={})
    if case == "no metadata":
        samples = replace(samples, table=samples.table[[]], thumbnails=None)
    n_selected = {"all selected": n, "none selected": 0}.get(case, 1)
    report = build_report(samples, selection_of(samples, list(range(n_selected))), on_event=silent)
    assert [name for name in SECTIONS if report[name].get("failed")] == []
    ReportFacts.model_validate(json.loads(report.to_json()))
    text = text_of(report.to_pdf())
    assert report["job"]["finding"] in re.sub(r"\s+", " ", text)
    assert "<section" in report.to_html()
    assert "lightly-report" in report._repr_html_()


def test_long_and_foreign_names_are_drawn_or_replaced(recwarn: pytest.WarningsRecorder) -> None:
    names = [
        f"{'very long folder/' * 12}photo {'x' * 80}.jpg",
        "日本/富士山.jpg",
        "été/Grüße $x^2$ 100%.jpg",
        "emoji 🦊🎉.jpg",
        "line\nbreak\ttab.jpg",
        "עברית/العربية.jpg",
        *(f"plain {number}.jpg" for number in range(20)),
    ]
    samples = made_up_samples(len(names), names=names)
    selection, options = selection_of(samples, [4, 6, 7]), {"n_example_images": 50}
    report = build_report(samples, selection, options=options, on_event=silent)
    for name in report.plots:
        assert report.png(name)[:4] == b"\x89PNG"
    text = re.sub(r"\s+", "", text_of(report.to_pdf()))
    assert "Grüße" in text
    assert drawable("日本/富士山.jpg").replace(" ", "") in text
    assert json.loads(report.to_json())["job"]["first_selected"][0]["filename"] == names[4]
    glyphs = [str(w.message) for w in recwarn if "Glyph" in str(w.message)]
    assert glyphs == []


def test_surrogates_in_names_do_not_break_the_files(tmp_path: Path) -> None:
    samples = made_up_samples(6)
    names = ["bad \udcff.jpg", *(f"{n}.jpg" for n in range(5))]
    samples = replace(samples, table=samples.table.set_index(pd.Index(names, dtype="object")))
    report = build_report(samples, selection_of(samples, [0]), on_event=silent)
    report.save(tmp_path, on_event=silent)
    assert "bad \\udcff.jpg" in (tmp_path / "report.json").read_text(encoding="utf-8").replace("\\\\", "\\")


def test_a_section_of_ones_own_is_shown() -> None:
    samples = made_up_samples(30)

    def blur(samples: Any, selection: Any, job: Any) -> dict[str, Any]:
        return {
            "title": "Blur",
            "finding": "7 images are blurred",
            "threshold": 12.5,
            "worst": [{"filename": "a.jpg", "sharpness": 3.25}],
            "values": np.arange(3),
        }

    sections = {"job": SECTIONS["job"], "blur": blur}
    report = build_report(samples, farthest(samples, 3), sections=sections, on_event=silent)
    assert report.arrays["blur.values"].tolist() == [0, 1, 2]
    for text in (text_of(report.to_pdf()), report.to_html()):
        for expected in ("Blur", "7 images are blurred", "12.5", "3.25", "a.jpg"):
            assert expected in text


def test_a_report_comes_back_from_its_folder(report: Report, tmp_path: Path) -> None:
    report.save(RunFolder(tmp_path), on_event=silent)
    again = load_report(RunFolder(tmp_path))
    assert again.facts == report.facts
    assert again.to_html().count("<section") == report.to_html().count("<section")
    plots = {path.stem for path in (tmp_path / "plots").iterdir()}
    assert plots == set(report.plots)
    files = {path.name for path in tmp_path.iterdir()}
    assert files == {"data", "plots", "report.json", "report.html", "report.pdf"}


def test_write_report_is_silent_about_success_and_tells_progress(tmp_path: Path) -> None:
    samples, heard = made_up_samples(20), []
    sections = {"job": SECTIONS["job"], "savings": SECTIONS["savings"]}
    folder = RunFolder(tmp_path)
    write_report(
        samples, farthest(samples, 3), run_facts(folder), folder, sections=sections, on_event=heard.append
    )
    assert {event["step"] for event in heard} == {"GENERATING_REPORT"}
    assert heard[-1]["done"] == heard[-1]["total"]
    assert folder.report_pdf.read_bytes()[:4] == b"%PDF"


def test_no_report_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"has no report .*build_report\(run.samples, run.selection\)"):
        load_report(RunFolder(tmp_path))


def test_a_full_disk_leaves_no_half_file(
    tmp_path: Path, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    report.save(tmp_path, on_event=silent)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    write = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if content.startswith(b"%PDF"):
            write(path, content[: len(content) // 2])
            raise OSError(28, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(RunError, match=r"report.pdf' could not be written \(No space left on device\)"):
        report.save(tmp_path, on_event=silent)
    monkeypatch.undo()
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert set(after) == set(before)
    assert after[tmp_path / "report.pdf"] == before[tmp_path / "report.pdf"]


def test_the_documents_are_those_of_the_schema() -> None:
    assert (ROOT / "docs/report.md").read_text(encoding="utf-8") == markdown()
    assert (ROOT / "docs/report.schema.json").read_text(encoding="utf-8") == schema_text()


def test_columns_of_any_kind_are_shown_or_left_alone() -> None:
    samples = made_up_samples(20)
    columns = {
        "nothing": np.full(20, np.nan),
        "some missing": np.where(np.arange(20) % 3, 1.5, np.nan),
        "whole": pd.array([None, *range(19)], dtype="Int64"),
        "yes or no": np.arange(20) % 2 == 0,
        "when": pd.date_range("2026-01-01", periods=20),
        "list": [[1, 2]] * 20,
        "kind": pd.Categorical(["a", "b"] * 10),
        "infinite": [np.inf, *range(19)],
    }
    report = build_report(samples.with_columns(columns), farthest(samples, 4), on_event=silent)
    dataset = report["dataset"]
    metadata = {entry["name"]: entry for entry in dataset["metadata"]}
    assert metadata["nothing"]["before"]["count"] == 0
    assert metadata["some missing"]["before"]["count"] == 13
    assert metadata["whole"]["before"]["count"] == metadata["infinite"]["before"]["count"] == 19
    assert {entry["name"] for entry in dataset["categories"]} >= {"sub-folder", "yes or no", "kind"}
    ReportFacts.model_validate(json.loads(report.to_json()))
    assert len(report.png("metadata")) > 10_000
    assert "<section" in report.to_html()


def test_pretagging_has_its_own_plots() -> None:
    samples = made_up_samples(20)
    samples = samples.with_array("class_distribution.lightly_pretagging", np.ones((20, 2)))
    sections = {"job": SECTIONS["job"], "dataset": SECTIONS["dataset"]}
    report = build_report(samples, farthest(samples, 4), sections=sections, on_event=silent)
    assert {"pretagging_histogram_before", "pretagging_histogram_after"} <= set(report.plots)
    before, after = (report.png(f"pretagging_histogram_{which}") for which in ("before", "after"))
    assert before != after


def test_an_interrupted_report_leaves_nothing_half_done(report: Report, tmp_path: Path) -> None:
    def stop(event: Any) -> None:
        if event["done"] > 2:
            raise RunCanceled("stop")

    with pytest.raises(RunCanceled):
        report.save(tmp_path, on_event=stop)
    assert not (tmp_path / "report.json").exists()
    assert [path.name for path in tmp_path.rglob(".*")] == []
