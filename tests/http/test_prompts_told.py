"""What is told in truth, over HTTP: after a roll-back, in a trial, and for a hold-out."""

from typing import Any
from uuid import UUID

import pytest
from dishka import AsyncContainer

from adapters.persistence.coaching_live import PostgresLivePrompt
from adapters.persistence.database import Cause, PostgresUnitOfWork
from application.ports import Actor
from domain.coaching.canary import part_of
from domain.kernel import new_id
from tests.http.conftest import Client
from tests.http.sales_world import World
from tests.http.test_lessons import MONEY, NAMES, teach
from tests.http.test_prompts import REPLY, draft, make_live, prompt

pytestmark = pytest.mark.anyio
MASTER = "/coach/prompts/master"
NAME, EXPENSIVE = NAMES["title"], MONEY["title"]


async def written_with(world: World, lead_id: UUID | None = None) -> tuple[str, list[str]]:
    """Tell what an answer to a lead would be written with: the versions, and the lessons' titles."""
    lead_id = lead_id or new_id()
    context = {Actor: Actor.system(world.organization_id), Cause: Cause()}
    async with world.house(context) as scope:
        uow = await scope.get(PostgresUnitOfWork)
        async with uow.reading():
            said = await PostgresLivePrompt(uow).live(lead_id)
    rows = await world.fetch(
        "SELECT title FROM lessons WHERE organization_id = $1 AND id = ANY ($2)", [one.id for one in said.lessons]
    )
    return said.version, sorted(row["title"] for row in rows)


def in_force(shown: dict[str, Any], leads: str = "all") -> tuple[str, list[str]]:
    """Read the same out of what is shown of the prompt for answers."""
    [one] = [one for one in shown["told"] if one["leads"] == leads and "/reply-" in one["prompt_version"]]
    return one["prompt_version"], sorted(lesson["title"] for lesson in one["lessons_context"])


async def two_versions(owner: Client) -> None:
    """Make a version with a good lesson live, then one with a bad one too, and then the master with both."""
    await teach(owner, NAMES)
    await make_live(owner)
    await teach(owner)
    await make_live(owner)
    await draft(owner, {"system_prompt": "We sell windows."}, MASTER)
    await make_live(owner, MASTER)


async def open_trial(world: World) -> UUID:
    """Name the trial, or the hold-out, that deals leads out."""
    [row] = await world.fetch("SELECT id FROM canaries WHERE organization_id = $1 AND is_open")
    found: UUID = row["id"]
    return found


async def roll_back(owner: Client, path: str, number: int) -> dict[str, Any]:
    """Roll a prompt back."""
    answer = await owner.post(f"{path}/roll-back", json={"version": number, "reason": "The lesson was bad."})
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def test_a_roll_back_brings_back_what_was_said(owner: Client, house: AsyncContainer) -> None:
    world = World(house, owner.organization_id)
    await two_versions(owner)
    assert await written_with(world) == ("master-1/reply-2", [NAME, EXPENSIVE])
    shown = await roll_back(owner, REPLY, 1)
    assert in_force(shown) == ("master-1/reply-1", [NAME])
    assert shown["told"][0]["lessons_of"] == {"prompt_type": "reply", "version": 1}
    assert await written_with(world) == in_force(await prompt(owner)) == ("master-1/reply-1", [NAME])
    shown = await roll_back(owner, REPLY, 0)
    assert in_force(shown) == await written_with(world) == ("master-1/reply-0", [NAME, EXPENSIVE])
    assert shown["told"][0]["lessons_of"] == {"prompt_type": "master", "version": 1}, "the built-in one has none"


async def test_the_masters_roll_back_does_so_for_all_that_stands_beside_it(
    owner: Client, house: AsyncContainer
) -> None:
    world = World(house, owner.organization_id)
    await teach(owner, NAMES)
    await draft(owner, {"system_prompt": "We sell windows."}, MASTER)
    await make_live(owner, MASTER)
    await teach(owner)
    await make_live(owner, MASTER)
    await make_live(owner)
    shown = await roll_back(owner, MASTER, 1)
    assert {one["prompt_version"] for one in shown["told"]} == {
        "master-1/m1-0", "master-1/m2-0", "master-1/m3-0", "master-1/reply-1",
    }  # fmt: skip
    assert in_force(shown) == await written_with(world) == ("master-1/reply-1", [NAME])
    shown = await roll_back(owner, MASTER, 0)
    assert in_force(shown) == await written_with(world) == ("master-0/reply-1", [NAME, EXPENSIVE])


async def test_a_trial_and_a_hold_out_are_told_what_their_versions_hold(owner: Client, house: AsyncContainer) -> None:
    world = World(house, owner.organization_id)
    await two_versions(owner)
    await roll_back(owner, REPLY, 1)
    await draft(owner)
    await make_live(owner, share=50)
    canary = await open_trial(world)
    leads = {part_of(lead, canary) >= 5000: lead for lead in (new_id() for _ in range(64))}
    shown = await prompt(owner)
    assert in_force(shown, "trial") == await written_with(world, leads[True]) == ("master-1/reply-3", [NAME, EXPENSIVE])
    assert in_force(shown, "rest") == await written_with(world, leads[False]) == ("master-1/reply-1", [NAME])
    await roll_back(owner, REPLY, 1)
    assert await written_with(world, leads[True]) == ("master-1/reply-1", [NAME])
    await make_live(owner, hold_out=50)
    canary = await open_trial(world)
    held = next(lead for lead in (new_id() for _ in range(64)) if part_of(lead, canary) < 5000)
    shown = await prompt(owner)
    assert in_force(shown, "hold_out") == await written_with(world, held) == ("master-1/reply-1", [NAME])
    assert in_force(shown, "rest") == ("master-1/reply-4", [NAME, EXPENSIVE])
    await world.fetch("UPDATE canaries SET baseline_since = NULL WHERE organization_id = $1")
    assert in_force(await prompt(owner), "hold_out") == await written_with(world, held) == (
        "master-1/reply-1", [NAME, EXPENSIVE],
    ), "a trial from before that was kept goes by when its versions were made"  # fmt: skip


async def test_a_promotion_brings_back_nothing_that_people_left_since(owner: Client, house: AsyncContainer) -> None:
    """What a trial holds was chosen when it began: a master made live meanwhile has the later lessons."""
    world = World(house, owner.organization_id)
    money = await teach(owner)
    await make_live(owner, share=50)
    await owner.delete(f"/coach/lessons/{money['id']}")
    await teach(owner, NAMES)
    await draft(owner, {"system_prompt": "We sell windows."}, MASTER)
    await make_live(owner, MASTER)
    await world.fetch(
        "WITH ended AS (UPDATE canaries SET status = 'promoted', is_open = false, ended_at = business_now(),"
        " closed_at = business_now() WHERE organization_id = $1 RETURNING prompt_id, number, ended_at)"
        " UPDATE prompts p SET live = e.number, made_live_at = e.ended_at FROM ended e"
        " WHERE p.organization_id = $1 AND p.id = e.prompt_id"
    )
    assert await written_with(world) == in_force(await prompt(owner)) == ("master-1/reply-1", [NAME])
    await make_live(owner)
    assert await written_with(world) == ("master-1/reply-2", [NAME])
    assert in_force(await roll_back(owner, REPLY, 1)) == ("master-1/reply-1", [EXPENSIVE]), "people chose it now"
