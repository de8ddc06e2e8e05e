"""What people wrote while we could not be called: the provider is asked for it, and what is missing is filled in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from application.agenda import Agenda
from application.messaging.hand_overs import AccountBook
from application.messaging.inbound import IncomingText, ProviderNotices
from application.messaging.texting import Price, TextingAccount
from application.ports import Clock, UnitOfWork, effect
from application.provider import ProviderError, provider_port
from domain.kernel import Phone

RECONCILE = "messaging.reconcile"
EVERY = timedelta(minutes=5)
OVERLAP = timedelta(minutes=10)  # what was written before a list was made may stand in the next one only
AT_FIRST = timedelta(days=1)
TOGETHER = 200


@dataclass(frozen=True, slots=True)
class Listed:
    """Hold what came in; not `whole` where it was so much that time was too short for the oldest of it."""

    texts: Sequence[IncomingText] = ()
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Gap:
    """Tell for which numbers of the organisation an account is to be asked, and of which time (machine time)."""

    numbers: tuple[Phone, ...]
    since: datetime
    until: datetime


@provider_port
class Inbox(Protocol):
    """Ask a provider what came in."""

    async def since(self, account: TextingAccount, to: Phone, at: datetime) -> Listed:
        """List texts to a number from `at` (machine time) on, oldest first.

        Nothing where a provider cannot tell; raises `Unavailable` where it cannot be asked just now.
        """
        ...

    async def prices(self, account: TextingAccount, since: datetime) -> Mapping[str, Price]:
        """List what texts that were sent since then cost, by the provider's ids; nothing where it cannot tell."""
        ...


class Seen(Protocol):
    """Know what has come in, and what is not known yet of what went out."""

    async def gap(self, account: TextingAccount) -> Gap:
        """Tell what may have been missed since an account last listed everything."""
        ...

    async def listed(self, account: TextingAccount, until: datetime) -> None:
        """Note that an account listed everything that had come in until then."""
        ...

    async def unpriced_since(self, account: TextingAccount) -> datetime | None:
        """Tell since when texts were sent through an account of which nobody has said what they cost; None if none."""
        ...

    async def price(self, prices: Mapping[str, Price]) -> None:
        """Note what texts cost, by the provider's ids."""
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
            accounts = (await self.book.accounts()).preferred
            gaps = [await self.seen.gap(account) for account in accounts]
            unpriced = [await self.seen.unpriced_since(account) for account in accounts]
            if any(gap.numbers for gap in gaps):
                await self.agenda.no_later_than(RECONCILE, self.clock.now() + EVERY)
        failures: list[Exception] = []
        for account, gap in zip(accounts, gaps, strict=True):
            failures += await self._fill(account, gap)
        for account, since in zip(accounts, unpriced, strict=True):
            if since is not None:
                await self._price(account, since)
        if failures:
            raise failures[0]

    async def _price(self, account: TextingAccount, since: datetime) -> None:
        """Note what texts cost: providers know it some time after they were sent, and do not tell by themselves."""
        try:
            prices = await self.inbox.prices(account, since)
        except ProviderError:
            return
        if prices:
            async with self.uow:
                await self.seen.price(prices)

    async def _fill(self, account: TextingAccount, gap: Gap) -> list[Exception]:
        """Take in what an account lists; what fails is asked for again, with all that came in meanwhile."""
        try:
            found = [await self.inbox.since(account, number, gap.since) for number in gap.numbers]
        except ProviderError:
            return []
        # Other organisations may text through the same account: a text is whose number it came to.
        missed = [text for listed in found for text in listed.texts if text.recipient in gap.numbers]
        failures = [
            failure
            for begun in range(0, len(missed), TOGETHER)
            for failure in await self._take_in(missed[begun : begun + TOGETHER])
        ]
        if found and not failures and all(listed.whole for listed in found):
            async with self.uow:
                await self.seen.listed(account, gap.until)
        return failures

    async def _take_in(self, texts: Sequence[IncomingText]) -> list[Exception]:
        """Write texts down together; where one of them cannot be, each by itself, so that it spoils no other."""
        try:
            await self.notices.texts(texts)
        except Exception as error:
            if len(texts) == 1:
                return [error]
            return [failure for text in texts for failure in await self._take_in([text])]
        return []
