"""Two answers to one past conversation, written and judged on the same points; nothing here touches the database."""

from dataclasses import dataclass
from datetime import timedelta

from application.coaching.evaluation_ports import (
    CandidateAnswer,
    CandidateAnswers,
    Case,
    Compared,
    Judged,
    PastThread,
)
from application.coaching.reviewing import ConversationReviewer, Review, ReviewTask
from application.model_calls import Access, Fault, Unusable, Usage
from application.provider import provider_port
from domain.coaching.evaluation import compared
from domain.coaching.finding import ReviewedMessage
from domain.coaching.judgement import judge
from domain.coaching.prompt import Told
from domain.kernel import derived_id

REFUSED = 0
"""What an answer scores that the rules would not let out, or that is of no use."""
HANDED_OVER = 50
"""What one scores that is left to a person."""
MOST_USELESS = 2
"""How often the judge is asked about one answer before its case is left out."""


@provider_port
@dataclass(frozen=True)
class Judging:
    """Write and judge."""

    answers: CandidateAnswers
    reviewer: ConversationReviewer

    async def compare(self, case: Case, old: Told, new: Told, access: Access, usages: list[Usage]) -> Compared:
        """Answer a case under both; the judge sees the same lessons beside both, those of the new one.

        What each call cost is added to `usages`, also where one breaks off; a judge that says nothing of use twice is
        `Unusable`.
        """
        first = await self._judged(case, old, new, access, usages)
        second = await self._judged(case, new, new, access, usages)
        return Compared(case.id, first, second, compared(first.score, second.score))

    async def _judged(self, case: Case, said: Told, points: Told, access: Access, usages: list[Usage]) -> Judged:
        try:
            answer = await self.answers.answer(case.thread, said, access)
        except Unusable as error:
            usages.append(error.usage)
            if error.fault is Fault.DECLINED:
                return Judged("", HANDED_OVER, ("The model declined to answer.",), error.usage.cost_micros)
            return Judged("", REFUSED, (error.reason,), error.usage.cost_micros)
        usages.append(answer.usage)
        if answer.breaches:
            return Judged(answer.text, REFUSED, answer.breaches, answer.usage.cost_micros)
        if answer.needs_person:
            return Judged(answer.text, HANDED_OVER, ("It is left to a person.",), answer.usage.cost_micros)
        return await self._reviewed(case, answer, said, points, access, usages)

    async def _reviewed(
        self, case: Case, answer: CandidateAnswer, said: Told, points: Told, access: Access, usages: list[Usage]
    ) -> Judged:
        thread = case.thread
        candidate = ReviewedMessage(
            id=derived_id(case.id, said.label),
            by="ai",
            text=answer.text,
            at=thread.messages[-1].at + timedelta(minutes=1),
            prompt_version=said.label,
            lesson_ids=answer.lesson_ids,
        )
        task = _task(thread, candidate, points, access)
        review, cost = await self._review(task, usages)
        stands = judge(task.thread, review.findings, review.scores, review.score)
        about = [finding for finding in stands.findings if finding.quotes_message(candidate.id)]
        return Judged(
            answer.text,
            stands.scores[candidate.id],
            tuple(f"{finding.severity.value}: {finding.title}" for finding in about),
            answer.usage.cost_micros + cost,
        )

    async def _review(self, task: ReviewTask, usages: list[Usage]) -> tuple[Review, int]:
        """Ask the judge, once more where it says nothing of use; gives what all of it cost, too."""
        cost, tries = 0, 1
        while True:
            try:
                review = await self.reviewer.review(task)
            except Unusable as error:
                usages.append(error.usage)
                cost += error.usage.cost_micros
                if tries == MOST_USELESS:
                    raise
                tries += 1
            else:
                usages.append(review.usage)
                return review, cost + review.usage.cost_micros


def _task(thread: PastThread, candidate: ReviewedMessage, points: Told, access: Access) -> ReviewTask:
    past = [ReviewedMessage(id=one.id, by=one.by, text=one.text, at=one.at) for one in thread.messages]
    return ReviewTask(
        organization=thread.organization,
        messages=[*past, candidate],
        names=[thread.first_name] if thread.first_name else [],
        facts=thread.facts,
        lessons=[lesson.text for lesson in points.lessons],
        begins=False,
        access=access,
    )
