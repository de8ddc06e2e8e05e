"""Steps of `features/analytics/figures.feature`."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from dishka import AsyncContainer
from httpx import Response
from pytest_bdd import given, parsers, scenarios, then, when

from domain.identity.role import Role
from domain.kernel import new_id
from tests.features.conftest import Run
from tests.http.conftest import Client, Join
from tests.http.counted import Happen, answered, booked, happen, opted_out, settled, touch
from tests.http.lists import WorkOff
from tests.http.sales_world import World, enter

__all__ = ["happen"]
pytestmark = pytest.mark.usefixtures("anyio_backend")
pytest_plugins = ["tests.http.background"]
scenarios("analytics/figures.feature")
NAMES = ("Ada", "Bob", "Cleo", "Dan")


@dataclass
class Story:
    """Hold what a scenario's steps share."""

    owner: Client
    rita: Client
    run: Run[Any]
    dataset_id: UUID
    leads: dict[str, str] = field(default_factory=dict)
    export: dict[str, Any] = field(default_factory=dict)

    def ask(self, who: Client, path: str) -> dict[str, Any]:
        """Give the data of an answer."""
        answer: Response = self.run(who.get(path))
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data


@given("a campaign has texted Ada, Bob, Cleo and Dan, and Ada is Rita's lead", target_fixture="story")
def _texted(owner: Client, join: Join, happen: Happen, house: AsyncContainer, run: Run[Any]) -> Story:
    async def texted() -> Story:
        world = World(house, owner.organization_id)
        story = Story(owner, await join(owner, Role.REP), run, await world.dataset())
        campaign = new_id()
        await world.fetch(
            "INSERT INTO campaigns (organization_id, id, dataset_id, status, seed, settings)"
            " VALUES ($1, $2, $3, 'active', 1, '{}')",
            campaign,
            story.dataset_id,
        )
        for number, name in enumerate(NAMES):
            contact = {"first_name": name, "phone_number": f"+4477009005{number:02d}"}
            story.leads[name] = (await enter(owner, contact, dataset_id=str(story.dataset_id)))["id"]
        given_to = await owner.patch(f"/leads/{story.leads['Ada']}", json={"assigned_to": str(story.rita.user_id)})
        assert given_to.status_code == 200, given_to.text
        at = datetime.now(UTC)
        texts = (touch(lead, at, campaign, variant="AB"[n % 2]) for n, lead in enumerate(story.leads.values()))
        await happen(owner, settled(*texts))
        return story

    story: Story = run(texted())
    return story


@when("Ada and Bob answer, a call with Ada is booked, and Cleo opts out")
def _answers(story: Story, happen: Happen) -> None:
    ada, bob, cleo, _ = (story.leads[name] for name in NAMES)

    async def happened() -> None:
        await happen(story.owner, answered(ada), answered(bob), booked(ada), opted_out(cleo))

    story.run(happened())


@when("Rita exports her leads to a spreadsheet")
def _exports(story: Story, work_off: WorkOff) -> None:
    async def exported() -> str:
        body = {"export_type": "leads", "format": "xlsx"}
        started = await story.rita.post("/analytics/export", json=body)
        await work_off()
        return str(started.json()["data"]["job_id"])

    story.export = story.ask(story.rita, f"/analytics/exports/{story.run(exported())}")


@then(parsers.parse("the overview says that of {people:d} people {replied:d} % answered, {calls:d} % booked a call"
                    " and {out:d} % opted out"))  # fmt: skip
def _overview(story: Story, people: int, replied: int, calls: int, out: int) -> None:
    figures = story.ask(story.owner, "/analytics/overview?time_range=today")["metrics"]
    assert figures["leads_contacted"] == people
    assert (figures["reply_rate"], figures["booking_rate"], figures["opt_out_rate"]) == (replied, calls, out)


@then(parsers.parse("today's trend shows {replies:d} replies"))
def _trend(story: Story, replies: int) -> None:
    [today] = story.ask(story.owner, "/analytics/overview?time_range=today")["trends"]["daily_replies"]
    assert today["count"] == replies


@then(parsers.parse("the campaign's figures say that between {least:d} and {most:d} % would answer"))
def _interval(story: Story, least: int, most: int) -> None:
    told = story.ask(story.owner, f"/analytics/campaigns/{story.dataset_id}")
    assert [round(end) for end in told["funnel"]["replied"]["interval"]] == [least, most]


@then("no wording is said to be the better one")
def _no_leader(story: Story) -> None:
    [touch_results] = story.ask(story.owner, f"/analytics/campaigns/{story.dataset_id}")["touches"]
    assert len(touch_results["variants"]) == 2
    assert touch_results["leads_by_replies"] is None


@then(parsers.parse("Rita's overview counts {leads:d} lead and {calls:d} booked call"))
def _own(story: Story, leads: int, calls: int) -> None:
    told = story.ask(story.rita, "/analytics/overview?time_range=today")
    assert told["covers"] == "own_leads"
    assert (told["metrics"]["total_leads"], told["metrics"]["calls_booked"]) == (leads, calls)


@then("a link without a sign-in gives a file with the leads that she sees")
def _file(story: Story, client: Client) -> None:
    answer: Response = story.run(client.get(story.export["download_url"].partition("/api/v1")[2]))
    assert answer.status_code == 200
    assert answer.content[:2] == b"PK"
    assert story.export["rows"] == len(NAMES), "hers and nobody's"
