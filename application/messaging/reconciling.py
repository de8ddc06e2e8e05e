"""What people wrote while we could not be called: the provider is asked for it, and what is missing is filled in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from application.agenda import Agenda
from application.messaging.hand_overs import AccountBook
from application.messaging.inbound import IncomingText, ProviderNotices
from application.messaging.texting import TextingAccount
from application.ports import Clock, UnitOfWork, effect
from application.provider import ProviderError, provider_port
from domain.kernel import Phone

RECONCILE = "messaging.reconcile"
EVERY = timedelta(minutes=5)
OVERLAP = timedelta(minutes=10)  # what was written before the last one we have may come after it
AT_FIRST = timedelta(days=1)


@provider_port
class Inbox(Protocol):
    """Ask a provider what came in."""

    async def since(self, account: TextingAccount, to: Phone | None, at: datetime) -> Sequence[IncomingText]:
        """List texts to a number (None: any of the account's) from `at` (machine time) on, oldest first.

        Nothing where a provider cannot tell; raises `Unavailable` where it cannot be asked just now.
        """
        ...


class Seen(Protocol):
    """Know what has come in."""

    async def last(self, account: TextingAccount) -> datetime | None:
        """Tell when (machine time) the last text came in by an account, for the open unit of work's organisation."""
        ...

    async def number(self) -> Phone | None:
        """Give the organisation's own number."""
        ...


@dataclass(frozen=True)
class Reconciling:
    """Fill in what was missed."""

    uow: UnitOfWork
    clock: Clock
    agenda: Agenda
    book: AccountBook
    seen: Seen
    inbox: Inbox
    notices: ProviderNotices

    @effect
    async def run(self) -> None:
        """Ask every account that texts leave through, and come again in some minutes."""
        async with self.uow:
            now = self.clock.now()
            accounts = (await self.book.accounts()).preferred
            last = [await self.seen.last(account) for account in accounts]
            number = await self.seen.number()
            if accounts:
                await self.agenda.no_later_than(RECONCILE, now + EVERY)
        for account, at in zip(accounts, last, strict=True):
            since = at - OVERLAP if at is not None else now - AT_FIRST
            own = account.settings.get("phone_number")
            try:
                missed = await self.inbox.since(account, Phone(own) if own else number, since)
            except ProviderError:
                continue  # it is asked again in some minutes
            if missed:
                await self.notices.texts(missed)
