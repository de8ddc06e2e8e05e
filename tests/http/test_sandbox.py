"""The sandbox's levers over HTTP, on an installation of their own with a real provider process beside it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import anyio.to_thread
import httpx
import msgspec
import pytest
from alembic import command
from dishka import AsyncContainer, Provider, Scope, provide
from litestar import Litestar

from adapters.persistence.database import Database
from adapters.persistence.migrations.run import alembic_config
from application.messaging.texting import Text, Texting, TextingAccount
from application.platform.sandbox import ClockView, FaultsView, Pause, SandboxTextsView, SettledView
from domain.identity.role import Role
from domain.kernel import Phone, new_id
from entrypoints.config import Config
from entrypoints.container import container
from entrypoints.http.app import create_app
from entrypoints.servers import create_database, drop_database
from tests.contracts.sandbox_process import ProviderProcess, Receiver, eventually, sandbox_provider
from tests.http.conftest import BASE, PASSWORD, Client, Join

pytestmark = pytest.mark.anyio
SET_UP = {"email": "olga@bright.example", "password": PASSWORD, "first_name": "Olga", "organization_name": "Bright"}


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """Take what the provider brings."""
    taking = Receiver()
    yield taking
    taking.close()


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[ProviderProcess]:
    """Run the provider process."""
    with sandbox_provider(tmp_path_factory.mktemp("provider"), receiver.url) as running:
        yield running


@pytest.fixture(scope="module")
async def own(config: Config, provider: ProviderProcess) -> AsyncIterator[Config]:
    """Make an installation that has never been set up."""
    name = f"sandbox_{new_id().hex}"
    await anyio.to_thread.run_sync(create_database, config, name)

    def moved(url: str) -> str:
        return url.replace("@/rapport?", f"@/{name}?")

    made = replace(
        config,
        database_url=moved(config.database_url),
        system_database_url=moved(config.system_database_url),
        owner_database_url=moved(config.owner_database_url),
        sandbox_provider_url=provider.url,
        secret_keys=provider.config.secret_keys,
    )
    await anyio.to_thread.run_sync(command.upgrade, alembic_config(made.owner_database_url), "head")
    yield made
    await anyio.to_thread.run_sync(drop_database, config, name)


class _Impatient(Provider):
    @provide(scope=Scope.APP)
    def pause(self) -> Pause:
        async def none(seconds: float) -> None:
            del seconds

        return none


@pytest.fixture(scope="module")
async def own_house(own: Config) -> AsyncIterator[AsyncContainer]:
    """Open the installation's container."""
    opened = container(own, _Impatient())
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
async def database(own_house: AsyncContainer) -> Database:
    """Give the installation's pool."""
    return await own_house.get(Database)


@pytest.fixture(scope="module")
async def app(own: Config, own_house: AsyncContainer) -> Litestar:
    """Make the installation's application."""
    return create_app(own, own_house)


@pytest.fixture(scope="module")
async def first(app: Litestar) -> AsyncIterator[Client]:
    """Be the owner of the installation's first organisation."""
    transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
    async with Client(transport=transport, base_url=BASE) as client:
        answer = await client.put("/auth", json=SET_UP)
        assert answer.status_code == 201, answer.text
        client.cookies.clear()
        client.sign_in(answer.json()["data"])
        yield client


def shown(answer: httpx.Response, kind: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return msgspec.json.decode(msgspec.json.encode(answer.json()["data"]), type=kind)


def refused(answer: httpx.Response, status: int) -> list[str]:
    assert answer.status_code == status, answer.text
    return [detail["field"] for detail in answer.json()["error"].get("details", [])]


async def send(house: AsyncContainer, organization: UUID, to: str, body: str, callback_url: str) -> str:
    texting: Texting = await house.get(Texting)
    account = TextingAccount("sandbox")
    text = Text(organization, Phone(to), Phone("+442079460001"), body, str(new_id()), callback_url, account)
    receipt = await texting.send(text)
    return receipt.provider_id


async def test_accepted_texts_are_shown_to_their_own_organisation(
    first: Client, owner: Client, own_house: AsyncContainer, receiver: Receiver
) -> None:
    sent = [await send(own_house, first.organization_id, "+447700900160", f"Text {n}", receiver.url) for n in range(3)]
    await send(own_house, owner.organization_id, "+447700900161", "Another's", receiver.url)
    found = shown(await first.get("/sandbox/texts"), SandboxTextsView)
    assert [t.id for t in found.texts] == sent[::-1]
    assert (found.texts[0].body, found.texts[0].to, found.texts[0].sender) == (
        "Text 2",
        "+447700900160",
        "+442079460001",
    )
    page = shown(await first.get("/sandbox/texts", params={"limit": 2}), SandboxTextsView)
    rest = shown(await first.get("/sandbox/texts", params={"limit": 2, "cursor": page.next_cursor}), SandboxTextsView)
    assert [t.id for t in (*page.texts, *rest.texts)] == sent[::-1]
    assert rest.next_cursor is None
    assert [t.body for t in shown(await owner.get("/sandbox/texts"), SandboxTextsView).texts] == ["Another's"]
    for wrong in ({"limit": 0}, {"limit": 1001}, {"colour": "red"}):
        assert refused(await first.get("/sandbox/texts", params=wrong), 400) == list(wrong)


async def test_a_text_typed_for_somebody_comes_through_the_signed_webhook(
    first: Client, client: Client, receiver: Receiver, database: Database
) -> None:
    body = {"from": "+447700900162", "to": "+442079460001", "body": "Yes, tell me more"}
    answer = await first.post("/sandbox/texts/inbound", json=body)
    assert answer.status_code == 202, answer.text
    path = "/api/v1/webhooks/sandbox/sms"
    eventually(lambda: any(b["body"] == body["body"] for b in receiver.bodies(path)))
    [(called, headers, raw)] = [c for c in receiver.calls if c[0] == path and b"tell me more" in c[2]]
    brought = await client.post(called.removeprefix("/api/v1"), content=raw, headers=headers)
    assert brought.status_code == 204, brought.text
    for wrong, field in (({"from": "0770"}, "from"), ({"to": "you"}, "to"), ({"body": None}, "body")):
        assert refused(await first.post("/sandbox/texts/inbound", json={**body, **wrong}), 400) == [field]


async def test_who_may_pull_which_lever(first: Client, owner: Client, join: Join, client: Client) -> None:
    levers: list[tuple[str, str, dict[str, Any] | None]] = [
        ("GET", "/sandbox/clock", None),
        ("POST", "/sandbox/clock", {"advance_seconds": 1}),
        ("POST", "/sandbox/faults", {"capability": "sms", "fault": "server_error", "next": 1}),
        ("DELETE", "/sandbox/faults", None),
        ("POST", "/sandbox/settle", None),
    ]
    own_texts: list[tuple[str, str, dict[str, Any] | None]] = [
        ("GET", "/sandbox/texts", None),
        ("POST", "/sandbox/texts/inbound", {"from": "+447700900163", "to": "+442079460001", "body": "Hi"}),
    ]
    for method, path, body in (*levers, *own_texts):
        assert (await client.request(method, path, json=body)).status_code == 401
    for role in (Role.MANAGER, Role.REP, Role.READ_ONLY):
        member = await join(first, role)
        for method, path, body in (*levers, *own_texts):
            refused(await member.request(method, path, json=body), 403)
    for method, path, body in levers:  # they move everyone
        refused(await owner.request(method, path, json=body), 403)
    assert (await owner.get("/sandbox/texts")).status_code == 200
    admin = await join(first, Role.ADMIN)
    assert shown(await admin.get("/sandbox/clock"), ClockView).now is not None


async def test_the_clock_moves_forward_only_and_takes_the_provider_along(
    first: Client, provider: ProviderProcess
) -> None:
    before = shown(await first.get("/sandbox/clock"), ClockView)
    after = shown(await first.post("/sandbox/clock", json={"advance_seconds": 3600}), ClockView)
    assert timedelta(seconds=3600) <= after.now - before.now < timedelta(seconds=3620)
    to = (after.now + timedelta(days=2)).replace(microsecond=0)
    there = shown(await first.post("/sandbox/clock", json={"set": to.isoformat()}), ClockView)
    assert timedelta() <= there.now - to < timedelta(seconds=20)
    theirs = datetime.fromisoformat(provider.state()["now"])
    assert abs(theirs - there.now) < timedelta(seconds=20)
    assert there.now > datetime.now(UTC) + timedelta(days=2)
    refused(await first.post("/sandbox/clock", json={"set": before.now.isoformat()}), 409)
    zoneless = to.replace(tzinfo=None).isoformat()
    assert refused(await first.post("/sandbox/clock", json={"set": zoneless}), 400) == ["set"]
    far = (to + timedelta(days=500)).isoformat()
    assert refused(await first.post("/sandbox/clock", json={"set": far}), 400) == ["set"]
    for wrong, field in (
        ({}, "advance_seconds"),
        ({"advance_seconds": 1, "set": to.isoformat()}, "advance_seconds"),
        ({"advance_seconds": 0}, "advance_seconds"),
        ({"advance_seconds": -5}, "advance_seconds"),
        ({"set": "tomorrow"}, "set"),
        ({"back": 1}, "back"),
    ):
        assert refused(await first.post("/sandbox/clock", json=wrong), 400) == [field], wrong


async def test_faults_are_ordered_shown_and_cleared(first: Client) -> None:
    order = {"capability": "sms", "fault": "rate_limited", "next": 2}
    shown_faults = shown(await first.post("/sandbox/faults", json=order), FaultsView).faults
    assert [(f["fault"], f["next"]) for f in shown_faults] == [("rate_limited", 2)]
    more = {"capability": "sms", "fault": "late_callbacks", "probability": 0.5}
    assert len(shown(await first.post("/sandbox/faults", json=more), FaultsView).faults) == 2
    assert shown(await first.delete("/sandbox/faults"), FaultsView).faults == []
    for wrong, field in (
        ({**order, "probability": 0.5}, "probability"),
        ({"capability": "sms", "fault": "rate_limited"}, "probability"),
        ({**order, "fault": "explode"}, "fault"),
        ({**order, "capability": "mail"}, "capability"),
        ({**order, "next": 0}, "next"),
        ({"capability": "sms", "fault": "rate_limited", "probability": 1.5}, "probability"),
    ):
        assert refused(await first.post("/sandbox/faults", json=wrong), 400) == [field], wrong


async def test_settling_says_what_it_waits_for(first: Client, own: Config, provider: ProviderProcess) -> None:
    eventually(lambda: not provider.state()["pending"] + provider.state()["in_flight"])
    system = await Database.open(own.system_database_url, size=1)
    async with system.connection() as connection:
        for clean in ("DELETE FROM outbox", "DELETE FROM deliveries", "UPDATE schedules SET next_due_at = NULL"):
            await connection.execute(clean)
        settled = shown(await first.post("/sandbox/settle"), SettledView)
        assert settled.settled
        assert not any(msgspec.structs.astuple(settled.waiting))
        await connection.execute(
            "INSERT INTO schedules (name, organization_id, next_due_at) VALUES ('x', $1, business_now())",
            first.organization_id,
        )
        clock = shown(await first.get("/sandbox/clock"), ClockView)
        assert clock.next_due_at is not None
        assert clock.next_due_at <= clock.now
        waiting = shown(await first.post("/sandbox/settle"), SettledView)
        assert (waiting.settled, waiting.waiting.due) == (False, 1)
    await system.close()
