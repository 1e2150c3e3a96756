"""E-mail addresses: what is one, and the one form in which it is kept."""

from __future__ import annotations

import re

from lightly_nb.errors import BadRequestException

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@(?:{_LABEL}\.)*{_LABEL}")
_LONGEST = 254


def checked_email(email: str) -> str:
    """Return an e-mail address in lower case and without blanks around it.

    The rule is that of HTML's e-mail field; `me@localhost` is one.

    Raises
    ------
    BadRequestException
        If it is none.

    Examples
    --------
    >>> checked_email(" Ada@Example.com ")
    'ada@example.com'
    """
    text = email.strip() if isinstance(email, str) else ""
    if len(text) > _LONGEST or not _EMAIL.fullmatch(text):
        raise BadRequestException(f"{email!r} is not an e-mail address; write it like name@example.com")
    return text.lower()
