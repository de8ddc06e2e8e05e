"""The relay killed at any moment, also between what it writes and what it enqueues: each event has its effect once."""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from anyio import to_thread

from adapters.persistence.database import Database
from domain.kernel import new_id
from domain.messaging.message import TextArrived
from tests.processes.parts import Processes
from tests.processes.workbench import Bench
from tests.proofs import Note

pytestmark = pytest.mark.anyio
TEXTS = 20
EFFECT_SECONDS = 120
_STUCK = """
SELECT count(*) FROM pg_stat_activity
WHERE usename = current_user AND wait_event_type = 'Lock' AND query LIKE '%INSERT INTO deliveries%'
"""


@pytest.fixture
def processes(environment: dict[str, str], tmp_path: Path) -> Iterator[Processes]:
    """Run a worker; relays come and go."""
    made = Processes(environment, tmp_path)
    made.start("worker")
    yield made
    for part in list(made.running):
        made.stop(part, signal.SIGKILL)


async def _until(holds: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < deadline, "this did not happen in time"
        await asyncio.sleep(0.005)


class Ground:
    """Let texts arrive in an organisation and count what became of them."""

    def __init__(self, bench: Bench, processes: Processes, data_dir: Path) -> None:
        self.bench = bench
        self.processes = processes
        self.valkey = int((data_dir / "run" / "valkey.pid").read_text())
        self.arrived: list[str] = []

    async def arrive(self, count: int) -> None:
        """Let texts of many people arrive."""
        async with self.bench.uow() as uow, uow:
            for _ in range(count):
                self.arrived.append(f"text {len(self.arrived)}")
                number = len(self.arrived) % 40
                uow.publish(
                    TextArrived(
                        subject=new_id(), provider="sandbox", external_id=new_id().hex,
                        sender=f"+4477009001{number:02d}", recipient="+442079460001", body=self.arrived[-1], media=(),
                        at=uow.now(),
                    )
                )  # fmt: skip

    async def waiting(self) -> int:
        """Count what no relay has taken."""
        async with self.bench.system.connection() as connection:
            return int(await connection.fetchval("SELECT count(*) FROM outbox"))

    async def kill(self) -> None:
        """Kill the relay."""
        await to_thread.run_sync(self.processes.stop, "relay", signal.SIGKILL)

    async def before_its_commit(self, _: random.Random) -> None:
        """Kill it while its transaction waits to write deliveries."""
        async with _locked(self.bench.system):
            await self.arrive(TEXTS)

            async def stuck() -> bool:
                async with self.bench.system.connection() as connection:
                    return bool(await connection.fetchval(_STUCK))

            await _until(stuck)
            await self.kill()
        assert await self.waiting() >= TEXTS, "what it had taken is there again"

    async def before_it_enqueues(self, _: random.Random) -> None:
        """Kill it when its transaction is committed and Valkey takes nothing."""
        os.kill(self.valkey, signal.SIGSTOP)
        try:
            await self.arrive(TEXTS)
            await _until(self._all_taken)
            await self.kill()
        finally:
            os.kill(self.valkey, signal.SIGCONT)

    async def at_any_moment(self, dice: random.Random) -> None:
        """Kill it some milliseconds after it has begun on many."""
        await self.arrive(TEXTS * 5)
        await _until(self._all_taken)
        await asyncio.sleep(dice.random() * 0.05)
        await self.kill()

    async def _all_taken(self) -> bool:
        return await self.waiting() == 0

    async def all_done(self) -> bool:
        """Tell whether nothing is owed any more."""
        return await self.waiting() == 0 and await self.bench.owed() == []

    async def assert_each_has_its_effect_once(self) -> None:
        """Assert that each text is in its thread once, and in the feed once."""
        rows = await self.bench.ask("SELECT body FROM messages WHERE organization_id = $1 AND direction = 'inbound'")
        assert Counter(row["body"] for row in rows) == Counter(self.arrived)
        counted = await self.bench.ask("SELECT sum(message_count) AS n FROM conversations WHERE organization_id = $1")
        assert counted[0]["n"] == len(self.arrived)
        fed = await self.bench.ask(
            "SELECT count(*) AS n, count(DISTINCT event_id) AS events FROM feed"
            " WHERE organization_id = $1 AND type = 'text.arrived'"
        )
        assert (fed[0]["n"], fed[0]["events"]) == (len(self.arrived), len(self.arrived))


@asynccontextmanager
async def _locked(system: Database) -> AsyncIterator[None]:
    async with system.connection() as connection, connection.transaction():
        await connection.execute("LOCK TABLE deliveries IN SHARE MODE")
        yield


@pytest.fixture
async def ground(bench: Bench, processes: Processes, data_dir: Path) -> Ground:
    """Give the organisation a name and a number."""
    async with bench.uow() as uow, uow:
        await uow.connection.execute(
            "INSERT INTO organizations (organization_id, id, name, sender, created_at)"
            " VALUES ($1, $1, 'Bright Windows', '+442079460001', business_now())",
            bench.organization_id,
        )
    return Ground(bench, processes, data_dir)


async def killed(ground: Ground, between: int, elsewhere: int) -> dict[str, int]:
    """Kill the relay so often between its commit and what it enqueues, and so often in each of two other ways, all of
    them mixed; tells how often in each."""
    dice = random.Random()
    others = [ground.before_its_commit, ground.at_any_moment] * elsewhere
    ways = [ground.before_it_enqueues] * between + others
    dice.shuffle(ways)
    for way in ways:
        ground.processes.start("relay")
        await way(dice)
    ground.processes.start("relay")
    return dict(Counter(way.__name__ for way in ways))


async def test_each_event_has_its_effect_once_though_the_relay_is_killed(ground: Ground) -> None:
    await killed(ground, 1, 1)
    async with ground.bench.system.connection() as connection:  # as if the leases of what was not enqueued had ended
        await connection.execute("UPDATE deliveries SET due_at = clock_timestamp() WHERE starts = 0")
    await _until(ground.all_done, EFFECT_SECONDS)
    await ground.assert_each_has_its_effect_once()


@pytest.mark.prove
async def test_fifty_kills_between_commit_and_enqueuing_lose_and_double_nothing(ground: Ground, proved: Note) -> None:
    ways = await killed(ground, 50, 8)
    start = time.monotonic()
    await _until(ground.all_done, EFFECT_SECONDS)
    settled = time.monotonic() - start
    await ground.assert_each_has_its_effect_once()
    proved(
        7,
        f"relay killed x{sum(ways.values())} ({', '.join(f'{name} x{count}' for name, count in sorted(ways.items()))}):"
        f" {len(ground.arrived)} events, each one effect, all done {settled:.0f} s after",
    )
