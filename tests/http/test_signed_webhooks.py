"""Every signed route by one measure (promise 9): each call ten times at once, again later, in every order, too old or
too new, changed by a bit, while the database is away, signed with nothing, and without any secret (ASVS 4.1.5)."""

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

import pytest
from dishka import AsyncContainer
from twilio.request_validator import (
    HMAC_SHA256,
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
)

from adapters.persistence.database import Database, Unavailable
from domain.kernel import new_id
from entrypoints.config import Config
from tests.access.described import operations
from tests.http.conftest import Client
from tests.http.sales_world import World, enter
from tests.http.twilio_house import TwilioHouse, twilio_house

pytestmark = pytest.mark.anyio
PUBLIC_URL = "https://crm.example.com/api/v1"
SID, SECRET = f"AC{'b' * 32}", "the-secret-of-this-organisation"
PROVIDERS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "twilio": ({"account_sid": SID}, {"auth_token": SECRET, "webhook_secret": SECRET}),
    "android_gateway": (
        {"gateway_url": "https://phone.example.com", "username": "olga"},
        {"password": "the phone's own", "webhook_secret": SECRET},
    ),
    "calcom": ({"event_type_id": 123}, {"api_key": "cal_live_0123456789", "webhook_secret": SECRET}),
}
Sign = Callable[[str, str, bytes, int], dict[str, str]]
Say = Callable[["Stand", str, str], Any]


def _mac(secret: str, signed: bytes) -> bytes:
    return hmac.new(secret.encode(), signed, hashlib.sha256).digest()


def _sign_sandbox(secret: str, _: str, raw: bytes, at: int) -> dict[str, str]:
    mac = hmac.new(base64.b64decode(secret), b"msg_1.%d.%s" % (at, raw), hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(mac).decode()}"
    return {"webhook-id": "msg_1", "webhook-timestamp": str(at), "webhook-signature": signature}


def _sign_twilio(secret: str, url: str, raw: bytes, _: int) -> dict[str, str]:
    return {SIGNATURE_HEADER: RequestValidator(secret).compute_signature(url, _form(raw))}


def _sign_twilio_newly(secret: str, url: str, raw: bytes, _: int) -> dict[str, str]:
    signature = RequestValidator(secret).compute_signature(url, _form(raw), HMAC_SHA256)
    settings = f"key=webhooks_sharedkey_1,algorithm={HMAC_SHA256}"
    return {SIGNATURE_HEADER: signature, SIGNATURE_SETTINGS_HEADER: settings}


def _sign_gateway(secret: str, _: str, raw: bytes, at: int) -> dict[str, str]:
    return {"x-timestamp": str(at), "x-signature": _mac(secret, raw + str(at).encode()).hex()}


def _sign_calcom(secret: str, _: str, raw: bytes, __: int) -> dict[str, str]:
    return {"x-cal-signature-256": _mac(secret, raw).hex()}


def _form(raw: bytes) -> dict[str, str]:
    return dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass(frozen=True)
class Route:
    """Say of a route what calls it bring, how these are signed, and the event that one of them makes."""

    path: str
    provider: str
    event: str
    say: Say
    sign: Sign
    signature: str
    timestamp: str | None = None
    answer: int = 204

    def __str__(self) -> str:
        return f"{self.path.removeprefix('/webhooks/')} {self.event} {self.sign.__name__.removeprefix('_sign_')}"


def _twilio(stand: "Stand", told: str, name: str) -> dict[str, str]:
    both = {"AccountSid": SID, "MessageSid": f"SM{name}", "From": "+447400123456", "To": stand.number}
    return both | ({"Body": told} if stand.route.event == TEXT else {"MessageStatus": told})


def _gateway(stand: "Stand", told: str, name: str) -> dict[str, Any]:
    if stand.route.event == TEXT:
        payload = {"message": told, "phoneNumber": "+447400123456", "recipient": stand.number}
        return {"deviceId": "d", "event": "sms:received", "id": name, "payload": payload}
    return {"deviceId": "d", "event": f"sms:{told}", "id": name, "payload": {"messageId": str(stand.send)}}


def _sandbox(stand: "Stand", told: str, name: str) -> dict[str, Any]:
    at = "2026-11-21T09:00:00Z"
    if stand.route.event == TEXT:
        return {"id": name, "from": "+447400123456", "to": stand.number, "body": told, "at": at}
    return {"id": name, "text_id": "t-1", "status": told, "at": at}


def _calcom(_: "Stand", told: str, name: str) -> dict[str, Any]:
    booking = {"uid": name, "title": told, "startTime": "2030-03-20T09:30:00Z", "endTime": "2030-03-20T10:00:00Z"}
    return {"triggerEvent": "BOOKING_CREATED", "payload": booking}


TEXT, REPORT, BOOKING = "text.arrived", "messages.settled", "booking.reported"
ROUTES = [
    *(
        Route(f"/webhooks/sandbox/{what}", "sandbox", event, _sandbox, _sign_sandbox, "webhook-signature",
              "webhook-timestamp")
        for what, event in (("sms", TEXT), ("status", REPORT))
    ),
    *(
        Route(f"/webhooks/twilio/{what}", "twilio", event, _twilio, sign, SIGNATURE_HEADER, answer=200)
        for what, event in (("sms", TEXT), ("status", REPORT))
        for sign in (_sign_twilio, _sign_twilio_newly)
    ),
    *(
        Route("/webhooks/sms-gateway", "android_gateway", event, _gateway, _sign_gateway, "x-signature", "x-timestamp")
        for event in (TEXT, REPORT)
    ),
    Route("/webhooks/calcom", "calcom", BOOKING, _calcom, _sign_calcom, "x-cal-signature-256"),
]  # fmt: skip
TIMED = [route for route in ROUTES if route.timestamp is not None]
REPORTS = [route for route in ROUTES if route.event == REPORT]
STORED = [route for route in ROUTES if route.provider != "sandbox"]
each = pytest.mark.parametrize("route", ROUTES, ids=str)


@dataclass(frozen=True)
class Stand:
    """Hold a route and whose it is: who may call it, with which secret, and a text that nobody knows the end of."""

    route: Route
    client: Client
    world: World
    number: str
    send: UUID
    secret: str = SECRET

    @property
    def path(self) -> str:
        """Give the address that the provider calls."""
        return f"{self.route.path}?organization={self.world.organization_id}&send={self.send}"

    def body(self, told: str = "delivered", name: str = "one") -> bytes:
        """Write what a call brings, under a name that the provider gave it."""
        said = self.route.say(self, told, name)
        return urlencode(said).encode() if self.route.provider == "twilio" else json.dumps(said).encode()

    def headers(self, raw: bytes, secret: str | None = None, late: int = 0) -> dict[str, str]:
        """Sign a body."""
        at = int(time.time()) + late
        return self.route.sign(self.secret if secret is None else secret, f"{PUBLIC_URL}{self.path}", raw, at)

    async def call(self, raw: bytes, headers: dict[str, str]) -> int:
        """Call; gives the status."""
        kind = "application/x-www-form-urlencoded" if self.route.provider == "twilio" else "application/json"
        answer = await self.client.post(self.path, content=raw, headers={**headers, "content-type": kind})
        return answer.status_code

    async def kept(self) -> tuple[int, int]:
        """Count what was written down, and the events that came of it."""
        [row] = await self.world.fetch(
            "SELECT (SELECT count(*) FROM inbound WHERE organization_id = $1),"
            " (SELECT count(*) FROM events WHERE organization_id = $1 AND type = $2)",
            self.route.event,
        )
        return row[0], row[1]


@pytest.fixture(scope="module")
async def outside(config: Config, house: AsyncContainer) -> AsyncIterator[TwilioHouse]:
    """Open an installation outside the sandbox whose environment configures nobody."""
    none = {"RAPPORT_TWILIO_ACCOUNT_SID": "", "RAPPORT_TWILIO_AUTH_TOKEN": ""}
    async with twilio_house(config, **none) as opened:
        yield opened


async def _unknown(owner: Client, world: World) -> UUID:
    dataset = await world.dataset()
    phone = f"+4474{new_id().int % 10**8:08d}"
    lead = await enter(owner, {"first_name": "Ada", "phone_number": phone}, dataset_id=str(dataset))
    send = await world.plan_text(lead, dataset)
    await world.fetch(
        "WITH s AS (UPDATE sends SET state = 'unknown', handed_at = business_now()"
        " WHERE organization_id = $1 AND id = $2)"
        " UPDATE messages SET status = 'unknown' WHERE organization_id = $1 AND id = $2",
        send,
    )
    return send


@pytest.fixture
async def stand(route: Route, client: Client, owner: Client, config: Config, outside: TwilioHouse,
                house: AsyncContainer) -> Stand:  # fmt: skip
    """Set the provider up for an organisation, on its own account where it may have one."""
    world = World(house, owner.organization_id)
    send = await _unknown(owner, world)
    if route.provider == "sandbox":
        [[number]] = await world.fetch("SELECT sender FROM organizations WHERE organization_id = $1")
        return Stand(
            route, client, world, number, send, base64.b64encode(config.derived_key("sandbox-webhooks")).decode()
        )
    number = f"+4474{new_id().int % 10**8:08d}"
    settings, credentials = PROVIDERS[route.provider]
    told = settings if route.provider == "calcom" else {**settings, "phone_number": number}
    body = {"settings": told, "credentials": credentials}
    answer = await outside.of(owner).put(f"/settings/integrations/{route.provider}", json=body)
    assert answer.status_code == 200, answer.text
    return Stand(route, outside.client, world, number, send)


def test_every_signed_route_of_the_document_is_here() -> None:
    signed = {one.path for one in operations() if one.access == "signed"}
    assert {route.path for route in ROUTES} == signed


@each
async def test_ten_at_once_and_again_later_count_once(stand: Stand) -> None:
    raw = stand.body()
    headers = stand.headers(raw)
    assert set(await asyncio.gather(*(stand.call(raw, headers) for _ in range(10)))) == {stand.route.answer}
    assert await stand.kept() == (1, 1)
    for again in (headers, stand.headers(raw, late=2)):
        assert await stand.call(raw, again) == stand.route.answer
    assert await stand.kept() == (1, 1)
    other = stand.body(name="another")
    assert await stand.call(other, stand.headers(other)) == stand.route.answer
    assert (await stand.kept())[0] == 2, "another one is not taken for the first: else this would show nothing"


@pytest.mark.parametrize("route", REPORTS, ids=str)
async def test_reports_end_the_same_in_every_order(stand: Stand, owner: Client) -> None:
    ends = []
    for order in itertools.permutations(("sent", "delivered", "failed")):
        one = replace(stand, send=await _unknown(owner, stand.world))
        for told in order:
            raw = one.body(told, name=f"{one.send.hex[-12:]}{told}")
            for _ in range(2):
                assert await one.call(raw, one.headers(raw)) == one.route.answer
        [row] = await one.world.fetch(
            "SELECT m.status, m.error_code, s.state FROM messages m JOIN sends s ON s.organization_id = $1"
            " AND s.id = m.id WHERE m.organization_id = $1 AND m.id = $2",
            one.send,
        )
        ends.append(tuple(row))
    assert set(ends) == {("delivered", None, "accepted")}
    assert (await stand.kept())[1] == len(ends), "each text was settled once"


@pytest.mark.parametrize("route", TIMED, ids=str)
async def test_what_was_signed_five_minutes_ago_or_hence_is_refused(stand: Stand) -> None:
    raw = stand.body()
    assert [await stand.call(raw, stand.headers(raw, late=late)) for late in (-302, 302)] == [401, 401]
    now = stand.headers(raw)
    later = {**now, str(stand.route.timestamp): str(int(now[str(stand.route.timestamp)]) + 1)}
    assert await stand.call(raw, later) == 401, "the time is signed too"
    assert await stand.kept() == (0, 0)
    within = [await stand.call(raw, stand.headers(raw, late=late)) for late in (-297, 297)]
    assert within == [stand.route.answer] * 2


def _flipped(raw: bytes, every: int) -> Iterator[bytes]:
    """Change one bit at a time, of each so many bytes another one."""
    for place in range(0, len(raw), every):
        changed = bytearray(raw)
        changed[place] ^= 1 << (place // every) % 8
        yield bytes(changed)


@each
async def test_a_bit_that_is_changed_in_body_or_signature_proves_nothing(stand: Stand) -> None:
    raw = stand.body()
    good = stand.headers(raw)
    for changed in _flipped(raw, 3):
        if stand.route.provider != "twilio" or _form(changed) != _form(raw):  # which signs what a form says
            assert await stand.call(changed, good) == 401, changed
    kind, comma, signature = good[stand.route.signature].rpartition(",")
    is_hex = len(signature) == 64
    mac = bytes.fromhex(signature) if is_hex else base64.b64decode(signature)
    for changed in _flipped(mac, 1):
        text = changed.hex() if is_hex else base64.b64encode(changed).decode()
        assert await stand.call(raw, {**good, stand.route.signature: f"{kind}{comma}{text}"}) == 401
    for missing in good:
        if missing != SIGNATURE_SETTINGS_HEADER:
            assert await stand.call(raw, {name: told for name, told in good.items() if name != missing}) == 401
    assert await stand.call(raw, {**good, stand.route.signature: ""}) == 401
    assert await stand.kept() == (0, 0)
    assert await stand.call(raw, good) == stand.route.answer


@each
async def test_a_call_waits_for_a_database_that_is_away_and_is_kept(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = stand.body()
    acquire, back = Database.acquire, time.monotonic() + 0.5

    async def refusing(self: Database) -> Any:
        if time.monotonic() < back:
            raise Unavailable("It is away.")
        return await acquire(self)

    monkeypatch.setattr(Database, "acquire", refusing)
    assert await stand.call(raw, stand.headers(raw)) == stand.route.answer
    assert time.monotonic() > back, "it was never away: this shows nothing"
    assert await stand.kept() == (1, 1)


@each
async def test_the_empty_key_proves_nothing(stand: Stand) -> None:
    raw = stand.body()
    assert await stand.call(raw, stand.headers(raw, "")) == 401
    assert await stand.kept() == (0, 0)


@pytest.mark.parametrize("route", STORED, ids=str)
async def test_where_there_is_no_secret_there_is_no_route(
    stand: Stand, stranger: Client, outside: TwilioHouse, house: AsyncContainer
) -> None:
    there = replace(stand, world=World(house, stranger.organization_id), number="+447400000001")
    await _is_off(there)
    settings, credentials = PROVIDERS[stand.route.provider]
    if stand.route.provider == "twilio":  # whose token is its secret, so that none is kept without one
        return
    without = {name: secret for name, secret in credentials.items() if name != "webhook_secret"}
    body = {"settings": settings, "credentials": without}
    answer = await outside.of(stranger).put(f"/settings/integrations/{stand.route.provider}", json=body)
    assert answer.status_code == 200, answer.text
    await _is_off(there)


async def _is_off(stand: Stand) -> None:
    raw = stand.body()
    for secret in ("", SECRET):
        assert await stand.call(raw, stand.headers(raw, secret)) == 404
    assert await stand.call(raw, {}) == 404
    assert await stand.kept() == (0, 0)
