"""Mails owed, whoever owes them: handed over once, asked about when nobody knows."""

import asyncio
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from application.agenda import Agenda
from application.mailing import (
    NOBODY,
    PROVIDER_LIMIT,
    HandedMail,
    Mail,
    MailAccount,
    MailAccounts,
    MailEntry,
    Mailing,
    MailLedger,
    Receipt,
)
from application.ports import Actor, Clock, UnitOfWork, effect, within
from application.provider import ProviderError, Rejected, Unavailable, Unknown, Unusable
from domain.messaging.message import MailFailed

MAILS = "mails.settle"
RETRY = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)  # whatever a provider asks for
MARGIN = timedelta(seconds=0.5)  # the hand-over begins a little later than its unit of work
ENDS = frozenset({"accepted", "rejected", "cancelled", "parked"})
NO_PROVIDER = "No e-mail provider is configured."
GONE = "The account through which it may have left is gone; nobody can be asked."


@dataclass(frozen=True, slots=True)
class NotOwed:
    """Say why a mail that was written down is not to be sent any more."""

    reason: str


class MailWriter(Protocol):
    """Write mails of one kind, as late as possible: what they tell of may have changed since."""

    async def write(self, entry: MailEntry) -> Mail | NotOwed:
        """Write one in the open unit of work, with the entry's id as its key."""
        ...


MailWriters = Mapping[str, MailWriter]
"""Who writes a mail, by what its kind begins with, up to the first colon."""


@dataclass(frozen=True)
class MailsOwed:
    """Write down that a mail is owed."""

    clock: Clock
    agenda: Agenda
    ledger: MailLedger

    @within
    async def plan(self, kind: str, subject: UUID, to: str, why_not: str | None = None) -> None:
        """Plan one, of which there is one a kind and subject; `why_not` cancels it at once."""
        await self.ledger.plan(kind, subject, to, why_not)
        if why_not is None:
            await self.agenda.no_later_than(MAILS, self.clock.now())


@dataclass(frozen=True)
class MailHandOver:
    """Hand over what is owed."""

    owner: Actor
    uow: UnitOfWork
    clock: Clock
    agenda: Agenda
    ledger: MailLedger
    writers: MailWriters
    accounts: MailAccounts
    mailing: Mailing

    @effect
    async def settle(self) -> None:
        """Hand over what is due: planned, or left by a dead worker, taken by no provider, known to nobody."""
        async with self.uow.reading():
            due = await self.ledger.due()
        broken: list[Exception] = []
        for kind, subject in due:
            await _to_its_end(self._work(kind, subject, broken))
        async with self.uow:
            await self.agenda.lock(MAILS)
            await self.agenda.clear(MAILS)
            next_at = await self.ledger.next_due()
            if next_at is not None:
                await self.agenda.no_later_than(MAILS, max(next_at, self.clock.now()))
        if broken:
            raise broken[0]

    async def _work(self, kind: str, subject: UUID, broken: list[Exception]) -> None:
        try:
            await self._settle(kind, subject)
        except Exception as error:  # what nobody foresaw must not keep the others waiting
            broken.append(error)
            async with self.uow:
                await self.ledger.put_off(kind, subject, self._later(None))

    async def _settle(self, kind: str, subject: UUID) -> None:
        mail, since = None, time.monotonic()
        async with self.uow:
            entry = await self.ledger.lock(kind, subject)
            if entry is None or entry.state in ENDS:
                return
            account = await self._account(entry)
            limit = PROVIDER_LIMIT + (PROVIDER_LIMIT if account is None else account.limit)
            # Whoever dies from here on, the schedule comes back to it.
            await self.agenda.no_later_than(MAILS, self.clock.now() + limit + MARGIN)
            if entry.state == "handed" and entry.age is not None and entry.age < limit:
                await self.ledger.put_off(kind, subject, self.clock.now() + PROVIDER_LIMIT + MARGIN)
                return
            if account is None:
                await self.ledger.write(entry, "parked", reason=GONE)
                return
            if not entry.is_doubtful:
                entry, mail, since = await self._hand(entry, account)
        if entry.is_doubtful and mail is None:
            found = await self._ask(entry, account)
            async with self.uow:
                if found is not None:
                    await self._note_found(entry, account, found)
                    return
                now = await self.ledger.lock(kind, subject)
                if now is None or (now.state, now.handed_at) != (entry.state, entry.handed_at):
                    return  # somebody else asked as well
                entry, mail, since = await self._hand(entry, account)
        if mail is not None:
            told = await self._send(mail, since)
            async with self.uow:
                await self._note(entry, account, told)

    async def _hand(self, entry: MailEntry, account: MailAccount) -> tuple[MailEntry, Mail | None, float]:
        """Write it and say that it is being handed over, from then on; no mail where it is not."""
        since = time.monotonic()
        mail = await self._written(entry, account)
        if mail is None:
            return entry, None, since
        if account.name == NOBODY.name:
            await self.ledger.write(
                replace(entry, account=None), "planned", reason=NO_PROVIDER, next_try_at=self._later(None)
            )
            return entry, None, since
        since = time.monotonic()
        look_at = self.clock.now() + PROVIDER_LIMIT + account.limit + MARGIN
        return await self.ledger.hand(entry, account.name, look_at), mail, since

    async def _note(self, entry: MailEntry, account: MailAccount, told: Receipt | ProviderError) -> None:
        if isinstance(told, Receipt | Rejected):
            await self.accounts.note(account, None)
        elif isinstance(told, Unusable) and await self.accounts.note(account, told.reason):
            failed = MailFailed(subject=self.owner.organization_id, provider=account.provider, reason=told.reason)
            self.uow.publish(failed)
        match told:
            case Receipt():
                await self.ledger.write(entry, "accepted", provider_id=told.provider_id)
            case Rejected():
                # Of an earlier hand-over it tells nothing.
                await self.ledger.write(entry, "parked" if entry.doubted_at else "rejected", reason=told.reason)
            case Unavailable() if entry.doubted_at is None:
                # Certainly not taken: whoever serves then may have it.
                next_at = self._later(told.retry_after)
                await self.ledger.write(
                    replace(entry, account=None), "planned", reason=told.reason, next_try_at=next_at
                )
            case ProviderError():
                next_at = self._later(getattr(told, "retry_after", None))
                await self.ledger.write(entry, "unknown", reason=told.reason, next_try_at=next_at)

    async def _note_found(self, entry: MailEntry, account: MailAccount, found: Receipt | ProviderError) -> None:
        match found:
            case Receipt():
                await self.accounts.note(account, None)
                await self.ledger.write(entry, "accepted", provider_id=found.provider_id)
            case Rejected():
                await self.ledger.write(entry, "parked", reason=found.reason)
            case ProviderError():
                next_at = self._later(getattr(found, "retry_after", None))
                await self.ledger.write(entry, "unknown", reason=found.reason, next_try_at=next_at)

    async def _account(self, entry: MailEntry) -> MailAccount | None:
        """Stay with the account that may have it; None where that is gone."""
        if entry.account is None or entry.account == NOBODY.name:
            return await self.accounts.current()
        return await self.accounts.named(entry.account)

    def _later(self, seconds: float | None) -> datetime:
        wait = RETRY if seconds is None else timedelta(seconds=min(seconds, LONGEST_WAIT.total_seconds()))
        return self.clock.now() + wait

    async def _written(self, entry: MailEntry, account: MailAccount) -> Mail | None:
        written = await self.writers[entry.kind.partition(":")[0]].write(entry)
        if isinstance(written, Mail):
            return replace(written, account=account, is_doubtful=entry.is_doubtful)
        await self.ledger.write(entry, "cancelled", reason=written.reason)
        return None

    async def _send(self, mail: Mail, since: float) -> Receipt | ProviderError:
        if time.monotonic() > since + PROVIDER_LIMIT.total_seconds():
            return Unavailable(0, "The worker slept before the call.")
        try:
            return await self.mailing.send(mail)
        except ProviderError as error:
            return error
        except Exception as error:
            return Unknown(f"The provider's adapter broke off ({type(error).__name__}).")

    async def _ask(self, entry: MailEntry, account: MailAccount) -> Receipt | ProviderError | None:
        assert entry.doubtful_since is not None
        try:
            return await self.mailing.find(HandedMail(str(entry.id), entry.doubtful_since, account))
        except ProviderError as error:
            return error
        except Exception as error:
            return Unknown(f"The provider's adapter broke off ({type(error).__name__}).")


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Run what must not stop between hand-over and receipt: who is cancelled meanwhile stops after it."""
    running = asyncio.ensure_future(work)
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.gather(running, return_exceptions=True)
        raise


def one_line(text: str) -> str:
    """Keep a name on one line: a mail's subject is a header."""
    return " ".join(text.split())
