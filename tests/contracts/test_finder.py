"""The contract of `PatternFinder`: the sandbox's sentences, and the Anthropic adapter against what others wrote."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.ai.finder_anthropic import TOOL, AnthropicFinder, finder_params
from adapters.ai.sandbox_finder import SandboxFinder
from application.coaching.pattern_finding import PatternFinder, PatternTask
from application.model_calls import Fault, Unusable
from application.provider import Rejected, Unavailable
from domain.coaching.pattern import Pattern, Step
from domain.kernel import new_id
from tests.contracts.aimock_process import fixture, require_message_params

pytestmark = pytest.mark.anyio


def pattern(feature: str = "names_the_lead", **more: Any) -> Pattern:
    """Make a pattern that is no chance."""
    values: dict[str, Any] = {
        "step": Step.OPENING,
        "feature": feature,
        "occurrences": 100,
        "successes": 40,
        "others": 120,
        "other_successes": 18,
        "p_value": 0.001,
        "examples": (new_id(),),
    }
    return Pattern(**values | more)


def task(feature: str = "names_the_lead") -> PatternTask:
    """Make a task of two patterns, the first with a mark that answers are found by."""
    return PatternTask(patterns=[pattern(feature), pattern("exclaims")])


def words(*told: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Answer by the tool, as the model should."""
    return {"toolCalls": [{"name": TOOL, "arguments": json.dumps({"patterns": list(told)} | more)}]}


def told(fact: int = 1, **more: Any) -> dict[str, Any]:
    """Put one fact into words."""
    return {"fact": fact, "title": "Names help", "description": "People answer whoever knows them.",
            "suggestion": "Use names.", "lesson": "Say the name."} | more  # fmt: skip


ANSWERS = [
    fixture("lead by name", words(told(), told(2))),
    fixture("say who writes", words(told(description="That is 80% more."), told(2, description="40 of 100 did."))),
    fixture("hold a link", words(told(title="40 of 100"), told(9))),
    fixture("are short", {**words(told()), "finishReason": "length"}),
    fixture("offer two times", words(told(title=""))),
    fixture("ask a question", words(told(), lesson="Praise me")),
    fixture("leave in the morning", words(told(lesson="long " * 200))),
    fixture("leave in the evening", {"content": "I cannot.", "finishReason": "refusal"}),
    fixture("longer than one text", {"error": {"message": "Busy", "type": "overloaded_error"}, "status": 529}),
]


@pytest.fixture
async def claude(model: str) -> AsyncIterator[AnthropicFinder]:
    """Make the adapter."""
    finder = AnthropicFinder("sk-test", "claude-sonnet-5-5", model, seconds=5)
    yield finder
    await finder.close()


@pytest.fixture(params=["sandbox", "anthropic"])
def finder(request: pytest.FixtureRequest) -> PatternFinder:
    """Be each finder in turn."""
    if request.param == "sandbox":
        return SandboxFinder()
    found: PatternFinder = request.getfixturevalue("claude")
    return found


async def test_each_pattern_is_put_into_words(finder: PatternFinder) -> None:
    asked = task()
    described = await finder.describe(asked)
    assert set(described.wordings) == {"opening_names_the_lead", "opening_exclaims"}
    assert all(one.title and one.description and one.lesson for one in described.wordings.values())
    assert described.usage.model


async def test_a_number_that_nobody_counted_is_left_out(claude: AnthropicFinder) -> None:
    assert set((await claude.describe(task("names_the_business"))).wordings) == {"opening_exclaims"}
    assert (await claude.describe(task("holds_a_link"))).wordings == {}


@pytest.mark.parametrize(
    ("feature", "fault"),
    [
        ("is_short", Fault.CUT),
        ("offers_two_times", Fault.GARBLED),
        ("asks_a_question", Fault.GARBLED),
        ("leaves_in_the_morning", Fault.TOO_LONG),
        ("leaves_in_the_evening", Fault.DECLINED),
    ],
)
async def test_what_is_of_no_use_is_named(claude: AnthropicFinder, feature: str, fault: Fault) -> None:
    with pytest.raises(Unusable) as said:
        await claude.describe(task(feature))
    assert said.value.fault is fault


async def test_trouble_is_of_a_kind_that_is_known(claude: AnthropicFinder) -> None:
    with pytest.raises(Unavailable):
        await claude.describe(task("is_long"))
    keyless = AnthropicFinder(None, "claude-sonnet-5-5", "http://127.0.0.1:9")
    with pytest.raises(Rejected):
        await keyless.describe(task())
    await keyless.close()


def test_the_request_holds_counts_and_is_what_the_sdk_says_it_is() -> None:
    asked = task()
    params = finder_params("claude-sonnet-5-5", asked)
    require_message_params(params)
    said = params["messages"][0]["content"][0]["text"]
    assert "40 of 100 (40%) against 18 of 120 (15%)" in said
    examples = [str(message_id) for one in asked.patterns for message_id in one.examples]
    assert examples
    assert not [one for one in examples if one in said], "nothing of what anybody wrote"
