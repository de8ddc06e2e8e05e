"""Threads that the AI answers: locked with all that an answer touches, and given to a person."""

from dataclasses import dataclass, replace
from uuid import UUID

from application.messaging.conversations import ConversationStore
from application.messaging.gate import Draft
from application.messaging.outreach import Parties, Party
from application.ports import UnitOfWork, within
from domain.kernel import derived_id
from domain.messaging.conversation import Conversation
from domain.messaging.policy import Channel, Purpose
from domain.messaging.reply import Reason


@dataclass(frozen=True)
class AnsweredThreads:
    """Find and hand over threads within the open unit of work."""

    uow: UnitOfWork
    conversations: ConversationStore
    parties: Parties

    @within
    async def locked(self, identifier: UUID) -> tuple[Conversation, Party]:
        """Lock contact, lead, ledger rows and thread, in the order in which all others do."""
        thread = await self.conversations.get(identifier)
        party = await self.parties.lock(await self.parties.of_contact(thread.contact_id))
        party = replace(party, lead_id=thread.lead_id or party.lead_id)
        await self.parties.lock_lead(party)
        await self.parties.lock_texts(party)
        return await self.conversations.locked(identifier), party

    @within
    async def hand_over(self, thread: Conversation, party: Party, reason: Reason) -> None:
        """Let a person answer, and drop what the AI has not handed over."""
        self.uow.publish(*thread.hand_to_person(reason))
        await self.parties.hold(party)


def answer_draft(thread: Conversation, answers_id: UUID, text: str, purpose: Purpose) -> Draft:
    """Make the one message that answers a text."""
    return Draft(
        id=derived_id(answers_id, "ai_response"),
        natural_key=f"reply:{answers_id}",
        purpose=purpose,
        channel=Channel.SMS,
        category="ai_response",
        contact_id=thread.contact_id,
        lead_id=thread.lead_id,
        recipient=thread.address,
        body=text,
        turn_number=thread.turn_number,
    )
