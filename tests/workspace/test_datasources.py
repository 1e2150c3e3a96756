"""Datasources of a dataset: each kind, kept without showing a secret, opened, and tried out."""

from __future__ import annotations

import json
import os
import traceback
from typing import Any

import pytest
from sqlalchemy import select

from lightly_nb.errors import BadRequestException, DatasourceError, NotFoundException
from lightly_nb.states import DatasourcePurpose
from lightly_nb.workspace import reading, transact
from lightly_nb.workspace.data.datasource_kinds import KINDS, datasource_settings
from lightly_nb.workspace.data.datasources import (
    get_datasource,
    get_datasource_config,
    open_input,
    open_lightly,
    set_datasource,
)
from lightly_nb.workspace.data.permissions import datasource_permissions
from lightly_nb.workspace.store.schema import DatasourceConfig

SECRET = "hush-wJalrXUtnFEMI/K7MDENG"
GCS_KEY = json.dumps({"type": "service_account", "private_key": SECRET})

FIELDS: dict[str, dict[str, Any]] = {
    "LOCAL": {"relative_path": "/photos", "web_server_location": "http://localhost:3456"},
    "S3": {
        "resource_path": "s3://photos/2024/",
        "region": "eu-central-1",
        "access_key": "hush-AKIA",
        "secret_access_key": SECRET,
    },
    "S3DelegatedAccess": {
        "resource_path": "s3://photos/2024",
        "region": "eu-central-1",
        "role_arn": "arn:aws:iam::123456789012:role/reader",
        "external_id": SECRET,
    },
    "GCS": {"resource_path": "gs://photos/2024", "project_id": "my-project", "credentials": GCS_KEY},
    "AZURE": {"container_name": "photos/2024/", "account_name": "me", "sas_token": f"sv=1&sig={SECRET}"},
    "OBS": {
        "resource_path": "obs://photos/2024",
        "obs_endpoint": "obs.eu-de.otc.t-systems.com",
        "obs_access_key_id": "hush-key",
        "obs_secret_access_key": SECRET,
    },
}
OPENED: dict[str, tuple[str, dict[str, Any]]] = {
    "LOCAL": ("/photos", {}),
    "S3": (
        "s3://photos/2024/",
        {"key": "hush-AKIA", "secret": SECRET, "client_kwargs": {"region_name": "eu-central-1"}},
    ),
    "S3DelegatedAccess": (
        "s3://photos/2024",
        {
            "role_arn": FIELDS["S3DelegatedAccess"]["role_arn"],
            "external_id": SECRET,
            "region": "eu-central-1",
        },
    ),
    "GCS": ("gs://photos/2024", {"project": "my-project", "token": json.loads(GCS_KEY)}),
    "AZURE": ("az://photos/2024", {"account_name": "me", "sas_token": f"sv=1&sig={SECRET}"}),
    "OBS": (
        "s3://photos/2024",
        {
            "key": "hush-key",
            "secret": SECRET,
            "endpoint_url": "https://obs.eu-de.otc.t-systems.com",
            "client_kwargs": {"region_name": "eu-de"},
        },
    ),
}


def test_every_kind_of_the_platform_is_tested():
    assert set(FIELDS) == set(OPENED) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_datasource_comes_back_as_it_was_set(workspace, photos, kind):
    settings = datasource_settings(kind, **FIELDS[kind], thumbnail_suffix=None)
    transact(workspace, set_datasource, photos, settings, DatasourcePurpose.INPUT)
    with reading(workspace) as session:
        again = get_datasource(session, photos, DatasourcePurpose.INPUT)
    assert again == settings
    assert type(again) is KINDS[kind]
    assert (again.location, again.storage_options(writable=False)) == OPENED[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_is_shown_logged_or_stored_in_plain_text(workspace, photos, kind, caplog, tmp_path):
    caplog.set_level("DEBUG")
    settings = datasource_settings(kind, **FIELDS[kind])
    row = transact(workspace, set_datasource, photos, settings)
    with reading(workspace) as session:
        (stored,) = session.execute(select(DatasourceConfig.__table__)).mappings()
    shown = [repr(settings), str(settings), settings.model_dump_json(), str(settings.model_dump())]
    shown += [repr(row), str(row.settings), str(dict(stored)), caplog.text]
    shown += [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    assert [text for text in shown if "hush" in text] == []
    assert any("hush" in value for value in settings.secrets().values()) == (kind != "LOCAL")


@pytest.mark.parametrize(
    ("kind", "changed", "said"),
    [
        ("S3", {"resource_path": "gs://photos"}, r"resource_path: .*must look like s3://bucket/folder"),
        ("S3", {"resource_path": "s3://hush:hush@photos"}, "must look like s3://bucket/folder, no keys"),
        ("S3", {"secret_access_key": ""}, "secret_access_key: .*at least 1"),
        ("S3", {"acces_key": "hush"}, "acces_key: Extra inputs"),
        ("S3", {"region": None}, "region: "),
        ("GCS", {"credentials": "{hush"}, "credentials: .*JSON text of a service account"),
        ("GCS", {"credentials": '"hush"'}, "credentials: .*JSON text of a service account"),
        ("AZURE", {"container_name": "https://hush@x"}, "container_name: .*must look like container/folder"),
        ("S3DelegatedAccess", {"role_arn": "hush"}, "role_arn: "),
        ("OBS", {"resource_path": "s3://photos"}, "must look like obs://bucket/folder"),
        ("LOCAL", {"relative_path": "s3://photos"}, "relative_path: .*not a folder of this machine"),
    ],
)
def test_a_wrong_field_is_named_and_no_value_of_it_shown(kind, changed, said):
    with pytest.raises(BadRequestException, match=f"the {kind} datasource cannot be set: .*{said}") as caught:
        datasource_settings(kind, **{**FIELDS[kind], **changed})
    assert "hush" not in "".join(traceback.format_exception(caught.value)).replace("datasource_settings(", "")


def test_a_kind_or_purpose_that_there_is_not(workspace, photos):
    with pytest.raises(BadRequestException, match="'FTP' is not a kind of datasource; there are LOCAL, S3"):
        datasource_settings("FTP")
    with pytest.raises(
        BadRequestException, match=r"'OUTPUT' is not the purpose.*INPUT, LIGHTLY, INPUT_OUTPUT"
    ):
        transact(workspace, set_datasource, photos, datasource_settings("LOCAL"), "OUTPUT")


def test_a_relative_folder_is_meant_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert datasource_settings("LOCAL", relative_path="photos").location == str(tmp_path / "photos")
    assert datasource_settings("LOCAL").location == str(tmp_path)
    assert datasource_settings("LOCAL", relative_path="~/photos").location == os.path.expanduser("~/photos")


# Purposes


def local(path: str) -> Any:
    return datasource_settings("LOCAL", relative_path=path)


def test_each_purpose_has_its_datasource_and_one_may_serve_both(workspace, photos):
    def purposes() -> dict[str, str]:
        with reading(workspace) as session:
            return {
                purpose: get_datasource(session, photos, purpose).location for purpose in DatasourcePurpose
            }

    with (
        reading(workspace) as session,
        pytest.raises(NotFoundException, match=r"no LIGHTLY datasource; set one with"),
    ):
        get_datasource(session, photos, "LIGHTLY")
    transact(workspace, set_datasource, photos, local("/in"), "INPUT")
    transact(workspace, set_datasource, photos, local("/lightly"), "LIGHTLY")
    assert purposes() == {"INPUT": "/in", "LIGHTLY": "/lightly", "INPUT_OUTPUT": "/in"}
    transact(workspace, set_datasource, photos, local("/both"))
    assert set(purposes().values()) == {"/both"}
    transact(workspace, set_datasource, photos, local("/in2"), "INPUT")
    assert purposes() == {"INPUT": "/in2", "LIGHTLY": "/both", "INPUT_OUTPUT": "/both"}


def test_new_keys_do_not_restart_a_datapool_but_another_place_does(workspace, photos):
    def set_and_look(**changed: str) -> object:
        settings = datasource_settings("S3", **{**FIELDS["S3"], **changed})
        transact(workspace, set_datasource, photos, settings, "INPUT")
        with reading(workspace) as session:
            return get_datasource_config(session, photos).last_processed

    def process(session: Any) -> None:
        get_datasource_config(session, photos).last_processed = {"until": 7}

    assert set_and_look() is None
    transact(workspace, process)
    assert set_and_look(secret_access_key="new") == {"until": 7}
    assert set_and_look(resource_path="s3://elsewhere/") is None


# Opening and trying out


def test_input_cannot_be_written_and_lightly_can(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"a")
    source, lightly = open_input(local(str(tmp_path))), open_lightly(local(str(tmp_path)))
    assert not hasattr(source, "write")
    assert source.read("a.jpg") == b"a"
    lightly.write(".lightly/x.txt", b"x")
    assert (tmp_path / ".lightly" / "x.txt").read_bytes() == b"x"


def test_all_permissions_of_a_folder(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"a")
    found = datasource_permissions(local(str(tmp_path)), local(str(tmp_path)))
    assert found == dict.fromkeys(("can_list", "can_read", "can_write", "can_overwrite"), True)
    assert b"can be deleted" in (tmp_path / ".lightly" / "permission_check.txt").read_bytes()


def test_what_is_not_permitted_is_named(tmp_path):
    empty, missing = tmp_path / "empty", tmp_path / "missing"
    empty.mkdir()
    (tmp_path / "lightly").mkdir()
    (tmp_path / "lightly" / ".lightly").write_text("a file where the folder should be")
    found = datasource_permissions(local(str(empty)), local(str(tmp_path / "lightly")))
    errors = found.pop("errors")
    assert found == {"can_list": True, "can_read": False, "can_write": False, "can_overwrite": False}
    assert isinstance(errors, dict)
    assert "INPUT: there is no file to try it with" in errors["can_read"]
    assert "LIGHTLY: cannot write '.lightly/permission_check.txt'" in errors["can_write"]
    found = datasource_permissions(local(str(missing)), local(str(empty)))
    assert (found["can_list"], found["can_write"]) == (False, True)
    assert "missing does not exist" in found["errors"]["can_list"]  # type: ignore[index]
    found = datasource_permissions(local(str(empty)), local(str(missing)))
    assert found["can_write"] is False
    with pytest.raises(DatasourceError, match="missing does not exist"):
        open_input(local(str(missing)))
