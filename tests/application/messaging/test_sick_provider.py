"""A provider that is down, and a worker that is told to end: nothing is claimed for nothing, nothing stays claimed."""

import asyncio
from uuid import UUID

import pytest

from application.messaging.gate import SEND
from application.messaging.sending import HANDED_AT_ONCE, Sending
from application.messaging.texting import Text
from application.outreach.campaign_forms import ScheduleIn, SettingsIn, StartCampaign
from application.outreach.campaigns import Campaigns
from application.outreach.planning import Planning
from application.provider import Untried
from tests.application.conftest import Tenant

pytestmark = pytest.mark.anyio
FAST = SettingsIn(schedule=ScheduleIn(start="00:00", end="24:00"), rate_limit_messages_per_minute=6000)


async def planned(tenant: Tenant, count: int) -> None:
    """Plan a campaign's first touch of so many leads, all due."""
    dataset: UUID = await tenant.dataset()
    for number in range(count):
        await tenant.lead(f"+447400{number:06d}", dataset)
    async with tenant.use(Campaigns) as campaigns:
        await campaigns.start(StartCampaign(dataset_id=dataset, settings=FAST))
    async with tenant.use(Planning, tenant.system()) as planning:
        await planning.plan()
    async with tenant.sql() as connection:
        await connection.execute(
            "UPDATE sends SET due_at = business_now() WHERE organization_id = $1", tenant.organization_id
        )
        # As the scheduler does when it calls.
        await connection.execute(
            "UPDATE schedules SET next_due_at = NULL WHERE organization_id = $1", tenant.organization_id
        )


async def send_due(tenant: Tenant) -> None:
    """Hand over what is due."""
    async with tenant.use(Sending, tenant.system()) as sending:
        await sending.send_due()


async def rows(tenant: Tenant) -> dict[tuple[str, int], int]:
    """Count the ledger's rows by state and attempts."""
    async with tenant.sql() as connection:
        found = await connection.fetch(
            "SELECT state, attempts, count(*) AS n FROM sends WHERE organization_id = $1 GROUP BY 1, 2",
            tenant.organization_id,
        )
    return {(row["state"], row["attempts"]): row["n"] for row in found}


def taken(tenant: Tenant) -> int:
    """Count the texts that the provider took."""
    return sum(text.organization_id == tenant.organization_id for text in tenant.texting.taken)


async def test_while_the_provider_is_left_alone_nothing_is_claimed(tenant: Tenant) -> None:
    await planned(tenant, 3)
    tenant.texting.rests = 30
    try:
        await send_due(tenant)
    finally:
        tenant.texting.rests = 0
    assert await rows(tenant) == {("planned", 0): 3}
    wait = await tenant.value(
        "SELECT extract(epoch FROM next_due_at - business_now()) FROM schedules WHERE organization_id = $1"
        " AND name = $2",
        SEND,
    )
    assert 25 < wait <= 30
    await send_due(tenant)
    assert await rows(tenant) == {("accepted", 1): 3}


async def test_a_call_that_was_not_made_is_no_attempt(tenant: Tenant) -> None:
    await planned(tenant, 1)
    tenant.texting.failures.append((Untried(0, "The provider is down."), False))
    await send_due(tenant)
    assert await rows(tenant) in ({("planned", 0): 1}, {("accepted", 1): 1})
    await send_due(tenant)
    assert await rows(tenant) == {("accepted", 1): 1}
    assert taken(tenant) == 1


async def test_what_was_claimed_before_the_provider_fell_ill_is_put_back(tenant: Tenant) -> None:
    await planned(tenant, 2 * HANDED_AT_ONCE + 20)

    async def fall_ill(_text: Text) -> None:
        tenant.texting.rests = 30

    tenant.texting.on_send = fall_ill
    try:
        await send_due(tenant)
    finally:
        tenant.texting.on_send, tenant.texting.rests = None, 0
    assert await rows(tenant) == {("accepted", 1): 2 * HANDED_AT_ONCE, ("planned", 0): 20}


async def test_a_worker_told_to_end_hears_the_answers_and_puts_the_rest_back(tenant: Tenant) -> None:
    await planned(tenant, 3 * HANDED_AT_ONCE)
    calling = asyncio.Event()

    async def slowly(_text: Text) -> None:
        calling.set()
        await asyncio.sleep(0.3)

    tenant.texting.on_send = slowly
    try:
        working = asyncio.create_task(send_due(tenant))
        await calling.wait()
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
    finally:
        tenant.texting.on_send = None
    left = await rows(tenant)
    assert set(left) == {("accepted", 1), ("planned", 0)}
    assert left["accepted", 1] == taken(tenant) <= 2 * HANDED_AT_ONCE
    await send_due(tenant)
    assert await rows(tenant) == {("accepted", 1): 3 * HANDED_AT_ONCE}
