"""The event log: what happened, and the outbox beside it, in the transaction in which it happened."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from adapters.tracing.spans import traceparent
from domain.kernel import Event, new_id

_ENCODER = msgspec.json.Encoder(enc_hook=str)


def _event_values(event: Event) -> tuple[str, str | None]:
    """Split an event into its data and its personal values, each as JSON."""
    data: dict[str, Any] = {}
    personal: dict[str, Any] = {}
    for field in fields(event):
        if field.name != "subject":
            (personal if field.name in event.personal else data)[field.name] = getattr(event, field.name)
    return _ENCODER.encode(data).decode(), _ENCODER.encode(personal).decode() if personal else None


_APPEND = """
WITH{beside} appended AS (
  INSERT INTO events (organization_id, id, type, subject, actor_id, cause_id, at, data, personal, trace)
  SELECT $1, e.id, e.type, e.subject, $2, $3, $4, e.data, e.personal, $10
  FROM unnest($5::uuid[], $6::text[], $7::uuid[], $8::jsonb[], $9::jsonb[]) AS e(id, type, subject, data, personal)
)
INSERT INTO outbox (organization_id, event_id, type)
SELECT $1, e.id, e.type FROM unnest($5::uuid[], $6::text[]) AS e(id, type)
"""


async def append(
    connection: Any,
    organization_id: UUID,
    actor_id: UUID | None,
    cause_id: UUID | None,
    at: datetime,
    events: Sequence[Event],
    beside: str = "",
    *parameters: Any,
) -> None:
    """Append events inside the open transaction, and write `beside` in the same trip: its parameters follow `$10`."""
    values = [(new_id(), event, *_event_values(event)) for event in events]
    await connection.execute(
        _APPEND.format(beside=f" beside AS ({beside})," if beside else ""),
        organization_id,
        actor_id,
        cause_id,
        at,
        [identifier for identifier, *_ in values],
        [event.type for _, event, *_ in values],
        [event.subject for _, event, *_ in values],
        [data for *_, data, _ in values],
        [personal for *_, personal in values],
        traceparent(),
        *parameters,
    )
