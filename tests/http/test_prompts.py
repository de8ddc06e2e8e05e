"""Prompts over HTTP: drafted, made live with lessons, compared, rolled back."""

import asyncio
from typing import Any

import pytest
from dishka import AsyncContainer

from domain.coaching.prompt import PromptType
from tests.answered import answered
from tests.http.conftest import Client
from tests.http.sales_world import World
from tests.http.team import Hire, hire, refused
from tests.http.test_lessons import MONEY, NAMES, teach

__all__ = ["hire"]
pytestmark = pytest.mark.anyio
DRAFT = {"system_prompt": "Answer in one short message.\nAsk one question."}
REPLY = "/coach/prompts/reply"


async def prompt(client: Client, path: str = REPLY) -> dict[str, Any]:
    """Show a prompt."""
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def draft(client: Client, body: dict[str, Any] = DRAFT, path: str = REPLY, **headers: str) -> dict[str, Any]:
    """Edit a draft."""
    answer = await client.put(path, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def make_live(client: Client, path: str = REPLY, **body: Any) -> dict[str, Any]:
    """Make a draft live."""
    answer = await client.post(f"{path}/make-live", json=body)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def converse(world: World, version: str, count: int, **followed: Any) -> None:
    """Write conversations that the AI answered twice each."""
    await world.fetch(*answered(version, count, replies=2, **followed))


@pytest.mark.parametrize("prompt_type", list(PromptType))
async def test_until_somebody_makes_a_prompt_the_built_in_one_is_live(owner: Client, prompt_type: PromptType) -> None:
    shown = await prompt(owner, f"/coach/prompts/{prompt_type}")
    assert (shown["prompt_type"], shown["live"]["version"], shown["version"]) == (prompt_type, 0, None)
    assert shown["live"]["system_prompt"] == shown["draft"]["system_prompt"]
    assert shown["performance"] == {
        "conversations_using": 0,
        "success_rate": {"value": None, "low": None, "high": None},
    }


async def test_a_draft_changes_nothing_that_is_live(owner: Client) -> None:
    drafted = await draft(owner)
    assert (drafted["live"]["version"], drafted["draft"]["system_prompt"]) == (0, DRAFT["system_prompt"])
    assert (drafted["draft"]["drafted_by"], drafted["version"]) == (str(owner.user_id), 1)
    again = await draft(owner, {"system_prompt": "Other."}, **{"If-Match": '"1"'})
    assert again["version"] == 2
    stale = await owner.put(REPLY, json=DRAFT, headers={"If-Match": '"1"'})
    assert refused(stale, 409) == "STALE_VERSION"
    assert refused(await owner.put("/coach/prompts/m1", json=DRAFT, headers={"If-Match": '"1"'}), 409)
    assert refused(await owner.put(REPLY, json={"system_prompt": " "}), 400) == "VALIDATION_ERROR"
    assert refused(await owner.put(REPLY, json={}), 400) == "VALIDATION_ERROR"


async def test_make_live_injects_the_lessons_and_says_what_is_different(owner: Client) -> None:
    money, names = await teach(owner), await teach(owner, NAMES, priority=9)
    await teach(owner, NAMES, status="testing", title="Testing only", accept_clash=True)
    await draft(owner)
    first = await make_live(owner)
    assert (first["version"], first["is_active"], first["lessons_included"]) == (1, True, 2)
    assert [lesson["id"] for lesson in first["lessons_added"]] == [names["id"], money["id"]], "by priority"
    assert first["base_prompt_changed"]
    assert f"Say: {MONEY['correct_response']}" in first["lessons_added"][1]["text"]
    shown = await prompt(owner)
    assert (shown["live"]["version"], shown["lessons_included"]) == (1, 2)
    assert refused(await owner.post(f"{REPLY}/make-live", json={}), 409) == "CONFLICT", "nothing is different"
    await owner.delete(f"/coach/lessons/{money['id']}")
    assert (await prompt(owner))["lessons_included"] == 2, "what is live stays as it is"
    second = await make_live(owner)
    assert (second["version"], second["lessons_added"], second["base_prompt_changed"]) == (2, [], False)
    assert [lesson["id"] for lesson in second["lessons_removed"]] == [money["id"]]


async def test_a_lesson_that_was_edited_does_not_go_live_without_a_word(owner: Client) -> None:
    money = await teach(owner)
    await make_live(owner)
    await owner.patch(f"/coach/lessons/{money['id']}", json={"correct_response": "Promise them whatever."})
    made = await make_live(owner)
    assert (made["lessons_added"], made["lessons_removed"], made["base_prompt_changed"]) == ([], [], False)
    [changed] = made["lessons_changed"]
    assert changed["id"] == money["id"]
    assert "Say: Promise them whatever." in changed["text"]


async def test_what_goes_live_is_what_the_publisher_saw(owner: Client, hire: Hire) -> None:
    seen = await draft(owner)
    other = await hire(owner, "admin")
    theirs = await draft(other, {"system_prompt": "Promise the moon."})
    path, match = f"{REPLY}/make-live", {"If-Match": f'"{seen["version"]}"'}
    assert refused(await owner.post(path, json={}, headers=match), 409) == "STALE_VERSION"
    body = {"fingerprint": seen["draft"]["fingerprint"]}
    assert refused(await owner.post(path, json=body), 409) == "STALE_VERSION"
    await teach(other)
    body = {"fingerprint": theirs["draft"]["fingerprint"]}
    assert refused(await owner.post(path, json=body), 409) == "STALE_VERSION", "a lesson was written since"
    now = await prompt(owner)
    assert now["live"]["version"] == 0
    made = await owner.post(
        path, json={"fingerprint": now["draft"]["fingerprint"]}, headers={"If-Match": f'"{now["version"]}"'}
    )
    assert made.status_code == 200, made.text
    assert refused(await owner.post("/coach/prompts/m1/make-live", json={}, headers=match), 409) == "STALE_VERSION"


async def test_lessons_alone_go_live_with_the_built_in_words(owner: Client) -> None:
    await teach(owner)
    made = await make_live(owner)
    assert (made["version"], made["lessons_included"], made["base_prompt_changed"]) == (1, 1, False)


async def test_what_does_not_fit_the_budget_is_left_out_and_named(owner: Client) -> None:
    await owner.patch("/settings", json={"key": "coach_lesson_tokens", "value": 60})
    long = await teach(owner, description="Do not argue about money. " * 20)
    short = await teach(owner, NAMES, priority=1)
    made = await make_live(owner)
    assert [lesson["id"] for lesson in made["lessons_added"]] == [short["id"]]
    assert [left["id"] for left in made["left_out"]] == [long["id"]]
    assert "tokens" in made["left_out"][0]["why"]
    shown = (await owner.get(f"{REPLY}/versions/1")).json()["data"]["shown"]
    assert [left["title"] for left in shown["left_out"]] == ["Too expensive"]


async def test_history_compares_and_rolls_back(owner: Client) -> None:
    await draft(owner)
    await make_live(owner)
    await draft(owner, {"system_prompt": "Answer in one short message.\nAsk no question."})
    await make_live(owner, reason="They felt questioned.")
    listed = (await owner.get(f"{REPLY}/versions")).json()["data"]
    assert [(one["version"], one["is_live"]) for one in listed] == [(2, True), (1, False)]
    assert listed[0]["reason"] == "They felt questioned."
    compared = (await owner.get(f"{REPLY}/versions/2")).json()["data"]
    assert compared["against"] == 1
    assert {"-Ask one question.", "+Ask no question."} <= set(compared["diff"])
    assert " Answer in one short message." in compared["diff"]
    other = (await owner.get(f"{REPLY}/versions/1", params={"against": 2})).json()["data"]
    assert "+Ask one question." in other["diff"]
    rolled = await owner.post(f"{REPLY}/roll-back", json={"version": 1})
    assert rolled.json()["data"]["live"]["version"] == 1
    assert rolled.json()["data"]["draft"]["system_prompt"].endswith("Ask no question.")
    assert refused(await owner.post(f"{REPLY}/roll-back", json={"version": 1}), 409) == "CONFLICT"
    assert refused(await owner.post(f"{REPLY}/roll-back", json={"version": 7}), 404) == "NOT_FOUND"
    built_in = await owner.post(f"{REPLY}/roll-back", json={"version": 0})
    assert built_in.json()["data"]["live"]["version"] == 0
    assert (await make_live(owner))["version"] == 3, "a number is given once"


async def test_a_trial_is_live_for_a_share_and_ended_by_hand(owner: Client) -> None:
    await draft(owner)
    tried = await make_live(owner, share=20, hold_out=10)
    assert (tried["version"], tried["is_active"]) == (1, False)
    shown = await prompt(owner)
    assert (shown["live"]["version"], shown["canary"]["status"]) == (0, "running")
    assert (shown["canary"]["version"], shown["canary"]["share"], shown["canary"]["hold_out"]) == (1, 20, 10)
    await draft(owner, {"system_prompt": "Other."})
    assert refused(await owner.post(f"{REPLY}/make-live", json={}), 409) == "CONFLICT"
    ended = await owner.post(f"{REPLY}/roll-back", json={"version": 0, "reason": "Enough."})
    assert ended.json()["data"]["canary"]["status"] == "stopped"
    assert ended.json()["data"]["canary"]["reason"] == "Enough."
    assert (await make_live(owner))["version"] == 2


async def test_a_hold_out_is_counted_until_another_version_is_live(owner: Client, house: AsyncContainer) -> None:
    world = World(house, owner.organization_id)
    await draft(owner)
    await make_live(owner, hold_out=20)
    await converse(world, "master-0/reply-1", 2, booked=2)
    await converse(world, "built-in-1", 1)
    ended = await owner.post(f"{REPLY}/roll-back", json={"version": 1})
    assert ended.status_code == 200, ended.text
    await converse(world, "master-0/reply-1", 2, booked=2)
    canary = (await prompt(owner))["canary"]
    assert (canary["new"]["conversations"], canary["old"]["conversations"]) == (0, 0), "nothing was tried"
    held = canary["held_out"]
    assert (held["new"]["conversations"], held["new"]["booked"], held["old"]["conversations"]) == (2, 2, 1)


async def test_a_touch_is_tried_by_its_own_texts(owner: Client, house: AsyncContainer) -> None:
    path = "/coach/prompts/m1"
    await draft(owner, path=path)
    made = await make_live(owner, path, share=20)
    assert (made["version"], made["evaluation"]) == (1, None), "it was not judged"
    world = World(house, owner.organization_id)
    await converse(world, "master-0/m1-1", 2, booked=1, kind="m1")
    await converse(world, "master-0/m1-0", 1, booked=1, kind="m1")
    await converse(world, "master-0/m2-0", 1, booked=1, kind="m2")
    await converse(world, "built-in-1", 1, booked=1)
    canary = (await prompt(owner, path))["canary"]
    assert (canary["new"]["conversations"], canary["new"]["booked"]) == (2, 1)
    assert (canary["old"]["conversations"], canary["old"]["booked"]) == (1, 1), "others' messages say nothing of it"
    assert refused(await owner.post(f"{path}/evaluations", json={}), 409) == "CONFLICT"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"share": 0}, "share"),
        ({"share": 101}, "share"),
        ({"share": 60, "hold_out": 50}, "hold_out"),
        ({"hold_out": 51}, "hold_out"),
        ({"reason": " "}, "reason"),
        ({"version": 3}, "version"),
    ],
)
async def test_what_cannot_go_live_names_the_field(owner: Client, body: dict[str, Any], field: str) -> None:
    answer = await owner.post(f"{REPLY}/make-live", json=body)
    assert answer.status_code == 400, answer.text
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]


async def test_many_who_make_it_live_at_once_make_one_version(owner: Client) -> None:
    await draft(owner)
    answers = await asyncio.gather(*(owner.post(f"{REPLY}/make-live", json={}) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


async def test_who_may_work_on_prompts(owner: Client, hire: Hire) -> None:
    await draft(owner)
    rep = await hire(owner, "rep")
    assert (await prompt(rep))["draft"]["system_prompt"] == DRAFT["system_prompt"]
    for answer in (
        await rep.put(REPLY, json=DRAFT),
        await rep.post(f"{REPLY}/make-live", json={}),
        await rep.post(f"{REPLY}/roll-back", json={"version": 0}),
    ):
        assert refused(answer, 403) == "PERMISSION_DENIED"
    publisher = await hire(owner, "rep", permissions={"can_push_to_live": True})
    assert refused(await publisher.put(REPLY, json=DRAFT), 403) == "PERMISSION_DENIED"
    assert (await make_live(publisher))["version"] == 1


async def test_each_organisation_has_its_own(owner: Client, stranger: Client) -> None:
    await draft(owner)
    await make_live(owner)
    assert (await prompt(stranger))["live"]["version"] == 0
    assert (await stranger.get(f"{REPLY}/versions")).json()["data"] == []
    assert (await stranger.get(f"{REPLY}/versions/1")).status_code == 404
    assert refused(await stranger.post(f"{REPLY}/roll-back", json={"version": 1}), 404) == "NOT_FOUND"


@pytest.mark.parametrize("path", ["/coach/prompts/poem", "/coach/prompts/poem/versions", "/coach/prompts/REPLY"])
async def test_there_are_five_prompts(owner: Client, path: str) -> None:
    assert refused(await owner.get(path), 404) == "NOT_FOUND"


async def test_performance_counts_conversations_of_the_live_version(owner: Client, house: AsyncContainer) -> None:
    await draft(owner)
    await make_live(owner)
    world = World(house, owner.organization_id)
    await converse(world, "built-in-1/reply-1", 2, booked=1)
    await converse(world, "master-0/reply-1", 1, booked=1)
    await converse(world, "master-1/reply-10", 1, booked=1)
    performance = (await prompt(owner))["performance"]
    assert (performance["conversations_using"], performance["success_rate"]["value"]) == (3, 0.6667)
