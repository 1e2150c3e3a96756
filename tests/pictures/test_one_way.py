"""Whoever looks at a file sees the same picture: metadata, previews, sizes, the report, copies."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from lightly_nb.checks import check
from lightly_nb.checks.inspection import inspect
from lightly_nb.embedding.small_pictures import small_pictures
from lightly_nb.events import silent
from lightly_nb.exports.sizes import image_size
from lightly_nb.pictures import decode
from lightly_nb.pipeline.dumping import dump_images
from lightly_nb.report.sections.common import picture
from lightly_nb.samples import Samples
from lightly_nb.samples.thumbnails import preview_jpeg
from tests.photos import crops

RGB = crops(2, seed=3, side=96)[1]


def twelve_bits() -> bytes:
    buffer = io.BytesIO()
    values = RGB[:48, :, 1].astype(np.uint16) * 16
    tifffile.imwrite(buffer, values, photometric="miniswhite")
    return buffer.getvalue()


def second_page() -> bytes:
    buffer = io.BytesIO()
    blank = Image.new("L", (20, 90), 255)
    blank.save(buffer, "TIFF", save_all=True, append_images=[Image.fromarray(RGB[:48])])
    return buffer.getvalue()


def turned_in_xmp() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(RGB[:, :48]).save(buffer, "JPEG", quality=95, xmp=b'<d tiff:Orientation="6"/>')
    return buffer.getvalue()


def padded() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(RGB[:48]).save(buffer, "JPEG", quality=95)
    return bytes(7) + buffer.getvalue()[:-2] + bytes(99)


class Memory:
    def __init__(self, content: bytes):
        self.content = content

    def read(self, filename: str) -> bytes:
        return self.content


@pytest.mark.parametrize("make", [twelve_bits, second_page, turned_in_xmp, padded])
def test_everyone_sees_the_same_picture(make: object, tmp_path: Path) -> None:
    content = make()  # type: ignore[operator]
    rgb = decode(content).rgb
    assert rgb.shape == (48, 96, 3)
    source = Memory(content)
    samples = Samples(pd.DataFrame(index=["a.tif"]), source=source)
    seen = inspect(source, "a.tif")
    assert seen.rgb is not None
    np.testing.assert_array_equal(seen.rgb, rgb)
    table = check(samples, on_event=silent).table
    assert table[["lightly.width", "lightly.height"]].iloc[0].tolist() == [96, 48]
    assert table["lightly.meanRed"].iloc[0] == pytest.approx(rgb[..., 0].mean(), abs=0.01)
    assert image_size("a.tif", lambda name, n: content[:n]) == (96, 48)
    shown = [Image.open(io.BytesIO(preview_jpeg(content)))]
    shown.append(Image.open(io.BytesIO(picture(samples, "a.tif").tobytes())))
    shown.append(Image.fromarray(small_pictures(samples, np.array([0]))[0][0]))
    dump_images(source, ["a.tif"], tmp_path, image_format="png", on_event=silent)
    shown.append(Image.open(tmp_path / "a.png"))
    for image in shown:
        small = np.asarray(image.convert("RGB").resize((24, 12), Image.Resampling.BOX)).astype(int)
        expected = np.asarray(Image.fromarray(rgb).resize((24, 12), Image.Resampling.BOX))
        assert np.abs(small - expected).mean() < 6
    np.testing.assert_array_equal(np.asarray(shown[-1]), rgb)
