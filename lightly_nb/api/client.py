"""`ApiWorkflowClient`: the platform's client, answered by the workspace of this machine or team.

Each method is a function of a topic module, named here or, where a table makes them, added below the class;
`session` has what they stand on.
"""

from __future__ import annotations

from typing import Any

from lightly_nb.api import (
    artifacts,
    datasets,
    datasources,
    downloads,
    exports,
    listing,
    runs,
    tags,
    uploads,
)
from lightly_nb.api.gone import gone
from lightly_nb.api.session import ApiSession


class ApiWorkflowClient(ApiSession):
    """The platform's client for a workspace: datasets, runs, tags and exports by the calls of lightly 1.5.

    Its repr shows no token. A pickle of it holds the token, and the password of a database on a server: keep
    it to your own processes.

    Parameters
    ----------
    token : str, optional
        Says who you are. None: the environment variable LIGHTLY_TOKEN; without that, on a workspace in a
        folder of this machine, the user of this login.
    dataset_id : str, optional
        The dataset that methods are about. None: the one modified last, with a warning; or set it by
        `create_dataset`, `set_dataset_id_by_name` or `client.dataset_id = …`.
    embedding_id : str, optional
        Kept for scripts that give it.
    creator : str
        Kept for scripts that give it.
    url : str or path, optional
        The workspace: a folder, or the URL of a database. None: LIGHTLY_NB_URL, else the folder
        LIGHTLY_NB_HOME, else `./.lightly_nb`.

    Raises
    ------
    ApiException
        With the status 401 if the token is not one of the workspace, or one is needed.
    WorkspaceError
        If the workspace cannot be opened.

    Examples
    --------
    >>> import tempfile
    >>> client = ApiWorkflowClient(url=tempfile.mkdtemp())
    >>> client.create_dataset("holiday photos")
    >>> [(dataset.name, str(dataset.type)) for dataset in client.get_datasets()]
    [('holiday photos', 'Images')]
    """

    def __repr__(self) -> str:
        return f"ApiWorkflowClient(dataset_id={self._dataset_id!r}, url={self._workspace.url!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        url = self._workspace.environment()["LIGHTLY_NB_URL"]
        return _reopened, (self.token, self._dataset_id, self.embedding_id, self._creator, url)

    create_dataset = datasets.create_dataset
    create_new_dataset_with_unique_name = datasets.create_new_dataset_with_unique_name
    dataset_exists = datasets.dataset_exists
    dataset_name_exists = datasets.dataset_name_exists
    get_dataset_by_id = datasets.get_dataset_by_id
    get_datasets_by_name = datasets.get_datasets_by_name
    get_datasets = datasets.get_datasets
    get_datasets_iter = datasets.get_datasets_iter
    get_all_datasets = datasets.get_all_datasets
    set_dataset_id_by_name = datasets.set_dataset_id_by_name
    delete_dataset_by_id = datasets.delete_dataset_by_id
    get_filenames = datasets.get_filenames
    share_dataset_only_with = datasets.share_dataset_only_with
    get_shared_users = datasets.get_shared_users

    set_local_config = datasources.set_local_config
    set_s3_config = datasources.set_s3_config
    set_s3_delegated_access_config = datasources.set_s3_delegated_access_config
    set_gcs_config = datasources.set_gcs_config
    set_azure_config = datasources.set_azure_config
    set_obs_config = datasources.set_obs_config
    get_datasource = datasources.get_datasource
    list_datasource_permissions = datasources.list_datasource_permissions

    download_raw_samples = listing.download_raw_samples
    download_raw_predictions = listing.download_raw_predictions
    download_raw_predictions_iter = listing.download_raw_predictions_iter
    download_raw_metadata = listing.download_raw_metadata
    download_raw_metadata_iter = listing.download_raw_metadata_iter
    get_prediction_read_url = listing.get_prediction_read_url
    get_metadata_read_url = listing.get_metadata_read_url
    get_custom_embedding_read_url = listing.get_custom_embedding_read_url

    get_all_tags = tags.get_all_tags
    get_tag_by_id = tags.get_tag_by_id
    get_tag_by_name = tags.get_tag_by_name
    get_filenames_in_tag = tags.get_filenames_in_tag
    create_tag_from_filenames = tags.create_tag_from_filenames
    combine_tags = tags.combine_tags
    delete_tag_by_id = tags.delete_tag_by_id
    delete_tag_by_name = tags.delete_tag_by_name

    register_compute_worker = runs.register_compute_worker
    get_compute_worker_ids = runs.get_compute_worker_ids
    get_compute_workers = runs.get_compute_workers
    delete_compute_worker = runs.delete_compute_worker
    create_compute_worker_config = runs.create_compute_worker_config
    schedule_compute_worker_run = runs.schedule_compute_worker_run
    cancel_scheduled_run = runs.cancel_scheduled_run
    abort_compute_worker_run = runs.abort_compute_worker_run
    get_scheduled_compute_worker_runs = runs.get_scheduled_compute_worker_runs
    get_compute_worker_runs = runs.get_compute_worker_runs
    get_compute_worker_runs_iter = runs.get_compute_worker_runs_iter
    get_compute_worker_run = runs.get_compute_worker_run
    get_compute_worker_run_from_scheduled_run = runs.get_compute_worker_run_from_scheduled_run
    get_compute_worker_run_info = runs.get_compute_worker_run_info
    compute_worker_run_info_generator = runs.compute_worker_run_info_generator
    get_compute_worker_run_tags = runs.get_compute_worker_run_tags
    run_folder_of = runs.run_folder_of

    download_compute_worker_run_artifacts = artifacts.download_compute_worker_run_artifacts
    get_compute_worker_run_checkpoint_url = artifacts.get_compute_worker_run_checkpoint_url

    exported = exports.exported
    download_dataset = downloads.download_dataset
    download_tag = downloads.download_tag
    get_all_embedding_data = downloads.get_all_embedding_data
    get_embedding_data_by_name = downloads.get_embedding_data_by_name
    get_embedding_by_name = downloads.get_embedding_by_name
    set_embedding_id_to_latest = downloads.set_embedding_id_to_latest
    download_embeddings_csv_by_id = downloads.download_embeddings_csv_by_id
    download_embeddings_csv = downloads.download_embeddings_csv

    create_or_update_prediction_task_schema = uploads.create_or_update_prediction_task_schema
    create_or_update_prediction = uploads.create_or_update_prediction
    verify_custom_metadata_format = uploads.verify_custom_metadata_format
    index_custom_metadata_by_filename = uploads.index_custom_metadata_by_filename
    upload_custom_metadata = uploads.upload_custom_metadata
    create_custom_metadata_config = uploads.create_custom_metadata_config
    upload_scores = uploads.upload_scores
    upload_embeddings = uploads.upload_embeddings
    append_embeddings = uploads.append_embeddings

    upload_file_with_signed_url = gone("upload_file_with_signed_url")
    selection = gone("selection")
    download_new_raw_samples = gone("download_new_raw_samples")
    get_processed_until_timestamp = gone("get_processed_until_timestamp")
    update_processed_until_timestamp = gone("update_processed_until_timestamp")


for _name, _method in {**artifacts.download_methods(), **exports.export_methods()}.items():
    setattr(ApiWorkflowClient, _name, _method)


def _reopened(
    token: str | None, dataset_id: str | None, embedding_id: str | None, creator: str, url: str
) -> ApiWorkflowClient:
    return ApiWorkflowClient(token, dataset_id, embedding_id, creator, url=url)
