"""The datasources of a dataset: kept with encrypted secrets, opened for reading or writing."""

from __future__ import annotations

import json

from sqlalchemy import delete
from sqlalchemy.orm import Session

from lightly_nb.datasource import Datasource, WritableDatasource, open_datasource
from lightly_nb.errors import BadRequestException, NotFoundException
from lightly_nb.states import DatasourcePurpose
from lightly_nb.workspace.data.datasets import touch
from lightly_nb.workspace.data.datasource_kinds import (
    DatasourceSettings,
    datasource_settings,
)
from lightly_nb.workspace.store.encryption import decrypt, encrypt
from lightly_nb.workspace.store.schema import Dataset, DatasourceConfig

_BOTH = DatasourcePurpose.INPUT_OUTPUT


def set_datasource(
    session: Session,
    dataset: Dataset,
    settings: DatasourceSettings,
    purpose: DatasourcePurpose | str = _BOTH,
) -> DatasourceConfig:
    """Keep a datasource of a dataset, in place of the one of that purpose; INPUT_OUTPUT replaces both others.

    `last_processed` stays when the place is the same, so that new keys do not restart a datapool.
    """
    purpose = _checked_purpose(purpose)
    row = session.get(DatasourceConfig, (dataset.id, purpose.value))
    if row is None:
        row = DatasourceConfig(dataset_id=dataset.id, purpose=purpose.value)
    elif (row.kind, row.settings) != (settings.kind, settings.shown()):
        row.last_processed = None
    secrets = settings.secrets()
    row.kind, row.settings = settings.kind, settings.shown()
    row.secrets_encrypted = encrypt(session, json.dumps(secrets).encode()) if secrets else None
    if purpose is _BOTH:
        others = DatasourceConfig.dataset_id == dataset.id, DatasourceConfig.purpose != _BOTH.value
        session.execute(delete(DatasourceConfig).where(*others))
    session.add(row)
    session.flush()
    touch(session, dataset)
    return row


def get_datasource_config(
    session: Session, dataset: Dataset, purpose: DatasourcePurpose | str = DatasourcePurpose.INPUT
) -> DatasourceConfig:
    """Return what is stored of the datasource that serves a purpose, its secrets encrypted.

    Raises
    ------
    NotFoundException
        If there is none.
    """
    purpose = _checked_purpose(purpose)
    serving = [purpose, _BOTH] if purpose is not _BOTH else [_BOTH, DatasourcePurpose.INPUT]
    for one in serving:
        if row := session.get(DatasourceConfig, (dataset.id, one.value)):
            return row
    raise NotFoundException(
        f"the dataset {dataset.name!r} has no {purpose} datasource; set one with set_local_config(..., "
        f"purpose=DatasourcePurpose.{purpose}), set_s3_config(...), set_gcs_config(...), …"
    )


def get_datasource(
    session: Session, dataset: Dataset, purpose: DatasourcePurpose | str = DatasourcePurpose.INPUT
) -> DatasourceSettings:
    """Return the settings of the datasource that serves a purpose, secrets and all, as `SecretStr`.

    Raises
    ------
    NotFoundException
        If there is none.
    WorkspaceError
        If its secrets cannot be decrypted.
    """
    row = get_datasource_config(session, dataset, purpose)
    secrets = json.loads(decrypt(session, row.secrets_encrypted)) if row.secrets_encrypted else {}
    return datasource_settings(row.kind, **row.settings, **secrets)


def open_input(settings: DatasourceSettings) -> Datasource:
    """Open a datasource to list and read. Nothing of a bucket is looked at before it is listed.

    Raises
    ------
    DatasourceError
        If there is no such folder, or the package for its kind is missing.
    """
    return _opened(settings, writable=False).read_only()


def open_lightly(settings: DatasourceSettings) -> WritableDatasource:
    """Open a datasource to list, read and write."""
    return _opened(settings, writable=True)


def _opened(settings: DatasourceSettings, *, writable: bool) -> WritableDatasource:
    options = settings.storage_options(writable=writable)
    return open_datasource(settings.location, purpose=DatasourcePurpose.LIGHTLY, storage_options=options)


def _checked_purpose(purpose: DatasourcePurpose | str) -> DatasourcePurpose:
    try:
        return DatasourcePurpose(purpose)
    except ValueError:
        allowed = ", ".join(DatasourcePurpose)
        raise BadRequestException(
            f"{purpose!r} is not the purpose of a datasource; there are {allowed}"
        ) from None
