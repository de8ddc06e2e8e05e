"""The sandbox's signed calls: proved, written down once, obeyed once, in whatever order they come."""

import asyncio
import base64
import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any, cast
from uuid import UUID

import httpx
import pytest
from dishka import AsyncContainer
from standardwebhooks import Webhook

from adapters.persistence.database import Cause, Database
from adapters.persistence.inbound import PostgresInbound
from application.messaging.conversations import Conversations
from application.messaging.inbound import Notice
from application.ports import Actor
from domain.identity.role import Role
from domain.kernel import new_id
from domain.messaging.message import TextArrived
from entrypoints.config import Config
from entrypoints.container import container
from entrypoints.http.app import create_app
from entrypoints.http.routes import ROUTES
from tests.conftest import LIMITS_OFF
from tests.http.conftest import BASE, Client, Join
from tests.http.sales_world import World, enter, world

__all__ = ["world"]
pytestmark = pytest.mark.anyio
SMS, STATUS = "/webhooks/sandbox/sms", "/webhooks/sandbox/status"


def headers(config: Config, raw: bytes, at: datetime | None = None) -> dict[str, str]:
    webhook = Webhook(base64.b64encode(config.derived_key("sandbox-webhooks")).decode())
    at = at or datetime.now(UTC)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": webhook.sign("msg_1", at, raw.decode("utf-8", "surrogateescape")),
        "content-type": "application/json",
    }


def text(to: str, body: str = "Hello", **other: Any) -> dict[str, Any]:
    return {"id": new_id().hex, "from": "+447700900150", "to": to, "body": body, "at": "2026-11-21T09:00:00Z", **other}


async def call(client: Client, config: Config, path: str, payload: dict[str, Any]) -> httpx.Response:
    raw = json.dumps(payload).encode()
    return await client.post(path, content=raw, headers=headers(config, raw))


async def number_of(world: World) -> str:
    [[sender]] = await world.fetch("SELECT sender FROM organizations WHERE organization_id = $1")
    return str(sender)


async def stored(world: World, external_id: str) -> Sequence[Any]:
    return await world.fetch("SELECT payload FROM inbound WHERE organization_id = $1 AND external_id = $2", external_id)


async def stored_at_all(database: Database, external_id: str) -> bool:
    """Tell whether it is written down for anybody: nobody may read what is nobody's, but a second one is a conflict."""
    async with database.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        done = await connection.execute(
            "INSERT INTO inbound (id, provider, account, external_id, kind, payload)"
            " VALUES (uuidv7(), 'sandbox', '', $1, 'text', '{}') ON CONFLICT DO NOTHING",
            external_id,
        )
        await transaction.rollback()
        return bool(done == "INSERT 0 0")


async def work_off(house: AsyncContainer, world: World) -> None:
    """Do what a worker does with each text that has arrived and was not worked off."""
    rows = await world.fetch(
        "SELECT subject, data, personal FROM events WHERE organization_id = $1 AND type = 'text.arrived'"
    )
    for row in rows:
        told = {**json.loads(row["data"]), **json.loads(row["personal"])}
        told["at"] = datetime.fromisoformat(told["at"])
        told["media"] = tuple(told["media"])
        async with house({Actor: Actor.system(world.organization_id), Cause: Cause()}) as scope:
            await (await scope.get(Conversations)).receive(TextArrived(subject=row["subject"], **told))


async def test_a_text_brought_ten_times_at_once_is_one_text(
    client: Client, config: Config, world: World, house: AsyncContainer
) -> None:
    payload = text(await number_of(world), "Yes, how much is it?", extra={"kept": True})
    answers = await asyncio.gather(*(call(client, config, SMS, payload) for _ in range(10)))
    assert {(answer.status_code, answer.content) for answer in answers} == {(204, b"")}
    [row] = await stored(world, payload["id"])
    assert json.loads(row["payload"]) == payload
    await work_off(house, world)
    messages = await world.fetch("SELECT body, status, direction FROM messages WHERE organization_id = $1")
    assert [tuple(m) for m in messages] == [("Yes, how much is it?", "received", "inbound")]


async def test_what_is_not_signed_right_is_refused_and_not_stored(
    client: Client, config: Config, database: Database, world: World
) -> None:
    payload = text(await number_of(world))
    raw = json.dumps(payload).encode()
    good = headers(config, raw)
    flipped = bytes([*raw[:-2], raw[-2] ^ 1, raw[-1]])
    now = datetime.now(UTC)
    forged = "v1," + base64.b64encode(b"x" * 32).decode()
    attempts = [
        (raw, {}),
        (flipped, good),
        (raw, {**good, "webhook-id": "msg_2"}),
        (raw, {**good, "webhook-signature": forged}),
        (raw, {**good, "webhook-signature": "nonsense"}),
        (raw, {**good, "webhook-signature": good["webhook-signature"].replace("v1,", "v2,")}),
        (raw, {**good, "webhook-timestamp": "nan"}),
        (raw, headers(config, raw, now - timedelta(seconds=302))),
        (raw, headers(config, raw, now + timedelta(seconds=302))),
        *((raw, {k: v for k, v in good.items() if k != missing}) for missing in good if missing != "content-type"),
    ]
    for path in (SMS, f"{STATUS}?organization={world.organization_id}&send={new_id()}"):
        for body, sent in attempts:
            answer = await client.post(path, content=body, headers=sent)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHORIZED"), sent
    assert not await stored_at_all(database, payload["id"])
    within = [headers(config, raw, now + timedelta(seconds=s)) for s in (-290, 290)]
    assert [(await client.post(SMS, content=raw, headers=sent)).status_code for sent in within] == [204, 204]


async def test_a_text_to_nobodys_number_is_kept_and_makes_no_event(
    client: Client, config: Config, database: Database, world: World
) -> None:
    payload = text("+442079469999")
    answers = await asyncio.gather(*(call(client, config, SMS, payload) for _ in range(3)))
    assert [answer.status_code for answer in answers] == [204] * 3
    assert await stored_at_all(database, payload["id"])
    assert await stored(world, payload["id"]) == []
    assert await world.fetch("SELECT 1 FROM events WHERE organization_id = $1 AND type = 'text.arrived'") == []


async def test_texts_that_come_together_are_stored_together_each_for_its_own(
    client: Client, config: Config, world: World, stranger: Client, house: AsyncContainer, database: Database
) -> None:
    theirs = World(house, stranger.organization_id)
    own = [text(await number_of(world), f"Text {n}") for n in range(20)]
    foreign = [text(await number_of(theirs), f"Theirs {n}") for n in range(5)]
    nobodys = [text("+442079469999") for _ in range(3)]
    answers = await asyncio.gather(*(call(client, config, SMS, one) for one in (*own, *foreign, *nobodys, *own[:5])))
    assert {answer.status_code for answer in answers} == {204}
    arrived = "SELECT data, xmin::text FROM events WHERE organization_id = $1 AND type = 'text.arrived'"
    for whose, brought in ((world, own), (theirs, foreign)):
        events = await whose.fetch(arrived)
        assert sorted(json.loads(e["data"])["external_id"] for e in events) == sorted(one["id"] for one in brought)
        assert len({e["xmin"] for e in events}) < len(brought), "no two shared a transaction: this test proves nothing"
    assert all([await stored_at_all(database, one["id"]) for one in nobodys])


async def test_a_text_that_cannot_be_stored_spoils_no_other(
    client: Client, config: Config, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await number_of(world)
    good = [text(number, f"Text {n}") for n in range(10)]
    bad = text(number)
    write_down = PostgresInbound.write_down

    async def refusing(self: PostgresInbound, notices: Sequence[Notice]) -> list[bool]:
        # No index of PostgreSQL holds such an id; the door lets none in.
        ids = {bad["id"]: token_hex(9000)}
        return await write_down(self, [replace(n, external_id=ids.get(n.external_id, n.external_id)) for n in notices])

    monkeypatch.setattr(PostgresInbound, "write_down", refusing)
    answers = await asyncio.gather(*(call(client, config, SMS, one) for one in (*good[:5], bad, *good[5:])))
    assert [answer.status_code for answer in answers] == [204] * 5 + [500] + [204] * 5
    assert [len(await stored(world, one["id"])) for one in good] == [1] * 10


@pytest.mark.parametrize(
    ("body", "media", "kept"),
    [
        ("", (), ""),
        ("", ("https://example.com/photo.jpg",), ""),
        ("nul\x00 byte", (), "nul byte"),
        ("half \ud83d of a smile", (), "half \ufffd of a smile"),
        ("tail \ude00", (), "tail \ufffd"),
        ("whole \U0001f600", (), "whole \U0001f600"),
        ("x" * 5000, (), "x" * 5000),
    ],
)
async def test_odd_texts_are_kept(
    client: Client, config: Config, world: World, house: AsyncContainer, body: str, media: tuple[str, ...], kept: str
) -> None:
    payload = text(await number_of(world), body, media=media)
    assert (await call(client, config, SMS, payload)).status_code == 204
    await work_off(house, world)
    [message] = await world.fetch("SELECT body, media FROM messages WHERE organization_id = $1")
    assert message["body"] == kept
    assert json.loads(message["media"]) == list(media)


async def test_a_sender_that_is_no_number_is_stored_only(client: Client, config: Config, world: World) -> None:
    payload = text(await number_of(world), **{"from": "MYBANK"})
    assert (await call(client, config, SMS, payload)).status_code == 204
    assert len(await stored(world, payload["id"])) == 1
    assert await world.fetch("SELECT 1 FROM events WHERE organization_id = $1 AND type = 'text.arrived'") == []


@pytest.mark.parametrize("body", [b"[]", b"{", b'"text"', b"{}", b'{"id": 7}', b"[" * 5000])
async def test_a_signed_body_that_cannot_be_read_is_a_400(client: Client, config: Config, body: bytes) -> None:
    answer = await client.post(SMS, content=body, headers=headers(config, body))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


async def test_an_id_that_is_longer_than_any_is_a_400_that_names_it(
    client: Client, config: Config, world: World
) -> None:
    there = text(await number_of(world))
    told = {"id": "s-1", "text_id": "t-1", "status": "sent", "at": "2026-11-21T09:00:05Z"}
    path = f"{STATUS}?organization={world.organization_id}&send={new_id()}"
    for where, payload, field in ((SMS, there, "id"), (path, told, "id"), (path, told, "text_id")):
        for length, status in ((64, 204), (65, 400), (640_000, 400)):
            answer = await call(client, config, where, {**payload, field: token_hex(length)[:length]})
            assert answer.status_code == status, (where, field, length)
            if status == 400:
                assert [one["field"] for one in answer.json()["error"]["details"]] == [field]


async def _handed(world: World, owner: Client, state: str = "accepted") -> UUID:
    dataset = await world.dataset()
    phone = f"+44770090{len(await world.fetch('SELECT 1 FROM leads WHERE organization_id = $1')):04d}"
    lead = await enter(owner, {"first_name": "Ada", "phone_number": phone}, dataset_id=str(dataset))
    send = await _plan(world, lead, dataset)
    status = "unknown" if state == "unknown" else "sent"
    await world.fetch(
        "WITH s AS (UPDATE sends SET state = $3, handed_at = business_now() WHERE organization_id = $1 AND id = $2)"
        " UPDATE messages SET status = $4 WHERE organization_id = $1 AND id = $2",
        send,
        state,
        status,
    )
    return send


async def _plan(world: World, lead: dict[str, Any], dataset: UUID) -> UUID:
    return await world.plan_text(lead, dataset)


async def report(client: Client, config: Config, world: World, send: UUID, status: str, **other: Any) -> None:
    payload = {"id": new_id().hex, "text_id": "t-1", "status": status, "at": "2026-11-21T09:00:05Z", **other}
    path = f"{STATUS}?organization={world.organization_id}&send={send}"
    for _ in range(2):  # each comes twice
        assert (await call(client, config, path, payload)).status_code == 204


async def standing(world: World, send: UUID) -> dict[str, Any]:
    [row] = await world.fetch(
        "SELECT m.status, m.delivered_at, m.error_code, m.provider_id, s.state FROM messages m JOIN sends s"
        " ON s.organization_id = $1 AND s.id = m.id WHERE m.organization_id = $1 AND m.id = $2",
        send,
    )
    return dict(row.items())


async def test_reports_end_the_same_in_every_order(client: Client, owner: Client, config: Config, world: World) -> None:
    ends = []
    for order in itertools.permutations(("sent", "delivered", "failed")):
        send = await _handed(world, owner)
        for status in order:
            await report(client, config, world, send, status, error_code="30003" if status == "failed" else None)
        ends.append(await standing(world, send))
    assert ends[0]["status"] == "delivered"
    assert ends[0]["error_code"] is None
    assert all(end == ends[0] for end in ends)


async def test_a_late_report_moves_nothing_back(client: Client, owner: Client, config: Config, world: World) -> None:
    send = await _handed(world, owner)
    for status in ("delivered", "sent", "queued", "never heard of"):
        await report(client, config, world, send, status)
        assert (await standing(world, send))["status"] == "delivered"


@pytest.mark.parametrize("status", ["sent", "delivered", "failed"])
async def test_a_report_settles_what_nobody_knew(
    client: Client, owner: Client, config: Config, world: World, status: str
) -> None:
    send = await _handed(world, owner, "unknown")
    await report(client, config, world, send, status)
    row = await standing(world, send)
    assert (row["state"], row["status"], row["provider_id"]) == ("accepted", status, "t-1")
    told = await world.fetch("SELECT data FROM events WHERE organization_id = $1 AND type = 'messages.settled'")
    assert len(told) == 1
    assert json.loads(told[0]["data"])["settled"][0]["outcome"] == "accepted"
    thread = "SELECT message_count FROM conversations WHERE organization_id = $1"
    assert [r[0] for r in await world.fetch(thread)] == [2]


async def test_a_permanent_failure_is_told_once(client: Client, owner: Client, config: Config, world: World) -> None:
    send = await _handed(world, owner)
    for _ in range(2):
        await report(client, config, world, send, "failed", permanent=True)
    told = await world.fetch("SELECT data FROM events WHERE organization_id = $1 AND type = 'messages.settled'")
    assert [json.loads(row["data"])["settled"][0]["outcome"] for row in told] == ["unreachable"]


async def test_a_report_names_whose_message_it_is(
    client: Client, owner: Client, stranger: Client, config: Config, world: World
) -> None:
    send = await _handed(world, owner)
    payload = {"id": new_id().hex, "text_id": "t-1", "status": "delivered", "at": "2026-11-21T09:00:05Z"}
    for query in ("", "?organization=x&send=y", f"?organization={world.organization_id}", f"?send={send}"):
        assert (await call(client, config, f"{STATUS}{query}", payload)).status_code == 400
    for organization, message in ((stranger.organization_id, send), (world.organization_id, new_id())):
        unique = {**payload, "id": new_id().hex}
        answer = await call(client, config, f"{STATUS}?organization={organization}&send={message}", unique)
        assert answer.status_code == 204
    assert (await standing(world, send))["status"] == "sent"


async def test_outside_the_sandbox_its_routes_are_not_there(config: Config, house: AsyncContainer) -> None:
    assert not [route for route in ROUTES for path in route.paths if "sandbox" in path]
    outside = Config.load({**_environment(config), "RAPPORT_SANDBOX": "0"})
    transport = httpx.ASGITransport(cast("Any", create_app(outside, house)), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as nobody:
        raw = b"{}"
        for path in (SMS, STATUS, "/sandbox/texts/inbound", "/sandbox/clock", "/sandbox/faults", "/sandbox/settle"):
            answer = await nobody.post(path, content=raw, headers=headers(config, raw))
            assert answer.status_code == 404, path
        assert (await nobody.get("/sandbox/texts")).status_code == 404


async def test_without_a_provider_texting_is_not_configured_and_campaigns_do_not_start(
    config: Config, owner: Client
) -> None:
    outside = Config.load({**_environment(config), **LIMITS_OFF, "RAPPORT_SANDBOX": "0"})
    opened = container(outside)
    transport = httpx.ASGITransport(cast("Any", create_app(outside, opened)), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=BASE, headers=owner.headers) as client:
        for path, body in (
            ("/campaigns/start", {"dataset_id": str(new_id())}),
            ("/campaigns/resume", {"dataset_id": str(new_id())}),
            ("/messages/send", {"lead_id": str(new_id()), "content": "Hello"}),
            ("/messages", {"to": "+447700900123", "channel": "sms", "body": "Hello"}),
        ):
            answer = await client.post(path, json=body)
            assert answer.status_code == 501, answer.text
            assert answer.json()["error"]["code"] == "INTEGRATION_NOT_CONFIGURED"
    await opened.close()


def _environment(config: Config) -> dict[str, str]:
    return {
        "RAPPORT_DATA_DIR": str(config.data_dir),
        "RAPPORT_SECRET_KEYS": ",".join(base64.b64encode(key).decode() for key in config.secret_keys),
        "RAPPORT_METRICS_PORT": "0",
    }


async def test_a_members_own_token_does_not_open_webhooks(owner: Client, join: Join) -> None:
    reader = await join(owner, Role.ADMIN)
    assert (await reader.post(SMS, json=text("+442079460001"))).status_code == 401
