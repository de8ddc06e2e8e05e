"""Counts kept up with the event log: read on from where they are, once each, by one at a time."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from application.agenda import Agenda
from application.ports import Actor, Clock, UnitOfWork, effect
from domain.analytics.tally import Fact, Progress, Tally
from domain.identity.role import Permission

COUNT = "analytics.count"
AT_ONCE = 500
"""How many events of the log are counted in one transaction; one may tell of fifty texts."""
WHILE_LOCKED = timedelta(seconds=2)


class Rollups(Protocol):
    """Keep counts, leads' progress, and the position of the log that they have come to."""

    async def take_place(self, *, wait: bool) -> int | None:
        """Lock the counts and tell how far they are; None where somebody else counts and nobody is to wait."""
        ...

    async def told_after(self, position: int, most: int) -> tuple[Sequence[Sequence[Fact]], int, bool]:
        """Read on: what each event says that is counted, the position come to, and whether that is the end."""
        ...

    async def progress(self, leads: Collection[UUID]) -> Mapping[UUID, Progress]:
        """Tell how far leads have come; those that are there and were never counted begin now."""
        ...

    async def add(self, tally: Tally, progress: Collection[Progress], position: int) -> None:
        """Add to the counts, keep leads' progress, and note the position."""
        ...

    async def begin_anew(self) -> None:
        """Forget all but which dataset each lead lay in: it may be gone."""
        ...


@dataclass(frozen=True)
class Counting:
    """Count what happened."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    rollups: Rollups
    agenda: Agenda

    @effect
    async def count(self) -> None:
        """Count what came since; the position moves on with the counts, so that nothing counts twice."""
        is_last = False
        while not is_last:
            async with self.uow:
                position = await self.rollups.take_place(wait=False)
                if position is None:
                    # Whoever counts may have read on for the last time before what this is called for came.
                    await self.agenda.no_later_than(COUNT, self.clock.now() + WHILE_LOCKED)
                    return
                _, is_last, _ = await self._step(position)

    async def rebuild(self) -> int:
        """Count everything anew, in one transaction: until it ends the old counts are shown; tells how many events."""
        self.actor.require(Permission.INSTALLATION)
        total, is_last = 0, False
        async with self.uow:
            await self.rollups.take_place(wait=True)
            await self.rollups.begin_anew()
            position = 0
            while not is_last:
                position, is_last, events = await self._step(position)
                total += events
            # What came since waits for the lock to go.
            await self.agenda.no_later_than(COUNT, self.clock.now())
        return total

    async def _step(self, position: int) -> tuple[int, bool, int]:
        told, upto, is_last = await self.rollups.told_after(position, AT_ONCE)
        facts = [fact for event in told for fact in event]
        known = await self.rollups.progress({fact.lead_id for fact in facts if fact.lead_id is not None})
        tally = Tally()
        tally.take(facts, known)
        await self.rollups.add(tally, known.values(), upto)
        return upto, is_last, len(told)
