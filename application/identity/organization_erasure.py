"""An organisation's end: what a closed one leaves behind goes for good, by an operator's word or thirty days later."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from application.agenda import Agenda
from application.files import FileStore
from application.ports import Actor, Clock, UnitOfWork, effect
from domain.identity.organization import ERASED_AFTER, OrganizationDeleted
from domain.identity.role import Permission
from domain.kernel import Conflict, Invalid, NotFound

ERASE = "organization_erasure.when_due"
CHUNK = 2_000
"""Rows a transaction."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Tell what an organisation is called and since when it is closed; None is open."""

    name: str
    closed_at: datetime | None

    def due_in(self, now: datetime) -> timedelta | None:
        """Tell how long it is until all of it goes by itself; None while it is open."""
        return None if self.closed_at is None else self.closed_at + ERASED_AFTER - now


class OrganizationRecords(Protocol):
    """Know every place in which an organisation's rows lie, whichever context put them there."""

    def tables(self) -> Sequence[str]:
        """Name what can be emptied in chunks, so that nothing is left pointing to what is gone."""
        ...

    async def ending(self) -> Ending | None:
        """Tell how the actor's organisation stands, and keep other erasures waiting; None where it is gone."""
        ...

    async def silence(self) -> None:
        """Cancel what has not been handed over, and plan nothing more."""
        ...

    async def stop(self) -> None:
        """Forget what is due and what waits to be worked off, but for the erasure itself."""
        ...

    async def remove_some(self, table: str, after: Any, limit: int) -> tuple[int, Any]:
        """Remove the next rows of a table after a place in it; tells how many, and the next place, None at its end."""
        ...

    async def remove_rest(self) -> dict[str, int]:
        """Remove what came meanwhile, accounts that belong nowhere else, and the organisation; tells how many."""
        ...


@dataclass(frozen=True)
class OrganizationErasure:
    """Erase closed organisations, chunk by chunk; begun again after a crash it goes on with what is left."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    records: OrganizationRecords
    files: FileStore
    agenda: Agenda

    async def erase(self, name: str) -> dict[str, int]:
        """Erase the actor's closed organisation now, from the installation's own command line; tells what went.

        `name` says once more which one is meant.
        """
        self.actor.require(Permission.INSTALLATION)
        async with self.uow:
            ending = await self.records.ending()
        if ending is None:
            raise NotFound("There is no such organisation, or all of it is erased.")
        if ending.closed_at is None:
            raise Conflict(f"{ending.name} is open. Its owner closes it first.")
        if name.strip() != ending.name.strip():
            raise Invalid("This is not the organisation's name.", field="name")
        return await self._erase()

    @effect
    async def silence(self, closed: OrganizationDeleted) -> None:
        """Let nothing more out in the name of an organisation that was closed."""
        del closed
        async with self.uow:
            await self.records.silence()

    @effect
    async def when_due(self) -> None:
        """Erase what was closed long enough ago."""
        async with self.uow:
            ending = await self.records.ending()
            left = None if ending is None else ending.due_in(self.clock.now())
            if left is not None and left > timedelta():
                await self.agenda.no_later_than(ERASE, self.clock.now() + left)
        if left is not None and left <= timedelta():
            await self._erase()

    async def _erase(self) -> dict[str, int]:
        gone: Counter[str] = Counter()
        async with self.uow:
            await self.records.silence()
            await self.records.stop()
        for table in self.records.tables():
            place = None
            while True:
                async with self.uow:
                    if await self.records.ending() is None:
                        return dict(gone)  # somebody else's erasure was quicker
                    count, place = await self.records.remove_some(table, place, CHUNK)
                gone[table] += count
                if place is None:
                    break
        gone["files"] += await self.files.remove_all(str(self.actor.organization_id))
        async with self.uow:
            gone.update(await self.records.remove_rest())
        return {name: count for name, count in gone.items() if count}
