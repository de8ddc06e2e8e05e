"""The AI's answers: written with no transaction open, checked by rules, sent through the gate or left to a person."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from application.agenda import Agenda
from application.messaging.access_notes import AccessNotes
from application.messaging.answered_threads import AnsweredThreads, answer_draft
from application.messaging.answering import ANSWER, ReplyStore
from application.messaging.asking import AGAIN_AFTER, MOST_FAILURES, again_in, is_away
from application.messaging.conversations import ConversationStore
from application.messaging.drafting import Outcome, Started, Writing
from application.messaging.gate import Gate
from application.messaging.outreach import Parties, Party
from application.messaging.reply_writing import LivePrompt, TextAllowance
from application.model_calls import Fault, Unusable
from application.model_spending import Spending
from application.ports import Actor, Clock, UnitOfWork, effect
from domain.kernel import NotFound
from domain.messaging.conversation import Conversation
from domain.messaging.policy import Delay, Purpose, Refuse
from domain.messaging.reply import AnswerDue, Intent, LeadTurnedHot, Reason, Sentiment, SlotAccepted
from domain.messaging.reply_facts import Slot
from domain.messaging.reply_rules import Judgement
from domain.messaging.turn import Holder

TAKEN_AT_ONCE = 100
MOST_OVERTAKINGS = 3


@dataclass(frozen=True)
class Replies:
    """Answer what arrived."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    replies: ReplyStore
    conversations: ConversationStore
    parties: Parties
    gate: Gate
    agenda: Agenda
    prompts: LivePrompt
    writing: Writing
    allowance: TextAllowance
    threads: AnsweredThreads
    access_notes: AccessNotes
    spending: Spending

    @effect
    async def begin_due(self) -> None:
        """Let every answer that is due begin, and set the schedule to the next one."""
        async with self.uow:
            now = self.clock.now()
            taken = await self.replies.take_due(TAKEN_AT_ONCE, now)
            self.uow.publish(*(AnswerDue(subject=identifier) for identifier in taken))
            await self.agenda.lock(ANSWER)
            due = await self.replies.next_due()
            if due is not None:
                await self.agenda.no_later_than(ANSWER, due)

    @effect
    async def answer(self, event: AnswerDue) -> None:
        """Answer a conversation once, from all that stands in it; written again when something arrives meanwhile."""
        with suppress(NotFound):  # erased meanwhile
            wanted = await self._wanted(event.subject)
            # What waits for the model was counted when it was first tried.
            if wanted is not None and (wanted.writer_away_since or not await self._must_wait(event.subject)):
                await self._answer(event.subject)

    async def _answer(self, identifier: UUID) -> None:
        for _ in range(MOST_OVERTAKINGS):
            started = await self._start(identifier)
            if started is None:
                return
            answers_id = started.thread.unanswered_id
            if started.is_spent:
                await self._finish(started, Outcome((), None, Judgement(Reason.BUDGET), ()))
                return
            outcome = await self.writing.write(started, answers_id)
            if await self._finish(started, outcome):
                return
        async with self.uow:
            thread = await self.conversations.locked(identifier)
            await self._put_off(thread, AGAIN_AFTER)
            await self.conversations.save(thread)

    async def _wanted(self, identifier: UUID) -> Conversation | None:
        async with self.uow.reading():
            thread = await self.conversations.get(identifier)
        return None if thread.unanswered_id is None or thread.turn.holder is Holder.PERSON else thread

    @effect
    async def give_up(self, event: AnswerDue, reason: str) -> None:  # noqa: ARG002 - it stands on the delivery
        """Let a person answer what could not be worked off."""
        with suppress(NotFound):  # erased meanwhile
            async with self.uow:
                thread, party = await self.threads.locked(event.subject)
                if thread.unanswered_id is not None:
                    await self.threads.hand_over(thread, party, Reason.GIVEN_UP)
                    await self.conversations.save(thread)

    async def _must_wait(self, identifier: UUID) -> bool:
        """Count one text against the hour's allowance, and put the answer off where there is no room for it."""
        wait = await self.allowance.take(self.actor.organization_id)
        if wait > 0:
            async with self.uow:
                thread = await self.conversations.locked(identifier)
                await self._put_off(thread, timedelta(seconds=wait))
                await self.conversations.save(thread)
        return wait > 0

    async def _start(self, identifier: UUID) -> Started | None:
        async with self.uow:
            thread, party = await self.threads.locked(identifier)
            if thread.unanswered_id is None or thread.turn.holder is Holder.PERSON:
                return None
            self.uow.publish(thread.give_to(Holder.AI))
            await self.conversations.save(thread)
            background = await self.replies.background(thread)
            prompt = await self.prompts.live(thread.lead_id or thread.id)
            is_spent = await self.spending.is_spent()
            return Started(thread=thread, party=party, background=background, prompt=prompt, is_spent=is_spent)

    async def _finish(self, started: Started, outcome: Outcome) -> bool:
        """Write down what came of it and act on it; tells whether this turn is over."""
        async with self.uow:
            now = self.clock.now()
            thread, party = await self.threads.locked(started.thread.id)
            for call in outcome.calls:
                await self.replies.record(call, now)
            await self.access_notes.note(started.background.access, outcome.failure, outcome.written is not None)
            if not thread.turn.admits(started.thread.turn_number) or thread.unanswered_id is None:
                return True  # a person, or a later turn of the AI, has it
            if thread.unanswered_id != started.thread.unanswered_id:
                thread.answer_due_at = None  # written again at once, with what arrived
                await self.conversations.save(thread)
                return False
            patience = timedelta(seconds=started.background.settings.patience_seconds)
            await self._act(thread, party, outcome, patience)
            if outcome.calls and thread.turn.holder is Holder.PERSON:
                await self.replies.left_to_person(outcome.calls[-1].id)
            await self.conversations.save(thread)
            return True

    async def _act(self, thread: Conversation, party: Party, outcome: Outcome, patience: timedelta) -> None:
        written, judgement = outcome.written, outcome.judgement
        if written is not None:
            thread.writer_away_since = None
            await self._rate(thread, party, written.proposal.sentiment)
        if outcome.signs:
            await self.threads.hand_over(thread, party, Reason.INJECTION)
        elif outcome.failure is not None:
            await self._failed(thread, party, outcome, patience)
        elif judgement is not None and judgement.hand_over is not None:
            await self.threads.hand_over(thread, party, judgement.hand_over)
        elif judgement is not None and judgement.breaches:
            await self.threads.hand_over(thread, party, Reason.FAILED_TWICE)
        else:
            await self._send(thread, party, outcome)

    async def _failed(self, thread: Conversation, party: Party, outcome: Outcome, patience: timedelta) -> None:
        """Ask again: once after an answer that is of no use, for a while where the model gave none at all."""
        error = outcome.failure
        if isinstance(error, Unusable) and error.fault is Fault.DECLINED:
            await self.threads.hand_over(thread, party, Reason.DECLINED)
            return
        away = is_away(error)
        thread.answer_failures += len(outcome.calls) if away else max(len(outcome.calls), 1)
        if thread.answer_failures >= MOST_FAILURES:
            await self.threads.hand_over(thread, party, Reason.FAILED_TWICE)
            return
        left = patience - thread.find_writer_away(self.clock.now()) if away else None
        if left is not None and left <= timedelta():
            await self.threads.hand_over(thread, party, Reason.MODEL_AWAY)
            return
        await self._put_off(thread, again_in(error, left))

    async def _put_off(self, thread: Conversation, wait: timedelta) -> None:
        if thread.unanswered_id is not None:
            thread.answer_due_at = self.clock.now() + wait
            await self.agenda.no_later_than(ANSWER, thread.answer_due_at)

    async def _rate(self, thread: Conversation, party: Party, sentiment: Sentiment) -> None:
        await self.replies.feel(thread.id, sentiment)
        if await self.parties.rate(party, sentiment.value) and party.lead_id is not None:
            self.uow.publish(LeadTurnedHot(subject=party.lead_id, conversation_id=thread.id))

    async def _send(self, thread: Conversation, party: Party, outcome: Outcome) -> None:
        assert outcome.written is not None
        assert thread.unanswered_id is not None
        call, proposal = outcome.calls[-1], outcome.written.proposal
        if proposal.intent is Intent.ACCEPTS_SLOT and thread.lead_id is not None:
            taken = next(slot for slot in outcome.slots if slot.id == proposal.slot)
            self.uow.publish(_accepted(thread, thread.lead_id, taken, proposal.text))
            thread.answer_due_at = None  # what is said follows when the calendar has answered
            return
        draft = answer_draft(thread, thread.unanswered_id, proposal.text, Purpose.REPLY)
        [verdict] = await self.gate.submit([draft], leave_delayed=True)
        if isinstance(verdict, Delay):
            # Written anew then: by morning the times that it offers may be over, and the lead may have said more.
            await self._put_off(thread, verdict.until - self.clock.now())
            return
        if isinstance(verdict, Refuse):
            await self.replies.became(call.id, "unfit")
            decisive = verdict.decisive
            if decisive is None or decisive.rule not in ("opt_out", "consent", "archived", "manual_mode"):
                await self.threads.hand_over(thread, party, Reason.REFUSED)
            thread.answered()
            return
        await self.replies.became(call.id, "sent")
        thread.answered()


def _accepted(thread: Conversation, lead_id: UUID, slot: Slot, text: str) -> SlotAccepted:
    assert thread.unanswered_id is not None
    return SlotAccepted(
        subject=thread.id,
        lead_id=lead_id,
        answers_id=thread.unanswered_id,
        starts_at=slot.starts_at,
        text=text,
        number=thread.turn_number,
    )
