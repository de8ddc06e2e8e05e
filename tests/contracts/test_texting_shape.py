"""Our calls held against the providers' own descriptions of their APIs: right path, fields, types and login."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.egress.guarded import Egress
from adapters.sms.android_gateway import AndroidGatewayCheck, GatewayTexting
from adapters.sms.twilio import TwilioTexting
from adapters.sms.twilio_check import TwilioCheck
from application.messaging.texting import Text, TextingAccount, account_of
from application.provider import ProviderError
from domain.kernel import Phone, new_id
from entrypoints.demo.house import free_port
from tests.contracts.node_stand_ins import node, packages, running, spec
from tests.contracts.twilio_process import ACCOUNT

pytestmark = pytest.mark.anyio
LONG_AGO = datetime.now(UTC) - timedelta(days=1)
PRISM = Path("node_modules") / "@stoplight" / "prism-cli" / "dist" / "index.js"


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Run prism over both descriptions; gives their addresses."""
    with ExitStack() as stack:
        found = {}
        for name in ("twilio_api_v2010", "android_sms_gateway"):
            port = free_port()
            command: list[str | Path] = [
                node(),
                packages() / PRISM,
                "mock",
                "-h",
                "127.0.0.1",
                "-p",
                str(port),
                spec(f"{name}.json"),
            ]
            stack.enter_context(running(command, port, tmp_path_factory.mktemp(name) / "prism.log"))
            found[name] = f"http://127.0.0.1:{port}"
        yield found


@pytest.fixture
async def answers() -> list[httpx.Response]:
    """Remember what prism answered."""
    return []


@pytest.fixture
async def client(answers: list[httpx.Response]) -> AsyncIterator[httpx.AsyncClient]:
    """Make a client that remembers."""

    async def remember(response: httpx.Response) -> None:
        answers.append(response)

    async with httpx.AsyncClient(event_hooks={"response": [remember]}, timeout=30, trust_env=False) as made:
        yield made


def text(account: TextingAccount) -> Text:
    return Text(
        organization_id=new_id(),
        to=Phone("+447700900123"),
        sender=Phone("+442079460001"),
        body="Hi Ann, still thinking about solar panels?",
        key=str(new_id()),
        callback_url="https://crm.example.com/api/v1/webhooks/twilio/status?send=1",
        account=account,
    )


def unfit(answers: list[httpx.Response]) -> list[str]:
    """List what prism found wrong with our calls; that its own made-up answers do not fit either is its affair."""
    return [
        f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {violations}"
        for answer in answers
        if (violations := _of_requests(answer)) or answer.status_code not in (200, 201, 202)
    ]


def _of_requests(answer: httpx.Response) -> list[Any]:
    found = json.loads(answer.headers.get("sl-violations", "[]"))
    return [violation for violation in found if violation["location"][0] == "request"]


@pytest.mark.parametrize("settings", [{}, {"messaging_service_sid": "MG" + "0" * 32}])
async def test_calls_to_twilio_fit(
    stand_ins: dict[str, str], client: httpx.AsyncClient, answers: list[httpx.Response], settings: dict[str, str]
) -> None:
    texting = TwilioTexting(client, stand_ins["twilio_api_v2010"], total_seconds=30)
    account = account_of("twilio", {**ACCOUNT.settings, **settings}, ACCOUNT.credentials)
    for call in (texting.send(text(account)), texting.find(text(account), LONG_AGO)):
        with suppress(ProviderError):  # prism makes up what it answers
            await call
    with suppress(ProviderError):
        await TwilioCheck(client, stand_ins["twilio_api_v2010"], 30).check(
            "twilio", ACCOUNT.settings, ACCOUNT.credentials
        )
    with suppress(ProviderError):
        await texting.prices(account, LONG_AGO)
    assert len(answers) >= 4
    assert unfit(answers) == []


async def test_calls_to_a_gateway_fit(
    stand_ins: dict[str, str], client: httpx.AsyncClient, answers: list[httpx.Response]
) -> None:
    settings = {"gateway_url": stand_ins["android_sms_gateway"], "username": "olga"}
    account = account_of("android_gateway", settings, {"password": "word"})
    egress = Egress(client, 30)
    texting = GatewayTexting(egress, total_seconds=30)
    assert (await texting.send(text(account))).provider_id
    assert len(await texting.find(text(account), LONG_AGO)) == 1
    await AndroidGatewayCheck(egress).check("android_gateway", settings, {"password": "word"})
    assert len(answers) == 3
    assert unfit(answers) == []


async def test_a_call_that_does_not_fit_is_seen(
    stand_ins: dict[str, str], client: httpx.AsyncClient, answers: list[httpx.Response]
) -> None:
    address = f"{stand_ins['android_sms_gateway']}/messages"
    await client.post(address, json={"textMessage": {"text": "To nobody"}}, auth=("olga", "word"))
    await client.post(address, json={"phoneNumbers": ["+447700900123"], "ttl": "soon"}, auth=("olga", "word"))
    await client.post(f"{stand_ins['twilio_api_v2010']}/2010-04-01/Accounts/AC1/Message.json", auth=("a", "b"))
    assert len(unfit(answers)) == 3
