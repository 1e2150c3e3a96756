"""A job on disk: `config/` of the run folder, with all that was handed in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from pyarrow import ArrowException

from lightly_nb.config import parse_configs, to_dict, yaml_text
from lightly_nb.config.python_text import changed_values
from lightly_nb.errors import RunError
from lightly_nb.pipeline.circumstances import save_first, write_circumstances
from lightly_nb.pipeline.job import Job
from lightly_nb.pipeline.new_folder import new_run_folder
from lightly_nb.pipeline.query_embeddings import load_queries, save_queries
from lightly_nb.runfolder import RunFolder, write_aside, write_text
from lightly_nb.samples.predictions_file import read_predictions_file, write_predictions_file
from lightly_nb.samples.table_file import read_table, write_table


def save_job(job: Job, asked: Mapping[str, Any], first: RunFolder | None = None) -> RunFolder:
    """Make a run folder that holds `job`.

    Parameters
    ----------
    job : Job
        What to run.
    asked : mapping
        What the user gave, before defaults.
    first : RunFolder or None
        The run that this one repeats, whose threads are kept and whose files are compared.
    """

    def fill(folder: RunFolder, path: Path) -> None:
        content = {
            "input": job.input,
            "lightly_source": job.lightly_source,
            "shared_dir": job.shared_dir,
            "output_dir": job.output_dir,
            "datapool": job.datapool,
            "checkpoint": job.checkpoint,
            "is_listed": job.listing is not None,
            "if_changed": job.if_changed,
            "queries": save_queries(folder, job.queries),
            "detector": job.detector,
            "predictions": list(job.predictions),
            "told": list(job.told),
            "worker_config": to_dict(job.configs.worker),
            "lightly_config": to_dict(job.configs.lightly),
            "selection_config": to_dict(job.configs.selection) if job.configs.selection else None,
        }
        if job.listing is not None:
            write_aside(folder.input_table, partial(write_table, job.listing))
        if job.quarantine is not None and len(job.quarantine):
            write_aside(folder.input_quarantine, partial(job.quarantine.to_parquet, index=False))
        if job.embeddings is not None:
            write_aside(folder.input_embeddings, partial(_save_array, job.embeddings))
        for name, predictions in job.predictions.items():
            write_predictions_file(folder.input_predictions(name), predictions)
        if first is not None:
            save_first(folder, first)
        write_text(folder.overrides, yaml_text.dump(_masked_like(asked, content)))
        write_circumstances(folder, path)
        write_text(folder.config, yaml_text.dump(content))

    return new_run_folder(job.output_dir, job.configs.worker.run_directory or None, fill)


def _save_array(array: np.ndarray, path: Path) -> None:
    with path.open("wb") as stream:
        np.save(stream, array)


def load_job(folder: RunFolder) -> Job:
    """Read the job of a run folder back.

    Raises
    ------
    RunError
        If the folder is not one of a run, or its configuration is damaged.
    """
    if not folder.config.is_file():
        raise RunError(
            f"'{folder.path}' is not a run folder: it has no config/config.yaml. Give the folder that a run "
            "printed when it started, for example lightly_outputs/2026-01-31/12-00-00"
        )
    try:
        return _job_in(folder)
    except (OSError, KeyError, TypeError, ValueError, ArrowException) as error:
        said = f"no {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__
        raise RunError(
            f"the configuration of the run in '{folder.path}' is damaged ({said}): put the files of its "
            "folder config/ back from a copy, or start a new run"
        ) from error


def _job_in(folder: RunFolder) -> Job:
    content = yaml_text.load(folder.config.read_text(encoding="utf-8"), str(folder.config))
    if not isinstance(content, dict):
        raise ValueError(f"{folder.config} holds no keys")
    configs = parse_configs(content["worker_config"], content["lightly_config"], content["selection_config"])
    listing = None
    if content.get("is_listed", folder.input_table.is_file()):
        listing = read_table(folder.input_table)
    quarantine = pd.read_parquet(folder.input_quarantine) if folder.input_quarantine.is_file() else None
    embeddings = np.load(folder.input_embeddings) if folder.input_embeddings.is_file() else None
    return Job(
        input=content["input"],
        configs=configs,
        shared_dir=content["shared_dir"],
        output_dir=content["output_dir"],
        listing=listing,
        lightly_source=content["lightly_source"],
        datapool=content["datapool"],
        checkpoint=content["checkpoint"],
        queries=load_queries(folder, content["queries"]),
        if_changed=content.get("if_changed", "go_on"),
        detector=content.get("detector"),
        predictions={
            name: read_predictions_file(folder.input_predictions(name))
            for name in content.get("predictions", ())
        },
        quarantine=quarantine,
        embeddings=embeddings,
        told=tuple(content.get("told") or ()),
    )


def restore_config(folder: RunFolder, job: Job) -> None:
    """Write those files of `config/` again that are gone and that no run needs."""
    if not folder.overrides.is_file():
        configs = {
            "worker_config": job.configs.worker,
            "lightly_config": job.configs.lightly,
            "selection_config": job.configs.selection,
        }
        content = {name: to_dict(config) for name, config in configs.items() if config}
        write_text(folder.overrides, yaml_text.dump(_masked_like(configs, content)))
    if not folder.hydra.is_file():
        write_circumstances(folder, folder.path)


def _masked_like(asked: Mapping[str, Any], content: Mapping[str, Any]) -> list[str]:
    """Return the asked keys as `key=value` lines, with the values of `content`, whose secrets are masked."""
    lines: list[str] = []
    for config_name, config in asked.items():
        flat = _flat(content.get(config_name) or {})
        for key in _flat(config if isinstance(config, Mapping) else changed_values(config) if config else {}):
            shown = flat.get(key)
            lines.append(f"{config_name}.{key}={yaml.safe_dump(shown, default_flow_style=True, width=10**6)}")
    return [line.removesuffix("\n").removesuffix("\n...") for line in lines]


def _flat(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat
