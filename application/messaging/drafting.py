"""Asking the writer: what it is given, how what it gives is judged, and what is kept of every call."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from application.messaging.answering import Background, Reply, ReplyStatus
from application.messaging.outreach import Party
from application.messaging.reply_writing import OfferedSlots, Prompt, ReplyWriter, WritingTask, Written
from application.model_calls import Fault, Unusable, Usage
from application.provider import ProviderError, Unknown, provider_port
from domain.messaging.conversation import Conversation
from domain.messaging.injection import injection_signs
from domain.messaging.languages import language_of
from domain.messaging.reply_facts import ReplyFacts, Slot
from domain.messaging.reply_rules import Judgement, judge

MOST_FAILURES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """Hold what one turn of the AI began from."""

    thread: Conversation
    party: Party
    background: Background
    prompt: Prompt


@dataclass(frozen=True, slots=True)
class Outcome:
    """Hold what came of asking the writer: what it wrote and how that was judged, or how it failed; all calls."""

    calls: tuple[Reply, ...]
    written: Written | None
    judgement: Judgement | None
    slots: Sequence[Slot]
    failure: ProviderError | None = None
    signs: bool = False


@provider_port
@dataclass(frozen=True)
class Writing:
    """Ask the writer, mend once what breaks a rule, and judge; nothing here touches the database."""

    writer: ReplyWriter
    offered: OfferedSlots

    async def write(self, started: Started, answers_id: UUID | None, seconds: float | None = None) -> Outcome:
        """Give what may be proposed to the rules; `seconds` is how long all of it may take, where somebody waits."""
        calls: list[Reply] = []
        try:
            async with asyncio.timeout(seconds):
                return await self._write(started, answers_id, calls)
        except TimeoutError:
            return Outcome(tuple(calls), None, None, (), Unknown("The AI took too long; try again."))

    async def _write(self, started: Started, answers_id: UUID | None, calls: list[Reply]) -> Outcome:
        background, thread = started.background, started.thread
        theirs = [said.text for said in background.history if said.by == "lead"]
        if any(injection_signs(text) for text in (*_latest(background), *theirs[-1:])):
            return Outcome((), None, None, (), signs=True)
        language = language_of(" ".join(theirs[-3:])) or background.locale
        slots: Sequence[Slot] = ()
        if thread.lead_id is not None:
            try:
                ours = [said.text for said in background.history if said.by == "us"]
                slots = await self.offered.offered(thread.lead_id, background.now, background.zone, language, ours)
            except ProviderError:
                slots = ()  # an answer without times is better than none
        task = _task(started, slots, language)
        facts = _facts(task, background)
        while True:
            try:
                written = await self.writer.write(task)
            except Unusable as error:
                calls.append(_failed(started, answers_id, error.usage, error.fault.value))
                if error.fault is not Fault.DECLINED and len(calls) < MOST_FAILURES:
                    continue
                return Outcome(tuple(calls), None, None, slots, error)
            except ProviderError as error:
                return Outcome(tuple(calls), None, None, slots, error)
            judgement = judge(written.proposal, facts)
            calls.append(_called(started, answers_id, written, judgement))
            if judgement.hand_over is not None or not judgement.breaches or len(calls) >= MOST_FAILURES:
                return Outcome(tuple(calls), written, judgement, slots)
            task = replace(task, mend=[breach.mend for breach in judgement.breaches])


def _latest(background: Background) -> list[str]:
    """Give what the lead wrote since we last did."""
    latest: list[str] = []
    for said in reversed(background.history):
        if said.by == "us":
            break
        latest.append(said.text)
    return latest


def _task(started: Started, slots: Sequence[Slot], language: str) -> WritingTask:
    """Give the writer all but what speaks to it: texts that a person answered long ago, and fields of the lead."""
    background = started.background
    return WritingTask(
        organization=background.organization,
        lead=[(name, value) for name, value in background.lead if not injection_signs(value)],
        facts=[line for line in background.settings.facts.splitlines() if line.strip()],
        history=[said for said in background.history if said.by == "us" or not injection_signs(said.text)],
        prompt=started.prompt,
        slots=slots,
        language=language,
        now=background.now,
        first_name=_harmless(background.first_name),
        product=_harmless(background.product),
        access=background.access,
    )


def _harmless(value: str | None) -> str | None:
    return None if value is None or injection_signs(value) else value


def _facts(task: WritingTask, background: Background) -> ReplyFacts:
    return ReplyFacts(
        ours=[task.organization, *task.facts, *(said.text for said in task.history if said.by == "us")],
        recorded=[value for _, value in task.lead],
        theirs=[said.text for said in task.history if said.by == "lead"],
        prompt="\n".join((task.prompt.text, *(lesson.instruction for lesson in task.prompt.lessons))),
        slots=task.slots,
        language=task.language,
        threshold=background.settings.threshold,
        most_segments=background.settings.most_segments,
    )


def _called(started: Started, answers_id: UUID | None, written: Written, judgement: Judgement) -> Reply:
    proposal = written.proposal
    known = {lesson.id for lesson in started.prompt.lessons}
    blank = _row(started, answers_id, written.usage, "draft" if judgement.may_be_shown else "unfit")
    handed = () if judgement.hand_over is None else (judgement.hand_over.value,)
    return replace(
        blank,
        text=proposal.text,
        confidence=proposal.confidence,
        reasoning=proposal.reasoning,
        lessons=tuple(lesson for lesson in proposal.lessons if lesson in known),
        sentiment=proposal.sentiment,
        intent=proposal.intent,
        slot=proposal.slot,
        breaches=tuple(breach.rule for breach in judgement.breaches) or handed,
    )


def _failed(started: Started, answers_id: UUID | None, usage: Usage, fault: str) -> Reply:
    return replace(_row(started, answers_id, usage, "failed"), breaches=(fault,))


def _row(started: Started, answers_id: UUID | None, usage: Usage, status: ReplyStatus) -> Reply:
    return Reply(
        conversation_id=started.thread.id,
        lead_id=started.thread.lead_id,
        answers_id=answers_id,
        status=status,
        prompt_version=started.prompt.version,
        model=usage.model,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=usage.cached_tokens,
        cost_micros=usage.cost_micros,
        latency_ms=usage.latency_ms,
    )
