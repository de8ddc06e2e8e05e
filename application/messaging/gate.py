"""The send gate: every outgoing message is a ledger row first, and one pure function says whether it may go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.agenda import Agenda
from application.ports import Clock, UnitOfWork, within
from domain.messaging.message import MessagePlanned
from domain.messaging.policy import (
    Allow,
    Channel,
    Delay,
    Facts,
    Hold,
    Outcome,
    Purpose,
    Reason,
    Refuse,
    SendRequest,
    Verdict,
    decide,
)

SEND = "messaging.send"
SETTLE = "messaging.settle"
NO_SENDER = Reason("sender", Outcome.REFUSED, "This organisation has no number to send from.")
WAITED_FOR = frozenset({Purpose.MANUAL, Purpose.REPLY, Purpose.OPT_OUT_CONFIRMATION, Purpose.HELP})


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Hold one message that wants to go out; `natural_key` is what makes a second one of it impossible.

    `useful_until` is when it comes too late; None: never.
    """

    id: UUID
    natural_key: str
    purpose: Purpose
    channel: Channel
    category: str
    contact_id: UUID
    recipient: str
    body: str
    lead_id: UUID | None = None
    campaign_id: UUID | None = None
    touch: str | None = None
    variant: str | None = None
    author_id: UUID | None = None
    turn_number: int | None = None
    delayed_by: str | None = None
    useful_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Name whom the rules are asked about; `send_id` leaves that row itself out of what was sent before."""

    contact_id: UUID
    address: str
    channel: Channel
    lead_id: UUID | None = None
    campaign_id: UUID | None = None
    send_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Hold one ledger row to write: the draft, the state it starts in, when it is due, and why."""

    draft: Draft
    state: str
    due_at: datetime
    verdict: Verdict
    held: bool
    turn_number: int


class RecipientFacts(Protocol):
    """Know what the rules need to know, as it stands in the open unit of work."""

    async def of(self, recipients: Sequence[Recipient]) -> list[Facts]:
        """Give the facts of each, in order; one query for all."""
        ...

    async def sender(self, channel: Channel) -> str | None:
        """Give the organisation's own address on a channel, or None when it has none."""
        ...


class Ledger(Protocol):
    """Write messages and their ledger rows."""

    async def record(self, entries: Sequence[Entry], sender: str, at: datetime) -> frozenset[UUID]:
        """Insert conversations, messages and rows; gives the ids that were new by their natural keys."""
        ...


class Pace(Protocol):
    """Space what is sent."""

    def peek(self) -> datetime:
        """Tell when the next message could leave."""
        ...

    def take(self) -> datetime:
        """Reserve that time."""
        ...


@dataclass(frozen=True, slots=True)
class AtOnce:
    """Be the pace of what somebody waits for."""

    at: datetime

    def peek(self) -> datetime:
        """Tell when the next message could leave."""
        return self.at

    def take(self) -> datetime:
        """Reserve that time."""
        return self.at


@dataclass(frozen=True, slots=True)
class Gate:
    """Take drafts in, decide, and write down what was decided."""

    uow: UnitOfWork
    clock: Clock
    facts: RecipientFacts
    ledger: Ledger
    agenda: Agenda

    @within
    async def submit(
        self, drafts: Sequence[Draft], pace: Pace | None = None, *, leave_delayed: bool = False
    ) -> list[Verdict]:
        """Decide on each draft in order and write its row; a delayed one may be left to the caller, who asks again.

        A verdict `Allow` took a slot of the pace. Messages that somebody waits for are handed over by an event at once.
        """
        if not drafts:
            return []
        now = self.clock.now()
        pace = pace or AtOnce(now)
        sender, known = await self._known(drafts)
        verdicts, entries = [], []
        for draft, facts in zip(drafts, known, strict=True):
            at = pace.peek()
            verdict = _verdict(draft, facts, at, sender)
            verdicts.append(verdict)
            if isinstance(verdict, Delay) and leave_delayed:
                continue
            entries.append(_entry(draft, verdict, pace, at, _turn_number(draft, facts)))
        recorded = await self.ledger.record(entries, sender or "", now)
        await self._call(entries, recorded)
        return verdicts

    @within
    async def foresee(self, drafts: Sequence[Draft], pace: Pace | None = None) -> list[Verdict]:
        """Decide on each draft as it would be if it were submitted now, and write nothing."""
        if not drafts:
            return []
        at = (pace or AtOnce(self.clock.now())).peek()
        sender, known = await self._known(drafts)
        return [_verdict(draft, facts, at, sender) for draft, facts in zip(drafts, known, strict=True)]

    async def _known(self, drafts: Sequence[Draft]) -> tuple[str | None, list[Facts]]:
        """Give the organisation's address on the drafts' channel, and the facts of each in order."""
        sender = await self.facts.sender(drafts[0].channel)
        return sender, await self.facts.of([_recipient(draft) for draft in drafts])

    async def _call(self, entries: Sequence[Entry], recorded: frozenset[UUID]) -> None:
        due = [e for e in entries if e.state == "planned" and not e.held and e.draft.id in recorded]
        if due:
            await self.agenda.no_later_than(SEND, min(entry.due_at for entry in due))
        for entry in due:
            if entry.draft.purpose in WAITED_FOR:
                self.uow.publish(MessagePlanned(subject=entry.draft.id))


def _recipient(draft: Draft) -> Recipient:
    return Recipient(
        contact_id=draft.contact_id,
        address=draft.recipient,
        channel=draft.channel,
        lead_id=draft.lead_id,
        campaign_id=draft.campaign_id,
    )


def _turn_number(draft: Draft, facts: Facts) -> int:
    return facts.turn.number if draft.turn_number is None else draft.turn_number


def _verdict(draft: Draft, facts: Facts, at: datetime, sender: str | None) -> Verdict:
    request = SendRequest(
        purpose=draft.purpose,
        channel=draft.channel,
        to=draft.recipient,
        touch=draft.touch,
        turn_number=_turn_number(draft, facts),
        useful_until=draft.useful_until,
    )
    verdict = decide(request, facts, at)
    return verdict if sender is not None else Refuse((*verdict.reasons, NO_SENDER))


def _entry(draft: Draft, verdict: Verdict, pace: Pace, at: datetime, turn_number: int) -> Entry:
    state, due_at, held = "planned", at, False
    if isinstance(verdict, Allow):
        due_at = pace.take()
    elif isinstance(verdict, Delay):
        due_at = verdict.until
    elif isinstance(verdict, Hold):
        held = True
    else:
        state = "refused"
    return Entry(draft=draft, state=state, due_at=due_at, verdict=verdict, held=held, turn_number=turn_number)
