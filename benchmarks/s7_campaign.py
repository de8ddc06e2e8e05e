"""S7: a campaign's planning, beside one bare statement; and its sending, beside a worker whose messages do nothing.

Ours runs in this process by the worker's use cases, all rules on; the sandbox's provider is the real process. Its
receipts are ordered late, so that what is measured ends with the provider's answer and its entry in the ledger.
"""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import asyncpg
import httpx
from dishka import AsyncContainer

from adapters.persistence.database import Cause, connect_arguments
from adapters.sms.sandbox import provider_token
from application.messaging.sending import Sending
from application.outreach.campaign_forms import SettingsIn, StartCampaign
from application.outreach.campaigns import Campaigns
from application.outreach.planning import Planning
from application.ports import Actor
from benchmarks.bare import planning as bare_planning
from benchmarks.figures import Figure, median_ratio
from benchmarks.installation import Installation
from benchmarks.seed import seed
from benchmarks.worlds import Worlds
from entrypoints.container import container

TOUCHES = 3000
_LARGEST_SHARE = 0.7 * 0.6  # of the data set's leads: those of the largest organisation that are READY
_RATE = 6000
_DATASET = """
INSERT INTO datasets (organization_id, id, name, name_key, created_at, updated_at)
VALUES ($1, $2, $3, $3, now(), now())
"""
_TAKE = """
UPDATE leads SET dataset_id = $2 WHERE organization_id = $1 AND id IN (
  SELECT id FROM leads WHERE organization_id = $1 AND contact_status = 'READY' AND dataset_id = $3 LIMIT $4)
"""
_CLOCK = """
INSERT INTO sandbox_clock (id, ahead) VALUES (1, $1::interval) ON CONFLICT (id) DO UPDATE SET ahead = excluded.ahead
"""


def measure(worlds: Worlds) -> Iterator[Figure]:
    """Give touches a second."""
    house = worlds.installation.beside("campaigns")
    leads = int(TOUCHES * (worlds.rounds + 2) / _LARGEST_SHARE / 0.8)
    tenants = asyncio.run(seed(house.config, house.superuser_url, leads=leads))
    with house.provider():
        times = asyncio.run(_rounds(house, tenants[0].organization_id, worlds.rounds))
    for name, (ours, bare), goal in zip(
        ("S7 planning, touches/s", "S7 sending, texts/s"), (times[:2], times[2:]), (0.3, 1.0), strict=True
    ):
        yield Figure(
            name,
            f"{TOUCHES / statistics.median(ours):,.0f}/s",
            f"{TOUCHES / statistics.median(bare):,.0f}/s",
            median_ratio(bare, ours),
            at_least=goal,
        )


async def _rounds(house: Installation, organization_id: UUID, rounds: int) -> tuple[list[float], ...]:
    plans: list[float] = []
    bare_plans: list[float] = []
    sends: list[float] = []
    bare_sends: list[float] = []
    base: Any = await asyncpg.connect(**connect_arguments(house.superuser_url))
    of = container(house.config)
    try:
        await _late_receipts(house)
        for number in range(rounds + 1):
            await set_clock(base, morning() + timedelta(days=number))
            await _start(of, base, organization_id, number)
            plans.append(await _plan(of, base, organization_id))
            bare_plans.append(await _plan_bare(base, organization_id))
            # Past the last slot of the campaign's pace: all of it is due at once.
            await set_clock(base, morning() + timedelta(days=number, hours=2))
            sends.append(await _send(of, base, organization_id))
            bare_sends.append(await asyncio.to_thread(_send_bare, house.config.redis_url))
    finally:
        await of.close()
        await base.close()
    return plans[1:], bare_plans[1:], sends[1:], bare_sends[1:]


def morning() -> datetime:
    """Name the next Monday's ten o'clock, when everybody may be texted."""
    today = datetime.now(UTC).date()
    monday = today + timedelta(days=7 - today.weekday())
    return datetime(monday.year, monday.month, monday.day, 10, tzinfo=ZoneInfo("Europe/London"))


async def set_clock(base: Any, to: datetime) -> None:
    """Let business time be this, and tick on."""
    await base.execute(_CLOCK, to - datetime.now(UTC))


async def _start(of: AsyncContainer, base: Any, organization_id: UUID, number: int) -> None:
    dataset_id = uuid4()
    old = await base.fetchval(
        "SELECT id FROM datasets WHERE organization_id = $1 AND name = 'Old enquiries'", organization_id
    )
    await base.execute(_DATASET, organization_id, dataset_id, f"round {number}")
    await base.execute(_TAKE, organization_id, dataset_id, old, TOUCHES)
    await base.execute("VACUUM (ANALYZE) leads, enrolments, sends, messages, conversations")
    async with of({Actor: Actor.system(organization_id), Cause: Cause()}) as scope:
        settings = SettingsIn(m1_delay_hours=0, rate_limit_messages_per_minute=_RATE)
        await (await scope.get(Campaigns)).start(StartCampaign(dataset_id=dataset_id, settings=settings))
    campaign_id = await base.fetchval("SELECT id FROM campaigns WHERE dataset_id = $1", dataset_id)
    await base.execute(bare_planning.TABLES)
    await base.execute(bare_planning.FILL, organization_id, campaign_id)
    await base.execute("VACUUM (ANALYZE) enrolments, bare_enrolments")


async def _plan(of: AsyncContainer, base: Any, organization_id: UUID) -> float:
    began = time.perf_counter()
    async with of({Actor: Actor.system(organization_id), Cause: Cause(statement_timeout_ms=120_000)}) as scope:
        planning = await scope.get(Planning)
        while await _due(base, organization_id):
            await planning.plan()
    seconds = time.perf_counter() - began
    await _require(base, organization_id, "planned")
    return seconds


async def _due(base: Any, organization_id: UUID) -> bool:
    return bool(
        await base.fetchval(
            "SELECT EXISTS (SELECT FROM enrolments WHERE organization_id = $1 AND due_at <= business_now())",
            organization_id,
        )
    )


async def _plan_bare(base: Any, organization_id: UUID) -> float:
    now = await base.fetchval("SELECT business_now()")
    began = time.perf_counter()
    planned = await bare_planning.plan(base, organization_id, now)
    seconds = time.perf_counter() - began
    if planned != TOUCHES:
        raise RuntimeError(f"{planned} touches of {TOUCHES} were planned")
    return seconds


async def _send(of: AsyncContainer, base: Any, organization_id: UUID) -> float:
    before = await _count(base, organization_id, "accepted")
    began = time.perf_counter()
    async with of({Actor: Actor.system(organization_id), Cause: Cause(statement_timeout_ms=120_000)}) as scope:
        sending = await scope.get(Sending)
        while await _count(base, organization_id, "planned"):
            await sending.send_due()
    seconds = time.perf_counter() - began
    if await _count(base, organization_id, "accepted") - before != TOUCHES:
        raise RuntimeError("not every text was accepted")
    return seconds


def _send_bare(redis_url: str) -> float:
    command = [sys.executable, "-m", "benchmarks.bare.noop_actor", redis_url, str(TOUCHES)]
    return float(subprocess.run(command, check=True, capture_output=True).stdout)


async def _count(base: Any, organization_id: UUID, state: str) -> int:
    counted = await base.fetchval(
        "SELECT count(*) FROM sends WHERE organization_id = $1 AND state = $2", organization_id, state
    )
    return int(counted)


async def _require(base: Any, organization_id: UUID, state: str) -> None:
    found = await _count(base, organization_id, state)
    if found != TOUCHES:
        raise RuntimeError(f"{found} touches of {TOUCHES} are {state}")


async def _late_receipts(house: Installation) -> None:
    config = house.config
    token = provider_token(config.derived_key("sandbox-provider"))
    order = {"capability": "sms", "fault": "late_callbacks", "probability": 1.0}
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            f"{config.sandbox_provider_url}/faults", json=order, headers={"authorization": f"Bearer {token}"}
        )
        answer.raise_for_status()
