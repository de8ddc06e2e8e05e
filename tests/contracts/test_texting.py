"""What every implementation of the port `Texting` must do, whoever the provider is."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from adapters.sms.twilio_check import TwilioCheck
from application.messaging.texting import Text
from application.provider import Rejected, TooEarly, Unavailable, Unknown
from domain.kernel import Phone, new_id
from tests.contracts.sandbox_process import ProviderProcess, Receiver, eventually, sandbox_provider
from tests.contracts.texting_stands import SandboxStand, Stand, sandbox_stand, twilio_stand
from tests.contracts.twilio_process import TwilioProcess

pytestmark = pytest.mark.anyio
LONG_AGO = datetime.now(UTC) - timedelta(days=1)


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """Listen for callbacks."""
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[ProviderProcess]:
    """Run the sandbox provider."""
    with sandbox_provider(tmp_path_factory.mktemp("provider"), receiver.url) as running:
        yield running


@pytest.fixture(scope="module")
def twilio(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[TwilioProcess]:
    """Run `emulate`."""
    provider = TwilioProcess(tmp_path_factory.mktemp("twilio"), f"{receiver.url}/sms")
    provider.start()
    yield provider
    provider.close()


@pytest.fixture(params=["sandbox", "twilio"])
async def stand(request: pytest.FixtureRequest, receiver: Receiver) -> AsyncIterator[Stand]:
    """Stand an adapter and its provider up, without faults."""
    if request.param == "sandbox":
        async with sandbox_stand(request.getfixturevalue("sandbox"), receiver) as stand:
            yield stand
    else:
        async with twilio_stand(request.getfixturevalue("twilio"), receiver) as other:
            yield other


@pytest.fixture
def text(stand: Stand, receiver: Receiver) -> Text:
    """Write a text to somebody, with a key of its own, in words that nobody else was sent."""
    key = str(new_id())
    return Text(
        organization_id=new_id(),
        to=Phone("+447700900123"),
        sender=stand.sender,
        body=f"Hi Ann, still thinking about solar panels? Reply STOP to opt out. Yours, {key[-12:]}",
        key=key,
        callback_url=f"{receiver.url}/status?key={key}",
        account=stand.account,
    )


async def test_a_text_is_accepted_and_its_delivery_is_reported(stand: Stand, text: Text) -> None:
    receipt = await stand.texting.send(text)
    assert receipt.provider_id
    assert stand.accepted(text) == 1
    assert stand.reported(text, receipt) == ["queued", "sent", "delivered"]


async def test_an_accepted_text_is_found(stand: Stand, text: Text) -> None:
    receipt = await stand.texting.send(text)
    assert [one.provider_id for one in await stand.texting.find(text, LONG_AGO)] == [receipt.provider_id]


async def test_a_text_never_sent_is_provably_absent(stand: Stand, text: Text) -> None:
    await stand.texting.send(replace(text, key=str(new_id()), body="Other words"))
    assert await stand.texting.find(text, LONG_AGO) == []


async def test_the_same_text_twice_is_two_texts(stand: Stand, text: Text) -> None:
    first, second = await stand.texting.send(text), await stand.texting.send(text)
    assert first.provider_id != second.provider_id
    assert stand.accepted(text) == 2
    found = [one.provider_id for one in await stand.texting.find(text, LONG_AGO)]
    assert found == [first.provider_id, second.provider_id]


async def test_no_answer_after_acceptance_is_unknown_and_then_found(stand: Stand, text: Text) -> None:
    stand.misbehave("timeout_after_accept")
    with pytest.raises(Unknown):
        await stand.texting.send(text)
    assert len(await stand.texting.find(text, LONG_AGO)) == 1


async def test_no_answer_before_acceptance_is_unknown_and_then_absent(stand: Stand, text: Text) -> None:
    stand.misbehave("timeout_before_accept")
    with pytest.raises(Unknown):
        await stand.texting.send(text)
    assert await stand.texting.find(text, LONG_AGO) == []
    assert stand.accepted(text) == 0


@pytest.mark.parametrize(
    ("stand", "fault"),
    [("sandbox", "rate_limited"), ("sandbox", "server_error"), ("twilio", "rate_limited")],
    indirect=["stand"],
)
async def test_a_provider_that_declines_is_unavailable(stand: Stand, text: Text, fault: str) -> None:
    stand.misbehave(fault)
    with pytest.raises(Unavailable) as raised:
        await stand.texting.send(text)
    assert raised.value.retry_after == 1
    assert stand.accepted(text) == 0


@pytest.mark.parametrize("stand", ["twilio"], indirect=True)
async def test_what_twilio_took_before_it_broke_down_is_unknown(stand: Stand, text: Text) -> None:
    stand.misbehave("server_error")
    with pytest.raises(Unknown):
        await stand.texting.send(text)
    assert await stand.texting.find(text, LONG_AGO) == []


@pytest.mark.parametrize("stand", ["twilio"], indirect=True)
async def test_a_text_from_another_number_of_the_account_is_another_text(stand: Stand, text: Text) -> None:
    receipt = await stand.texting.send(text)
    ours, others = replace(text, left_from=str(stand.sender)), replace(text, left_from="+442079460001")
    assert [one.provider_id for one in await stand.texting.find(ours, LONG_AGO)] == [receipt.provider_id]
    assert await stand.texting.find(others, LONG_AGO) == []


@pytest.mark.parametrize("stand", ["twilio"], indirect=True)
async def test_what_is_not_listed_yet_may_still_come(stand: Stand, text: Text) -> None:
    with pytest.raises(TooEarly) as raised:
        await stand.texting.find(text, datetime.now(UTC))
    assert 0 < raised.value.retry_after <= 30


async def test_a_dead_provider_is_unavailable_for_both_questions(stand: Stand, text: Text) -> None:
    await stand.kill()
    try:
        with pytest.raises(Unavailable):
            await stand.texting.send(text)
        with pytest.raises(Unavailable):
            await stand.texting.find(text, LONG_AGO)
    finally:
        await stand.start()


async def test_a_frozen_provider_is_given_up_in_time(stand: Stand, text: Text) -> None:
    await stand.texting.find(text, LONG_AGO)
    stand.freeze()
    try:
        with pytest.raises(Unknown):
            await stand.texting.send(text)
        with pytest.raises(Unavailable):
            await stand.texting.find(text, LONG_AGO)
    finally:
        stand.thaw()
    if isinstance(stand, SandboxStand):  # it is told when the sender gives up; nobody can tell Twilio
        assert await stand.texting.find(text, LONG_AGO) == []
        assert stand.accepted(text) == 0


@pytest.mark.parametrize("stand", ["sandbox"], indirect=True)
@pytest.mark.parametrize(
    ("change", "permanent"),
    [({"to": Phone("+442079460002")}, True), ({"body": " "}, False), ({"body": "x" * 1601}, False)],
)
async def test_what_a_provider_never_takes_is_rejected(
    stand: Stand, text: Text, change: dict[str, Phone | str], permanent: bool
) -> None:
    with pytest.raises(Rejected) as raised:
        await stand.texting.send(replace(text, **change))  # type: ignore[arg-type]
    assert raised.value.permanent is permanent
    assert raised.value.reason.endswith(".")
    assert stand.accepted(text) == 0


@pytest.mark.parametrize("stand", ["sandbox"], indirect=True)
async def test_a_kill_between_acceptance_and_callback_loses_nothing(stand: SandboxStand, text: Text) -> None:
    stand.receiver.status = 503
    receipt = await stand.texting.send(text)
    await stand.kill()
    stand.receiver.status = 200
    path = f"/status?key={text.key}"
    before = len(stand.receiver.bodies(path))
    await stand.start()
    eventually(lambda: len(stand.receiver.bodies(path)) >= before + 3)
    assert [body["status"] for body in stand.receiver.bodies(path)[before:]] == ["queued", "sent", "delivered"]
    assert [one.provider_id for one in await stand.texting.find(text, LONG_AGO)] == [receipt.provider_id]


async def test_an_account_and_its_number_are_checked(twilio: TwilioProcess) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        check = TwilioCheck(client, twilio.url)
        await check.check("twilio", twilio.account.settings, twilio.account.credentials)
        for settings, credentials, code in (
            (twilio.account.settings, {"auth_token": "another"}, "401"),
            ({**twilio.account.settings, "phone_number": "+15005550009"}, twilio.account.credentials, "number"),
        ):
            with pytest.raises(Rejected) as raised:
                await check.check("twilio", settings, credentials)
            assert raised.value.code == code
