"""The texts of campaigns that the AI writes: with no transaction open, judged as answers are, kept for planning."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from application.agenda import Agenda
from application.messaging.access_notes import AccessNotes
from application.messaging.answering import Background, ReplyStore
from application.messaging.asking import LAST, Asking, Call, again_in, facts_of, is_away
from application.messaging.drafting import applied, broken, task_of
from application.messaging.gate import Draft, Gate
from application.messaging.reply_writing import LivePrompt, Prompt
from application.messaging.touch_texts import DueText, TextEnd, TouchTexts
from application.model_calls import NO_MODEL, Fault, Unusable
from application.model_spending import Spending
from application.ports import Clock, UnitOfWork, effect
from application.provider import NotConfigured, ProviderError, Rejected
from domain.kernel import NotFound
from domain.messaging.campaign_text import Opening
from domain.messaging.policy import Channel, Hold, Purpose, Refuse
from domain.messaging.reply import Reason

WRITE = "messaging.write_touches"
AT_ONCE = 8
MOST_AT_ONCE = 16
LEASE = timedelta(seconds=60)  # longer than two calls take, and what is around them
BATCHES_IN_TURN = 20
GIVEN_UP_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class _Begun:
    due: DueText
    background: Background
    prompt: Prompt
    calls: list[Call] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Tried:
    begun: _Begun
    failure: ProviderError | None
    unforeseen: Exception | None = None


@dataclass(frozen=True)
class TouchWriting:
    """Write what planning asked for."""

    uow: UnitOfWork
    clock: Clock
    texts: TouchTexts
    replies: ReplyStore
    gate: Gate
    prompts: LivePrompt
    asking: Asking
    access_notes: AccessNotes
    spending: Spending
    agenda: Agenda

    @effect
    async def write_due(self) -> None:
        """Write what is due, some at a time, until nothing is left or the model is away; then others have a turn."""
        wait = None
        unforeseen: list[Exception] = []
        for _ in range(BATCHES_IN_TURN):
            async with self.uow:  # short: nobody else takes any meanwhile
                taken = await self.texts.take(AT_ONCE, MOST_AT_ONCE, LEASE)
            if not taken:
                wait = LAST  # others are at it, or there is nothing
                break
            begun, ends = await self._begin(taken)
            tried = await asyncio.gather(*(self._try(one) for one in begun))
            wait = await self._end(tried, ends)
            unforeseen += [one.unforeseen for one in tried if one.unforeseen is not None]
            if wait is not None:
                break
        async with self.uow:
            await self.agenda.lock(WRITE)
            seconds = await self.texts.seconds_until_due()
            if seconds is not None:
                soonest = timedelta() if wait is None else wait
                await self.agenda.no_later_than(WRITE, self.clock.now() + max(timedelta(seconds=seconds), soonest))
        if unforeseen:
            raise unforeseen[0]  # so that operators see it; its text has ended and is not paid anew

    async def _begin(self, taken: Sequence[DueText]) -> tuple[list[_Begun], list[TextEnd]]:
        """Read what they are written from, and end those that nobody wants any more or no money or access is for."""
        begun = []
        wanted = [due for due in taken if due.is_wanted and due.phone is not None]
        ends = [TextEnd(id=due.id, status="withdrawn") for due in taken if due not in wanted]
        async with self.uow:
            verdicts = await self.gate.foresee([_draft(due) for due in wanted])
            is_spent = await self.spending.is_spent()
            for due, verdict in zip(wanted, verdicts, strict=True):
                if isinstance(verdict, Refuse | Hold):
                    ends.append(TextEnd(id=due.id, status="withdrawn"))
                    continue
                try:
                    background = await self.replies.background_of(due.contact_id, due.lead_id)
                except NotFound:
                    continue  # erased meanwhile, and its row with it
                except NotConfigured:
                    ends.append(TextEnd(id=due.id, status="fell_back", reason=NO_MODEL))
                    continue
                if is_spent:
                    ends.append(TextEnd(id=due.id, status="fell_back", reason=Reason.BUDGET.value))
                    continue
                begun.append(_Begun(due, background, await self.prompts.live(due.lead_id, due.touch)))
        return begun, ends

    async def _try(self, begun: _Begun) -> _Tried:
        try:
            return _Tried(begun, await self._ask(begun))
        except Exception as error:  # what nobody foresaw must not cost the others their texts, nor be paid anew
            sentence = f"Writing broke off ({type(error).__name__})."
            return _Tried(begun, Rejected("broken_off", sentence, permanent=False), error)

    async def _ask(self, begun: _Begun) -> ProviderError | None:
        opening = Opening(int(begun.due.touch[1:]), begun.due.touches)
        task = task_of(begun.background, begun.prompt, opening)
        settings = begun.background.settings
        facts = facts_of(task, settings.threshold, settings.most_segments)
        return await self.asking.ask(task, facts, begun.calls)

    async def _end(self, tried: Sequence[_Tried], ends: Sequence[TextEnd]) -> timedelta | None:
        """Write down what came of them; gives for how long to leave a model alone that is away."""
        away = [one for one in tried if is_away(one.failure)]
        ended = [_ended(one) for one in tried if one not in away]
        async with self.uow:
            await self.texts.end([*ends, *ended, *(_waiting(one) for one in away)])
            await self.spending.note("touch", sum(call.usage.cost_micros for one in tried for call in one.begun.calls))
            if tried:
                told = next((one for one in tried if one not in away), tried[0])
                has_written = bool(told.begun.calls and told.begun.calls[-1].written)
                await self.access_notes.note(told.begun.background.access, told.failure, has_written)
            if ended:
                await self.texts.back()
            if not away:
                return None
            left = await self._left(away, is_alone=bool(ended))
            wait = max(again_in(one.failure, left if left > timedelta() else LAST) for one in away)
            await self.texts.wait([one.begun.due.id for one in away], wait)
        if left <= timedelta():
            await self._give_up(away, is_alone=bool(ended))
        return None if ended else wait

    async def _left(self, away: Sequence[_Tried], *, is_alone: bool) -> timedelta:
        """Tell for how long the model is still waited for; where others got their text, it is away for these alone."""
        since = await self.texts.away_since([one.begun.due.id for one in away], all_of_them=not is_alone)
        return _patience(away) - (self.clock.now() - since)

    async def _give_up(self, away: Sequence[_Tried], *, is_alone: bool) -> None:
        only = [one.begun.due.id for one in away] if is_alone else None
        while True:
            async with self.uow:
                before = self.clock.now() - _patience(away)
                given_up = await self.texts.give_up(before, Reason.MODEL_AWAY.value, GIVEN_UP_AT_ONCE, only)
            if given_up < GIVEN_UP_AT_ONCE:
                return


def _patience(tried: Sequence[_Tried]) -> timedelta:
    return timedelta(seconds=tried[0].begun.background.settings.patience_seconds)


def _draft(due: DueText) -> Draft:
    """Ask the gate about a text that is yet to be written."""
    assert due.phone is not None
    return Draft(
        id=due.id,
        natural_key="",
        purpose=Purpose.CAMPAIGN,
        channel=Channel.SMS,
        category=due.touch.lower(),
        contact_id=due.contact_id,
        lead_id=due.lead_id,
        campaign_id=due.campaign_id,
        touch=due.touch,
        recipient=due.phone,
        body="",
    )


def _waiting(tried: _Tried) -> TextEnd:
    return _cost(TextEnd(id=tried.begun.due.id, status="due"), tried.begun)


def _ended(tried: _Tried) -> TextEnd:
    begun, failure = tried.begun, tried.failure
    last = begun.calls[-1] if begun.calls else None
    if last is None or last.written is None or last.judgement is None:
        declined = isinstance(failure, Unusable) and failure.fault is Fault.DECLINED
        reason = Reason.DECLINED if declined else Reason.FAILED_TWICE
        fault = () if last is None or last.fault is None else (last.fault.value,)
        why = None if failure is None else failure.reason
        end = TextEnd(id=begun.due.id, status="fell_back", reason=reason.value, reasoning=why, breaches=fault)
        return _cost(end, begun)
    proposal, judgement = last.written.proposal, last.judgement
    refused = judgement.hand_over or (Reason.FAILED_TWICE if judgement.breaches else None)
    return _cost(
        TextEnd(
            id=begun.due.id,
            status="written" if refused is None else "fell_back",
            reason=None if refused is None else refused.value,
            text=proposal.text,
            confidence=proposal.confidence,
            reasoning=proposal.reasoning,
            lessons=applied(proposal, begun.prompt),
            breaches=broken(judgement),
        ),
        begun,
    )


def _cost(end: TextEnd, begun: _Begun) -> TextEnd:
    """Add up what all calls cost."""
    usages = [call.usage for call in begun.calls]
    return replace(
        end,
        prompt_version=begun.prompt.version if usages else None,
        model=usages[-1].model if usages else None,
        input_tokens=sum(usage.input_tokens for usage in usages),
        output_tokens=sum(usage.output_tokens for usage in usages),
        cached_tokens=sum(usage.cached_tokens for usage in usages),
        cost_micros=sum(usage.cost_micros for usage in usages),
        latency_ms=sum(usage.latency_ms for usage in usages),
    )
