"""Which lessons did best with each dataset's leads, over HTTP: with intervals, of what one may see."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from dishka import AsyncContainer

from domain.identity.role import Role
from domain.kernel import new_id
from domain.statistics import Share
from tests.http.conftest import Client, Join
from tests.http.sales_world import World
from tests.http.team import refused
from tests.http.test_analytics import data

pytestmark = pytest.mark.anyio
_LEADS = """
WITH c AS (
  INSERT INTO contacts (organization_id, id, first_name, created_at, updated_at)
  SELECT $1, uuidv7(), 'Ann', now(), now() FROM generate_series(1, $3::int) RETURNING id
), l AS (
  INSERT INTO leads (organization_id, id, contact_id, dataset_id, assigned_to, created_at, updated_at)
  SELECT $1, uuidv7(), id, $2, $4, now(), now() FROM c RETURNING id, contact_id
)
INSERT INTO conversations (organization_id, id, contact_id, lead_id, channel, address, started_at, last_message_at)
SELECT $1, uuidv7(), contact_id, id, 'sms', id::text, now(), now() FROM l RETURNING id
"""
_ANSWERED = """
INSERT INTO replies (organization_id, id, conversation_id, lead_id, status, lessons, breaches, prompt_version, model,
  input_tokens, output_tokens, cached_tokens, cost_micros, latency_ms, created_at, positive, booked, measured_at)
SELECT $1, uuidv7(), c.id, c.lead_id, 'sent', ARRAY[$2::uuid], '{}', 'v', 'm', 0, 0, 0, 0, 0,
  now() - $5 * interval '1 day', twice = 2 AND place <= $4, false, now()
FROM unnest($3::uuid[]) WITH ORDINALITY AS t (id, place)
JOIN conversations c ON c.organization_id = $1 AND c.id = t.id, generate_series(1, 2) AS twice
"""


async def threads(world: World, dataset_id: UUID, count: int, owner_id: UUID | None = None) -> list[UUID]:
    """Make leads of a dataset, with a conversation each."""
    return [row["id"] for row in await world.fetch(_LEADS, dataset_id, count, owner_id)]


async def lesson(world: World, title: str, status: str = "active") -> UUID:
    """Write a lesson."""
    identifier = new_id()
    await world.fetch(
        "INSERT INTO lessons (organization_id, id, lesson_type, status, title, description, tags, created_at,"
        " updated_at) VALUES ($1, $2, 'dos_donts', $3, $4, 'D', '{}', now(), now())",
        identifier,
        status,
        title,
    )
    return identifier


async def apply(world: World, lesson_id: UUID, ids: list[UUID], succeeded: int, days_ago: int = 3) -> None:
    """Let the AI have answered twice in each conversation with a lesson, which succeeded in the first ones."""
    await world.fetch(_ANSWERED, lesson_id, ids, succeeded, days_ago)


async def best(client: Client, dataset_id: UUID, query: str = "time_range=month") -> list[dict[str, Any]]:
    """Show a dataset's best lessons."""
    rows = (await data(client, f"/analytics/dataset-comparison?{query}"))["datasets"]
    [found] = [row["top_performing_lessons"] for row in rows if row["dataset_id"] == str(dataset_id)]
    shown: list[dict[str, Any]] = found
    return shown


async def test_each_datasets_best_lessons_are_told_by_what_is_at_least_so(
    owner: Client, stranger: Client, house: AsyncContainer
) -> None:
    world = World(house, owner.organization_id)
    dataset, other = await world.dataset(), await world.dataset()
    ids = await threads(world, dataset, 20)
    often, rarely = await lesson(world, "Often"), await lesson(world, "Rarely")
    await apply(world, often, ids, 15)
    await apply(world, rarely, ids[:10], 8)
    await apply(world, await lesson(world, "Too few"), ids[:9], 9)
    await apply(world, await lesson(world, "Archived", "archived"), ids, 20)
    await apply(world, await lesson(world, "Long ago"), ids, 20, days_ago=60)
    for title in ("Bad", "Worse"):
        await apply(world, await lesson(world, title), ids, 2)
    shown = await best(owner, dataset)
    assert [one["title"] for one in shown] == ["Often", "Rarely", "Bad"], "8 of 10 is less sure than 15 of 20"
    assert shown[0] == {
        "lesson_id": str(often), "title": "Often", "conversations": 20, "success_rate": 75.0,
        "interval": list(Share(15, 20).percents or ()),
    }  # fmt: skip
    assert await best(owner, other) == []
    since = (datetime.now(UTC) - timedelta(days=70)).date()
    assert (await best(owner, dataset, f"from={since}"))[0]["title"] == "Long ago"
    assert (await data(stranger, "/analytics/dataset-comparison"))["datasets"] == []
    assert refused(await owner.get("/analytics/dataset-comparison?time_range=year"), 400) == "VALIDATION_ERROR"


async def test_lessons_of_datasets_are_counted_among_what_one_may_see(
    owner: Client, join: Join, house: AsyncContainer
) -> None:
    world = World(house, owner.organization_id)
    theirs, others = await world.dataset(), await world.dataset()
    rep, manager = await join(owner, Role.REP), await join(owner, Role.MANAGER, dataset_ids=[theirs])
    taught = await lesson(world, "Taught")
    mine, nobodys = await threads(world, theirs, 10, rep.user_id), await threads(world, theirs, 30)
    await apply(world, taught, mine, 5)
    await apply(world, taught, nobodys, 30)
    await apply(world, taught, await threads(world, others, 10), 10)
    [seen] = await best(rep, theirs)
    assert (seen["conversations"], seen["success_rate"]) == (10, 50.0), "the leads that are theirs"
    assert await best(rep, others) == []
    [seen] = await best(manager, theirs)
    assert (seen["conversations"], seen["success_rate"]) == (40, 87.5)
    shown = (await data(manager, "/analytics/dataset-comparison"))["datasets"]
    assert [row["dataset_id"] for row in shown] == [str(theirs)]
