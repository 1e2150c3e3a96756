"""Which keys of a configuration an editor shows at once, and how it groups the rest.

Only the order on the page is decided here. A key that is named nowhere is in the group of its section, or in
`other`, so a new key of a model appears by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

Groups = Mapping[str, Sequence[str]]

OPEN: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "worker_config": (
            "enable_training",
            "model",
            "checkpoint",
            "enable_corruptness_check",
            "remove_exact_duplicates",
            "decode",
            "generate_report",
        ),
        "lightly_config": (
            "model.name",
            "model.num_ftrs",
            "collate.input_size",
            "trainer.max_epochs",
            "loader.batch_size",
            "optimizer.lr",
            "seed",
        ),
        "selection_config": ("n_samples", "proportion_samples"),
    }
)
"""The keys that are always in sight, by configuration."""

FOLDED: Mapping[str, Groups] = MappingProxyType(
    {
        "worker_config": {
            "input": ("relevant_filenames_file", "datasource", "corruptness_check"),
            "embeddings and thumbnails": (
                *("input_size", "dimensions", "accept_licence", "checkpoint_run_id", "embeddings"),
                *("normalize_embeddings", "thumbnail_size", "dump_sampled_embeddings"),
            ),
            "output": ("run_directory", "dump_dataset", "output_image_size", "output_image_format"),
            "report": (
                *("n_example_images", "memory_requirement_in_GB", "show_video_sampling_timeline"),
                "upload_report",
            ),
            "objects and predictions": (
                *(
                    "object_level",
                    "crops",
                    "pretagging",
                    "pretagging_detector",
                    "pretagging_debug",
                    "pretagging_upload",
                ),
                "scorer_config",
            ),
            "sequences and datapool": ("selected_sequence_length", "use_datapool", "datapool"),
            "machine and worker": (
                *("num_threads", "num_processes", "cache_size", "token", "worker"),
                *("shutdown_when_job_finished", "sanity_check"),
            ),
            "old form of a selection": ("method", "stopping_condition", "active_learning", "scorer"),
        },
        "lightly_config": {
            "model": ("model",),
            "training": ("trainer", "criterion", "optimizer", "checkpoint_callback"),
            "loader": ("loader",),
            "collate: views of an image": ("collate",),
        },
    }
)
"""Groups that are folded away, each with its keys or sections."""

OTHER = "other"


def grouped(where: str, keys: Sequence[str]) -> tuple[list[str], dict[str, list[str]]]:
    """Return the keys that are always in sight, and the folded groups; each key is in one of them.

    >>> in_sight, folded = grouped("lightly_config", ["seed", "loader.shuffle", "brand.new"])
    >>> in_sight, folded
    (['seed'], {'loader': ['loader.shuffle'], 'other': ['brand.new']})
    """
    in_sight = [key for key in OPEN.get(where, ()) if key in keys]
    left = [key for key in keys if key not in in_sight]
    folded: dict[str, list[str]] = {}
    for title, members in FOLDED.get(where, {}).items():
        folded[title] = [
            key for member in members for key in left if key == member or key.startswith(f"{member}.")
        ]
        left = [key for key in left if key not in folded[title]]
    folded[OTHER] = left
    return in_sight, {title: found for title, found in folded.items() if found}
