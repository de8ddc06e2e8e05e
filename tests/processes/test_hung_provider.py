"""A provider that hung while many texts were on their way takes texts again as soon as it wakes."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.sms.places import AT_ONCE
from adapters.sms.sandbox import SandboxTexting, sandbox_session
from application.messaging.texting import Receipt, Text, TextingAccount
from application.provider import Unknown, Untried
from domain.kernel import Phone, new_id
from tests.contracts.sandbox_process import ProviderProcess, sandbox_provider

pytestmark = pytest.mark.anyio


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[ProviderProcess]:
    """Run the sandbox's provider."""
    with sandbox_provider(tmp_path) as running:
        yield running


def _text() -> Text:
    return Text(
        organization_id=new_id(),
        to=Phone("+447400123456"),
        sender=Phone("+442079460001"),
        body="Hi",
        key=str(new_id()),
        callback_url="http://127.0.0.1:1/",
        account=TextingAccount("sandbox"),
    )


async def test_texts_go_out_again_when_the_provider_wakes(provider: ProviderProcess) -> None:
    assert provider.process is not None
    async with sandbox_session() as session:
        texting = SandboxTexting(session, provider.url, provider.token, total_seconds=1)
        assert isinstance(await texting.send(_text()), Receipt)
        provider.process.send_signal(signal.SIGSTOP)
        try:
            for _ in range(3):
                told = await asyncio.gather(*(texting.send(_text()) for _ in range(60)), return_exceptions=True)
                assert {type(answer) for answer in told} == {Unknown, Untried}
                assert sum(isinstance(answer, Unknown) for answer in told) <= AT_ONCE, "who had no place was not sent"
        finally:
            provider.process.send_signal(signal.SIGCONT)
        for _ in range(AT_ONCE + 1):
            assert isinstance(await texting.send(_text()), Receipt)
