"""Which licences of weights everyone may use for everything, and the word of consent for the others."""

from __future__ import annotations

from collections.abc import Callable

from lightly_nb.errors import InputError

Consent = Callable[[str, str], None]
"""Takes the name of a model and the licence of its weights; raises `InputError` where consent lacks."""

OSI = (
    *("Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MPL-2.0", "Unlicense", "BSL-1.0", "0BSD"),
    *("GPL-2.0", "GPL-3.0", "LGPL-2.1", "LGPL-3.0", "AGPL-3.0", "EUPL-1.2", "AFL-3.0", "Artistic-2.0"),
)
"""Identifiers (SPDX) of licences that the Open Source Initiative has approved."""

_BY_LOWER_CASE = {name.lower(): name for name in OSI}


def spdx(licence: str | None) -> str:
    """Return a licence as SPDX writes it where that is known, as it is otherwise; '' for unknown.

    >>> spdx("apache-2.0"), spdx("cc-by-nc-4.0"), spdx(None)
    ('Apache-2.0', 'cc-by-nc-4.0', '')
    """
    name = (licence or "").strip()
    return "" if name.lower() in ("unknown", "other", "none") else _BY_LOWER_CASE.get(name.lower(), name)


ASK = "read it, and if your use is allowed say so with accept_licence=True, or take another model"


def consent(accepted: bool, advice: str = ASK) -> Consent:
    """Return what refuses weights that are under no licence of `OSI`, with `advice`, unless `accepted`."""

    def check(name: str, licence: str) -> None:
        if accepted or licence in OSI:
            return
        what = f"under the licence '{licence}', which is not an open-source one" if licence else ""
        raise InputError(
            f"model {name}: its weights are {what or 'under a licence that is not known'}; {advice}"
        )

    return check
