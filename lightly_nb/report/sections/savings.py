"""Estimated savings: what the images that need no label would have cost, in money and in CO₂."""

from __future__ import annotations

from typing import Any

from lightly_nb.display.text import counted, number
from lightly_nb.errors import InputError
from lightly_nb.report.sections.common import Facts, Job, chosen, option, refused
from lightly_nb.samples import Samples
from lightly_nb.samples.selected import Selection

PRICES: dict[str, dict[str, Any]] = {
    "label_price": {
        "value": 0.036,
        "unit": "USD per object and worker",
        "source": "Amazon SageMaker Ground Truth pricing, Mechanical Turk, bounding box",
    },
    "objects_per_image": {
        "value": 7.7,
        "unit": "objects per image",
        "source": "Lin et al. 2014, Microsoft COCO: instances per image",
    },
    "workers_per_object": {
        "value": 1,
        "unit": "workers",
        "source": "assumption: no second opinion",
    },
    "training_epochs": {
        "value": 90,
        "unit": "epochs",
        "source": "NVIDIA DeepLearningExamples, ResNet-50 v1.5 on ImageNet",
    },
    "images_per_second": {
        "value": 2470,
        "unit": "images per second and GPU",
        "source": "NVIDIA DeepLearningExamples, ResNet-50 v1.5 training, one A100 80 GB, mixed precision",
    },
    "gpu_power": {
        "value": 400,
        "unit": "W",
        "source": "NVIDIA A100 80 GB SXM data sheet: maximum thermal design power",
    },
    "power_usage_effectiveness": {
        "value": 1.58,
        "unit": "facility power / computer power",
        "source": "Uptime Institute Global Data Center Survey 2023: average",
    },
    "carbon_intensity": {
        "value": 480,
        "unit": "g CO₂e per kWh",
        "source": "Ember Global Electricity Review 2024: world average of 2023",
    },
}
"""Unit prices with their sources; `options={"prices": {"label_price": 0.05}}` replaces some of them."""


def savings_section(samples: Samples, selection: Selection, job: Job) -> Facts:
    """Cost of labelling all images against the selected ones, and the energy of training on both."""
    if refused(samples):
        why = "a selection saves labels only where it is better than random draws"
        return {"skipped": f"{why}, and {refused(samples)}"}
    rows = chosen(samples, selection)
    prices = prices_with(option(job, "prices", {}))
    value = {name: float(entry["value"]) for name, entry in prices.items()}
    per_image = value["label_price"] * value["objects_per_image"] * value["workers_per_object"]
    hours = value["training_epochs"] / value["images_per_second"] / 3600
    watt_hours = hours * value["gpu_power"] * value["power_usage_effectiveness"]
    grams = watt_hours / 1000 * value["carbon_intensity"]
    n_all, n_after = len(samples), len(rows.after)
    n_saved = n_all - n_after
    currency = str(prices["label_price"]["unit"]).split()[0]
    return {
        "finding": f"Labelling {counted(n_after, 'image')} instead of {n_all:,} saves about "
        f"{number(n_saved * per_image)} {currency} at the unit prices below",
        "is_estimate": True,
        "n_not_labelled": n_saved,
        "currency": currency,
        "labelling": {
            "per_image": per_image,
            "all": n_all * per_image,
            "selected": n_after * per_image,
            "saved": n_saved * per_image,
        },
        "training_energy_wh": {
            "per_image": watt_hours,
            "all": n_all * watt_hours,
            "selected": n_after * watt_hours,
            "saved": n_saved * watt_hours,
        },
        "co2_g": {
            "per_image": grams,
            "all": n_all * grams,
            "selected": n_after * grams,
            "saved": n_saved * grams,
        },
        "prices": [{"name": name, **entry} for name, entry in prices.items()],
    }


def prices_with(changes: Any) -> dict[str, dict[str, Any]]:
    """Return `PRICES` with some replaced: a number, or a dict with `value`, `unit`, `source`.

    Raises
    ------
    InputError
        If a name is unknown, or a value is not a finite number of at least 0 (above 0 for
        `images_per_second`).
    """
    prices = {name: dict(entry) for name, entry in PRICES.items()}
    for name, change in dict(changes or {}).items():
        if name not in prices:
            raise InputError(f"report: prices has no '{name}'; known are {', '.join(PRICES)}")
        change_of = (
            dict(change) if isinstance(change, dict) else {"value": change, "source": "given by the user"}
        )
        value = change_of.get("value", prices[name]["value"])
        least = 1e-12 if name == "images_per_second" else 0
        if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value < 1e15:
            raise InputError(f"report: prices['{name}'] is {value!r}; give a number of at least {least:g}")
        prices[name] |= change_of
    return prices
