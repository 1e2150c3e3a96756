"""URLs opened by fsspec, here its file system in memory: same behaviour as a folder, and no secret shown."""

from __future__ import annotations

import dataclasses
import json
import pickle
import traceback
from collections.abc import Iterator
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from lightly_nb.datasource import Datasource, WritableDatasource, open_datasource
from lightly_nb.datasource.names import without_credentials
from lightly_nb.errors import DatasourceError
from lightly_nb.states import DatasourcePurpose

SECRET = "wJalrXUtnFEMI/K7MDENG"


class Vault(MemoryFileSystem):
    """Files in memory that want a key, and blab it in their errors, as some real ones do."""

    protocol = "vault"
    store: dict[str, Any] = {}  # noqa: RUF012 - fsspec's own form
    pseudo_dirs = [""]  # noqa: RUF012
    locked = ""

    def ls(self, path: str, detail: bool = True, **options: Any) -> Any:
        if self.locked and path.endswith(self.locked):
            raise PermissionError(f"denied for {self.storage_options}")
        return super().ls(path, detail=detail, **options)

    def cat_file(self, path: str, **options: Any) -> bytes:
        if "refused" in path:
            raise RuntimeError(f"403 for vault://me:pa55@h{path}?sig=abcdef with {self.storage_options}")
        content: bytes = super().cat_file(path, **options)
        return content

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.replace("vault://", "memory://")))


@pytest.fixture
def bucket() -> Iterator[str]:
    files = MemoryFileSystem()
    for name in [
        "a.jpg",
        "sub/b c.jpg",
        "sub/ü.png",
        ".lightly/t.jpg",
        "sub/.lightly/u.jpg",
        "two\nlines.jpg",
    ]:
        files.pipe_file(f"/bucket/{name}", name.encode())
    yield "memory://bucket"
    files.rm("/bucket", recursive=True)


@pytest.fixture
def vault() -> Iterator[Datasource]:
    fsspec.register_implementation("vault", Vault, clobber=True)
    Vault().pipe_file("/photos/a.jpg", b"x")
    Vault().pipe_file("/photos/deep/b.jpg", b"x")
    yield open_datasource("vault://photos", storage_options={"secret": SECRET, "more": {"token": b"tok-tok"}})
    Vault.store.clear()
    Vault.locked = ""


def test_lists_and_reads_like_a_folder(bucket: str) -> None:
    datasource = open_datasource(bucket)
    entries = {entry.name: entry for entry in datasource.list()}
    assert set(entries) == {"a.jpg", "sub/b c.jpg", "sub/ü.png", "two\nlines.jpg"}
    assert "line break" in entries["two\nlines.jpg"].refused
    assert entries["sub/ü.png"].size == len("sub/ü.png".encode())
    assert entries["a.jpg"].version
    assert entries["a.jpg"] == datasource.look("a.jpg")
    assert datasource.read("sub/b c.jpg") == b"sub/b c.jpg"
    assert datasource.folder is None
    assert [entry.name for entry in datasource.list(exclude=["sub"]) if not entry.refused] == ["a.jpg"]


def test_names_are_checked_and_missing_files_said(bucket: str) -> None:
    datasource = open_datasource(bucket + "/sub")
    with pytest.raises(DatasourceError, match=r"cannot read '../a.jpg' in memory://bucket/sub: .* '..' part"):
        datasource.read("../a.jpg")
    with pytest.raises(
        DatasourceError, match=r"cannot read 'no.jpg' in memory://bucket/sub: FileNotFoundError"
    ):
        datasource.read("no.jpg")
    assert datasource.look("no.jpg").refused == "there is no such file"
    assert datasource.look("../a.jpg").refused
    with pytest.raises(DatasourceError, match="cannot list memory://bucket/nowhere"):
        list(open_datasource(bucket + "/nowhere").list())


def test_writes_for_lightly_only(bucket: str) -> None:
    datasource = open_datasource(bucket, purpose=DatasourcePurpose.LIGHTLY)
    assert isinstance(datasource, WritableDatasource)
    datasource.write(".lightly/x/y.json", b"1")
    datasource.write(".lightly/x/y.json", b"2")
    assert datasource.exists(".lightly/x/y.json")
    assert datasource.read(".lightly/x/y.json") == b"2"
    with pytest.raises(DatasourceError, match="there is such a file already"):
        datasource.write("a.jpg", b"evil")
    with pytest.raises(DatasourceError, match=r"'..' part"):
        datasource.write(".lightly/../../other/a.jpg", b"evil")
    assert not hasattr(open_datasource(bucket), "write")


def test_pickles(bucket: str) -> None:
    assert pickle.loads(pickle.dumps(open_datasource(bucket))).read("a.jpg") == b"a.jpg"


def test_secrets_reach_the_file_system_and_nothing_else(vault: Datasource) -> None:
    assert vault.read("a.jpg") == b"x"
    shown = [repr(vault), str(vault), repr(vault._files), repr(dataclasses.asdict(vault)), vault.url]
    with pytest.raises(DatasourceError, match=r"cannot read 'refused.jpg' in vault://photos") as caught:
        vault.read("refused.jpg")
    shown += ["".join(traceback.format_exception(caught.value))]
    assert "403" in shown[-1]
    for text in shown:
        assert [secret for secret in (SECRET, "tok-tok", "pa55", "abcdef") if secret in text] == [], text
    with pytest.raises(TypeError):
        json.dumps(dataclasses.asdict(vault))
    assert pickle.loads(pickle.dumps(vault)).read("a.jpg") == b"x"


def test_secrets_of_the_url_itself_are_masked_in_errors(vault: Datasource) -> None:
    datasource = open_datasource("vault://me:hunt%2Fer22@photos?token=to-ken", storage_options={})
    files = datasource._files
    with pytest.raises(DatasourceError) as caught, files.errors_of("read", "a.jpg"):  # type: ignore[attr-defined]
        raise RuntimeError("not hunt/er22 or hunt%2Fer22, nor to-ken")
    assert str(caught.value).endswith("not ********** or **********, nor **********")
    assert datasource.url == "vault://photos"


def test_a_folder_that_may_not_be_listed_does_not_stop_the_listing(vault: Datasource) -> None:
    Vault.locked = "deep"
    entries = {entry.name: entry for entry in vault.list()}
    assert set(entries) == {"a.jpg", "deep/"}
    assert "PermissionError" in entries["deep/"].refused
    assert SECRET not in entries["deep/"].refused


def test_unknown_kinds_of_url_are_said() -> None:
    with pytest.raises(DatasourceError, match=r"cannot open nosuch://bucket: ValueError: Protocol not known"):
        open_datasource("nosuch://me:secret@bucket")


def test_another_kind_is_one_function() -> None:
    from lightly_nb.datasource import KINDS
    from lightly_nb.datasource.remote import fsspec_files

    kinds = {**KINDS, "mine": lambda url, options: fsspec_files(url.replace("mine://", "memory://"), options)}
    assert open_datasource("mine://photos", kinds=kinds).url == "memory://photos"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("s3://bucket/photos", "s3://bucket/photos"),
        ("s3://AKIA:se/cr+et@bucket/photos", "s3://bucket/photos"),
        ("https://token@host/a@b", "https://host/a@b"),
        ("https://host/a?sig=secret#x", "https://host/a"),
        ("https://me:p?w#d@host/a?sig=secret", "https://host/a"),
        ("simplecache::s3://me:secret@bucket/x", "simplecache::s3://bucket/x"),
        ("zip://*.jpg::https://me:secret@host/x.zip?sig=secret", "zip://*.jpg::https://host/x.zip"),
        (
            "abfs://container@account.dfs.core.windows.net/x",
            "abfs://container@account.dfs.core.windows.net/x",
        ),
        ("abfs://c:secret@account.dfs.core.windows.net/x", "abfs://account.dfs.core.windows.net/x"),
        ("/home/a@b/c?d", "/home/a@b/c?d"),
    ],
)
def test_urls_are_shown_without_credentials(url: str, shown: str) -> None:
    assert without_credentials(url) == shown
