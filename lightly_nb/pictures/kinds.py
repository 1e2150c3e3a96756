"""Which kind of image a file is by its content, which endings belong to it, and what is not read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from lightly_nb.pictures.corrupt import REPLACE, CorruptImageError

EXTENSIONS = {
    "jpeg": ("jpg", "jpeg", "jpe", "jfif", "jif"),
    "png": ("png", "apng"),
    "netpbm": ("ppm", "pgm", "pbm", "pnm"),
    "bmp": ("bmp",),
    "tiff": ("tif", "tiff"),
    "webp": ("webp",),
    "heif": ("heic", "heif", "hif"),
    "avif": ("avif",),
}
"""The kinds of images that are read, and the endings of each, the usual one first.

HEIF needs the plug-in pillow-heif, AVIF needs Pillow 11.3 or that plug-in."""

USUAL = frozenset(("jpg", "jpeg", "png", "ppm", "bmp", "pgm", "tif", "tiff", "webp"))
"""Endings that are the platform's; a file of another one is read as well, and that is noted."""

INSTALL_HEIF = "install the plug-in for them: pip install 'lightly_nb[heif]'"
TO_JPEG = "convert them to JPEG or PNG"
DEVELOP = "export them from your raw converter as JPEG or 16-bit TIFF"
EXTRACT = "unpack it and give the folder"

OTHER_IMAGES = {
    **dict.fromkeys(("heic", "heif", "hif", "avif"), INSTALL_HEIF),
    **dict.fromkeys(
        ("gif", "jp2", "j2k", "jpx", "jxl", "jls", "psd", "psb", "xcf", "svg", "eps", "ai"), TO_JPEG
    ),
    **dict.fromkeys(
        ("exr", "hdr", "tga", "dds", "ico", "cur", "pcx", "sgi", "qoi", "wmf", "emf", "pic"), TO_JPEG
    ),
    **dict.fromkeys(
        ("pfm", "fits", "fit", "fts", "dcm", "dicom", "nii", "nrrd", "mrc", "mha", "mhd"), TO_JPEG
    ),
    **dict.fromkeys(
        ("czi", "nd2", "lif", "lsm", "oib", "oif", "svs", "ndpi", "scn", "mrxs", "vsi", "bif"), TO_JPEG
    ),
    **dict.fromkeys(
        ("cr2", "cr3", "crw", "nef", "nrw", "arw", "srf", "sr2", "dng", "raf", "orf", "rw2"), DEVELOP
    ),
    **dict.fromkeys(
        ("pef", "srw", "raw", "rwl", "3fr", "fff", "iiq", "mos", "x3f", "erf", "kdc", "gpr"), DEVELOP
    ),
    **dict.fromkeys(("npy", "npz", "tfrecord", "lmdb", "h5", "hdf5", "mat"), "write them out as image files"),
    **dict.fromkeys(("zip", "tar", "tgz", "gz", "7z", "rar"), EXTRACT),
    "pdf": "export its pages as images",
}
"""Endings of files that hold images but are not read, and what to do about them."""


@cache
def reads_heif() -> bool:
    """Whether HEIC and HEIF can be read here: the plug-in pillow-heif is installed."""
    from importlib.util import find_spec

    return find_spec("pillow_heif") is not None


@cache
def reads_avif() -> bool:
    """Whether AVIF can be read here: Pillow does it itself from 11.3 on."""
    from PIL import features

    try:
        return bool(features.check("avif"))
    except ValueError:  # a Pillow that has not heard of it
        return False


def not_read_in_words(counts: Mapping[str, int]) -> str:
    """Return how many files of which endings hold images that are not read, and what to do about each.

    Examples
    --------
    >>> not_read_in_words({"gif": 3, "jp2": 1200})
    '1,200 .jp2 (convert them to JPEG or PNG), 3 .gif (convert them to JPEG or PNG)'
    """
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count:,} .{ending} ({OTHER_IMAGES[ending]})" for ending, count in ordered)


def is_readable(ending: str) -> bool:
    """Whether files of that ending (lower case, without a dot) are read, here and now."""
    if ending in EXTENSIONS["heif"]:
        return reads_heif()
    if ending in EXTENSIONS["avif"]:
        return reads_avif()
    return any(ending in endings for endings in EXTENSIONS.values())


_MAGIC = {
    "jpeg": re.compile(rb"\xff\xd8\xff"),
    "png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "netpbm": re.compile(rb"P[1-6][\s#]"),
    "bmp": re.compile(rb"BM.{12}", re.DOTALL),
    "tiff": re.compile(rb"II[*+]\0|MM\0[*+]"),
    "webp": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
    "avif": re.compile(rb".{4}ftyp(avif|avis)", re.DOTALL),
    "heif": re.compile(rb".{4}ftyp(hei[cmxs]|hev[cmxs]|mif1|msf1|mif2|jpeg)", re.DOTALL),
}
_OTHER_FILES = {
    "a GIF": re.compile(rb"GIF8"),
    "a MOV or MP4 video": re.compile(rb".{4}ftyp", re.DOTALL),
    "a JPEG 2000": re.compile(rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", re.DOTALL),
    "a JPEG XL": re.compile(rb"\xff\x0a|\0\0\0\x0cJXL ", re.DOTALL),
    "a Photoshop file": re.compile(rb"8BPS"),
    "an OpenEXR": re.compile(rb"\x76\x2f\x31\x01"),
    "a Fujifilm raw file": re.compile(rb"FUJIFILM"),
    "a NumPy array": re.compile(rb"\x93NUMPY"),
    "a PDF": re.compile(rb"%PDF"),
    "a web page": re.compile(rb"\s*<(!doctype|html)", re.IGNORECASE),
    "an XML or SVG file": re.compile(rb"\s*<(\?xml|svg)", re.IGNORECASE),
    "a ZIP archive": re.compile(rb"PK\x03\x04"),
    "a Git LFS pointer (fetch the real file with 'git lfs pull')": re.compile(rb"version https://git-lfs"),
}
_BEFORE = re.compile(
    rb"[\0\s]{0,65536}(?:--[^\r\n]{1,200}\r?\n(?:[\w-]+:[^\r\n]{0,500}\r?\n){0,20}\r?\n[\0\s]{0,4096})?"
)
"""Zeros, white space and the head of a part of an HTTP stream, which webcams leave before an image."""


def sniff(content: bytes) -> str:
    """Return the kind of an image file by its first bytes: a key of `EXTENSIONS`.

    Raises
    ------
    CorruptImageError
        If the file is empty or of no kind that is read.
    """
    return kind_and_start(content)[0]


def kind_and_start(content: bytes) -> tuple[str, int]:
    """Return what `sniff` does, and how many bytes stand before the image: a JPEG or PNG may be padded."""
    if content.startswith(b"\xff\xd8\xff"):
        return "jpeg", 0
    if not content:
        raise CorruptImageError("the file is empty (0 bytes)", REPLACE)
    kind = _kind_of(content)
    if kind is not None:
        return kind, 0
    found = _BEFORE.match(content)
    start = found.end() if found else 0
    kind = _kind_of(content, start)
    if kind in ("jpeg", "png"):
        return kind, start
    if not content.strip(b"\0"):
        raise CorruptImageError("the file holds nothing but zero bytes", REPLACE)
    named = next((name for name, magic in _OTHER_FILES.items() if magic.match(content)), None)
    said = f"it is {named}" if named else f"it starts with {content[:8]!r}"
    raise CorruptImageError(
        f"not an image of a type that is read: {said}",
        "convert it to JPEG, PNG, TIFF, WebP, BMP or PPM, or take it out of the folder",
    )


def _kind_of(content: bytes, start: int = 0) -> str | None:
    return next((kind for kind, magic in _MAGIC.items() if magic.match(content, start)), None)


def ending_of(filename: str) -> str:
    """Return what a name ends in after its last dot, in lower case; '' without a dot."""
    base = filename.rpartition("/")[2]
    return base.rpartition(".")[2].lower() if "." in base else ""


def note_on_ending(filename: str, kind: str) -> str | None:
    """Return what is to be noted on the name of a file of that `kind`; None if it ends as it should."""
    ending = ending_of(filename)
    if ending in EXTENSIONS[kind] and (ending in USUAL or kind in ("heif", "avif")):
        return None
    word = "unusual" if ending in EXTENSIONS[kind] else "wrong"
    return f"{word} ending: the content is {kind.upper()}, the name ends in '.{ending}'"
