"""Trials of prompts, and what followed the AI's messages."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from adapters.persistence.coaching_prompts import LONGEST_COUNTED
from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.schema.coaching_prompts import canaries
from adapters.persistence.store import PostgresStore
from application.coaching.prompt_ports import Looked
from domain.coaching.canary import Canary, Phase, Side
from domain.coaching.prompt import label

# A conversation counts once in a phase, on the side of the version that wrote in it or left it to a person, with all
# that came of it: what the version did with it must not decide whether it counts. What another prompt wrote, such as
# the texts of touches in a trial of answers, says nothing of this one; the master's part in all of it does.
_SIDES = f"""
SELECT is_new, count(*) AS conversations, count(*) FILTER (WHERE replied) AS replied,
       count(*) FILTER (WHERE booked) AS booked, count(*) FILTER (WHERE opted_out) AS opted_out,
       count(*) FILTER (WHERE handed_over) AS handed_over
FROM (
  SELECT conversation_id, bool_or($2 = ANY (string_to_array(prompt_version, '/'))) AS is_new,
         bool_or(replied) AS replied, bool_or(booked) AS booked, bool_or(opted_out) AS opted_out,
         bool_or(handed_over) AS handed_over
  FROM replies WHERE organization_id = $1 AND (status = 'sent' OR handed_over) AND created_at < $4
    AND created_at >= greatest($3, $4::timestamptz - interval '{LONGEST_COUNTED} days')
    AND $5 IN (prompt_type, 'master') GROUP BY conversation_id
) AS threads GROUP BY is_new
"""  # noqa: S608 - a number
# What is counted is added to what was: each message gives its lessons what it gained since it was last looked at. It
# counts from when it left, and one that never will is settled uncounted; what was left to a person counts for trials
# alone, from when it was, and what was left to a template from when that left; a touch has its message's id, and so has
# what a person approved. Messages of one thread are no trials apart: what followed a lesson is counted a thread.
# Times are compared as differences and others looked up one by one: while PostgreSQL knows no figures it would read a
# week, or all there is, for each message.
_MEASURE = """
WITH looked AS MATERIALIZED (
  SELECT id, conversation_id, lead_id, created_at, status = 'sent' AS sent,
         'reply:' || answers_id AS turn
  FROM replies
  WHERE organization_id = $1 AND (status = 'sent' OR handed_over) AND NOT settled AND (created_at, id) > ($3, $4)
  ORDER BY created_at, id LIMIT $5
), planned AS MATERIALIZED (
  SELECT r.id, r.conversation_id, r.lead_id, r.created_at, r.sent,
    (SELECT t.address FROM conversations t WHERE t.organization_id = $1 AND t.id = r.conversation_id) AS address,
    coalesce((SELECT s.id FROM sends s WHERE s.organization_id = $1 AND s.id = r.id), CASE WHEN r.sent THEN
             (SELECT s.id FROM sends s WHERE s.organization_id = $1 AND s.natural_key = r.turn) END) AS message_id
  FROM looked r
), due AS MATERIALIZED (
  SELECT r.id, r.conversation_id, r.lead_id, r.address, r.sent, coalesce(m.sent_at, r.created_at) AS at,
         coalesce(m.status IN ('refused', 'cancelled', 'failed'), false) AS failed
  FROM planned r LEFT JOIN LATERAL (
    SELECT id, sent_at, status FROM messages WHERE organization_id = $1 AND id = r.message_id LIMIT 1) m ON true
  WHERE m.id IS NULL OR m.sent_at IS NOT NULL OR m.status NOT IN ('pending', 'unknown')
), found AS MATERIALIZED (
  SELECT d.id, d.sent AND NOT d.failed AS counts, d.failed OR d.at + interval '7 days' <= $2 AS settled,
    NOT d.failed AND EXISTS (
      SELECT FROM messages m WHERE m.organization_id = $1 AND m.conversation_id = d.conversation_id
      AND m.created_at - d.at > interval '0' AND m.created_at - d.at <= interval '7 days' AND m.direction = 'inbound'
      AND NOT EXISTS (SELECT FROM consents c WHERE c.organization_id = $1 AND c.address = d.address
                      AND c.kind = 'opt_out' AND c.message_id = m.id)) AS replied,
    NOT d.failed AND EXISTS (
      SELECT FROM replies n JOIN messages m ON m.organization_id = $1 AND m.id = n.answers_id
      WHERE n.organization_id = $1 AND n.conversation_id = d.conversation_id AND n.sentiment IN ('POSITIVE', 'HOT')
      AND m.created_at - d.at > interval '0' AND m.created_at - d.at <= interval '7 days') AS positive,
    NOT d.failed AND EXISTS (
      SELECT FROM bookings b WHERE b.organization_id = $1 AND b.lead_id = d.lead_id AND b.status <> 'failed'
      AND b.created_at - d.at > interval '0' AND b.created_at - d.at <= interval '7 days') AS booked,
    NOT d.failed AND EXISTS (
      SELECT FROM consents c WHERE c.organization_id = $1 AND c.address = d.address AND c.kind = 'opt_out'
      AND c.at > d.at AND c.at <= d.at + interval '7 days') AS opted_out
  FROM due d
), measured AS (
  UPDATE replies r SET replied = f.replied, positive = f.positive, booked = f.booked, opted_out = f.opted_out,
         settled = f.settled, measured_at = CASE WHEN f.counts THEN $2 ELSE r.measured_at END
  FROM found f WHERE r.organization_id = $1 AND r.id = f.id AND (f.counts AND r.measured_at IS NULL
    OR (r.replied, r.positive, r.booked, r.opted_out, r.settled)
       IS DISTINCT FROM (f.replied, f.positive, f.booked, f.opted_out, f.settled))
  RETURNING r.id, r.conversation_id, r.lessons,
    old.measured_at IS NOT NULL AS counted, new.measured_at IS NOT NULL AS counts,
    new.replied, new.positive, new.booked, new.opted_out
), threads AS (
  SELECT lesson, conversation_id, sum(counts::int - counted::int) AS applied, bool_or(counts) AS counts,
         bool_or(counts AND replied) AS replied, bool_or(counts AND positive) AS positive,
         bool_or(counts AND booked) AS booked, bool_or(counts AND opted_out) AS opted_out, array_agg(id) AS ids
  FROM measured, unnest(lessons) AS lesson GROUP BY lesson, conversation_id
), stood AS (
  SELECT t.lesson, t.applied, t.counts, was.*, t.replied OR was.else_replied AS is_replied,
         t.positive OR was.else_positive AS is_positive, t.booked OR was.else_booked AS is_booked,
         t.opted_out OR was.else_opted_out AS is_opted_out
  FROM threads t CROSS JOIN LATERAL (
    SELECT count(*) > 0 AS counted, coalesce(bool_or(replied), false) AS replied,
           coalesce(bool_or(positive), false) AS positive, coalesce(bool_or(booked), false) AS booked,
           coalesce(bool_or(opted_out), false) AS opted_out,
           coalesce(bool_or(replied) FILTER (WHERE id <> ALL (t.ids)), false) AS else_replied,
           coalesce(bool_or(positive) FILTER (WHERE id <> ALL (t.ids)), false) AS else_positive,
           coalesce(bool_or(booked) FILTER (WHERE id <> ALL (t.ids)), false) AS else_booked,
           coalesce(bool_or(opted_out) FILTER (WHERE id <> ALL (t.ids)), false) AS else_opted_out
    FROM replies WHERE organization_id = $1 AND conversation_id = t.conversation_id AND t.lesson = ANY (lessons)
      AND measured_at IS NOT NULL) was
), gained AS (
  INSERT INTO lesson_figures AS f (organization_id, lesson_id, applied, conversations, succeeded, replied, positive,
    booked, opted_out)
  SELECT $1, lesson, sum(applied), sum((counts AND NOT counted)::int),
         sum((is_positive OR is_booked)::int - (positive OR booked)::int), sum(is_replied::int - replied::int),
         sum(is_positive::int - positive::int), sum(is_booked::int - booked::int),
         sum(is_opted_out::int - opted_out::int)
  FROM stood GROUP BY lesson ORDER BY lesson
  ON CONFLICT (organization_id, lesson_id) DO UPDATE SET applied = f.applied + excluded.applied,
    conversations = f.conversations + excluded.conversations, succeeded = f.succeeded + excluded.succeeded,
    replied = f.replied + excluded.replied,
    positive = f.positive + excluded.positive, booked = f.booked + excluded.booked,
    opted_out = f.opted_out + excluded.opted_out
)
SELECT created_at, id, count(*) OVER () AS looked FROM looked ORDER BY created_at DESC, id DESC LIMIT 1
"""


class PostgresCanaries(PostgresStore[Canary]):
    """Be the `CanaryStore` of the open unit of work."""

    entity = Canary
    table = canaries
    noun = "trial"

    async def open_of(self, prompt_id: UUID) -> Canary | None:
        """Give the one that still decides; whoever asks holds the prompt's lock."""
        return await self.find_one("prompt_id = $2 AND is_open", prompt_id)

    async def latest_of(self, prompt_id: UUID) -> Canary | None:
        """Give the latest."""
        return await self.find_one("prompt_id = $2 ORDER BY started_at DESC, id DESC", prompt_id)

    async def rolled_back(self, prompt_id: UUID) -> Sequence[Canary]:
        """Give the trials that ended badly, the latest first."""
        return await self._all("prompt_id = $2 AND status = 'rolled_back' ORDER BY started_at DESC, id DESC", prompt_id)

    async def tried(self) -> Sequence[Canary]:
        """Give the trials that are under way."""
        return await self._all("is_open AND status = 'running' ORDER BY prompt_type")

    async def _all(self, condition: str, *values: Any) -> list[Canary]:
        rows = await self.uow.connection.fetch(
            f"SELECT {', '.join(self.layout.names)} FROM canaries WHERE organization_id = $1 AND {condition}",  # noqa: S608 - our own columns and conditions
            self.uow.organization_id,
            *values,
        )
        return [self.layout.read(row) for row in rows]

    async def sides(self, canary: Canary, phase: Phase) -> tuple[Side, Side]:
        """Count both sides of one phase, the new one first."""
        name = label(canary.prompt_type, canary.number)
        until = phase.ended or await self.uow.connection.fetchval("SELECT business_now()")
        rows = await self.uow.connection.fetch(
            _SIDES, self.uow.organization_id, name, phase.began, until, canary.prompt_type.value
        )
        found = {row["is_new"]: Side(**{one.name: row[one.name] for one in fields(Side)}) for row in rows}
        return found.get(True, Side()), found.get(False, Side())


class PostgresOutcomes:
    """Be the `Outcomes` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def measure(self, at: datetime, after: Looked, limit: int) -> Looked | None:
        """Look what followed, and add it to the lessons' figures."""
        row = await self._uow.connection.fetchrow(
            _MEASURE, self._uow.organization_id, at, after.created_at, after.id, limit
        )
        return None if row is None or row["looked"] < limit else Looked(row["created_at"], row["id"])
