"""Steps of `features/sales`."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from dishka import AsyncContainer
from httpx import Response
from pytest_bdd import given, parsers, scenarios, then, when

from tests.features.conftest import Run
from tests.http.conftest import Client
from tests.http.sales_world import World, enter

pytestmark = pytest.mark.usefixtures("anyio_backend")
scenarios("sales/leads.feature")


@dataclass
class Story:
    """Hold what a scenario's steps share."""

    owner: Client
    world: World
    run: Run[Any]
    lead: dict[str, Any] = field(default_factory=dict)
    send: Any = None
    seen: str = ""
    answer: Response | None = None

    def ask(self, method: str, tail: str = "", body: Any = None, **headers: str) -> Any:
        """Call an operation on Jane's lead; gives the data it answers."""
        path = f"/leads/{self.lead['id']}{tail}"
        answer: Response = self.run(self.owner.request(method, path, json=body, headers=headers))
        self.answer = answer
        return answer.json().get("data")

    def text(self) -> dict[str, Any]:
        """Tell how Jane's planned text stands."""
        found: dict[str, Any] = self.run(self.world.text(self.send))
        return found


@pytest.fixture
def story(owner: Client, house: AsyncContainer, run: Run[Any]) -> Story:
    """Begin."""
    return Story(owner, World(house, owner.organization_id), run)


@given("Jane Smith's old enquiry is a lead in a running campaign")
def a_lead_in_a_campaign(story: Story) -> None:
    dataset = story.run(story.world.dataset())
    story.lead = story.run(enter(story.owner, dataset_id=str(dataset)))
    story.send = story.run(story.world.plan_text(story.lead, dataset))


@given("two people look at Jane's lead")
def two_look(story: Story) -> None:
    story.ask("GET")
    assert story.answer is not None
    story.seen = story.answer.headers["etag"]


@when("a person takes Jane's lead over")
def take_over(story: Story) -> None:
    assert story.ask("POST", "/manual-mode", {"enabled": True})["manual_mode"] is True


@when("the person gives Jane's lead back")
def give_back(story: Story) -> None:
    assert story.ask("POST", "/manual-mode", {"enabled": False})["manual_mode"] is False


@when("somebody archives Jane's lead")
def put_away(story: Story) -> None:
    assert story.ask("POST", "/archive")["archived"] is True


@when("somebody takes Jane's lead out of the archive")
def take_out(story: Story) -> None:
    assert story.ask("POST", "/archive")["archived"] is False


@when(parsers.parse('somebody tags Jane\'s lead "{slug}"'))
def tag(story: Story, slug: str) -> None:
    story.ask("POST", "/tags", {"tag_slug": slug})


@when(parsers.parse('somebody moves Jane\'s lead to "{stage}"'))
def move(story: Story, stage: str) -> None:
    story.ask("PATCH", "/stage", {"stage": stage})


@when(parsers.parse('somebody corrects Jane\'s number to "{number}"'))
def correct(story: Story, number: str) -> None:
    path = f"/contacts/{story.lead['contact']['id']}"
    assert story.run(story.owner.patch(path, json={"phone_number": number})).status_code == 200


@when(parsers.parse('the {which} one writes down "{notes}"'))
def write_down(story: Story, which: str, notes: str) -> None:
    story.ask("PATCH", "", {"notes": notes}, **{"If-Match": story.seen})


@then("Jane's planned text waits")
def waits(story: Story) -> None:
    assert (story.text()["state"], story.text()["held"]) == ("planned", True)


@then("Jane's planned text goes on")
def goes_on(story: Story) -> None:
    assert (story.text()["state"], story.text()["held"]) == ("planned", False)


@then("Jane's planned text is cancelled")
def cancelled(story: Story) -> None:
    assert (story.text()["state"], story.text()["status"]) == ("cancelled", "cancelled")


@then(parsers.parse('Jane\'s planned text goes to "{number}"'))
def goes_to(story: Story, number: str) -> None:
    assert (story.text()["state"], story.text()["recipient"]) == ("planned", number)


@then(parsers.parse('Jane\'s lead is in the stage "{stage}"'))
def in_stage(story: Story, stage: str) -> None:
    assert story.ask("GET")["stage"] == stage


@then(parsers.parse('Jane\'s outreach status is "{status}"'))
def in_status(story: Story, status: str) -> None:
    assert story.ask("GET")["contact_status"] == status


@then("the second one is told that the lead was changed meanwhile")
def told(story: Story) -> None:
    assert story.answer is not None
    assert (story.answer.status_code, story.answer.json()["error"]["code"]) == (409, "STALE_VERSION")


@then(parsers.parse('Jane\'s lead says "{notes}"'))
def says(story: Story, notes: str) -> None:
    assert story.ask("GET")["notes"] == notes


@then(parsers.parse('the latest activities are "{latest}" and "{before}"'))
def activities(story: Story, latest: str, before: str) -> None:
    assert [a["type"] for a in story.ask("GET")["activities"]][:2] == [latest, before]


@then(parsers.parse('searching for "{memory}" finds Jane'))
def found(story: Story, memory: str) -> None:
    answer = story.run(story.owner.get("/leads", params={"search": memory}))
    assert [item["id"] for item in answer.json()["data"]] == [story.lead["id"]]
