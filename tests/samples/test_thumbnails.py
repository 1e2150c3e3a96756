"""Thumbnails: small JPEGs in one packed file."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightly_nb.errors import InputError, RunError
from lightly_nb.samples.thumbnails import ThumbnailPack, offsets_path, thumbnail_jpeg, write_thumbnails
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


def test_a_pack_gives_back_every_jpeg_also_after_pickling(tmp_path: Path) -> None:
    jpegs = [b"first", b"", b"third one", b"4"]
    write_thumbnails(tmp_path / "sub" / "t.pack", iter(jpegs))
    pack = ThumbnailPack(tmp_path / "sub" / "t.pack")
    again = pickle.loads(pickle.dumps(pack))
    assert [pack.read(i) for i in range(len(pack))] == [again.read(i) for i in range(len(again))] == jpegs
    assert (tmp_path / "sub" / "t.pack").read_bytes() == b"".join(jpegs)
    assert sorted(path.name for path in (tmp_path / "sub").iterdir()) == ["t.pack", "t.pack.offsets.npy"]


@pytest.mark.parametrize("number", [-1, 2])
def test_a_number_that_is_not_there_is_an_error(tmp_path: Path, number: int) -> None:
    write_thumbnails(tmp_path / "t.pack", [b"a", b"b"])
    with pytest.raises(InputError, match="has the numbers 0 to 1"):
        ThumbnailPack(tmp_path / "t.pack").read(number)


def test_an_empty_pack_is_whole(tmp_path: Path) -> None:
    write_thumbnails(tmp_path / "t.pack", [])
    assert len(ThumbnailPack(tmp_path / "t.pack")) == 0


def test_files_that_are_missing_or_of_two_packs_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        ThumbnailPack(tmp_path / "none.pack")
    write_thumbnails(tmp_path / "a.pack", [b"a", b"b"])
    write_thumbnails(tmp_path / "b.pack", [b"a long one"])
    offsets_path(tmp_path / "b.pack").replace(offsets_path(tmp_path / "a.pack"))
    with pytest.raises(InputError, match="of another pack"):
        ThumbnailPack(tmp_path / "a.pack")


def test_a_pack_that_was_there_survives_a_writer_that_fails(tmp_path: Path) -> None:
    def failing() -> Iterator[bytes]:
        yield b"new"
        raise OSError(28, "No space left on device")

    write_thumbnails(tmp_path / "t.pack", [b"old"])
    with pytest.raises(RunError, match=r"cannot write the thumbnails .*No space left on device"):
        write_thumbnails(tmp_path / "t.pack", failing())
    assert ThumbnailPack(tmp_path / "t.pack").read(0) == b"old"
    assert len(list(tmp_path.iterdir())) == 2
