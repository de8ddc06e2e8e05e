"""Mails owed, whoever owes them: handed over once, asked about when nobody knows."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from application.agenda import Agenda
from application.mailing import (
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
from application.ports import Clock, UnitOfWork, effect, within
from application.provider import ProviderError, Rejected, Unavailable, Unknown, Unusable

MAILS = "mails.settle"
RETRY = timedelta(seconds=30)
MARGIN = timedelta(seconds=0.5)  # the hand-over begins a little later than its unit of work
ENDS = frozenset({"accepted", "rejected", "cancelled", "parked"})
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

    uow: UnitOfWork
    clock: Clock
    agenda: Agenda
    ledger: MailLedger
    writers: MailWriters
    accounts: MailAccounts
    mailing: Mailing

    @effect
    async def settle(self) -> None:
        """Hand over what is planned, and take up what a dead worker left, no provider took, or nobody knows of."""
        async with self.uow.reading():
            waiting = await self.ledger.open()
        for kind, subject in waiting:
            await self._work(kind, subject)
        async with self.uow:
            await self.agenda.lock(MAILS)
            left = await self.ledger.open()
            if not left:
                await self.agenda.clear(MAILS)
            elif set(left) <= set(waiting):
                await self.agenda.no_later_than(MAILS, self.clock.now() + RETRY)
            else:
                await self.agenda.no_later_than(MAILS, self.clock.now())

    async def _work(self, kind: str, subject: UUID) -> None:
        async with self.uow:
            entry = await self.ledger.lock(kind, subject)
            if entry is None or entry.state in ENDS:
                return
            # Whoever dies from here on, the schedule comes back to it.
            await self.agenda.no_later_than(MAILS, self.clock.now() + PROVIDER_LIMIT + MARGIN)
            if entry.is_under_way:
                return
            account = await self._account(entry)
            if account is None:
                await self.ledger.write(entry, "parked", reason=GONE)
                return
            mail = await self._written(entry, account) if entry.state == "planned" else None
            if mail is not None:
                entry = await self.ledger.hand(entry, account.name)
            elif entry.state == "planned":
                return
            ends = time.monotonic() + PROVIDER_LIMIT.total_seconds()
        told = await self._ask(entry, account) if mail is None else await self._send(mail, ends)
        async with self.uow:
            await self._note(entry, account, told, asked=mail is None)

    async def _note(
        self, entry: MailEntry, account: MailAccount, told: Receipt | ProviderError | None, *, asked: bool
    ) -> None:
        if not isinstance(told, Unavailable) or isinstance(told, Unusable):
            await self.accounts.note(account, told.reason if isinstance(told, Unusable) else None)
        match told:
            case Receipt():
                await self.ledger.write(entry, "accepted", provider_id=told.provider_id)
            case Rejected():
                await self.ledger.write(entry, "parked" if asked else "rejected", reason=told.reason)
            case Unknown():
                await self.ledger.write(entry, "unknown", reason=told.reason)
            case Unavailable() if asked:
                await self._again(told.retry_after)
            case ProviderError():
                # Certainly not taken: whoever serves then may have it.
                await self.ledger.write(replace(entry, account=None), "planned", reason=told.reason)
                await self._again(getattr(told, "retry_after", None))
            case None:
                await self.ledger.write(entry, "planned", reason="It can be handed over again.")
                await self._again(0)

    async def _account(self, entry: MailEntry) -> MailAccount | None:
        """Stay with the account that may have it; None where that is gone."""
        if entry.account is None:
            return await self.accounts.current()
        return await self.accounts.named(entry.account)

    async def _again(self, seconds: float | None) -> None:
        wait = RETRY if seconds is None else timedelta(seconds=seconds)
        await self.agenda.no_later_than(MAILS, self.clock.now() + wait)

    async def _written(self, entry: MailEntry, account: MailAccount) -> Mail | None:
        written = await self.writers[entry.kind.partition(":")[0]].write(entry)
        if isinstance(written, Mail):
            return replace(written, account=account)
        await self.ledger.write(entry, "cancelled", reason=written.reason)
        return None

    async def _send(self, mail: Mail, ends: float) -> Receipt | ProviderError:
        if time.monotonic() > ends:
            return Unavailable(0, "The worker slept before the call.")
        try:
            return await self.mailing.send(mail)
        except ProviderError as error:
            return error

    async def _ask(self, entry: MailEntry, account: MailAccount) -> Receipt | ProviderError | None:
        assert entry.handed_at is not None
        try:
            return await self.mailing.find(HandedMail(str(entry.id), entry.handed_at, account))
        except ProviderError as error:
            return error


def one_line(text: str) -> str:
    """Keep a name on one line: a mail's subject is a header."""
    return " ".join(text.split())
