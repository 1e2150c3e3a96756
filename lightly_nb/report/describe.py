"""docs/report.md and docs/report.schema.json, from the schema: `python -m lightly_nb.report.describe docs`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from lightly_nb.report.facts import STEP
from lightly_nb.report.schema import ReportFacts, Skipped, json_schema
from lightly_nb.report.sections import baseline, coverage, distances, maps
from lightly_nb.vectors import layouts
from lightly_nb.vectors.coverage import DRAWS

# ruff: noqa: E501 - rows of Markdown tables

INTRODUCTION = f"""# The report of a run

A run ends (state `{STEP}`) with `report.json`, `report.pdf`, `report.html` and `plots/*.png` in its folder.
`run.report()` shows it inline; `lightly_nb.report.build_report(samples, selection)` makes one without a run.

Every number of the PDF and of the page is in `report.json`. Coordinates and pictures are too large for JSON: an entry
`{{"array": NAME, "shape": …, "dtype": …}}` names an array in `data/report_arrays.npz`. A section that has nothing to say is
`{{"skipped": why}}`. The JSON Schema is in `report.schema.json` beside this file; both are written from
`lightly_nb/report/schema.py`.

## What is exact, and what is drawn at random

Wherever `exact` is false, `n_samples` (or `n_asked`) says how many images were drawn; the plots say it too. Draws are
seeded with `options["seed"]` (the run's `lightly_config.seed`), so a report can be repeated.

| numbers | exact up to | above |
|---|---|---|
| pairwise distances | {distances.MOST_PAIRWISE:,} images | all pairs of as many images, drawn |
| nearest neighbours | images² × features = {distances.NEIGHBOR_BUDGET:g} | as many images as that allows, against all |
| coverage | images × selected × features = {coverage.COVERAGE_BUDGET:g} | as many images as that allows, against all selected |
| selection against random | {DRAWS + 1} × images × selected × features = {baseline.BASELINE_BUDGET / 2:g} | fewer images; the selection and the draws on the same ones |
| UMAP | {layouts.FITTED_UP_TO:,} images | the others at the weighted mean of their {layouts.PLACED_BY} nearest |
| points drawn on maps | {maps.SHOWN_POINTS:,} images | selected ones first, then others, drawn |

A nearest neighbour is proposed in float32 and its distance computed in float64.

## Options

`build_report(samples, selection, options={{…}})`, or `job["options"]`:

| option | default | meaning |
|---|---|---|
| `seed` | 0 | of all random draws and of UMAP |
| `n_random_draws` | {DRAWS} | random selections to compare with, at least {DRAWS} |
| `umap` | true | whether UMAP is run, which takes 10 to 30 seconds; never for {max(layouts.UMAP_NEIGHBORS)} images or fewer |
| `n_example_images` | 6 | pairs of a removed image and its nearest selected one |
| `memory_requirement_in_GB` | 2 | a quarter of it is used for copies of embeddings |
| `prices` | see `savings.prices` | unit prices: `{{"label_price": 0.05}}` or `{{"label_price": {{"value": …, "unit": …, "source": …}}}}` |
| `most_pairwise_samples`, `neighbor_budget`, `coverage_budget`, `baseline_budget`, `most_umap_points`, `most_shown_points` | the table above | limits of exactness |

## Sections of your own

```python
from lightly_nb.report import SECTIONS, build_report

def blur(samples, selection, job):
    sharpness = samples.table["lightly.sharpness"]
    return {{"title": "Blur", "finding": f"{{(sharpness < 10).sum()}} images are blurred", "threshold": 10}}

build_report(run.samples, run.selection, sections={{**SECTIONS, "blur": blur}})
```

A section returns plain values and may return arrays. It is shown with its `finding` as the title, numbers as a table, and lists
of dicts as tables.

## The platform's structure

`report.to_v2()` returns what the platform's `report_v2.json` has a key for, with exactly those keys, so that the models of its client
1.5.26 read it; the workspace adds the names of run and dataset. What it has no key for (the comparison with random draws, strategies,
training, the check of the embeddings) is in `report.json` alone. Where that form wants something that a run has not:

- a number without values is 0, a map that was not drawn has no points, `buildTime` is empty; times are milliseconds since 1970;
- `selected` counts preselected images too where distances and metadata do, and is then given as `selectedWithDatapool` as well;
- counts on a logarithmic axis are shared out over even bins; `random` of a category is what random picks have in the mean;
- `annotationSavings` is one estimate, of boxes: for classification with one label an image, for segmentation the same as for boxes.

## Keys
"""


def markdown() -> str:
    """Return the text of docs/report.md."""
    tables = "\n".join(_table(name, model) for name, model in _models())
    return f"{INTRODUCTION}\n{tables}"


def schema_text() -> str:
    """Return the text of docs/report.schema.json."""
    return json.dumps(json_schema(), ensure_ascii=False, indent=1) + "\n"


def _models() -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield every model once, parents first, with where it is found first."""
    waiting: list[tuple[str, type[BaseModel]]] = [("report.json", ReportFacts)]
    seen: set[type[BaseModel]] = set()
    while waiting:
        name, model = waiting.pop(0)
        if model in seen or model is Skipped:
            continue
        seen.add(model)
        yield name, model
        below = "" if model is ReportFacts else f"{name}."
        for key, field in model.model_fields.items():
            waiting += [(f"{below}{key}{suffix}", inner) for inner, suffix in _inside(field.annotation)]


def _inside(annotation: Any, suffix: str = "") -> list[tuple[type[BaseModel], str]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [(annotation, suffix)]
    origin = str(getattr(annotation, "__origin__", ""))
    suffix += "[]" if "list" in origin else ".*" if "dict" in origin else ""
    return [found for inner in get_args(annotation) for found in _inside(inner, suffix)]


def _table(name: str, model: type[BaseModel]) -> str:
    rows = [
        f"| `{key}` | {_type(field.annotation)} | {field.description} |"
        for key, field in model.model_fields.items()
    ]
    return "\n".join([f"### `{name}`\n", "| key | type | meaning |", "|---|---|---|", *rows, ""])


def _type(annotation: Any) -> str:
    if annotation is Any:
        return "any"
    if annotation is type(None):
        return "null"
    if isinstance(annotation, type) and not get_args(annotation):
        is_model = issubclass(annotation, BaseModel)
        return annotation.__name__ if not is_model else f"object ({annotation.__name__})"
    arguments = get_args(annotation)
    origin = getattr(annotation, "__origin__", None)
    if origin is list:
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return f"object of {_type(arguments[1])}"
    if all(not isinstance(a, type) and not get_args(a) and a is not Any for a in arguments):
        return " or ".join(f"`{a!r}`" for a in arguments)
    return " or ".join(_type(a) for a in arguments)


if __name__ == "__main__":
    docs = Path(sys.argv[1])
    docs.joinpath("report.md").write_text(markdown(), encoding="utf-8")
    docs.joinpath("report.schema.json").write_text(schema_text(), encoding="utf-8")
