"""Memory that runs out on one file is a reason to leave that file out, whatever a library calls it."""

from __future__ import annotations

import cv2
import pytest

from lightly_nb.checks import check
from lightly_nb.events import silent
from lightly_nb.reading import list_samples
from lightly_nb.reading.image_metadata import IMAGE_METADATA
from tests.photos import write_photographs


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        cv2.error("OpenCV(5.0.0) alloc.cpp:73: error: (-4:Insufficient memory) Failed to allocate 432000000"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1728000000 bytes."),
    ],
)
def test_a_picture_that_memory_is_too_small_for_is_left_out_with_that_reason(monkeypatch, tmp_path, error):
    """A sound file of 144 megapixels, as one library or another fails at it."""
    names = write_photographs(tmp_path, 3)

    def fails(picture):
        if picture.size_in_bytes == (tmp_path / names[1]).stat().st_size:
            raise error
        return 0.0

    monkeypatch.setitem(IMAGE_METADATA, "lightly.sharpness", fails)
    checked = check(list_samples(tmp_path, on_event=silent), on_event=silent)
    assert names[1] not in checked.filenames
    assert len(checked) == 2
    (row,) = checked.quarantine.itertuples()
    assert "too little memory" in row.reason
    assert "scale the file down" in row.what_to_do
    monkeypatch.setitem(IMAGE_METADATA, "lightly.sharpness", lambda picture: 1 / 0)
    with pytest.raises(ZeroDivisionError):  # no other error of ours is taken for damage
        check(list_samples(tmp_path, on_event=silent), on_event=silent)
