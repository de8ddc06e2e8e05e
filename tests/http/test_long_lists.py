"""A list that is known to be long is answered by a kept plan: with the same rows, and not a stale one."""

import pytest
from dishka import AsyncContainer

from adapters.persistence.database import Cause, PostgresUnitOfWork
from application.ports import Actor
from tests.http.conftest import Client

pytestmark = pytest.mark.anyio
ROWS = 1200

_FILL = (
    "INSERT INTO contacts (organization_id, id, name_key, created_at, updated_at)"
    " SELECT $1, gen_random_uuid(), 'long', now(), now() FROM generate_series(1, $2::int)",
    "INSERT INTO leads (organization_id, id, contact_id, stage, contact_status, created_at, updated_at)"
    " SELECT $1, gen_random_uuid(), id, 'NEW_LEAD', 'READY', now(), now() FROM contacts"
    " WHERE organization_id = $1 LIMIT $2",
)


@pytest.fixture
async def long(owner: Client, house: AsyncContainer) -> Client:
    """Be the owner of 1,200 leads, all of the same moment."""
    async with house({Actor: Actor.system(owner.organization_id), Cause: Cause()}) as scope:
        uow = await scope.get(PostgresUnitOfWork)
        async with uow:
            for statement in _FILL:
                await uow.connection.execute(statement, owner.organization_id, ROWS)
    return owner


async def test_a_long_list_asked_for_again_says_the_same(long: Client) -> None:
    first = (await long.get("/leads?status=READY&limit=50")).json()
    again = (await long.get("/leads?status=READY&limit=50")).json()
    assert again == first
    assert len(first["data"]) == 50
    assert first["pagination"]["total_is_estimate"]
    assert first["pagination"]["total"] > 1000


async def test_a_long_list_is_walked_without_a_gap_or_a_repetition(long: Client) -> None:
    answer = (await long.get("/leads?status=READY&limit=100")).json()
    seen = [lead["id"] for lead in answer["data"]]
    while (cursor := answer["pagination"]["next_cursor"]) is not None:
        answer = (await long.get(f"/leads?status=READY&limit=100&cursor={cursor}")).json()
        assert "total" not in answer["pagination"]
        seen += [lead["id"] for lead in answer["data"]]
    assert len(seen) == len(set(seen)) == ROWS


async def test_a_long_list_shows_what_has_just_changed_and_nobody_elses(long: Client, stranger: Client) -> None:
    first = (await long.get("/leads?status=READY&limit=2")).json()["data"]
    moved = await long.patch(f"/leads/{first[0]['id']}", json={"contact_status": "HOT"})
    assert moved.status_code == 200, moved.text
    after = (await long.get("/leads?status=READY&limit=2")).json()["data"]
    assert after[0]["id"] == first[1]["id"]
    assert (await stranger.get("/leads?status=READY&limit=2")).json()["data"] == []
