"""Steps of the campaigns', the messages' and the coach's features."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from application.messaging.asking import Asking
from application.messaging.messages import Messages, SendMessage
from application.messaging.replies import Replies
from application.messaging.reply_writing import WritingTask, Written
from application.outreach.campaign_forms import OfDataset, SettingsIn, StartCampaign
from application.outreach.campaigns import Campaigns
from application.sales.leads import Leads
from domain.kernel import Conflict
from domain.messaging.reply import AnswerDue
from tests.features.conftest import Run
from tests.features.office import LONDON, Office

pytestmark = pytest.mark.usefixtures("anyio_backend")
pytest_plugins = [
    "tests.http.background",
    "tests.features.opened_office",
    "tests.features.coach_steps",
    "tests.features.touch_steps",
]
scenarios(
    "outreach/campaign_timing.feature",
    "outreach/quiet_hours.feature",
    "outreach/pause_and_resume.feature",
    "messaging/stop.feature",
    "messaging/manual_mode.feature",
    "messaging/ai_replies.feature",
    "coaching/insights.feature",
    "coaching/touches.feature",
)
ZONES = {"London": ("Europe/London",), "New York": ("America/New_York",)}
KINDS = {
    "a confirmation": "opt_out_confirmation",
    "a welcome": "opt_in",
    "a person's text": "human_manual",
    "the AI's answer": "ai_response",
    "M1": "m1",
    "M2": "m2",
    "M3": "m3",
}


@dataclass
class Story:
    """Hold what a scenario's steps share."""

    office: Office
    run: Run[Any]
    refusal: Conflict | None = None


@pytest.fixture
def story(office: Office, run: Run[Any]) -> Story:
    """Begin."""
    return Story(office, run)


def listed(words: str) -> list[str]:
    """Take `Ada, Bob and Cleo` apart."""
    return [word.strip() for word in words.replace(" and ", ", ").split(", ") if word.strip()]


def on_london_clocks(words: str) -> datetime:
    """Read `Monday 15 March 2027 at 10:00`; the day of the week must be right."""
    at = datetime.strptime(words, "%A %d %B %Y at %H:%M").replace(tzinfo=LONDON)
    assert f"{at:%A}" == words.split(" ", 1)[0], f"{words} is a {at:%A}"
    return at.astimezone(UTC)


@given(parsers.parse("a campaign for {names} in {place}, one text a minute"))
def a_campaign(story: Story, names: str, place: str) -> None:
    async def enter() -> None:
        office = story.office
        office.dataset_id = await office.tenant.dataset()
        for number, name in enumerate(listed(names)):
            office.phones[name] = f"+4477009005{number:02d}"
            office.leads[name] = await office.tenant.lead(office.phones[name], office.dataset_id, zones=ZONES[place])

    story.run(enter())


@given(parsers.parse("it is {at}"))
def it_is(story: Story, at: str) -> None:
    story.run(story.office.set_clock(on_london_clocks(at)))


@given("the campaign starts")
@when("the campaign starts")
def the_campaign_starts(story: Story) -> None:
    async def start() -> None:
        async with story.office.tenant.use(Campaigns) as campaigns:
            assert story.office.dataset_id is not None
            settings = SettingsIn(rate_limit_messages_per_minute=1)
            await campaigns.start(StartCampaign(dataset_id=story.office.dataset_id, settings=settings))
        await story.office.work_off()

    story.run(start())


@given("time passes until 30 seconds later")
def half_a_minute(story: Story) -> None:
    async def pass_by() -> None:
        await story.office.live_until(await story.office.now() + timedelta(seconds=30))

    story.run(pass_by())


@given(parsers.parse("time passes until {weekday} {day:d} {month} {year:d} at {clock}"))
@when(parsers.parse("time passes until {weekday} {day:d} {month} {year:d} at {clock}"))
def time_passes(story: Story, weekday: str, day: int, month: str, year: int, clock: str) -> None:
    story.run(story.office.live_until(on_london_clocks(f"{weekday} {day} {month} {year} at {clock}")))


@when(parsers.re(r"the campaign is (?P<verb>pause|resume)d"))
def steer(story: Story, verb: str) -> None:
    async def do() -> None:
        async with story.office.tenant.use(Campaigns) as campaigns:
            assert story.office.dataset_id is not None
            await getattr(campaigns, verb)(OfDataset(dataset_id=story.office.dataset_id))
        await story.office.work_off()

    story.run(do())


@when(parsers.parse('{name} writes "{words}"'))
def writes(story: Story, name: str, words: str) -> None:
    story.run(story.office.arrive(name, words))


@when(parsers.parse('a person texts {name} "{words}"'))
def a_person_texts(story: Story, name: str, words: str) -> None:
    async def send() -> None:
        try:
            async with story.office.tenant.use(Messages) as messages:
                await messages.send(SendMessage(lead_id=story.office.leads[name], content=words))
        except Conflict as refusal:
            story.refusal = refusal
        await story.office.work_off()

    story.run(send())


@when(parsers.re(r"a person (?P<verb>takes|hands) (?P<name>\w+) (over|back)"))
def take_over(story: Story, verb: str, name: str) -> None:
    async def set_mode() -> None:
        async with story.office.tenant.use(Leads) as leads:
            await leads.set_manual_mode(story.office.leads[name], verb == "takes")
        await story.office.work_off()

    story.run(set_mode())


@when(parsers.parse("{name} stands on another list, whose campaign starts"))
def another_list(story: Story, name: str) -> None:
    async def enter() -> None:
        office = story.office
        dataset_id = await office.tenant.dataset()
        await office.tenant.lead(office.phones[name], dataset_id)
        async with office.tenant.use(Campaigns) as campaigns:
            await campaigns.start(StartCampaign(dataset_id=dataset_id))
        await office.work_off()

    story.run(enter())


@then(parsers.re(r"(?P<name>\w+) got (?P<what>M\d) on (?P<at>.+)"))
def got_on(story: Story, name: str, what: str, at: str) -> None:
    _assert_got(story, name, what, on_london_clocks(at))


@then(parsers.re(r"(?P<name>\w+) got (?P<what>M\d) at (?P<at>.+) UTC"))
def got_at(story: Story, name: str, what: str, at: str) -> None:
    _assert_got(story, name, what, datetime.strptime(at, "%Y-%m-%d %H:%M").replace(tzinfo=UTC))


def _assert_got(story: Story, name: str, what: str, at: datetime) -> None:
    found = [sent.at for sent in story.run(story.office.got(name)) if sent.kind == KINDS[what]]
    assert [when.astimezone(UTC).replace(second=0, microsecond=0) for when in found] == [at]


@then(parsers.re(r"(?P<name>\w+) got (?P<what>(?!M\d (on|at) ).+)"))
def got(story: Story, name: str, what: str) -> None:
    words = [] if what == "nothing" else listed(what.removesuffix(" and nothing else"))
    assert [sent.kind for sent in story.run(story.office.got(name))] == [KINDS[word] for word in words]


@then(parsers.re(r"(?P<name>\w+) is (?P<status>[A-Z_]+)$"))
def is_in_status(story: Story, name: str, status: str) -> None:
    assert story.run(story.office.status(name)) == status


@then("the campaign is completed")
def is_completed(story: Story) -> None:
    found = story.run(story.office.tenant.value("SELECT status FROM campaigns WHERE organization_id = $1"))
    assert found == "completed"


@then(parsers.parse("the texts left at {times}"))
def left_at(story: Story, times: str) -> None:
    assert [f"{at.astimezone(LONDON):%H:%M}" for _, _, at in story.office.sent] == listed(times)


@then(parsers.re(r'"(?P<rule>\w+)" has delayed (?P<count>\d+) texts?'))
def has_delayed(story: Story, rule: str, count: str) -> None:
    statement = "SELECT count(*) FROM sends WHERE organization_id = $1 AND delayed_by = $2"
    assert story.run(story.office.tenant.value(statement, rule)) == int(count)


@then(parsers.parse('that is refused, because of "{rule}"'))
def is_refused(story: Story, rule: str) -> None:
    assert story.refusal is not None
    assert ("rule", rule) in story.refusal.details


@when(parsers.parse('{name} writes "{words}" while the AI writes'))
def writes_meanwhile(story: Story, name: str, words: str) -> None:
    story.run(_meanwhile(story, name, words, by_person=False))


@when(parsers.parse('a person texts {name} "{words}" while the AI writes'))
def texts_meanwhile(story: Story, name: str, words: str) -> None:
    story.run(_meanwhile(story, name, words, by_person=True))


async def _meanwhile(story: Story, name: str, words: str, *, by_person: bool) -> None:
    """Let the AI's turn begin, then let something happen, then let it end."""
    office = story.office
    thread = await office.tenant.value(
        "SELECT id FROM conversations WHERE organization_id = $1 AND address = $2", office.phones[name]
    )
    async with office.tenant.use(Replies, office.tenant.system()) as replies:
        writing = replies.writing
        asked = writing.asking

        class Slow:
            async def write(self, task: WritingTask) -> Written:
                written = await asked.writer.write(task)
                object.__setattr__(writing, "asking", asked)
                if by_person:
                    async with office.tenant.use(Messages) as messages:
                        await messages.send(SendMessage(lead_id=office.leads[name], content=words))
                else:
                    await office.arrive(name, words)
                return written

        object.__setattr__(writing, "asking", Asking(Slow()))
        await replies.answer(AnswerDue(subject=thread))
    await office.work_off()


@then(parsers.re(r"(?P<name>\w+) is left to a person, because of \"(?P<reason>\w+)\""))
def left_to_a_person(story: Story, name: str, reason: str) -> None:
    statement = "SELECT turn_holder || ' ' || attention FROM conversations WHERE organization_id = $1 AND address = $2"
    assert story.run(story.office.tenant.value(statement, story.office.phones[name])) == f"person {reason}"


@then(parsers.parse("the last text to {name} offers a call on {day}, not before {time}"))
def last_text_offers(story: Story, name: str, day: str, time: str) -> None:
    texts = [text.body for text in story.office.tenant.texting.taken if text.to == story.office.phones[name]]
    offered = re.search(rf"Would {day} at (\d\d:\d\d)", texts[-1])
    assert offered is not None, texts[-1]
    assert offered[1] >= time


@then(parsers.parse('the last text to {name} says "{words}"'))
def last_text_says(story: Story, name: str, words: str) -> None:
    texts = [text.body for text in story.office.tenant.texting.taken if text.to == story.office.phones[name]]
    assert words in texts[-1]
