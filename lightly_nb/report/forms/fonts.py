"""Fonts for file names of any script: which fonts of this machine can draw them, and what none can.

DejaVu Sans comes with matplotlib and draws Latin, Greek, Cyrillic and more. For other characters the
fonts of the machine are looked through, only when such a character comes up. What no font has becomes □.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from pathlib import Path

NO_GLYPH = "□"


def base_fonts() -> tuple[Path, Path]:
    """Return the files of DejaVu Sans, regular and bold."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return folder / "DejaVuSans.ttf", folder / "DejaVuSans-Bold.ttf"


def drawable(text: str) -> str:
    r"""Return `text` with every character that no font can draw, and every control character, replaced by □.

    Examples
    --------
    >>> drawable("été/photo\n1.jpg")
    'été/photo□1.jpg'
    """
    text = "".join(NO_GLYPH if unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn") else c for c in text)
    missing = frozenset(text) - characters(base_fonts()[0])
    if not missing:
        return text
    found = frozenset().union(*(characters(font) for font in fallback_fonts(missing)))
    undrawn = missing - found
    return "".join(NO_GLYPH if c in undrawn else c for c in text)


@lru_cache(maxsize=64)
def fallback_fonts(missing: frozenset[str]) -> tuple[Path, ...]:
    """Return font files of this machine that together draw as many of `missing` as can be, best first."""
    left, chosen = set(missing), []
    while left:
        best = max(_system_fonts(), key=lambda font: len(left & characters(font)), default=None)
        if best is None or not left & characters(best):
            break
        chosen.append(best)
        left -= characters(best)
    return tuple(chosen)


@lru_cache(maxsize=512)
def characters(font: Path) -> frozenset[str]:
    """Return the characters that a font file has; none for a file that cannot be read."""
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(map(chr, FT2Font(str(font)).get_charmap()))
    except (RuntimeError, OSError, ValueError):
        return frozenset()


@lru_cache(maxsize=1)
def _system_fonts() -> tuple[Path, ...]:
    """Return the outline fonts of this machine, in a fixed order; pictures of emoji are no outlines."""
    from matplotlib.font_manager import findSystemFonts

    return tuple(Path(font) for font in sorted(findSystemFonts()) if "ColorEmoji" not in font)
