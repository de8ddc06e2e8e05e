"""The texts of touches that the AI writes, as planning asks for them and as they are written."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from adapters.persistence.coaching_live import PostgresLivePrompt
from adapters.persistence.database import PostgresUnitOfWork
from application.agenda import Agenda
from application.messaging.touch_texts import DueText, TextEnd
from application.messaging.touch_writing import WRITE
from application.outreach.ai_texts import WRITING, AiText, WithoutAi
from application.outreach.campaigns import PLAN
from application.outreach.touch_gate import TouchText
from domain.kernel import Phone
from domain.outreach.campaign import Campaign, message_id

_KNOWN = """
SELECT lead_id, status, requested_at, text, prompt_version FROM touch_texts
WHERE organization_id = $1 AND campaign_id = $2 AND touch = $3 AND lead_id = ANY ($4) AND status <> 'withdrawn'
"""
# Of what was written for this touch before, only the cost stays: it was paid.
_SET = """
INSERT INTO touch_texts (organization_id, id, campaign_id, lead_id, touch, variant, status, reason, requested_at,
  due_at)
SELECT $1, t.id, t.campaign_id, t.lead_id, t.touch, t.variant, $7, $8, $9, $9
FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[]) AS t(id, campaign_id, lead_id, touch, variant)
ORDER BY t.id
ON CONFLICT (organization_id, id) DO UPDATE SET campaign_id = excluded.campaign_id, variant = excluded.variant,
  status = excluded.status, reason = excluded.reason, requested_at = excluded.requested_at, due_at = excluded.due_at,
  text = NULL, confidence = NULL, reasoning = NULL, lessons = '{}', breaches = '{}', prompt_version = NULL,
  lease_until = NULL, away_since = NULL
"""
# Enrolments are locked before texts, wherever both are.
_WAKE_ALL = """
WITH mine AS (
  SELECT lead_id FROM enrolments
  WHERE organization_id = $1 AND campaign_id = $2 AND due_at IS NOT NULL AND delayed_by = $4
  ORDER BY lead_id FOR NO KEY UPDATE
)
UPDATE enrolments e SET due_at = $3, delayed_by = NULL FROM mine
WHERE e.organization_id = $1 AND e.campaign_id = $2 AND e.lead_id = mine.lead_id
"""
_WITHDRAW = """
WITH mine AS (
  SELECT id FROM touch_texts t WHERE organization_id = $1 AND campaign_id = $2 AND (status = 'due'
    OR status = 'written' AND NOT EXISTS (SELECT FROM sends s WHERE s.organization_id = $1 AND s.id = t.id))
  ORDER BY id FOR NO KEY UPDATE
)
UPDATE touch_texts t SET status = 'withdrawn', lease_until = NULL, away_since = NULL FROM mine
WHERE t.organization_id = $1 AND t.id = mine.id
"""
# What a version left to the template is the version's doing, and counts as such; what no version was asked for is not.
# What it cost was counted when it was written.
_SUBMITTED = """
INSERT INTO replies (organization_id, id, conversation_id, lead_id, status, handed_over, confidence, reasoning,
  lessons, breaches, prompt_type, prompt_version, model, input_tokens, output_tokens, cached_tokens, cost_micros,
  latency_ms, created_at)
SELECT $1, t.id, m.conversation_id, t.lead_id, CASE t.status WHEN 'written' THEN 'sent' ELSE 'unfit' END,
  t.status <> 'written', t.confidence, t.reasoning, t.lessons, t.breaches,
  lower(t.touch), t.prompt_version, t.model, t.input_tokens, t.output_tokens, t.cached_tokens, 0,
  t.latency_ms, $3
FROM touch_texts t JOIN messages m ON m.organization_id = $1 AND m.id = t.id
WHERE t.organization_id = $1 AND t.id = ANY ($2) AND t.status IN ('written', 'fell_back')
  AND t.prompt_version IS NOT NULL ORDER BY t.id
ON CONFLICT DO NOTHING
"""
_ONE_TAKES = "SELECT pg_advisory_xact_lock(hashtextextended('touch_texts/' || $1, 0))"
_TAKE = """
WITH room AS (
  SELECT greatest(least($2, $3 - count(*)), 0) AS places FROM touch_texts
  WHERE organization_id = $1 AND status = 'due' AND lease_until > clock_timestamp()
), picked AS (
  SELECT id FROM touch_texts
  WHERE organization_id = $1 AND status = 'due' AND due_at <= $5
    AND (lease_until IS NULL OR lease_until <= clock_timestamp())
  ORDER BY requested_at, id LIMIT (SELECT places FROM room) FOR NO KEY UPDATE SKIP LOCKED
), taken AS (
  UPDATE touch_texts t SET lease_until = clock_timestamp() + $4::interval FROM picked
  WHERE t.organization_id = $1 AND t.id = picked.id RETURNING t.id, t.campaign_id, t.lead_id, t.touch, t.requested_at
)
SELECT taken.id, taken.campaign_id, taken.lead_id, l.contact_id, l.phone, taken.touch,
       jsonb_array_length(c.settings -> 'touches') AS touches, e.lead_id IS NOT NULL AS is_wanted
FROM taken JOIN leads l ON l.organization_id = $1 AND l.id = taken.lead_id
JOIN campaigns c ON c.organization_id = $1 AND c.id = taken.campaign_id
LEFT JOIN enrolments e ON e.organization_id = $1 AND e.campaign_id = taken.campaign_id AND e.lead_id = taken.lead_id
  AND e.touch = taken.touch AND e.due_at IS NOT NULL AND NOT e.held
ORDER BY taken.requested_at, taken.id
"""
_WAKE = """
WITH mine AS (
  SELECT e.campaign_id, e.lead_id FROM enrolments e
  JOIN touch_texts t ON t.organization_id = $1 AND t.campaign_id = e.campaign_id AND t.lead_id = e.lead_id
    AND t.touch = e.touch
  WHERE e.organization_id = $1 AND t.id = ANY ($2) AND e.due_at IS NOT NULL AND e.delayed_by = $4
  ORDER BY e.lead_id FOR NO KEY UPDATE OF e
)
UPDATE enrolments e SET due_at = $3, delayed_by = NULL FROM mine
WHERE e.organization_id = $1 AND e.campaign_id = mine.campaign_id AND e.lead_id = mine.lead_id
"""
_SPEND = """
UPDATE touch_texts SET model = coalesce($3, model), input_tokens = input_tokens + $4,
  output_tokens = output_tokens + $5, cached_tokens = cached_tokens + $6, cost_micros = cost_micros + $7,
  latency_ms = latency_ms + $8, written_at = $9
WHERE organization_id = $1 AND id = $2
"""
# All that one writer ends or leaves are locked at once, in order, before planning's schedule: what comes after that row
# waits for nobody else's text.
_LOCK = "SELECT 1 FROM touch_texts WHERE organization_id = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE"
# Whoever was too late has spent all the same, and changes nothing.
_END = """
UPDATE touch_texts SET status = $3, reason = $4, text = $5, confidence = $6, reasoning = $7, lessons = $8,
  breaches = $9, prompt_version = $10, lease_until = NULL, away_since = NULL
WHERE organization_id = $1 AND id = $2 AND status = 'due'
"""
_WAIT = """
UPDATE touch_texts SET due_at = $3, lease_until = NULL
WHERE organization_id = $1 AND id = ANY ($2) AND status = 'due'
"""
_AWAY = """
WITH mine AS (
  SELECT id FROM touch_texts
  WHERE organization_id = $1 AND status = 'due' AND away_since IS NULL AND ($3 OR id = ANY ($4))
  ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE touch_texts t SET away_since = $2 FROM mine WHERE t.organization_id = $1 AND t.id = mine.id
"""
_SINCE = """
SELECT min(away_since) FROM touch_texts WHERE organization_id = $1 AND status = 'due' AND ($2 OR id = ANY ($3))
"""
# What was tried in vain itself, and so is due later than it was asked for, is not helped by what others got.
_BACK = """
WITH mine AS (
  SELECT id FROM touch_texts
  WHERE organization_id = $1 AND status = 'due' AND away_since IS NOT NULL AND due_at <= requested_at
  ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE touch_texts t SET away_since = NULL FROM mine WHERE t.organization_id = $1 AND t.id = mine.id
"""
_AWAY_FOR_LONG = """
SELECT id FROM touch_texts
WHERE organization_id = $1 AND status = 'due' AND away_since <= $2 AND ($4::uuid[] IS NULL OR id = ANY ($4))
ORDER BY due_at, id LIMIT $3
"""
_GIVE_UP = """
UPDATE touch_texts SET status = 'fell_back', reason = $3, lease_until = NULL, away_since = NULL
WHERE organization_id = $1 AND id = ANY ($2) AND status = 'due'
"""
_UNTIL_DUE = """
SELECT extract(epoch FROM min(greatest(lease_until - clock_timestamp(), due_at - $2, interval '0')))::float8
FROM touch_texts WHERE organization_id = $1 AND status = 'due'
"""


class PostgresAiTexts:
    """Be the `AiTexts` of the open unit of work: planning's side."""

    def __init__(self, uow: PostgresUnitOfWork, prompts: PostgresLivePrompt, agenda: Agenda) -> None:
        self._uow = uow
        self._prompts = prompts
        self._agenda = agenda

    async def known(self, campaign: Campaign, texts: Sequence[TouchText]) -> dict[UUID, AiText]:
        """Give them by lead, but what another version is live for by now."""
        found: dict[UUID, AiText] = {}
        for touch in sorted({text.touch for text in texts}):
            leads = [text.lead_id for text in texts if text.touch is touch]
            rows = await self._uow.connection.fetch(_KNOWN, self._uow.organization_id, campaign.id, touch.value, leads)
            written = [row["lead_id"] for row in rows if row["status"] == "written"]
            live = await self._prompts.labels(written, touch.value)
            found |= {
                row["lead_id"]: AiText(row["status"], row["requested_at"], row["text"] or "")
                for row in rows
                if row["status"] != "written" or row["prompt_version"] == live[row["lead_id"]]
            }
        return found

    async def ask(self, campaign: Campaign, texts: Sequence[TouchText]) -> None:
        """Let these be written from now on."""
        await self._set(campaign, texts, "due", None)
        if texts:
            await self._agenda.no_later_than(WRITE, self._uow.now())

    async def fall_back(self, campaign: Campaign, texts: Sequence[TouchText], why: WithoutAi) -> None:
        """Note that the template is taken."""
        await self._set(campaign, texts, "fell_back", why.value)

    async def _set(self, campaign: Campaign, texts: Sequence[TouchText], status: str, reason: str | None) -> None:
        if not texts:
            return
        await self._uow.connection.execute(
            _SET,
            self._uow.organization_id,
            [message_id(text.lead_id, text.touch) for text in texts],
            [campaign.id] * len(texts),
            [text.lead_id for text in texts],
            [text.touch.value for text in texts],
            [text.variant for text in texts],
            status,
            reason,
            self._uow.now(),
        )

    async def withdraw(self, campaign: Campaign) -> None:
        """Let planning ask anew for what is not in the ledger yet, now where somebody waited for it."""
        connection, organization_id = self._uow.connection, self._uow.organization_id
        await connection.execute(_WAKE_ALL, organization_id, campaign.id, self._uow.now(), WRITING)
        await connection.execute(_WITHDRAW, organization_id, campaign.id)

    async def submitted(self, texts: Sequence[TouchText]) -> None:
        """Note them among those that the AI wrote, or left to others."""
        if texts:
            ids = [message_id(text.lead_id, text.touch) for text in texts]
            await self._uow.connection.execute(_SUBMITTED, self._uow.organization_id, ids, self._uow.now())


class PostgresTouchTexts:
    """Be the `TouchTexts` of the open unit of work: the writer's side."""

    def __init__(self, uow: PostgresUnitOfWork, agenda: Agenda) -> None:
        self._uow = uow
        self._agenda = agenda

    async def take(self, limit: int, most: int, lease: timedelta) -> list[DueText]:
        """Take those that were asked for first, tried in vain or not; one at a time looks how many there are."""
        await self._uow.connection.execute(_ONE_TAKES, str(self._uow.organization_id))
        rows = await self._uow.connection.fetch(_TAKE, self._uow.organization_id, limit, most, lease, self._uow.now())
        return [_due(row) for row in rows]

    async def end(self, ends: Sequence[TextEnd]) -> None:
        """Write down what came of them, and let the touches of those that have ended be planned now."""
        ended = [end for end in ends if end.status != "due"]
        await self._wake([end.id for end in ended])
        await self._lock([end.id for end in ends])
        await self._spend(ends)
        rows = [
            (self._uow.organization_id, end.id, end.status, end.reason, end.text, end.confidence, end.reasoning,
             list(end.lessons), list(end.breaches), end.prompt_version)
            for end in ended
        ]  # fmt: skip
        await self._uow.connection.executemany(_END, rows)
        if ended:
            await self._agenda.no_later_than(PLAN, self._uow.now())

    async def _wake(self, ids: Sequence[UUID]) -> None:
        await self._uow.connection.execute(_WAKE, self._uow.organization_id, ids, self._uow.now(), WRITING)

    async def _lock(self, ids: Sequence[UUID]) -> None:
        await self._uow.connection.execute(_LOCK, self._uow.organization_id, ids)

    async def _spend(self, ends: Sequence[TextEnd]) -> None:
        rows = [
            (self._uow.organization_id, end.id, end.model, end.input_tokens, end.output_tokens, end.cached_tokens,
             end.cost_micros, end.latency_ms, self._uow.now())
            for end in ends
            if end.model is not None
        ]  # fmt: skip
        await self._uow.connection.executemany(_SPEND, rows)

    async def wait(self, ids: Sequence[UUID], wait: timedelta) -> None:
        """Leave them due, for later."""
        await self._uow.connection.execute(_WAIT, self._uow.organization_id, ids, self._uow.now() + wait)

    async def away_since(self, ids: Sequence[UUID], *, all_of_them: bool) -> datetime:
        """Note that the model was away, and tell since when."""
        connection, organization_id, now = self._uow.connection, self._uow.organization_id, self._uow.now()
        await connection.execute(_AWAY, organization_id, now, all_of_them, ids)
        since: datetime | None = await connection.fetchval(_SINCE, organization_id, all_of_them, ids)
        return since or now

    async def back(self) -> None:
        """Note that the model answers."""
        await self._uow.connection.execute(_BACK, self._uow.organization_id)

    async def give_up(self, away_since: datetime, reason: str, limit: int, only: Sequence[UUID] | None) -> int:
        """Let some take their template."""
        connection, organization_id = self._uow.connection, self._uow.organization_id
        found = await connection.fetch(_AWAY_FOR_LONG, organization_id, away_since, limit, only)
        ids = [row["id"] for row in found]
        await self._wake(ids)
        await self._lock(ids)
        await connection.execute(_GIVE_UP, organization_id, ids, reason)
        if ids:
            await self._agenda.no_later_than(PLAN, self._uow.now())
        return len(ids)

    async def seconds_until_due(self) -> float | None:
        """Tell in how many seconds the next can be taken."""
        now = self._uow.now()
        seconds: float | None = await self._uow.connection.fetchval(_UNTIL_DUE, self._uow.organization_id, now)
        return seconds


def _due(row: Any) -> DueText:
    values = dict(row.items())
    return DueText(**{**values, "phone": None if values["phone"] is None else Phone(values["phone"])})
