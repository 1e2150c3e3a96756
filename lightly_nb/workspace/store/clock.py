"""The store's clock: what order rows came in is read from their times, so no two in a list have the same."""

from __future__ import annotations

from typing import Any

from sqlalchemy import extract, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from lightly_nb.workspace.store.schema import now_ms


def store_time(session: Session) -> int:
    """Return the time in milliseconds by the store's clock: the server's, so that all machines agree."""
    if session.get_bind().dialect.name == "postgresql":
        return int(session.execute(select(extract("epoch", func.clock_timestamp()))).scalar_one() * 1000)
    return now_ms()


def later_than_all(session: Session, column: InstrumentedAttribute[int], *of: Any) -> int:
    """Return the time, later than all in `column` (of the rows that `of` chooses).

    A clock that was set back, or two rows of one millisecond, cannot change which is the newest.
    """
    newest = session.scalar(select(func.max(column)).where(*of))
    return max(store_time(session), (newest or 0) + 1)
