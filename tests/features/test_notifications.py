"""Steps of `features/messaging/notifications.feature`."""

from dataclasses import dataclass
from typing import Any

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from application.messaging.messages import Messages, SendMessage
from application.ports import Actor
from domain.identity.role import PERMISSIONS, Role
from domain.kernel import new_id
from domain.messaging.message import MailFailed
from domain.outreach.campaign import CampaignCompleted
from tests.features.colleagues import Team
from tests.features.conftest import Run
from tests.features.office import Office
from tests.features.test_campaigns import on_london_clocks

pytestmark = pytest.mark.usefixtures("anyio_backend")
pytest_plugins = ["tests.http.background", "tests.features.opened_office"]
scenarios("messaging/notifications.feature")
_AT = r"(?P<at>\w+day \d+ \w+ \d{4} at \d\d:\d\d)"


@dataclass
class Story:
    """Hold what a scenario's steps share."""

    office: Office
    team: Team
    run: Run[Any]

    def sees(self, name: str) -> list[Any]:
        """List what somebody sees on screen."""
        return [told for told in self.run(self.team.told(name)) if told["in_app"]]

    def mails(self, name: str) -> list[str]:
        """List the subjects of somebody's mails."""
        return [mail.subject for mail in self.run(self.team.mails(name))]


@pytest.fixture
def story(office: Office, run: Run[Any]) -> Story:
    """Begin."""
    return Story(office, Team(office), run)


@given(parsers.re(f"it is {_AT}"))
def it_is(story: Story, at: str) -> None:
    story.run(story.office.set_clock(on_london_clocks(at)))


@given("Olga owns the business, Mary manages it and Rita sells")
def colleagues(story: Story) -> None:
    for name, role in (("Olga", Role.OWNER), ("Mary", Role.MANAGER), ("Rita", Role.REP)):
        story.run(story.team.take_in(name, role))


@given("Ada is Rita's lead, and Bob is nobody's")
def leads(story: Story) -> None:
    async def enter(name: str, phone: str, assigned_to: str | None) -> None:
        story.office.phones[name] = phone
        story.office.leads[name] = await story.team.lead(assigned_to, phone=phone)
        async with story.office.tenant.sql() as connection:
            await connection.execute(
                "UPDATE contacts SET first_name = $3 WHERE organization_id = $1 AND phone = $2",
                story.team.organization_id,
                phone,
                name,
            )

    story.run(enter("Ada", "+447700900801", "Rita"))
    story.run(enter("Bob", "+447700900802", None))


@given(parsers.parse("{name} has taken Ada's conversation over"))
def takes_over(story: Story, name: str) -> None:
    async def take() -> None:
        tenant = story.office.tenant
        actor = Actor(tenant.organization_id, story.team.people[name], PERMISSIONS[Role.MANAGER], sees_all_leads=True)
        async with tenant.use(Messages, actor) as messages:
            await messages.send(SendMessage(story.office.leads["Ada"], "Hello Ada, Mary here."))
        await story.office.work_off()

    story.run(take())


@given("Rita wants to be told by text what is immediate")
def wants_texts(story: Story) -> None:
    async def choose() -> None:
        async with story.office.tenant.sql() as connection:
            await connection.execute(
                "UPDATE accounts SET phone = '+447700900803' WHERE id = $1", story.team.people["Rita"]
            )
        await story.team.prefer("Rita", channels={"immediate": ["in_app", "sms"]})

    story.run(choose())


@given(parsers.parse("Mary reads her digest at {hour:d} o'clock"))
def reads_at(story: Story, hour: int) -> None:
    story.run(story.team.prefer("Mary", digest_hour=hour))


@when(parsers.parse('{name} writes "{words}"'))
def writes(story: Story, name: str, words: str) -> None:
    story.run(story.office.arrive(name, words))


@when(parsers.re(f"time passes until {_AT}"))
def time_passes(story: Story, at: str) -> None:
    story.run(story.office.live_until(on_london_clocks(at)))


@when("two campaigns are done")
def campaigns_done(story: Story) -> None:
    async def done() -> None:
        for _ in range(2):
            dataset_id = await story.office.tenant.dataset()
            at = await story.office.now()
            await story.team.happens(CampaignCompleted(subject=new_id(), dataset_id=dataset_id, at=at))

    story.run(done())


@when("the mail provider takes nothing any more, because the key is wrong")
def key_is_wrong(story: Story) -> None:
    reason = "Resend: API key is invalid."
    failed = MailFailed(subject=story.team.organization_id, provider="resend", reason=reason)
    story.run(story.team.happens(failed))


@when("Rita leaves")
def leaves(story: Story) -> None:
    async def leave() -> None:
        async with story.office.tenant.sql() as connection:
            await connection.execute(
                "UPDATE memberships SET is_active = false WHERE account_id = $1", story.team.people["Rita"]
            )

    story.run(leave())


@then(parsers.parse('{name} was told "{title}" once, on screen and by mail'))
def told_once(story: Story, name: str, title: str) -> None:
    assert [told["title"] for told in story.sees(name)].count(title) == 1
    assert story.mails(name).count(f"{title} – Bright Windows") == 1


@then(parsers.parse('{name} was told "{title}" once, on screen alone'))
def told_on_screen(story: Story, name: str, title: str) -> None:
    assert [told["title"] for told in story.sees(name)] == [title]
    assert story.mails(name) == []


@when("Rita gets another number")
def another_number(story: Story) -> None:
    async def change() -> None:
        async with story.office.tenant.sql() as connection:
            await connection.execute(
                "UPDATE accounts SET phone = '+447700900804' WHERE id = $1", story.team.people["Rita"]
            )

    assert [told["title"] for told in story.run(story.team.told("Rita"))] == ["Ada wants to go on"]
    story.run(change())


@then("nobody was told anything by text")
def no_text_to_people(story: Story) -> None:
    mine = [text for text in story.office.tenant.texting.taken if text.organization_id == story.team.organization_id]
    assert [text.body for text in mine if text.body == "Ada wants to go on"] == []


@then("nobody else was told anything")
def nobody_else(story: Story) -> None:
    assert (story.sees("Olga"), story.sees("Mary")) == ([], [])


@then(parsers.parse("nobody but {name} was told anything"))
def nobody_but(story: Story, name: str) -> None:
    assert [told for told in story.team.people if told != name and story.run(story.team.told(told))] == []


@then(parsers.parse("{name} was told nothing"))
def told_nothing(story: Story, name: str) -> None:
    assert story.run(story.team.told(name)) == []
    assert story.mails(name) == []


@then(parsers.parse('Rita got one text, "{body}", and no mail'))
def one_text(story: Story, body: str) -> None:
    mine = [text for text in story.office.tenant.texting.taken if text.organization_id == story.team.organization_id]
    assert [text.body for text in mine if str(text.to) == "+447700900803"] == [body]
    assert story.mails("Rita") == []


@then("Mary got no mail")
def no_mail(story: Story) -> None:
    assert story.mails("Mary") == []


@then(parsers.parse('Mary got one mail, "{subject}"'))
def one_mail(story: Story, subject: str) -> None:
    assert story.mails("Mary") == [subject]
