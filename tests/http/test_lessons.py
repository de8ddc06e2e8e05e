"""Lessons over HTTP: written, found, compared with one another, changed, archived."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from dishka import AsyncContainer

from adapters.ai.sandbox_checker import SandboxLessonChecker
from adapters.persistence.coaching_access import PostgresModelAccess
from adapters.persistence.database import Database
from application.coaching.lesson_checks import Comparison
from application.coaching.lessons import MOST_IN_USE, Lessons
from application.model_calls import Usage
from application.provider import NotConfigured
from domain.identity.role import Role
from domain.kernel import new_id
from domain.statistics import Share
from tests.http.conftest import Client, Join
from tests.http.sales_world import World
from tests.http.team import Hire, hire, refused

__all__ = ["hire"]
pytestmark = pytest.mark.anyio
MONEY = {
    "lesson_type": "objection_handling",
    "title": "Too expensive",
    "description": "Do not argue about money; offer to go through the options.",
    "trigger": "They say that it is too expensive",
    "correct_response": "I understand. Shall we go through the options on a call?",
    "reasoning": "Who was offered options booked twice as often.",
    "tags": ["Money", "calls"],
    "priority": 8,
}
NAMES = {"lesson_type": "tone", "title": "First names", "description": "Call them by their first name, once."}


async def teach(client: Client, body: dict[str, Any] = MONEY, **more: Any) -> dict[str, Any]:
    """Write a lesson; gives it as it was answered."""
    answer = await client.post("/coach/lessons", json=body | more)
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def titles(client: Client, **params: Any) -> list[str]:
    """List lessons by their titles."""
    answer = await client.get("/coach/lessons", params=params)
    assert answer.status_code == 200, answer.text
    return [lesson["title"] for lesson in answer.json()["data"]]


async def test_a_lesson_is_written_changed_and_archived(owner: Client) -> None:
    made = await teach(owner)
    assert (made["scope"], made["status"], made["tags"]) == ("client_specific", "active", ["calls", "money"])
    assert (made["times_applied"], made["created_by"]) == (0, str(owner.user_id))
    assert made["success_rate"] == {"value": None, "low": None, "high": None}
    assert (await owner.get(f"/coach/lessons/{made['id']}")).json()["data"] == made
    path = f"/coach/lessons/{made['id']}"
    changed = await owner.patch(path, json={"priority": 10, "trigger": None}, headers={"If-Match": '"1"'})
    assert changed.status_code == 200, changed.text
    data = changed.json()["data"]
    assert (data["priority"], data["trigger"], data["version"], data["title"]) == (10, None, 2, "Too expensive")
    stale = await owner.patch(path, json={"priority": 1}, headers={"If-Match": '"1"'})
    assert refused(stale, 409) == "STALE_VERSION"
    assert (await owner.delete(path)).status_code == 204
    assert refused(await owner.delete(path), 409) == "CONFLICT"
    assert (await owner.get(path)).json()["data"]["status"] == "archived"
    assert await titles(owner) == []
    assert await titles(owner, status="archived") == ["Too expensive"]
    back = await owner.patch(path, json={"status": "active"})
    assert back.json()["data"]["status"] == "active"
    assert await titles(owner) == ["Too expensive"]


async def test_lessons_are_found_by_words_tags_and_kind(owner: Client) -> None:
    await teach(owner)
    await teach(owner, NAMES, tags=["names"], status="testing", priority=2)
    assert await titles(owner) == ["First names", "Too expensive"]
    assert await titles(owner, sort="priority", order="desc") == ["Too expensive", "First names"]
    for params, found in (
        ({"search": "option calling"}, ["Too expensive"]),
        ({"search": "names -options"}, ["First names"]),
        ({"search": '"shall we go through"'}, ["Too expensive"]),
        ({"search": "booked"}, ["Too expensive"]),
        ({"search": "'; --"}, []),
        ({"tags": "MONEY"}, ["Too expensive"]),
        ({"tags": ["money", "names"]}, []),
        ({"lesson_type": "tone"}, ["First names"]),
        ({"status": "testing"}, ["First names"]),
        ({"scope": "universal", "search": "expensive"}, []),
    ):
        assert await titles(owner, **params) == found, params


async def test_what_followed_is_shown_and_sorted_by_what_is_at_least_so(owner: Client, house: AsyncContainer) -> None:
    often, once = await teach(owner), await teach(owner, NAMES)
    world = World(house, owner.organization_id)
    for lesson, applied, succeeded in ((often, 40, 30), (once, 1, 1)):
        await world.fetch(
            "INSERT INTO lesson_figures (organization_id, lesson_id, applied, conversations, succeeded, replied,"
            " booked) VALUES ($1, $2, $3 * 2, $3, $4, $4, 1)",
            UUID(lesson["id"]),
            applied,
            succeeded,
        )
    shown = (await owner.get(f"/coach/lessons/{often['id']}")).json()["data"]
    assert (shown["times_applied"], shown["conversations"], shown["success_rate"]["value"]) == (80, 40, 0.75)
    assert shown["success_rate"]["low"] == pytest.approx(0.5981, abs=1e-3)
    followed = shown["followed_by"]
    assert {name: rate["count"] for name, rate in followed.items()} == {
        "replied": 30, "positive": 0, "booked": 1, "opted_out": 0,
    }  # fmt: skip
    for rate in followed.values():
        share = Share(rate["count"], 40)
        assert share.interval is not None
        assert rate["value"] == pytest.approx(share.value)
        assert (rate["low"], rate["high"]) == pytest.approx(share.interval, abs=1e-4)
    untouched = (await owner.get("/coach/lessons", params={"search": "names"})).json()["data"][0]
    assert untouched["followed_by"]["opted_out"] == {"count": 0, "value": 0.0, "low": 0.0, "high": 0.7935}
    for sort in ("success_rate", "times_applied"):
        assert await titles(owner, sort=sort, order="desc") == ["Too expensive", "First names"]
        first = (await owner.get("/coach/lessons", params={"sort": sort, "limit": 1})).json()
        cursor = first["pagination"]["next_cursor"]
        assert await titles(owner, sort=sort, limit=1, cursor=cursor) == ["First names"]


async def test_a_clash_is_named_and_decided(owner: Client, house: AsyncContainer) -> None:
    made = await teach(owner)
    same = MONEY | {"title": "It is too expensive", "description": "Offer the options; do not argue about the money."}
    answer = await owner.post("/coach/lessons", json=same)
    assert refused(answer, 409) == "CONFLICT"
    [detail] = answer.json()["error"]["details"]
    assert detail["field"] == f"duplicate:{made['id']}"
    assert "Too expensive" in detail["message"]
    other = NAMES | {
        "description": "Say it.",
        "correct_response": "No.",
        "incorrect_response": MONEY["correct_response"],
    }
    answer = await owner.post("/coach/lessons", json=other)
    assert answer.json()["error"]["details"][0]["field"] == f"contradiction:{made['id']}"
    assert (await teach(owner, same, status="testing"))["status"] == "testing"
    testing = (await owner.get("/coach/lessons", params={"status": "testing"})).json()["data"][0]
    path = f"/coach/lessons/{testing['id']}"
    assert refused(await owner.patch(path, json={"status": "active"}), 409) == "CONFLICT"
    decided = (await owner.patch(path, json={"status": "active", "accept_clash": True})).json()["data"]
    assert decided["status"] == "active"
    [accepted] = decided["accepted_clashes"]
    at = datetime.fromisoformat(accepted.pop("accepted_at"))
    assert at >= datetime.fromisoformat(decided["created_at"])
    wanted = {"kind": "duplicate", "lesson_id": made["id"], "title": "Too expensive", "accepted_by": str(owner.user_id)}
    assert accepted == wanted
    assert (await owner.patch(path, json={"priority": 1})).status_code == 200, "what it says is not new"
    contrary = await teach(owner, other, accept_clash=True)
    assert f"contradiction:{made['id']}" in named(contrary)
    told = await World(house, owner.organization_id).fetch(
        "SELECT type, data -> 'accepted' AS accepted, actor_id FROM events WHERE organization_id = $1"
        " AND type IN ('lesson.learned', 'lesson.changed') AND data -> 'accepted' <> '[]' ORDER BY id"
    )
    assert [(row["type"], row["actor_id"]) for row in told] == [
        ("lesson.changed", owner.user_id), ("lesson.learned", owner.user_id),
    ]  # fmt: skip
    assert [msgspec.json.decode(row["accepted"]) for row in told] == [named(decided), named(contrary)]
    path = f"/coach/lessons/{contrary['id']}"
    nothing_more = dict.fromkeys(("trigger", "correct_response", "incorrect_response"))
    harmless = {"title": "Thanks", "description": "Thank them for whatever they tell.", **nothing_more}
    assert (await owner.patch(path, json=harmless)).json()["data"]["accepted_clashes"] == []


def named(lesson: dict[str, Any]) -> list[str]:
    """Name the clashes that were accepted for a lesson."""
    return [f"{clash['kind']}:{clash['lesson_id']}" for clash in lesson["accepted_clashes"]]


async def test_spaces_do_not_make_another_lesson_of_one_that_the_model_passed(
    owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await teach(owner, NAMES)
    alike = NAMES | {"title": "Use names", "description": "Call them by the first name, once at most."}
    assert refused(await owner.post("/coach/lessons", json=alike), 409) == "CONFLICT", "by their words alone"

    async def passes(*asked: Any) -> Comparison:
        return Comparison((), Usage(model="m"))

    monkeypatch.setattr(SandboxLessonChecker, "check", passes)
    spaced = alike | {"title": alike["title"].replace(" ", "  "), "description": f"{alike['description']}\n"}
    made = await teach(owner, spaced)
    assert (made["title"], made["description"]) == (alike["title"], alike["description"])


async def test_a_repeated_key_writes_one_lesson_and_two_at_once_clash(owner: Client) -> None:
    key = {"Idempotency-Key": "lesson"}
    answers = [await owner.post("/coach/lessons", json=MONEY, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    at_once = await asyncio.gather(*(owner.post("/coach/lessons", json=NAMES) for _ in range(4)))
    assert sorted(answer.status_code for answer in at_once) == [201, 409, 409, 409]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": " "}, "title"),
        ({"title": None}, "title"),
        ({"description": ""}, "description"),
        ({"lesson_type": "poetry"}, "lesson_type"),
        ({"priority": 11}, "priority"),
        ({"priority": 0}, "priority"),
        ({"status": "archived"}, "status"),
        ({"tags": ["x"] * 21}, "tags"),
        ({"tags": [" "]}, "tags[0]"),
        ({"scope": "galactic"}, "scope"),
        ({"example_conversation": {"messages": []}}, "example_conversation.messages"),
        (
            {"example_conversation": {"messages": [{"from": "us", "content": "x"}]}},
            "example_conversation.messages[0].from",
        ),
        ({"insight_id": str(new_id())}, "insight_id"),
        ({"mutes": "price_promise"}, "mutes"),
    ],
)
async def test_what_is_no_lesson_names_the_field(owner: Client, change: dict[str, Any], field: str) -> None:
    answer = await owner.post("/coach/lessons", json=MONEY | change)
    assert answer.status_code == 400, answer.text
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]


async def test_an_example_is_kept_as_it_was_given(owner: Client) -> None:
    example = {
        "messages": [
            {"from": "lead", "content": "Too much!"},
            {"from": "ai", "content": "I see.", "annotation": "Good"},
        ]
    }
    made = await teach(owner, example_conversation=example)
    assert made["example_conversation"]["messages"] == [
        {"from": "lead", "content": "Too much!", "annotation": None},
        {"from": "ai", "content": "I see.", "annotation": "Good"},
    ]


async def test_who_may_write_lessons(owner: Client, hire: Hire) -> None:
    made = await teach(owner)
    path = f"/coach/lessons/{made['id']}"
    rep = await hire(owner, "rep")
    assert await titles(rep) == ["Too expensive"]
    for answer in (
        await rep.post("/coach/lessons", json=NAMES),
        await rep.patch(path, json={"priority": 1}),
        await rep.delete(path),
    ):
        assert refused(answer, 403) == "PERMISSION_DENIED"
    editor = await hire(owner, "rep", permissions={"can_edit_lessons": True})
    assert (await teach(editor, NAMES))["created_by"] == str(editor.user_id)


async def test_another_organisations_lesson_is_not_there(owner: Client, stranger: Client) -> None:
    path = f"/coach/lessons/{(await teach(owner))['id']}"
    assert await titles(stranger) == []
    for method, body in (("GET", None), ("PATCH", {"priority": 1}), ("DELETE", None)):
        assert (await stranger.request(method, path, json=body)).status_code == 404
    await teach(stranger)


async def test_a_lesson_that_becomes_active_meanwhile_is_checked_all_the_same(
    owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await teach(owner, NAMES)
    path = f"/coach/lessons/{(await teach(owner, status='testing'))['id']}"
    real: Any = Lessons._checked

    async def checked(self: Lessons, *asked: Any, **how: Any) -> Any:
        found = await real(self, *asked, **how)
        monkeypatch.setattr(Lessons, "_checked", real)
        assert (await owner.patch(path, json={"status": "active"})).status_code == 200
        return found

    monkeypatch.setattr(Lessons, "_checked", checked)
    contrary = {"title": NAMES["title"], "description": f"Do not {NAMES['description'].lower()}", "trigger": None}
    answer = await owner.patch(path, json=contrary | {"correct_response": None})
    assert refused(answer, 409) == "CONFLICT"
    assert answer.json()["error"]["details"][0]["field"].startswith("contradiction:")


async def test_a_lesson_that_is_edited_meanwhile_is_compared_anew(
    owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/coach/lessons/{(await teach(owner, NAMES))['id']}"
    real = SandboxLessonChecker.check

    async def check(self: SandboxLessonChecker, *asked: Any) -> Any:
        found = await real(self, *asked)
        monkeypatch.setattr(SandboxLessonChecker, "check", real)
        said = {name: MONEY[name] for name in ("title", "description", "trigger", "correct_response")}
        assert (await owner.patch(path, json=said)).status_code == 200
        return found

    monkeypatch.setattr(SandboxLessonChecker, "check", check)
    assert refused(await owner.post("/coach/lessons", json=MONEY), 409) == "CONFLICT"


async def test_a_lesson_waits_for_no_key_that_cannot_be_opened(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def access(self: PostgresModelAccess) -> None:
        raise NotConfigured("The key cannot be opened.")

    monkeypatch.setattr(PostgresModelAccess, "access", access)
    await teach(owner)
    assert refused(await owner.post("/coach/lessons", json=MONEY), 409) == "CONFLICT", "words are compared"


async def test_there_is_an_end_to_the_lessons_in_use(owner: Client, house: AsyncContainer) -> None:
    archived = await teach(owner, NAMES)
    await owner.delete(f"/coach/lessons/{archived['id']}")
    await World(house, owner.organization_id).fetch(
        "INSERT INTO lessons (organization_id, id, lesson_type, title, description, tags, created_at, updated_at)"
        " SELECT $1, uuidv7(), 'tone', 'Word' || n, 'Say' || n, '{}', now(), now()"
        " FROM generate_series(1, $2::int) n RETURNING id",
        MOST_IN_USE,
    )
    for answer in (
        await owner.post("/coach/lessons", json=MONEY),
        await owner.post("/coach/lessons", json=MONEY | {"accept_clash": True}),
        await owner.post("/coach/lessons", json=MONEY | {"status": "testing"}),
        await owner.patch(f"/coach/lessons/{archived['id']}", json={"status": "active"}),
    ):
        assert refused(answer, 409) == "CONFLICT"
        assert "in use" in answer.json()["error"]["message"]


async def test_the_same_universal_lesson_is_written_once_however_many_write_it(
    owner: Client, stranger: Client, join: Join, database: Database
) -> None:
    admins = [await join(owner, Role.ADMIN), await join(stranger, Role.ADMIN)]
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE accounts SET is_platform_admin = true WHERE id = ANY ($1)", [one.user_id for one in admins]
        )
    word = new_id().hex
    body = NAMES | {"title": f"Quokka {word}", "description": f"Quokka {word} potoroo.", "scope": "universal"}
    answers = await asyncio.gather(*(admin.post("/coach/lessons", json=body) for admin in admins))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    [made] = [answer.json()["data"] for answer in answers if answer.status_code == 201]
    archived = [await admin.delete(f"/coach/lessons/{made['id']}") for admin in admins]
    assert 204 in {answer.status_code for answer in archived}


async def test_universal_lessons_are_everybodys_and_written_by_the_platform(
    owner: Client, stranger: Client, join: Join, database: Database
) -> None:
    word = new_id().hex
    body = MONEY | {"title": f"Courtesy {word}", "description": f"Courtesy {word}.", "scope": "universal"}
    assert refused(await owner.post("/coach/lessons", json=body), 403) == "PERMISSION_DENIED"
    admin = await join(owner, Role.ADMIN)
    async with database.connection() as connection:
        await connection.execute("UPDATE accounts SET is_platform_admin = true WHERE id = $1", admin.user_id)
    made = await teach(admin, body, accept_clash=True)
    assert (made["scope"], made["version"]) == ("universal", 1)
    path = f"/coach/lessons/{made['id']}"
    for reader in (owner, stranger):
        assert await titles(reader, search=word) == [f"Courtesy {word}"]
        seen = (await reader.get(path)).json()["data"]
        assert (seen["title"], seen["created_by"]) == (f"Courtesy {word}", None), "whoever wrote it is not named"
        assert refused(await reader.patch(path, json={"priority": 1}), 403) == "PERMISSION_DENIED"
        assert refused(await reader.delete(path), 403) == "PERMISSION_DENIED"
    changed = await admin.patch(path, json={"priority": 3}, headers={"If-Match": '"1"'})
    assert (changed.json()["data"]["priority"], changed.json()["data"]["version"]) == (3, 2)
    clash = await stranger.post("/coach/lessons", json=body | {"scope": "client_specific"})
    assert refused(clash, 409) == "CONFLICT"
    assert (await admin.delete(path)).status_code == 204
    assert await titles(stranger, search=word) == []
