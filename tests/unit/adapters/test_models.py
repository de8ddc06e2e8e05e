"""Who is asked: a model that is down by nobody for a while, one key at a time; rules where there is no key."""

import subprocess
import sys
from dataclasses import replace

import pytest

from adapters.ai.anthropic import AnthropicReplyWriter
from adapters.ai.messages_api import price_of
from adapters.ai.own_key import OwnKeyReplyWriter
from adapters.egress.breaker import FAILURES
from application.messaging.reply_writing import WritingTask, Written
from application.model_calls import Access
from application.provider import Unavailable, Untried
from entrypoints.demo.house import free_port
from tests.application.messaging.replying import said
from tests.contracts.test_reply_writer import task

pytestmark = pytest.mark.anyio


class _Says:
    def __init__(self, text: str) -> None:
        self._written = said(text)

    async def write(self, asked: WritingTask) -> Written:
        del asked
        return self._written


async def _trouble(writer: AnthropicReplyWriter, asked: WritingTask) -> type[Exception]:
    with pytest.raises(Unavailable) as caught:
        await writer.write(asked)
    return caught.type


async def test_a_model_that_is_down_is_left_alone_one_key_at_a_time() -> None:
    writer = AnthropicReplyWriter("sk-ours", "claude-sonnet-5-5", f"http://127.0.0.1:{free_port()}")
    told = [await _trouble(writer, task("Hello")) for _ in range(FAILURES + 1)]
    assert told == [Unavailable] * FAILURES + [Untried]
    assert await _trouble(writer, replace(task("Hello"), access=Access("sk-own"))) is Unavailable
    await writer.close()


async def test_a_sandbox_that_nobody_asked_for_writes_for_who_has_no_key_of_their_own() -> None:
    rules, models = _Says("rules"), iter([_Says("model")])
    writer = OwnKeyReplyWriter(rules, lambda: next(models))
    own = replace(task("Hello"), access=Access("sk-own"))
    told = [(await writer.write(asked)).proposal.text for asked in (task("Hello"), own, own, task("Hello"))]
    assert told == ["rules", "model", "model", "rules"]


def test_who_has_no_model_does_not_load_its_library() -> None:
    asked = "import sys, entrypoints.wiring.replies; sys.exit('anthropic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0


@pytest.mark.parametrize(
    ("model", "dollars"),
    [("claude-opus-4-1-20250805", 15), ("claude-opus-4-20250514", 15), ("claude-opus-4-5", 5), ("claude-3-opus", 15)],
)
def test_an_older_model_costs_what_it_did(model: str, dollars: float) -> None:
    assert price_of(model)[0] == dollars
