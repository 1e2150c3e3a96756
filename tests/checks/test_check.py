"""Corruptness check and exact duplicates: the bad go to quarantine, in whatever order files are read."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lightly_nb.checks import check
from lightly_nb.checks.dullness import say_if_dull
from lightly_nb.checks.findings import CORRUPTNESS_CHECK, EXACT_DUPLICATES, exact_duplicates
from lightly_nb.errors import DatasourceError, InputError, RunCanceled
from lightly_nb.events import Event, silent
from lightly_nb.reading.image_metadata import IMAGE_METADATA
from lightly_nb.samples import Samples
from lightly_nb.samples.categories import category_codes
from tests.photos import crops


def jpeg(rgb: np.ndarray) -> bytes:
    """Return a picture as a JPEG file."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


PHOTOS = [jpeg(rgb) for rgb in crops(8, seed=2)]
FILES: dict[str, bytes] = {
    "a/été 1.jpg": PHOTOS[0],
    "a/copy, of 1.jpg": PHOTOS[0],
    "z copy.jpeg": PHOTOS[0],
    "b/日本.jpg": PHOTOS[1],
    "b/cut.jpg": PHOTOS[2][: len(PHOTOS[2]) // 2],
    "b/empty.jpg": b"",
    "b/also empty.jpg": b"",
    "b/text.png": b"I am not an image",
    "b/really a jpeg.png": PHOTOS[3],
    "c.jpg": PHOTOS[4],
}
CORRUPT = ["b/also empty.jpg", "b/cut.jpg", "b/empty.jpg", "b/text.png", "locked.jpg"]


@dataclass
class Memory:
    """A source of files in memory that counts its reads and takes a random time for each."""

    files: Mapping[str, bytes]
    reads: list[str] = field(default_factory=list)
    locked: str = "locked.jpg"

    def read(self, filename: str) -> bytes:
        self.reads.append(filename)
        time.sleep(np.random.default_rng(len(self.reads)).uniform(0, 0.003))
        if filename == self.locked:
            raise DatasourceError("permission denied")
        return self.files[filename]


def samples_of(files: Mapping[str, bytes], names: list[str] | None = None) -> Samples:
    """Return samples of files in memory, in the order of `names`."""
    return Samples(pd.DataFrame(index=names or list(files)), source=Memory(files))


def test_every_bad_file_is_in_quarantine_with_a_reason_and_the_good_ones_are_described() -> None:
    samples = samples_of(FILES, [*FILES, "locked.jpg"])
    checked = check(samples, on_event=silent)
    assert checked.filenames == ["a/copy, of 1.jpg", "b/日本.jpg", "b/really a jpeg.png", "c.jpg"]
    assert checked.table["picture_note"].to_dict() == {
        "a/copy, of 1.jpg": "",
        "b/日本.jpg": "",
        "b/really a jpeg.png": "wrong ending: the content is JPEG, the name ends in '.png'",
        "c.jpg": "",
    }
    quarantine = checked.quarantine.set_index("filename")
    corrupt = quarantine[quarantine["stage"] == CORRUPTNESS_CHECK]
    assert corrupt.index.tolist() == CORRUPT
    assert corrupt["duplicate_of"].isna().all()
    for name, word in {
        "b/cut.jpg": "truncated JPEG",
        "b/empty.jpg": "empty",
        "b/text.png": "not an image",
        "locked.jpg": "cannot be read: permission denied",
    }.items():
        assert word in corrupt.loc[name, "reason"]
        assert corrupt.loc[name, "what_to_do"]
    duplicates = quarantine[quarantine["stage"] == EXACT_DUPLICATES]
    assert duplicates["duplicate_of"].to_dict() == {
        "a/été 1.jpg": "a/copy, of 1.jpg",
        "z copy.jpeg": "a/copy, of 1.jpg",
    }
    assert set(IMAGE_METADATA) <= set(checked.table)
    assert checked.table["lightly.width"].tolist() == [96] * 4
    assert checked.table.loc["c.jpg", "lightly.sizeInBytes"] == len(PHOTOS[4])
    assert checked.table["content_hash"].str.fullmatch("[0-9a-f]{64}").all()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("num_workers", [1, 4])
def test_the_result_does_not_depend_on_the_order_or_the_threads(seed: int, num_workers: int) -> None:
    names = [*FILES, "locked.jpg"]
    shuffled = [names[i] for i in np.random.default_rng(seed).permutation(len(names))]
    expected = check(samples_of(FILES, names), on_event=silent)
    got = check(samples_of(FILES, shuffled), num_workers=num_workers, on_event=silent)
    assert got.filenames == [name for name in shuffled if name in expected.filenames]
    pd.testing.assert_frame_equal(got.table.sort_index(), expected.table.sort_index())
    pd.testing.assert_frame_equal(got.quarantine, expected.quarantine)


def test_each_file_is_read_once() -> None:
    samples = samples_of(FILES)
    check(samples, on_event=silent)
    assert sorted(samples.source.reads) == sorted(FILES)  # type: ignore[union-attr]


def test_checks_can_be_turned_off() -> None:
    checked = check(
        samples_of(FILES), enable_corruptness_check=False, remove_exact_duplicates=False, on_event=silent
    )
    assert set(FILES) - set(checked.filenames) == {"b/empty.jpg", "b/also empty.jpg", "b/text.png"}


def test_fast_decoding_finds_the_same_files() -> None:
    full, fast = (check(samples_of(FILES), decode=how, on_event=silent) for how in ("full", "fast"))
    assert fast.filenames == full.filenames
    pd.testing.assert_frame_equal(fast.quarantine, full.quarantine)


def test_checking_twice_changes_nothing() -> None:
    once = check(samples_of(FILES), on_event=silent)
    twice = check(once, on_event=silent)
    pd.testing.assert_frame_equal(twice.table, once.table)
    pd.testing.assert_frame_equal(twice.quarantine, once.quarantine)


def test_names_that_differ_only_in_case_or_unicode_form_are_different_files() -> None:
    names = ["\u00e9.jpg", "e\u0301.jpg", "A.jpg", "a.jpg"]
    files = dict(zip(names, PHOTOS, strict=False))
    checked = check(samples_of(files), on_event=silent)
    assert checked.filenames == names
    assert checked.table["lightly.sizeInBytes"].tolist() == [len(files[name]) for name in names]


def test_one_image_is_enough() -> None:
    assert check(samples_of({"one.jpg": PHOTOS[0]}), on_event=silent).filenames == ["one.jpg"]


def test_only_broken_images_is_an_error_that_counts_the_reasons() -> None:
    broken = {name: FILES[name] for name in ("b/empty.jpg", "b/also empty.jpg", "b/text.png")}
    with pytest.raises(
        InputError, match=r"none of the 3 files can be used: 2 × the file is empty .*also empty\.jpg"
    ):
        check(samples_of(broken), on_event=silent)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (Samples(pd.DataFrame(index=["a.jpg"])), "no source"),
        (Samples(pd.DataFrame(index=[]), source=Memory({})), "there are no samples"),
    ],
)
def test_samples_without_anything_to_read_are_an_error(samples: Samples, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check(samples, on_event=silent)


def test_a_decode_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(InputError, match="decode: got 'quick', allowed are 'full' and 'fast'"):
        check(samples_of(FILES), decode="quick", on_event=silent)  # type: ignore[arg-type]


def test_a_listener_stops_the_work() -> None:
    files = {f"{i:03d}.jpg": PHOTOS[i % 8] for i in range(200)}
    samples = samples_of(files)

    def stop(event: Event) -> None:
        if event.get("done", 0) > 0:
            raise RunCanceled("enough")

    with pytest.raises(RunCanceled):
        check(samples, num_workers=2, on_event=stop)
    assert len(samples.source.reads) < 200  # type: ignore[union-attr]


def test_progress_counts_every_file_and_warns_of_what_is_left_out() -> None:
    heard: list[Event] = []
    check(samples_of(FILES), on_event=heard.append)
    counts = [event["done"] for event in heard if "done" in event]
    assert counts[0] == 0
    assert counts[-1] == len(FILES)
    warnings = [event["message"] for event in heard if event.get("level") == "warning"]
    assert [warning.split(" left out")[0] for warning in warnings[:2]] == [
        "4 corrupt files",
        "2 exact duplicates",
    ]
    assert warnings[2:] == [
        "1 file is kept with a note, see samples.table['picture_note']: 1 × wrong ending; first "
        "'b/really a jpeg.png': wrong ending: the content is JPEG, the name ends in '.png'"
    ]


def flat(level: int, number: int) -> bytes:
    """Return a PNG of that gray with a little noise, another one for every number."""
    noise = np.random.default_rng(number).integers(0, 2, (32, 32, 3))
    buffer = io.BytesIO()
    Image.fromarray((level + noise).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(("level", "word"), [(1, "black"), (253, "white"), (120, "constant")])
def test_a_folder_that_comes_out_dull_is_told(level: int, word: str) -> None:
    dull = {f"{number:02}.png": flat(level, number) for number in range(12)}
    heard: list[Event] = []
    checked = check(samples_of(dull), on_event=heard.append)
    told = [event["message"] for event in heard if "images looked at" in event.get("message", "")]
    assert len(told) == 1
    assert told[0].startswith(f"of 12 images looked at, 12 nearly {word} (first '00.png': mean {level}")
    before: list[Event] = []
    say_if_dull(samples_of(dull), before.append, "EMBEDDING")  # of unchecked samples, some are decoded
    assert before[0]["message"].startswith(f"of 8 images looked at, 8 nearly {word}")
    assert before[0]["level"] == "warning"
    say_if_dull(checked, before.append, "EMBEDDING")
    assert len(before) == 2


def test_a_folder_with_some_dull_pictures_is_not() -> None:
    mixed = {f"{number:02}.png": flat(1, number) for number in range(8)}
    mixed |= {f"a{number}.jpg": photo for number, photo in enumerate(PHOTOS[:2])}
    heard: list[Event] = []
    check(samples_of(mixed), on_event=heard.append)
    say_if_dull(samples_of(mixed), heard.append, "EMBEDDING")
    assert not [event for event in heard if "images looked at" in event.get("message", "")]


def test_notes_are_shown_with_the_samples() -> None:
    checked = check(samples_of(FILES), on_event=silent)
    assert ", 1 with a note" in repr(checked)
    shown = checked._repr_html_()
    assert "1 file kept with a note" in shown
    assert "wrong ending: the content is JPEG" in shown
    assert "picture_note" not in [*category_codes(checked)]


@given(
    hashes=st.dictionaries(st.text("abxy/", min_size=1), st.sampled_from("pqr"), max_size=12),
    seed=st.integers(0, 9),
)
def test_of_each_content_the_first_name_is_kept(hashes: dict[str, str], seed: int) -> None:
    names = list(np.random.default_rng(seed).permutation(list(hashes))) if hashes else []
    names = [str(name) for name in names]
    found = exact_duplicates(names, [hashes[name] for name in names])
    expected = {name: min(other for other in hashes if hashes[other] == hashes[name]) for name in hashes}
    expected = {name: first for name, first in expected.items() if first != name}
    assert dict(zip(found["filename"], found["duplicate_of"], strict=True)) == expected
    assert found["filename"].tolist() == sorted(expected)
