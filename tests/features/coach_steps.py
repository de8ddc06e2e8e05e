"""Steps about the coach, for every feature that has a campaign."""

from typing import Any

from pytest_bdd import given, parsers, then, when

from application.coaching.insight_forms import DismissInsight
from application.coaching.insight_lessons import AgreeWithInsight, DisagreeWithInsight, InsightLessons
from application.coaching.insights import Insights
from application.outreach.campaign_forms import SettingsIn, StartCampaign, TouchIn, VariantIn
from application.outreach.campaigns import Campaigns
from tests.features.conftest import Run
from tests.features.office import Office

OPEN = "SELECT id, title, affected_leads FROM insights WHERE organization_id = $1 AND status IN ('pending', 'viewed')"


async def _open(office: Office) -> list[Any]:
    async with office.tenant.sql() as connection:
        return list(await connection.fetch(OPEN, office.tenant.organization_id))


@given(parsers.parse('the campaign starts with an M1 that says "{words}"'))
def starts_with(office: Office, run: Run[Any], words: str) -> None:
    async def start() -> None:
        assert office.dataset_id is not None
        touches = [TouchIn(touch="M1", variants=[VariantIn(template=words)])]
        settings = SettingsIn(rate_limit_messages_per_minute=1, touches=touches)
        async with office.tenant.use(Campaigns) as campaigns:
            await campaigns.start(StartCampaign(dataset_id=office.dataset_id, settings=settings))
        await office.work_off()

    run(start())


@when("the owner dismisses what the coach found")
def dismisses(office: Office, run: Run[Any]) -> None:
    async def dismiss() -> None:
        for row in await _open(office):
            async with office.tenant.use(Insights) as insights:
                await insights.dismiss(row["id"], DismissInsight(reason="We know."), None)
        await office.work_off()

    run(dismiss())


@when(parsers.parse('the owner agrees, since "{note}"'))
def agrees(office: Office, run: Run[Any], note: str) -> None:
    async def agree() -> None:
        [row] = await _open(office)
        async with office.tenant.use(InsightLessons) as lessons:
            await lessons.agree(row["id"], AgreeWithInsight(learning_note=note), None)
        await office.work_off()

    run(agree())


@when(parsers.parse('the owner disagrees, since "{note}"'))
def disagrees(office: Office, run: Run[Any], note: str) -> None:
    async def disagree() -> None:
        [row] = await _open(office)
        async with office.tenant.use(InsightLessons) as lessons:
            await lessons.disagree(row["id"], DisagreeWithInsight(teaching_note=note, correct_approach=note), None)
        await office.work_off()

    run(disagree())


@then(parsers.parse('there is an active lesson "{title}"'))
def is_learned(office: Office, run: Run[Any], title: str) -> None:
    statement = "SELECT title FROM lessons WHERE organization_id = $1 AND status = 'active'"
    assert run(office.tenant.value(statement)) == title


@then(parsers.re(r'the coach found "(?P<title>.+)" with (?P<leads>\d+) leads?'))
def found(office: Office, run: Run[Any], title: str, leads: str) -> None:
    assert [(row["title"], row["affected_leads"]) for row in run(_open(office))] == [(title, int(leads))]


@then(parsers.parse('the words that show it are "{words}"'))
def shown_by(office: Office, run: Run[Any], words: str) -> None:
    statement = "SELECT words FROM insight_evidence WHERE organization_id = $1 ORDER BY id DESC LIMIT 1"
    assert run(office.tenant.value(statement)) == words


@then("the coach has nothing to say")
def nothing_to_say(office: Office, run: Run[Any]) -> None:
    assert run(_open(office)) == []


@then(parsers.parse("{name}'s conversation scores {score:d}"))
def scores(office: Office, run: Run[Any], name: str, score: int) -> None:
    statement = (
        "SELECT r.score FROM reviewed_conversations r JOIN conversations c ON c.organization_id = $1"
        " AND c.id = r.conversation_id WHERE r.organization_id = $1 AND c.address = $2"
    )
    assert run(office.tenant.value(statement, office.phones[name])) == score
