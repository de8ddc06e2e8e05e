"""Routes of conversations, messages and consent."""

from typing import Any, ClassVar, Literal
from uuid import UUID

import msgspec

from application.messaging.consent import CanContactView, Consents, ConsentView, RecordConsent
from application.messaging.conversations import (
    ChangeConversation,
    ConversationFilter,
    Conversations,
    OpenConversation,
    OpenedView,
)
from application.messaging.messages import MessageFilter, Messages, SendMessage, SendTo, WhyView
from application.messaging.shown import ConversationView, MessageView, ThreadView
from application.ports import Filter, Found, PageRequest
from entrypoints.http.operation import IfMatch, operation


class ContactQuestion(Filter, frozen=True):
    """Ask on which channel, and for what, a contact may be written to."""

    channel: Literal["sms", "email", "call"] = "sms"
    purpose: Literal["campaign", "reply", "manual"] = "campaign"
    example: ClassVar[dict[str, Any]] = {"channel": "sms"}


@operation("GET", "/conversations", "listConversations", "List conversations", shows=ConversationView)
async def list_conversations(conversations: Conversations, narrowed: ConversationFilter, page: PageRequest) -> Found:
    """Latest first, as far as you may see their leads."""
    return await conversations.find(narrowed, page)


@operation("POST", "/conversations", "openConversation", "Find or open a conversation")
async def open_conversation(conversations: Conversations, body: OpenConversation) -> OpenedView:
    """One thread a contact and channel."""
    return await conversations.open(body)


@operation("GET", "/conversations/{conversation_id:uuid}", "showConversation", "Show a thread", shows=ThreadView)
async def show_conversation(conversations: Conversations, conversation_id: UUID) -> msgspec.Raw:
    """With its latest 100 messages, oldest first."""
    return await conversations.show(conversation_id)


@operation("PATCH", "/conversations/{conversation_id:uuid}", "changeConversation", "Change a thread", shows=ThreadView)
async def change_conversation(
    conversations: Conversations, conversation_id: UUID, body: ChangeConversation, version: IfMatch
) -> msgspec.Raw:
    """Mark it read, put it away, take its turn or hand it back."""
    return await conversations.change(conversation_id, body, version)


@operation("GET", "/messages", "listMessages", "List messages", shows=MessageView)
async def list_messages(messages: Messages, narrowed: MessageFilter, page: PageRequest) -> Found:
    """Latest first; refused and cancelled ones are among them."""
    return await messages.find(narrowed, page)


@operation("POST", "/messages", "sendTo", "Send a text to a contact", shows=MessageView, limits=("api", "texts"))
async def send_to(messages: Messages, body: SendTo) -> msgspec.Raw:
    """By number; the number must be a contact's."""
    return await messages.send_to(body)


@operation("POST", "/messages/send", "sendMessage", "Send a text to a lead", shows=MessageView, limits=("api", "texts"))
async def send_message(messages: Messages, body: SendMessage) -> msgspec.Raw:
    """As a person; this takes the turn, so that campaign texts to the lead wait."""
    return await messages.send(body)


@operation("GET", "/messages/{message_id:uuid}", "showMessage", "Show a message", shows=MessageView)
async def show_message(messages: Messages, message_id: UUID) -> msgspec.Raw:
    """With its delivery state."""
    return await messages.show(message_id)


@operation("GET", "/messages/{message_id:uuid}/why", "explainMessage", "Explain a message's verdict")
async def explain_message(messages: Messages, message_id: UUID) -> WhyView:
    """Every rule that was applied, with what it found."""
    return await messages.why(message_id)


@operation("GET", "/contacts/{contact_id:uuid}/can-contact", "canContact", "Ask whether a contact may be written to")
async def can_contact(consents: Consents, contact_id: UUID, narrowed: ContactQuestion) -> CanContactView:
    """Now, with every rule applied."""
    return await consents.can_contact(contact_id, narrowed.channel, narrowed.purpose)


@operation(
    "GET", "/contacts/{contact_id:uuid}/consents", "listConsents", "List a contact's consents", shows=list[ConsentView]
)
async def list_consents(consents: Consents, contact_id: UUID) -> list[ConsentView]:
    """Who, when, how, in which words; newest first."""
    return await consents.ledger_of(contact_id)


@operation("POST", "/contacts/{contact_id:uuid}/opt-out", "optOut", "Record that a contact wants no messages")
async def opt_out(consents: Consents, contact_id: UUID, body: RecordConsent) -> CanContactView:
    """Told to a person; holds for every channel and dataset at once."""
    return await consents.opt_out(contact_id, body)


@operation("POST", "/contacts/{contact_id:uuid}/opt-in", "optIn", "Record that a contact wants messages again")
async def opt_in(consents: Consents, contact_id: UUID, body: RecordConsent) -> CanContactView:
    """Told to a person, in words that are written down."""
    return await consents.opt_in(contact_id, body)


ROUTES = (
    list_conversations,
    open_conversation,
    show_conversation,
    change_conversation,
    list_messages,
    send_to,
    send_message,
    show_message,
    explain_message,
    can_contact,
    list_consents,
    opt_out,
    opt_in,
)
