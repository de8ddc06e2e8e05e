"""Texts that nobody can tell about: they are asked about less and less often, and keep nothing else away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg
import pytest

from adapters.persistence.database import connect_arguments
from adapters.persistence.texting_accounts import SANDBOX
from application.messaging.sending import Sending
from application.messaging.texting import Text, TextingAccount, TextingAccounts
from application.provider import Rejected, TooEarly, Unavailable, Untried
from domain.kernel import Phone, new_id
from entrypoints.config import Config
from tests.application.conftest import Tenant
from tests.application.messaging.test_sick_provider import planned, send_due

pytestmark = pytest.mark.anyio
_LOST = """
UPDATE sends SET state = 'unknown', provider = 'sandbox', handed_at = business_now(), attempts = 1,
       handed_machine_at = clock_timestamp() - $2::interval,
       lease_until = clock_timestamp() - $2::interval
         + CASE WHEN recipient = '+447400000149' THEN interval '1 second' ELSE interval '0' END
WHERE organization_id = $1
"""
_LOOKS = """
SELECT extract(epoch FROM lease_until - clock_timestamp())::float8 FROM sends WHERE organization_id = $1
"""


async def lost(tenant: Tenant, count: int, ago: str) -> None:
    """Make texts of which nobody knows whether they were taken, the last one behind all others."""
    await planned(tenant, count)
    await tenant.execute(_LOST.replace("$2::interval", f"interval '{ago}'"))


async def settle(tenant: Tenant) -> None:
    async with tenant.use(Sending, tenant.system()) as sending:
        await sending.settle()


@asynccontextmanager
async def asking(tenant: Tenant, answer: Any) -> AsyncIterator[list[str]]:
    """Let the provider answer so; gives whom was asked about."""
    asked: list[str] = []

    def find(text: Text) -> None:
        asked.append(str(text.to))
        if (error := answer(text)) is not None:
            raise error

    tenant.texting.on_find = find
    try:
        yield asked
    finally:
        tenant.texting.on_find = None


async def test_a_hundred_and_fifty_that_nobody_can_tell_of_keep_nobody_away(tenant: Tenant) -> None:
    await lost(tenant, 150, "20 minutes")
    told = "+447400000149"
    async with asking(tenant, lambda text: None if text.to == told else Unavailable(reason="Who knows.")) as asked:
        await settle(tenant)
        assert told in asked
        assert len(asked) == 150
        await settle(tenant)
        assert len(asked) == 150, "whom was asked about is not asked about again at once"
    states = await tenant.value("SELECT count(*) FROM sends WHERE organization_id = $1 AND state = 'unknown'")
    assert states == 149
    wait = await tenant.value(f"{_LOOKS} AND state = 'unknown'")
    assert 500 < wait < 700, "half of the time that it is unknown"
    due = "SELECT extract(epoch FROM next_due_at - business_now())::float8 FROM schedules WHERE organization_id = $1"
    assert await tenant.value(f"{due} AND name = 'messaging.settle'") > 400


async def test_no_distance_is_longer_than_an_hour(tenant: Tenant) -> None:
    await lost(tenant, 1, "9 days")
    async with asking(tenant, lambda _: Unavailable(reason="Who knows.")):
        await settle(tenant)
    assert 3500 < await tenant.value(_LOOKS) <= 3600


async def test_what_it_is_too_early_to_tell_of_is_asked_about_when_the_provider_says(tenant: Tenant) -> None:
    await lost(tenant, 1, "13 seconds")
    async with asking(tenant, lambda _: TooEarly(17, "It may not be listed yet.")):
        await settle(tenant)
    assert 15 < await tenant.value(_LOOKS) <= 17
    assert await tenant.value("SELECT state FROM sends WHERE organization_id = $1") == "unknown"


@pytest.fixture
async def superuser(config: Config) -> AsyncIterator[Any]:
    """Connect as the superuser, who alone may say that a database was restored."""
    connection = await asyncpg.connect(**connect_arguments(config.database_url.replace("rapport_app@", "postgres@")))
    yield connection
    await connection.close()


@asynccontextmanager
async def restored(tenant: Tenant, superuser: Any) -> AsyncIterator[None]:
    """Let the rows be of a database that was restored long ago, before any other test's."""
    await tenant.execute("UPDATE sends SET created_at = '2001-01-02' WHERE organization_id = $1")
    await superuser.execute(
        "INSERT INTO installation (id, backed_up_at, restored_at) VALUES (1, '2001-01-01', '2001-01-02')"
        " ON CONFLICT (id) DO UPDATE SET backed_up_at = '2001-01-01', restored_at = '2001-01-02'"
    )
    try:
        yield
    finally:
        await superuser.execute("UPDATE installation SET restored_at = NULL, backed_up_at = NULL")


async def test_what_a_restored_database_cannot_know_ends_where_nobody_can_tell(tenant: Tenant, superuser: Any) -> None:
    await planned(tenant, 1)
    async with restored(tenant, superuser), asking(tenant, lambda _: Rejected("gone", "Nobody to ask.", False)):
        await send_due(tenant)
    row = "SELECT state || ': ' || error FROM sends WHERE organization_id = $1"
    assert await tenant.value(row) == "parked: Nobody to ask."
    assert not [text for text in tenant.texting.taken if text.organization_id == tenant.organization_id]


@pytest.mark.parametrize("silence", [Unavailable(reason="Who knows."), Untried(1, "It is left alone.")], ids=repr)
async def test_what_a_restored_database_cannot_know_is_asked_about_a_dozen_times_only(
    tenant: Tenant, superuser: Any, silence: Unavailable
) -> None:
    await planned(tenant, 1)
    again = "UPDATE sends SET due_at = business_now() WHERE organization_id = $1"
    async with restored(tenant, superuser), asking(tenant, lambda _: silence) as asked:
        for _ in range(15):
            await send_due(tenant)
            await tenant.execute(again)
    assert len(asked) == 12
    assert await tenant.value("SELECT state FROM sends WHERE organization_id = $1") == "parked"


async def test_a_receipt_that_another_row_bears_proves_nothing_for_a_restored_one(
    tenant: Tenant, superuser: Any
) -> None:
    await planned(tenant, 2)
    [first, second] = await tenant.value("SELECT array_agg(id ORDER BY id) FROM sends WHERE organization_id = $1")
    async with tenant.sql() as connection:
        await connection.execute(
            "UPDATE sends SET recipient = '+447400000000' WHERE organization_id = $1", tenant.organization_id
        )
        await connection.execute(
            "UPDATE sends SET state = 'accepted', purpose = 'manual', campaign_id = NULL,"
            " provider_id = 'p-' || $3::text WHERE organization_id = $1 AND id = $2",
            tenant.organization_id,
            first,
            str(second),
        )
    tenant.texting.taken.append(
        Text(tenant.organization_id, Phone("+447400000000"), Phone("+442079460001"), "Hi", str(second), "", SANDBOX)
    )
    async with restored(tenant, superuser):
        await send_due(tenant)
    mine = [text.key for text in tenant.texting.taken if text.organization_id == tenant.organization_id]
    assert mine == [str(second)] * 2, "the one that was taken is the other row's"


@pytest.mark.parametrize(
    ("handed", "asked"),
    [("2000-12-31", ["2000-12-31"]), ("2001-01-03", ["2001-01-01", "2001-01-03"])],
    ids=["before the backup", "after it"],
)
async def test_a_restored_unknown_is_asked_about_since_its_hand_over_and_since_the_backup(
    tenant: Tenant, superuser: Any, handed: str, asked: list[str]
) -> None:
    await lost(tenant, 1, "20 minutes")
    [send] = await tenant.value("SELECT array_agg(id) FROM sends WHERE organization_id = $1")
    await tenant.execute(
        "UPDATE sends SET handed_machine_at = $2 WHERE organization_id = $1",
        datetime.fromisoformat(f"{handed}T00:00:00+00:00"),
    )
    async with restored(tenant, superuser):
        await settle(tenant)
    assert [since.date().isoformat() for key, _, since in tenant.texting.asked if key == str(send)] == asked


def test_nobody_elses_gateway_is_asked_about_a_text() -> None:
    mine, theirs, common, former = new_id(), new_id(), TextingAccount("twilio", "AC1"), TextingAccount("twilio", "AC2")
    own = tuple(TextingAccount("android_gateway", str(who), owner_id=who) for who in (mine, theirs))
    accounts = TextingAccounts((common,), own, (former,))
    assert accounts.of(mine) == (common, own[0], former)
    assert accounts.of(None) == (common, former)
