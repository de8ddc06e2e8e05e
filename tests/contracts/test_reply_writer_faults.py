"""The Anthropic adapter against PyPI's `llmock`: a tool call made up from our schema, and every way to fail."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from adapters.ai.anthropic import AnthropicReplyWriter
from application.model_calls import Fault, Unusable
from application.provider import Rejected, Unavailable, Unknown
from application.provider import Unusable as NoAccess
from domain.messaging.reply_rules import judge
from tests.contracts.aimock_process import GOOD
from tests.contracts.llmock_process import Llmock, llmock
from tests.contracts.test_reply_writer import facts, task

pytestmark = pytest.mark.anyio
CALL = {"reasoning": "so", "sentiment": "NEUTRAL", "intent": "price", "text": GOOD, "confidence": 0.95}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Llmock]:
    """Run the stand-in."""
    with llmock(tmp_path_factory.mktemp("llmock")) as one:
        yield one


@pytest.fixture
async def claude(model: Llmock) -> AsyncIterator[AnthropicReplyWriter]:
    """Make the adapter."""
    writer = AnthropicReplyWriter("sk-test", "claude-sonnet-5-5", model.url, seconds=2)
    yield writer
    await writer.close()


async def test_a_call_made_up_from_our_schema_is_read_and_judged(claude: AnthropicReplyWriter, model: Llmock) -> None:
    model.will()
    asked = task("How much would it cost?")
    written = await claude.write(asked)
    assert written.proposal.text == "mock-text"
    assert written.usage.output_tokens > 0
    assert not judge(written.proposal, facts(asked)).may_go, "it names a slot that nobody offered"


async def test_a_scripted_call_is_an_answer(claude: AnthropicReplyWriter, model: Llmock) -> None:
    model.will({"type": "reply", "tool_calls": [{"name": "propose_reply", "arguments": CALL}]})
    asked = task("How much would it cost?")
    written = await claude.write(asked)
    assert judge(written.proposal, facts(asked)).may_go


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        ({"type": "fail", "status": 429, "retry_after": 7}, Unavailable),
        ({"type": "fail", "status": 500}, Unavailable),
        ({"type": "fail", "status": 503}, Unavailable),
        ({"type": "fail", "status": 529}, Unavailable),
        ({"type": "fail", "status": 400}, Rejected),
        ({"type": "fail", "status": 401}, NoAccess),
        ({"type": "fail", "status": 403}, NoAccess),
        ({"type": "delay", "seconds": 4}, Unknown),
        ({"type": "slow_first_token", "seconds": 4}, Unknown),
        ({"type": "stream_fault", "kind": "stall", "after_chunks": 3, "stall_seconds": 4}, Unknown),
        ({"type": "stream_fault", "kind": "disconnect", "after_chunks": 3}, Fault.CUT),
        ({"type": "stream_fault", "kind": "truncate", "after_chunks": 3}, Fault.CUT),
        ({"type": "stream_fault", "kind": "malformed", "after_chunks": 3}, Fault.GARBLED),
        ({"type": "tool_fault", "kind": "malformed_arguments"}, Fault.GARBLED),
        ({"type": "tool_fault", "kind": "unknown_tool"}, Fault.GARBLED),
        ({"type": "reply", "text": "Sure, I will send them a text!"}, Fault.GARBLED),
    ],
    ids=lambda one: "-".join(str(part) for part in one.values()) if isinstance(one, dict) else None,
)
async def test_every_fault_is_of_a_kind_that_is_known_and_asked_once(
    claude: AnthropicReplyWriter, model: Llmock, behaviour: dict[str, Any], kind: Any
) -> None:
    model.will(behaviour)
    with pytest.raises(Unusable if isinstance(kind, Fault) else kind) as told:
        await claude.write(task("How much would it cost?"))
    if isinstance(told.value, Unusable):
        assert told.value.fault is kind
    if "retry_after" in behaviour:
        assert told.value.retry_after == behaviour["retry_after"]
    assert model.count() == 1, "when it is tried again is decided where it is written down"
