"""Threads: what comes in, who holds the turn, what is read and put away."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol
from uuid import UUID

import msgspec

from application.agenda import Agenda
from application.messaging.answering import Answering
from application.messaging.consent import Consents
from application.messaging.gate import SEND, Draft, Gate
from application.messaging.outreach import Parties, Party
from application.ports import Actor, Clock, Command, Filter, Found, PageRequest, Store, UnitOfWork, View, effect
from domain.identity.role import Permission
from domain.kernel import Invalid, NotFound, Phone, Stale, derived_id
from domain.messaging.call_wishes import asks_to_change_call
from domain.messaging.conversation import Conversation
from domain.messaging.message import MessageReceived, TextArrived
from domain.messaging.opt_out import fold
from domain.messaging.opt_out import read as read_wish
from domain.messaging.policy import Channel, Purpose
from domain.messaging.reply import Reason
from domain.messaging.turn import Holder

CONFIRMATION = "You have been unsubscribed and will get no more messages from us. Reply START to undo this."
WELCOME_BACK = "You are subscribed again. Reply STOP at any time to opt out."
HELP = "This is {organization}. Reply STOP to opt out of our messages."


class ConversationFilter(Filter, frozen=True):
    """Narrow the list of conversations."""

    channel: Literal["sms", "email", "call", "chat"] | None = None
    unread: bool | None = None
    archived: bool | None = None
    lead_id: UUID | None = None
    contact_id: UUID | None = None


class OpenConversation(Command, frozen=True):
    """Find or open the thread with a lead's contact on a channel."""

    lead_id: UUID
    channel: Literal["sms", "email", "call", "chat"] = "sms"
    example: ClassVar[dict[str, Any]] = {"lead_id": "01890a5d-ac96-774b-bcce-b302099a8057", "channel": "sms"}


class ChangeConversation(Command, frozen=True):
    """Mark a thread read, put it away, or hand it over."""

    mark_read: bool | msgspec.UnsetType = msgspec.UNSET
    archive: bool | msgspec.UnsetType = msgspec.UNSET
    turn: Literal["person", "nobody"] | msgspec.UnsetType = msgspec.UNSET
    example: ClassVar[dict[str, Any]] = {"mark_read": True}


class OpenedView(View, frozen=True):
    """Show the thread and whether it is new."""

    id: UUID
    created: bool
    example: ClassVar[dict[str, Any]] = {"id": "01890a5d-ab00-7b1e-9d2c-7e51c0a4b8aa", "created": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """Hold one message that came in, to be stored in its thread."""

    id: UUID
    conversation: Conversation
    body: str
    media: tuple[str, ...]
    sender: str
    recipient: str
    provider: str
    provider_id: str
    at: datetime


class ConversationStore(Store[Conversation], Protocol):
    """Keep threads."""

    async def with_contact(self, contact_id: UUID, channel: str) -> Conversation | None:
        """Find the one thread with a contact on a channel, locked until the unit of work ends."""
        ...

    async def find_with(self, contact_id: UUID, channel: str) -> Conversation | None:
        """Find the one thread with a contact on a channel, to read only."""
        ...

    async def locked(self, identifier: UUID) -> Conversation:
        """Load one, locked until the unit of work ends."""
        ...

    async def take_in(self, incoming: Incoming) -> None:
        """Store a message that came in."""
        ...

    async def find(self, narrowed: ConversationFilter, page: PageRequest) -> Found:
        """List threads, latest first."""
        ...

    async def thread(self, identifier: UUID) -> msgspec.Raw | None:
        """Show a thread with its lead and its latest 100 messages, oldest first."""
        ...


class OrganizationName(Protocol):
    """Know how the organisation calls itself."""

    async def name(self) -> str:
        """Give it."""
        ...


@dataclass(frozen=True)
class Conversations:
    """Work threads."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    conversations: ConversationStore
    parties: Parties
    consents: Consents
    gate: Gate
    agenda: Agenda
    organization: OrganizationName
    answering: Answering

    @effect
    async def receive(self, arrived: TextArrived) -> None:
        """Put an arrived text into its thread, obey STOP and START, end the touches of a lead who answers.

        Contact, leads, enrolments, ledger rows, then the thread, as planning and hand-overs do: no deadlocks.
        """
        async with self.uow:
            number = Phone(arrived.sender)
            party = await self.parties.behind(number) or await self.parties.make(number, self.clock.now())
            party = Party(contact_id=party.contact_id, lead_id=party.lead_id, phone=number, email=party.email)
            await self.parties.lock(party)
            message_id = arrived.subject
            wish = read_wish(arrived.body).kind
            await self.parties.replied(party, arrived.body, arrived.at, answered=wish not in ("help", "start"))
            obeyed = await self._obey(wish, party, arrived, message_id)
            of_call = wish == "none" and asks_to_change_call(fold(arrived.body)) and await self.parties.has_call(party)
            if of_call:
                await self.parties.lock_texts(party)
                await self.parties.hold(party)
            thread = await self._thread(party, "sms", number)
            thread.take_in(arrived.at, party.lead_id)
            if wish == "stop":
                thread.answered()
            elif of_call and thread.attention != Reason.CALL_CHANGE:
                self.uow.publish(*thread.hand_to_person(Reason.CALL_CHANGE))
            elif wish == "none":
                self.uow.publish(*thread.await_person(self.clock.now()))
                await self.answering.expect(thread, party, message_id, self.clock.now())
            await self.conversations.save(thread)
            await self.conversations.take_in(_incoming(message_id, thread, arrived))
            self.uow.publish(
                MessageReceived(
                    subject=message_id,
                    conversation_id=thread.id,
                    contact_id=party.contact_id,
                    lead_id=party.lead_id,
                    reading=wish,
                )
            )
            if obeyed:
                await self._confirm(wish, party, thread, message_id)

    async def _obey(self, wish: str, party: Party, arrived: TextArrived, message_id: UUID) -> bool:
        told = (party, "text", arrived.body, arrived.provider, message_id)
        match wish:
            case "stop":
                return await self.consents.stop(*told, text_of=arrived.at)
            case "start":
                return await self.consents.start(*told, text_of=arrived.at)
        return wish == "help"

    async def _confirm(self, wish: str, party: Party, thread: Conversation, message_id: UUID) -> None:
        match wish:
            case "stop":
                purpose = Purpose.OPT_OUT_CONFIRMATION
                confirmation = await self._answer(party, thread, purpose, purpose.value, CONFIRMATION, message_id)
                await self.consents.confirm(party, confirmation)
            case "start":
                await self._answer(party, thread, Purpose.HELP, "opt_in", WELCOME_BACK, message_id)
            case "help":
                text = HELP.format(organization=await self.organization.name())
                await self._answer(party, thread, Purpose.HELP, "help", text, message_id)

    async def _answer(
        self, party: Party, thread: Conversation, purpose: Purpose, category: str, text: str, message_id: UUID
    ) -> UUID:
        draft = Draft(
            id=derived_id(message_id, category),
            natural_key=f"{category}:{message_id}",
            purpose=purpose,
            channel=Channel.SMS,
            category=category,
            contact_id=party.contact_id,
            lead_id=party.lead_id,
            recipient=thread.address,
            body=text,
        )
        await self.gate.submit([draft])
        return draft.id

    async def _thread(self, party: Party, channel: str, address: str) -> Conversation:
        found = await self.conversations.with_contact(party.contact_id, channel)
        if found is not None:
            found.address = address
            return found
        now = self.clock.now()
        thread = Conversation(
            organization_id=self.actor.organization_id,
            contact_id=party.contact_id,
            lead_id=party.lead_id,
            channel=channel,
            address=address,
            started_at=now,
            last_message_at=now,
        )
        await self.conversations.add(thread)
        return thread

    async def find(self, narrowed: ConversationFilter, page: PageRequest) -> Found:
        """List the threads that the actor may see, latest first."""
        self.actor.require(Permission.MESSAGES_READ)
        async with self.uow.reading():
            return await self.conversations.find(narrowed, page)

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one thread with its lead and its messages, oldest first."""
        self.actor.require(Permission.MESSAGES_READ)
        async with self.uow.reading():
            return await self._shown(identifier)

    async def open(self, asked: OpenConversation) -> OpenedView:
        """Find or open the thread with a lead's contact."""
        self.actor.require(Permission.MESSAGES_SEND)
        async with self.uow:
            party = await self.parties.of_lead(asked.lead_id)
            address = party.email if asked.channel == "email" else party.phone
            if address is None:
                raise Invalid(f"This lead's contact cannot be reached by {asked.channel}.", field="channel")
            found = await self.conversations.with_contact(party.contact_id, asked.channel)
            thread = found or await self._thread(party, asked.channel, address)
            return OpenedView(id=thread.id, created=found is None)

    async def change(self, identifier: UUID, asked: ChangeConversation, version: int | None) -> msgspec.Raw:
        """Mark a thread read, put it away, or take and hand back its turn."""
        self.actor.require(Permission.MESSAGES_SEND)
        async with self.uow:
            await self._shown(identifier)
            thread = await self.conversations.get(identifier)
            party = await self.parties.lock(await self.parties.of_contact(thread.contact_id))
            await self.parties.lock_texts(party)
            thread = await self.conversations.locked(identifier)
            _require_version(thread, version, asked)
            if asked.mark_read is True:
                thread.mark_read()
            if asked.archive is not msgspec.UNSET:
                thread.archived = asked.archive
            if asked.turn is not msgspec.UNSET:
                self.uow.publish(thread.give_to(Holder(asked.turn)))
                await (self.parties.hold(party) if asked.turn == "person" else self.parties.release(party))
                await self.agenda.no_later_than(SEND, self.clock.now())
            await self.conversations.save(thread)
            return await self._shown(identifier)

    async def _shown(self, identifier: UUID) -> msgspec.Raw:
        thread = await self.conversations.thread(identifier)
        if thread is None:
            raise NotFound("There is no such conversation.")
        return thread


def _require_version(thread: Conversation, version: int | None, asked: ChangeConversation) -> None:
    if version is None or version == thread.version:
        return
    message = f"This conversation was changed meanwhile: it is at version {thread.version}, not {version}."
    named = [name for name in asked.__struct_fields__ if getattr(asked, name) is not msgspec.UNSET]
    raise Stale(message, details=[(name, "This may have been changed meanwhile.") for name in named])


def _incoming(message_id: UUID, thread: Conversation, arrived: TextArrived) -> Incoming:
    return Incoming(
        id=message_id,
        conversation=thread,
        body=arrived.body,
        media=arrived.media,
        sender=arrived.sender,
        recipient=arrived.recipient,
        provider=arrived.provider,
        provider_id=arrived.external_id,
        at=arrived.at,
    )
