"""What the contracts of all that asks a model share."""

from collections.abc import AsyncIterator, Iterator

import pytest

from adapters.ai.anthropic import AnthropicReplyWriter
from adapters.ai.sandbox import SandboxReplyWriter
from application.messaging.reply_writing import ReplyWriter
from tests.contracts.aimock_process import aimock


@pytest.fixture(scope="module")
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run the stand-in with the module's `ANSWERS`."""
    with aimock(tmp_path_factory.mktemp("aimock"), request.module.ANSWERS) as url:
        yield url


@pytest.fixture
async def claude(model: str) -> AsyncIterator[AnthropicReplyWriter]:
    """Make the adapter that writes texts."""
    writer = AnthropicReplyWriter("sk-test", "claude-sonnet-5-5", model, seconds=2.5)
    yield writer
    await writer.close()


@pytest.fixture(params=["sandbox", "anthropic"])
def writer(request: pytest.FixtureRequest) -> ReplyWriter:
    """Be each writer of texts in turn."""
    if request.param == "sandbox":
        return SandboxReplyWriter()
    found: ReplyWriter = request.getfixturevalue("claude")
    return found
