"""Notifications over HTTP: one's own, marked, chosen, and sent by programs."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from dishka import AsyncContainer

from adapters.persistence.database import Cause
from application.messaging.notices import Notices
from application.ports import Actor
from domain.identity.role import Role
from domain.kernel import new_id
from domain.messaging.reply import LeadTurnedHot
from tests.http.conftest import Client, Join, OpenClient
from tests.http.sales_world import World
from tests.http.team import refused

pytestmark = pytest.mark.anyio


@pytest.fixture
async def program(owner: Client, open_client: OpenClient) -> Client:
    """Be a program of the owner's organisation that may send notifications."""
    made = await owner.post("/api-keys", json={"name": "Prices", "permissions": ["notifications:send"]})
    assert made.status_code == 201, made.text
    client = await open_client()
    client.headers["Authorization"] = f"Bearer {made.json()['data']['key']}"
    return client


async def send(program: Client, to: UUID, title: str = "The price list is new", **more: Any) -> httpx.Response:
    """Tell somebody something."""
    body = {"user_id": str(to), "channels": ["in_app", "email"], "title": title, "message": "See for yourself."}
    return await program.post("/notifications/send", json=body | more)


def deep(levels: int) -> list[Any]:
    """Put so many lists into one another."""
    made: list[Any] = []
    for _ in range(levels - 1):
        made = [made]
    return made


async def listed(client: Client, **params: str) -> list[dict[str, Any]]:
    """List somebody's notifications."""
    answer = await client.get("/notifications", params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def test_what_a_program_sends_is_listed_to_whom_it_was_sent(
    owner: Client, join: Join, program: Client, house: AsyncContainer
) -> None:
    rita = await join(owner, Role.READ_ONLY)
    answer = await send(program, rita.user_id, link="/prices", data={"list": 7, "deep": deep(19)})
    assert answer.status_code == 201, answer.text
    assert answer.json()["data"]["channels"] == ["email", "in_app"]
    [told] = await listed(rita)
    assert told["id"] == answer.json()["data"]["id"]
    assert (told["kind"], told["title"], told["link"], told["data"]) == (
        "message", "The price list is new", "/prices", {"list": 7, "deep": deep(19)},
    )  # fmt: skip
    assert await listed(owner) == []
    world = World(house, owner.organization_id)
    [mail] = await world.fetch("SELECT subject, to_address FROM mails WHERE organization_id = $1")
    assert (str(mail["subject"]), mail["to_address"]) == (told["id"], rita.email)


async def test_a_repeated_key_tells_once(owner: Client, program: Client) -> None:
    body = {"user_id": str(owner.user_id), "channels": ["in_app"], "title": "Once", "message": "Only."}
    answers = [
        await program.post("/notifications/send", json=body, headers={"Idempotency-Key": "once"}) for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert len(await listed(owner)) == 1


async def test_preferences_are_honoured(owner: Client, program: Client) -> None:
    changed = await owner.patch("/users/me/notification-preferences", json={"channels": {"normal": ["in_app"]}})
    assert changed.status_code == 200, changed.text
    assert (await send(program, owner.user_id)).json()["data"]["channels"] == ["in_app"]
    assert (await send(program, owner.user_id, channels=["email"])).json()["data"] == {"id": None, "channels": []}
    await owner.patch("/users/me/notification-preferences", json={"muted": ["message"]})
    assert (await send(program, owner.user_id)).json()["data"] == {"id": None, "channels": []}
    assert len(await listed(owner)) == 1


async def test_no_person_sends_and_no_other_key(owner: Client, open_client: OpenClient, join: Join) -> None:
    assert refused(await send(owner, owner.user_id), 403) == "PERMISSION_DENIED"
    made = await owner.post("/api-keys", json={"name": "Reader", "permissions": ["leads:read"]})
    other = await open_client()
    other.headers["Authorization"] = f"Bearer {made.json()['data']['key']}"
    assert refused(await send(other, owner.user_id), 403) == "PERMISSION_DENIED"
    manager = await join(owner, Role.MANAGER)
    assert refused(await manager.post("/api-keys", json={"name": "P", "permissions": ["notifications:send"]}), 403)


async def test_nobody_of_another_organisation_is_told(program: Client, stranger: Client) -> None:
    assert refused(await send(program, stranger.user_id), 404) == "NOT_FOUND"
    assert refused(await send(program, new_id()), 404) == "NOT_FOUND"
    assert await listed(stranger) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"channels": []}, "channels"),
        ({"channels": ["pigeon"]}, "channels"),
        ({"title": "   "}, "title"),
        ({"message": ""}, "message"),
        ({"priority": "urgent"}, "priority"),
        ({"link": "https://evil.example"}, "link"),
        ({"link": "//evil.example"}, "link"),
        ({"link": "/\\evil.example"}, "link"),
        ({"data": {"much": "x" * 5000}}, "data"),
        ({"data": {"deep": deep(20)}}, "data"),
        ({"data": {"deep": deep(600)}}, "data"),
        ({"kind": "lead_hot"}, "kind"),
    ],
)
async def test_what_cannot_be_sent_is_refused(
    owner: Client, program: Client, change: dict[str, Any], field: str
) -> None:
    answer = await send(program, owner.user_id, **change)
    assert refused(answer, 400) == "VALIDATION_ERROR"
    assert field in answer.json()["error"]["details"][0]["field"]


async def test_a_title_keeps_to_one_line(owner: Client, program: Client) -> None:
    await send(program, owner.user_id, "Prices\r\nBcc: everybody@example.com")
    [told] = await listed(owner)
    assert told["title"] == "Prices Bcc: everybody@example.com"


async def test_notifications_are_read_and_put_away(owner: Client, program: Client) -> None:
    for title in ("One", "Two", "Three"):
        await send(program, owner.user_id, title)
    three, two, one = await listed(owner)
    assert [n["title"] for n in (one, two, three)] == ["One", "Two", "Three"]
    read = await owner.patch(f"/notifications/{one['id']}", json={"read": True})
    assert read.status_code == 200, read.text
    at = read.json()["data"]["read_at"]
    assert at is not None
    again = await owner.patch(f"/notifications/{one['id']}", json={"read": True})
    assert again.json()["data"]["read_at"] == at
    assert [n["title"] for n in await listed(owner, unread="true")] == ["Three", "Two"]
    assert [n["title"] for n in await listed(owner, unread="false")] == ["One"]
    await owner.patch(f"/notifications/{two['id']}", json={"archived": True})
    assert [n["title"] for n in await listed(owner)] == ["Three", "One"]
    assert [n["title"] for n in await listed(owner, archived="true")] == ["Two"]
    undone = await owner.patch(f"/notifications/{two['id']}", json={"archived": False})
    assert undone.json()["data"]["archived_at"] is None
    stale = await owner.patch(f"/notifications/{two['id']}", json={"read": True}, headers={"If-Match": '"1"'})
    assert refused(stale, 409) == "STALE_VERSION"
    assert (await owner.post("/notifications/read-all")).json()["data"] == {"marked": 2}
    assert (await owner.post("/notifications/read-all")).json()["data"] == {"marked": 0}
    assert await listed(owner, unread="true") == []


async def test_the_list_is_walked_by_cursor(owner: Client, program: Client) -> None:
    for number in range(5):
        await send(program, owner.user_id, f"Number {number}")
    first = (await owner.get("/notifications", params={"limit": "3"})).json()
    second = (
        await owner.get("/notifications", params={"limit": "3", "cursor": first["pagination"]["next_cursor"]})
    ).json()
    titles = [n["title"] for n in first["data"] + second["data"]]
    assert titles == [f"Number {number}" for number in (4, 3, 2, 1, 0)]


async def test_anothers_notification_is_not_there(owner: Client, program: Client, join: Join, stranger: Client) -> None:
    await send(program, owner.user_id)
    [told] = await listed(owner)
    for other in (await join(owner, Role.ADMIN), stranger):
        assert await listed(other) == []
        assert refused(await other.patch(f"/notifications/{told['id']}", json={"read": True}), 404) == "NOT_FOUND"
        assert (await other.post("/notifications/read-all")).json()["data"] == {"marked": 0}
    assert (await listed(owner))[0]["read_at"] is None


async def test_what_may_not_be_seen_any_more_is_not_listed(
    owner: Client, join: Join, house: AsyncContainer, program: Client
) -> None:
    seen = (await owner.post("/datasets", json={"name": "Seen"})).json()["data"]["id"]
    limited = await join(owner, Role.REP, dataset_ids=[UUID(seen)])
    body = {"contact": {"first_name": "Ada", "phone_number": "+447700900881"}, "dataset_id": seen}
    lead = (await owner.post("/leads", json=body)).json()["data"]["id"]
    give = {"assigned_to": str(limited.user_id)}
    assert (await owner.patch(f"/leads/{lead}", json=give)).status_code == 200
    async with house({Actor: Actor.system(owner.organization_id), Cause: Cause()}) as scope:
        await (await scope.get(Notices)).hot(LeadTurnedHot(subject=UUID(lead), conversation_id=new_id()))
    # Words of a program that look like a dataset of ours are its own.
    await send(program, limited.user_id, "Said", data={"dataset_id": "of another system"})
    assert [told["title"] for told in await listed(limited)] == ["Said", "Ada wants to go on"]
    [_, told] = await listed(limited)

    assert (await owner.patch(f"/leads/{lead}", json={"assigned_to": str(owner.user_id)})).status_code == 200
    assert [told["title"] for told in await listed(limited)] == ["Said"]
    assert refused(await limited.patch(f"/notifications/{told['id']}", json={"read": True}), 404) == "NOT_FOUND"


async def test_a_program_has_no_notifications_of_its_own(program: Client) -> None:
    for answer in (
        await program.get("/notifications"),
        await program.post("/notifications/read-all"),
        await program.get("/users/me/notification-preferences"),
    ):
        assert refused(answer, 403) == "PERMISSION_DENIED"


@pytest.mark.parametrize("body", [{"read": "yes"}, {"seen": True}, {"read_at": "2027-01-01T00:00:00Z"}])
async def test_what_cannot_be_marked_is_refused(owner: Client, program: Client, body: dict[str, Any]) -> None:
    await send(program, owner.user_id)
    [told] = await listed(owner)
    assert refused(await owner.patch(f"/notifications/{told['id']}", json=body), 400) == "VALIDATION_ERROR"


async def test_preferences_are_shown_and_changed(owner: Client) -> None:
    shown = (await owner.get("/users/me/notification-preferences")).json()["data"]
    assert shown == {
        "channels": {name: ["in_app", "email"] for name in ("immediate", "normal", "low")},
        "muted": [], "digest_hour": 8, "time_zone": None, "version": 0,
    }  # fmt: skip
    body = {"channels": {"low": []}, "muted": ["import_finished"], "digest_hour": 18, "time_zone": "Europe/Madrid"}
    changed = await owner.patch("/users/me/notification-preferences", json=body)
    assert changed.status_code == 200, changed.text
    data = changed.json()["data"]
    assert (data["channels"]["low"], data["channels"]["normal"]) == ([], ["in_app", "email"])
    assert (data["muted"], data["digest_hour"], data["time_zone"]) == (["import_finished"], 18, "Europe/Madrid")
    assert data["version"] == 1
    assert (await owner.get("/users/me/notification-preferences")).json()["data"] == data
    stale = await owner.patch("/users/me/notification-preferences", json={"muted": []}, headers={"If-Match": '"2"'})
    assert refused(stale, 409) == "STALE_VERSION"
    back = await owner.patch("/users/me/notification-preferences", json={"time_zone": None})
    assert back.json()["data"]["time_zone"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"channels": {"normal": ["sms"]}}, "channels.normal"),
        ({"channels": {"low": ["sms"]}}, "channels.low"),
        ({"channels": {"urgent": ["email"]}}, "channels"),
        ({"channels": {"normal": ["pigeon"]}}, "channels"),
        ({"muted": ["everything"]}, "muted"),
        ({"digest_hour": 24}, "digest_hour"),
        ({"digest_hour": -1}, "digest_hour"),
        ({"time_zone": "Europe/Leeds"}, "time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
    ],
)
async def test_preferences_that_cannot_be_are_refused(owner: Client, body: dict[str, Any], field: str) -> None:
    answer = await owner.patch("/users/me/notification-preferences", json=body)
    assert refused(answer, 400) == "VALIDATION_ERROR"
    assert field in answer.json()["error"]["details"][0]["field"]
