"""Asking the writer for one text: what breaks a rule is mended once, and every call is told with what it cost."""

from dataclasses import dataclass, replace
from datetime import timedelta

from application.messaging.reply_writing import ReplyWriter, WritingTask, Written
from application.model_calls import Fault, Unusable, Usage
from application.provider import ProviderError, Unavailable, Unknown, Untried, provider_port
from domain.messaging.campaign_text import with_way_out
from domain.messaging.injection import injection_signs
from domain.messaging.reply_facts import DEFAULT_SEGMENTS, DEFAULT_THRESHOLD, ReplyFacts
from domain.messaging.reply_rules import Judgement, judge

MOST_FAILURES = 2
AGAIN_AFTER = timedelta(seconds=30)
SOON = timedelta(seconds=5)  # what was not even tried, since others wait for the model too
LAST = 2 * SOON  # before it is given up: it takes one call to see that the model is back, and then another


@dataclass(frozen=True, slots=True)
class Call:
    """Hold one call of the writer: what it wrote and how that was judged, or how it was of no use."""

    usage: Usage
    written: Written | None = None
    judgement: Judgement | None = None
    fault: Fault | None = None


@provider_port
@dataclass(frozen=True)
class Asking:
    """Ask the writer, mend once what breaks a rule, and judge; nothing here touches the database."""

    writer: ReplyWriter

    async def ask(self, task: WritingTask, facts: ReplyFacts, calls: list[Call]) -> ProviderError | None:
        """Add each call to `calls`, the last being what counts, or give why there is nothing to count on."""
        while True:
            try:
                written = await self.writer.write(task)
            except Unusable as error:
                calls.append(Call(error.usage, fault=error.fault))
                if error.fault is not Fault.DECLINED and len(calls) < MOST_FAILURES:
                    continue
                return error
            except ProviderError as error:
                return error
            written = whole(written, task)
            judgement = judge(written.proposal, facts)
            calls.append(Call(written.usage, written, judgement))
            if judgement.hand_over is not None or not judgement.breaches or len(calls) >= MOST_FAILURES:
                return None
            task = replace(task, mend=[breach.mend for breach in judgement.breaches])


def whole(written: Written, task: WritingTask) -> Written:
    """End what begins a conversation as the law wants it, before it is judged: that counts as to length too."""
    if task.opening is None:
        return written
    proposal = written.proposal
    return replace(written, proposal=replace(proposal, text=with_way_out(proposal.text, task.language)))


def is_away(error: ProviderError | None) -> bool:
    """Tell whether the model gave nothing at all, so that it is worth while to wait for it."""
    return isinstance(error, Unavailable | Unknown)


def again_in(error: ProviderError | None, left: timedelta | None = None) -> timedelta:
    """Say when to ask again; `left` is how long a model that is away is waited for, and is not overslept."""
    soonest = SOON if isinstance(error, Untried) else AGAIN_AFTER
    wait = max(soonest, timedelta(seconds=min(getattr(error, "retry_after", None) or 0, 600)))
    if left is None:
        return wait
    return min(wait, left - LAST if left > LAST else left)


def harmless(value: str | None) -> str | None:
    """Give what does not speak to the writer."""
    return None if value is None or injection_signs(value) else value


def facts_of(
    task: WritingTask, threshold: float = DEFAULT_THRESHOLD, most_segments: int = DEFAULT_SEGMENTS
) -> ReplyFacts:
    """Say what a text may rest on: what its writer was given, the lead's words apart from ours."""
    return ReplyFacts(
        ours=[task.organization, *task.facts, *(said.text for said in task.history if said.by == "us")],
        recorded=[value for _, value in task.lead],
        theirs=[said.text for said in task.history if said.by == "lead"],
        prompt="\n".join((task.prompt.text, *(lesson.instruction for lesson in task.prompt.lessons))),
        slots=task.slots,
        language=task.language,
        threshold=threshold,
        most_segments=most_segments,
    )
