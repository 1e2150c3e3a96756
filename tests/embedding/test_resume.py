"""An interrupted embedding goes on where it stopped, and nobody can tell afterwards."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lightly_nb.embedding import embed
from lightly_nb.errors import RunCanceled, RunError
from lightly_nb.events import Event, silent
from lightly_nb.samples import Samples
from tests.embedding.conftest import samples_of, tiny_model


def stop_after(n: int, error: BaseException):
    """Return a listener that raises once `n` files are done."""

    def listen(event: Event) -> None:
        if event.get("done", 0) >= n:
            raise error

    return listen


def assert_same(got: Samples, expected: Samples) -> None:
    """Assert that two embeddings are the same, bit for bit."""
    assert got.filenames == expected.filenames
    np.testing.assert_array_equal(got.embeddings, expected.embeddings)
    pd.testing.assert_frame_equal(got.table, expected.table)
    pd.testing.assert_frame_equal(got.quarantine, expected.quarantine)
    for row in range(len(got)):
        assert got.thumbnail(row) == expected.thumbnail(row)


def chunk_files(folder: Path) -> list[Path]:
    """Return all files in a folder of chunks."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def every_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send every event, so that a stop comes where the test says."""
    monkeypatch.setattr("lightly_nb.events.SECONDS_BETWEEN_EVENTS", 0)


@pytest.mark.usefixtures("small_chunks", "every_event")
@pytest.mark.parametrize("error", [RunCanceled("enough"), KeyboardInterrupt()])
def test_an_interrupted_embedding_goes_on_bit_for_bit(
    tmp_path: Path, samples: Samples, decoded: list[str], error: BaseException
) -> None:
    expected = embed(samples, tiny_model(), batch_size=4, on_event=silent)
    with pytest.raises(type(error)):
        embed(samples, tiny_model(), batch_size=4, chunks_dir=tmp_path / "c", on_event=stop_after(20, error))
    assert len(chunk_files(tmp_path / "c")) == 2
    decoded.clear()
    resumed = embed(samples, tiny_model(), batch_size=4, chunks_dir=tmp_path / "c", on_event=silent)
    assert sorted(decoded) == samples.filenames[16:]
    assert_same(resumed, expected)
    decoded.clear()
    assert_same(
        embed(samples, tiny_model(), batch_size=4, chunks_dir=tmp_path / "c", on_event=silent), expected
    )
    assert not decoded


@pytest.mark.usefixtures("small_chunks")
def test_a_changed_file_redoes_its_chunk_and_no_other(
    tmp_path: Path, folder: Path, samples: Samples, decoded: list[str]
) -> None:
    embed(samples, tiny_model(), batch_size=4, chunks_dir=tmp_path / "c", on_event=silent)
    changed = samples.filenames[10]
    Image.new("RGB", (50, 40), "teal").save(folder / changed)
    decoded.clear()
    got = embed(samples, tiny_model(), batch_size=4, chunks_dir=tmp_path / "c", on_event=silent)
    assert sorted(decoded) == samples.filenames[8:16]
    assert got.table.loc[changed, "lightly.width"] == 50
    assert_same(got, embed(samples, tiny_model(), batch_size=4, on_event=silent))


@pytest.mark.usefixtures("small_chunks")
def test_a_file_that_could_not_be_read_is_tried_again(tmp_path: Path, folder: Path, samples: Samples) -> None:
    name = samples.filenames[3]
    content = (folder / name).read_bytes()
    (folder / name).unlink()
    without = embed(samples, tiny_model(), batch_size=4, chunks_dir=tmp_path / "c", on_event=silent)
    assert "cannot be read" in without.quarantine.set_index("filename").loc[name, "reason"]
    (folder / name).write_bytes(content)
    again = embed(samples, tiny_model(), batch_size=4, chunks_dir=tmp_path / "c", on_event=silent)
    assert_same(again, embed(samples, tiny_model(), batch_size=4, on_event=silent))


@pytest.mark.usefixtures("small_chunks")
def test_other_weights_settings_or_names_never_get_old_chunks(
    tmp_path: Path, folder: Path, samples: Samples, decoded: list[str]
) -> None:
    embed(samples, tiny_model(), batch_size=4, chunks_dir=tmp_path / "c", on_event=silent)
    fewer = samples_of(folder, samples.filenames[1:])
    for given, model, options in (
        (samples, tiny_model(seed=1), {}),
        (samples, tiny_model(), {"precision": "32"}),
        (samples, tiny_model(), {"decode": "fast"}),
        (fewer, tiny_model(), {}),
    ):
        decoded.clear()
        got = embed(given, model, batch_size=4, chunks_dir=tmp_path / "c", on_event=silent, **options)
        assert len(decoded) == len(given) or options.get("precision") == "32"
        assert_same(got, embed(given, model, batch_size=4, on_event=silent, **options))


@pytest.mark.usefixtures("small_chunks")
def test_a_damaged_chunk_is_made_anew(tmp_path: Path, samples: Samples, decoded: list[str]) -> None:
    expected = embed(samples, tiny_model(), batch_size=4, chunks_dir=tmp_path / "c", on_event=silent)
    first, second, *_ = chunk_files(tmp_path / "c")
    first.write_bytes(first.read_bytes()[:300])
    content = bytearray(second.read_bytes())
    content[len(content) // 2] ^= 1
    second.write_bytes(content)
    decoded.clear()
    got = embed(samples, tiny_model(), batch_size=4, chunks_dir=tmp_path / "c", on_event=silent)
    assert sorted(decoded) == samples.filenames[:16]
    assert_same(got, expected)


@pytest.mark.usefixtures("small_chunks")
def test_a_full_disk_is_a_clear_error_and_leaves_the_chunks_before_it(
    tmp_path: Path, samples: Samples, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written, write = [], Path.write_bytes

    def almost_full(path: Path, content: bytes) -> int:
        written.append(path)
        if len(written) < 3:
            return write(path, content)
        write(path, bytes(content[:100]))
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", almost_full)
        with pytest.raises(RunError, match=r"cannot save chunk 2 .*No space left on device; free some space"):
            embed(samples, tiny_model(), batch_size=4, chunks_dir=tmp_path / "c", on_event=silent)
    assert len(chunk_files(tmp_path / "c")) == 2
    decoded.clear()
    got = embed(samples, tiny_model(), batch_size=4, chunks_dir=tmp_path / "c", on_event=silent)
    assert sorted(decoded) == samples.filenames[16:]
    assert_same(got, embed(samples, tiny_model(), batch_size=4, on_event=silent))


KILLED = """
import os, signal, sys
from pathlib import Path
import lightly_nb.embedding.one_pass, lightly_nb.events
from lightly_nb.embedding import embed
from tests.embedding.conftest import samples_of, tiny_model
lightly_nb.embedding.one_pass.CHUNK_SIZE, lightly_nb.events.SECONDS_BETWEEN_EVENTS = 8, 0
def listen(event):
    if event.get("done", 0) >= 20:
        os.kill(os.getpid(), signal.SIGKILL)
embed(samples_of(Path(sys.argv[1])), tiny_model(), batch_size=4, chunks_dir=sys.argv[2], on_event=listen)
"""


@pytest.mark.usefixtures("small_chunks")
def test_a_killed_process_leaves_whole_chunks(
    tmp_path: Path, folder: Path, samples: Samples, decoded: list[str]
) -> None:
    root = Path(__file__).parents[2]
    killed = subprocess.run([sys.executable, "-c", KILLED, folder, tmp_path / "c"], cwd=root, check=False)
    assert killed.returncode == -signal.SIGKILL
    got = embed(samples, tiny_model(), batch_size=4, chunks_dir=tmp_path / "c", on_event=silent)
    assert sorted(decoded) == samples.filenames[16:]
    assert_same(got, embed(samples, tiny_model(), batch_size=4, on_event=silent))
