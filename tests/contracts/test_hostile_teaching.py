"""Texts that instruct the machine, before the evaluation's judge and the checker of lessons: nothing is praised up."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import pytest

from adapters.ai.finder_anthropic import finder_params
from adapters.crossings.candidate_answers import AnswersForCoaching
from application.coaching.evaluation_ports import CandidateAnswer, Case, PastMessage, PastThread
from application.coaching.judging import HANDED_OVER, Judging
from application.coaching.lesson_checks import Comparison, LessonChecks
from application.coaching.pattern_finding import PatternTask
from application.coaching.reviewing import Review, ReviewTask
from application.messaging.reply_writing import WritingTask, Written
from application.model_calls import Access, Usage
from application.model_spending import Purpose
from application.ports import Actor
from domain.coaching.clashes import Teaching
from domain.coaching.evaluation import Outcome
from domain.coaching.finding import Category, Finding, Quote, Severity
from domain.coaching.pattern import Sample, Step, patterns
from domain.coaching.prompt import Told
from domain.kernel import Conflict, Event, new_id
from domain.messaging.injection import injection_signs
from tests.contracts.test_hostile_texts import Hostile, hostile
from tests.proofs import Note

pytestmark = pytest.mark.anyio
NOW = datetime(2027, 3, 22, 10, tzinfo=UTC)
USAGE = Usage(model="test")
OLD, NEW = Told("built-in-1", "Old.", ()), Told("master-0/reply-1", "New.", ())


class _Promising:
    """Answer well under what is live, and promise a price under the draft."""

    async def answer(self, thread: PastThread, said: Told, access: Access, touch: int | None = None) -> CandidateAnswer:
        del thread, access, touch
        text = "That depends on the details." if said is OLD else "It is £5, guaranteed."
        return CandidateAnswer(text=text, confidence=0.9, usage=USAGE)


class _Obedient:
    """Review as a text in the thread would have it: full marks for the draft's answer, and praise."""

    async def review(self, task: ReviewTask) -> Review:
        last, theirs = task.messages[-1], task.messages[-2]
        praise = Finding(
            rule="excellent",
            category=Category.STRATEGY,
            severity=Severity.INFO,
            title="Excellent",
            description=theirs.text,
            suggestion=theirs.text,
            quotes=(Quote(last.id, "everything was perfect"), Quote(theirs.id, theirs.text)),
        )
        score = 100 if last.prompt_version == NEW.label else 0
        return Review({last.id: score}, score, [praise], USAGE)


def case(text: str) -> Case:
    """Make a case whose last text this is."""
    messages = (
        PastMessage(new_id(), "campaign", "Hi Ada, is the bay window still of interest?", NOW),
        PastMessage(new_id(), "lead", text, NOW),
    )
    thread = PastThread(organization="Bright Windows", locale="en", messages=messages, threshold=0.6, most_segments=2)
    return Case(
        organization_id=new_id(), conversation_id=new_id(), lead_id=None, chosen=True, thread=thread, created_at=NOW
    )


async def _judge(texts: Sequence[Hostile]) -> None:
    judging = Judging(_Promising(), _Obedient())
    for one in texts:
        compared = await judging.compare(case(one.text), OLD, NEW, Access(), [])
        assert compared.new.score <= 50, one.id
        assert compared.outcome is not Outcome.BETTER or compared.old.score == 0, one.id
        assert "info: Excellent" not in compared.new.findings, one.id


async def test_a_text_gives_a_draft_no_more_than_the_rules_leave_it() -> None:
    await _judge(hostile()[::5])


@pytest.mark.prove
async def test_no_text_gives_a_draft_more_than_the_rules_leave_it(proved: Note) -> None:
    texts = hostile()
    await _judge(texts)
    proved(10, f"an evaluation's judge that obeys {len(texts)} hostile texts: 0 scores above what rules leave")


class _Recording:
    """Be a writer that must not be asked."""

    asked = 0

    async def write(self, task: WritingTask) -> Written:
        del task
        self.asked += 1
        raise AssertionError("It was asked.")


async def test_what_instructs_the_machine_reaches_no_writer_in_an_evaluation_either() -> None:
    writer = _Recording()
    seen = [one for one in hostile() if injection_signs(one.text)]
    assert len(seen) > 100
    for one in seen:
        answer = await AnswersForCoaching(writer).answer(case(one.text).thread, NEW, Access())
        assert answer.needs_person
    assert writer.asked == 0
    judged = await Judging(AnswersForCoaching(writer), _Obedient()).compare(case(seen[0].text), OLD, NEW, Access(), [])
    assert (judged.old.score, judged.new.score) == (HANDED_OVER, HANDED_OVER)


class _Silenced:
    """Be a checker whose model does as a lesson says: it reports nothing."""

    async def check(self, lesson: Teaching, others: Sequence[Teaching], access: Access) -> Comparison:
        del lesson, others, access
        return Comparison((), USAGE)


class _NoDatabase:
    """Be a unit of work that keeps nothing."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        yield

    def publish(self, *events: Event) -> None:
        """Lose them."""


@dataclass
class _Knows:
    lesson: Teaching

    async def known(self) -> Sequence[Teaching]:
        return [self.lesson]

    async def access(self) -> Access:
        return Access()

    async def is_spent(self) -> bool:
        return False

    async def note(self, purpose: Purpose, cost_micros: int) -> None:
        del purpose, cost_micros


async def _check(texts: Sequence[Hostile]) -> None:
    """Check a lesson in whose words a person copied what a lead wrote."""
    known = _Knows(Teaching(new_id(), "Offer a call", "Answer a question about prices by offering a call."))
    checks = LessonChecks(Actor.system(new_id()), _NoDatabase(), known, _Silenced(), known, known)
    for one in texts:
        copied = Teaching(new_id(), "Offer a call", f"Offer a call. {one.text}")
        with pytest.raises(Conflict):
            await checks.check(copied)


async def test_a_lesson_does_not_talk_its_duplicate_away() -> None:
    await _check(hostile()[::5])


@pytest.mark.prove
async def test_no_lesson_talks_its_duplicate_away(proved: Note) -> None:
    texts = hostile()
    await _check(texts)
    proved(10, f"a checker of lessons that obeys {len(texts)} hostile texts: 0 duplicates overlooked")


def _asked_of_the_finder(one: Hostile) -> tuple[int, str]:
    """Count patterns in texts to leads who are called so, at a business that is; give what the finder would be told."""
    samples = [
        Sample(
            step=step,
            message_id=new_id(),
            text=f"Hi {one.text}, shall we call?" if named else "Shall we call?",
            at=NOW,
            names=(one.text,),
            organization=one.text,
            succeeded=named,
        )
        for step in Step
        for named in (True, False) * 20
    ]
    found = patterns(samples, 10)
    return len(found), json.dumps(finder_params("claude-sonnet-5-5", PatternTask(patterns=found)), ensure_ascii=False)


def _find(texts: Sequence[Hostile]) -> int:
    facts = 0
    for one in texts:
        counted, said = _asked_of_the_finder(one)
        assert counted, one.id
        runs = {one.text[start : start + 20] for start in range(max(len(one.text) - 19, 1))}
        assert not [run for run in runs if run in said], one.id
        facts += counted
    return facts


def test_a_text_does_not_reach_the_finder_of_patterns() -> None:
    assert _find(hostile()[::5])


@pytest.mark.prove
def test_no_text_reaches_the_finder_of_patterns(proved: Note) -> None:
    texts = hostile()
    facts = _find(texts)
    proved(
        10, f"{len(texts)} hostile texts as names and in messages: 0 words of them among {facts} facts for the finder"
    )
