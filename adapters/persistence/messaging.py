"""Threads, messages and the consent ledger."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from adapters.persistence.coaching_authors import author_of
from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.erased_addresses import ErasedAddresses
from adapters.persistence.finder import Finder, Listing, json_object
from adapters.persistence.schema.messaging import conversations, messages
from adapters.persistence.schema.sales import contacts, leads
from adapters.persistence.store import PostgresStore, encode_json
from adapters.persistence.visibility import LeadVisibility
from application.messaging.consent import ConsentLine, ConsentView, ReasonView
from application.messaging.conversations import ConversationFilter, Incoming
from application.messaging.messages import MessageFilter, WhyView
from application.ports import Found, PageRequest
from domain.kernel import new_id
from domain.messaging.conversation import Conversation

LATEST_MESSAGES = 100


def _may_see() -> dict[str, Any]:
    nobodys = sa.or_(leads.c.id.is_(None), leads.c.assigned_to.is_(None))
    return {
        "visible_to": lambda p: sa.or_(nobodys, leads.c.assigned_to == p),
        "visible_datasets": lambda p: leads.c.dataset_id == sa.any_(p),
    }


_SCOPE_TYPES: dict[str, sa.types.TypeEngine[Any]] = {"visible_to": sa.Uuid(), "visible_datasets": sa.ARRAY(sa.Uuid())}

CONVERSATIONS = Listing(
    source=conversations.join(
        contacts,
        sa.and_(
            contacts.c.organization_id == conversations.c.organization_id, contacts.c.id == conversations.c.contact_id
        ),
    ).outerjoin(
        leads,
        sa.and_(leads.c.organization_id == conversations.c.organization_id, leads.c.id == conversations.c.lead_id),
    ),
    organization=conversations.c.organization_id,
    identifier=conversations.c.id,
    shown={
        "id": conversations.c.id,
        "channel": conversations.c.channel,
        "status": conversations.c.status,
        "sentiment": conversations.c.sentiment,
        "lead_id": conversations.c.lead_id,
        "contact": json_object(
            {
                "id": contacts.c.id,
                "first_name": contacts.c.first_name,
                "last_name": contacts.c.last_name,
                "phone_number": contacts.c.phone,
                "email": contacts.c.email,
            }
        ),
        "contact_status": leads.c.contact_status,
        "turn": json_object({"holder": conversations.c.turn_holder, "number": conversations.c.turn_number}),
        "message_count": conversations.c.message_count,
        "unread_count": conversations.c.unread_count,
        "archived": conversations.c.archived,
        "attention": conversations.c.attention,
        "started_at": conversations.c.started_at,
        "last_message_at": conversations.c.last_message_at,
        "version": conversations.c.version,
    },
    sorts={"last_message": conversations.c.last_message_at},
    default_sort="last_message",
    filters={
        "channel": lambda p: conversations.c.channel == p,
        "unread": lambda p: (conversations.c.unread_count > 0) == p,
        "archived": lambda p: conversations.c.archived == p,
        "lead_id": lambda p: conversations.c.lead_id == p,
        "contact_id": lambda p: conversations.c.contact_id == p,
        **_may_see(),
    },
    types={
        "unread": sa.Boolean(),
        "archived": sa.Boolean(),
        "lead_id": sa.Uuid(),
        "contact_id": sa.Uuid(),
        **_SCOPE_TYPES,
    },
)

MESSAGE_SHOWN = {
    "id": messages.c.id,
    "conversation_id": messages.c.conversation_id,
    "lead_id": messages.c.lead_id,
    "contact_id": messages.c.contact_id,
    "channel": messages.c.channel,
    "direction": messages.c.direction,
    "message_category": messages.c.category,
    "status": messages.c.status,
    "content": messages.c.body,
    "from": messages.c.sender,
    "to": messages.c.recipient,
    "media": messages.c.media,
    "author_id": messages.c.author_id,
    "provider_id": messages.c.provider_id,
    "segments": messages.c.segments,
    "error_code": messages.c.error_code,
    "price": sa.cast(messages.c.price, sa.Text()),
    "price_currency": messages.c.price_currency,
    "sent_at": messages.c.sent_at,
    "delivered_at": messages.c.delivered_at,
    "created_at": messages.c.created_at,
}
MESSAGES = Listing(
    source=messages.outerjoin(
        leads, sa.and_(leads.c.organization_id == messages.c.organization_id, leads.c.id == messages.c.lead_id)
    ),
    organization=messages.c.organization_id,
    identifier=messages.c.id,
    shown=MESSAGE_SHOWN,
    sorts={"created": messages.c.created_at},
    default_sort="created",
    filters={
        "channel": lambda p: messages.c.channel == p,
        "direction": lambda p: messages.c.direction == p,
        "status": lambda p: messages.c.status == p,
        "category": lambda p: messages.c.category == p,
        "lead_id": lambda p: messages.c.lead_id == p,
        "conversation_id": lambda p: messages.c.conversation_id == p,
        **_may_see(),
    },
    types={"lead_id": sa.Uuid(), "conversation_id": sa.Uuid(), **_SCOPE_TYPES},
)
_SCORE: sa.ColumnElement[Any] = sa.literal_column("""(SELECT score FROM message_scores s
  WHERE s.organization_id = messages.organization_id AND s.message_id = messages.id)""")
_WRITTEN_WITH: sa.ColumnElement[Any] = (
    sa.literal_column("""(SELECT json_build_object('prompt_version', r.prompt_version, 'lesson_ids', to_json(r.lessons),
    'model', r.model, 'input_tokens', r.input_tokens, 'output_tokens', r.output_tokens)
  FROM replies r LEFT JOIN sends s ON s.organization_id = r.organization_id AND s.id = messages.id
  WHERE r.organization_id = messages.organization_id AND r.conversation_id = messages.conversation_id
    AND r.status = 'sent' AND (r.id = messages.id OR s.natural_key = 'reply:' || r.answers_id) LIMIT 1)""")
)
_FOUND: sa.ColumnElement[Any] = (
    sa.literal_column("""(SELECT json_agg(json_build_object('id', i.id, 'severity', i.severity, 'title', i.title,
    'status', i.status) ORDER BY i.raised_at DESC, i.id DESC)
  FROM insight_evidence e JOIN insights i ON i.organization_id = e.organization_id AND i.id = e.insight_id
  WHERE e.organization_id = messages.organization_id AND e.message_id = messages.id)""")
)
THREAD_MESSAGES = replace(
    MESSAGES,
    shown={
        **MESSAGE_SHOWN,
        "ai_generated": sa.literal_column(f"({author_of('messages')} = 'ai')", sa.Boolean()),
        "written_with": _WRITTEN_WITH,
        "ai_quality_score": _SCORE,
        "insights": sa.func.coalesce(_FOUND, sa.literal_column("'[]'::json")),
    },
)
_QUALITY = "SELECT score FROM reviewed_conversations WHERE organization_id = $1 AND conversation_id = $2"
LISTINGS = (CONVERSATIONS, MESSAGES, THREAD_MESSAGES)


class PostgresConversations(PostgresStore[Conversation]):
    """Be the `ConversationStore` of the open unit of work."""

    entity = Conversation
    table = conversations
    noun = "conversation"

    def __init__(self, uow: PostgresUnitOfWork, finder: Finder, visibility: LeadVisibility) -> None:
        super().__init__(uow)
        self._finder = finder
        self._visibility = visibility

    async def with_contact(self, contact_id: UUID, channel: str) -> Conversation | None:
        """Find the one thread with a contact on a channel, locked."""
        row = await self.uow.connection.fetchrow(
            f"{self._select} WHERE organization_id = $1 AND contact_id = $2 AND channel = $3 FOR NO KEY UPDATE",
            self.uow.organization_id,
            contact_id,
            channel,
        )
        return None if row is None else self.layout.read(row)

    async def find_with(self, contact_id: UUID, channel: str) -> Conversation | None:
        """Find the one thread with a contact on a channel."""
        return await self.find_one("contact_id = $2 AND channel = $3", contact_id, channel)

    async def locked(self, identifier: UUID) -> Conversation:
        """Load one, locked."""
        return await self.get_for_update(identifier)

    async def take_in(self, incoming: Incoming) -> None:
        """Store a message that came in."""
        thread = incoming.conversation
        await self.uow.connection.execute(
            "INSERT INTO messages (organization_id, id, conversation_id, contact_id, lead_id, channel, direction,"
            " category, status, body, sender, recipient, media, provider, provider_id, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, 'inbound', 'reply', 'received', $7, $8, $9, $10, $11, $12, $13)",
            self.uow.organization_id,
            incoming.id,
            thread.id,
            thread.contact_id,
            thread.lead_id,
            thread.channel,
            incoming.body,
            incoming.sender,
            incoming.recipient,
            encode_json(incoming.media),
            incoming.provider,
            incoming.provider_id,
            incoming.at,
        )

    async def find(self, narrowed: ConversationFilter, page: PageRequest) -> Found:
        """List threads."""
        return await self._finder.find(CONVERSATIONS, narrowed, page, self._visibility.scope())

    async def thread(self, identifier: UUID) -> msgspec.Raw | None:
        """Show a thread with its latest messages."""
        head = await self._finder.one(CONVERSATIONS, identifier, self._visibility.scope())
        if head is None:
            return None
        quality = await self.uow.connection.fetchval(_QUALITY, self.uow.organization_id, identifier)
        latest = await self._finder.find(
            THREAD_MESSAGES,
            MessageFilter(conversation_id=identifier),
            PageRequest(limit=LATEST_MESSAGES),
        )
        said = b",".join(bytes(item) for item in reversed(latest.items))
        scored = msgspec.json.encode(quality)
        return msgspec.Raw(bytes(head)[:-1] + b', "quality_score": ' + scored + b', "messages": [' + said + b"]}")


class PostgresMessages:
    """Be the `MessageStore` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork, finder: Finder, visibility: LeadVisibility) -> None:
        self._uow = uow
        self._finder = finder
        self._visibility = visibility

    async def find(self, narrowed: MessageFilter, page: PageRequest) -> Found:
        """List messages."""
        return await self._finder.find(MESSAGES, narrowed, page, self._visibility.scope())

    async def show(self, identifier: UUID) -> msgspec.Raw | None:
        """Show one."""
        return await self._finder.one(MESSAGES, identifier, self._visibility.scope())

    async def why(self, identifier: UUID) -> WhyView | None:
        """Show a message's ledger row."""
        row = await self._uow.connection.fetchrow(
            "SELECT purpose, state, verdict, held, due_at, delayed_by, attempts, error, reasons FROM sends"
            " WHERE organization_id = $1 AND id = $2",
            self._uow.organization_id,
            identifier,
        )
        if row is None:
            return None
        reasons = msgspec.json.decode(row["reasons"], type=list[ReasonView])
        return WhyView(message_id=identifier, **{**dict(row.items()), "reasons": reasons})


class PostgresConsentLedger:
    """Be the `ConsentLedger` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork, erased: ErasedAddresses) -> None:
        self._uow = uow
        self._erased = erased

    async def write(self, line: ConsentLine, at: datetime) -> UUID:
        """Append a line."""
        identifier = new_id()
        await self._uow.connection.execute(
            "INSERT INTO consents (organization_id, id, contact_id, address, channel, kind, how, wording, source,"
            " message_id, actor_id, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            self._uow.organization_id,
            identifier,
            line.contact_id,
            line.address,
            line.channel,
            line.kind,
            line.how,
            line.wording,
            line.source,
            line.message_id,
            line.actor_id,
            at,
        )
        return identifier

    async def suppress(self, address: str, how: str, wording: str | None, consent_id: UUID, at: datetime) -> bool:
        """Let nothing more out to an address."""
        done = await self._uow.connection.execute(
            "INSERT INTO suppressions (organization_id, address, since, how, wording, consent_id)"
            " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            self._uow.organization_id,
            address,
            at,
            how,
            wording,
            consent_id,
        )
        if done == "INSERT 0 1":
            return True
        await self._uow.connection.execute(
            "UPDATE suppressions SET since = $3 WHERE organization_id = $1 AND address = $2 AND since < $3",
            self._uow.organization_id,
            address,
            at,
        )
        return False

    async def lift(self, address: str, text_of: datetime | None) -> bool:
        """Lift a suppression."""
        done = await self._uow.connection.execute(
            "DELETE FROM suppressions WHERE organization_id = $1 AND address = $2"
            " AND ($3::timestamptz IS NULL OR how IN ('text', 'provider') AND since <= $3)",
            self._uow.organization_id,
            address,
            text_of,
        )
        if done == "DELETE 1":
            await self._erased.forgive(address)
        return bool(done == "DELETE 1")

    async def lines(self, contact_id: UUID) -> list[ConsentView]:
        """Give a contact's lines, newest first."""
        rows = await self._uow.connection.fetch(
            "SELECT id, channel, kind, how, wording, source, message_id, actor_id, at FROM consents"
            " WHERE organization_id = $1 AND contact_id = $2 ORDER BY at DESC, id DESC LIMIT 200",
            self._uow.organization_id,
            contact_id,
        )
        return [ConsentView(**dict(row.items())) for row in rows]


class PostgresOrganizationName:
    """Know how the organisation calls itself."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def name(self) -> str:
        """Give it."""
        return str(
            await self._uow.connection.fetchval(
                "SELECT name FROM organizations WHERE organization_id = $1", self._uow.organization_id
            )
        )
