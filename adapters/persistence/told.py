"""Rows of the event log that are counted."""

from collections.abc import Iterable
from typing import Any

import msgspec
import structlog

from application.analytics.facts import Told, facts_of

log = structlog.get_logger()


def told_of(rows: Iterable[Any]) -> list[Told]:
    """Read rows, and pass over one that cannot be: it is not to keep all that follows it from being counted."""
    return [told for row in rows if row["data"] is not None and (told := _readable(row)) is not None]


def _readable(row: Any) -> Told | None:
    try:
        told = Told(row["type"], row["subject"], row["at"], msgspec.json.decode(row["data"]))
        facts_of(told)
    except Exception:
        log.exception("an event cannot be counted", event_id=str(row["event_id"]), type=row["type"])
        return None
    return told
