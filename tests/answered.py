"""Conversations that the AI answered with a version, as rows that nothing else is known of."""

from typing import Any

_ANSWERED = """
WITH c AS (
  INSERT INTO contacts (organization_id, id, first_name, created_at, updated_at)
  SELECT $1, uuidv7(), 'Ann', now(), now() FROM generate_series(1, $3::int) RETURNING id
), t AS (
  INSERT INTO conversations (organization_id, id, contact_id, channel, address, started_at, last_message_at)
  SELECT $1, uuidv7(), id, 'sms', id::text, now(), now() FROM c RETURNING id
), n AS (
  SELECT id, row_number() OVER () AS number FROM t
)
INSERT INTO replies (organization_id, id, conversation_id, status, lessons, breaches, prompt_version, prompt_type,
  model, input_tokens, output_tokens, cached_tokens, cost_micros, latency_ms, created_at, booked, opted_out, settled)
SELECT $1, uuidv7(), id, 'sent', '{}', '{}', $2, $4, 'm', 0, 0, 0, 0, 0, business_now(),
  number <= $5, number <= $6, true
FROM n, generate_series(1, $7::int)
RETURNING conversation_id
"""


def answered(
    version: str, count: int, *, booked: int = 0, opted_out: int = 0, kind: str = "reply", replies: int = 1
) -> tuple[Any, ...]:
    """Give the statement that writes so many of them, with so many answers each, and what follows the organisation.

    The first ones came to a call, or opted out.
    """
    return _ANSWERED, version, count, kind, booked, opted_out, replies
