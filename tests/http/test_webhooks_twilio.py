"""Twilio's signed calls, and texts through Twilio: whose they are, what proves them, what each error ends in."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from secrets import token_hex
from typing import Any
from uuid import UUID

import pytest
from dishka import AsyncContainer

from adapters.persistence.database import Cause
from adapters.sms.breakers import Breakers
from application.messaging.consent import Consents
from application.messaging.sending import Sending
from application.ports import Actor
from domain.kernel import new_id
from domain.messaging.message import RecipientRefused
from entrypoints.config import Config
from tests.http.conftest import Client
from tests.http.sales_world import World, enter, world
from tests.http.twilio_house import HOUSE_SID, SMS, STATUS, TwilioHouse, form, told, twilio_house

__all__ = ["world"]
pytestmark = pytest.mark.anyio
OWN_SID, OWN_TOKEN, SHARED_KEY = f"AC{'b' * 32}", "the-organisations-own-token", "the-organisations-shared-key"
EVENTS = "SELECT data FROM events WHERE organization_id = $1 AND type ="
EMPTY = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'


@pytest.fixture(scope="module")
async def outside(config: Config, house: AsyncContainer) -> AsyncIterator[TwilioHouse]:
    """Open an installation with a Twilio account for everybody."""
    async with twilio_house(config) as opened:
        yield opened


@pytest.fixture
async def there(outside: TwilioHouse, owner: Client) -> Client:
    """Be an owner there."""
    outside.twilio.sent.clear()
    outside.twilio.refuses.clear()
    vars(await outside.container.get(Breakers))["_known"].clear()  # another test's troubles
    return outside.of(owner)


def a_number() -> str:
    return f"+4474{new_id().int % 10**8:08d}"


async def set_up(there: Client, **settings: Any) -> str:
    number = a_number()
    body = {
        "settings": {"account_sid": OWN_SID, "phone_number": number, **settings},
        "credentials": {"auth_token": OWN_TOKEN, "webhook_secret": SHARED_KEY},
    }
    answer = await there.put("/settings/integrations/twilio", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["connected"]
    return number


async def use_number(there: Client) -> str:
    """Give the organisation a number of the installation's account."""
    number = a_number()
    answer = await there.patch("/settings/client", json={"twilio_phone_number": number})
    assert answer.status_code == 200, answer.text
    return number


async def stored(world: World, sid: str) -> list[Any]:
    return list(
        await world.fetch("SELECT payload, account, kind FROM inbound WHERE organization_id = $1"
                          " AND external_id = $2 AND provider = 'twilio'", sid)
    )  # fmt: skip


async def test_a_text_to_an_organisations_number_is_stored_once_and_answered_with_nothing_to_do(
    outside: TwilioHouse, there: Client, world: World
) -> None:
    number = await use_number(there)
    said = form(
        number, "Yes 👍 how much?\x00", NumMedia="2", MediaUrl0="https://m/1", MediaUrl1="https://m/2", Odd="kept"
    )
    answers = await asyncio.gather(*(outside.call(SMS, said) for _ in range(10)))
    assert {(a.status_code, a.text, a.headers["content-type"].partition(";")[0]) for a in answers} == {
        (200, EMPTY, "application/xml")
    }
    [row] = await stored(world, said["MessageSid"])
    assert (row["account"], row["kind"], told(row)["Odd"]) == (HOUSE_SID, "text", "kept")
    events = await world.fetch("SELECT personal FROM events WHERE organization_id = $1 AND type = 'text.arrived'")
    [arrived] = [json.loads(event["personal"]) for event in events]
    assert (arrived["body"], arrived["media"]) == ("Yes 👍 how much?", ["https://m/1", "https://m/2"])


async def test_what_no_token_proves_is_refused_and_not_stored(
    outside: TwilioHouse, there: Client, world: World
) -> None:
    number = await use_number(there)
    said = form(number)
    for token, changed in (("another-token", {}), (OWN_TOKEN, {}), (OWN_TOKEN, {"AccountSid": OWN_SID})):
        answer = await outside.call(SMS, {**said, **changed}, token)
        assert answer.status_code == 401
    unsigned = await outside.client.post(SMS, data=said)
    assert unsigned.status_code == 401
    assert (await outside.client.post(SMS, json=said)).status_code == 415
    assert await stored(world, said["MessageSid"]) == []


async def test_an_id_that_is_longer_than_any_is_a_400_that_names_it(
    outside: TwilioHouse, there: Client, world: World
) -> None:
    said = form(await use_number(there))
    report = {"AccountSid": HOUSE_SID, "MessageSid": "SM1", "MessageStatus": "sent"}
    path = f"{STATUS}?organization={world.organization_id}&send={new_id()}"
    for where, told_by, field in (
        (SMS, said, "MessageSid"),
        (path, report, "MessageSid"),
        (path, report, "MessageStatus"),
    ):
        for length, status in ((64, 200), (65, 400), (640_000, 400)):
            answer = await outside.call(where, {**told_by, field: token_hex(length)[:length]})
            assert answer.status_code == status, (where, field, length)
            if status == 400:
                assert [one["field"] for one in answer.json()["error"]["details"]] == [field]


async def test_a_number_of_nobodys_is_stored_and_answered(outside: TwilioHouse, there: Client, world: World) -> None:
    said = form(a_number())
    assert [(await outside.call(SMS, said)).status_code for _ in range(2)] == [200, 200]
    assert await stored(world, said["MessageSid"]) == []
    assert await world.fetch("SELECT 1 FROM events WHERE organization_id = $1 AND type = 'text.arrived'") == []


async def test_an_own_account_is_proved_by_its_own_token_in_both_schemes(
    outside: TwilioHouse, there: Client, world: World
) -> None:
    number = await set_up(there)
    for token, algorithm in ((OWN_TOKEN, None), (SHARED_KEY, "HMAC_SHA256")):
        said = form(number, AccountSid=OWN_SID)
        assert (await outside.call(SMS, said, token, algorithm=algorithm)).status_code == 200
        assert len(await stored(world, said["MessageSid"])) == 1
    for token, algorithm in ((SHARED_KEY, None), (OWN_TOKEN, "HMAC_SHA256")):
        answer = await outside.call(SMS, form(number, AccountSid=OWN_SID), token, algorithm=algorithm)
        assert answer.status_code == 401, (token, algorithm)
    said = form(number, AccountSid=OWN_SID)
    signature = _signed_by_sha512(f"{outside.config.public_url}/api/v1{SMS}", said)
    for named in ("HMAC_SHA512", "HMAC_SHA256"):
        headers = {
            "X-Twilio-Signature": signature,
            "X-Twilio-Webhooks-Signature-Settings": f"key=webhooks_sharedkey_1,algorithm={named}",
        }
        assert (await outside.client.post(SMS, data=said, headers=headers)).status_code == 401, named
    assert await stored(world, said["MessageSid"]) == []
    elsewhere = form(a_number(), AccountSid=OWN_SID)  # another number of the account: its address says whose it is
    assert (await outside.call(SMS, elsewhere, OWN_TOKEN)).status_code == 401
    address = f"{SMS}?organization={world.organization_id}"
    assert (await outside.call(address, elsewhere, OWN_TOKEN)).status_code == 200
    assert len(await stored(world, elsewhere["MessageSid"])) == 1


def _signed_by_sha512(url: str, said: dict[str, str]) -> str:
    """Sign as Twilio would by an algorithm that it has not, and its SDK cannot: with the right key."""
    content = url + "".join(f"{name}{value}" for name, value in sorted(said.items()))
    return base64.b64encode(hmac.new(SHARED_KEY.encode(), content.encode(), hashlib.sha512).digest()).decode()


async def test_a_text_to_a_number_that_moved_within_an_account_is_its_new_organisations(
    outside: TwilioHouse, there: Client, stranger: Client, world: World
) -> None:
    theirs = outside.of(stranger)
    body = {"settings": {"account_sid": OWN_SID}, "credentials": {"auth_token": OWN_TOKEN}}
    assert (await theirs.put("/settings/integrations/twilio", json=body)).status_code == 200
    said = form(await set_up(there), "STOP", AccountSid=OWN_SID)
    before = f"{SMS}?organization={stranger.organization_id}"
    assert (await outside.call(before, said, OWN_TOKEN)).status_code == 200
    assert len(await stored(world, said["MessageSid"])) == 1


async def test_a_foreign_organisations_token_proves_nothing_for_this_one(
    outside: TwilioHouse, there: Client, stranger: Client, world: World
) -> None:
    await set_up(there)
    their = outside.of(stranger)
    body = {"settings": {"account_sid": OWN_SID}, "credentials": {"auth_token": "the-strangers-token"}}
    assert (await their.put("/settings/integrations/twilio", json=body)).status_code == 200
    report = {"AccountSid": OWN_SID, "MessageSid": "SM1", "MessageStatus": "delivered"}
    path = f"{STATUS}?organization={world.organization_id}&send={new_id()}"
    assert (await outside.call(path, report, "the-strangers-token")).status_code == 401
    assert (await outside.call(path, report, OWN_TOKEN)).status_code == 200


async def _send(outside: TwilioHouse, there: Client, world: World) -> dict[str, Any]:
    """Plan a text to a new lead, hand it over, and tell how it stands."""
    lead = await enter(there, {"first_name": "Ada", "phone_number": a_number()}, dataset_id=str(await world.dataset()))
    answer = await there.post("/messages/send", json={"lead_id": lead["id"], "content": "Hello Ada"})
    assert answer.status_code == 201, answer.text
    async with outside.container({Actor: Actor.system(world.organization_id), Cause: Cause()}) as scope:
        await (await scope.get(Sending)).send_due()
    return await _standing(world, UUID(answer.json()["data"]["id"]))


async def _standing(world: World, send: UUID) -> dict[str, Any]:
    [row] = await world.fetch(
        "SELECT s.id, s.state, s.provider, s.attempts, s.error, m.status, m.segments, m.provider AS told,"
        " m.provider_id, m.error_code, s.recipient FROM sends s"
        " JOIN messages m ON m.organization_id = $1 AND m.id = s.id WHERE s.organization_id = $1 AND s.id = $2",
        send,
    )
    return dict(row.items())


async def test_a_text_leaves_by_the_organisations_own_account_before_the_houses(
    outside: TwilioHouse, there: Client, world: World
) -> None:
    number = await use_number(there)
    row = await _send(outside, there, world)
    assert (row["state"], row["provider"], row["told"], row["segments"]) == (
        "accepted",
        f"twilio:{HOUSE_SID}",
        "twilio",
        2,
    )
    own = await set_up(there)
    row = await _send(outside, there, world)
    assert (row["state"], row["provider"], row["status"]) == ("accepted", f"twilio:{OWN_SID}", "sent")
    first, second = outside.twilio.sent
    assert (first["From"], first["path"].split("/")[3]) == (number, HOUSE_SID)
    assert (second["From"], second["path"].split("/")[3]) == (own, OWN_SID)
    assert second["StatusCallback"] == (
        f"https://crm.example.com/api/v1{STATUS}?organization={world.organization_id}&send={row['id']}"
    )
    assert (second["SmartEncoded"], second["ValidityPeriod"]) == ("false", "3600")


async def test_a_messaging_service_chooses_the_number(outside: TwilioHouse, there: Client, world: World) -> None:
    await set_up(there, messaging_service_sid=f"MG{'c' * 32}")
    await _send(outside, there, world)
    [sent] = outside.twilio.sent
    assert sent["MessagingServiceSid"] == f"MG{'c' * 32}"
    assert "From" not in sent


@pytest.mark.parametrize(
    ("status", "code", "state", "shown"),
    [
        (400, 21211, "rejected", "failed"),
        (400, 21610, "rejected", "failed"),
        (400, 21408, "rejected", "failed"),
        (401, 20003, "planned", "pending"),
        (400, 21606, "planned", "pending"),
        (429, 20429, "planned", "pending"),
        (400, 21608, "rejected", "failed"),
        (503, 20503, "unknown", "unknown"),
        (500, 20500, "unknown", "unknown"),
    ],
)
async def test_each_refusal_has_an_end_of_its_own(
    outside: TwilioHouse, there: Client, world: World, status: int, code: int, state: str, shown: str
) -> None:
    await set_up(there)
    outside.twilio.refuses.append((status, code))
    row = await _send(outside, there, world)
    assert (row["state"], row["status"]) == (state, shown)
    outcomes = {21211: ["unreachable"], 21610: ["rejected"], 21408: ["rejected"], 21608: ["rejected"]}.get(code, [])
    settled = await world.fetch(f"{EVENTS} 'messages.settled' ORDER BY id")
    assert [json.loads(event["data"])["settled"][0]["outcome"] for event in settled] == outcomes
    refused = await world.fetch(
        "SELECT 1 FROM events WHERE organization_id = $1 AND type = 'message.recipient_refused'"
    )
    assert len(refused) == (code == 21610)
    burned = 0 if code == 20003 else 1
    assert row["attempts"] == burned
    alarms = await world.fetch(f"{EVENTS} 'texting.failed'")
    assert len(alarms) == (code in (20003, 21606))
    shown_there = (await there.get("/settings/integrations/twilio")).json()["data"]["last_error"]
    assert bool(shown_there) == bool(alarms)


async def _report(outside: TwilioHouse, world: World, send: UUID, status: str, **other: str) -> None:
    report = {"AccountSid": HOUSE_SID, "MessageSid": f"SM{send.hex}", "MessageStatus": status, **other}
    path = f"{STATUS}?organization={world.organization_id}&send={send}"
    for _ in range(2):
        answer = await outside.call(path, report)
        assert (answer.status_code, answer.text) == (200, EMPTY)


@pytest.mark.parametrize(
    ("status", "code", "shown", "outcomes"),
    [
        ("delivered", "", "delivered", []),
        ("undelivered", "30003", "failed", []),
        ("undelivered", "30005", "failed", ["unreachable"]),
        ("undelivered", "30006", "failed", ["unreachable"]),
        ("undelivered", "30007", "failed", []),
        ("failed", "21610", "failed", []),
    ],
)
async def test_a_report_moves_the_message_and_tells_what_it_means(
    outside: TwilioHouse, there: Client, world: World, status: str, code: str, shown: str, outcomes: list[str]
) -> None:
    await use_number(there)
    row = await _send(outside, there, world)
    await _report(outside, world, row["id"], "sent")
    await _report(outside, world, row["id"], status, **({"ErrorCode": code} if code else {}))
    await _report(outside, world, row["id"], "queued")
    after = await _standing(world, row["id"])
    assert (after["status"], after["error_code"]) == (shown, code or None)
    settled = await world.fetch(f"{EVENTS} 'messages.settled' ORDER BY id")
    told_of = [json.loads(event["data"])["settled"][0]["outcome"] for event in settled]
    assert told_of == ["accepted", *outcomes]
    refused = await world.fetch(
        "SELECT 1 FROM events WHERE organization_id = $1 AND type = 'message.recipient_refused'"
    )
    assert len(refused) == (code == "21610")


@pytest.mark.parametrize(("told", "status"), [("delivered", "delivered"), ("queued", "sent")])
@pytest.mark.parametrize("state", ["unknown", "parked", "planned", "claimed"])
async def test_a_report_settles_what_may_be_sent_again(
    outside: TwilioHouse, there: Client, world: World, state: str, told: str, status: str
) -> None:
    await use_number(there)
    outside.twilio.refuses.append((500, 20500))
    row = await _send(outside, there, world)
    assert row["state"] == "unknown"
    await world.fetch("UPDATE sends SET state = $3 WHERE organization_id = $1 AND id = $2", row["id"], state)
    await _report(outside, world, row["id"], told)
    after = await _standing(world, row["id"])
    assert (after["state"], after["status"], after["provider_id"]) == ("accepted", status, f"SM{row['id'].hex}")
    shown = (await there.get(f"/messages/{row['id']}")).json()["data"]
    assert (shown["status"], shown["provider_id"]) == (status, f"SM{row['id'].hex}")


async def test_what_a_text_cost_is_shown_with_it(outside: TwilioHouse, there: Client, world: World) -> None:
    await use_number(there)
    row = await _send(outside, there, world)
    before = (await there.get(f"/messages/{row['id']}")).json()["data"]
    assert (before["price"], before["price_currency"]) == (None, None)
    await _report(outside, world, row["id"], "delivered", Price="-0.00790", PriceUnit="USD")
    after = (await there.get(f"/messages/{row['id']}")).json()["data"]
    assert (after["price"], after["price_currency"]) == ("0.00790", "USD")


async def test_a_report_of_what_was_never_handed_over_settles_nothing(
    outside: TwilioHouse, there: Client, world: World
) -> None:
    await use_number(there)
    outside.twilio.refuses.append((500, 20500))
    row = await _send(outside, there, world)
    never = "UPDATE sends SET state = 'planned', handed_at = NULL WHERE organization_id = $1 AND id = $2"
    await world.fetch(never, row["id"])
    await _report(outside, world, row["id"], "sent")
    assert (await _standing(world, row["id"]))["state"] == "planned"


async def test_whoever_stopped_at_twilio_is_suppressed_here(outside: TwilioHouse, there: Client, world: World) -> None:
    await use_number(there)
    outside.twilio.refuses.append((400, 21610))
    row = await _send(outside, there, world)
    [event] = await world.fetch(
        "SELECT subject, data, personal FROM events WHERE organization_id = $1 AND type = 'message.recipient_refused'"
    )
    values = {**json.loads(event["data"]), **json.loads(event["personal"])}
    refused = RecipientRefused(subject=event["subject"], **{**values, "contact_id": UUID(values["contact_id"])})
    async with outside.container({Actor: Actor.system(world.organization_id), Cause: Cause()}) as scope:
        await (await scope.get(Consents)).refused(refused)
    found = await world.fetch("SELECT address, how FROM suppressions WHERE organization_id = $1 ORDER BY address")
    assert [(one["address"], one["how"]) for one in found] == [(row["recipient"], "provider")]


async def test_bad_reports_are_refused(outside: TwilioHouse, there: Client, world: World) -> None:
    report = {"AccountSid": HOUSE_SID, "MessageSid": "SM1", "MessageStatus": "sent"}
    for query in ("", "?organization=x&send=y", f"?organization={world.organization_id}", f"?send={new_id()}"):
        assert (await outside.call(f"{STATUS}{query}", report)).status_code == 400


async def test_two_organisations_do_not_text_from_one_number(
    outside: TwilioHouse, there: Client, stranger: Client
) -> None:
    number = await set_up(there)
    body = {"settings": {"account_sid": OWN_SID, "phone_number": number}, "credentials": {"auth_token": OWN_TOKEN}}
    answer = await outside.of(stranger).put("/settings/integrations/twilio", json=body)
    assert (answer.status_code, answer.json()["error"]["details"][0]["field"]) == (409, "settings.phone_number")
    assert (await there.delete("/settings/integrations/twilio")).status_code == 204
    assert (await outside.of(stranger).put("/settings/integrations/twilio", json=body)).status_code == 200
