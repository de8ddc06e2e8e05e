"""The send ledger: rows written once by their natural keys, moved on only from the state they are found in."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.store import encode_json
from application.messaging.gate import Entry
from application.messaging.hand_overs import Claimed, HandedOver, Result
from domain.kernel import new_id
from domain.messaging.policy import Allow, Channel, Delay, Hold, Purpose, Verdict

_THREADS = """
INSERT INTO conversations (organization_id, id, contact_id, lead_id, channel, address, started_at, last_message_at)
SELECT $1, t.id, t.contact_id, t.lead_id, t.channel, t.address, $7, $7
FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[]) AS t(id, contact_id, lead_id, channel, address)
ON CONFLICT (organization_id, contact_id, channel) DO UPDATE
SET lead_id = coalesce(excluded.lead_id, conversations.lead_id), address = excluded.address
RETURNING id, contact_id, channel, turn_number
"""
_MESSAGES = """
INSERT INTO messages (organization_id, id, conversation_id, contact_id, lead_id, channel, direction, category, status,
                      body, sender, recipient, author_id, created_at)
SELECT $1, m.id, m.conversation_id, m.contact_id, m.lead_id, m.channel, 'outbound', m.category, m.status, m.body, $2,
       m.recipient, m.author_id, $3
FROM unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::text[], $10::text[], $11::text[],
            $12::text[], $13::uuid[])
     AS m(id, conversation_id, contact_id, lead_id, channel, category, status, body, recipient, author_id)
"""
_SENDS = """
INSERT INTO sends (organization_id, id, natural_key, purpose, channel, state, held, campaign_id, touch, variant,
                   lead_id, contact_id, conversation_id, recipient, sender, turn_number, due_at, verdict, reasons,
                   delayed_by, created_at)
SELECT $1, s.id, s.natural_key, s.purpose, s.channel, s.state, s.held, s.campaign_id, s.touch, s.variant, s.lead_id,
       s.contact_id, s.conversation_id, s.recipient, $2, s.turn_number, s.due_at, s.verdict, s.reasons, s.delayed_by, $3
FROM unnest($4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bool[], $10::uuid[], $11::text[],
            $12::text[], $13::uuid[], $14::uuid[], $15::uuid[], $16::text[], $17::bigint[], $18::timestamptz[],
            $19::text[], $20::jsonb[], $21::text[])
     AS s(id, natural_key, purpose, channel, state, held, campaign_id, touch, variant, lead_id, contact_id,
          conversation_id, recipient, turn_number, due_at, verdict, reasons, delayed_by)
"""
_KNOWN = "SELECT natural_key FROM sends WHERE organization_id = $1 AND natural_key = ANY ($2)"
_COLUMNS = """s.id, s.purpose, s.channel, s.contact_id, s.lead_id, s.campaign_id, s.touch, s.recipient, s.sender,
          s.turn_number, s.attempts, s.provider, s.handed_at, s.handed_machine_at, m.author_id, m.body, (
            SELECT i.backed_up_at FROM installation i WHERE s.created_at < i.restored_at + interval '30 days'
              OR EXISTS (SELECT 1 FROM campaigns c WHERE c.organization_id = $1 AND c.id = s.campaign_id
                         AND c.started_at < i.restored_at)) AS doubted_since"""
_CLAIM = """
WITH due AS (
  SELECT id FROM sends WHERE organization_id = $1 AND state = 'planned' AND NOT held AND due_at <= $2 AND {which}
  ORDER BY due_at LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE sends s SET state = 'claimed', batch = $4, lease_until = clock_timestamp() + $5, attempts = s.attempts + 1
FROM due, messages m
WHERE s.organization_id = $1 AND s.id = due.id AND m.organization_id = $1 AND m.id = s.id
RETURNING {columns}
"""
_CLAIM_ONE = _CLAIM.format(which="id = $6", columns=_COLUMNS)
# What somebody waits for goes before any campaign's touch, however long those have been due.
_AWAITED = ", ".join(f"'{purpose.value}'" for purpose in Purpose if purpose is not Purpose.CAMPAIGN)
_CLAIM_AWAITED = _CLAIM.format(which=f"purpose IN ({_AWAITED})", columns=_COLUMNS)
_CLAIM_TOUCHES = _CLAIM.format(which="purpose = 'campaign'", columns=_COLUMNS)
_LOCK = """
SELECT 1 FROM sends WHERE organization_id = $1 AND id = ANY ($2) AND state = 'claimed' ORDER BY id FOR NO KEY UPDATE
"""
_HAND = """
UPDATE sends SET state = 'handed', handed_at = $3, handed_machine_at = clock_timestamp(), provider = a.provider
FROM unnest($4::uuid[], $5::text[]) AS a(id, provider)
WHERE organization_id = $1 AND batch = $2 AND state = 'claimed' AND sends.id = a.id
  AND NOT EXISTS (SELECT 1 FROM suppressions x WHERE x.organization_id = $1 AND x.address = sends.recipient
                  AND sends.purpose <> 'opt_out_confirmation')
RETURNING sends.id
"""
_TURN_BACK = """
WITH v AS (
  SELECT * FROM unnest($4::uuid[], $5::text[], $6::bool[], $7::timestamptz[], $8::text[], $9::jsonb[], $10::text[])
         AS v(id, state, held, due_at, verdict, reasons, delayed_by)
), delayed AS (
  SELECT s.id, s.campaign_id, s.due_at AS was_due_at, v.due_at,
         interval '1 minute' / (c.settings ->> 'rate_per_minute')::int AS gap
  FROM v JOIN sends s ON s.organization_id = $1 AND s.id = v.id
  JOIN campaigns c ON c.organization_id = $1 AND c.id = s.campaign_id WHERE v.due_at IS NOT NULL
), queues AS (
  SELECT d.campaign_id, d.due_at, (
    SELECT max(q.due_at) FROM sends q WHERE q.organization_id = $1 AND q.campaign_id = d.campaign_id
      AND q.state = 'planned' AND NOT q.held AND q.due_at >= d.due_at) AS ends
  FROM (SELECT DISTINCT campaign_id, due_at FROM delayed) d
), slots AS (
  SELECT d.id, greatest(d.due_at, queues.ends + d.gap) + d.gap * (row_number() OVER (
           PARTITION BY d.campaign_id, d.due_at ORDER BY d.was_due_at, d.id) - 1) AS due_at
  FROM delayed d JOIN queues USING (campaign_id, due_at)
)
UPDATE sends s SET state = v.state, held = v.held, due_at = coalesce(slots.due_at, v.due_at, s.due_at),
       verdict = v.verdict, reasons = v.reasons, delayed_by = coalesce(v.delayed_by, s.delayed_by), batch = NULL,
       lease_until = NULL, attempts = s.attempts - 1,
       settled_at = CASE WHEN v.state = 'refused' THEN $3::timestamptz END
FROM v LEFT JOIN slots ON slots.id = v.id
WHERE s.organization_id = $1 AND s.batch = $2 AND s.state = 'claimed' AND s.id = v.id
RETURNING s.id, s.state
"""
_WRITE = """
WITH mine AS (
  SELECT id FROM sends WHERE organization_id = $1 AND id = ANY ($3) ORDER BY id FOR NO KEY UPDATE
)
UPDATE sends s SET state = r.state, provider_id = coalesce(r.provider_id, s.provider_id), error = r.error,
       due_at = coalesce(r.due_at, s.due_at), batch = NULL, attempts = s.attempts - r.untried::int,
       lease_until = CASE WHEN r.state = 'unknown' THEN clock_timestamp() END,
       settled_at = CASE WHEN r.state IN ('accepted', 'rejected', 'parked') THEN $2::timestamptz END
FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $9::bool[])
     AS r(id, state, provider_id, error, due_at, untried) JOIN mine USING (id)
WHERE s.organization_id = $1 AND s.id = mine.id
  AND ((s.state = 'handed' AND s.batch = $8) OR (s.state = 'unknown' AND $8 IS NULL))
RETURNING s.id, s.state, s.handed_at, split_part(s.provider, ':', 1) AS provider
"""
_TELL = """
UPDATE messages m SET status = CASE WHEN m.status IN ('pending', 'unknown') THEN t.status ELSE m.status END,
       provider = t.provider, provider_id = coalesce(t.provider_id, m.provider_id), error_code = t.error,
       segments = coalesce(t.segments, m.segments), sent_at = CASE WHEN t.status = 'sent' THEN t.at ELSE m.sent_at END
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::int[], $7::timestamptz[], $8::text[])
     AS t(id, status, provider_id, error, segments, at, provider)
WHERE m.organization_id = $1 AND m.id = t.id
"""
_COUNT = """
WITH n AS (
  SELECT conversation_id, count(*) AS messages FROM messages WHERE organization_id = $1 AND id = ANY ($2)
  GROUP BY conversation_id
), mine AS (
  SELECT id FROM conversations WHERE organization_id = $1 AND id IN (SELECT conversation_id FROM n)
  ORDER BY contact_id, channel FOR NO KEY UPDATE
)
UPDATE conversations c SET message_count = c.message_count + n.messages,
       last_message_at = greatest(c.last_message_at, $3)
FROM mine JOIN n ON n.conversation_id = mine.id
WHERE c.organization_id = $1 AND c.id = mine.id
"""
# Whoever has a row locked is changing it; what they leave claimed is released when the lease ends.
_UNCLAIM = """
WITH mine AS (
  SELECT id FROM sends WHERE organization_id = $1 AND id = ANY ($3) AND batch = $2 AND state = 'claimed'
  ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE sends s SET state = 'planned', batch = NULL, lease_until = NULL, attempts = s.attempts - 1
FROM mine WHERE s.organization_id = $1 AND s.id = mine.id
"""
_RELEASE = """
WITH ended AS (
  SELECT id FROM sends
  WHERE organization_id = $1 AND state IN ('claimed', 'handed') AND lease_until <= clock_timestamp()
  ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE sends SET state = CASE state WHEN 'claimed' THEN 'planned' ELSE 'unknown' END, batch = NULL,
       lease_until = CASE state WHEN 'claimed' THEN NULL ELSE lease_until END
FROM ended WHERE sends.organization_id = $1 AND sends.id = ended.id
"""
_UNKNOWN = f"""
SELECT {_COLUMNS} FROM sends s JOIN messages m ON m.organization_id = $1 AND m.id = s.id
WHERE s.organization_id = $1 AND s.state = 'unknown' AND s.handed_machine_at <= clock_timestamp() - $2::interval
ORDER BY s.lease_until LIMIT $3 FOR NO KEY UPDATE OF s SKIP LOCKED
"""  # noqa: S608 - our own column names
_STATUS = {"accepted": "sent", "rejected": "failed", "unknown": "unknown", "planned": "pending", "parked": "unknown"}


def reasons_json(verdict: Verdict) -> str:
    """Write a verdict's reasons as they are stored and shown."""
    return encode_json(verdict.reasons)


class PostgresLedger:
    """Be the `Ledger` of the gate and the `HandOvers` of sending."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def record(self, entries: Sequence[Entry], sender: str, at: datetime) -> frozenset[UUID]:
        """Insert threads, messages and rows for drafts whose natural key is new."""
        keys = [entry.draft.natural_key for entry in entries]
        known = await self._uow.connection.fetch(_KNOWN, self._uow.organization_id, keys)
        taken = {row["natural_key"] for row in known}
        fresh = [entry for entry in entries if entry.draft.natural_key not in taken]
        if not fresh:
            return frozenset()
        threads = await self._threads(fresh, at)
        await self._messages(fresh, threads, sender, at)
        await self._sends(fresh, threads, sender, at)
        return frozenset(entry.draft.id for entry in fresh)

    async def _threads(self, entries: Sequence[Entry], at: datetime) -> dict[tuple[UUID, str], UUID]:
        once = {(entry.draft.contact_id, entry.draft.channel.value): entry.draft for entry in entries}
        drafts = [once[key] for key in sorted(once)]
        rows = await self._uow.connection.fetch(
            _THREADS,
            self._uow.organization_id,
            [new_id() for _ in drafts],
            [d.contact_id for d in drafts],
            [d.lead_id for d in drafts],
            [d.channel.value for d in drafts],
            [d.recipient for d in drafts],
            at,
        )
        return {(row["contact_id"], row["channel"]): row["id"] for row in rows}

    async def _messages(
        self, entries: Sequence[Entry], threads: dict[tuple[UUID, str], UUID], sender: str, at: datetime
    ) -> None:
        drafts = [entry.draft for entry in entries]
        await self._uow.connection.execute(
            _MESSAGES,
            self._uow.organization_id,
            sender,
            at,
            [d.id for d in drafts],
            [threads[d.contact_id, d.channel.value] for d in drafts],
            [d.contact_id for d in drafts],
            [d.lead_id for d in drafts],
            [d.channel.value for d in drafts],
            [d.category for d in drafts],
            ["refused" if entry.state == "refused" else "pending" for entry in entries],
            [d.body for d in drafts],
            [d.recipient for d in drafts],
            [d.author_id for d in drafts],
        )

    async def _sends(
        self, entries: Sequence[Entry], threads: dict[tuple[UUID, str], UUID], sender: str, at: datetime
    ) -> None:
        drafts = [entry.draft for entry in entries]
        await self._uow.connection.execute(
            _SENDS,
            self._uow.organization_id,
            sender,
            at,
            [d.id for d in drafts],
            [d.natural_key for d in drafts],
            [d.purpose.value for d in drafts],
            [d.channel.value for d in drafts],
            [entry.state for entry in entries],
            [entry.held for entry in entries],
            [d.campaign_id for d in drafts],
            [d.touch for d in drafts],
            [d.variant for d in drafts],
            [d.lead_id for d in drafts],
            [d.contact_id for d in drafts],
            [threads[d.contact_id, d.channel.value] for d in drafts],
            [d.recipient for d in drafts],
            [entry.turn_number for entry in entries],
            [entry.due_at for entry in entries],
            [entry.verdict.kind for entry in entries],
            [reasons_json(entry.verdict) for entry in entries],
            [d.delayed_by for d in drafts],
        )

    async def claim(self, batch: UUID, limit: int, lease: timedelta, only: UUID | None = None) -> list[Claimed]:
        """Take due rows for this worker."""
        if only is not None:
            return await self._claim(_CLAIM_ONE, limit, batch, lease, only)
        awaited = await self._claim(_CLAIM_AWAITED, limit, batch, lease)
        if len(awaited) == limit:
            return awaited
        return awaited + await self._claim(_CLAIM_TOUCHES, limit - len(awaited), batch, lease)

    async def _claim(self, statement: str, limit: int, batch: UUID, lease: timedelta, *more: UUID) -> list[Claimed]:
        rows = await self._uow.connection.fetch(
            statement, self._uow.organization_id, self._uow.now(), limit, batch, lease, *more
        )
        return [_claimed(row) for row in rows]

    async def hand(
        self, batch: UUID, verdicts: Sequence[tuple[UUID, Verdict]], accounts: Mapping[UUID, str], at: datetime
    ) -> HandedOver:
        """Hand over what is allowed, write the other verdicts; what was cancelled meanwhile stays so."""
        ids = [identifier for identifier, _ in verdicts]
        await self._uow.connection.execute(_LOCK, self._uow.organization_id, ids)  # in one order: no deadlocks
        allowed = [identifier for identifier, verdict in verdicts if isinstance(verdict, Allow)]
        handed = await self._uow.connection.fetch(
            _HAND, self._uow.organization_id, batch, at, allowed, [accounts[identifier] for identifier in allowed]
        )
        others = [(identifier, verdict) for identifier, verdict in verdicts if not isinstance(verdict, Allow)]
        refused = await self._turn_back(batch, others, at) if others else frozenset()
        return HandedOver(frozenset(row["id"] for row in handed), refused)

    async def _turn_back(self, batch: UUID, verdicts: Sequence[tuple[UUID, Verdict]], at: datetime) -> frozenset[UUID]:
        states = ["planned" if isinstance(verdict, Delay | Hold) else "refused" for _, verdict in verdicts]
        rows = await self._uow.connection.fetch(
            _TURN_BACK,
            self._uow.organization_id,
            batch,
            at,
            [identifier for identifier, _ in verdicts],
            states,
            [isinstance(verdict, Hold) for _, verdict in verdicts],
            [verdict.until if isinstance(verdict, Delay) else None for _, verdict in verdicts],
            [verdict.kind for _, verdict in verdicts],
            [reasons_json(verdict) for _, verdict in verdicts],
            [_delaying(verdict) for _, verdict in verdicts],
        )
        refused = frozenset(row["id"] for row in rows if row["state"] == "refused")
        await self._uow.connection.execute(
            "UPDATE messages SET status = 'refused' WHERE organization_id = $1 AND id = ANY ($2)",
            self._uow.organization_id,
            list(refused),
        )
        return refused

    async def write(self, results: Sequence[Result], at: datetime, batch: UUID | None) -> frozenset[UUID]:
        """Write what became of the batch's handed rows, or without a batch of unknown ones; tell it on the messages."""
        if not results:
            return frozenset()
        written = await self._uow.connection.fetch(
            _WRITE,
            self._uow.organization_id,
            at,
            [r.id for r in results],
            [r.state for r in results],
            [r.provider_id for r in results],
            [r.error for r in results],
            [r.due_at for r in results],
            batch,
            [r.untried for r in results],
        )
        handed = {row["id"]: row for row in written}
        told = [r for r in results if r.id in handed]
        await self._uow.connection.execute(
            _TELL,
            self._uow.organization_id,
            [r.id for r in told],
            [_STATUS[r.state] for r in told],
            [r.provider_id for r in told],
            [r.error for r in told],
            [r.segments for r in told],
            [handed[r.id]["handed_at"] for r in told],
            [handed[r.id]["provider"] for r in told],
        )
        accepted = [r.id for r in told if r.state == "accepted"]
        if accepted:
            await self._uow.connection.execute(_COUNT, self._uow.organization_id, accepted, at)
        return frozenset(handed)

    async def unclaim(self, batch: UUID, ids: Sequence[UUID]) -> None:
        """Put back what the batch claimed and did not come to."""
        await self._uow.connection.execute(_UNCLAIM, self._uow.organization_id, batch, ids)

    async def expired(self, provider_limit: timedelta, limit: int) -> list[Claimed]:
        """Release what was claimed under an ended lease and give what nobody knows about."""
        await self._uow.connection.execute(_RELEASE, self._uow.organization_id)
        rows = await self._uow.connection.fetch(_UNKNOWN, self._uow.organization_id, provider_limit, limit)
        return [_claimed(row) for row in rows]

    async def known(self, provider_ids: Collection[str], recipients: Collection[str]) -> frozenset[str]:
        """Pick out the ids that other rows bear."""
        rows = await self._uow.connection.fetch(
            "SELECT provider_id FROM sends WHERE organization_id = $1 AND recipient = ANY ($2)"
            " AND provider_id = ANY ($3)",
            self._uow.organization_id,
            list(recipients),
            list(provider_ids),
        )
        return frozenset(row["provider_id"] for row in rows)

    async def open_rows(self) -> int:
        """Count rows that are claimed, handed or unknown."""
        return int(
            await self._uow.connection.fetchval(
                "SELECT count(*) FROM sends WHERE organization_id = $1 AND state IN ('claimed', 'handed', 'unknown')",
                self._uow.organization_id,
            )
        )

    async def next_due(self) -> datetime | None:
        """Tell when the next planned row is due."""
        due: datetime | None = await self._uow.connection.fetchval(
            "SELECT min(due_at) FROM sends WHERE organization_id = $1 AND state = 'planned' AND NOT held",
            self._uow.organization_id,
        )
        return due


def _delaying(verdict: Verdict) -> str | None:
    return verdict.decisive.rule if isinstance(verdict, Delay) and verdict.decisive else None


def _claimed(row: Any) -> Claimed:
    values = dict(row.items())
    return Claimed(**{**values, "purpose": Purpose(values["purpose"]), "channel": Channel(values["channel"])})
