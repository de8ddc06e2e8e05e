"""Rows of the event log that are counted."""

from collections.abc import Iterable
from typing import Any

import msgspec
import structlog

from application.analytics.facts import Told, facts_of
from domain.analytics.tally import Fact

log = structlog.get_logger()


def told_of(rows: Iterable[Any]) -> list[list[Fact]]:
    """Read what each row's event says, and pass over one that cannot be read: it is not to keep all that follows it
    from being counted."""
    return [facts for row in rows if row["data"] is not None and (facts := _read(row)) is not None]


def _read(row: Any) -> list[Fact] | None:
    try:
        return facts_of(Told(row["type"], row["subject"], row["at"], msgspec.json.decode(row["data"])))
    except Exception:
        log.exception("an event cannot be counted", event_id=str(row["event_id"]), type=row["type"])
        return None
