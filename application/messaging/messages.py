"""Messages: what a person sends, what was said, and why something was or was not sent."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Protocol
from uuid import UUID

import msgspec

from application.messaging.consent import ReasonView
from application.messaging.conversations import ConversationStore
from application.messaging.gate import Draft, Gate
from application.messaging.outreach import Parties, Party
from application.ports import Actor, Clock, Command, Filter, Found, PageRequest, UnitOfWork, View
from application.provider import Capabilities
from domain.identity.role import Permission
from domain.kernel import Conflict, Invalid, NotFound, Phone, new_id
from domain.messaging.message import MessageStatus
from domain.messaging.policy import Channel, Purpose, Refuse, Verdict
from domain.messaging.turn import Holder

Body = Annotated[str, msgspec.Meta(min_length=1, max_length=1600)]


class MessageFilter(Filter, frozen=True):
    """Narrow the list of messages."""

    channel: Literal["sms", "email", "call", "chat"] | None = None
    direction: Literal["inbound", "outbound"] | None = None
    status: MessageStatus | None = None
    category: str | None = None
    lead_id: UUID | None = None
    conversation_id: UUID | None = None


class SendMessage(Command, frozen=True):
    """Write to a lead as a person; this takes the turn."""

    lead_id: UUID
    content: Body
    message_category: Literal["human_manual"] = "human_manual"
    example: ClassVar[dict[str, Any]] = {
        "lead_id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "content": "Hello Ada, Bob here. Shall I ring you at four?",
    }


class SendTo(Command, frozen=True):
    """Write to a contact of ours by address."""

    to: str
    channel: Literal["sms"]
    body: Body
    example: ClassVar[dict[str, Any]] = {"to": "+447700900101", "channel": "sms", "body": "Hello Ada, Bob here."}


class WhyView(View, frozen=True):
    """Show why a message was sent, waits, or was refused."""

    message_id: UUID
    purpose: str
    state: str
    verdict: str
    held: bool
    due_at: datetime
    delayed_by: str | None
    attempts: int
    error: str | None
    reasons: list[ReasonView]
    example: ClassVar[dict[str, Any]] = {
        "message_id": "01890a5d-ad10-7c3e-8a53-4f0f6a2c1d77",
        "purpose": "campaign",
        "state": "refused",
        "verdict": "refuse",
        "held": False,
        "due_at": "2027-03-22T10:15:00Z",
        "delayed_by": None,
        "attempts": 0,
        "error": None,
        "reasons": [
            {"rule": "opt_out", "outcome": "refused", "sentence": "Opted out on 21 March 2027 at 09:02 UTC (text)."}
        ],
    }


class MessageStore(Protocol):
    """Read messages."""

    async def find(self, narrowed: MessageFilter, page: PageRequest) -> Found:
        """List messages that the actor may see, latest first."""
        ...

    async def show(self, identifier: UUID) -> msgspec.Raw | None:
        """Show one as the list does."""
        ...

    async def why(self, identifier: UUID) -> WhyView | None:
        """Show its ledger row."""
        ...


@dataclass(frozen=True)
class Messages:
    """Send and show messages."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    messages: MessageStore
    conversations: ConversationStore
    parties: Parties
    gate: Gate
    capabilities: Capabilities

    async def find(self, narrowed: MessageFilter, page: PageRequest) -> Found:
        """List messages, latest first."""
        self.actor.require(Permission.MESSAGES_READ)
        async with self.uow.reading():
            return await self.messages.find(narrowed, page)

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one message."""
        self.actor.require(Permission.MESSAGES_READ)
        async with self.uow.reading():
            return await self._shown(identifier)

    async def _shown(self, identifier: UUID) -> msgspec.Raw:
        found = await self.messages.show(identifier)
        if found is None:
            raise NotFound("There is no such message.")
        return found

    async def why(self, identifier: UUID) -> WhyView:
        """Explain the verdict on an outgoing message with the rules applied."""
        self.actor.require(Permission.MESSAGES_READ)
        async with self.uow.reading():
            await self._shown(identifier)
            found = await self.messages.why(identifier)
        if found is None:
            raise Invalid("Only outgoing messages are decided upon; this one came in.")
        return found

    async def send(self, asked: SendMessage) -> msgspec.Raw:
        """Write to a lead by text; refused with the rule's sentence where the rules say no."""
        self.actor.require(Permission.MESSAGES_SEND)
        _plain(asked.content, "content")
        async with self.uow:
            await self.capabilities.require("texting")
            party = await self.parties.of_lead(asked.lead_id)
            identifier, verdict, shown = await self._submit(party, asked.content)
        return _sent(identifier, verdict, shown)

    async def send_to(self, asked: SendTo) -> msgspec.Raw:
        """Write to one of our contacts by number."""
        self.actor.require(Permission.MESSAGES_SEND)
        _plain(asked.body, "body")
        async with self.uow:
            await self.capabilities.require("texting")
            party = await self.parties.behind(_phone(asked.to))
            if party is None:
                raise NotFound("No contact has this number; make one first.")
            identifier, verdict, shown = await self._submit(party, asked.body)
        return _sent(identifier, verdict, shown)

    async def _submit(self, party: Party, body: str) -> tuple[UUID, Verdict, msgspec.Raw]:
        party = await self.parties.lock(party)
        if party.phone is None:
            raise Invalid("This contact has no phone number.", field="lead_id")
        identifier = new_id()
        draft = Draft(
            id=identifier,
            natural_key=f"manual:{identifier}",
            purpose=Purpose.MANUAL,
            channel=Channel.SMS,
            category="human_manual",
            contact_id=party.contact_id,
            lead_id=party.lead_id,
            recipient=party.phone,
            body=body,
            author_id=self.actor.id,
        )
        await self.parties.lock_lead(party)
        await self.parties.lock_texts(party)
        [verdict] = await self.gate.submit([draft])
        if not isinstance(verdict, Refuse):
            thread = await self.conversations.with_contact(party.contact_id, "sms")
            assert thread is not None
            self.uow.publish(thread.give_to(Holder.PERSON))
            await self.conversations.save(thread)
            await self.parties.hold(party)
        return draft.id, verdict, await self._shown(draft.id)


def _plain(text: str, field: str) -> None:
    if "\x00" in text:
        raise Invalid("A text cannot hold the NUL character.", field=field)


def _phone(text: str) -> Phone:
    try:
        return Phone(text)
    except Invalid as refusal:
        raise Invalid(refusal.message, field="to") from None


def _sent(identifier: UUID, verdict: Verdict, shown: msgspec.Raw) -> msgspec.Raw:
    if isinstance(verdict, Refuse):
        decisive = verdict.decisive
        assert decisive is not None
        raise Conflict(decisive.sentence, details=[("message_id", str(identifier)), ("rule", decisive.rule)])
    return shown
