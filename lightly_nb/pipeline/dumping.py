"""`dump_dataset`: copies of the selected images, in one size and one file type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from PIL import Image

from lightly_nb.events import Listener, Stage
from lightly_nb.pictures import decode_rgb, sniff
from lightly_nb.runfolder import write_aside
from lightly_nb.samples import Source

STEP = "SAVING_RESULTS"
Size = int | tuple[int, int]
_SAME = {"jpg": "jpeg", "tif": "tiff", "pgm": "ppm"}
_KINDS = {"ppm": "netpbm"}


def dump_images(
    source: Source,
    filenames: Sequence[str],
    folder: Path,
    *,
    image_size: Size = -1,
    image_format: str = "png",
    on_event: Listener,
) -> list[str]:
    """Copy images below `folder`, under their names with the ending of the format; return these names.

    Parameters
    ----------
    source : Source
        Where the images are read from.
    filenames : sequence of str
        Their names. Where two would get one name, such as `a.jpg` and `a.png`, they keep their own ending
        too: `a.jpg.png`.
    folder : pathlib.Path
        Copies that are there already stay as they are.
    image_size : int or (int, int)
        In pixels: -1 as it is, a number for the shorter edge, (height, width) for exactly that.
    image_format : str
        `png`, `jpg`, `webp`, …. A file that has this type and keeps its size is copied byte by byte.
    on_event : callable
        Gets the events of step SAVING_RESULTS.

    Raises
    ------
    DatasourceError, InputError
        If an image cannot be read or decoded any more.
    RunError
        If a copy cannot be written.
    """
    names = copy_names(filenames, image_format)
    with Stage(on_event, STEP, len(names), "image") as stage:
        for filename, name in zip(filenames, names, strict=True):
            path = folder / name
            if not path.exists():
                write_aside(path, _writer(source.read(filename), image_size, image_format))
            stage.advance()
    return names


def copy_names(filenames: Sequence[str], image_format: str) -> list[str]:
    """Return the names of the copies, each once.

    Examples
    --------
    >>> copy_names(["a.jpg", "b/a.JPEG", "c.png", "c.bmp"], "png")
    ['a.png', 'b/a.png', 'c.png.png', 'c.bmp.png']
    """
    short = [str(PurePosixPath(name).with_suffix(f".{image_format}")) for name in filenames]
    taken = {name for name in short if short.count(name) > 1} if len(set(short)) < len(short) else set()
    return [
        f"{name}.{image_format}" if new in taken else new for name, new in zip(filenames, short, strict=True)
    ]


def _writer(content: bytes, size: Size, image_format: str) -> Callable[[Path], object]:
    kind = _SAME.get(image_format, image_format)
    if size == -1 and sniff(content) == _KINDS.get(kind, kind):
        return lambda path: path.write_bytes(content)
    image = resized(Image.fromarray(decode_rgb(content, strict=False)), size)
    image = image.convert("L") if image_format == "pgm" else image
    options = {"quality": 95} if kind in ("jpeg", "webp") else {}
    return lambda path: image.save(path, kind, **options)


def resized(image: Image.Image, size: Size) -> Image.Image:
    """Return the image with a shorter edge of `size` pixels, or of (height, width); -1 leaves it as it is."""
    if size == -1:
        return image
    if isinstance(size, int):
        scale = size / min(image.size)
        shape = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    else:
        shape = (size[1], size[0])
    return image.resize(shape, Image.Resampling.LANCZOS)
