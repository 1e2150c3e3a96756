"""`Job`: all that a run needs to know."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from lightly_nb.config import Configs
from lightly_nb.pipeline.options import IfChanged, as_path
from lightly_nb.pipeline.query_embeddings import Query
from lightly_nb.samples import Predictions


@dataclass(frozen=True)
class Job:
    """What to run.

    Parameters
    ----------
    input : str
        Folder or URL of the INPUT datasource, without credentials.
    configs : Configs
        The three parsed configurations.
    shared_dir : str
        Folder that `worker_config.checkpoint` and `worker_config.embeddings` are relative to.
    output_dir : str
        Folder that the run folder is made below; never listed as input.
    listing : pandas.DataFrame or None
        The sample table, where the input was a list of files or a table; None: list `input`.
    lightly_source : str or None
        Folder or URL of the LIGHTLY datasource, without credentials; None: `input` serves as both.
    datapool : str or None
        Folder of the datapool that the run uses and adds to; None: no datapool.
    checkpoint : str or None
        The checkpoint file to start from, in place of `worker_config.checkpoint`; what
        `worker_config.checkpoint_run_id` stands for.
    queries : tuple of Query
        The embeddings of the tags that SIMILARITY strategies name.
    if_changed : str
        What a run that repeats another one does about files that are not as they were, as in `rerun`.
    detector : str or None
        `module:name` of the detector that pretags, where it was given as an object; None: the one that
        `worker_config.pretagging_detector` names.
    predictions : mapping of str to Predictions
        Those of the samples that were handed in, by task; a row for each of `listing`.
    quarantine : pandas.DataFrame or None
        Files of `listing` that were left out when it was made.
    embeddings : numpy.ndarray or None
        Embeddings of `listing`, brought along with it; then nothing is trained or embedded.
    told : tuple of str
        What a person was warned of while the job was made.
    """

    input: str
    configs: Configs
    shared_dir: str
    output_dir: str
    listing: pd.DataFrame | None = None
    lightly_source: str | None = None
    datapool: str | None = None
    checkpoint: str | None = None
    queries: tuple[Query, ...] = ()
    if_changed: IfChanged = "go_on"
    detector: str | None = None
    predictions: Mapping[str, Predictions] = field(default_factory=dict)
    quarantine: pd.DataFrame | None = None
    embeddings: np.ndarray | None = None
    told: tuple[str, ...] = ()

    @property
    def listed_names(self) -> list[str]:
        """The names of `listing`, in its order."""
        return [] if self.listing is None else [str(name) for name in self.listing.index]

    def again(self, output_dir: str | os.PathLike[str] | None, if_changed: IfChanged) -> Job:
        """Return the same job for a new folder by date and time, below `output_dir` (None: as before)."""
        worker = self.configs.worker.model_copy(update={"run_directory": ""})
        output = as_path(output_dir or self.output_dir, "output_dir")
        configs = replace(self.configs, worker=worker)
        return replace(self, configs=configs, output_dir=output, if_changed=if_changed)
