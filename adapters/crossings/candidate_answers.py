"""The coach has messaging's writer answer a past conversation under a candidate; messaging's rules judge it."""

from dataclasses import replace

from adapters.persistence.coaching_live import prompt_of
from application.coaching.evaluation_ports import CandidateAnswer, PastThread
from application.messaging.asking import facts_of, harmless, whole
from application.messaging.reply_writing import ReplyWriter, Said, WritingTask
from application.model_calls import Access, Usage
from domain.coaching.prompt import Told
from domain.messaging.campaign_text import Opening
from domain.messaging.injection import injection_signs
from domain.messaging.languages import answered_in
from domain.messaging.reply import Reason
from domain.messaging.reply_rules import judge
from domain.outreach.campaign import Touch

_TO_PEOPLE = frozenset({Reason.LOW_CONFIDENCE, Reason.WRITER_ASKS, Reason.ENDS_CONTACT})


class AnswersForCoaching:
    """Be the coach's `CandidateAnswers`; no times are offered, since those of then are gone."""

    def __init__(self, writer: ReplyWriter) -> None:
        self._writer = writer

    async def answer(self, thread: PastThread, said: Told, access: Access, touch: int | None = None) -> CandidateAnswer:
        """Write one answer, or a touch; what instructs the machine goes to a person here too, and reaches no model."""
        theirs = [message.text for message in thread.messages if message.by == "lead"]
        if touch is None and any(injection_signs(text) for text in theirs[-1:]):
            return CandidateAnswer(text="", confidence=0.0, needs_person=True, usage=Usage(model="none"))
        task = _task(thread, said, access, theirs)
        if touch is not None:
            task = replace(task, opening=Opening(touch, len(Touch)))
        written = whole(await self._writer.write(task), task)
        proposal = written.proposal
        judgement = judge(proposal, facts_of(task, thread.threshold, thread.most_segments))
        known = {lesson.id for lesson in said.lessons}
        return CandidateAnswer(
            text=proposal.text,
            confidence=proposal.confidence,
            breaches=tuple(breach.sentence for breach in judgement.breaches),
            needs_person=judgement.hand_over in _TO_PEOPLE or (touch is not None and judgement.hand_over is not None),
            lesson_ids=tuple(lesson for lesson in proposal.lessons if lesson in known),
            usage=written.usage,
        )


def _task(thread: PastThread, said: Told, access: Access, theirs: list[str]) -> WritingTask:
    history = [
        Said("lead" if message.by == "lead" else "us", message.text, message.at)
        for message in thread.messages
        if message.by != "lead" or not injection_signs(message.text)
    ]
    task = WritingTask(
        organization=thread.organization,
        lead=[(name, value) for name, value in thread.lead if not injection_signs(value)],
        facts=thread.facts,
        history=history,
        prompt=prompt_of(said),
        slots=(),
        language=answered_in(theirs, thread.locale),
        now=thread.now or thread.messages[-1].at,
        access=access,
    )
    return replace(task, first_name=harmless(thread.first_name), product=harmless(thread.product))
