"""The line in which what providers bring waits for the database: in order, and never longer than they wait for us."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

from dishka import AsyncContainer

from adapters.persistence.database import Cause
from adapters.persistence.gathering import Gathering
from adapters.persistence.inbound import Routes
from application.messaging.inbound import IncomingText, ProviderNotices, Report
from application.ports import Actor
from entrypoints.http.errors import problem_of

AT_ONCE = 8  # fewer than there are connections, so that a flood leaves some to everybody else
PROOFS_AT_ONCE = 3  # beside those: what nobody has proved yet stands in no proved text's way
TOGETHER = 200  # texts in one transaction, the last of which waits for the first
PATIENCE_SECONDS = 10.0  # providers wait 15 s, and some never call again
NOBODY = UUID(int=0)
_Line = Gathering[IncomingText, Exception | None]
_Known = TypeVar("_Known")


class Intake:
    """Write down what providers bring, whoever they are, and again while the database is away; one a process.

    Texts to one organisation that come at the same time share a transaction. Each notice counts once, so writing it
    twice is no harm.
    """

    def __init__(self, house: AsyncContainer, routes: Routes) -> None:
        self._house = house
        self._places = asyncio.Semaphore(AT_ONCE)
        self._proofs = asyncio.Semaphore(PROOFS_AT_ONCE)
        self._owners: Gathering[tuple[str, str], UUID | None] = Gathering(routes.owners)
        self._lines: WeakValueDictionary[UUID, _Line] = WeakValueDictionary()
        self._looks: WeakValueDictionary[tuple[str, UUID], Gathering[None, Any]] = WeakValueDictionary()

    async def owner(self, provider: str, address: str) -> UUID | None:
        """Tell whose a number is."""
        return await self._owners.ask((provider, address))

    async def known(self, provider: str, organization: UUID, look: Callable[[], Awaitable[_Known]]) -> _Known:
        """Look up what proves a provider's calls to an organisation, in its turn: who is not proved may be anybody.

        Those who ask at the same time share a look.
        """
        looks: Gathering[None, _Known] | None = self._looks.get((provider, organization))
        if looks is None:

            async def shared(asked: Sequence[None]) -> list[_Known]:
                async with self._proofs:
                    return [await look()] * len(asked)

            looks = self._looks[provider, organization] = Gathering(shared)
        return await looks.ask(None)

    async def text(self, text: IncomingText) -> None:
        """Store a text, for the organisation whose number it came to."""

        async def write() -> None:
            await self._text(await self.owner(text.notice.provider, text.recipient), text)

        await _patiently(write)

    async def report(self, organization_id: UUID, report: Report) -> None:
        """Store what became of a message."""

        async def write() -> None:
            await self._report(organization_id, report)

        await _patiently(write)

    async def take(self, read: Callable[[], Awaitable[tuple[UUID | None, IncomingText | Report]]]) -> None:
        """Store what a call turns out to bring, and for whom; `read` asks the database whose secret proves it."""

        async def write() -> None:
            owner, brought = await read()
            if isinstance(brought, Report):
                await self._report(owner or NOBODY, brought)
            else:
                await self._text(owner, brought)

        await _patiently(write)

    async def _text(self, owner: UUID | None, text: IncomingText) -> None:
        line = self._lines.get(owner or NOBODY)
        if line is None:
            line = self._lines[owner or NOBODY] = self._line_of(owner or NOBODY)
        error = await line.ask(text)
        if error is not None:
            raise error

    async def _report(self, owner: UUID, report: Report) -> None:
        async with self._places, self._house({Actor: Actor.system(owner), Cause: Cause()}) as scope:
            await (await scope.get(ProviderNotices)).report(report)

    async def store(self, read: Callable[[], Awaitable[Callable[[], Awaitable[None]] | None]]) -> None:
        """Write something by itself, first come first served; `read` asks the database whose secret proves it."""

        async def in_its_turn() -> None:
            write = await read()
            if write is not None:
                async with self._places:
                    await write()

        await _patiently(in_its_turn)

    def _line_of(self, owner: UUID) -> _Line:
        async def store(texts: Sequence[IncomingText]) -> list[Exception | None]:
            return await self._store(owner, texts)

        return Gathering(store, most=TOGETHER)

    async def _store(self, owner: UUID, texts: Sequence[IncomingText]) -> list[Exception | None]:
        """Store texts together; where one of them cannot be, each by itself, so that it spoils no other."""
        try:
            async with self._places, self._house({Actor: Actor.system(owner), Cause: Cause()}) as scope:
                notices = await scope.get(ProviderNotices)
                await (notices.strays(texts) if owner == NOBODY else notices.texts(texts))
        except Exception as error:
            if len(texts) == 1 or problem_of(error).status == 503:
                return [error] * len(texts)
            return [found for text in texts for found in await self._store(owner, [text])]
        return [None] * len(texts)


async def _patiently(write: Callable[[], Awaitable[None]]) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            await write()
        except Exception as error:
            if problem_of(error).status != 503 or time.monotonic() > ends:
                raise
        else:
            return
        await asyncio.sleep(random.uniform(0.05, 0.3))
