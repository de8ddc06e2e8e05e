"""Reviews that nobody asks for: after each message once the thread is still, and of whatever moved."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from application.agenda import Agenda
from application.coaching.concluding import Concluding
from application.coaching.reviewed import DAILY, REVIEW, SWEEP, AnalysisAllowance, Means, ReviewStore, UnderReview
from application.coaching.reviewing import ConversationReviewer
from application.model_calls import Unusable
from application.ports import Actor, Clock, UnitOfWork, effect
from application.provider import Capabilities, NotConfigured, ProviderError
from domain.coaching.review import MOVED_WITHIN, SWEPT_EVERY, ReviewDue, put_off
from domain.kernel import NotFound
from domain.messaging.message import MessageReceived, MessagesSettled

TAKEN_AT_ONCE = 50
SWEPT_AT_ONCE = 500
MOST_USELESS = 2


@dataclass(frozen=True)
class Reviews:
    """Let conversations be reviewed; no send and no answer waits for it."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    agenda: Agenda
    store: ReviewStore
    reviewer: ConversationReviewer
    concluding: Concluding
    allowance: AnalysisAllowance
    capabilities: Capabilities

    @effect
    async def heard(self, event: MessageReceived) -> None:
        """A lead wrote."""
        async with self.uow:
            await self._expect([event.conversation_id])

    @effect
    async def settled(self, event: MessagesSettled) -> None:
        """The AI or a person wrote; a campaign's texts are looked at when somebody answers."""
        ours = [one.send_id for one in event.settled if one.campaign_id is None and one.outcome == "accepted"]
        if ours:
            async with self.uow:
                await self._expect(await self.store.moved_by(ours))

    async def _expect(self, conversation_ids: list[UUID]) -> None:
        means = await self._means() if conversation_ids else None
        if means is None or not means.wanted:
            return
        now = self.clock.now()
        due = await self.store.expect(conversation_ids, now)
        if due is not None:
            await self.agenda.no_later_than(REVIEW, due)
            await self.agenda.no_later_than(SWEEP, now + SWEPT_EVERY)
            await self.agenda.no_later_than(DAILY, means.night_at)

    async def _means(self) -> Means | None:
        """Tell what means the organisation has, None where it has no model."""
        try:
            await self.capabilities.require("ai")
        except NotConfigured:
            return None
        return await self.store.means()

    @effect
    async def begin_due(self) -> None:
        """Let as many reviews begin as are due and allowed, and set the schedule to the next."""
        async with self.uow.reading():
            means = await self.store.means()
            due = 0 if means.spent else await self.store.count_due(TAKEN_AT_ONCE)
        room, wait = 0, 0.0
        while room < due and wait == 0:
            wait = await self.allowance.take(self.actor.organization_id)
            room += wait == 0
        async with self.uow:
            now = self.clock.now()
            taken = await self.store.take_due(room, now) if room else []
            self.uow.publish(*(ReviewDue(subject=identifier) for identifier in taken))
            await self.agenda.lock(REVIEW)
            following = await self.store.next_due()
            if following is not None:
                not_before = means.again_at if means.spent else now + timedelta(seconds=wait)
                await self.agenda.no_later_than(REVIEW, max(following, not_before))

    @effect
    async def review(self, event: ReviewDue) -> None:
        """Review one conversation, or let it wait where the model is away."""
        async with self.uow.reading():
            under = await self.store.read(event.subject)
        if under is None:
            return
        try:
            said = await self.reviewer.review(under.task)
        except ProviderError as error:
            with suppress(NotFound):  # erased meanwhile
                await self._wait(under, error)
            return
        with suppress(NotFound):
            async with self.uow:
                await self.concluding.conclude(under, said)

    async def _wait(self, under: UnderReview, error: ProviderError) -> None:
        failures = under.failures + 1
        async with self.uow:
            if isinstance(error, Unusable):
                await self.concluding.note_failure(under, error)
            if isinstance(error, Unusable) and failures >= MOST_USELESS:
                await self.store.put_off(under.conversation_id, None, failures)
                return
            until = self.clock.now() + put_off(failures, getattr(error, "retry_after", None))
            await self.store.put_off(under.conversation_id, until, failures)
            await self.agenda.no_later_than(REVIEW, until)

    @effect
    async def give_up(self, event: ReviewDue, reason: str) -> None:  # noqa: ARG002 - it stands on the delivery
        """Leave a conversation that could not be worked off until it moves again."""
        async with self.uow:
            await self.store.put_off(event.subject, None, 0)

    @effect
    async def sweep(self) -> None:
        """Let whatever moved and was missed fall due; what moves next lets it come again."""
        async with self.uow:
            now = self.clock.now()
            means = await self._means()
            if means is None or not means.wanted:
                return
            found = await self.store.let_moved_fall_due(now - MOVED_WITHIN, now, SWEPT_AT_ONCE)
            if found:
                await self.agenda.no_later_than(REVIEW, now)
            if found == SWEPT_AT_ONCE:
                await self.agenda.no_later_than(SWEEP, now + SWEPT_EVERY)
