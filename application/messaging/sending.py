"""Handing over: claim, decide once more, hand to the provider, write down what it said, settle what nobody knows."""

import asyncio
import time
from collections.abc import Collection, Coroutine, Mapping, Sequence
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
from application.messaging.outcomes import Found, Told, Untold, of_hand_over, of_question, one_to_one, settled
from application.messaging.reconciling import EVERY, RECONCILE
from application.messaging.texting import (
    NOBODY,
    Receipt,
    Text,
    Texting,
    TextingAccount,
    TextingAccounts,
    TextingHealth,
)
from application.ports import Clock, UnitOfWork, effect
from application.provider import ProviderError, Rejected, TooEarly, Unavailable, Unfit, Unknown, Untried, Unusable
from domain.kernel import Phone, new_id
from domain.messaging.message import MessagePlanned, MessagesSettled, RecipientRefused, TextingFailed
from domain.messaging.policy import SendRequest, decide

CLAIMED_AT_ONCE = 250
ASKED_AT_ONCE = 100
HANDED_AT_ONCE = 50
BATCHES_IN_TURN = 4
LEASE = timedelta(seconds=15)
PROVIDER_LIMIT = timedelta(seconds=6)  # longer than any adapter's own time limit for one call
ASK_AFTER = 2 * PROVIDER_LIMIT  # a group is handed while the last one's calls run, and waits for them
SOONEST_LOOK = 1.0


@dataclass(frozen=True, slots=True)
class _Handed:
    row: Claimed
    account: TextingAccount
    at: datetime


@dataclass(frozen=True, slots=True)
class _Calls:
    handed: Sequence[_Handed]
    accounts: TextingAccounts
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
            accounts = await self.book.accounts()
            await self.agenda.lock(SEND)
            due = await self._next_due(accounts)
            if due is not None:
                await self.agenda.no_later_than(SEND, due)
            await self.agenda.lock(SETTLE)
            if await self.rows.next_look(ASK_AFTER) is None:
                await self.agenda.clear(SETTLE)

    @effect
    async def send_one(self, event: MessagePlanned) -> None:
        """Hand over one message that somebody waits for."""
        await self._batch(only=event.subject)

    @effect
    async def settle(self) -> None:
        """Release what a dead worker had claimed, and ask the provider about what it may or may not have taken."""
        for _ in range(BATCHES_IN_TURN):
            if await self._ask_about_unknown() < ASKED_AT_ONCE:
                break
        async with self.uow:
            now = self.clock.now()
            await self.agenda.lock(SEND)  # rows first, then SEND, then SETTLE: as everywhere
            await self.agenda.lock(SETTLE)
            look = await self.rows.next_look(ASK_AFTER)
            if look is not None:
                await self.agenda.no_later_than(SETTLE, now + timedelta(seconds=max(look, SOONEST_LOOK)))
            due = await self.rows.next_due()
            if due is not None:
                await self.agenda.no_later_than(SEND, due)

    async def _ask_about_unknown(self) -> int:
        """Settle some rows; gives how many were asked about."""
        async with self.uow:
            unknown = await self.rows.expired(ASK_AFTER, ASKED_AT_ONCE)
            accounts = await self.book.accounts() if unknown else TextingAccounts()
        found = await asyncio.gather(*(self._ask(row, accounts) for row in unknown))
        async with self.uow:
            now = self.clock.now()
            told = await self._one_to_one(unknown, found, None)
            results = [of_question(row, one, now) for row, one in zip(unknown, told, strict=True)]
            await self._write(None, [result for result in results if result is not None], now)
            early = zip(unknown, told, strict=True)
            await self.rows.ask_again({row.id: one.retry_after for row, one in early if isinstance(one, TooEarly)})
        return len(unknown)

    async def _next_due(self, accounts: TextingAccounts) -> datetime | None:
        """Tell when something can leave: what waits for accounts that are down is not due before they may be up."""
        due, rest = await self.rows.next_due(), accounts.rest_seconds(self.health.rest_seconds)
        if due is None or not rest:
            return due
        due = max(due, self.clock.now() + timedelta(seconds=rest))
        reached = accounts.reached(self.health.rest_seconds)
        own = await self.rows.next_due(reached) if reached else None
        return due if own is None else min(due, own)

    async def _one_to_one(self, rows: Sequence[Claimed], found: Sequence[Found], batch: UUID | None) -> Sequence[Told]:
        """Give each row a receipt that no other row has: the same words may have gone to the same number twice."""
        candidates = {one.provider_id for told in found if not isinstance(told, ProviderError) for one in told}
        if not candidates:
            return [told if isinstance(told, ProviderError) else None for told in found]
        known, leaving = await self.rows.known(candidates, {row.recipient for row in rows}, batch)
        return one_to_one(rows, found, known, leaving, PROVIDER_LIMIT.total_seconds())

    async def _batch(self, only: UUID | None = None) -> bool:
        batch = new_id()
        ends = time.monotonic() + LEASE.total_seconds()
        async with self.uow:
            accounts = await self.book.accounts()
            by: Collection[UUID] = ()
            if only is None and accounts.rest_seconds(self.health.rest_seconds):
                by = accounts.reached(self.health.rest_seconds)
                if not by:
                    return False
            claimed = await self.rows.claim(batch, CLAIMED_AT_ONCE, LEASE, only, by)
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
                while begun < len(claimed) and not ending.is_set() and _has_time(ends):
                    group = claimed[begun : begun + HANDED_AT_ONCE]
                    if len(claimed) > 1 and self._all_rest(group, accounts):
                        break  # a row alone tells by itself that its provider is down
                    if any(row.doubted_since for row in group):  # what is found for one row is no other's
                        ended, calls = calls, None
                        await self._note(batch, ended)
                    handed, accounts = await self._hand(batch, group)
                    begun += len(group)
                    doubts = await self._doubts(batch, handed, accounts)
                    if calls is not None:
                        await asyncio.wait([calls.told])
                    told = asyncio.ensure_future(
                        asyncio.gather(*(self._send(one, doubts.get(one.row.id), ends) for one in handed))
                    )
                    calls, ended = _Calls(handed, accounts, told), calls
                    await self._note(batch, ended)
            finally:
                await self._note(batch, calls)
        if begun < len(claimed):
            async with self.uow:
                await self.rows.unclaim(batch, [row.id for row in claimed[begun:]])

    def _all_rest(self, rows: Sequence[Claimed], accounts: TextingAccounts) -> bool:
        """Tell whether none of these rows can leave now."""
        chosen = [accounts.choose(author, self.health.rest_seconds) for author in {row.author_id for row in rows}]
        return all(account is NOBODY or self.health.rest_seconds(account) for account in chosen)

    async def _hand(self, batch: UUID, claimed: Sequence[Claimed]) -> tuple[list[_Handed], TextingAccounts]:
        """Decide once more, choose the accounts, and commit what is handed over; gives those rows."""
        async with self.uow:
            now = self.clock.now()
            accounts = await self.book.accounts()
            chosen = {row.id: accounts.choose(row.author_id, self.health.rest_seconds) for row in claimed}
            known = await self.facts.of([_recipient(row) for row in claimed])
            verdicts = [(row.id, decide(_request(row), facts, now)) for row, facts in zip(claimed, known, strict=True)]
            done = await self.rows.hand(batch, verdicts, chosen, now)
            refused = tuple(settled(row, "refused", now) for row in claimed if row.id in done.refused)
            if refused:
                self.uow.publish(MessagesSettled(subject=batch, settled=refused))
        return [_Handed(row, chosen[row.id], now) for row in claimed if row.id in done.handed], accounts

    async def _doubts(self, batch: UUID, handed: Sequence[_Handed], accounts: TextingAccounts) -> Mapping[UUID, Told]:
        """Ask about rows of a restored database, which may have been taken after the backup; gives what was found."""
        doubted = (one.row for one in handed if one.row.doubted_since is not None)
        rows = [row for row in doubted if accounts.of(row.author_id)]
        if not rows:
            return {}
        found = await asyncio.gather(*(self._ask(row, accounts) for row in rows))
        async with self.uow:
            told = await self._one_to_one(rows, found, batch)
        return {row.id: one for row, one in zip(rows, told, strict=True)}

    async def _note(self, batch: UUID, calls: "_Calls | None") -> None:
        if calls is None or not calls.handed:
            return
        told = await calls.told
        async with self.uow:
            now = self.clock.now()
            ends = [self._otherwise(one, t, calls.accounts) for one, t in zip(calls.handed, told, strict=True)]
            results = [of_hand_over(one.row, end, now, one.at) for one, end in zip(calls.handed, ends, strict=True)]
            await self._write(batch, results, now)
            await self._tell(calls, told)

    def _otherwise(
        self, one: _Handed, told: Receipt | ProviderError, accounts: TextingAccounts
    ) -> Receipt | ProviderError:
        """Let what an account that is down was not called about leave at once through another one that is up."""
        if not isinstance(told, Untried):
            return told
        other = accounts.choose(one.row.author_id, self.health.rest_seconds)
        is_up = other.access != one.account.access and not self.health.rest_seconds(other)
        return Untried(0, told.reason) if is_up else told

    async def _tell(self, calls: _Calls, told: Sequence[Receipt | ProviderError]) -> None:
        """Note how the accounts did, and tell of recipients who stopped at the provider."""
        used: set[str] = set()
        failed: dict[str, Unusable | Unfit] = {}
        for handed, one in zip(calls.handed, told, strict=True):
            row, name = handed.row, handed.account.name
            if isinstance(one, Receipt):
                used.add(name)
            elif isinstance(one, Unusable | Unfit):
                if name not in failed or failed[name].sender_only:
                    failed[name] = one
            elif isinstance(one, Rejected) and one.opted_out:
                self.uow.publish(
                    RecipientRefused(subject=row.id, contact_id=row.contact_id, address=row.recipient, code=one.code)
                )
        if used - {"sandbox"}:
            await self.agenda.no_later_than(RECONCILE, self.clock.now() + EVERY)
        # An access that was refused amid a group is left alone from then on: what it took before says nothing of now.
        refused = {name: why for name, why in failed.items() if name not in used or not why.sender_only}
        for name in sorted(await self.book.note(used - refused.keys(), refused)):
            self.uow.publish(
                TextingFailed(
                    subject=self.owner.organization_id, provider=name.partition(":")[0], reason=failed[name].reason
                )
            )

    async def _write(self, batch: UUID | None, results: Sequence[Result], now: datetime) -> None:
        written = await self.rows.write(results, now, batch)
        ended = tuple(r.settled for r in results if r.settled is not None and r.id in written)
        if ended:
            self.uow.publish(MessagesSettled(subject=batch or new_id(), settled=ended))
        again = [result.due_at for result in results if result.due_at is not None]
        if again:
            await self.agenda.no_later_than(SEND, min(again))

    async def _send(self, one: _Handed, found: Told, ends: float) -> Receipt | ProviderError:
        match found:
            case Receipt():
                return found
            case Rejected():
                return Untold(found.reason)
            case TooEarly():
                return Untried(found.retry_after, found.reason)
            case Untried():  # an account that never answers again would keep the text waiting for ever
                return Unavailable(None, found.reason)
            case ProviderError():
                return found
        if time.monotonic() + PROVIDER_LIMIT.total_seconds() > ends:
            return Untried(0, "The lease ended before the call.")
        try:
            return await self.texting.send(self._text(one.row, one.account))
        except ProviderError as error:
            return error
        except Exception as error:  # what nobody foresaw must not cost the others their receipts
            return Unknown(f"The provider's adapter broke off ({type(error).__name__}).")

    async def _ask(self, row: Claimed, accounts: TextingAccounts) -> Found:
        """Ask the account that was handed the text; all that it can have left through where nobody wrote down which."""
        asked = accounts.of(row.author_id)
        if row.provider is not None and row.doubted_since is None:
            named = accounts.named(row.provider)
            asked = () if named is None else (named,)
        if not asked:
            return Rejected("account", f"The access to {row.provider or 'any provider'} is gone: nobody to ask.", False)
        told = await asyncio.gather(*(self._find(row, account) for account in asked), return_exceptions=True)
        found: list[Receipt] = []
        for one in told:
            if isinstance(one, ProviderError):
                return one
            if isinstance(one, BaseException):
                raise one
            found += one
        return found

    async def _find(self, row: Claimed, account: TextingAccount) -> Sequence[Receipt]:
        """Ask an account, as far back as the backup or the hand-over, whichever was first."""
        text, handed = self._text(row, account), row.handed_machine_at
        since = min(at for at in (row.doubted_since, handed) if at is not None)
        found = await self.texting.find(text, since)
        if not found and handed is not None and handed > since:  # it may be too early to tell of the hand-over
            found = await self.texting.find(text, handed)
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
            left_from=None if row.doubted_since else row.left_from,
        )


def _has_time(ends: float) -> bool:
    """Tell whether another group can be handed over before the lease ends."""
    return time.monotonic() + 2 * PROVIDER_LIMIT.total_seconds() < ends


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
        purpose=row.purpose,
        channel=row.channel,
        to=row.recipient,
        touch=row.touch,
        turn_number=row.turn_number,
        useful_until=row.useful_until,
    )
