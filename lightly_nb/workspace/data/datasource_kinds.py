"""The kinds of datasources: what each needs to be told, and what opens it. Secrets are `SecretStr`."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from lightly_nb.datasource.names import scheme_of, without_credentials
from lightly_nb.errors import BadRequestException

THUMBNAIL_SUFFIX = ".lightly/thumbnails/[filename]_thumb.[extension]"
SSE_KMS_KEY = "LIGHTLY_S3_SSE_KMS_KEY"


class DatasourceSettings(BaseModel):
    """What every kind has. Neither its repr nor its dump nor an error about it shows a secret."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    kind: ClassVar[str]
    thumbnail_suffix: str | None = Field(THUMBNAIL_SUFFIX, description="Where thumbnails go; None: nowhere.")

    @property
    def location(self) -> str:
        """The folder or URL."""
        raise NotImplementedError

    def storage_options(self, *, writable: bool) -> dict[str, Any]:
        """Return what the file system of the URL takes. It holds secrets in plain text."""
        return {}

    def secrets(self) -> dict[str, str]:
        """Return the secret fields in plain text."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {k: v.get_secret_value() for k, v in values.items() if isinstance(v, SecretStr)}

    def shown(self) -> dict[str, Any]:
        """Return the other fields."""
        return self.model_dump(exclude=set(self.secrets()))


class LocalDatasource(DatasourceSettings):
    """A folder of this machine; a relative one is meant from where it is set."""

    kind = "LOCAL"
    relative_path: str = Field("", validate_default=True, description="Folder; stored as absolute.")
    web_server_location: str | None = Field(
        None, description="URL under which a web server of yours shows it."
    )

    @field_validator("relative_path")
    @classmethod
    def _absolute(cls, path: str) -> str:
        if "\0" in path or scheme_of(path) not in ("", "file"):
            raise ValueError("is not a folder of this machine")
        return path if scheme_of(path) else str(Path(path).expanduser().absolute())

    @property
    def location(self) -> str:
        return self.relative_path


class _InBucket(DatasourceSettings):
    scheme: ClassVar[str]
    resource_path: str = Field(description="URL of the folder in the bucket.")

    @field_validator("resource_path")
    @classmethod
    def _of_scheme(cls, path: str) -> str:
        if not re.fullmatch(rf"{cls.scheme}://[A-Za-z0-9][^/@?#\0]*(/.*)?", path):
            raise ValueError(
                f"must look like {cls.scheme}://bucket/folder, no keys, got {without_credentials(path)!r}"
            )
        return path

    @property
    def location(self) -> str:
        return self.resource_path


class S3Datasource(_InBucket):
    """A folder of an S3 bucket, with an access key."""

    kind = "S3"
    scheme = "s3"
    region: str = Field(min_length=1, description="Region of the bucket, such as eu-central-1.")
    access_key: SecretStr = Field(min_length=1)
    secret_access_key: SecretStr = Field(min_length=1)

    def storage_options(self, *, writable: bool) -> dict[str, Any]:
        return {
            "key": self.access_key.get_secret_value(),
            "secret": self.secret_access_key.get_secret_value(),
            "client_kwargs": {"region_name": self.region},
            **(_server_side_encryption() if writable else {}),
        }


class S3DelegatedDatasource(_InBucket):
    """A folder of an S3 bucket, through a role that this machine's own AWS credentials may assume."""

    kind = "S3DelegatedAccess"
    scheme = "s3"
    region: str = Field(min_length=1, description="Region of the bucket, such as eu-central-1.")
    role_arn: str = Field(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/.+$")
    external_id: SecretStr = Field(min_length=2)

    def storage_options(self, *, writable: bool) -> dict[str, Any]:
        return {
            "role_arn": self.role_arn,
            "external_id": self.external_id.get_secret_value(),
            "region": self.region,
            **(_server_side_encryption() if writable else {}),
        }


class GcsDatasource(_InBucket):
    """A folder of a Google Cloud Storage bucket, with a service account."""

    kind = "GCS"
    scheme = "gs"
    project_id: str = Field(min_length=1)
    credentials: SecretStr = Field(description="The service account's file, as JSON text.")

    @field_validator("credentials")
    @classmethod
    def _json(cls, credentials: SecretStr) -> SecretStr:
        try:
            body = json.loads(credentials.get_secret_value())
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise ValueError(
                "must be the JSON text of a service account's key file: json.dumps(json.load(file))"
            )
        return credentials

    def storage_options(self, *, writable: bool) -> dict[str, Any]:
        return {"project": self.project_id, "token": json.loads(self.credentials.get_secret_value())}


class AzureDatasource(DatasourceSettings):
    """A folder of an Azure container, with a shared access signature."""

    kind = "AZURE"
    container_name: str = Field(description="container/folder")
    account_name: str = Field(min_length=1)
    sas_token: SecretStr = Field(min_length=1)

    @field_validator("container_name")
    @classmethod
    def _container(cls, name: str) -> str:
        name = name.strip("/")
        if not re.fullmatch(r"[a-z0-9$][a-z0-9-]*(/[^?#\0]*)?", name):
            raise ValueError(f"must look like container/folder, got {without_credentials(name)!r}")
        return name

    @property
    def location(self) -> str:
        return f"az://{self.container_name}"

    def storage_options(self, *, writable: bool) -> dict[str, Any]:
        return {"account_name": self.account_name, "sas_token": self.sas_token.get_secret_value()}


class ObsDatasource(_InBucket):
    """A folder of a Telekom OBS bucket, which speaks S3."""

    kind = "OBS"
    scheme = "obs"
    obs_endpoint: str = Field(min_length=1, description="Such as https://obs.eu-de.otc.t-systems.com.")
    obs_access_key_id: SecretStr = Field(min_length=1)
    obs_secret_access_key: SecretStr = Field(min_length=1)

    @property
    def location(self) -> str:
        return "s3" + self.resource_path.removeprefix("obs")

    def storage_options(self, *, writable: bool) -> dict[str, Any]:
        endpoint = self.obs_endpoint if "://" in self.obs_endpoint else f"https://{self.obs_endpoint}"
        region = re.search(r"//obs\.([a-z0-9-]+)\.", endpoint)
        return {
            "key": self.obs_access_key_id.get_secret_value(),
            "secret": self.obs_secret_access_key.get_secret_value(),
            "endpoint_url": endpoint,
            "client_kwargs": {"region_name": region.group(1) if region else "us-east-1"},
        }


KINDS: Mapping[str, type[DatasourceSettings]] = MappingProxyType(
    {
        kind.kind: kind
        for kind in (
            *(LocalDatasource, S3Datasource, S3DelegatedDatasource),
            *(GcsDatasource, AzureDatasource, ObsDatasource),
        )
    }
)
"""Every kind by the platform's name of it."""


def datasource_settings(kind: str, **fields: Any) -> DatasourceSettings:
    """Return the settings of a kind, checked.

    Raises
    ------
    BadRequestException
        If a field is missing, unknown or wrong; the message holds no value of a secret.

    Examples
    --------
    >>> keys = {"access_key": "AKIA", "secret_access_key": "hush"}
    >>> settings = datasource_settings("S3", resource_path="s3://photos/2024", region="eu-central-1", **keys)
    >>> settings.location, "hush" in repr(settings)
    ('s3://photos/2024', False)
    """
    if kind not in KINDS:
        raise BadRequestException(f"{kind!r} is not a kind of datasource; there are {', '.join(KINDS)}")
    try:
        return KINDS[kind](**fields)
    except ValidationError as error:
        wrong = [
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False)
        ]
        raise BadRequestException(f"the {kind} datasource cannot be set: {'; '.join(wrong)}") from None


def _server_side_encryption() -> dict[str, Any]:
    key = os.environ.get(SSE_KMS_KEY)
    arguments = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    return {"s3_additional_kwargs": arguments} if key else {}
