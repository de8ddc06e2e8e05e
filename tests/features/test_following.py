"""Steps of `features/platform/following.feature`."""

from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from domain.identity.role import Role
from domain.kernel import new_id
from tests.features.conftest import Run
from tests.http.conftest import Client, Join
from tests.http.streams import Feed, Told, feed, missed, now, read_events

__all__ = ["feed"]
pytestmark = pytest.mark.usefixtures("anyio_backend")
scenarios("platform/following.feature")


@dataclass
class Screen:
    """Be one person's screen: what it heard last, and up to where."""

    client: Client
    last: int
    text: str = ""
    events: list[Told] = field(default_factory=list)

    def hear(self, answer: httpx.Response) -> None:
        """Take in what was missed."""
        assert answer.status_code == 200, answer.text
        self.text = answer.text
        self.events, self.last = read_events(answer.text)


@dataclass
class Story:
    """Hold what a scenario's steps share."""

    owner: Client
    run: Run[Any]
    feed: Feed
    screens: dict[str, Screen] = field(default_factory=dict)
    lead_id: str = ""

    def hear(self, name: str) -> Screen:
        """Let what happened reach somebody's screen."""
        screen = self.screens[name]
        self.run(self.feed())
        screen.hear(self.run(missed(screen.client, screen.last)))
        return screen


@pytest.fixture
def story(owner: Client, run: Run[Any], feed: Feed) -> Story:
    """Begin."""
    return Story(owner, run, feed)


@given("Rita and Rob sell for the same organisation, each with a screen that follows what happens")
def two_reps(story: Story, join: Join) -> None:
    async def hired() -> Screen:
        client = await join(story.owner, Role.REP)
        return Screen(client, await now(client))

    for name in ("Rita", "Rob"):
        story.screens[name] = story.run(hired())


@given(parsers.parse("a lead is entered for {name}"))
@when(parsers.parse("a lead is entered for {name}"))
def enter(story: Story, name: str) -> None:
    contact = {"first_name": "Jane", "last_name": "Smith", "email": f"{new_id().hex}@example.com"}
    whose = {} if name == "nobody" else {"assigned_to": str(story.screens[name].client.user_id)}
    answer = story.run(story.owner.post("/leads", json={"contact": contact, **whose}))
    story.lead_id = answer.json()["data"]["id"]


@given("everybody has heard of what happened so far")
def all_heard(story: Story) -> None:
    for name in story.screens:
        story.hear(name)


@given("Rita closes her laptop")
@when("Rita opens her laptop again")
def laptop() -> None:
    """Nothing is kept for a screen: what it missed is told from the last thing that it heard."""


@when("the lead is given to Rob")
def give(story: Story) -> None:
    whose = {"assigned_to": str(story.screens["Rob"].client.user_id)}
    answer = story.run(story.owner.patch(f"/leads/{story.lead_id}", json=whose))
    assert answer.status_code == 200, answer.text


@then(parsers.re(r"(?P<name>\w+) hears of (?P<count>\d+) new leads?"))
def hears_of_leads(story: Story, name: str, count: str) -> None:
    events = [one for one in story.hear(name).events if one.name == "lead.created"]
    assert len({one.data["lead_id"] for one in events}) == len(events) == int(count)


@then(parsers.parse("{name} hears nothing"))
def hears_nothing(story: Story, name: str) -> None:
    assert story.hear(name).events == []


@then("Rob hears that it was assigned")
def hears_of_assignment(story: Story) -> None:
    [event] = story.hear("Rob").events
    assert (event.name, event.data["lead_id"]) == ("lead.assigned", story.lead_id)


@then("she hears of nothing a second time")
def nothing_again(story: Story) -> None:
    assert story.hear("Rita").events == []


@then("nothing of what Rita hears names the person")
def no_names(story: Story) -> None:
    text = story.hear("Rita").text
    assert story.lead_id in text
    for word in ("Jane", "Smith", "example.com"):
        assert word not in text
