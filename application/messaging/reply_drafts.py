"""Drafts of the AI's answers: a person asks for one, reads it, and sends it as it is or with words of their own."""

from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar
from uuid import UUID

import msgspec

from application.messaging.answering import Reply, ReplyStore
from application.messaging.conversations import ConversationStore
from application.messaging.drafting import Started, Writing
from application.messaging.gate import Draft, Gate
from application.messaging.messages import Body, MessageStore
from application.messaging.outreach import Parties, Party
from application.messaging.reply_writing import LivePrompt
from application.model_spending import SPENT, Spending
from application.ports import Actor, Clock, Command, UnitOfWork, View
from application.provider import Capabilities
from domain.identity.role import Permission
from domain.kernel import Conflict, Invalid, NotFound, new_id
from domain.messaging.conversation import Conversation
from domain.messaging.policy import Channel, Purpose, Refuse
from domain.messaging.reply import Intent

DRAFT_SECONDS = 30.0  # the route has forty


class GenerateReply(Command, frozen=True):
    """Ask for a draft of an answer to a lead; nothing is sent."""

    lead_id: UUID
    conversation_id: UUID | None = None
    force_regenerate: bool = False
    example: ClassVar[dict[str, Any]] = {
        "lead_id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "conversation_id": "01890a5d-ab00-7b1e-9d2c-7e51c0a4b8aa",
    }


class SendReply(Command, frozen=True):
    """Send a draft as it is (`message_id`), words of your own (`content`), or a draft with its words replaced."""

    lead_id: UUID
    message_id: UUID | None = None
    content: Annotated[Body | None, msgspec.Meta(description="Replaces the draft's words.")] = None
    example: ClassVar[dict[str, Any]] = {
        "lead_id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "message_id": "01890a5d-ad10-7c3e-8a53-4f0f6a2c1d77",
    }


class GeneratedView(View, frozen=True):
    """Show a draft: how sure the AI is, and why it wrote so."""

    message_id: UUID
    conversation_id: UUID
    content: str
    confidence: float
    reasoning: str
    lessons_applied: list[UUID]
    sentiment: str
    intent: str
    preview: bool
    example: ClassVar[dict[str, Any]] = {
        "message_id": "01890a5d-ad10-7c3e-8a53-4f0f6a2c1d77",
        "conversation_id": "01890a5d-ab00-7b1e-9d2c-7e51c0a4b8aa",
        "content": "That depends on the details, Ada. A colleague can go through it with you on the phone.",
        "confidence": 0.9,
        "reasoning": "Asks for a price that stands in no fact.",
        "lessons_applied": [],
        "sentiment": "NEUTRAL",
        "intent": "price",
        "preview": True,
    }


@dataclass(frozen=True)
class ReplyDrafts:
    """Draft answers for people, and send what they approve."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    replies: ReplyStore
    conversations: ConversationStore
    parties: Parties
    messages: MessageStore
    prompts: LivePrompt
    writing: Writing
    gate: Gate
    spending: Spending
    capabilities: Capabilities

    async def generate(self, asked: GenerateReply) -> GeneratedView:
        """Draft an answer to what stands in a lead's thread; the same draft again unless a new one is wanted."""
        self.actor.require(Permission.MESSAGES_SEND)
        async with self.uow:  # takes a request's key: a repeated one is answered, not written and paid again
            await self.capabilities.require("ai")
        async with self.uow.reading():  # and holds nothing open while the model writes
            thread, party = await self._thread(asked)
            answers_id = await self.replies.latest_inbound(thread.id)
            known = None if asked.force_regenerate else await self.replies.draft(thread.id, answers_id)
            background = await self.replies.background(thread)
            prompt = await self.prompts.live(thread.lead_id or thread.id)
            is_spent = await self.spending.is_spent()
            started = Started(thread=thread, party=party, background=background, prompt=prompt, is_spent=is_spent)
        if known is not None and known.prompt_version == prompt.version:
            return _view(known)
        if started.is_spent:
            raise Conflict(SPENT)
        outcome = await self.writing.write(started, answers_id, DRAFT_SECONDS)
        async with self.uow:
            for call in outcome.calls:
                await self.replies.record(call, self.clock.now())
        if outcome.failure is not None:
            raise outcome.failure
        if outcome.signs:
            raise Conflict("The text looks like instructions to the AI; answer it yourself.", field="lead_id")
        if outcome.judgement is None or not outcome.judgement.may_be_shown:
            raise _unfit(outcome.calls[-1])
        return _view(outcome.calls[-1])

    async def _thread(self, asked: GenerateReply) -> tuple[Conversation, Party]:
        party = await self.parties.of_lead(asked.lead_id)
        found = await self.conversations.find_with(party.contact_id, "sms")
        seen = found is not None and await self.conversations.thread(found.id) is not None
        if found is None or not seen or asked.conversation_id not in (None, found.id):
            raise NotFound("There is no such conversation with this lead.")
        return found, replace(party, lead_id=asked.lead_id)

    async def send(self, asked: SendReply) -> msgspec.Raw:
        """Send an approved draft or other words; whoever holds the turn keeps it, and the AI writes nothing besides."""
        self.actor.require(Permission.MESSAGES_SEND)
        if asked.message_id is None and asked.content is None:
            raise Invalid("Name the draft to approve, or give the words to send.", field="message_id")
        if asked.content is not None and "\x00" in asked.content:
            raise Invalid("A text cannot hold the NUL character.", field="content")
        refused: Refuse | None = None
        async with self.uow:
            await self.capabilities.require("ai")
            await self.capabilities.require("texting")
            party = await self.parties.lock(await self.parties.of_lead(asked.lead_id))
            if party.phone is None:
                raise Invalid("This contact has no phone number.", field="lead_id")
            await self.parties.lock_lead(party)
            await self.parties.lock_texts(party)
            thread = await self.conversations.with_contact(party.contact_id, "sms")
            if thread is None:
                raise NotFound("There is no conversation with this lead.")
            draft = await self._approved(asked, thread)
            text = asked.content if asked.content is not None else draft.text if draft is not None else None
            assert text is not None
            outgoing = _outgoing(party, text, draft, self.actor.id)
            await self.parties.drop_answers(party)
            [verdict] = await self.gate.submit([outgoing])
            if isinstance(verdict, Refuse):
                refused = verdict
                if draft is not None:  # its message stands refused; another attempt is another message
                    await self.replies.became(draft.id, "superseded")
            else:
                if draft is not None:
                    is_ours = outgoing.category == "ai_response"  # what a person wrote is no merit of the prompt's
                    await self.replies.became(draft.id, "sent" if is_ours else "superseded")
                self.uow.publish(thread.answered_by_person())
                await self.conversations.save(thread)
            shown = await self.messages.show(outgoing.id)
        if refused is not None:
            assert refused.decisive is not None
            details = [("message_id", str(outgoing.id)), ("rule", refused.decisive.rule)]
            raise Conflict(refused.decisive.sentence, details=details)
        assert shown is not None
        return shown

    async def _approved(self, asked: SendReply, thread: Conversation) -> Reply | None:
        if asked.message_id is None:
            return None
        draft = await self.replies.get_draft(asked.message_id)
        if draft is None or draft.conversation_id != thread.id:
            raise NotFound("There is no such draft.")
        if await self.conversations.thread(thread.id) is None:
            raise NotFound("There is no such draft.")
        if asked.content is None and draft.intent is Intent.ACCEPTS_SLOT:
            message = "This draft tells of a call that nobody has booked; book it, or send words of your own."
            raise Conflict(message, field="message_id")
        if asked.content is None and draft.answers_id != await self.replies.latest_inbound(thread.id):
            raise Conflict("The lead has written since this draft was; generate it again.", field="message_id")
        return draft


def _unfit(call: Reply) -> Conflict:
    details = [("rule", rule) for rule in call.breaches]
    return Conflict("The AI could not write an answer that keeps the rules; answer it yourself.", details=details)


def _outgoing(party: Party, text: str, draft: Reply | None, author_id: UUID | None) -> Draft:
    from_draft = draft is not None and text == draft.text
    assert party.phone is not None
    made = Draft(
        id=new_id() if draft is None else draft.id,
        natural_key="",
        purpose=Purpose.MANUAL,
        channel=Channel.SMS,
        category="ai_response" if from_draft else "human_manual",
        contact_id=party.contact_id,
        lead_id=party.lead_id,
        recipient=party.phone,
        body=text,
        author_id=author_id,
    )
    return replace(made, natural_key=f"draft:{made.id}")


def _view(reply: Reply) -> GeneratedView:
    assert reply.text is not None
    return GeneratedView(
        message_id=reply.id,
        conversation_id=reply.conversation_id,
        content=reply.text,
        confidence=reply.confidence or 0.0,
        reasoning=reply.reasoning or "",
        lessons_applied=list(reply.lessons),
        sentiment=reply.sentiment.value if reply.sentiment is not None else "UNCLEAR",
        intent=reply.intent.value if reply.intent is not None else "other",
        preview=True,
    )
