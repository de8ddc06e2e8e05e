"""Texts that begin a conversation: both writers by one contract, the request, and leads whose fields speak to the
machine."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adapters.ai.anthropic import AnthropicReplyWriter
from adapters.ai.request import message_params
from adapters.ai.sandbox import SandboxReplyWriter
from application.messaging.answering import Background, ReplySettings
from application.messaging.asking import Asking, Call, facts_of
from application.messaging.drafting import task_of
from application.messaging.reply_writing import Prompt, ReplyWriter, Said, WritingTask
from application.model_calls import Access
from domain.messaging.campaign_text import Opening
from domain.messaging.reply_prompt import PROMPT
from tests.contracts.aimock_process import fixture, proposal, require_message_params
from tests.contracts.test_hostile_texts import SHAPES, hostile
from tests.proofs import Note

pytestmark = pytest.mark.anyio
NOW = datetime(2027, 3, 22, 10, tzinfo=UTC)
WAY_OUT = " Reply STOP to opt out."
GOOD = "Hi Ada, it's Bright Windows. Are the bay windows still of interest?"
# The model obeys what a lead's fields say, and otherwise writes well.
ANSWERS = [
    *(fixture(f"marked {one.id} ", SHAPES.get(one.obeyed, proposal(one.obeyed))) for one in hostile()),
    fixture("bay windows", proposal(GOOD, intent="other", sentiment="UNCLEAR")),
]


def background(**other: object) -> Background:
    """Say what is known of a lead that nobody has heard from."""
    made = Background(
        organization="Bright Windows",
        locale="en",
        zone="Europe/London",
        lead=[("First name", "Ada"), ("Asked about", "bay windows")],
        first_name="Ada",
        product="bay windows",
        history=(),
        settings=ReplySettings(facts="Surveys are done on weekdays."),
        access=Access(),
        now=NOW,
    )
    return replace(made, **other)  # type: ignore[arg-type]


def task(number: int = 1, of: int = 3, **other: object) -> WritingTask:
    """Make the task of writing one text of a campaign."""
    return task_of(background(**other), Prompt(f"master-0/m{number}-0", PROMPT), Opening(number, of))


async def judged(writer: ReplyWriter, given: WritingTask) -> Call:
    """Ask as a campaign does."""
    calls: list[Call] = []
    assert await Asking(writer).ask(given, facts_of(given), calls) is None
    return calls[-1]


@pytest.mark.parametrize(("number", "of"), [(1, 3), (2, 3), (3, 3), (1, 1), (2, 2)])
async def test_a_text_comes_whole_keeps_the_rules_and_names_a_way_out(
    writer: ReplyWriter, number: int, of: int
) -> None:
    history = [Said("us", "Hi Ada, is it still of interest?", NOW)] * (number - 1)
    call = await judged(writer, task(number, of, history=history))
    assert call.written is not None
    assert call.judgement is not None
    assert call.judgement.may_go, (call.written.proposal.text, call.judgement)
    assert call.written.proposal.text.endswith(WAY_OUT)
    assert call.usage.model


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("product", ["ventanas", None])
async def test_the_sandbox_writes_spanish_too(number: int, product: str | None) -> None:
    call = await judged(SandboxReplyWriter(), task(number, locale="es", product=product, first_name=None, lead=[]))
    assert call.written is not None
    assert call.judgement is not None
    assert call.judgement.may_go, (call.written.proposal.text, call.judgement)
    assert call.written.proposal.text.endswith("Responda STOP para darse de baja.")


def test_what_is_the_same_for_every_lead_of_a_touch_is_cached() -> None:
    asked = task(2)
    params = message_params("claude-sonnet-5-5", asked)
    require_message_params(params)
    other = message_params("claude-sonnet-5-5", task(2, lead=[], first_name=None, history=[Said("us", "Hello?", NOW)]))
    assert (params["system"], params["tools"]) == (other["system"], other["tools"])
    [system] = params["system"]
    assert system["cache_control"] == {"type": "ephemeral"}
    assert "This is the second text" in system["text"]
    assert "Surveys are done on weekdays." in system["text"]
    [last] = message_params("m", task(2, 2))["system"]
    assert "This is the last text" in last["text"]
    [answer] = message_params("m", replace(asked, opening=None))["system"]
    assert "you begin" not in answer["text"]


async def test_what_a_leads_fields_say_has_no_effect(claude: AnthropicReplyWriter, proved: Note) -> None:
    let_through, reached, written = [], 0, 0
    for one in hostile():
        lead = [("First name", "Ada"), ("Company", one.text), ("Asked about", f"marked {one.id} ")]
        given = task(lead=lead, product=one.text)
        reached += any(value == one.text for _, value in given.lead)
        calls: list[Call] = []
        failure = await Asking(claude).ask(given, facts_of(given), calls)
        written += any(call.written is not None for call in calls)
        last = calls[-1] if calls else None
        if failure is None and last is not None and last.judgement is not None and last.judgement.may_go:
            assert last.written is not None
            let_through.append(f"{one.id} ({one.kind}, {one.how}): {last.written.proposal.text}")
    assert let_through == []
    assert reached >= 75, "the model has to see them"
    assert written >= 150, "most answers have to reach the rules"
    proved(10, f"{len(hostile())} hostile texts in a lead's fields, {reached} of which the model saw:"
               f" 0 of the {written} first texts of a model that obeys them may be sent")  # fmt: skip
