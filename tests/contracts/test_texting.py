"""What every implementation of the port `Texting` must do, whoever the provider is."""

import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.sms.sandbox import SandboxTexting, sandbox_session
from application.messaging.texting import Text, Texting
from application.provider import Rejected, Unavailable, Unknown
from domain.kernel import Phone, new_id
from tests.contracts.sandbox_process import ProviderProcess, Receiver, eventually

pytestmark = pytest.mark.anyio
LONG_AGO = datetime.now(UTC) - timedelta(days=1)


class SandboxStand:
    """Let a test make the sandbox provider misbehave and look into its books."""

    def __init__(self, provider: ProviderProcess, receiver: Receiver, texting: Texting) -> None:
        self.texting = texting
        self.receiver = receiver
        self._provider = provider

    def misbehave(self, fault: str) -> None:
        """Show a fault on the next text."""
        order = {"capability": "sms", "fault": fault, "next": 1}
        self._provider.http.post("/faults", json=order).raise_for_status()

    def accepted(self, key: str) -> int:
        """Count what was taken with a key."""
        return sum(text["key"] == key for text in self._provider.lines("texts.jsonl"))

    def kill(self) -> None:
        """Kill the provider without warning."""
        self._provider.stop(signal.SIGKILL)

    def start(self) -> None:
        """Start the provider again."""
        self._provider.start()

    def freeze(self) -> None:
        """Stop the provider from running, while its socket still takes connections."""
        assert self._provider.process is not None
        self._provider.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let the provider run on."""
        assert self._provider.process is not None
        self._provider.process.send_signal(signal.SIGCONT)


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """Listen for callbacks."""
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[ProviderProcess]:
    """Run the sandbox provider."""
    provider = ProviderProcess(tmp_path_factory.mktemp("provider"), receiver.url)
    provider.start()
    yield provider
    provider.close()


@pytest.fixture(params=["sandbox"])
async def stand(provider: ProviderProcess, receiver: Receiver) -> AsyncIterator[SandboxStand]:
    """Stand the adapter and its provider up, without faults."""
    provider.http.delete("/faults").raise_for_status()
    receiver.status = 200
    async with sandbox_session() as session:
        yield SandboxStand(provider, receiver, SandboxTexting(session, provider.url, provider.token, total_seconds=0.7))


@pytest.fixture
def text(receiver: Receiver) -> Text:
    """Write a text to somebody, with a key of its own."""
    key = str(new_id())
    return Text(
        organization_id=new_id(),
        to=Phone("+447700900123"),
        sender=Phone("+442079460001"),
        body="Hi Ann, still thinking about solar panels? Reply STOP to opt out.",
        key=key,
        callback_url=f"{receiver.url}/status?key={key}",
    )


async def test_a_text_is_accepted_and_its_delivery_is_reported(stand: SandboxStand, text: Text) -> None:
    receipt = await stand.texting.send(text)
    assert receipt.provider_id
    assert stand.accepted(text.key) == 1
    path = f"/status?key={text.key}"
    eventually(lambda: len(stand.receiver.bodies(path)) == 3)
    reported = stand.receiver.bodies(path)
    assert [body["status"] for body in reported] == ["queued", "sent", "delivered"]
    assert {(body["key"], body["text_id"]) for body in reported} == {(text.key, receipt.provider_id)}


async def test_an_accepted_text_is_found_by_its_key(stand: SandboxStand, text: Text) -> None:
    receipt = await stand.texting.send(text)
    found = await stand.texting.find(text.key, text.to, LONG_AGO)
    assert found is not None
    assert found.provider_id == receipt.provider_id


async def test_a_text_never_sent_is_provably_absent(stand: SandboxStand, text: Text) -> None:
    assert await stand.texting.find(text.key, text.to, LONG_AGO) is None


async def test_the_same_key_twice_is_two_texts(stand: SandboxStand, text: Text) -> None:
    first, second = await stand.texting.send(text), await stand.texting.send(text)
    assert first.provider_id != second.provider_id
    assert stand.accepted(text.key) == 2


async def test_no_answer_after_acceptance_is_unknown_and_then_found(stand: SandboxStand, text: Text) -> None:
    stand.misbehave("timeout_after_accept")
    with pytest.raises(Unknown):
        await stand.texting.send(text)
    assert await stand.texting.find(text.key, text.to, LONG_AGO) is not None


async def test_no_answer_before_acceptance_is_unknown_and_then_absent(stand: SandboxStand, text: Text) -> None:
    stand.misbehave("timeout_before_accept")
    with pytest.raises(Unknown):
        await stand.texting.send(text)
    assert await stand.texting.find(text.key, text.to, LONG_AGO) is None
    assert stand.accepted(text.key) == 0


@pytest.mark.parametrize("fault", ["rate_limited", "server_error"])
async def test_a_provider_that_declines_is_unavailable(stand: SandboxStand, text: Text, fault: str) -> None:
    stand.misbehave(fault)
    with pytest.raises(Unavailable) as raised:
        await stand.texting.send(text)
    assert raised.value.retry_after == 1
    assert stand.accepted(text.key) == 0


@pytest.mark.parametrize(
    ("change", "permanent"),
    [({"to": Phone("+442079460002")}, True), ({"body": " "}, False), ({"body": "x" * 1601}, False)],
)
async def test_what_a_provider_never_takes_is_rejected(
    stand: SandboxStand, text: Text, change: dict[str, Phone | str], permanent: bool
) -> None:
    with pytest.raises(Rejected) as raised:
        await stand.texting.send(replace(text, **change))  # type: ignore[arg-type]
    assert raised.value.permanent is permanent
    assert raised.value.reason.endswith(".")
    assert stand.accepted(text.key) == 0


async def test_a_dead_provider_is_unavailable_for_both_questions(stand: SandboxStand, text: Text) -> None:
    stand.kill()
    try:
        with pytest.raises(Unavailable):
            await stand.texting.send(text)
        with pytest.raises(Unavailable):
            await stand.texting.find(text.key, text.to, LONG_AGO)
    finally:
        stand.start()


async def test_a_frozen_provider_does_not_take_on_waking_what_was_given_up(stand: SandboxStand, text: Text) -> None:
    await stand.texting.find(text.key, text.to, LONG_AGO)
    stand.freeze()
    try:
        with pytest.raises(Unknown):
            await stand.texting.send(text)
        with pytest.raises(Unavailable):
            await stand.texting.find(text.key, text.to, LONG_AGO)
    finally:
        stand.thaw()
    assert await stand.texting.find(text.key, text.to, LONG_AGO) is None
    assert stand.accepted(text.key) == 0


async def test_a_kill_between_acceptance_and_callback_loses_nothing(stand: SandboxStand, text: Text) -> None:
    stand.receiver.status = 503
    receipt = await stand.texting.send(text)
    stand.kill()
    stand.receiver.status = 200
    path = f"/status?key={text.key}"
    before = len(stand.receiver.bodies(path))
    stand.start()
    eventually(lambda: len(stand.receiver.bodies(path)) >= before + 3)
    assert [body["status"] for body in stand.receiver.bodies(path)[before:]] == ["queued", "sent", "delivered"]
    found = await stand.texting.find(text.key, text.to, LONG_AGO)
    assert found is not None
    assert found.provider_id == receipt.provider_id
