"""Handing over: claim, decide once more, hand to the provider, write down what it said, settle what nobody knows."""

import asyncio
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from application.agenda import Agenda
from application.messaging.gate import SEND, SETTLE, WAITED_FOR, Recipient, RecipientFacts
from application.messaging.hand_overs import (
    AccountBook,
    Callbacks,
    Claimed,
    HandOverLock,
    HandOvers,
    Result,
)
from application.messaging.reconciling import EVERY, RECONCILE
from application.messaging.texting import Receipt, Text, Texting, TextingAccount, TextingAccounts, TextingHealth
from application.ports import Clock, UnitOfWork, effect
from application.provider import ProviderError, Rejected, Unavailable, Unknown, Untried, Unusable
from domain.kernel import Phone, new_id
from domain.messaging.message import MessagePlanned, MessagesSettled, RecipientRefused, Settled, TextingFailed
from domain.messaging.policy import SendRequest, decide

CLAIMED_AT_ONCE = 250
ASKED_AT_ONCE = 100
HANDED_AT_ONCE = 50
BATCHES_IN_TURN = 4
LEASE = timedelta(seconds=15)
PROVIDER_LIMIT = timedelta(seconds=6)  # longer than any adapter's own time limit for one call
ASK_AFTER = 2 * PROVIDER_LIMIT  # a group is handed while the last one's calls run, and waits for them
LONGEST_WAIT = timedelta(hours=1)  # whatever a provider says
MOST_ATTEMPTS = 12


_Found = Sequence[Receipt] | ProviderError
_Told = Receipt | ProviderError | None


@dataclass(frozen=True, slots=True)
class _Calls:
    rows: Sequence[Claimed]
    accounts: Sequence[str]
    told: "asyncio.Future[list[Receipt | ProviderError]]"


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
    book: AccountBook
    health: TextingHealth
    callbacks: Callbacks
    lock: HandOverLock

    @effect
    async def send_due(self) -> None:
        """Hand over what is due now, in batches, and set the schedule to what is due next.

        After some batches others have their turn, so that one organisation's flood is not in everybody's way.
        """
        for _ in range(BATCHES_IN_TURN):
            if not await self._batch():
                break
        async with self.uow:
            rest = timedelta(seconds=self._rest(await self.book.accounts()))
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
            unknown = await self.rows.expired(ASK_AFTER, ASKED_AT_ONCE)
            accounts = await self.book.accounts() if unknown else TextingAccounts()
        found = await asyncio.gather(*(self._ask(row, accounts) for row in unknown))
        async with self.uow:
            now = self.clock.now()
            told = await self._one_to_one(unknown, found)
            results = [r for row, one in zip(unknown, told, strict=True) if (r := _found(row, one, now)) is not None]
            await self._write(None, results, now)
        return len(results)

    async def _one_to_one(self, rows: Sequence[Claimed], found: Sequence[_Found]) -> list[_Told]:
        """Give each row a receipt that no other row has: the same words may have gone to the same number twice."""
        candidates = {one.provider_id for told in found if not isinstance(told, ProviderError) for one in told}
        taken = set(await self.rows.known(candidates, {row.recipient for row in rows})) if candidates else set()
        given: list[_Told] = []
        for told in found:
            if isinstance(told, ProviderError):
                given.append(told)
                continue
            free = next((one for one in told if one.provider_id not in taken), None)
            if free is not None:
                taken.add(free.provider_id)
            given.append(free)
        return given

    async def _batch(self, only: UUID | None = None) -> bool:
        batch = new_id()
        ends = time.monotonic() + LEASE.total_seconds()
        async with self.uow:
            accounts = await self.book.accounts()
            if only is None and self._rest(accounts):
                return False
            claimed = await self.rows.claim(batch, CLAIMED_AT_ONCE, LEASE, only)
            if claimed:
                await self.agenda.no_later_than(SETTLE, self.clock.now() + LEASE)
        if claimed:
            ending = asyncio.Event()
            await _to_its_end(self._hand_over(batch, claimed, accounts, ends, ending), ending)
        return bool(claimed) and only is None

    async def _hand_over(
        self,
        batch: UUID,
        claimed: Sequence[Claimed],
        accounts: TextingAccounts,
        ends: float,
        ending: asyncio.Event,
    ) -> None:
        """Hand over group by group: during the calls of one the next is decided on, and the last one written down."""
        calls: _Calls | None = None
        begun = 0
        async with self.lock.shared():
            try:
                while begun < len(claimed) and not ending.is_set() and self._has_time(ends, accounts, len(claimed)):
                    group = claimed[begun : begun + HANDED_AT_ONCE]
                    chosen = {row.id: accounts.choose(row.author_id, self.health.rest_seconds) for row in group}
                    handed = await self._hand(batch, group, {key: account.name for key, account in chosen.items()})
                    begun += len(group)
                    if calls is not None:
                        await asyncio.wait([calls.told])
                    told = asyncio.ensure_future(
                        asyncio.gather(*(self._send(row, chosen[row.id], accounts, ends) for row in handed))
                    )
                    calls, ended = _Calls(handed, [chosen[row.id].name for row in handed], told), calls
                    await self._note(batch, ended)
            finally:
                await self._note(batch, calls)
        if begun < len(claimed):
            async with self.uow:
                await self.rows.unclaim(batch, [row.id for row in claimed[begun:]])

    def _rest(self, accounts: TextingAccounts) -> float:
        return accounts.rest_seconds(self.health.rest_seconds)

    def _has_time(self, ends: float, accounts: TextingAccounts, rows: int) -> bool:
        """Tell whether another group can be handed over; a row alone tells by itself that its provider is down."""
        rests = rows > 1 and self._rest(accounts)
        return time.monotonic() + 2 * PROVIDER_LIMIT.total_seconds() < ends and not rests

    async def _hand(self, batch: UUID, claimed: Sequence[Claimed], accounts: Mapping[UUID, str]) -> list[Claimed]:
        """Decide once more, and commit what is handed over; gives those rows."""
        async with self.uow:
            now = self.clock.now()
            known = await self.facts.of([_recipient(row) for row in claimed])
            verdicts = [(row.id, decide(_request(row), facts, now)) for row, facts in zip(claimed, known, strict=True)]
            done = await self.rows.hand(batch, verdicts, accounts, now)
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
            await self._tell(calls, told)

    async def _tell(self, calls: _Calls, told: Sequence[Receipt | ProviderError]) -> None:
        """Note how the accounts did, and tell of recipients who stopped at the provider."""
        used, failed = set(), {}
        for row, name, one in zip(calls.rows, calls.accounts, told, strict=True):
            if isinstance(one, Receipt):
                used.add(name)
            elif isinstance(one, Unusable):
                failed[name] = one.reason
            elif isinstance(one, Rejected) and one.opted_out:
                self.uow.publish(
                    RecipientRefused(subject=row.id, contact_id=row.contact_id, address=row.recipient, code=one.code)
                )
        if used - {"sandbox"}:
            await self.agenda.no_later_than(RECONCILE, self.clock.now() + EVERY)
        for name in sorted(await self.book.note(used, {name: why for name, why in failed.items() if name not in used})):
            self.uow.publish(
                TextingFailed(subject=self.owner.organization_id, provider=name.partition(":")[0], reason=failed[name])
            )

    async def _write(self, batch: UUID | None, results: Sequence[Result], now: datetime) -> None:
        written = await self.rows.write(results, now, batch)
        settled = tuple(r.settled for r in results if r.settled is not None and r.id in written)
        if settled:
            self.uow.publish(MessagesSettled(subject=batch or new_id(), settled=settled))
        again = [result.due_at for result in results if result.due_at is not None]
        if again:
            await self.agenda.no_later_than(SEND, min(again))

    async def _send(
        self, row: Claimed, account: TextingAccount, accounts: TextingAccounts, ends: float
    ) -> Receipt | ProviderError:
        if time.monotonic() + PROVIDER_LIMIT.total_seconds() > ends:
            return Untried(0, "The lease ended before the call.")
        if row.doubted_since is not None:
            found = await self._ask(row, accounts)
            if not isinstance(found, ProviderError) and found:
                return found[0]
            if isinstance(found, ProviderError) or time.monotonic() + PROVIDER_LIMIT.total_seconds() > ends:
                reason = found.reason if isinstance(found, ProviderError) else "The lease ended before the call."
                return Untried(None, reason)
        try:
            return await self.texting.send(self._text(row, account))
        except ProviderError as error:
            return error
        except Exception as error:  # what nobody foresaw must not cost the others their receipts
            return Unknown(f"The provider's adapter broke off ({type(error).__name__}).")

    async def _ask(self, row: Claimed, accounts: TextingAccounts) -> _Found:
        """Ask the account that was handed the text; every one of them where nobody wrote down which."""
        since = row.doubted_since or row.handed_machine_at
        assert since is not None
        everyone = accounts.everyone
        if row.provider is not None and row.doubted_since is None:
            named = accounts.named(row.provider)
            everyone = () if named is None else (named,)
        if not everyone:
            return Rejected("account", f"The access to {row.provider or 'any provider'} is gone: nobody to ask.", False)
        found: list[Receipt] = []
        try:
            for account in everyone:
                found += await self.texting.find(self._text(row, account), since)
        except ProviderError as error:
            return error
        return found

    def _text(self, row: Claimed, account: TextingAccount) -> Text:
        organization_id = self.owner.organization_id
        return Text(
            organization_id=organization_id,
            to=Phone(row.recipient),
            sender=Phone(row.sender),
            body=row.body,
            key=str(row.id),
            callback_url=self.callbacks.of(account.provider, organization_id, row.id),
            account=account,
            awaited=row.purpose in WAITED_FOR,
        )


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
            seconds = min(wait, LONGEST_WAIT.total_seconds()) if wait is not None else min(2**row.attempts, 300)
            due_at, untried = at + timedelta(seconds=seconds), isinstance(told, Untried)
            return Result(id=row.id, state="planned", error=told.reason, due_at=due_at, untried=untried)


def _found(row: Claimed, told: Receipt | ProviderError | None, at: datetime) -> Result | None:
    match told:
        case Receipt():
            return _accepted(row, told, row.handed_at or at)
        case None if row.attempts >= MOST_ATTEMPTS:
            return Result(id=row.id, state="parked", error=f"Handed over {row.attempts} times and never taken.")
        case None:
            return Result(id=row.id, state="planned", due_at=at)
        case Rejected():
            return Result(id=row.id, state="parked", error=told.reason)
        case _:
            return None
