"""What every implementation of the port `Mailing` must do, whoever the provider is."""

import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import httpx
import pytest

from adapters.email.none import NoMailing
from adapters.email.sandbox import SandboxMailing
from application.mailing import Mail, Mailing
from application.provider import Rejected, Unavailable, Unknown
from domain.kernel import Email, new_id
from tests.contracts.sandbox_process import ProviderProcess

pytestmark = pytest.mark.anyio


class SandboxStand:
    """Let a test make the sandbox provider misbehave and look into its books."""

    def __init__(self, provider: ProviderProcess, mailing: Mailing) -> None:
        self.mailing = mailing
        self._provider = provider

    def misbehave(self, fault: str) -> None:
        """Show a fault on the next mail."""
        order = {"capability": "email", "fault": fault, "next": 1}
        self._provider.http.post("/faults", json=order).raise_for_status()

    def accepted(self, key: str) -> int:
        """Count what was taken with a key."""
        return sum(mail["key"] == key for mail in self._provider.lines("mails.jsonl"))

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
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    """Run the sandbox provider."""
    provider = ProviderProcess(tmp_path_factory.mktemp("provider"), "http://127.0.0.1:1")
    provider.start()
    yield provider
    provider.close()


@pytest.fixture(params=["sandbox"])
async def stand(provider: ProviderProcess) -> AsyncIterator[SandboxStand]:
    """Stand the adapter and its provider up, without faults."""
    provider.http.delete("/faults").raise_for_status()
    async with httpx.AsyncClient() as client:
        yield SandboxStand(provider, SandboxMailing(client, provider.url, provider.token, total_seconds=1))


@pytest.fixture
def mail() -> Mail:
    """Write a mail to somebody, with a key of its own."""
    return Mail(
        organization_id=new_id(),
        to=Email("rita@bright.example"),
        subject="Olga Owner invites you to Bright Windows",
        body="Hello,\n\nhttp://127.0.0.1/invitations/…\n",
        key=str(new_id()),
    )


async def test_a_mail_is_accepted_and_found_by_its_key(stand: SandboxStand, mail: Mail) -> None:
    receipt = await stand.mailing.send(mail)
    assert receipt.provider_id
    assert stand.accepted(mail.key) == 1
    found = await stand.mailing.find(mail.key)
    assert found == receipt


async def test_a_mail_never_sent_is_provably_absent(stand: SandboxStand, mail: Mail) -> None:
    assert await stand.mailing.find(mail.key) is None


async def test_the_same_key_twice_is_two_mails(stand: SandboxStand, mail: Mail) -> None:
    first, second = await stand.mailing.send(mail), await stand.mailing.send(mail)
    assert first.provider_id != second.provider_id
    assert stand.accepted(mail.key) == 2


async def test_no_answer_after_acceptance_is_unknown_and_then_found(stand: SandboxStand, mail: Mail) -> None:
    stand.misbehave("timeout_after_accept")
    with pytest.raises(Unknown):
        await stand.mailing.send(mail)
    assert await stand.mailing.find(mail.key) is not None


async def test_no_answer_before_acceptance_is_unknown_and_then_absent(stand: SandboxStand, mail: Mail) -> None:
    stand.misbehave("timeout_before_accept")
    with pytest.raises(Unknown):
        await stand.mailing.send(mail)
    assert await stand.mailing.find(mail.key) is None
    assert stand.accepted(mail.key) == 0


@pytest.mark.parametrize("fault", ["rate_limited", "server_error"])
async def test_a_provider_that_declines_is_unavailable(stand: SandboxStand, mail: Mail, fault: str) -> None:
    stand.misbehave(fault)
    with pytest.raises(Unavailable) as raised:
        await stand.mailing.send(mail)
    assert raised.value.retry_after == 1
    assert stand.accepted(mail.key) == 0


@pytest.mark.parametrize(
    ("change", "permanent"),
    [
        ({"to": Email("rita@nowhere.invalid")}, True),
        ({"subject": "Hello\r\nBcc: everybody@example.com"}, False),
        ({"subject": " "}, False),
        ({"body": ""}, False),
    ],
)
async def test_what_a_provider_never_takes_is_rejected(
    stand: SandboxStand, mail: Mail, change: dict[str, Email | str], permanent: bool
) -> None:
    with pytest.raises(Rejected) as raised:
        await stand.mailing.send(replace(mail, **change))  # type: ignore[arg-type]
    assert raised.value.permanent is permanent
    assert raised.value.reason.endswith(".")
    assert stand.accepted(mail.key) == 0


async def test_a_dead_provider_is_unavailable_and_comes_back_with_its_books(stand: SandboxStand, mail: Mail) -> None:
    receipt = await stand.mailing.send(mail)
    stand.kill()
    try:
        with pytest.raises(Unavailable):
            await stand.mailing.send(mail)
        with pytest.raises(Unavailable):
            await stand.mailing.find(mail.key)
    finally:
        stand.start()
    assert await stand.mailing.find(mail.key) == receipt
    assert stand.accepted(mail.key) == 1


async def test_a_frozen_provider_does_not_take_on_waking_what_was_given_up(stand: SandboxStand, mail: Mail) -> None:
    await stand.mailing.find(mail.key)
    stand.freeze()
    try:
        with pytest.raises(Unknown):
            await stand.mailing.send(mail)
        with pytest.raises(Unavailable):
            await stand.mailing.find(mail.key)
    finally:
        stand.thaw()
    assert await stand.mailing.find(mail.key) is None
    assert stand.accepted(mail.key) == 0


async def test_without_a_provider_nothing_is_taken(mail: Mail) -> None:
    with pytest.raises(Unavailable) as raised:
        await NoMailing().send(mail)
    assert raised.value.retry_after
    with pytest.raises(Unavailable):
        await NoMailing().find(mail.key)
