"""From the outbox to deliveries at the broker, in order and once: real PostgreSQL, real Valkey."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
import redis.asyncio as redis

from adapters.queue.broker import redis_broker
from adapters.queue.relay import Relay
from adapters.queue.signs import waiting
from domain.kernel import new_id
from entrypoints import relay as process
from entrypoints.config import Config
from tests.processes.workbench import LISTEN, OPEN, Bench, Opened, Rang

pytestmark = pytest.mark.anyio


async def test_each_follower_is_owed_one_delivery_and_positions_keep_the_order(bench: Bench) -> None:
    rings = [Rang(subject=new_id()) for _ in range(5)]
    await bench.ring(*rings[:3])
    await bench.ring(*rings[3:], Opened(subject=new_id()))
    assert await bench.relay().run_once() == 10
    assert len(await bench.owed(OPEN)) == len(await bench.owed(LISTEN)) == 5
    assert sorted(await bench.queued("default")) == [row["id"] for row in await bench.owed(OPEN)]
    assert sorted(await bench.queued("replies")) == [row["id"] for row in await bench.owed(LISTEN)]
    stamped = await bench.ask(
        "SELECT e.subject, e.type FROM feed f JOIN events e ON e.organization_id = $1 AND e.id = f.event_id"
        " WHERE f.organization_id = $1 ORDER BY f.position"
    )
    assert [row["subject"] for row in stamped][:5] == [ring.subject for ring in rings]
    assert [row["type"] for row in stamped] == ["test.rang"] * 5 + ["test.opened"], "what nobody follows is fed too"


async def test_an_event_that_becomes_visible_later_gets_a_later_position(bench: Bench) -> None:
    early, late = Rang(subject=new_id()), Rang(subject=new_id())
    async with bench.uow() as slow, slow:
        slow.publish(late)
        await slow._appending()()  # its outbox row now has the lower number
        slow._events.clear()
        await bench.ring(early)
        await bench.relay().run_once()
    await bench.relay().run_once()
    stamped = await bench.ask(
        "SELECT e.subject FROM feed f JOIN events e ON e.organization_id = $1 AND e.id = f.event_id"
        " WHERE f.organization_id = $1 ORDER BY f.position"
    )
    assert [row["subject"] for row in stamped] == [early.subject, late.subject]


async def test_any_number_of_relays_make_one_delivery_a_follower(bench: Bench) -> None:
    for _ in range(20):
        await bench.ring(Rang(subject=new_id()), Rang(subject=new_id()))
    await asyncio.gather(*(bench.relay().run_once() for _ in range(3)))
    await bench.relay().run_once()
    assert len(await bench.owed(OPEN)) == len(await bench.owed(LISTEN)) == 40
    positions = await bench.ask("SELECT position, event_id FROM feed WHERE organization_id = $1")
    assert len({row["event_id"] for row in positions}) == len(positions) == 40


async def test_a_wiped_broker_is_filled_again_by_the_sweep(bench: Bench) -> None:
    await bench.ring(*(Rang(subject=new_id()) for _ in range(10)))
    await bench.relay().run_once()
    await bench.wires.flushall()
    assert await bench.relay().run_once() == 0, "nothing is overdue yet"
    owed = [row["id"] for row in await bench.owed()]
    for delivery in owed:
        await bench.set_due(delivery, -1)
    assert await bench.relay().run_once() == 20
    assert sorted([*await bench.queued("default"), *await bench.queued("replies")]) == owed
    assert await bench.relay().run_once() == 0, "and not again at once"


async def test_a_relay_with_ever_more_to_do_sweeps_and_may_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    await bench.ring()
    await bench.relay().run_once()
    [overdue] = [UUID(str(row["id"])) for row in await bench.owed(OPEN)]
    await bench.wires.flushall()
    await bench.set_due(overdue, -1)
    monkeypatch.setattr("adapters.queue.relay.BATCH", 1)
    relay = bench.relay()

    async def more(relayed: Callable[[], Awaitable[Any]] = relay._relay) -> Any:
        await bench.ring()
        return await relayed()

    monkeypatch.setattr(relay, "_relay", more)
    async with asyncio.timeout(20):
        await relay.run_once()
    assert relay.has_more
    assert overdue in [*await bench.queued("default"), *await bench.queued("replies")]


async def test_a_broker_that_is_away_loses_nothing(bench: Bench) -> None:
    await bench.ring()
    away = redis_broker("redis://127.0.0.1:1/0")
    assert await bench.relay(away).run_once() == 0
    [row] = await bench.owed(OPEN)
    await bench.set_due(row["id"], -1)
    assert await bench.relay().run_once() == 1
    assert await bench.queued("default") == [row["id"]]


async def test_a_relay_with_ever_more_to_do_waits_no_longer_than_its_database(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = 0

    async def round_of(relay: Relay) -> int:
        nonlocal rounds
        rounds += 1
        if 1 < rounds <= 3:
            raise OSError
        relay.has_more = rounds > 3
        await asyncio.sleep(0.01)
        return 0

    async def said(client: redis.Redis, expected: list[str]) -> bool:
        for _ in range(100):
            if await waiting(client) == expected:
                return True
            await asyncio.sleep(0.1)
        return False

    monkeypatch.setattr(Relay, "run_once", round_of)
    stop = asyncio.Event()
    async with redis.Redis.from_url(config.redis_url) as client:
        await client.delete("rapport:alive:relay")
        running = asyncio.create_task(process.run(config, stop))
        try:
            assert await said(client, ["relay"])
            assert await said(client, [])
            worked = rounds
            await asyncio.sleep(0.5)
            assert rounds > worked + 3, "it works, and there is more"
        finally:
            stop.set()
            await running
