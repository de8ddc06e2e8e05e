"""Receipts that come late, twice, or for another row: each text is told of once, and as it went."""

import asyncio
from uuid import UUID

import pytest

from adapters.persistence.database import PostgresUnitOfWork
from application.messaging.sending import Sending
from application.messaging.texting import Text
from application.provider import Rejected
from domain.kernel import new_id
from tests.application.conftest import Tenant
from tests.application.messaging.test_sick_provider import planned, send_due
from tests.application.messaging.test_unknowns import lost, settle

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("receipt", [True, False])
async def test_a_report_that_is_quicker_than_the_receipt_keeps_its_code(tenant: Tenant, receipt: bool) -> None:
    await planned(tenant, 1)

    async def report(text: Text) -> None:
        await tenant.execute(
            "UPDATE messages SET status = 'failed', error_code = '30006' WHERE organization_id = $1 AND id = $2",
            UUID(text.key),
        )

    tenant.texting.on_send = report
    if not receipt:
        tenant.texting.failures.append((Rejected("21614", "No mobile number.", True), False))
    await send_due(tenant)
    shown = await tenant.value("SELECT status || ' ' || error_code FROM messages WHERE organization_id = $1")
    assert shown == ("failed 30006" if receipt else "failed 21614")


async def same_words_twice(tenant: Tenant) -> tuple[UUID, UUID]:
    """Plan the same words to one number twice, as unknown and as just handed over; the provider took one of them."""
    await lost(tenant, 2, "20 minutes")
    lost_one, leaving = await tenant.value("SELECT array_agg(id ORDER BY id) FROM sends WHERE organization_id = $1")
    async with tenant.sql() as connection:
        await connection.execute(
            "UPDATE sends SET recipient = '+447400000000' WHERE organization_id = $1", tenant.organization_id
        )
        await connection.execute(
            "UPDATE sends SET state = 'handed', batch = $3, lease_until = clock_timestamp() + interval '15 seconds'"
            " WHERE organization_id = $1 AND id = $2",
            tenant.organization_id,
            leaving,
            new_id(),
        )
    return lost_one, leaving


async def test_what_may_be_the_receipt_of_a_text_on_its_way_settles_no_other(tenant: Tenant) -> None:
    lost_one, leaving = await same_words_twice(tenant)
    state = "SELECT state FROM sends WHERE organization_id = $1 AND id = $2"

    def took(text: Text) -> None:
        tenant.texting.taken.append(text)  # what the provider lists is the other's

    tenant.texting.on_find = took
    try:
        await settle(tenant)
        assert await tenant.value(state, lost_one) == "unknown"
        assert (
            4
            < await tenant.value(
                "SELECT extract(epoch FROM lease_until - clock_timestamp())::float8 FROM sends"
                " WHERE organization_id = $1 AND id = $2",
                lost_one,
            )
            <= 6
        )
        async with tenant.sql() as connection:
            await connection.execute(
                "UPDATE sends SET state = 'accepted', purpose = 'manual', campaign_id = NULL, provider_id = 'p-' || $3"
                " WHERE organization_id = $1 AND id = $2",
                tenant.organization_id,
                leaving,
                str(lost_one),
            )
            await connection.execute(
                "UPDATE sends SET lease_until = clock_timestamp() WHERE organization_id = $1 AND id = $2",
                tenant.organization_id,
                lost_one,
            )
        await settle(tenant)
    finally:
        tenant.texting.on_find = None
    assert await tenant.value(state, lost_one) == "planned", "it was never taken, so it leaves again"


async def test_who_gives_an_id_to_a_row_is_waited_for_by_who_asks_whose_it_is(tenant: Tenant) -> None:
    await lost(tenant, 1, "20 minutes")
    recipient = await tenant.value("SELECT recipient FROM sends WHERE organization_id = $1")

    async def ask(given: asyncio.Event | None = None) -> frozenset[str]:
        async with tenant.use(Sending, tenant.system()) as sending, sending.uow:
            known, _ = await sending.rows.known({"p-1"}, {recipient}, None)
            if given is not None:
                await asyncio.wait_for(given.wait(), 5)
                assert isinstance(sending.uow, PostgresUnitOfWork)
                await sending.uow.connection.execute(
                    "UPDATE sends SET provider_id = 'p-1' WHERE organization_id = $1", tenant.organization_id
                )
            return known

    given = asyncio.Event()
    first = asyncio.ensure_future(ask(given))
    await asyncio.sleep(0.3)
    second = asyncio.ensure_future(ask())
    await asyncio.sleep(0.3)
    given.set()
    assert await first == frozenset()
    assert await second == {"p-1"}


async def test_who_asks_again_later_waits_for_nobody_who_has_the_row(tenant: Tenant) -> None:
    await lost(tenant, 1, "13 seconds")
    async with tenant.sql() as other, tenant.use(Sending, tenant.system()) as sending:
        send = await other.fetchval(
            "SELECT id FROM sends WHERE organization_id = $1 FOR NO KEY UPDATE", tenant.organization_id
        )
        async with sending.uow:
            await asyncio.wait_for(sending.rows.ask_again({send: 17.0}), 2)
    async with tenant.use(Sending, tenant.system()) as sending, sending.uow:
        await sending.rows.ask_again({send: 17.0})
    assert await tenant.value("SELECT lease_until > clock_timestamp() FROM sends WHERE organization_id = $1")
