"""Texts in tables that people open in a spreadsheet, which runs what looks like a formula.

A file may be called `=HYPERLINK("http://…")&.jpg`. In a table of our own such a text gets an apostrophe
before it, which spreadsheets take for "this is text"; formats that other programs read (embeddings.csv, lists
of file names, exports) keep names as they are.
"""

from __future__ import annotations

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
"""How a text starts that a spreadsheet may run; and the apostrophe, so that it can be taken off again."""


def defused(text: str) -> str:
    """Return a text as a spreadsheet shows it and does not run it.

    Examples
    --------
    >>> defused("=1+1.jpg"), defused("a=b.jpg"), defused("'quoted'.jpg")
    ("'=1+1.jpg", 'a=b.jpg', "''quoted'.jpg")
    """
    return f"'{text}" if text.startswith(STARTS) else text


def as_it_was(text: str) -> str:
    """Return what `defused` was given.

    Examples
    --------
    >>> [as_it_was(defused(name)) for name in ("=1+1.jpg", "'quoted'.jpg", "a.jpg")]
    ['=1+1.jpg', "'quoted'.jpg", 'a.jpg']
    """
    return text[1:] if text.startswith("'") and text[1:].startswith(STARTS) else text
