"""S9: from a commit to the start of what follows it, at 200 events a second, each in a transaction of its own.

Relay and worker are the house's own processes, with one subscription more (`benchmarks/bell.py`). The clock starts
inside the transaction, right before its commit, and stops in the first line of the subscription's method.
"""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from dishka import AsyncContainer

from adapters.persistence.database import Cause
from application.ports import Actor, UnitOfWork
from benchmarks.bell import Rang
from benchmarks.figures import Figure
from benchmarks.installation import Installation
from benchmarks.worlds import Worlds
from domain.kernel import new_id
from entrypoints.container import container

_A_SECOND = 200
_P50_SECONDS = 0.05
_P99_SECONDS = 0.5
_PATIENCE = 60.0
_AT_A_TIME = 16
"""How many transactions are open at most: where the machine cannot keep the pace, it is lower, and told."""


def measure(worlds: Worlds) -> Iterator[Figure]:
    """Give the median and the slowest hundredth of one run's events, beside the goals."""
    house = worlds.installation.beside("deliveries")
    notes = house.log_dir / "bell.txt"
    notes.touch()
    with (
        house.part("relay", "benchmarks.bell", "relay", str(notes)),
        house.part("worker", "benchmarks.bell", "worker", str(notes)),
    ):
        took, pace = asyncio.run(_took(house, notes, worlds.requests))
    for name, seconds, goal in (
        ("p50", took[len(took) // 2], _P50_SECONDS),
        ("p99", took[int(len(took) * 0.99)], _P99_SECONDS),
    ):
        yield Figure(
            f"S9 commit to start at {_A_SECOND}/s, {name} / {goal * 1e3:.0f} ms",
            f"{seconds * 1e3:.1f} ms at {pace:.0f}/s",
            f"{goal * 1e3:.0f} ms",
            seconds / goal,
            at_most=1.0,
        )


async def _took(house: Installation, notes: Path, events: int) -> tuple[list[float], float]:
    of = container(house.config)
    try:
        await _ring(of, _A_SECOND)  # connections, caches and prepared statements are there
        committed = await _ring(of, events)
        deadline = time.monotonic() + _PATIENCE
        while committed.keys() - (started := _started(notes)).keys():
            if time.monotonic() > deadline:
                raise RuntimeError(f"{len(committed.keys() - started.keys())} of {events} events were not followed")
            await asyncio.sleep(0.2)
    finally:
        await of.close()
    pace = (events - 1) / (max(committed.values()) - min(committed.values()))
    return sorted(started[ring] - at for ring, at in committed.items()), pace


async def _ring(of: AsyncContainer, events: int) -> dict[UUID, float]:
    """Publish so many events at the pace; gives when each was about to be committed."""
    committed: dict[UUID, float] = {}
    organization_id = new_id()
    places = asyncio.Semaphore(_AT_A_TIME)

    async def once() -> None:
        async with places, of({Actor: Actor.system(organization_id), Cause: Cause()}) as scope:
            uow = await scope.get(UnitOfWork)
            async with uow:
                ring = Rang(subject=new_id())
                uow.publish(ring)
                committed[ring.subject] = time.time()

    begun = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        for number in range(events):
            tasks.create_task(once())
            await asyncio.sleep(max(0.0, begun + (number + 1) / _A_SECOND - time.monotonic()))
    return committed


def _started(notes: Path) -> dict[UUID, float]:
    """Read when each was first followed."""
    lines = [line.split() for line in notes.read_text().splitlines()]
    return {UUID(subject): float(at) for subject, at in reversed(lines)}
