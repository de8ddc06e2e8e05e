"""The socket over ASGI: who gets in, what is told on which channel, and to whom."""

import asyncio
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import pytest
from dishka import AsyncContainer
from litestar import Litestar

from domain.coaching.finding import Category, Severity
from domain.coaching.insight import InsightRaised
from domain.identity.role import Role
from domain.kernel import new_id
from entrypoints.http import event_stream, realtime
from tests.http.conftest import Client, Join
from tests.http.counted import answered, settled, text
from tests.http.sales_world import World, enter
from tests.http.sockets import Socket, connected
from tests.http.streams import Feed, feed
from tests.http.test_event_stream import publish

__all__ = ["feed"]
pytestmark = pytest.mark.anyio


def token_of(client: Client) -> str:
    return client.headers["authorization"].removeprefix("Bearer ")


async def listening(socket: Socket, client: Client, *channels: str) -> None:
    assert (await socket.authenticate(token_of(client)))["type"] == "authenticated"
    for channel in channels:
        told = await socket.subscribe(channel)
        assert told == {"type": "subscribed", "channel": channel}


def person(number: int) -> dict[str, str]:
    return {"first_name": "Ada", "last_name": f"N{number}", "phone_number": f"+4477009006{number:02d}"}


@pytest.fixture
async def dataset(owner: Client, house: AsyncContainer) -> UUID:
    return await World(house, owner.organization_id).dataset()


async def test_a_datasets_messages_and_leads_are_told_by_ids_alone(
    app: Litestar, owner: Client, house: AsyncContainer, feed: Feed, dataset: UUID
) -> None:
    async with connected(app) as socket:
        await listening(socket, owner, f"messages:{dataset}", f"leads:{dataset}")
        lead = (await enter(owner, person(1), dataset_id=str(dataset)))["id"]
        elsewhere = (await enter(owner, person(2)))["id"]
        await publish(house, owner, settled(text(lead, datetime.now(UTC)), text(elsewhere, datetime.now(UTC))))
        await publish(house, owner, answered(lead))
        await feed()
        created, left, came = [await socket.hears("event") for _ in range(3)]
    assert (created["channel"], created["event"]) == (f"leads:{dataset}", "lead.created")
    assert created["data"]["lead_id"] == lead
    assert (left["channel"], left["event"]) == (f"messages:{dataset}", "communication:new")
    assert [one["lead_id"] for one in left["data"]["messages"]] == [lead], "the other lies in no dataset"
    assert came["data"]["lead_id"] == lead
    assert created["position"] < left["position"] < came["position"]
    assert "Ada" not in str([created, left, came])


async def test_what_is_unsubscribed_is_told_no_more(
    app: Litestar, owner: Client, house: AsyncContainer, feed: Feed, dataset: UUID
) -> None:
    other = await World(house, owner.organization_id).dataset()
    async with connected(app) as socket:
        await listening(socket, owner, f"leads:{dataset}", f"leads:{other}")
        await socket.say(type="unsubscribe", channel=f"leads:{dataset}")
        assert (await socket.hears())["type"] == "unsubscribed"
        await enter(owner, person(1), dataset_id=str(dataset))
        await enter(owner, person(2), dataset_id=str(other))
        await feed()
        assert (await socket.hears("event"))["channel"] == f"leads:{other}"


class Ended:
    """Be the stay of somebody whose access has just ended."""

    asks_again = 0.0

    async def over(self) -> str:
        """Say so."""
        return "access_changed"


async def test_access_that_ends_within_a_batch_ends_it(
    app: Litestar, owner: Client, feed: Feed, dataset: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    say = realtime.Listening._say

    async def then_end(self: realtime.Listening, said: dict[str, Any]) -> None:
        await say(self, said)
        if said["type"] == "event":
            self.stay = cast("Any", Ended())

    monkeypatch.setattr(realtime.Listening, "_say", then_end)
    async with connected(app) as socket:
        await listening(socket, owner, f"leads:{dataset}")
        for number in (1, 2, 3):
            await enter(owner, person(number), dataset_id=str(dataset))
        await feed()
        assert (await socket.hears())["type"] == "event"
        assert (await socket.hears())["code"] == 4401


async def test_whoever_may_not_see_a_lead_is_not_told(
    app: Litestar, owner: Client, join: Join, feed: Feed, dataset: UUID
) -> None:
    rep = await join(owner, Role.REP)
    async with connected(app) as socket:
        await listening(socket, rep, f"leads:{dataset}")
        others = (await enter(owner, person(1), dataset_id=str(dataset), assigned_to=str(owner.user_id)))["id"]
        theirs = (await enter(owner, person(2), dataset_id=str(dataset)))["id"]
        await feed()
        told = await socket.hears("event")
        assert told["data"]["lead_id"] == theirs != others


async def test_what_the_coach_found_is_told_to_who_may_see_the_lead(
    app: Litestar, owner: Client, join: Join, house: AsyncContainer, feed: Feed
) -> None:
    rep = await join(owner, Role.REP)
    others = (await enter(owner, person(1), assigned_to=str(owner.user_id)))["id"]
    nobodys = (await enter(owner, person(2)))["id"]
    async with connected(app) as socket:
        await listening(socket, rep, "insights")
        for lead in (others, nobodys):
            found = InsightRaised(
                subject=new_id(),
                severity=Severity.CRITICAL,
                category=Category.COMPLIANCE,
                conversation_id=None,
                lead_id=UUID(lead),
            )
            await publish(house, owner, found)
        await feed()
        told = await socket.hears("event")
    assert (told["channel"], told["event"], told["data"]["lead_id"]) == ("insights", "insight.raised", nobodys)
    assert told["data"]["severity"] == "critical"


async def test_channels_of_others_are_not_there(
    app: Litestar, owner: Client, stranger: Client, join: Join, house: AsyncContainer, dataset: UUID
) -> None:
    narrowed = await join(owner, Role.MANAGER, dataset_ids=[await World(house, owner.organization_id).dataset()])
    for somebody in (stranger, narrowed):
        async with connected(app) as socket:
            assert (await socket.authenticate(token_of(somebody)))["type"] == "authenticated"
            for channel in (f"leads:{dataset}", f"messages:{new_id()}", "leads:x", "leads:", "everything"):
                told = await socket.subscribe(channel)
                assert (told["type"], told["error"]["code"]) == ("error", "NOT_FOUND"), channel


async def test_who_is_there_is_told(app: Litestar, owner: Client, join: Join, stranger: Client) -> None:
    colleague = await join(owner, Role.REP)
    async with connected(app) as socket, connected(app) as elsewhere:
        await listening(elsewhere, stranger, "presence")
        await listening(socket, owner, "presence")
        assert (await socket.hears("presence", 8))["user_ids"] == [str(owner.user_id)]
        async with connected(app) as other:
            await listening(other, colleague)
            both = sorted([str(owner.user_id), str(colleague.user_id)])
            assert (await socket.hears("presence", 8))["user_ids"] == both
        assert (await socket.hears("presence", 8))["user_ids"] == [str(owner.user_id)]
        assert (await elsewhere.hears("presence", 8))["user_ids"] == [str(stranger.user_id)]


@pytest.mark.parametrize(
    "first",
    [
        {"type": "authenticate", "token": "nobody's"},
        {"type": "authenticate"},
        {"type": "subscribe", "channel": "insights"},
    ],
)
async def test_a_token_comes_first(app: Litestar, first: dict[str, str]) -> None:
    async with connected(app) as socket:
        await socket.say(**first)
        assert (await socket.hears())["code"] == 4401


async def test_whoever_says_nothing_is_cut(app: Litestar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realtime, "FIRST_SECONDS", 0.1)
    async with connected(app) as socket:
        assert (await socket.hears())["code"] == 4401


@pytest.mark.parametrize(
    ("said", "code"),
    [("{}", 4400), ("nonsense", 4400), ('{"type":"shout"}', 4400), ('{"type":"ping","more":1}', 4400),
     ('{"type":"' + "p" * 9_000 + '"}', 1009)],
)  # fmt: skip
async def test_what_is_no_command_ends_the_socket(app: Litestar, owner: Client, said: str, code: int) -> None:
    async with connected(app) as socket:
        await listening(socket, owner)
        await socket.to_server.put({"type": "websocket.receive", "text": said})
        assert (await socket.hears())["code"] == code


async def test_too_many_commands_end_the_socket(app: Litestar, owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realtime, "MOST_COMMANDS", 3)
    async with connected(app) as socket:
        await listening(socket, owner)
        for _ in range(4):
            await socket.say(type="ping")
        for _ in range(3):
            assert (await socket.hears())["type"] == "pong"
        assert (await socket.hears())["code"] == 4429


async def test_a_socket_listens_to_so_many_channels(
    app: Litestar, owner: Client, monkeypatch: pytest.MonkeyPatch, dataset: UUID
) -> None:
    monkeypatch.setattr(realtime, "MOST_CHANNELS", 2)
    async with connected(app) as socket:
        await listening(socket, owner, f"leads:{dataset}", f"messages:{dataset}", f"leads:{dataset}")
        told = await socket.subscribe("insights")
        assert (told["type"], told["error"]["code"]) == ("error", "RATE_LIMITED")
        await socket.say(type="unsubscribe", channel=f"leads:{dataset}")
        assert (await socket.hears())["type"] == "unsubscribed"
        assert (await socket.subscribe("insights"))["type"] == "subscribed"


async def test_whoever_reads_nothing_is_cut(
    app: Litestar, owner: Client, feed: Feed, dataset: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = asyncio.get_running_loop().create_future()

    async def close(_socket: Any, code: int, reason: str) -> None:  # what is said then, nobody reads either
        ended.set_result((code, reason))

    monkeypatch.setattr(realtime, "_close", close)
    async with connected(app, unread=1) as socket:
        await listening(socket, owner, f"leads:{dataset}")
        monkeypatch.setattr(realtime, "UNREAD_SECONDS", 0.1)
        for number in (1, 2, 3):
            await enter(owner, person(number), dataset_id=str(dataset))
        await feed()
        async with asyncio.timeout(10):
            assert await ended == (4408, "too slow")


async def test_an_address_has_so_many_sockets_that_have_shown_no_token(
    app: Litestar, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "MOST_ARRIVING", 2)
    async with connected(app) as first, connected(app):
        for one in (first, None):
            async with connected(app) as another:
                if one is None:
                    assert (await another.authenticate(token_of(owner)))["type"] == "authenticated"
                else:
                    assert (await another.hears())["code"] == 4429
                    assert (await one.authenticate(token_of(owner)))["type"] == "authenticated"


async def test_whoever_is_narrowed_hears_no_more(
    app: Litestar, owner: Client, join: Join, house: AsyncContainer, dataset: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "CHECKED_SECONDS", 0.2)
    rep = await join(owner, Role.REP)
    async with connected(app) as socket:
        await listening(socket, rep, f"leads:{dataset}")
        await World(house, owner.organization_id).fetch(
            "UPDATE memberships SET dataset_ids = '{}' WHERE organization_id = $1 AND account_id = $2", rep.user_id
        )
        told = await socket.hears(seconds=20)
        assert (told["code"], told["reason"]) == (4401, "access_changed")


async def test_a_page_of_another_site_does_not_get_in(app: Litestar, owner: Client) -> None:
    async with connected(app, origin="https://evil.example") as socket:
        told = await socket.hears()
        assert (told["code"], told["reason"]) == (4401, "origin")
    async with connected(app, origin="http://testserver") as socket:
        assert (await socket.authenticate(token_of(owner)))["type"] == "authenticated"


async def test_a_suspended_persons_socket_ends(
    app: Litestar, owner: Client, join: Join, house: AsyncContainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "CHECKED_SECONDS", 0.2)
    rep = await join(owner, Role.REP)
    async with connected(app) as socket:
        await listening(socket, rep, "insights")
        await World(house, owner.organization_id).fetch(
            "UPDATE memberships SET is_active = false WHERE organization_id = $1 AND account_id = $2", rep.user_id
        )
        told = await socket.hears(seconds=20)
        assert (told["code"], told["reason"]) == (4401, "access_changed")
