"""From facts to blocks: what is shown of every section, in words, tables, plots and pictures.

Nothing is computed here: a number that is shown is in the facts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lightly_nb.display.palette import REMOVED, SELECTED
from lightly_nb.display.text import basis, duration, number, shortened, values
from lightly_nb.report.blocks import Block, Chapter, Picture, Pictures, Plots, Table, Text, Tiles, array_name

Facts = dict[str, Any]

NAMES = {
    "embedding_check": "The embeddings",
    "job": "The run",
    "baseline": "Selection against random",
    "strategies": "What every strategy asked for and got",
    "coverage": "Coverage, and what was removed",
    "distances": "Distances before and after",
    "maps": "Maps of the embeddings",
    "dataset": "The data set before and after",
    "data_checks": "Data checks",
    "savings": "Estimated savings",
    "training": "Training",
}
BOOKKEEPING = ("schema_version", "created", "seconds")


def chapters(facts: Facts, plot_names: list[str]) -> list[Chapter]:
    """Return the report as chapters, in the order of `facts`; sections without a view show what they hold."""
    result = []
    for key, found in facts.items():
        if key in BOOKKEEPING or not isinstance(found, dict):
            continue
        name = NAMES.get(key, str(found.get("title") or key.replace("_", " ").capitalize()))
        if found.get("skipped"):
            result.append(Chapter(key, name, f"Left out: {found['skipped']}"))
            continue
        view = VIEWS.get(key, _any)
        result.append(Chapter(key, name, str(found.get("finding") or name), view(found, plot_names)))
    return result


def embedding_check(found: Facts, plots: list[str]) -> list[Block]:
    """Return the blocks of whether the embeddings are worth selecting from."""
    blocks: list[Block] = [Text(f"{text}.") for text in (found["reason"], found["what_to_do"]) if text]
    if found["ratio"] is not None:
        figures = ("ratio", "worthless_below", "better_from", "found", "found_by_thumbnails")
        header = ("times thumbnails", "not worth below", "better from", "found", "by thumbnails", "images")
        row = [*(number(found[key]) for key in figures), number(found["n_images"])]
        blocks.append(Table(header, [row], title="An image looked for by a strongly changed copy of it"))
    if found["labels"]:
        keys = ("accuracy", "majority", "thumbnails", "n_labelled", "n_classes")
        rows = [[entry["name"], *(number(entry[key]) for key in keys)] for entry in found["labels"]]
        names = ("labels", "5-NN accuracy", "largest class", "thumbnails", "images", "classes")
        blocks.append(Table(names, rows, title="Do neighbours have the same label?", widths=(2, *[1] * 5)))
    return blocks


def job(found: Facts, plots: list[str]) -> list[Block]:
    """Return the blocks of what was run, on what, and how long it took."""
    counts = found["counts"]
    labels = {
        "listed": "files listed",
        "left_out": "left out by the checks",
        "usable": "usable images",
        "preselected": "selected before",
        "selected": "newly selected",
        "removed": "not selected",
    }
    about = [
        ["run", found["name"]],
        ["input", found["input"]],
        ["started", found["started"]],
        ["duration", duration(found["duration_seconds"]) if found["steps"] else None],
        *([name, value] for name, value in found["hardware"].items()),
    ]
    rows = [[str(name), _words(value)] for name, value in about if value not in (None, [], "")]
    blocks: list[Block] = [
        Tiles([(number(counts[key]), labels[key]) for key in labels if counts[key] or key != "preselected"]),
        Pictures([_picture(entry) for entry in found["first_selected"]], 12, "First picks, in order")
        if any(entry["picture"] for entry in found["first_selected"])
        else Text("There are no thumbnails of these samples.", note=True),
    ]
    if rows:
        blocks.append(Table(("run", ""), rows, widths=(1, 4)))
    if found["steps"]:
        steps = [[entry["step"], duration(entry["seconds"])] for entry in found["steps"]]
        blocks.append(Table(("step", "duration"), steps, widths=(3, 1)))
    if found["warnings"]:
        blocks.append(Table(("told during the run",), [[text] for text in found["warnings"]]))
    if found["asked"]:
        blocks.append(Table(("asked for", ""), [_asked(line) for line in found["asked"]], widths=(1, 1)))
    if found["versions"]:
        blocks.append(
            Text("Versions: " + ", ".join(f"{n} {v}" for n, v in found["versions"].items()), note=True)
        )
    return blocks


def baseline(found: Facts, plots: list[str]) -> list[Block]:
    """Return the blocks of the selection beside random ones."""
    rows = [
        [
            entry["title"],
            entry["better"],
            number(entry["selection"]),
            number(entry["median"]),
            f"{number(entry['p5'])} to {number(entry['p95'])}",
            number(entry["n_beaten"]),
            f"{entry['verdict']}, by construction" if entry["optimized_by"] else entry["verdict"],
        ]
        for entry in found["measures"]
    ]
    how = "all images" if found["exact"] else f"{found['n_asked']:,} images drawn at random"
    return [
        Plots([name for name in ("selection_against_random",) if name in plots]),
        Table(
            ("measure", "better", "selection", "random median", "5 % to 95 %", "draws beaten", "verdict"),
            rows,
            widths=(4, 1.2, 1.5, 1.5, 2.6, 1.2, 1.7),
        ),
        Text(
            f"Each of the {found['n_draws']} draws has as many images as the selection. Distances are "
            "measured for "
            f"{how}. 'better' means better than every draw, which a random selection is by chance less than "
            f"once in {found['n_draws']} times; 'worse' means worse than every draw.",
            note=True,
        ),
        *_by_construction(found["measures"]),
    ]


def _by_construction(measures: list[Facts]) -> list[Block]:
    names = sorted({label for entry in measures for label in entry["optimized_by"]})
    if not names:
        return []
    said = (
        f"'By construction': {' and '.join(names)} optimises just that measure, so being better than random"
    )
    return [Text(f"{said} draws on it says nothing about the selection.", note=True)]


def strategies(found: Facts, plots: list[str]) -> list[Block]:
    """Return the blocks of what each strategy asked for and got."""
    rows = [
        [
            str(entry["label"]),
            number(entry["strength"]),
            values(entry["asked"]) or "–",
            values(entry["got"]) or "–",
            str(entry["note"] or ""),
        ]
        for entry in found["strategies"]
    ]
    blocks: list[Block] = [
        Table(("strategy", "strength", "asked", "got", "note"), rows, widths=(2, 1, 2.4, 2.4, 2))
    ]
    if found["stopped"]:
        blocks.append(Text(f"The selection stopped: {found['stopped']}."))
    return blocks


def coverage(found: Facts, plots: list[str]) -> list[Block]:
    """Return the blocks of how far every image is from a selected one."""
    removed = found["removed"]
    blocks: list[Block] = [Plots([name for name in ("coverage",) if name in plots])]
    text = (
        "The distance of an image to its nearest selected one says how well something like it is in the "
        f"selection. Measured on {basis(found, 'images')}."
    )
    if removed["count"]:
        text += (
            f" Of the images that were not selected, half are within {number(removed['median'])}, 95 % "
            f"within {number(removed['p95'])}."
        )
    blocks.append(Text(text, note=True))
    pictures = []
    for pair in found["pairs"]:
        text = f"removed, {number(pair['distance'])} apart\n"
        pictures.append(_picture(pair, "removed", text, REMOVED))
        pictures.append(_picture(pair, "selected", "nearest selected image\n", SELECTED))
    if pictures:
        blocks.append(
            Pictures(
                pictures, 4, "Removed images beside their nearest selected one, from the nearest pair on"
            )
        )
    return blocks


def distances(found: Facts, plots: list[str]) -> list[Block]:
    """Return the blocks of the distances between images, before and after."""
    before, after = found["pairwise"]["before"], found["pairwise"]["after"]
    blocks: list[Block] = [
        Plots([name for name in ("distance_distr_before", "distance_distr_after") if name in plots]),
        Plots([n for n in ("nearest_neighbor_distr_before", "nearest_neighbor_distr_after") if n in plots]),
    ]
    keys = ("mean", "std", "skewness", "min", "p5", "median", "p95", "max")
    rows = [
        [f"{title}, {which}", *(number(part[which].get(key)) for key in keys)]
        for title, part in (("all pairs", found["pairwise"]), ("nearest", found["nearest_neighbor"]))
        for which in ("before", "after")
    ]
    blocks.append(Table(("distances", *keys), rows, widths=(2.6, *[1.1] * len(keys))))
    blocks.append(
        Text(
            "A histogram of all pairs that is symmetric (skewness near 0) has neither a crowd of "
            "near-duplicates, "
            "which shows as a tail to the left, nor a group far from all others, a tail to the right. "
            "Skewness "
            f"{number(before['skewness'], 2)} before, {number(after['skewness'], 2)} after.",
            note=True,
        )
    )
    return blocks


def maps(found: Facts, plots: list[str]) -> list[Block]:
    """Return the blocks of the maps of the embeddings."""
    umap = found["umap"]
    names = ["scatter_pca", *(f"scatter_umap_k_{k}" for k in umap["coordinates"])]
    blocks: list[Block] = [Plots([name + "_no_overlay", name]) for name in names if name in plots]
    text = (
        "Left all images, right with the selection. Distances on a UMAP map mean little: read it for groups."
    )
    if umap["skipped"]:
        text = f"No UMAP: {umap['skipped']}."
    elif umap["n_fitted"] < found["n_samples"]:
        text += (
            f" UMAP ran on {umap['n_fitted']:,} images; each other one is placed at the mean of its "
            "nearest 5 among "
            "them, weighted by 1 / distance."
        )
    return [*blocks, Text(text, note=True)]


def dataset(found: Facts, plots: list[str]) -> list[Block]:
    """Return the blocks of metadata and categories, before and after."""
    blocks: list[Block] = []
    for prefix in ("classes_", "categories_"):
        blocks += [Plots([name]) for name in plots if name.startswith(prefix)]
    if "metadata" in plots:
        blocks.append(Plots(["metadata"]))
    rows = [
        [
            entry["name"],
            *(
                f"{number(entry['before'][k])} → {number(entry['after'][k])}"
                for k in ("mean", "std", "median")
            ),
        ]
        for entry in found["metadata"]
    ]
    if rows:
        header = ("metadata", "mean, before → after", "standard deviation", "median")
        blocks.append(Table(header, rows, widths=(2, 2, 2, 2)))
    return blocks


def data_checks(found: Facts, plots: list[str]) -> list[Block]:
    """Return the blocks of what was left out, and why."""
    counts = [("n_checked", "files checked"), ("n_corrupt", "unusable"), ("n_duplicates", "exact duplicates")]
    counts += [("n_not_embedded", "without embedding")] if found["n_not_embedded"] else []
    blocks: list[Block] = [Tiles([(number(found[key]), word) for key, word in counts])]
    if found["n_corrupt"] or found["n_duplicates"] or found["n_not_embedded"]:
        blocks.append(Text("All files that were left out are listed in data/quarantine.csv.", note=True))
    if found["reasons"]:
        rows = [[entry["reason"], number(entry["count"])] for entry in found["reasons"]]
        blocks.append(Table(("reason", "files"), rows, widths=(6, 1)))
    if found["corrupt_examples"]:
        pictures = [_picture(e, text=f"{e['reason']}\n") for e in found["corrupt_examples"]]
        blocks.append(Pictures(pictures, 4, "Files that could not be used"))
    if found["duplicate_examples"]:
        pictures = [
            Picture(
                array_name(e["picture"]), f"{_name(e['filename'])}\nis the same as {_name(e['duplicate_of'])}"
            )
            for e in found["duplicate_examples"]
        ]
        blocks.append(Pictures(pictures, 4, "Exact duplicates"))
    return blocks


def savings(found: Facts, plots: list[str]) -> list[Block]:
    """Return the blocks of what the selection saves."""

    def row(title: str, part: Facts) -> list[str]:
        return [title, *(number(part[key]) for key in ("all", "selected", "saved", "per_image"))]

    return [
        Table(
            ("estimate", "all images", "selected", "saved", "per image"),
            [
                row(f"labelling ({found['currency']})", found["labelling"]),
                row("energy of training (Wh)", found["training_energy_wh"]),
                row("emissions of training (g CO₂e)", found["co2_g"]),
            ],
            widths=(2.6, 1.4, 1.4, 1.4, 1.4),
        ),
        Table(
            ("unit price", "value", "unit", "source"),
            [
                [entry["name"].replace("_", " "), number(entry["value"], 4), entry["unit"], entry["source"]]
                for entry in found["prices"]
            ],
            widths=(2.2, 1, 2.2, 4),
        ),
        Text(
            "These are estimates: replace the unit prices by your own with "
            "build_report(…, options={'prices': {'label_price': 0.05}}).",
            note=True,
        ),
    ]


def training(found: Facts, plots: list[str]) -> list[Block]:
    """Return the blocks of how the training went."""
    blocks: list[Block] = [Plots([name for name in ("training_loss",) if name in plots])]
    first, last = found["epochs"][0], found["epochs"][-1]
    rows = [
        [
            number(entry["epoch"]),
            number(entry["loss"], 4),
            number(entry["representation_std"]),
            number(entry["images_per_second"]),
        ]
        for entry in ([first] if first is last else [first, last])
    ]
    blocks.append(Table(("epoch", "loss", "spread of representations", "images per second"), rows))
    if found["collapsed"]:
        blocks.append(
            Text(
                "A collapsed model gives all images nearly the same embedding. Train again with a lower "
                "optimizer.lr."
            )
        )
    if found["at_chance"]:
        blocks.append(
            Text(
                "The model matches the views of an image no better than by guessing. Embed without training, "
                "with the embedder that ships with the package, or train longer, on more images."
            )
        )
    return blocks


VIEWS: dict[str, Callable[[Facts, list[str]], list[Block]]] = {
    "embedding_check": embedding_check,
    "job": job,
    "baseline": baseline,
    "strategies": strategies,
    "coverage": coverage,
    "distances": distances,
    "maps": maps,
    "dataset": dataset,
    "data_checks": data_checks,
    "savings": savings,
    "training": training,
}


def _any(found: Facts, plots: list[str]) -> list[Block]:
    """Show a section that has no view: text, numbers as a table, lists of dicts as tables."""
    blocks: list[Block] = []
    rows = [
        [str(key).replace("_", " "), _words(value)]
        for key, value in found.items()
        if key not in ("title", "finding") and (not isinstance(value, dict | list) or _is_flat(value))
    ]
    if rows:
        blocks.append(Table(("", ""), rows, widths=(1, 2)))
    for key, value in found.items():
        if isinstance(value, list) and value and all(isinstance(entry, dict) for entry in value):
            header = [str(name) for name in value[0]]
            body = [[_words(entry.get(name)) for name in value[0]] for entry in value]
            blocks.append(Table(header, body, title=str(key).replace("_", " ")))
    return blocks


def _is_flat(value: Any) -> bool:
    items = value.values() if isinstance(value, dict) else value
    return "array" not in value and not any(isinstance(item, dict | list) for item in items)


def _words(value: Any) -> str:
    return values(value) if isinstance(value, dict | list) else number(value)


def _asked(line: Any) -> list[str]:
    key, _, value = str(line).partition("=")
    return [key, value]


def _name(filename: str) -> str:
    return shortened(re.sub(r"[\x00-\x1f\x7f]", "□", filename))


def _picture(entry: Facts, role: str = "", text: str = "", color: str = "") -> Picture:
    name = entry[role] if role else entry["filename"]
    reference = entry[f"{role}_picture" if role else "picture"]
    return Picture(array_name(reference), text + _name(name), color)
