"""Asking the writer: what it is given, how what it gives is judged, and what is kept of every call."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from application.messaging.answering import Background, Reply, ReplyStatus
from application.messaging.asking import Asking, Call, facts_of, harmless
from application.messaging.outreach import Party
from application.messaging.reply_writing import OfferedSlots, Prompt, WritingTask, Written
from application.provider import ProviderError, Unknown, provider_port
from domain.messaging.campaign_text import Opening
from domain.messaging.conversation import Conversation
from domain.messaging.injection import injection_signs
from domain.messaging.languages import answered_in
from domain.messaging.reply import Proposal
from domain.messaging.reply_facts import Slot
from domain.messaging.reply_rules import Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """Hold what one turn of the AI began from; `is_spent` tells that the day's budget was used up by then."""

    thread: Conversation
    party: Party
    background: Background
    prompt: Prompt
    is_spent: bool


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
    """Ask the writer for an answer with the times that the calendar offers; nothing here touches the database."""

    asking: Asking
    offered: OfferedSlots

    async def write(self, started: Started, answers_id: UUID | None, seconds: float | None = None) -> Outcome:
        """Give what may be proposed to the rules; `seconds` is how long all of it may take, where somebody waits."""
        calls: list[Call] = []
        try:
            async with asyncio.timeout(seconds):
                return await self._write(started, answers_id, calls)
        except TimeoutError:
            return Outcome(
                _rows(started, answers_id, calls), None, None, (), Unknown("The AI took too long; try again.")
            )

    async def _write(self, started: Started, answers_id: UUID | None, calls: list[Call]) -> Outcome:
        background, thread = started.background, started.thread
        theirs = [said.text for said in background.history if said.by == "lead"]
        if any(injection_signs(text) for text in (*_latest(background), *theirs[-1:])):
            return Outcome((), None, None, (), signs=True)
        slots: Sequence[Slot] = ()
        if thread.lead_id is not None:
            try:
                ours = [said.text for said in background.history if said.by == "us"]
                language, zone = spoken_with(background), background.zone
                slots = await self.offered.offered(thread.lead_id, background.now, zone, language, ours)
            except ProviderError:
                slots = ()  # an answer without times is better than none
        task = replace(task_of(background, started.prompt), slots=slots)
        settings = background.settings
        failure = await self.asking.ask(task, facts_of(task, settings.threshold, settings.most_segments), calls)
        rows = _rows(started, answers_id, calls)
        if failure is not None:
            return Outcome(rows, None, None, slots, failure)
        return Outcome(rows, calls[-1].written, calls[-1].judgement, slots)


def _latest(background: Background) -> list[str]:
    """Give what the lead wrote since we last did."""
    latest: list[str] = []
    for said in reversed(background.history):
        if said.by == "us":
            break
        latest.append(said.text)
    return latest


def spoken_with(background: Background) -> str | None:
    """Name the language that a lead wrote last, or the organisation's; None where it is one that nobody here knows."""
    return answered_in([said.text for said in background.history if said.by == "lead"], background.locale)


def task_of(background: Background, prompt: Prompt, opening: Opening | None = None) -> WritingTask:
    """Give the writer all but what speaks to it: texts that a person answered long ago, and fields of the lead."""
    return WritingTask(
        organization=background.organization,
        lead=[(name, value) for name, value in background.lead if not injection_signs(value)],
        facts=[line for line in background.settings.facts.splitlines() if line.strip()],
        history=[said for said in background.history if said.by == "us" or not injection_signs(said.text)],
        prompt=prompt,
        slots=(),
        language=spoken_with(background),
        now=background.now,
        first_name=harmless(background.first_name),
        product=harmless(background.product),
        access=background.access,
        opening=opening,
    )


def _rows(started: Started, answers_id: UUID | None, calls: Sequence[Call]) -> tuple[Reply, ...]:
    return tuple(_row(started, answers_id, call) for call in calls)


def _row(started: Started, answers_id: UUID | None, call: Call) -> Reply:
    usage, status = call.usage, _status(call.judgement)
    made = Reply(
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
    if call.written is None or call.judgement is None:
        return replace(made, breaches=() if call.fault is None else (call.fault.value,))
    proposal = call.written.proposal
    return replace(
        made,
        text=proposal.text,
        confidence=proposal.confidence,
        reasoning=proposal.reasoning,
        lessons=applied(proposal, started.prompt),
        sentiment=proposal.sentiment,
        intent=proposal.intent,
        slot=proposal.slot,
        breaches=broken(call.judgement),
    )


def _status(judgement: Judgement | None) -> ReplyStatus:
    if judgement is None:
        return "failed"
    return "draft" if judgement.may_be_shown else "unfit"


def applied(proposal: Proposal, prompt: Prompt) -> tuple[UUID, ...]:
    """Name the lessons that a writer says it followed, of those that it was given."""
    known = {lesson.id for lesson in prompt.lessons}
    return tuple(lesson for lesson in proposal.lessons if lesson in known)


def broken(judgement: Judgement) -> tuple[str, ...]:
    """Name the rules that a proposal breaks, or else why a person is to decide."""
    handed = () if judgement.hand_over is None else (judgement.hand_over.value,)
    return tuple(breach.rule for breach in judgement.breaches) or handed
