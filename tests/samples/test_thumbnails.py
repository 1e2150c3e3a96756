"""Thumbnails: small JPEGs in one Arrow file."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from lightly_nb.errors import InputError, RunError
from lightly_nb.samples import thumbnails
from lightly_nb.samples.thumbnails import ThumbnailPack, small_jpeg, thumbnail_jpeg, write_thumbnails
from tests.photos import photographs


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((427, 640), (85, 128)),
        ((640, 427), (128, 85)),
        ((40, 30), (40, 30)),
        ((2000, 3), (128, 1)),
        ((1, 1), (1, 1)),
    ],
)
def test_the_longer_side_is_at_most_the_size_and_the_shape_is_kept(
    shape: tuple[int, int], expected: tuple[int, int]
) -> None:
    with Image.open(io.BytesIO(thumbnail_jpeg(np.zeros((*shape, 3), np.uint8)))) as image:
        assert (image.height, image.width) == expected
        assert image.format == "JPEG"


@pytest.mark.parametrize("size", [64, 100, 128])
def test_a_thumbnail_shows_the_photograph(size: int) -> None:
    for rgb in photographs():
        jpeg = thumbnail_jpeg(rgb, size)
        with Image.open(io.BytesIO(jpeg)) as image:
            expected = np.asarray(Image.fromarray(rgb).resize(image.size, Image.Resampling.BOX), dtype=float)
            assert np.abs(np.asarray(image) - expected).mean() < 10
        assert len(jpeg) < 12_000


@pytest.mark.parametrize("height", [20, 56])
def test_a_small_picture_is_upright_and_at_most_twice_as_wide_as_high(height: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter to the right
    buffer = io.BytesIO()
    Image.new("RGB", (900, 300), "red").save(buffer, "JPEG", exif=exif)
    with Image.open(io.BytesIO(small_jpeg(buffer.getvalue(), height))) as image:
        assert image.height == height
        assert image.width == pytest.approx(height / 3, abs=1)
    with Image.open(
        io.BytesIO(small_jpeg(thumbnail_jpeg(np.zeros((100, 900, 3), np.uint8)), height))
    ) as image:
        assert image.width <= 2 * height
        assert image.height <= height


@pytest.mark.parametrize("batch_bytes", [1, 12, 2**20])
def test_a_pack_gives_back_every_jpeg_also_after_pickling(
    tmp_path: Path, batch_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thumbnails, "BATCH_BYTES", batch_bytes)
    jpegs = [b"first", b"", b"third one", b"4"]
    path = tmp_path / "sub" / "t.arrow"
    write_thumbnails(path, iter(jpegs))
    pack = ThumbnailPack(path)
    again = pickle.loads(pickle.dumps(pack))
    assert [pack.read(i) for i in range(len(pack))] == [again.read(i) for i in range(len(again))] == jpegs
    with pa.ipc.open_file(str(path)) as reader:
        assert reader.read_all().to_pydict() == {"jpeg": jpegs}
    assert [file.name for file in path.parent.iterdir()] == ["t.arrow"]


def test_a_pack_is_written_as_it_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnails, "BATCH_BYTES", 30_000)
    sizes: list[int] = []

    def coming() -> Iterator[bytes]:
        for _ in range(20):
            (aside,) = tmp_path.iterdir()
            sizes.append(aside.stat().st_size)
            yield b"x" * 10_000

    write_thumbnails(tmp_path / "t.arrow", coming())
    held = 10_000 * np.arange(20) - np.array(sizes)
    assert held.max() < 30_000 + 8_192  # the batch, and what the file object holds


def test_a_pack_can_be_replaced_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.arrow"
    write_thumbnails(path, [b"one", b"two"])
    pack = ThumbnailPack(path)
    write_thumbnails(path, (pack.read(number) for number in (1, 0, 1)))
    assert [pack.read(0), pack.read(1)] == [b"one", b"two"]
    assert [ThumbnailPack(path).read(number) for number in range(3)] == [b"two", b"one", b"two"]


@pytest.mark.parametrize("number", [-1, 2])
def test_a_number_that_is_not_there_is_an_error(tmp_path: Path, number: int) -> None:
    write_thumbnails(tmp_path / "t.arrow", [b"a", b"b"])
    with pytest.raises(InputError, match="has the numbers 0 to 1"):
        ThumbnailPack(tmp_path / "t.arrow").read(number)


def test_an_empty_pack_is_whole(tmp_path: Path) -> None:
    write_thumbnails(tmp_path / "t.arrow", [])
    assert len(ThumbnailPack(tmp_path / "t.arrow")) == 0


def test_a_file_that_is_missing_or_of_another_kind_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty.arrow").touch()
    (tmp_path / "text.arrow").write_text("no pack at all")
    others = {"names.arrow": pa.table({"filename": ["a"]}), "texts.arrow": pa.table({"jpeg": ["a"]})}
    for name, table in others.items():
        with pa.ipc.new_file(str(tmp_path / name), table.schema) as writer:
            writer.write_table(table)
    for name in ("none.arrow", "empty.arrow", "text.arrow", *others, "."):
        with pytest.raises(
            InputError, match=r"thumbnails .*: cannot be read \(.+\); embed the samples again"
        ):
            ThumbnailPack(tmp_path / name)


def test_a_pack_that_is_cut_anywhere_is_an_error(tmp_path: Path) -> None:
    write_thumbnails(tmp_path / "t.arrow", [b"first", b"second"])
    whole = (tmp_path / "t.arrow").read_bytes()
    for end in range(len(whole)):
        (tmp_path / "cut.arrow").write_bytes(whole[:end])
        with pytest.raises(InputError, match="cannot be read"):
            ThumbnailPack(tmp_path / "cut.arrow")


def test_a_damaged_pack_is_an_error_or_readable_but_never_the_end_of_the_process(tmp_path: Path) -> None:
    write_thumbnails(tmp_path / "t.arrow", [bytes([number]) * 20 for number in range(10)])
    whole, rng = (tmp_path / "t.arrow").read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(200):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] = rng.integers(256)
        (tmp_path / "t.arrow").write_bytes(damaged)
        try:
            pack = ThumbnailPack(tmp_path / "t.arrow")
        except InputError:
            refused += 1
        else:
            assert all(len(pack.read(number)) <= len(whole) for number in range(len(pack)))
    assert refused > 20


def test_a_pack_that_was_there_survives_a_writer_that_fails(tmp_path: Path) -> None:
    def failing() -> Iterator[bytes]:
        yield b"new"
        raise OSError(28, "No space left on device")

    write_thumbnails(tmp_path / "t.arrow", [b"old"])
    with pytest.raises(RunError, match=r"cannot write the thumbnails .*No space left on device"):
        write_thumbnails(tmp_path / "t.arrow", failing())
    assert ThumbnailPack(tmp_path / "t.arrow").read(0) == b"old"
    assert len(list(tmp_path.iterdir())) == 1
