"""The client's methods that add to a dataset: predictions, metadata, scores, embeddings.

All but embeddings are files below `.lightly/` of the LIGHTLY datasource, in the platform's layout. Runs read
them, so they are up to the owner of the dataset: a client with whom it is shared is refused (403).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from lightly_nb.api.datasets import get_filenames
from lightly_nb.api.downloads import EmbeddingDoesNotExistError, embedding_by_id, get_embedding_by_name
from lightly_nb.api.session import ApiSession
from lightly_nb.api.tags import get_filenames_in_tag, get_tag_by_id
from lightly_nb.datasource import WritableDatasource
from lightly_nb.events import ProgressBar
from lightly_nb.lightly_source import metadata, predictions
from lightly_nb.states import DatasetType, DatasourcePurpose
from lightly_nb.workspace.data import embeddings
from lightly_nb.workspace.data.datasources import get_datasource, open_lightly


class InvalidCustomMetadataWarning(Warning):
    """Some custom metadata has no image or no sample and was left out."""


def create_or_update_prediction_task_schema(
    self: ApiSession, schema: Any, prediction_version_id: int = -1
) -> None:
    """Write the schema of a prediction task.

    Parameters
    ----------
    schema : PredictionTaskSchema or dict
        With `name`, `type` (a `TaskType`) and `categories`.
    prediction_version_id : int
        Not used: the files of a task are its newest version.
    """
    predictions.write_task_schema(_lightly(self), schema)


def create_or_update_prediction(
    self: ApiSession,
    sample_id: str,
    prediction_singletons: Sequence[Any],
    prediction_version_id: int = -1,
) -> None:
    """Write the predictions of one sample; those that it had for the same tasks are replaced.

    Parameters
    ----------
    sample_id : str
        Its file name: samples have no other id here.
    prediction_singletons : sequence of PredictionSingleton… or dicts
        Their `task_name` needs a schema.
    prediction_version_id : int
        Not used: the files of a task are its newest version.
    """
    predictions.write_predictions(_lightly(self), sample_id, prediction_singletons)


def verify_custom_metadata_format(self: ApiSession, custom_metadata: dict[str, Any]) -> None:
    """Raise a KeyError if `images` or `metadata` is not in a COCO-like dict."""
    metadata.check_custom_metadata(custom_metadata)


def index_custom_metadata_by_filename(
    self: ApiSession, custom_metadata: dict[str, Any]
) -> dict[str, dict[str, Any] | None]:
    """Return the metadata of each image of a COCO-like dict, None where it has none."""
    return metadata.metadata_by_filename(custom_metadata)


def upload_custom_metadata(
    self: ApiSession, custom_metadata: dict[str, Any], verbose: bool = False, max_workers: int = 8
) -> None:
    """Write metadata of samples, and add values that the schema does not name to the schema.

    Parameters
    ----------
    custom_metadata : dict
        `images`, a list of dicts with `id` and `file_name`, and `metadata`, a list of dicts with `image_id`
        and any values. An entry without image or sample is left out, with a warning.
    verbose : bool
        Whether to show a progress bar.
    max_workers : int
        Files at a time.
    """
    entries, said = metadata.custom_metadata_entries(custom_metadata, get_filenames(self))
    for one in said:
        warnings.warn(f"{one}. It is left out.", InvalidCustomMetadataWarning, stacklevel=2)
    metadata.write_metadata(
        _lightly(self),
        entries,
        kind="frame" if self.dataset_type == DatasetType.VIDEOS else "image",
        max_workers=max_workers,
        on_event=ProgressBar() if verbose else None,
    )


def create_custom_metadata_config(self: ApiSession, name: str, configs: list[Any]) -> None:
    """Write which metadata may be selected by.

    Parameters
    ----------
    name : str
        Not used: a dataset has one such configuration here.
    configs : list of ConfigurationEntry or dicts
        With `name`, `path`, `default_value` and `value_data_type`.
    """
    metadata.write_metadata_schema(_lightly(self), configs)


def upload_scores(self: ApiSession, al_scores: dict[str, Any], query_tag_id: str) -> None:
    """Write scores of a tag's samples, as metadata `al_scores.NAME`.

    That is for selecting by `{"input": {"type": "METADATA", "key": "al_scores.NAME"}, "strategy": {"type":
    "WEIGHTS"}}`.

    Parameters
    ----------
    al_scores : dict of str to array
        One finite number for each sample, in the order of the tag.
    """
    names = get_filenames_in_tag(self, get_tag_by_id(self, query_tag_id))
    metadata.write_scores(_lightly(self), names, al_scores)


def upload_embeddings(self: ApiSession, path_to_embeddings_csv: str, name: str) -> None:
    """Keep an embeddings CSV with the dataset; `embedding_id` is then its id.

    If there are embeddings of that name, their other rows are added to the file, and it is kept under the
    name and the time.

    Raises
    ------
    ValueError
        If the file is no embeddings CSV, or its names are not those of the dataset.
    """
    try:
        append_embeddings(self, path_to_embeddings_csv, get_embedding_by_name(self, name).id)
        name = f"{name}_{datetime.now(UTC):%Y%m%d_%Hh%Mm%Ss}"
    except EmbeddingDoesNotExistError:
        pass
    self._check_own_dataset()
    names = get_filenames(self)
    made = embeddings.upload_embeddings(self._workspace, self.dataset_id, names, path_to_embeddings_csv, name)
    self.embedding_id = made.id


def append_embeddings(self: ApiSession, path_to_embeddings_csv: str, embedding_id: str) -> None:
    """Write the rows of kept embeddings into a CSV file; where both have a name, the row of the file stays.

    Raises
    ------
    ApiException
        If the lengths of the embeddings differ; also a RuntimeError.
    """
    embeddings.append_embeddings(path_to_embeddings_csv, embedding_by_id(self, embedding_id))


def _lightly(self: ApiSession) -> WritableDatasource:
    """Open LIGHTLY to write what runs read: its owner may."""
    self._check_own_dataset()
    return open_lightly(self._read_dataset(get_datasource, DatasourcePurpose.LIGHTLY))
