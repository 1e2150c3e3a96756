"""The client's methods on datasources. Setting one contacts nothing; `list_datasource_permissions` does."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from lightly_nb.api.models import DatasourceConfig
from lightly_nb.api.session import ApiSession
from lightly_nb.errors import BadRequestException
from lightly_nb.lightly_source.written import thumbnail_pattern_problem
from lightly_nb.states import DatasourcePurpose
from lightly_nb.workspace.data import datasources
from lightly_nb.workspace.data.datasource_kinds import KINDS, THUMBNAIL_SUFFIX, datasource_settings
from lightly_nb.workspace.data.permissions import datasource_permissions
from lightly_nb.workspace.store.schema import Dataset

BOTH = DatasourcePurpose.INPUT_OUTPUT
LIGHTLY_SERVE = "http://localhost:3456"
"""Where the platform's own little web server was; there is none here, so it counts as not given."""

_NAMES = {
    "resource_path": "full_path",
    "relative_path": "full_path",
    "container_name": "full_path",
    "thumbnail_suffix": "thumb_suffix",
    "region": "s3_region",
    "role_arn": "s3_arn",
    "external_id": "s3_external_id",
    "access_key": "s3_access_key_id",
    "secret_access_key": "s3_secret_access_key",
    "project_id": "gcs_project_id",
    "credentials": "gcs_credentials",
    "sas_token": "account_key",
}
"""The platform's names of fields, by ours."""


def set_local_config(
    self: ApiSession,
    relative_path: str = "",
    web_server_location: str | None = LIGHTLY_SERVE,
    thumbnail_suffix: str | None = THUMBNAIL_SUFFIX,
    purpose: str = BOTH,
) -> None:
    """Set a folder of this machine as datasource of the current dataset.

    Parameters
    ----------
    relative_path : str
        The folder; a relative one is meant from the current folder.
    web_server_location : str, optional
        A web server of yours that shows the folder: read URLs then begin so. With the default or None they
        are `file://`.
    thumbnail_suffix : str, optional
        Where a run writes thumbnails of the selected samples, below `.lightly/`; `[filename]` and
        `[extension]` stand for those of the sample. None: nowhere.
    purpose : DatasourcePurpose
        INPUT, LIGHTLY, or both.
    """
    server = None if web_server_location == LIGHTLY_SERVE else web_server_location
    settings = {"relative_path": relative_path, "web_server_location": server}
    _set(self, "LOCAL", purpose, thumbnail_suffix, settings)


def set_s3_config(
    self: ApiSession,
    resource_path: str,
    region: str,
    access_key: str,
    secret_access_key: str,
    thumbnail_suffix: str | None = THUMBNAIL_SUFFIX,
    purpose: str = BOTH,
) -> None:
    """Set a folder of an S3 bucket, with an access key; `resource_path` is like `s3://bucket/folder`."""
    keys = {"region": region, "access_key": access_key, "secret_access_key": secret_access_key}
    _set(self, "S3", purpose, thumbnail_suffix, {"resource_path": resource_path, **keys})


def set_s3_delegated_access_config(
    self: ApiSession,
    resource_path: str,
    region: str,
    role_arn: str,
    external_id: str,
    thumbnail_suffix: str | None = THUMBNAIL_SUFFIX,
    purpose: str = BOTH,
) -> None:
    """Set a folder of an S3 bucket, through a role that this machine's own AWS credentials may assume."""
    keys = {"region": region, "role_arn": role_arn, "external_id": external_id}
    _set(self, "S3DelegatedAccess", purpose, thumbnail_suffix, {"resource_path": resource_path, **keys})


def set_gcs_config(
    self: ApiSession,
    resource_path: str,
    project_id: str,
    credentials: str,
    thumbnail_suffix: str | None = THUMBNAIL_SUFFIX,
    purpose: str = BOTH,
) -> None:
    """Set a folder of a Google bucket; `credentials` is the JSON text of a service account's key file."""
    keys = {"project_id": project_id, "credentials": credentials}
    _set(self, "GCS", purpose, thumbnail_suffix, {"resource_path": resource_path, **keys})


def set_azure_config(
    self: ApiSession,
    container_name: str,
    account_name: str,
    sas_token: str,
    thumbnail_suffix: str | None = THUMBNAIL_SUFFIX,
    purpose: str = BOTH,
) -> None:
    """Set a folder of an Azure container; `container_name` is like `container/folder`."""
    keys = {"account_name": account_name, "sas_token": sas_token}
    _set(self, "AZURE", purpose, thumbnail_suffix, {"container_name": container_name, **keys})


def set_obs_config(
    self: ApiSession,
    resource_path: str,
    obs_endpoint: str,
    obs_access_key_id: str,
    obs_secret_access_key: str,
    thumbnail_suffix: str | None = THUMBNAIL_SUFFIX,
    purpose: str = BOTH,
) -> None:
    """Set a folder of a Telekom OBS bucket."""
    keys = {
        "obs_endpoint": obs_endpoint,
        "obs_access_key_id": obs_access_key_id,
        "obs_secret_access_key": obs_secret_access_key,
    }
    _set(self, "OBS", purpose, thumbnail_suffix, {"resource_path": resource_path, **keys})


def get_datasource(self: ApiSession, purpose: str = DatasourcePurpose.INPUT) -> DatasourceConfig:
    """Return the datasource of the current dataset that serves a purpose, its secrets as '**********'.

    Raises
    ------
    ApiException
        With the status 404 if there is none.
    """

    def found(session: Session, dataset: Dataset) -> DatasourceConfig:
        row = datasources.get_datasource_config(session, dataset, purpose)
        hidden = [name for name in KINDS[row.kind].model_fields if name not in row.settings]
        values = {**row.settings, **dict.fromkeys(hidden, "**********")}
        named = {_NAMES.get(name, name): value for name, value in values.items()}
        first = {name: named.pop(name, None) for name in ("full_path", "thumb_suffix")}
        return DatasourceConfig(
            id=row.id, purpose=DatasourcePurpose(row.purpose), type=row.kind, settings=named, **first
        )

    return self._read_dataset(found)


def list_datasource_permissions(self: ApiSession) -> dict[str, bool | dict[str, str]]:
    """Try the datasources of the current dataset: what may be done in them.

    Returns
    -------
    dict
        `can_list`, `can_read`, `can_write`, `can_overwrite`, and `errors` by permission, where there are any.
    """
    purposes = (DatasourcePurpose.INPUT, DatasourcePurpose.LIGHTLY)
    found = [self._read_dataset(datasources.get_datasource, purpose) for purpose in purposes]
    return datasource_permissions(*found)


def _set(
    self: ApiSession, kind: str, purpose: str, thumbnail_suffix: str | None, given: dict[str, Any]
) -> None:
    if thumbnail_suffix is not None and (problem := thumbnail_pattern_problem(thumbnail_suffix)):
        said = f"thumbnail_suffix is {thumbnail_suffix!r}: {problem}; such as {THUMBNAIL_SUFFIX!r}, or None"
        raise BadRequestException(said)
    settings = datasource_settings(kind, thumbnail_suffix=thumbnail_suffix, **given)
    self._write_own_dataset(datasources.set_datasource, settings, purpose)
