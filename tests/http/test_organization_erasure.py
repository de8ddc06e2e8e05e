"""An organisation's end: looked for in every table and file; beside it another one that keeps every row."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from anyio import to_thread
from dishka import AsyncContainer

from adapters.persistence.database import Cause, Database, connect_arguments
from adapters.persistence.organization_erasure import PostgresOrganizationRecords
from adapters.persistence.schema import metadata
from application.identity import organization_erasure
from application.identity.organization_erasure import ERASE, OrganizationErasure
from application.ports import Actor
from domain.identity.role import Role
from domain.kernel import Conflict, Invalid, NotFound, new_id
from entrypoints.config import CHECKOUT, Config
from tests.http.calls import next_day
from tests.http.conftest import PASSWORD, Client, Join, OpenClient
from tests.http.lists import WorkOff, imported, new_dataset, table
from tests.http.sales_world import World, enter
from tests.http.test_webhooks import SMS, call, number_of, text
from tests.http.test_webhooks import work_off as receive_texts

pytestmark = pytest.mark.anyio
pytest_plugins = ["tests.http.background"]
NAME = "Bright Windows"
TABLES = [one.name for one in metadata.sorted_tables if "organization_id" in one.c]


async def rows_of(url: str, organization_id: UUID) -> dict[str, int]:
    """Count an organisation's rows in every table that has any, past row-level security, which is put back."""
    connection = await asyncpg.connect(**connect_arguments(url))
    transaction = connection.transaction()
    await transaction.start()
    try:
        for name in TABLES:
            await connection.execute(f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY")
        counts = {
            name: await connection.fetchval(f"SELECT count(*) FROM {name} WHERE organization_id = $1", organization_id)
            for name in TABLES
        }
    finally:
        await transaction.rollback()
        await connection.close()
    return {name: count for name, count in counts.items() if count}


def files_of(config: Config, organization_id: UUID) -> list[Path]:
    """List an organisation's stored files."""
    folder = config.data_dir / "files" / str(organization_id)
    return [path for path in folder.rglob("*") if path.is_file()]


async def furnish(owner: Client, work_off: WorkOff, config: Config, house: AsyncContainer) -> None:
    """Put something into almost every table."""
    dataset_id = await new_dataset(owner)
    people = [f"Ann{n},Other,07700 9003{n:02},ann{n}@other.example" for n in range(30)]
    await imported(owner, work_off, table(*people, "Bad,Row,not a number,"), dataset_id=dataset_id)
    world = World(house, owner.organization_id)
    phone = "+447700900391"
    lead = await enter(owner, {"first_name": "Jane", "email": "jane@example.com", "phone_number": phone})
    posts: list[tuple[str, dict[str, Any]]] = [
        (f"/leads/{lead['id']}/notes", {"body": "Likes walruses"}),
        ("/tags", {"slug": "keen", "name": "Keen"}),
        ("/brands", {"name": "Bright"}),
        ("/api-keys", {"name": "Website", "permissions": ["leads:read"]}),
        ("/messages/send", {"lead_id": lead["id"], "content": "How are you, Jane?"}),
        ("/users", {"email": f"{new_id().hex}@example.com", "role": "rep", "first_name": "Rita"}),
    ]
    for path, body in posts:
        answer = await owner.post(path, json=body, headers={"Idempotency-Key": new_id().hex})
        assert answer.status_code in (201, 202), (path, answer.text)
    tagged = await owner.post(f"/leads/{lead['id']}/tags", json={"tag_slug": "keen"})
    assert tagged.status_code in (200, 201, 204), tagged.text
    stopped = text(await number_of(world), "STOP", **{"from": phone})
    assert (await call(owner, config, SMS, stopped)).status_code == 204
    await receive_texts(house, world)
    planned = await enter(owner, {"first_name": "Bea", "phone_number": "+447700900392"})
    await world.plan_text(planned, UUID(dataset_id))
    exported = await owner.post(f"/contacts/{lead['contact']['id']}/export")
    assert exported.status_code == 202, exported.text
    await work_off()


def erasing(house: AsyncContainer, organization_id: UUID) -> Any:
    """Open the scope of an erasure."""
    return house({Actor: Actor.system(organization_id), Cause: Cause(statement_timeout_ms=120_000)})


async def erase(house: AsyncContainer, organization_id: UUID, name: str = NAME) -> dict[str, int]:
    """Erase as the command line does."""
    async with erasing(house, organization_id) as scope:
        gone: dict[str, int] = await (await scope.get(OrganizationErasure)).erase(name)
        return gone


async def close(owner: Client) -> None:
    """Close the organisation over HTTP."""
    answer = await owner.delete(f"/organizations/{owner.organization_id}")
    assert answer.status_code == 204, answer.text


async def test_nothing_of_an_erased_organisation_is_left_and_another_keeps_every_row(
    owner: Client, stranger: Client, work_off: WorkOff, config: Config, house: AsyncContainer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(organization_erasure, "CHUNK", 7)
    for client in (owner, stranger):
        await furnish(client, work_off, config, house)
    url = config.owner_database_url
    before = await rows_of(url, owner.organization_id)
    assert {
        "leads", "contacts", "lead_tags", "tags", "notes", "messages", "sends", "conversations", "enrolments",
        "campaigns", "consents", "suppressions", "inbound", "imports", "import_rows", "uploads", "datasets", "events",
        "feed", "jobs", "idempotency", "api_keys", "brands", "mails", "memberships", "invitations", "schedules",
        "routes", "stages",
    } <= set(before)  # fmt: skip
    assert len(files_of(config, owner.organization_id)) == 2
    others = await rows_of(url, stranger.organization_id)
    await close(owner)

    gone = await erase(house, owner.organization_id)

    assert await rows_of(url, owner.organization_id) == {}
    assert files_of(config, owner.organization_id) == []
    assert await rows_of(url, stranger.organization_id) == others
    assert len(files_of(config, stranger.organization_id)) == 2
    assert gone["leads"] == before["leads"] == 32
    assert gone["lead_tags"] == 1
    assert gone["accounts"] == 2, "the owner and who was invited"
    assert gone["files"] == 2
    assert (await stranger.get("/leads")).json()["pagination"]["total"] == 32
    with pytest.raises(NotFound):
        await erase(house, owner.organization_id)


async def test_an_erasure_that_broke_off_goes_on_where_it_stood(
    owner: Client, work_off: WorkOff, config: Config, house: AsyncContainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await furnish(owner, work_off, config, house)
    await close(owner)
    monkeypatch.setattr(organization_erasure, "CHUNK", 7)
    remove_some = PostgresOrganizationRecords.remove_some
    left = [12]

    async def crashing(self: PostgresOrganizationRecords, name: str, after: Any, limit: int) -> tuple[int, Any]:
        left[0] -= 1
        if left[0] < 0:
            raise ConnectionError("the machine went down")
        return await remove_some(self, name, after, limit)

    whole = await rows_of(config.owner_database_url, owner.organization_id)
    monkeypatch.setattr(PostgresOrganizationRecords, "remove_some", crashing)
    with pytest.raises(ConnectionError):
        await erase(house, owner.organization_id)
    half = await rows_of(config.owner_database_url, owner.organization_id)
    assert 0 < sum(half.values()) < sum(whole.values())
    assert half["organizations"] == 1
    assert half["schedules"] == 1, "the erasure's own"

    monkeypatch.setattr(PostgresOrganizationRecords, "remove_some", remove_some)
    await erase(house, owner.organization_id)
    assert await rows_of(config.owner_database_url, owner.organization_id) == {}
    assert files_of(config, owner.organization_id) == []


async def test_only_what_is_closed_and_named_can_be_erased(
    owner: Client, config: Config, house: AsyncContainer
) -> None:
    with pytest.raises(Conflict, match="is open"):
        await erase(house, owner.organization_id)
    await close(owner)
    before = await rows_of(config.owner_database_url, owner.organization_id)
    with pytest.raises(Invalid):
        await erase(house, owner.organization_id, "Dark Windows")
    with pytest.raises(NotFound):
        await erase(house, new_id())
    assert await rows_of(config.owner_database_url, owner.organization_id) == before


async def test_thirty_days_after_closing_it_goes_by_itself(
    owner: Client, work_off: WorkOff, config: Config, house: AsyncContainer, database: Database
) -> None:
    await enter(owner)
    await close(owner)
    await work_off()
    world = World(house, owner.organization_id)
    [due] = await world.fetch(
        "SELECT next_due_at - business_now() AS left FROM schedules WHERE organization_id = $1 AND name = $2", ERASE
    )
    assert timedelta(days=29, hours=23) < due["left"] <= timedelta(days=30)

    async def called() -> dict[str, int]:
        async with erasing(house, owner.organization_id) as scope:
            await (await scope.get(OrganizationErasure)).when_due()
        return await rows_of(config.owner_database_url, owner.organization_id)

    assert (await called())["leads"] == 1, "the days are not over"
    await world.fetch("UPDATE organizations SET deleted_at = deleted_at - interval '30 days' WHERE id = $1")
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO schedules (name, organization_id, next_due_at) VALUES ('other', $1, now())"
            " ON CONFLICT DO NOTHING",
            owner.organization_id,
        )
    assert await called() == {}
    assert await called() == {}, "called once more it finds nothing"


async def test_an_open_organisation_is_not_erased_whatever_is_due(
    owner: Client, config: Config, house: AsyncContainer
) -> None:
    before = await rows_of(config.owner_database_url, owner.organization_id)
    async with erasing(house, owner.organization_id) as scope:
        await (await scope.get(OrganizationErasure)).when_due()
    assert await rows_of(config.owner_database_url, owner.organization_id) == before
    world = World(house, owner.organization_id)
    for name in ("events", "feed", "inbound"):
        await world.fetch(f"DELETE FROM {name} WHERE organization_id = $1")
    assert await rows_of(config.owner_database_url, owner.organization_id) == before, "append-only while it is open"


async def test_nothing_more_goes_out_for_an_organisation_that_was_closed(
    owner: Client, work_off: WorkOff, house: AsyncContainer
) -> None:
    world = World(house, owner.organization_id)
    lead = await enter(owner)
    send = await world.plan_text(lead, await world.dataset())
    invited = {"email": f"{new_id().hex}@example.com", "role": "rep", "first_name": "Rita"}
    assert (await owner.post("/users", json=invited)).status_code == 201
    booked = await owner.post("/bookings", json={"lead_id": lead["id"], "start_time": next_day().isoformat()})
    assert booked.status_code == 201, booked.text
    mails = "SELECT state FROM mails WHERE organization_id = $1"
    reminders = "SELECT id FROM bookings WHERE organization_id = $1 AND reminder_at IS NOT NULL"
    assert {row["state"] for row in await world.fetch(mails)} == {"planned"}
    assert len(await world.fetch(reminders)) == 1
    await close(owner)
    await work_off()
    assert (await world.text(send))["state"] == "cancelled"
    assert await world.touches(lead) == []
    assert {row["state"] for row in await world.fetch(mails)} == {"cancelled"}
    assert await world.fetch(reminders) == []


async def test_accounts_that_belong_elsewhere_stay(
    owner: Client, join: Join, open_client: OpenClient, database: Database, house: AsyncContainer
) -> None:
    member = await join(owner, Role.REP)  # who owns an organisation of their own
    await close(owner)
    gone = await erase(house, owner.organization_id)
    assert gone["accounts"] == 1
    again = await open_client()
    for email, status in ((member.email, 200), (owner.email, 401)):
        answer = await again.post("/auth", json={"email": email, "password": PASSWORD})
        assert answer.status_code == status, answer.text
    async with database.connection() as connection:
        assert not await connection.fetchval(
            "SELECT count(*) FROM accounts WHERE last_organization_id = $1", owner.organization_id
        )


async def test_a_report_that_comes_late_brings_no_row_back(
    owner: Client, config: Config, house: AsyncContainer
) -> None:
    await close(owner)
    await erase(house, owner.organization_id)
    path = f"/webhooks/sandbox/status?organization={owner.organization_id}&send={new_id()}"
    told = {"id": new_id().hex, "text_id": str(new_id()), "status": "delivered", "at": "2027-03-22T10:15:04Z"}
    assert (await call(owner, config, path, told)).status_code == 204
    assert await rows_of(config.owner_database_url, owner.organization_id) == {}


async def test_the_command_says_what_went(owner: Client, config: Config, environment: dict[str, str]) -> None:
    def run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "entrypoints.cli", "erase-organization", str(owner.organization_id)]
        env = {"PATH": os.defpath, **environment}
        named = ["--yes-erase", NAME]
        return subprocess.run(
            [*command, *named], cwd=CHECKOUT, env=env, capture_output=True, text=True, timeout=60, check=False
        )

    await close(owner)
    done = await to_thread.run_sync(run)
    assert done.returncode == 0, done.stderr
    assert "organizations\t1" in done.stdout.splitlines()
    assert await rows_of(config.owner_database_url, owner.organization_id) == {}
