"""YOLO: the image lists of Ultralytics, as of November 2026."""

from __future__ import annotations

from lightly_nb.exports.images import Images


def save(images: Images, *, root: str | None = None) -> str:
    r"""Return a `train.txt` of YOLO: one path a line, with an end to the last line.

    Parameters
    ----------
    root : str, optional
        The folder of the images, written in front of each name. None: './', which Ultralytics takes as
        relative to the text file.

    Examples
    --------
    >>> save(Images(["a b/1.jpg"], [0]), root="/data/images")
    '/data/images/a b/1.jpg\n'
    """
    before = "./" if root is None else f"{str(root).rstrip('/')}/"
    return "".join(f"{before}{name}\n" for name in images.filenames)
