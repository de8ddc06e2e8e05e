"""An Android gateway's signed calls, and texts through one: whose they are, what proves them, what answers mean."""

import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from secrets import token_hex
from typing import Any
from uuid import UUID

import httpx
import pytest
from dishka import AsyncContainer, Provider, Scope, provide

from adapters.egress.guarded import Egress
from adapters.persistence.database import Cause
from adapters.sms.android_gateway import GatewayTexting
from adapters.sms.breakers import Breakers
from adapters.sms.routing import RoutedTexting
from application.messaging.sending import Sending
from application.messaging.texting import Texting
from application.ports import Actor
from domain.kernel import new_id
from entrypoints.config import Config
from tests.http.conftest import Client
from tests.http.sales_world import World, enter, world
from tests.http.twilio_house import TwilioHouse, twilio_house

__all__ = ["world"]
pytestmark = pytest.mark.anyio
PATH, SECRET, HOUSE_SECRET = "/webhooks/sms-gateway", "the-secret-of-the-gateway", "the-secret-of-the-house"
ADDRESS = "https://phone.example.com/3rdparty/v1"


class FakePhone:
    """Answer as a gateway does, by `status`, and remember what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str, Any]] = []
        self.status = 202

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Be the transport's handler."""
        body = json.loads(request.content) if request.content else None
        self.asked.append((request.method, str(request.url), request.headers["authorization"], body))
        if request.method == "GET":
            known = any(asked[3] and asked[3]["id"] == request.url.path.rpartition("/")[2] for asked in self.asked)
            return httpx.Response(200 if known else 404, json={})
        return httpx.Response(self.status, json={"message": "No."})


class _Phone(Provider):
    def __init__(self, phone: FakePhone) -> None:
        super().__init__()
        self._phone = phone

    @provide(scope=Scope.APP)
    def texting(self, breakers: Breakers) -> Texting:
        egress = Egress(httpx.AsyncClient(transport=httpx.MockTransport(self._phone)))
        return RoutedTexting({"android_gateway": GatewayTexting(egress)}, breakers)


@pytest.fixture(scope="module")
def phone() -> FakePhone:
    return FakePhone()


@pytest.fixture(scope="module")
async def outside(config: Config, house: AsyncContainer, phone: FakePhone) -> AsyncIterator[TwilioHouse]:
    """Open an installation outside the sandbox whose environment configures no account."""
    none = {"RAPPORT_TWILIO_ACCOUNT_SID": "", "RAPPORT_TWILIO_AUTH_TOKEN": ""}
    async with twilio_house(config, _Phone(phone), **none) as opened:
        yield opened


@pytest.fixture
async def there(outside: TwilioHouse, owner: Client, phone: FakePhone) -> Client:
    """Be an owner there."""
    phone.asked.clear()
    phone.status = 202
    return outside.of(owner)


def a_number() -> str:
    return f"+4474{new_id().int % 10**8:08d}"


async def set_up(there: Client) -> str:
    number = a_number()
    body = {
        "settings": {"gateway_url": ADDRESS, "username": "olga", "phone_number": number},
        "credentials": {"password": "the phone's own", "webhook_secret": SECRET},
    }
    answer = await there.put("/settings/integrations/android_gateway", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["connected"]
    return number


async def call(
    client: Client, event: str, payload: dict[str, Any], query: str = "", *, secret: str = SECRET, **other: Any
) -> httpx.Response:
    """Call the webhook as a gateway does."""
    told = {
        "deviceId": other.get("device", "device-1"),
        "event": event,
        "id": other.get("id", new_id().hex),
        "payload": payload,
    }
    raw = json.dumps(told).encode()
    at = str(int(time.time()) + other.get("late", 0))
    signature = hmac.new(secret.encode(), raw + at.encode(), hashlib.sha256).hexdigest()
    headers = {"x-signature": signature, "x-timestamp": at, "content-type": "application/json"}
    return await client.post(f"{PATH}{query}", content=other.get("raw", raw), headers=headers)


def said(to: str | None, body: str = "Hello") -> dict[str, Any]:
    return {"message": body, "phoneNumber": "07400 123456", "recipient": to, "simNumber": 1}


async def arrived(world: World) -> list[dict[str, Any]]:
    rows = await world.fetch("SELECT personal FROM events WHERE organization_id = $1 AND type = 'text.arrived'")
    return [json.loads(row["personal"]) for row in rows]


async def test_a_text_is_stored_once_and_its_sender_read_by_the_organisations_country(
    outside: TwilioHouse, there: Client, world: World
) -> None:
    number = await set_up(there)
    for _ in range(3):
        assert (await call(outside.client, "sms:received", said(number, "Yes"), id=f"e-{number}")).status_code == 204
    assert [(one["sender"], one["recipient"], one["body"]) for one in await arrived(world)] == [
        ("+447400123456", number, "Yes")
    ]


async def test_a_phone_that_does_not_know_its_number_names_the_organisation_in_the_address(
    outside: TwilioHouse, there: Client, world: World
) -> None:
    number = await set_up(there)
    query = f"?organization={world.organization_id}"
    assert (await call(outside.client, "sms:received", said(None), query)).status_code == 204
    assert [one["recipient"] for one in await arrived(world)] == [number]


async def test_what_is_not_signed_right_or_not_now_is_refused(
    outside: TwilioHouse, there: Client, world: World
) -> None:
    number = await set_up(there)
    query = f"?organization={world.organization_id}"
    for other in ({"secret": "another-secret"}, {"secret": ""}, {"late": 330}, {"late": -301}, {"raw": b"{}"}):
        for asked in ("", query):
            answer = await call(outside.client, "sms:received", said(number), asked, **other)
            nobodys = "raw" in other and not asked  # whose secret could prove it, neither body nor address says
            assert answer.status_code == (404 if nobodys else 401), other
    for missing in ("x-signature", "x-timestamp"):
        headers = {"x-signature": "0" * 64, "x-timestamp": str(int(time.time()))}
        del headers[missing]
        assert (await outside.client.post(f"{PATH}{query}", content=b"{}", headers=headers)).status_code == 401
    for late in (290, -290):
        assert (await call(outside.client, "sms:received", said(number), late=late)).status_code == 204
    assert len(await arrived(world)) == 2


async def test_a_foreign_secret_proves_nothing(
    outside: TwilioHouse, there: Client, stranger: Client, world: World
) -> None:
    number = await set_up(there)
    their = {
        "settings": {"gateway_url": ADDRESS, "username": "eve"},
        "credentials": {"password": "word", "webhook_secret": "the-strangers-secret"},
    }
    assert (await outside.of(stranger).put("/settings/integrations/android_gateway", json=their)).status_code == 200
    for query in ("", f"?organization={world.organization_id}"):
        answer = await call(outside.client, "sms:received", said(number), query, secret="the-strangers-secret")
        assert answer.status_code == 401
    assert await arrived(world) == []


async def test_a_signed_body_that_says_nothing_is_a_400_and_a_ping_is_kept(
    outside: TwilioHouse, there: Client, world: World
) -> None:
    await set_up(there)
    query = f"?organization={world.organization_id}"
    assert (await call(outside.client, "system:ping", {"health": {}}, query, id=f"p-{new_id()}")).status_code == 204
    raw, at = b"[]", str(int(time.time()))
    signature = hmac.new(SECRET.encode(), raw + at.encode(), hashlib.sha256).hexdigest()
    headers = {"x-signature": signature, "x-timestamp": at}
    assert (await outside.client.post(f"{PATH}{query}", content=raw, headers=headers)).status_code == 400
    kinds = await world.fetch("SELECT kind FROM inbound WHERE organization_id = $1")
    assert [row["kind"] for row in kinds] == ["event"]


async def test_an_id_that_is_longer_than_any_is_a_400_that_names_it(
    outside: TwilioHouse, there: Client, world: World
) -> None:
    number = await set_up(there)
    for length, status in ((64, 204), (65, 400), (640_000, 400)):
        long = token_hex(length)[:length]
        for field, other in (("id", {"id": long}), ("deviceId", {"device": long})):
            answer = await call(outside.client, "sms:received", said(number), **other)
            assert answer.status_code == status, (field, length)
            if status == 400:
                assert [one["field"] for one in answer.json()["error"]["details"]] == [field]
    assert len(await arrived(world)) == 2


async def test_the_installations_secret_brings_texts_for_the_number_texted(
    config: Config, house: AsyncContainer, outside: TwilioHouse, there: Client, world: World, phone: FakePhone
) -> None:
    number = await set_up(there)
    settings = {
        "RAPPORT_TWILIO_ACCOUNT_SID": "",
        "RAPPORT_TWILIO_AUTH_TOKEN": "",
        "RAPPORT_ANDROID_GATEWAY_URL": ADDRESS,
        "RAPPORT_ANDROID_GATEWAY_USERNAME": "house",
        "RAPPORT_ANDROID_GATEWAY_PASSWORD": "word",
        "RAPPORT_ANDROID_GATEWAY_WEBHOOK_SECRET": HOUSE_SECRET,
    }
    async with twilio_house(config, _Phone(phone), **settings) as common:
        assert (await call(common.client, "sms:received", said(number), secret=HOUSE_SECRET)).status_code == 204
        stray = await call(common.client, "sms:received", said(a_number()), secret=HOUSE_SECRET)
        assert stray.status_code == 204
    assert len(await arrived(world)) == 1


async def test_what_comes_to_an_installations_gateway_is_whose_number_it_is_whatever_the_address_names(
    config: Config, there: Client, stranger: Client, world: World, phone: FakePhone
) -> None:
    number = await set_up(there)
    settings = {
        "RAPPORT_TWILIO_ACCOUNT_SID": "", "RAPPORT_TWILIO_AUTH_TOKEN": "", "RAPPORT_ANDROID_GATEWAY_URL": ADDRESS,
        "RAPPORT_ANDROID_GATEWAY_USERNAME": "house", "RAPPORT_ANDROID_GATEWAY_PASSWORD": "word",
        "RAPPORT_ANDROID_GATEWAY_WEBHOOK_SECRET": HOUSE_SECRET,
    }  # fmt: skip
    async with twilio_house(config, _Phone(phone), **settings) as common:
        query = f"?organization={stranger.organization_id}"
        answer = await call(common.client, "sms:received", said(number, "STOP"), query, secret=HOUSE_SECRET)
    assert answer.status_code == 204
    assert [one["body"] for one in await arrived(world)] == ["STOP"]


async def _send(outside: TwilioHouse, there: Client, world: World) -> dict[str, Any]:
    lead = await enter(there, {"first_name": "Ada", "phone_number": a_number()}, dataset_id=str(await world.dataset()))
    answer = await there.post("/messages/send", json={"lead_id": lead["id"], "content": "Hello Ada"})
    assert answer.status_code == 201, answer.text
    async with outside.container({Actor: Actor.system(world.organization_id), Cause: Cause()}) as scope:
        await (await scope.get(Sending)).send_due()
    return await _standing(world, UUID(answer.json()["data"]["id"]))


async def _standing(world: World, send: UUID) -> dict[str, Any]:
    [row] = await world.fetch(
        "SELECT s.id, s.state, s.provider, s.attempts, m.status, m.error_code, s.recipient FROM sends s"
        " JOIN messages m ON m.organization_id = $1 AND m.id = s.id WHERE s.organization_id = $1 AND s.id = $2",
        send,
    )
    return dict(row.items())


async def test_a_text_leaves_by_the_gateway_under_the_ledgers_id_and_reports_move_it(
    outside: TwilioHouse, there: Client, world: World, phone: FakePhone
) -> None:
    await set_up(there)
    row = await _send(outside, there, world)
    assert (row["state"], row["status"]) == ("accepted", "sent")
    assert row["provider"].startswith("android_gateway:")
    [(method, address, _, body)] = phone.asked
    assert (method, address) == ("POST", f"{ADDRESS}/messages")
    assert body == {
        "id": str(row["id"]),
        "phoneNumbers": [row["recipient"]],
        "textMessage": {"text": "Hello Ada"},
        "ttl": 3600,
        "withDeliveryReport": True,
    }
    query = f"?organization={world.organization_id}"
    for event in ("sms:delivered", "sms:sent", "sms:failed"):
        assert (await call(outside.client, event, {"messageId": str(row["id"])}, query)).status_code == 204
    assert (await _standing(world, row["id"]))["status"] == "delivered"
    assert (await call(outside.client, "sms:sent", {"messageId": str(new_id())}, query)).status_code == 204


@pytest.mark.parametrize(
    ("status", "state", "attempts"),
    [
        (409, "accepted", 1),
        (400, "rejected", 1),
        (401, "planned", 0),
        (404, "planned", 0),
        (302, "planned", 0),
        (503, "planned", 1),
        (500, "unknown", 1),
    ],
)
async def test_each_answer_of_a_gateway_has_an_end_of_its_own(
    outside: TwilioHouse, there: Client, world: World, phone: FakePhone, status: int, state: str, attempts: int
) -> None:
    await set_up(there)
    phone.status = status
    row = await _send(outside, there, world)
    assert (row["state"], row["attempts"]) == (state, attempts)


async def test_a_user_texts_through_a_gateway_of_their_own(
    outside: TwilioHouse, there: Client, owner: Client, world: World, phone: FakePhone
) -> None:
    await set_up(there)
    gateway = {"label": "Olga's", "gateway_url": "https://olga.example.com", "username": "olga-2", "password": "word",
               "from_number": a_number(), "webhook_secret": "olgas-signing-key"}  # fmt: skip
    assert (await there.post(f"/users/{owner.user_id}/sms-gateway", json=gateway)).status_code == 201
    await _send(outside, there, world)
    assert [asked[1] for asked in phone.asked] == ["https://olga.example.com/messages"]


async def test_what_nobody_answered_is_asked_about_by_its_id(
    outside: TwilioHouse, there: Client, world: World, phone: FakePhone
) -> None:
    await set_up(there)
    phone.status = 500  # it took the text all the same
    row = await _send(outside, there, world)
    await world.fetch(
        "UPDATE sends SET handed_machine_at = handed_machine_at - interval '1 minute', lease_until = now()"
        " WHERE organization_id = $1 AND id = $2",
        row["id"],
    )
    async with outside.container({Actor: Actor.system(world.organization_id), Cause: Cause()}) as scope:
        await (await scope.get(Sending)).settle()
    assert (await _standing(world, row["id"]))["state"] == "accepted"
    assert [asked[0] for asked in phone.asked] == ["POST", "GET"]


@pytest.mark.parametrize("named", [True, False])
async def test_what_people_answer_to_a_users_own_gateway_comes_in(
    outside: TwilioHouse, there: Client, owner: Client, world: World, named: bool
) -> None:
    await set_up(there)
    number, secret = a_number(), "the-signing-key-of-olgas-phone"
    gateway = {
        "label": "Olga's phone", "gateway_url": ADDRESS, "username": "olga2", "password": "word",
        "from_number": number, "webhook_secret": secret,
    }  # fmt: skip
    answer = await there.post(f"/users/{owner.user_id}/sms-gateway", json=gateway)
    assert answer.status_code == 201, answer.text
    query = f"?organization={world.organization_id}"
    told = said(None if named else number, "STOP")
    assert (await call(outside.client, "sms:received", told, query if named else "", secret="no")).status_code == 401
    answer = await call(outside.client, "sms:received", told, query if named else "", secret=secret)
    assert answer.status_code == 204, answer.text
    [text] = await arrived(world)
    assert (text["body"], text["recipient"]) == ("STOP", number)


async def test_a_report_that_names_no_organisation_is_refused_with_what_to_mend(
    config: Config, house: AsyncContainer, phone: FakePhone
) -> None:
    settings = {
        "RAPPORT_TWILIO_ACCOUNT_SID": "", "RAPPORT_TWILIO_AUTH_TOKEN": "", "RAPPORT_ANDROID_GATEWAY_URL": ADDRESS,
        "RAPPORT_ANDROID_GATEWAY_USERNAME": "house", "RAPPORT_ANDROID_GATEWAY_PASSWORD": "word",
        "RAPPORT_ANDROID_GATEWAY_WEBHOOK_SECRET": HOUSE_SECRET,
    }  # fmt: skip
    async with twilio_house(config, _Phone(phone), **settings) as opened:
        answer = await call(opened.client, "sms:sent", {"messageId": str(new_id())}, secret=HOUSE_SECRET)
    assert (answer.status_code, answer.json()["error"]["details"][0]["field"]) == (400, "organization")
