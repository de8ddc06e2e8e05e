"""Calls that the AI books for a lead: booked while it holds the turn, told once, and kept or left to a person."""

from contextlib import suppress
from dataclasses import dataclass, replace

from application.messaging.answered_threads import AnsweredThreads, answer_draft
from application.messaging.answering import ReplyStore
from application.messaging.asking import MOST_FAILURES
from application.messaging.conversations import ConversationStore
from application.messaging.gate import Gate, Recipient
from application.messaging.outreach import Party
from application.messaging.reply_writing import Booked, CallBooking
from application.ports import Clock, UnitOfWork, effect
from domain.kernel import NotFound
from domain.messaging.conversation import Conversation
from domain.messaging.policy import Channel, Purpose, Refuse, SendRequest, decide
from domain.messaging.reply import AnswerDue, Reason, SlotAccepted
from domain.scheduling.booking import BookingFailed


@dataclass(frozen=True)
class CallPromises:
    """Book what leads took."""

    uow: UnitOfWork
    clock: Clock
    replies: ReplyStore
    conversations: ConversationStore
    threads: AnsweredThreads
    gate: Gate
    calls: CallBooking

    @effect
    async def book(self, event: SlotAccepted) -> None:
        """Book the slot that a lead took and say so; one that is gone is answered with those that are free now.

        The turn is a person's while the calendar is asked: whoever says or does anything meanwhile takes it from there.
        """
        with suppress(NotFound):  # erased meanwhile
            if not await self._begin(event):
                return
            booked = await self.calls.book(event.lead_id, event.starts_at, str(event.answers_id))
            async with self.uow:
                thread, party = await self.threads.locked(event.subject)
                ours = thread.is_booking(event.answers_id, event.number)
                if booked is Booked.YES and ours:
                    await self._tell(thread, party, event)
                elif booked is Booked.YES:
                    await self.replies.slot_became(thread.id, event.answers_id, "superseded")
                    await self.threads.hand_over(thread, party, Reason.CALL_UNTOLD)
                elif ours:
                    await self._offer_others(thread, party, event)
                await self.conversations.save(thread)

    @effect
    async def give_up(self, event: SlotAccepted, reason: str) -> None:  # noqa: ARG002 - it stands on the delivery
        """Let a person see to a call that could not be worked off, unless one has the thread already."""
        with suppress(NotFound):
            async with self.uow:
                thread, party = await self.threads.locked(event.subject)
                if thread.unanswered_id == event.answers_id:
                    await self.threads.hand_over(thread, party, Reason.GIVEN_UP)
                    await self.conversations.save(thread)

    @effect
    async def failed(self, event: BookingFailed) -> None:
        """Let a person speak to a lead who was told of a call that did not get into the calendar."""
        with suppress(NotFound):
            async with self.uow:
                conversation_id = await self.replies.promised(event.booking_id)
                if conversation_id is None:
                    return
                thread, party = await self.threads.locked(conversation_id)
                await self.threads.hand_over(thread, party, Reason.CALL_FAILED)
                await self.conversations.save(thread)

    async def _begin(self, event: SlotAccepted) -> bool:
        """Take the turn for the booking, unless the thread has moved on; tells whether it is to be booked."""
        async with self.uow:
            thread, party = await self.threads.locked(event.subject)
            if thread.is_booking(event.answers_id, event.number):
                return True  # a delivery that died here before
            if not thread.turn.admits(event.number) or thread.unanswered_id != event.answers_id:
                await self.replies.slot_became(thread.id, event.answers_id, "superseded")
                return False  # a person has it, or what arrived since is answered together with this
            if await self._silenced(thread):
                await self.replies.slot_became(thread.id, event.answers_id, "superseded")
                await self.threads.hand_over(thread, party, Reason.REFUSED)
                await self.conversations.save(thread)
                return False
            self.uow.publish(thread.begin_booking())
            await self.conversations.save(thread)
            return True

    async def _silenced(self, thread: Conversation) -> bool:
        recipient = Recipient(
            contact_id=thread.contact_id, address=thread.address, channel=Channel.SMS, lead_id=thread.lead_id
        )
        [facts] = await self.gate.facts.of([recipient])
        request = SendRequest(purpose=Purpose.SYSTEM, channel=Channel.SMS, to=thread.address)
        return facts.manual_mode or isinstance(decide(request, facts, self.clock.now()), Refuse)

    async def _tell(self, thread: Conversation, party: Party, event: SlotAccepted) -> None:
        draft = answer_draft(thread, event.answers_id, event.text, Purpose.SYSTEM)
        [verdict] = await self.gate.submit([replace(draft, useful_until=event.starts_at)])
        thread.answered()
        if isinstance(verdict, Refuse):
            await self.replies.slot_became(thread.id, event.answers_id, "unfit")
            await self.threads.hand_over(thread, party, Reason.CALL_UNTOLD)
        else:
            await self.replies.slot_became(thread.id, event.answers_id, "sent")

    async def _offer_others(self, thread: Conversation, party: Party, event: SlotAccepted) -> None:
        await self.replies.slot_became(thread.id, event.answers_id, "superseded")
        if thread.answer_failures + 1 >= MOST_FAILURES:
            await self.threads.hand_over(thread, party, Reason.FAILED_TWICE)
            return
        self.uow.publish(thread.end_booking(), AnswerDue(subject=thread.id))
