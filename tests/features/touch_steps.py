"""Steps about touches that the AI writes, for every feature that has a campaign."""

from typing import Any

import pytest
from pytest_bdd import given, parsers, then, when

from adapters.ai.sandbox import SandboxReplyWriter
from application.coaching.previews import PromptPreviews
from application.coaching.prompt_forms import DraftPrompt, MakeLive, PreviewFor, PreviewView
from application.coaching.prompts import Prompts
from application.messaging.reply_writing import WritingTask, Written
from application.outreach.campaign_forms import SettingsIn, StartCampaign, TouchIn, VariantIn
from application.outreach.campaigns import Campaigns
from application.provider import Unavailable
from domain.coaching.prompt import PromptType
from domain.outreach.campaign import TextFrom
from tests.features.conftest import Run
from tests.features.office import Office

TEMPLATE = "Hello from the template. Reply STOP to opt out."
ASKED = "UPDATE leads SET product = $3 WHERE organization_id = $1 AND id = $2 RETURNING id"
LATEST = """
SELECT r.prompt_version FROM replies r JOIN messages m ON m.organization_id = $1 AND m.id = r.id
WHERE r.organization_id = $1 AND m.lead_id = $2 ORDER BY m.created_at DESC LIMIT 1
"""


@given(parsers.parse("{name} once asked about {product}"))
def once_asked(office: Office, run: Run[Any], name: str, product: str) -> None:
    assert run(office.tenant.value(ASKED, office.leads[name], product))


@given(parsers.parse("the live prompt for {touch} says '{words}'"))
def live_prompt(office: Office, run: Run[Any], touch: str, words: str) -> None:
    async def publish() -> None:
        async with office.tenant.use(Prompts) as prompts:
            await prompts.draft(PromptType(touch.lower()), DraftPrompt(system_prompt=words), None)
            await prompts.make_live(PromptType(touch.lower()), MakeLive())

    run(publish())


@given(parsers.parse("a draft for {touch} that says '{words}'"))
def drafted(office: Office, run: Run[Any], touch: str, words: str) -> None:
    async def draft() -> None:
        async with office.tenant.use(Prompts) as prompts:
            await prompts.draft(PromptType(touch.lower()), DraftPrompt(system_prompt=words), None)

    run(draft())


@given("the model is away")
def model_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(_self: SandboxReplyWriter, _task: WritingTask) -> Written:
        raise Unavailable(None, "The model is busy.")

    monkeypatch.setattr(SandboxReplyWriter, "write", away)


def touches(text_from: TextFrom) -> list[TouchIn]:
    """Let all three touches be written so."""
    variants = [VariantIn(template=TEMPLATE, text_from=text_from)]
    return [TouchIn(touch=touch, variants=variants) for touch in ("M1", "M2", "M3")]


@when("the campaign starts, with texts that the AI writes")
def starts_with_the_ai(office: Office, run: Run[Any]) -> None:
    async def start() -> None:
        assert office.dataset_id is not None
        settings = SettingsIn(rate_limit_messages_per_minute=1, touches=touches(TextFrom.PROMPT))
        async with office.tenant.use(Campaigns) as campaigns:
            await campaigns.start(StartCampaign(dataset_id=office.dataset_id, settings=settings))
        await office.work_off()

    run(start())


@when("its texts are to be the templates again")
def goes_back(office: Office, run: Run[Any]) -> None:
    async def change() -> None:
        assert office.dataset_id is not None
        async with office.tenant.use(Campaigns) as campaigns:
            await campaigns.change(office.dataset_id, SettingsIn(touches=touches(TextFrom.TEMPLATE)), None)
        await office.work_off()

    run(change())


@when(parsers.parse("somebody previews {touch} for {name}"), target_fixture="preview")
def previewed(office: Office, run: Run[Any], touch: str, name: str) -> PreviewView:
    async def show() -> PreviewView:
        async with office.tenant.use(PromptPreviews) as previews:
            return await previews.show(PromptType(touch.lower()), PreviewFor(lead_id=office.leads[name]))

    preview: PreviewView = run(show())
    return preview


@then(parsers.parse('the preview says "{words}"'))
def preview_says(preview: PreviewView, words: str) -> None:
    assert words in preview.answer


@then(parsers.parse("the last text to {name} remembers version {number:d} of the prompt for {touch}"))
def remembers(office: Office, run: Run[Any], name: str, number: int, touch: str) -> None:
    assert run(office.tenant.value(LATEST, office.leads[name])) == f"master-0/{touch.lower()}-{number}"


@then(parsers.parse('the campaign says that {count:d} texts fell back, because of "{reason}"'))
def fell_back(office: Office, run: Run[Any], count: int, reason: str) -> None:
    async def counted() -> list[tuple[str, str | None, int]]:
        assert office.dataset_id is not None
        async with office.tenant.use(Campaigns) as campaigns:
            found = (await campaigns.show(office.dataset_id)).ai_texts
        return [(one.status, one.reason, one.count) for one in found]

    assert run(counted()) == [("fell_back", reason, count)]


@then(parsers.parse("no two texts to {name} are alike"))
def none_alike(office: Office, name: str) -> None:
    organization, phone = office.tenant.organization_id, office.phones[name]
    taken = [text for text in office.tenant.texting.taken if text.organization_id == organization]
    texts = [text.body for text in taken if text.to == phone]
    assert len(set(texts)) == len(texts)
