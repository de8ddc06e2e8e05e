"""Steps of `features/scheduling`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from application.mailing import Mailing
from application.outreach.campaign_forms import SettingsIn, StartCampaign
from application.outreach.campaigns import Campaigns
from application.sales.leads import Leads
from application.scheduling.booking_forms import BookCall, MoveBooking
from application.scheduling.bookings import Bookings
from domain.kernel import Conflict
from tests.application.conftest import RememberingMailing
from tests.features.conftest import Run
from tests.features.office import Office
from tests.features.test_campaigns import listed, on_london_clocks

pytestmark = pytest.mark.usefixtures("anyio_backend")
pytest_plugins = ["tests.http.background", "tests.features.opened_office"]
scenarios("scheduling/bookings.feature")
_AT = r"(?P<at>\w+day \d+ \w+ \d{4} at \d\d:\d\d)"


@dataclass
class Story:
    """Hold what a scenario's steps share."""

    office: Office
    run: Run[Any]
    booking: UUID | None = None
    refusal: Conflict | None = None


@pytest.fixture
def story(office: Office, run: Run[Any]) -> Story:
    """Begin."""
    return Story(office, run)


@given(parsers.re(f"it is {_AT}"))
def it_is(story: Story, at: str) -> None:
    story.run(story.office.set_clock(on_london_clocks(at)))


@given(parsers.parse("leads {names} in London"))
def leads(story: Story, names: str) -> None:
    async def enter() -> None:
        office = story.office
        office.dataset_id = await office.tenant.dataset()
        for number, name in enumerate(listed(names)):
            office.phones[name] = f"+4477009006{number:02d}"
            office.leads[name] = await office.tenant.lead(office.phones[name], office.dataset_id)

    story.run(enter())


@given(parsers.parse("{name} can be written to at {address}"))
def with_address(story: Story, name: str, address: str) -> None:
    async def enter() -> None:
        await story.office.tenant.execute(
            "UPDATE contacts SET email = $2 WHERE organization_id = $1 AND phone = $3",
            address,
            story.office.phones[name],
        )

    story.run(enter())


@given("their campaign starts")
def the_campaign_starts(story: Story) -> None:
    async def start() -> None:
        async with story.office.tenant.use(Campaigns) as campaigns:
            assert story.office.dataset_id is not None
            settings = SettingsIn(rate_limit_messages_per_minute=60)
            await campaigns.start(StartCampaign(dataset_id=story.office.dataset_id, settings=settings))
        await story.office.work_off()

    story.run(start())


@given(parsers.re(f"time passes until {_AT}"))
@when(parsers.re(f"time passes until {_AT}"))
def time_passes(story: Story, at: str) -> None:
    story.run(story.office.live_until(on_london_clocks(at)))


@when(parsers.re(rf"a call with (?P<name>\w+) is booked for {_AT}"))
def booked(story: Story, name: str, at: str) -> None:
    async def book() -> None:
        async with story.office.tenant.use(Bookings) as bookings:
            command = BookCall(lead_id=story.office.leads[name], start_time=on_london_clocks(at))
            shown, settled = await bookings.book(command)
        assert settled
        story.booking = UUID(msgspec.json.decode(shown)["id"])
        await story.office.work_off()

    story.run(book())


@when(parsers.re(rf"a call with (?P<name>\w+) is asked for on {_AT}"))
def asked_for(story: Story, name: str, at: str) -> None:
    with pytest.raises(Conflict) as raised:
        booked(story, name, at)
    story.refusal = raised.value


@when(parsers.re(rf"\w+'s call is moved to {_AT}"))
def moved(story: Story, at: str) -> None:
    async def move() -> None:
        assert story.booking is not None
        async with story.office.tenant.use(Bookings) as bookings:
            await bookings.move(story.booking, MoveBooking(start_time=on_london_clocks(at)), None)

    story.run(move())


@when(parsers.re(r"\w+'s call is cancelled"))
def cancelled(story: Story) -> None:
    async def cancel() -> None:
        assert story.booking is not None
        async with story.office.tenant.use(Bookings) as bookings:
            assert await bookings.cancel(story.booking)

    story.run(cancel())


@given(parsers.parse('{name} writes "{words}"'))
@when(parsers.parse('{name} writes "{words}"'))
def writes(story: Story, name: str, words: str) -> None:
    story.run(story.office.arrive(name, words))


@when(parsers.parse("{name} is given back to the AI"))
def given_back(story: Story, name: str) -> None:
    async def give_back() -> None:
        async with story.office.tenant.use(Leads) as leads:
            await leads.set_manual_mode(story.office.leads[name], enabled=False)

    story.run(give_back())


@when(parsers.re(r"the post office (?P<state>closes|opens again)"))
def post_office(story: Story, state: str) -> None:
    mailing = story.run(story.office.tenant.house.get(Mailing))
    assert isinstance(mailing, RememberingMailing)
    mailing.is_closed = state == "closes"


@then(parsers.re(r"(?P<name>\w+) is (?P<status>[A-Z_]+)"))
def in_status(story: Story, name: str, status: str) -> None:
    assert story.run(story.office.status(name)) == status


@then(parsers.re(r"(?P<name>\w+) is left to a person, because of \"(?P<reason>\w+)\""))
def left_to_a_person(story: Story, name: str, reason: str) -> None:
    statement = "SELECT turn_holder || ' ' || attention FROM conversations WHERE organization_id = $1 AND address = $2"
    assert story.run(story.office.tenant.value(statement, story.office.phones[name])) == f"person {reason}"


@then(parsers.re(r"(?P<who>a person is told once|nobody is told) that (?P<name>\w+) needs (?:one|a person)"))
def told_of(story: Story, who: str, name: str) -> None:
    statement = (
        "SELECT count(*) FROM events WHERE organization_id = $1 AND type = 'conversation.handed_to_person'"
        " AND data->>'lead_id' = $2"
    )
    told = story.run(story.office.tenant.value(statement, str(story.office.leads[name])))
    assert told == (0 if who == "nobody is told" else 1)


def _kinds(story: Story, name: str) -> list[str]:
    return [sent.kind for sent in story.run(story.office.got(name))]


@then(parsers.re(r"(?P<name>\w+) got no M2"))
def got_no_m2(story: Story, name: str) -> None:
    assert _kinds(story, name)[:1] == ["m1"]
    assert "m2" not in _kinds(story, name)


@then(parsers.re(r"(?P<name>\w+) got M2"))
def got_m2(story: Story, name: str) -> None:
    assert _kinds(story, name) == ["m1", "m2"]


@then(parsers.re(rf"\w+ is told that {_AT} is free"))
def told(story: Story, at: str) -> None:
    assert story.refusal is not None
    slots = [message for field, message in story.refusal.details if field == "next_slot"]
    assert datetime.fromisoformat(slots[0]) == on_london_clocks(at)


@when("texts cannot leave")
def texts_cannot_leave(story: Story) -> None:
    story.office.tenant.texting.rests = 60.0


@when("texts can leave again")
def texts_can_leave(story: Story) -> None:
    story.office.tenant.texting.rests = 0.0


def _reminders(story: Story, name: str) -> list[str]:
    sent = story.run(story.office.got(name))
    return [f"{s.at:%A} {s.at.day} {s.at:%B %Y at %H:%M}" for s in sent if s.kind == "booking_reminder"]


@then(parsers.re(r"(?P<name>\w+) was reminded on (?P<times>.*)"))
def reminded(story: Story, name: str, times: str) -> None:
    assert _reminders(story, name) == times.split(" and ")


@then(parsers.parse('{name}\'s last reminder says "{words}"'))
def reminder_says(story: Story, name: str, words: str) -> None:
    tenant, phone = story.office.tenant, story.office.phones[name]
    mine = [text for text in tenant.texting.taken if text.organization_id == tenant.organization_id]
    assert words in [text.body for text in mine if str(text.to) == phone][-1]


@then(parsers.re(r"(?P<name>\w+) was not reminded"))
def not_reminded(story: Story, name: str) -> None:
    assert _reminders(story, name) == []


@then(parsers.parse('{address} got {number:d} mails about "{when}"'))
def mailed(story: Story, address: str, number: int, when: str) -> None:
    mailing = story.run(story.office.tenant.house.get(Mailing))
    assert isinstance(mailing, RememberingMailing)
    mine = [m for m in mailing.taken if m.organization_id == story.office.tenant.organization_id and m.to == address]
    about = [m for m in mine if m.subject == f"Your call with Bright Windows: {when}"]
    assert len(about) == number
    assert len({m.key for m in about}) == number
