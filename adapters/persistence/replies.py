"""What the AI has to answer, what it is told, what it wrote."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.integration_notes import note, note_installation
from adapters.persistence.model_access import own_access
from adapters.persistence.model_spending import number
from application.identity.secrets import Secrets
from application.messaging.answering import Background, Reply, ReplySettings, ReplyStatus
from application.messaging.reply_writing import Said
from application.provider import Capabilities, NotConfigured
from domain.kernel import NotFound
from domain.messaging.conversation import Conversation
from domain.messaging.reply import Sentiment
from domain.messaging.reply_facts import DEFAULT_SEGMENTS, DEFAULT_THRESHOLD

MOST_HISTORY = 30
_SETTINGS = """
SELECT o.settings, c.settings ->> 'ai_response_delay_seconds' AS delay
FROM organizations o LEFT JOIN leads l ON l.organization_id = $1 AND l.id = $2
LEFT JOIN campaigns c ON c.organization_id = $1 AND c.dataset_id = l.dataset_id
WHERE o.organization_id = $1 ORDER BY c.started_at DESC NULLS LAST LIMIT 1
"""
_TAKE_DUE = """
WITH due AS (
  SELECT id FROM conversations WHERE organization_id = $1 AND answer_due_at <= $2
  ORDER BY answer_due_at LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE conversations c SET answer_due_at = NULL FROM due WHERE c.organization_id = $1 AND c.id = due.id RETURNING c.id
"""
_LEAD = """
SELECT o.name AS organization, o.locale, coalesce(contact.zones[1], o.time_zone) AS zone,
       contact.first_name, contact.last_name, contact.company_name, contact.postcode, lead.product,
       to_char(lead.inquiry_date, 'FMDD FMMonth YYYY') AS inquiry_date, lead.contact_status, lead.sentiment,
       lead.estimated_units,
       own.credentials, own.settings ->> 'model' AS model
FROM organizations o JOIN contacts contact ON contact.organization_id = $1 AND contact.id = $2
LEFT JOIN leads lead ON lead.organization_id = $1 AND lead.id = $3
LEFT JOIN integrations own ON own.organization_id = $1 AND own.provider = 'anthropic' AND own.is_active
WHERE o.organization_id = $1
"""
# Fixed wordings answer nothing; and ids that are derived from others do not tell which came first.
_HISTORY = """
SELECT direction, body, created_at FROM messages
WHERE organization_id = $1 AND conversation_id = $2 AND status NOT IN ('refused', 'cancelled', 'draft', 'failed')
  AND NOT (direction = 'outbound' AND category IN ('help', 'opt_in', 'opt_out_confirmation'))
ORDER BY created_at DESC, (direction = 'outbound') DESC, id DESC LIMIT $3
"""
_PROMISED = """
SELECT message.conversation_id FROM bookings booking
JOIN sends told ON told.organization_id = $1 AND told.lead_id = booking.lead_id AND told.purpose = 'system'
  AND told.natural_key = 'reply:' || split_part(booking.natural_key, ':', 2) AND told.state <> 'refused'
JOIN messages message ON message.organization_id = $1 AND message.id = told.id
WHERE booking.organization_id = $1 AND booking.id = $2 AND booking.source = 'ai'
"""
_COLUMNS = [field.name for field in fields(Reply)]
_READ = f"SELECT {', '.join(_COLUMNS)} FROM replies WHERE organization_id = $1"  # noqa: S608 - our own columns
_PLACES = ", ".join(f"${n}" for n in range(2, len(_COLUMNS) + 3))
_INSERT = f"INSERT INTO replies (organization_id, {', '.join(_COLUMNS)}, created_at) VALUES ($1, {_PLACES})"  # noqa: S608
_TOLD = {
    "first_name": "First name",
    "last_name": "Last name",
    "company_name": "Company",
    "postcode": "Postcode",
    "product": "Asked about",
    "inquiry_date": "Asked on",
    "estimated_units": "Units",
    "contact_status": "Stands at",
    "sentiment": "Sounded",
}


class PostgresReplies:
    """Be the `ReplyStore` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork, secrets: Secrets) -> None:
        self._uow = uow
        self._secrets = secrets

    async def settings_for(self, lead_id: UUID | None) -> ReplySettings:
        """Give the organisation's settings, with the delay of the lead's campaign."""
        row = await self._uow.connection.fetchrow(_SETTINGS, self._uow.organization_id, lead_id)
        return reply_settings(msgspec.json.decode(row["settings"]), row["delay"])

    async def take_due(self, limit: int, at: datetime) -> list[UUID]:
        """Give conversations whose answer is due, and let them be due no more."""
        rows = await self._uow.connection.fetch(_TAKE_DUE, self._uow.organization_id, at, limit)
        return [row["id"] for row in rows]

    async def next_due(self) -> datetime | None:
        """Tell when the next answer is due."""
        due: datetime | None = await self._uow.connection.fetchval(
            "SELECT min(answer_due_at) FROM conversations WHERE organization_id = $1 AND answer_due_at IS NOT NULL",
            self._uow.organization_id,
        )
        return due

    async def background(self, thread: Conversation) -> Background:
        """Read what an answer is written from."""
        return await self._background(thread.contact_id, thread.lead_id, thread.id)

    async def background_of(self, contact_id: UUID, lead_id: UUID) -> Background:
        """Read what a text that begins is written from: there may be no thread yet."""
        thread = await self._uow.connection.fetchval(
            "SELECT id FROM conversations WHERE organization_id = $1 AND contact_id = $2 AND channel = 'sms'",
            self._uow.organization_id,
            contact_id,
        )
        return await self._background(contact_id, lead_id, thread)

    async def _background(self, contact_id: UUID, lead_id: UUID | None, thread_id: UUID | None) -> Background:
        connection, organization_id = self._uow.connection, self._uow.organization_id
        now = await connection.fetchval("SELECT business_now()")
        lead = await connection.fetchrow(_LEAD, organization_id, contact_id, lead_id)
        if lead is None:
            raise NotFound("There is no such contact any more.")
        said = await connection.fetch(_HISTORY, organization_id, thread_id, MOST_HISTORY)
        return Background(
            organization=lead["organization"],
            locale=lead["locale"].partition("-")[0].partition("_")[0],
            zone=lead["zone"],
            lead=[(name, str(lead[column])) for column, name in _TOLD.items() if lead[column] is not None],
            first_name=lead["first_name"],
            product=lead["product"],
            history=[
                Said("lead" if row["direction"] == "inbound" else "us", row["body"], row["created_at"])
                for row in reversed(said)
            ],
            settings=await self.settings_for(lead_id),
            access=own_access(self._secrets, lead["credentials"], lead["model"]),
            now=now,
        )

    async def latest_inbound(self, conversation_id: UUID) -> UUID | None:
        """Name the latest text that came in."""
        found: UUID | None = await self._uow.connection.fetchval(
            "SELECT id FROM messages WHERE organization_id = $1 AND conversation_id = $2 AND direction = 'inbound'"
            " ORDER BY created_at DESC, id DESC LIMIT 1",
            self._uow.organization_id,
            conversation_id,
        )
        return found

    async def record(self, reply: Reply, at: datetime) -> None:
        """Write down one call of the writer."""
        values = [_out(getattr(reply, name)) for name in _COLUMNS]
        await self._uow.connection.execute(_INSERT, self._uow.organization_id, *values, at)

    async def draft(self, conversation_id: UUID, answers_id: UUID | None) -> Reply | None:
        """Give the latest draft that answers this text."""
        row = await self._uow.connection.fetchrow(
            f"{_READ} AND conversation_id = $2 AND answers_id IS NOT DISTINCT FROM $3 AND status = 'draft'"
            " ORDER BY created_at DESC LIMIT 1",
            self._uow.organization_id,
            conversation_id,
            answers_id,
        )
        return None if row is None else _reply(row)

    async def get_draft(self, identifier: UUID) -> Reply | None:
        """Give a draft, locked."""
        row = await self._uow.connection.fetchrow(
            f"{_READ} AND id = $2 AND status = 'draft' FOR NO KEY UPDATE", self._uow.organization_id, identifier
        )
        return None if row is None else _reply(row)

    async def became(self, identifier: UUID, status: ReplyStatus) -> None:
        """Write what became of a draft."""
        await self._uow.connection.execute(
            "UPDATE replies SET status = $3 WHERE organization_id = $1 AND id = $2",
            self._uow.organization_id,
            identifier,
            status,
        )

    async def left_to_person(self, identifier: UUID) -> None:
        """Write that a person answers instead."""
        await self._uow.connection.execute(
            "UPDATE replies SET handed_over = true WHERE organization_id = $1 AND id = $2",
            self._uow.organization_id,
            identifier,
        )

    async def slot_became(self, conversation_id: UUID, answers_id: UUID, status: ReplyStatus) -> None:
        """Write what became of the draft that took a slot."""
        await self._uow.connection.execute(
            "UPDATE replies SET status = $4 WHERE organization_id = $1 AND conversation_id = $2 AND answers_id = $3"
            " AND status = 'draft' AND intent = 'accepts_slot'",
            self._uow.organization_id,
            conversation_id,
            answers_id,
            status,
        )

    async def promised(self, booking_id: UUID) -> UUID | None:
        """Name the conversation in which the AI told of a booking."""
        found: UUID | None = await self._uow.connection.fetchval(_PROMISED, self._uow.organization_id, booking_id)
        return found

    async def note_access(self, trouble: str | None, *, own: bool) -> str | None:
        """Write how the organisation's own model did, or the installation's."""
        if not own:
            await note_installation(self._uow, "anthropic", trouble)
            return None
        return "anthropic" if await note(self._uow, "anthropic", trouble) else None

    async def feel(self, conversation_id: UUID, sentiment: Sentiment) -> None:
        """Note on the thread how the person sounds."""
        await self._uow.connection.execute(
            "UPDATE conversations SET sentiment = $3 WHERE organization_id = $1 AND id = $2",
            self._uow.organization_id,
            conversation_id,
            sentiment.value,
        )


class CapableOfAi:
    """Be `AiAvailable` by the capability of the organisation."""

    def __init__(self, capabilities: Capabilities) -> None:
        self._capabilities = capabilities

    async def now(self) -> bool:
        """Tell whether there is a writer."""
        try:
            await self._capabilities.require("ai")
        except NotConfigured:
            return False
        return True


def reply_settings(free: Mapping[str, Any], delay: str | None) -> ReplySettings:
    """Read an organisation's free settings (`docs/ai-replies.md`); what does not fit is as if it were not set."""
    facts = free.get("ai_facts")
    chosen = free.get("ai_response_delay_seconds") if delay is None else delay
    return ReplySettings(
        enabled=free.get("ai_replies") is not False,
        delay_seconds=int(number(chosen, 0, 86_400, 60)),
        patience_seconds=int(number(free.get("ai_patience_seconds"), 0, 86_400, 300)),
        threshold=number(free.get("ai_confidence_threshold"), 0, 1, DEFAULT_THRESHOLD),
        most_segments=int(number(free.get("ai_most_segments"), 1, 6, DEFAULT_SEGMENTS)),
        facts=facts[:4000] if isinstance(facts, str) else "",
    )


def _out(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _reply(row: Any) -> Reply:
    values = dict(row.items())
    return msgspec.convert(values, type=Reply)
