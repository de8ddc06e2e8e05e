"""Cron routes bring schedules forward, for whoever has the secret."""

import pytest

from adapters.persistence.database import Database
from tests.http.conftest import Client, OpenHouse
from tests.http.refusals import error_of

pytestmark = pytest.mark.anyio


async def test_a_cron_route_brings_its_schedules_forward(client: Client, owner: Client, database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO schedules (name, organization_id, next_due_at)"
            " VALUES ('messaging.send', $1, business_now() + interval '9 days')",
            owner.organization_id,
        )
    secret = {"Authorization": "Bearer cron-secret-of-the-tests"}
    answer = await client.get("/cron/send-m1", headers=secret)
    assert answer.status_code == 202
    assert answer.json()["data"]["organizations"] >= 1
    async with database.connection() as connection:
        due = await connection.fetchval(
            "SELECT next_due_at IS NULL OR next_due_at <= business_now() FROM schedules"
            " WHERE organization_id = $1 AND name = 'messaging.send'",
            owner.organization_id,
        )
    assert due
    for wrong in ({}, {"Authorization": "Bearer wrong"}, dict(owner.headers)):
        error_of(await client.get("/cron/send-m1", headers=wrong), 401, "UNAUTHORIZED")
    error_of(await client.get("/cron/no-such-job", headers=secret), 404, "NOT_FOUND")


async def test_without_a_secret_there_are_no_cron_routes(open_house: OpenHouse) -> None:
    closed = await open_house(cron_secret=None)
    error_of(await closed.get("/cron/send-m1", headers={"Authorization": "Bearer "}), 404, "NOT_FOUND")
