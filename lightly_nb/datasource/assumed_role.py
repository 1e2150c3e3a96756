"""S3 through an assumed role: credentials are asked for when needed, and again before they expire."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any

from lightly_nb.datasource.remote import FsspecFiles, Secret, fsspec_files
from lightly_nb.errors import DatasourceError

_SESSION_NAME = "lightly_nb"


class AssumedRoleFiles(FsspecFiles):
    """Files of a bucket. Pickled with the role alone: each process assumes it by itself."""

    def open(self) -> tuple[Any, str]:
        url, options = self._secret.reveal()
        more = tuple(sorted(options.get("s3_additional_kwargs", {}).items()))
        role = (options["role_arn"], options["external_id"], options["region"])
        return _file_system(*role, more), url.partition("://")[2].rstrip("/")


def s3_files(url: str, storage_options: Mapping[str, Any]) -> FsspecFiles:
    """Return the files below an `s3://` URL: through a role if the options name one, else as fsspec does."""
    return (assumed_role_files if "role_arn" in storage_options else fsspec_files)(url, storage_options)


def assumed_role_files(url: str, storage_options: Mapping[str, Any]) -> AssumedRoleFiles:
    """Return the files below an `s3://` URL; options are `role_arn`, `external_id` and `region`.

    Raises
    ------
    DatasourceError
        If s3fs is not installed.
    """
    files = AssumedRoleFiles(url, Secret((url, dict(storage_options))))
    with files.errors_of("open"):
        files.open()
    return files


@lru_cache(maxsize=64)
def _file_system(
    role_arn: str, external_id: str, region: str, additional: tuple[tuple[str, str], ...]
) -> Any:
    """Return one file system a process and role, so that a role is assumed once."""
    try:
        credentials = import_module("aiobotocore.credentials")
        new_session = import_module("aiobotocore.session").AioSession
        s3fs = import_module("s3fs")
    except ImportError as error:
        raise DatasourceError(
            f"S3 with delegated access needs s3fs ({error}); pip install 'lightly_nb[s3]'"
        ) from None

    async def assume() -> dict[str, str]:
        async with new_session().create_client("sts", region_name=region) as sts:
            answer = await sts.assume_role(
                RoleArn=role_arn, RoleSessionName=_SESSION_NAME, ExternalId=external_id
            )
        got = answer["Credentials"]
        return {
            "access_key": got["AccessKeyId"],
            "secret_key": got["SecretAccessKey"],
            "token": got["SessionToken"],
            "expiry_time": got["Expiration"].isoformat(),
        }

    session = new_session()
    session._credentials = credentials.AioDeferredRefreshableCredentials(assume, "assume-role")
    return s3fs.S3FileSystem(
        session=session,
        client_kwargs={"region_name": region},
        s3_additional_kwargs=dict(additional),
        skip_instance_cache=True,
    )
