"""Handing over: claim, decide once more, hand to the provider, write down what it said, settle what nobody knows."""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from application.agenda import Agenda
from application.messaging.gate import SEND, SETTLE, WAITED_FOR, Recipient, RecipientFacts
from application.messaging.texting import Receipt, Text, Texting
from application.ports import Clock, UnitOfWork, effect
from application.provider import ProviderError, Rejected, Unavailable, Unknown, Untried
from domain.kernel import Phone, new_id
from domain.messaging.message import MessagePlanned, MessagesSettled, Settled
from domain.messaging.policy import Channel, Purpose, SendRequest, Verdict, decide

CLAIMED_AT_ONCE = 250
ASKED_AT_ONCE = 100
HANDED_AT_ONCE = 50
BATCHES_IN_TURN = 4
LEASE = timedelta(seconds=15)
PROVIDER_LIMIT = timedelta(seconds=6)  # longer than any adapter's own time limit for one call
MOST_ATTEMPTS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """Hold one ledger row that this worker has taken, with what it takes to hand it over.

    `doubted_since` is when the backup was made from which the database was restored, where the provider may have taken
    this text since: it is asked first.
    """

    id: UUID
    purpose: Purpose
    channel: Channel
    contact_id: UUID
    lead_id: UUID | None
    campaign_id: UUID | None
    touch: str | None
    recipient: str
    sender: str
    body: str
    turn_number: int
    attempts: int
    handed_at: datetime | None
    doubted_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Say what became of one row: the state to write, and when it is due again if it is to be planned anew.

    `untried` rows were not even called about, which counts as no attempt.
    """

    id: UUID
    state: str
    provider_id: str | None = None
    segments: int | None = None
    error: str | None = None
    due_at: datetime | None = None
    settled: Settled | None = None
    untried: bool = False


@dataclass(frozen=True, slots=True)
class _Calls:
    rows: Sequence[Claimed]
    told: "asyncio.Future[list[Receipt | ProviderError]]"


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Tell which rows are handed and may be sent, and which the gate refused for good."""

    handed: frozenset[UUID]
    refused: frozenset[UUID]


class HandOvers(Protocol):
    """Move ledger rows through their states; every write is conditional on the state it found."""

    async def claim(self, batch: UUID, limit: int, lease: timedelta, only: UUID | None = None) -> list[Claimed]:
        """Take due rows, or the one named, for this worker until the lease (machine time) ends."""
        ...

    async def hand(self, batch: UUID, verdicts: Sequence[tuple[UUID, Verdict]], at: datetime) -> HandedOver:
        """Write verdicts on the rows that are still claimed."""
        ...

    async def write(self, results: Sequence[Result], at: datetime, batch: UUID | None) -> frozenset[UUID]:
        """Write what became of rows still handed by this batch, or without a batch still unknown; gives those.

        A worker that slept past its lease writes nothing over what another one has done with its rows meanwhile.
        """
        ...

    async def unclaim(self, batch: UUID, ids: Sequence[UUID]) -> None:
        """Put back what this batch claimed and did not come to; it was no attempt."""
        ...

    async def expired(self, provider_limit: timedelta, limit: int) -> list[Claimed]:
        """Put claimed rows whose lease ended back, mark handed ones unknown; gives unknown ones to ask about."""
        ...

    async def open_rows(self) -> int:
        """Count rows that are claimed, handed or unknown."""
        ...

    async def next_due(self) -> datetime | None:
        """Tell when the next planned row is due."""
        ...


class Callbacks(Protocol):
    """Know the addresses at which providers tell what became of a message."""

    def of(self, organization_id: UUID, send_id: UUID) -> str:
        """Give the address for one message; it carries organisation and ledger id."""
        ...


class HandOverLock(Protocol):
    """Keep the sandbox's clock from moving between a verdict and its receipt; any number may hold it together."""

    def shared(self) -> AbstractAsyncContextManager[None]:
        """Hold it."""
        ...


@dataclass(frozen=True, slots=True)
class Owner:
    """Name the organisation whose rows these are."""

    organization_id: UUID


@dataclass(frozen=True)
class Sending:
    """Hand over what is due."""

    owner: Owner
    uow: UnitOfWork
    clock: Clock
    rows: HandOvers
    facts: RecipientFacts
    agenda: Agenda
    texting: Texting
    callbacks: Callbacks
    lock: HandOverLock

    @effect
    async def send_due(self) -> None:
        """Hand over what is due now, in batches, and set the schedule to what is due next.

        After some batches others have their turn, so that one organisation's flood is not in everybody's way.
        """
        for _ in range(BATCHES_IN_TURN):
            if self.texting.rest_seconds() or not await self._batch():
                break
        rest = timedelta(seconds=self.texting.rest_seconds())
        async with self.uow:
            await self.agenda.lock(SEND)
            due = await self.rows.next_due()
            if due is not None:
                await self.agenda.no_later_than(SEND, max(due, self.clock.now() + rest) if rest else due)
            await self.agenda.lock(SETTLE)
            if await self.rows.open_rows() == 0:
                await self.agenda.clear(SETTLE)

    @effect
    async def send_one(self, event: MessagePlanned) -> None:
        """Hand over one message that somebody waits for."""
        await self._batch(only=event.subject)

    @effect
    async def settle(self) -> None:
        """Release what a dead worker had claimed, and ask the provider about what it may or may not have taken."""
        while await self._ask_about_unknown() == ASKED_AT_ONCE:
            pass
        async with self.uow:
            now = self.clock.now()
            await self.agenda.lock(SEND)  # rows first, then SEND, then SETTLE: as everywhere
            await self.agenda.lock(SETTLE)
            if await self.rows.open_rows():
                await self.agenda.no_later_than(SETTLE, now + PROVIDER_LIMIT)
            due = await self.rows.next_due()
            if due is not None:
                await self.agenda.no_later_than(SEND, due)

    async def _ask_about_unknown(self) -> int:
        """Settle some rows; gives how many the provider could tell about."""
        async with self.uow:
            unknown = await self.rows.expired(PROVIDER_LIMIT, ASKED_AT_ONCE)
        found = await asyncio.gather(*(self._ask(row) for row in unknown))
        async with self.uow:
            now = self.clock.now()
            results = [r for row, told in zip(unknown, found, strict=True) if (r := _found(row, told, now)) is not None]
            await self._write(None, results, now)
        return len(results)

    async def _batch(self, only: UUID | None = None) -> bool:
        batch = new_id()
        ends = time.monotonic() + LEASE.total_seconds()
        async with self.uow:
            claimed = await self.rows.claim(batch, CLAIMED_AT_ONCE, LEASE, only)
            if claimed:
                await self.agenda.no_later_than(SETTLE, self.clock.now() + LEASE)
        if claimed:
            ending = asyncio.Event()
            await _to_its_end(self._hand_over(batch, claimed, ends, ending), ending)
        return bool(claimed) and only is None

    async def _hand_over(self, batch: UUID, claimed: Sequence[Claimed], ends: float, ending: asyncio.Event) -> None:
        """Hand over group by group: during the calls of one the next is decided on, and the last one written down."""
        calls: _Calls | None = None
        begun = 0
        async with self.lock.shared():
            try:
                while begun < len(claimed) and not ending.is_set() and self._has_time(ends):
                    group = claimed[begun : begun + HANDED_AT_ONCE]
                    handed = await self._hand(batch, group)
                    begun += len(group)
                    if calls is not None:
                        await asyncio.wait([calls.told])
                    told = asyncio.ensure_future(asyncio.gather(*(self._send(row, ends) for row in handed)))
                    calls, ended = _Calls(handed, told), calls
                    await self._note(batch, ended)
            finally:
                await self._note(batch, calls)
        if begun < len(claimed):
            async with self.uow:
                await self.rows.unclaim(batch, [row.id for row in claimed[begun:]])

    def _has_time(self, ends: float) -> bool:
        return time.monotonic() + 2 * PROVIDER_LIMIT.total_seconds() < ends and not self.texting.rest_seconds()

    async def _hand(self, batch: UUID, claimed: Sequence[Claimed]) -> list[Claimed]:
        """Decide once more, and commit what is handed over; gives those rows."""
        async with self.uow:
            now = self.clock.now()
            known = await self.facts.of([_recipient(row) for row in claimed])
            verdicts = [(row.id, decide(_request(row), facts, now)) for row, facts in zip(claimed, known, strict=True)]
            done = await self.rows.hand(batch, verdicts, now)
            refused = tuple(_settled(row, "refused", now) for row in claimed if row.id in done.refused)
            if refused:
                self.uow.publish(MessagesSettled(subject=batch, settled=refused))
        return [row for row in claimed if row.id in done.handed]

    async def _note(self, batch: UUID, calls: "_Calls | None") -> None:
        if calls is None or not calls.rows:
            return
        told = await calls.told
        async with self.uow:
            now = self.clock.now()
            await self._write(batch, [_result(row, t, now) for row, t in zip(calls.rows, told, strict=True)], now)

    async def _write(self, batch: UUID | None, results: Sequence[Result], now: datetime) -> None:
        written = await self.rows.write(results, now, batch)
        settled = tuple(r.settled for r in results if r.settled is not None and r.id in written)
        if settled:
            self.uow.publish(MessagesSettled(subject=batch or new_id(), settled=settled))
        again = [result.due_at for result in results if result.due_at is not None]
        if again:
            await self.agenda.no_later_than(SEND, min(again))

    async def _send(self, row: Claimed, ends: float) -> Receipt | ProviderError:
        if time.monotonic() + PROVIDER_LIMIT.total_seconds() > ends:
            return Untried(0, "The lease ended before the call.")
        if row.doubted_since is not None:
            told = await self._ask(row)
            if isinstance(told, Receipt):
                return told
            if told is not None or time.monotonic() + PROVIDER_LIMIT.total_seconds() > ends:
                return Untried(None, told.reason if told else "The lease ended before the call.")
        text = Text(
            organization_id=self.owner.organization_id,
            to=Phone(row.recipient),
            sender=Phone(row.sender),
            body=row.body,
            key=str(row.id),
            callback_url=self.callbacks.of(self.owner.organization_id, row.id),
            awaited=row.purpose in WAITED_FOR,
        )
        try:
            return await self.texting.send(text)
        except ProviderError as error:
            return error

    async def _ask(self, row: Claimed) -> Receipt | ProviderError | None:
        since = row.doubted_since or row.handed_at
        assert since is not None
        try:
            return await self.texting.find(str(row.id), Phone(row.recipient), since - timedelta(minutes=1))
        except ProviderError as error:
            return error


async def _to_its_end(work: Coroutine[Any, Any, None], ending: asyncio.Event) -> None:
    """Run what must not stop between hand-over and receipt: who is cancelled meanwhile tells it, and stops after it."""
    running = asyncio.ensure_future(work)
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        ending.set()
        await asyncio.gather(running, return_exceptions=True)
        raise


def _recipient(row: Claimed) -> Recipient:
    return Recipient(
        contact_id=row.contact_id,
        address=row.recipient,
        channel=row.channel,
        lead_id=row.lead_id,
        campaign_id=row.campaign_id,
        send_id=row.id,
    )


def _request(row: Claimed) -> SendRequest:
    return SendRequest(
        purpose=row.purpose, channel=row.channel, to=row.recipient, touch=row.touch, turn_number=row.turn_number
    )


def _settled(row: Claimed, outcome: str, at: datetime) -> Settled:
    return Settled(
        send_id=row.id, outcome=outcome, at=at, lead_id=row.lead_id, campaign_id=row.campaign_id, touch=row.touch
    )


def _accepted(row: Claimed, receipt: Receipt, at: datetime) -> Result:
    return Result(
        id=row.id,
        state="accepted",
        provider_id=receipt.provider_id,
        segments=receipt.segments,
        settled=_settled(row, "accepted", at),
    )


def _result(row: Claimed, told: Receipt | ProviderError, at: datetime) -> Result:
    match told:
        case Receipt():
            return _accepted(row, told, at)
        case Rejected():
            outcome = "unreachable" if told.permanent else "rejected"
            return Result(id=row.id, state="rejected", error=told.code, settled=_settled(row, outcome, at))
        case Unknown():
            return Result(id=row.id, state="unknown", error=told.reason)
        case Unavailable() if row.attempts >= MOST_ATTEMPTS and not isinstance(told, Untried):
            return Result(id=row.id, state="parked", error=told.reason)
        case _:
            wait = getattr(told, "retry_after", None)
            seconds = wait if wait is not None else min(2**row.attempts, 300)
            due_at, untried = at + timedelta(seconds=seconds), isinstance(told, Untried)
            return Result(id=row.id, state="planned", error=told.reason, due_at=due_at, untried=untried)


def _found(row: Claimed, told: Receipt | ProviderError | None, at: datetime) -> Result | None:
    match told:
        case Receipt():
            return _accepted(row, told, row.handed_at or at)
        case None:
            return Result(id=row.id, state="planned", due_at=at)
        case Rejected():
            return Result(id=row.id, state="parked", error=told.reason)
        case _:
            return None
