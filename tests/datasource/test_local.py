"""Local folders: what is listed, what is refused, and that nothing leaves or overwrites the root."""

from __future__ import annotations

import os
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightly_nb.datasource import Datasource, Entry, WritableDatasource, open_datasource
from lightly_nb.datasource.names import name_problem
from lightly_nb.errors import DatasourceError, InputError
from lightly_nb.states import DatasourcePurpose


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with files, beside another with a secret."""
    make(tmp_path / "outside" / "secret.jpg", b"secret")
    for name in ["a.jpg", "sub/b.jpg", "sub/deep/c.jpg", ".lightly/thumbnails/t.jpg", "sub/.lightly/x.jpg"]:
        make(tmp_path / "root" / name, name.encode())
    return tmp_path / "root"


def make(path: Path, content: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def usable(datasource: Datasource, **options: object) -> list[str]:
    return sorted(entry.name for entry in datasource.list(**options) if not entry.refused)


def refused(datasource: Datasource) -> dict[str, str]:
    return {entry.name: entry.refused for entry in datasource.list() if entry.refused}


def writable(root: Path) -> WritableDatasource:
    return open_datasource(root, purpose=DatasourcePurpose.LIGHTLY)


def test_lists_all_but_the_lightly_folders(root: Path) -> None:
    assert usable(open_datasource(root)) == ["a.jpg", "sub/b.jpg", "sub/deep/c.jpg"]


def test_an_entry_has_the_size_and_changes_its_version_with_the_file(root: Path) -> None:
    datasource = open_datasource(root)
    before = datasource.look("a.jpg")
    assert before == next(entry for entry in datasource.list() if entry.name == "a.jpg")
    assert before.size == len(b"a.jpg")
    os.utime(root / "a.jpg", ns=(1, 1))
    assert datasource.look("a.jpg") == Entry("a.jpg", before.size, "1")


def test_unwanted_files_are_asked_for_once_and_left_out(root: Path) -> None:
    asked: list[str] = []
    listed = open_datasource(root).list(lambda name: bool(asked.append(name)) or name.startswith("sub"))
    assert sorted(entry.name for entry in listed) == ["sub/b.jpg", "sub/deep/c.jpg"]
    assert sorted(asked) == ["a.jpg", "sub/b.jpg", "sub/deep/c.jpg"]


def test_excluded_folders_are_not_walked(root: Path) -> None:
    make(root / "sub-2/d.jpg")
    assert usable(open_datasource(root), exclude=["sub"]) == ["a.jpg", "sub-2/d.jpg"]
    assert usable(open_datasource(root), exclude=["sub/deep"]) == ["a.jpg", "sub-2/d.jpg", "sub/b.jpg"]


@pytest.mark.parametrize(
    "as_location", [str, Path, lambda path: path.as_uri(), lambda path: f"file://{path}"]
)
def test_a_folder_with_odd_characters_opens_in_every_form(tmp_path: Path, as_location: object) -> None:
    folder = tmp_path / "été 100% #1 ?"
    make(folder / "a.jpg", b"x")
    datasource = open_datasource(as_location(folder))  # type: ignore[operator]
    assert datasource.read("a.jpg") == b"x"
    assert datasource.folder == folder


def test_home_and_relative_paths_open(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(root))
    assert open_datasource("~/sub").read("b.jpg") == b"sub/b.jpg"
    monkeypatch.chdir(root)
    datasource = open_datasource("sub")
    monkeypatch.chdir("/")
    assert datasource.read("b.jpg") == b"sub/b.jpg"


def test_opening_says_what_is_wrong(root: Path) -> None:
    with pytest.raises(DatasourceError, match=r"no such folder: .*/rooot does not exist; check the spelling"):
        open_datasource(root.parent / "rooot")
    with pytest.raises(DatasourceError, match=r"a\.jpg is a file, not a folder; to use one file give a list"):
        open_datasource(root / "a.jpg")
    with pytest.raises(InputError, match=r"relative; a file URL has three slashes"):
        open_datasource("file://photos")
    with pytest.raises(InputError, match=r"a folder or URL .*, got ''"):
        open_datasource("")
    with pytest.raises(InputError, match=r"\['key'\] are for buckets") as caught:
        open_datasource(root, storage_options={"key": "hunter22"})
    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        *("../outside/secret.jpg", "sub/../../outside/secret.jpg", "sub/..", "..", "./a.jpg", "sub//b.jpg"),
        *("sub/", "..\\outside\\secret.jpg", "a.jpg\0", "a\n.jpg", "", "\udcff.jpg"),
    ],
)
def test_names_that_lead_out_or_fit_no_list_are_refused(root: Path, name: str) -> None:
    datasource = writable(root)
    assert datasource.look(name).refused
    for attempt in (datasource.read, datasource.exists, lambda name: datasource.write(name, b"evil")):
        with pytest.raises(DatasourceError, match=r"cannot .* in .*/root: the name "):
            attempt(name)
    assert (root.parent / "outside/secret.jpg").read_bytes() == b"secret"


def test_absolute_names_are_refused(root: Path) -> None:
    with pytest.raises(DatasourceError, match="the name is absolute"):
        open_datasource(root).read(str(root / "a.jpg"))


@settings(deadline=None)
@given(st.lists(st.sampled_from(["..", ".", "", "a", "a.jpg", "\\", "a..b", "~", " "]), min_size=1))
def test_a_name_without_problem_stays_below_its_folder(parts: list[str]) -> None:
    name = "/".join(parts)
    if name_problem(name) is None:
        assert os.path.normpath(os.path.join("/root", name)) == "/root/" + name
    else:
        assert {"..", ".", "", "\\"} & set(parts)


def test_links_that_lead_out_are_refused_at_listing_and_at_read(root: Path) -> None:
    (root / "file.jpg").symlink_to(root.parent / "outside/secret.jpg")
    (root / "folder").symlink_to(root.parent / "outside")
    (root / "sub/relative.jpg").symlink_to("../../outside/secret.jpg")
    (root.parent / "root-2").mkdir()
    (root / "neighbour").symlink_to(root.parent / "root-2")  # its path starts like the root's
    datasource = open_datasource(root)
    assert usable(datasource) == ["a.jpg", "sub/b.jpg", "sub/deep/c.jpg"]
    assert set(refused(datasource)) == {"file.jpg", "folder", "sub/relative.jpg", "neighbour"}
    for name in ["file.jpg", "folder/secret.jpg", "sub/relative.jpg"]:
        assert datasource.look(name).refused == "a link that leads out of the source folder"
        with pytest.raises(DatasourceError, match="a link that leads out of the source folder"):
            datasource.read(name)


def test_links_inside_the_root_are_listed_and_read(root: Path) -> None:
    (root / "file.jpg").symlink_to("sub/b.jpg")
    (root / "folder").symlink_to("sub/deep")
    datasource = open_datasource(root)
    assert usable(datasource) == ["a.jpg", "file.jpg", "folder/c.jpg", "sub/b.jpg", "sub/deep/c.jpg"]
    assert datasource.read("folder/c.jpg") == datasource.read("sub/deep/c.jpg") == b"sub/deep/c.jpg"
    assert datasource.look("file.jpg").size == len(b"sub/b.jpg")


def test_a_root_that_is_itself_a_link_opens(root: Path) -> None:
    (root.parent / "link").symlink_to(root)
    datasource = open_datasource(root.parent / "link")
    assert usable(datasource) == ["a.jpg", "sub/b.jpg", "sub/deep/c.jpg"]
    assert datasource.read("a.jpg") == b"a.jpg"


def test_link_cycles_end(root: Path) -> None:
    for number in range(12):  # each folder links to the root and to every other: 12! paths without a limit
        (root / f"f{number:02d}").mkdir()
        make(root / f"f{number:02d}/x.jpg")
    for number in range(12):
        (root / f"f{number:02d}" / "up").symlink_to(root)
        for other in range(12):
            (root / f"f{number:02d}" / f"to{other:02d}").symlink_to(root / f"f{other:02d}")
    (root / "self.jpg").symlink_to("self.jpg")
    names = usable(open_datasource(root))
    assert len(names) == 3 + 12 + 12 * 11
    assert "f03/to07/x.jpg" in names


def test_links_into_lightly_or_an_excluded_folder_are_left_out(root: Path) -> None:
    (root / "thumbs").symlink_to(".lightly/thumbnails")
    (root / "t.jpg").symlink_to(".lightly/thumbnails/t.jpg")
    (root / "again").symlink_to("sub/deep")
    assert usable(open_datasource(root), exclude=["sub"]) == ["a.jpg"]


def test_broken_links_pipes_and_odd_names_are_refused_with_what_to_do(root: Path) -> None:
    (root / "gone.jpg").symlink_to("nowhere.jpg")
    os.mkfifo(root / "pipe.jpg")
    make(root / "two\nlines.jpg")
    make(root / "odd\nfolder/x.jpg")
    make(root / "back\\slash.jpg")
    with open(os.fsencode(root) + b"/latin-\xe9.jpg", "wb"):
        pass
    datasource = open_datasource(root)
    reasons = refused(datasource)
    assert reasons["gone.jpg"] == "there is no such file"
    assert reasons["pipe.jpg"] == "not a regular file"
    assert "line break" in reasons["two\nlines.jpg"]
    assert "line break" in reasons["odd\nfolder"]
    assert "backslash" in reasons["back\\slash.jpg"]
    assert "UTF-8" in reasons["latin-\udce9.jpg"]
    assert all(entry.what_to_do for entry in datasource.list() if entry.refused)
    assert usable(datasource) == ["a.jpg", "sub/b.jpg", "sub/deep/c.jpg"]


def test_reading_a_pipe_or_a_folder_is_an_error_and_does_not_wait(root: Path) -> None:
    os.mkfifo(root / "pipe.jpg")
    with pytest.raises(DatasourceError, match=r"cannot read 'pipe.jpg' in .*: it is not a regular file"):
        open_datasource(root).read("pipe.jpg")
    with pytest.raises(DatasourceError, match=r"cannot read 'sub' in .*: Is a directory"):
        open_datasource(root).read("sub")
    with pytest.raises(DatasourceError, match=r"cannot read 'no.jpg' in .*/root: No such file"):
        open_datasource(root).read("no.jpg")


def test_a_folder_that_cannot_be_entered_does_not_stop_the_listing(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lightly_nb.datasource.local.scandir", locked(root / "sub/deep"))
    datasource = open_datasource(root)
    assert usable(datasource) == ["a.jpg", "sub/b.jpg"]
    assert refused(datasource) == {"sub/deep/": "the folder cannot be listed: Permission denied"}
    monkeypatch.setattr("lightly_nb.datasource.local.scandir", locked(root))
    with pytest.raises(DatasourceError, match=r"cannot list .*/root: Permission denied"):
        list(datasource.list())


def locked(folder: Path) -> object:
    """`os.scandir`, but that it may not enter `folder`: root, who may run the tests, can enter any."""

    def scandir(path: str) -> object:
        if Path(path) == folder:
            raise PermissionError(13, "Permission denied", path)
        return os.scandir(path)

    return scandir


@pytest.mark.skipif(os.geteuid() == 0, reason="root can enter and read everything")
def test_real_permissions(root: Path) -> None:
    (root / "sub").chmod(0)
    (root / "a.jpg").chmod(0)
    try:
        assert usable(open_datasource(root)) == ["a.jpg"]
        with pytest.raises(DatasourceError, match="Permission denied"):
            open_datasource(root).read("a.jpg")
    finally:
        (root / "sub").chmod(0o755)


def test_input_has_nothing_that_writes(root: Path) -> None:
    datasource = open_datasource(root, purpose=DatasourcePurpose.INPUT)
    assert type(datasource) is Datasource
    assert type(writable(root).read_only()) is Datasource
    public = {name for name in dir(datasource) if not name.startswith("_")}
    assert public == {"folder", "list", "look", "read", "read_only", "read_url", "url"}
    with pytest.raises(AttributeError):
        datasource._files = None  # type: ignore[misc, assignment]


@pytest.mark.parametrize("purpose", [DatasourcePurpose.LIGHTLY, DatasourcePurpose.INPUT_OUTPUT])
def test_lightly_writes_reads_back_and_replaces_below_lightly(root: Path, purpose: DatasourcePurpose) -> None:
    datasource = open_datasource(root, purpose=purpose)
    assert isinstance(datasource, WritableDatasource)
    name = ".lightly/predictions/täsk/a b.json"
    assert not datasource.exists(name)
    datasource.write(name, b"one")
    datasource.write(name, b"two")
    assert datasource.exists(name)
    assert datasource.read(name) == b"two"
    assert [path.name for path in (root / name).parent.iterdir()] == ["a b.json"]


def test_writing_never_replaces_an_input_file(root: Path) -> None:
    with pytest.raises(DatasourceError, match=r"cannot write 'a.jpg' in .*: there is such a file already"):
        writable(root).write("a.jpg", b"evil")
    assert (root / "a.jpg").read_bytes() == b"a.jpg"
    writable(root).write("thumbs/a.jpg", b"new")
    assert (root / "thumbs/a.jpg").read_bytes() == b"new"


def test_writing_does_not_follow_links_out(root: Path) -> None:
    (root / ".lightly/out").symlink_to(root.parent / "outside")
    with pytest.raises(DatasourceError, match="a link that leads out"):
        writable(root).write(".lightly/out/secret.jpg", b"evil")
    (root / ".lightly/link.jpg").symlink_to(root.parent / "outside/secret.jpg")
    writable(root).write(".lightly/link.jpg", b"new")
    assert (root.parent / "outside/secret.jpg").read_bytes() == b"secret"
    assert (root / ".lightly/link.jpg").read_bytes() == b"new"


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasource = writable(root)
    datasource.write(".lightly/x/a.json", b"old")

    def full(source: str, target: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lightly_nb.datasource.local.os.replace", full)
    with pytest.raises(
        DatasourceError, match=r"cannot write '.lightly/x/a.json' .*: No space left on device"
    ):
        datasource.write(".lightly/x/a.json", b"new")
    assert {path.name: path.read_bytes() for path in (root / ".lightly/x").iterdir()} == {"a.json": b"old"}


def read_in_worker(datasource: Datasource, name: str) -> bytes:
    return datasource.read(name)


def test_another_process_reads_through_a_pickled_datasource(root: Path) -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(read_in_worker, open_datasource(root), "sub/b.jpg").result() == b"sub/b.jpg"
    again = pickle.loads(pickle.dumps(writable(root)))
    assert again == writable(root)
    assert repr(again) == f"WritableDatasource({str(root)!r})"
