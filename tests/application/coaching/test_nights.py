"""When the night's search is due: at three o'clock on the organisation's own clock, also where that is changed."""

from contextlib import suppress
from datetime import datetime, timedelta

import pytest

from adapters.persistence.database import Cause, PostgresUnitOfWork
from application.coaching.reviewed import ReviewStore
from application.ports import Actor
from tests.application.conftest import Tenant

pytestmark = pytest.mark.anyio


class _Undone(Exception):
    """Take back what a test did to everybody's clock."""


async def night_after(tenant: Tenant, zone: str, now: datetime) -> datetime:
    """Ask at a time in a zone when the next night is; nobody else sees the clock move."""
    found: list[datetime] = []
    async with tenant.house({Actor: tenant.system(), Cause: Cause()}) as scope:
        uow, store = await scope.get(PostgresUnitOfWork), await scope.get(ReviewStore)
        with suppress(_Undone):
            async with uow:
                await uow.connection.execute(
                    "UPDATE organizations SET time_zone = $2 WHERE organization_id = $1", tenant.organization_id, zone
                )
                await uow.connection.execute(
                    "INSERT INTO sandbox_clock (id, ahead) VALUES (1, $1::timestamptz - clock_timestamp())"
                    " ON CONFLICT (id) DO UPDATE SET ahead = excluded.ahead",
                    now,
                )
                found.append((await store.means()).night_at)
                raise _Undone
    return found[0]


@pytest.mark.parametrize(
    ("zone", "now", "night"),
    [
        ("Europe/London", "2027-01-10T02:59:00Z", "2027-01-10T03:00:00Z"),
        ("Europe/London", "2027-01-10T03:00:01Z", "2027-01-11T03:00:00Z"),
        ("Asia/Kathmandu", "2027-01-10T20:00:00Z", "2027-01-10T21:15:00Z"),
        ("Asia/Kathmandu", "2027-01-10T21:15:01Z", "2027-01-11T21:15:00Z"),
        ("Europe/London", "2027-03-27T22:00:00Z", "2027-03-28T02:00:00Z"),
        ("Europe/London", "2027-03-28T02:00:01Z", "2027-03-29T02:00:00Z"),
        ("Europe/London", "2026-10-24T22:00:00Z", "2026-10-25T03:00:00Z"),
        ("America/New_York", "2027-03-13T20:00:00Z", "2027-03-14T07:00:00Z"),
        ("America/New_York", "2026-11-01T05:30:00Z", "2026-11-01T08:00:00Z"),
        # There is no three o'clock in Athens in the night in which the clocks go forward, and two when they go back.
        ("Europe/Athens", "2027-03-27T12:00:00Z", "2027-03-28T01:00:00Z"),
        ("Europe/Athens", "2027-03-28T01:00:01Z", "2027-03-29T00:00:00Z"),
        ("Europe/Athens", "2026-10-24T12:00:00Z", "2026-10-25T01:00:00Z"),
        ("Europe/Athens", "2026-10-25T01:00:01Z", "2026-10-26T01:00:00Z"),
    ],
)
async def test_the_night_is_the_organisations_own(tenant: Tenant, zone: str, now: str, night: str) -> None:
    found = await night_after(tenant, zone, datetime.fromisoformat(now))
    assert found == datetime.fromisoformat(night)
    assert found - datetime.fromisoformat(now) <= timedelta(hours=25)
