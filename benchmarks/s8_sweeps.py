"""S8: what it costs to look for what is due and find nothing, with many leads and with few.

Every lead of the largest organisation is enrolled in a running campaign and due next month; every tenth was texted.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from uuid import UUID

import asyncpg

from adapters.persistence.database import Cause, Database, connect_arguments
from adapters.queue.broker import broker_at
from adapters.queue.relay import Relay
from adapters.queue.schedules import Schedules
from application.messaging.sending import Sending
from application.outreach.planning import Planning
from application.ports import Actor
from benchmarks.figures import Figure
from benchmarks.worlds import SMALL, World, Worlds
from entrypoints.container import container
from entrypoints.subscriptions import routes, schedules

_TIMES = 20
_CAMPAIGN = """
INSERT INTO campaigns (organization_id, id, dataset_id, status, seed, settings)
SELECT organization_id, gen_random_uuid(), id, 'active', 1, $2 FROM datasets
WHERE organization_id = $1 AND name = 'Old enquiries' RETURNING id
"""
_ENROL = """
INSERT INTO enrolments (organization_id, campaign_id, lead_id, touch, due_at)
SELECT organization_id, $2, id, 'M1', now() + interval '30 days' FROM leads WHERE organization_id = $1
"""
_SENT = """
INSERT INTO sends (organization_id, id, natural_key, purpose, channel, state, campaign_id, touch, lead_id, contact_id,
                   conversation_id, recipient, sender, due_at, verdict, reasons, created_at, settled_at)
SELECT organization_id, id, id::text, 'campaign', 'sms', 'accepted', $2, 'M1', id, contact_id, contact_id, phone, '',
       now() - interval '9 days', 'allow', '[]', now(), now()
FROM leads WHERE organization_id = $1 AND get_byte(uuid_send(id), 15) % 10 = 0
"""


def measure(worlds: Worlds) -> Iterator[Figure]:
    """Give the milliseconds of one look, by who looks."""
    found = asyncio.run(_measure(worlds.large, worlds.small, worlds.rounds))
    for name, (large, small) in found.items():
        yield Figure(
            f"S8 {name} finds nothing, {worlds.leads:,} leads against {SMALL:,}",
            f"{statistics.median(large) * 1e3:.1f} ms",
            f"{statistics.median(small) * 1e3:.1f} ms",
            statistics.median(one / other for one, other in zip(large, small, strict=True)),
            at_most=1.2,
        )


Look = Callable[[], Awaitable[object]]


async def _measure(large: World, small: World, rounds: int) -> dict[str, tuple[list[float], list[float]]]:
    looks, ends = [], []
    try:
        for house, tenants in (large, small):
            await _enrol(house.superuser_url, tenants[0].organization_id)
            found, end = await _looks(house.config, tenants[0].organization_id)
            looks.append(found)
            ends.append(end)
        took: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in looks[0]}
        for number in range(rounds + 1):
            for name, kept in took.items():
                for place in (0, 1) if number % 2 else (1, 0):
                    kept[place].append(await _time(looks[place][name]))
        return {name: (large[1:], small[1:]) for name, (large, small) in took.items()}
    finally:
        for end in ends:
            await end()


async def _time(look: Look) -> float:
    """Take the median of several looks, so that somebody else's burst of work is nobody's cost."""
    took = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        await look()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


async def _looks(config: Any, organization_id: UUID) -> tuple[dict[str, Look], Look]:
    house = container(config)
    system = await Database.open(config.system_database_url, size=2)
    broker = broker_at(config.broker_url)
    relay = Relay(system, broker, routes())
    ticks = Schedules(system, broker, schedules())

    def effect(use_case: type[Any], method: str) -> Look:
        async def look() -> None:
            cause = Cause(statement_timeout_ms=120_000)
            async with house({Actor: Actor.system(organization_id), Cause: cause}) as scope:
                await getattr(await scope.get(use_case), method)()

        return look

    async def end() -> None:
        await system.close()
        await house.close()

    while await relay.run_once():
        pass  # what the making of the data set and other measures published
    return {
        "relay": relay.run_once,
        "scheduler": ticks.tick,
        "planning": effect(Planning, "plan"),
        "sending": effect(Sending, "send_due"),
        "settling": effect(Sending, "settle"),
    }, end


async def _enrol(url: str, organization_id: UUID) -> None:
    base: Any = await asyncpg.connect(**connect_arguments(url))
    try:
        await base.execute("SET session_replication_role = replica")
        async with base.transaction():
            campaign_id = await base.fetchval(_CAMPAIGN, organization_id, "{}")
            await base.execute(_ENROL, organization_id, campaign_id)
            await base.execute(_SENT, organization_id, campaign_id)
        await base.execute("VACUUM (ANALYZE) enrolments, sends, campaigns")
    finally:
        await base.close()
