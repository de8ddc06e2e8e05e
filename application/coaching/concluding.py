"""What is written down of a review, whoever asked for it."""

from dataclasses import dataclass
from uuid import UUID

from application.coaching.raising import Raised, Raising
from application.coaching.reviewed import ReviewRecord, ReviewStore, UnderReview
from application.coaching.reviewing import Review
from application.model_calls import Unusable
from application.ports import Clock, UnitOfWork, within
from domain.coaching.judgement import Judged, judge


@dataclass(frozen=True, slots=True)
class Concluded:
    """Hold what came of a review."""

    judged: Judged
    raised: list[Raised]


@dataclass(frozen=True)
class Concluding:
    """Judge what a reviewer says, keep its scores and cost, and raise what stands."""

    uow: UnitOfWork
    clock: Clock
    store: ReviewStore
    raising: Raising

    @within
    async def conclude(self, under: UnderReview, review: Review, asked_by: UUID | None = None) -> Concluded:
        """Write down a review; refuse with `NotFound` where the conversation is gone."""
        await self.store.hold(under)
        judged = judge(under.task.thread, review.findings, review.scores, review.score)
        record = ReviewRecord(
            conversation_id=under.conversation_id,
            asked_by=asked_by,
            status="done",
            score=judged.score,
            findings=len(judged.findings),
            usage=review.usage,
        )
        now = self.clock.now()
        await self.store.record(record, now)
        await self.store.score(under, judged, now)
        raised = await self.raising.raise_all(
            judged.findings,
            under.written,
            known={insight.id for insight in under.task.insights},
            review_id=record.id,
            conversation_id=under.conversation_id,
            lead_id=under.lead_id,
        )
        return Concluded(judged, raised)

    @within
    async def note_failure(self, under: UnderReview, error: Unusable, asked_by: UUID | None = None) -> None:
        """Write down what an answer of no use cost."""
        await self.store.hold(under)
        record = ReviewRecord(
            conversation_id=under.conversation_id,
            asked_by=asked_by,
            status="failed",
            fault=error.fault.value,
            usage=error.usage,
        )
        await self.store.record(record, self.clock.now())
