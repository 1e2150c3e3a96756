"""S3 through an assumed role: asked for when needed, again before it expires, and never shown."""

from __future__ import annotations

import pickle
import uuid
from collections.abc import Iterator

import pytest

from lightly_nb.errors import DatasourceError
from lightly_nb.workspace.data.datasource_kinds import DatasourceSettings, datasource_settings
from lightly_nb.workspace.data.datasources import open_input, open_lightly
from lightly_nb.workspace.data.permissions import datasource_permissions
from tests.workspace.role_server import EXTERNAL_ID, ROLE, RoleServer, role_server


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[RoleServer]:
    with role_server() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAME")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "my-own-secret")
        server.files.update({"photos/a.jpg": b"a", "photos/b.jpg": b"b"})
        yield server


def settings(external_id: str = EXTERNAL_ID) -> DatasourceSettings:
    region = f"eu-test-{uuid.uuid4().hex[:8]}"  # a role is assumed once a process: each test has its own
    role = {"role_arn": ROLE, "external_id": external_id}
    return datasource_settings(
        "S3DelegatedAccess", resource_path="s3://bucket/photos/", region=region, **role
    )


def test_a_role_is_assumed_once_for_many_files(aws):
    datasource = open_input(settings())
    assert sorted(entry.name for entry in datasource.list()) == ["a.jpg", "b.jpg"]
    assert [datasource.read(name) for name in ("a.jpg", "b.jpg")] == [b"a", b"b"]
    assert aws.tokens == ["session-0"]


def test_credentials_are_renewed_before_they_expire(aws):
    aws.seconds = 300  # nearer than the ten minutes in which they must be renewed
    datasource = open_input(settings())
    for _ in range(3):
        assert datasource.read("a.jpg") == b"a"
    assert len(aws.tokens) >= 3


def test_another_process_assumes_the_role_by_itself(aws):
    pickled = pickle.dumps(open_input(settings()))
    assert b"session-" not in pickled
    assert b"secret-" not in pickled
    assert pickle.loads(pickled).read("a.jpg") == b"a"


def test_writes_are_encrypted_with_the_key_that_the_environment_names(aws, monkeypatch):
    key = "arn:aws:kms:eu-central-1:123456789012:key/1"
    monkeypatch.setenv("LIGHTLY_S3_SSE_KMS_KEY", key)
    assert open_input(settings()).read("a.jpg") == b"a"
    open_lightly(settings()).write(".lightly/x.txt", b"x")
    assert aws.files["photos/.lightly/x.txt"] == b"x"
    assert aws.written_with == [key]


def test_a_role_that_is_refused_is_said_so_without_secrets(aws, caplog):
    caplog.set_level("DEBUG", logger="lightly_nb")
    wrong = settings("hush-other-id")
    with pytest.raises(DatasourceError, match=r"cannot list s3://bucket/photos/: .*not authorized") as caught:
        list(open_input(wrong).list())
    found = datasource_permissions(wrong, wrong)
    assert [found[name] for name in ("can_list", "can_read", "can_write", "can_overwrite")] == [False] * 4
    assert "hush-other-id" not in f"{caught.value}{found}{wrong!r}{open_input(wrong)!r}"


def test_all_permissions_of_one_bucket(aws):
    assert datasource_permissions(settings(), settings()) == dict.fromkeys(
        ("can_list", "can_read", "can_write", "can_overwrite"), True
    )
