"""Leads that come when a dataset's campaign is under way: by hand or by import, they are taken in."""

from typing import Any

import pytest
from dishka import AsyncContainer

from adapters.persistence.database import Database
from application.outreach.planning import Planning
from tests.http.conftest import Client
from tests.http.lists import MAPPING, WorkOff, imported, new_dataset, rows_of, table
from tests.http.test_import_undo import ANY_TIME, act

pytestmark = pytest.mark.anyio
pytest_plugins = ["tests.http.background"]


async def running(owner: Client, work_off: WorkOff) -> str:
    """Begin the campaign of a dataset with one lead."""
    dataset_id = await new_dataset(owner)
    await imported(owner, work_off, table("Ann,Ash,+447400000001,"), MAPPING, dataset_id)
    started = await owner.post("/campaigns/start", json={"dataset_id": dataset_id, "settings": ANY_TIME})
    assert started.status_code == 200, started.text
    return dataset_id


async def enter(owner: Client, dataset_id: str | None, phone: str) -> dict[str, Any]:
    """Enter a lead by hand."""
    body = {"dataset_id": dataset_id, "contact": {"first_name": "Bob", "phone_number": phone}}
    answer = await owner.post("/leads", json=body)
    assert answer.status_code == 201, answer.text
    lead: dict[str, Any] = answer.json()["data"]
    return lead


async def enrolled(owner: Client, database: Database) -> set[str]:
    """Name the leads that a campaign works."""
    found = await rows_of(database, owner, "SELECT lead_id FROM enrolments WHERE organization_id = $1")
    return {str(row["lead_id"]) for row in found}


async def test_a_lead_entered_by_hand_is_texted_too(
    owner: Client, work_off: WorkOff, database: Database, house: AsyncContainer
) -> None:
    dataset_id = await running(owner, work_off)
    lead = await enter(owner, dataset_id, "+447400000002")
    assert lead["id"] in await enrolled(owner, database)
    await act(house, owner, Planning, "plan")

    planned = await rows_of(database, owner, "SELECT lead_id FROM sends WHERE organization_id = $1")
    assert lead["id"] in {str(row["lead_id"]) for row in planned}


async def test_who_takes_no_texts_or_stands_in_no_dataset_is_not(
    owner: Client, work_off: WorkOff, database: Database
) -> None:
    dataset_id = await running(owner, work_off)
    before = await enrolled(owner, database)
    await enter(owner, dataset_id, "+442079460002")
    await enter(owner, None, "+447400000003")
    await enter(owner, await new_dataset(owner, "Another"), "+447400000004")

    assert await enrolled(owner, database) == before


async def test_a_paused_campaign_takes_them_in_when_it_goes_on(
    owner: Client, work_off: WorkOff, database: Database, house: AsyncContainer
) -> None:
    dataset_id = await running(owner, work_off)
    assert (await owner.post("/campaigns/pause", json={"dataset_id": dataset_id})).status_code == 200
    by_hand = await enter(owner, dataset_id, "+447400000002")
    await imported(owner, work_off, table("Cy,Cedar,+447400000003,"), MAPPING, dataset_id)
    assert len(await enrolled(owner, database)) == 3
    await act(house, owner, Planning, "plan")
    assert not await rows_of(database, owner, "SELECT FROM sends WHERE organization_id = $1"), "it is paused"
    assert (await owner.post("/campaigns/resume", json={"dataset_id": dataset_id})).status_code == 200
    await act(house, owner, Planning, "plan")

    planned = {
        str(row["lead_id"])
        for row in await rows_of(database, owner, "SELECT lead_id FROM sends WHERE organization_id = $1")
    }
    assert len(planned) == 3
    assert by_hand["id"] in planned
