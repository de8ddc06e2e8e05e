"""What nobody signed keeps neither texts nor connections from those who do sign."""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from dishka import AsyncContainer

from adapters.persistence.calcom_hooks import CalcomHooks
from adapters.persistence.database import Database
from adapters.persistence.inbound import Routes
from adapters.persistence.texting_accounts import PostgresAccountBook
from application.messaging.texting import TextingAccounts
from domain.kernel import new_id
from entrypoints.config import Config
from entrypoints.http.intake import PROOFS_AT_ONCE
from tests.http.conftest import Client
from tests.http.twilio_house import SMS, TwilioHouse, form, twilio_house

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def outside(config: Config, house: AsyncContainer) -> AsyncIterator[TwilioHouse]:
    """Open an installation with a Twilio account for everybody."""
    async with twilio_house(config) as opened:
        yield opened


async def test_a_number_that_no_database_holds_is_nobodys_and_spoils_no_other_text(
    outside: TwilioHouse, owner: Client
) -> None:
    number = f"+4474{new_id().int % 10**8:08d}"
    answer = await outside.of(owner).patch("/settings/client", json={"twilio_phone_number": number})
    assert answer.status_code == 200, answer.text
    bad = [outside.client.post(SMS, data=form("+44\x00"), headers={"X-Twilio-Signature": "x"}) for _ in range(10)]
    good = [outside.call(SMS, form(number, "STOP")) for _ in range(10)]
    answers = await asyncio.gather(*(call for pair in zip(bad, good, strict=True) for call in pair))
    assert [answer.status_code for answer in answers] == [401, 200] * 10
    routes = Routes(await outside.container.get(Database))
    asked = [("twilio", "\x00"), ("twilio", number), ("twilio", "\ud800")]
    assert await routes.owners(asked) == [None, owner.organization_id, None]


@pytest.mark.parametrize("path", [SMS, "/webhooks/twilio/status", "/webhooks/sms-gateway"])
async def test_calls_that_prove_nothing_take_few_connections(
    outside: TwilioHouse, owner: Client, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    open_now: list[int] = []
    most = looks = 0

    async def slowly(self: PostgresAccountBook) -> TextingAccounts:
        nonlocal most, looks
        looks += 1
        open_now.append(1)
        most = max(most, len(open_now))
        await asyncio.sleep(0.02)
        open_now.pop()
        return TextingAccounts()

    monkeypatch.setattr(PostgresAccountBook, "accounts", slowly)
    said = {**form("+447400000000"), "AccountSid": f"AC{'d' * 32}"}

    async def call(organization: UUID) -> int:
        address = f"{path}?organization={organization}&send={new_id()}"
        if path.endswith("gateway"):
            headers = {"x-signature": "0" * 64, "x-timestamp": str(int(time.time()))}
            return (await outside.client.post(address, content=b"{}", headers=headers)).status_code
        return (await outside.client.post(address, data=said, headers={"X-Twilio-Signature": "x"})).status_code

    refused = 404 if path.endswith("gateway") else 401  # where no secret of a gateway's is, there is no such route
    assert set(await asyncio.gather(*(call(new_id()) for _ in range(30)))) == {refused}
    assert 0 < most <= PROOFS_AT_ONCE
    looks = 0
    assert set(await asyncio.gather(*(call(owner.organization_id) for _ in range(30)))) == {refused}
    assert 0 < looks < 15, "those who come together share a look"


async def test_calls_that_name_no_organisation_share_the_look_for_the_first_one(
    outside: TwilioHouse, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    calendar = {
        "settings": {"event_type_id": 123},
        "credentials": {"api_key": "cal_live_0123456789", "webhook_secret": "whsec-of-the-calendar"},
    }
    answer = await outside.of(owner).put("/settings/integrations/calcom", json=calendar)
    assert answer.status_code == 200, answer.text
    looks = 0

    async def slowly(self: CalcomHooks) -> UUID:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0.02)
        return owner.organization_id

    monkeypatch.setattr(CalcomHooks, "first", slowly)

    async def call() -> int:
        headers = {"x-cal-signature-256": "0" * 64}
        return (await outside.client.post("/webhooks/calcom", content=b"{}", headers=headers)).status_code

    assert set(await asyncio.gather(*(call() for _ in range(30)))) == {401}
    assert 0 < looks < 15
