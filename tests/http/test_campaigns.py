"""Campaigns over HTTP: start, pause, resume, settings and previews, and who may do so."""

import asyncio
import itertools
from typing import Any
from uuid import UUID

import msgspec
import pytest

from adapters.persistence.database import Cause
from application.messaging.touch_writing import TouchWriting
from application.outreach.campaign_views import CampaignView, PreviewView
from application.outreach.planning import Planning
from application.ports import Actor
from domain.identity.role import Role
from domain.kernel import new_id
from tests.http.conftest import Client, Join
from tests.http.refusals import error_of
from tests.http.sales_world import World, enter, world

__all__ = ["world"]
pytestmark = pytest.mark.anyio
ALWAYS = {"schedule": {"start": "00:00", "end": "24:00"}, "rate_limit_messages_per_minute": 60}


def person(number: int) -> dict[str, Any]:
    return {"first_name": "Ada", "last_name": f"N{number}", "phone_number": f"+4477009002{number:02d}"}


@pytest.fixture
async def dataset(owner: Client, world: World) -> str:
    """Make a dataset with three READY leads."""
    identifier = str(await world.dataset())
    for number in range(3):
        await enter(owner, person(number), dataset_id=identifier)
    return identifier


def shown(answer: Any, kind: Any = CampaignView, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return msgspec.json.decode(msgspec.json.encode(answer.json()["data"]), type=kind)


def fields(error: dict[str, Any]) -> list[str]:
    return [detail["field"] for detail in error["details"]]


async def start(client: Client, dataset: str, settings: dict[str, Any] | None = None, **headers: str) -> Any:
    body = {"dataset_id": dataset, "settings": settings or ALWAYS}
    return await client.post("/campaigns/start", json=body, headers=headers)


async def plan(world: World) -> None:
    async with world.house({Actor: Actor.system(world.organization_id), Cause: Cause()}) as scope:
        await (await scope.get(Planning)).plan()


async def test_a_campaign_starts_pauses_and_goes_on(owner: Client, world: World, dataset: str) -> None:
    view = shown(await start(owner, dataset))
    assert (view.status, view.total_leads, view.messages_queued) == ("active", 3, 3)
    assert view.estimated_completion is not None
    assert [t.touch for t in view.touches] == ["M1", "M2", "M3"]
    assert (view.schedule.start, view.schedule.end) == ("00:00", "00:00")
    await plan(world)
    planned = shown(await owner.get(f"/campaigns/{dataset}"))
    assert [(t.touch, t.variant, t.state, t.count) for t in planned.texts] == [("M1", "A", "planned", 3)]
    assert planned.version == view.version
    paused = shown(await owner.post("/campaigns/pause", json={"dataset_id": dataset}))
    assert (paused.status, paused.estimated_completion) == ("paused", None)
    held = await world.fetch("SELECT DISTINCT held FROM sends WHERE organization_id = $1")
    assert [row[0] for row in held] == [True]
    again = shown(await owner.post("/campaigns/resume", json={"dataset_id": dataset}))
    assert again.status == "active"
    rows = await world.fetch("SELECT held, due_at FROM sends WHERE organization_id = $1 ORDER BY due_at")
    assert [row["held"] for row in rows] == [False] * 3
    assert {(b["due_at"] - a["due_at"]).total_seconds() for a, b in itertools.pairwise(rows)} == {1.0}
    [row] = await world.fetch("SELECT campaign_status FROM datasets WHERE organization_id = $1")
    assert row["campaign_status"] == "active"


async def test_each_verb_needs_its_state(owner: Client, dataset: str) -> None:
    for verb in ("pause", "resume"):
        error_of(await owner.post(f"/campaigns/{verb}", json={"dataset_id": dataset}), 409, "CONFLICT")
    shown(await start(owner, dataset))
    error_of(await start(owner, dataset), 409, "CONFLICT")
    error_of(await owner.post("/campaigns/resume", json={"dataset_id": dataset}), 409, "CONFLICT")


async def test_a_refused_start_leaves_nothing_behind(owner: Client, world: World) -> None:
    empty = str(await world.dataset())
    error = error_of(await start(owner, empty), 409, "CONFLICT")
    assert "READY" in error["message"]
    assert await world.fetch("SELECT 1 FROM campaigns WHERE organization_id = $1") == []
    error_of(await owner.get(f"/campaigns/{empty}"), 404, "NOT_FOUND")


async def test_without_a_number_no_campaign_starts(owner: Client, world: World, dataset: str) -> None:
    await world.fetch("UPDATE organizations SET sender = NULL WHERE organization_id = $1")
    assert "number" in error_of(await start(owner, dataset), 409, "CONFLICT")["message"]


async def test_the_same_key_starts_once(owner: Client, dataset: str) -> None:
    answers = [await start(owner, dataset, None, **{"Idempotency-Key": "go"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert [a.status_code for a in answers] == [200, 200]
    other = await start(owner, dataset, {"m2_delay_hours": 1}, **{"Idempotency-Key": "go"})
    error_of(other, 422, "IDEMPOTENCY_MISMATCH")


async def test_two_starts_at_once_are_one_start(owner: Client, dataset: str) -> None:
    answers = await asyncio.gather(start(owner, dataset), start(owner, dataset))
    assert sorted(a.status_code for a in answers) == [200, 409]


async def test_settings_change_under_a_version(owner: Client, world: World, dataset: str) -> None:
    view = shown(await start(owner, dataset))
    path = f"/campaigns/{dataset}"
    touches = [
        {"touch": "M1", "variants": [{"name": "A", "weight": 1, "template": "One {{ first_name }}"}]},
        {"touch": "M2", "delay_hours": 24},
    ]
    body = {"rate_limit_messages_per_minute": 7, "schedule": {"hours_start": 10, "days": ["mon", "fri"]}}
    answer = await owner.patch(path, json={**body, "touches": touches}, headers={"If-Match": f'"{view.version}"'})
    changed = shown(answer)
    assert answer.headers["ETag"] == f'"{view.version + 1}"'
    assert (changed.schedule.start, changed.schedule.days) == ("10:00", ["mon", "fri"])
    assert [(t.touch, t.delay_hours) for t in changed.touches] == [("M1", 0), ("M2", 24)]
    stale = await owner.patch(path, json=body, headers={"If-Match": f'"{view.version}"'})
    assert fields(error_of(stale, 409, "STALE_VERSION")) == ["rate_limit_messages_per_minute", "schedule"]
    await plan(world)
    await owner.post("/campaigns/pause", json={"dataset_id": dataset})
    assert shown(await owner.get(path)).version == changed.version + 1


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"m1_delay_hours": -1}, "settings.m1_delay_hours"),
        ({"rate_limit_messages_per_minute": 0}, "settings.rate_limit_messages_per_minute"),
        ({"schedule": {"start": "25:00"}}, "schedule.start"),
        ({"schedule": {"start": "9"}}, "schedule.start"),
        ({"schedule": {"start": "09:00", "hours_start": 9}}, "schedule.start"),
        ({"schedule": {"start": "09:00", "end": "09:00"}}, "end"),
        ({"touches": [{"touch": "M4"}]}, "settings.touches[0].touch"),
        ({"touches": [{"touch": "M2"}]}, "touches"),
        ({"touches": [{"touch": "M1"}, {"touch": "M1"}]}, "touches"),
        ({"touches": [{"touch": "M1", "variants": []}]}, "settings.touches[0].variants"),
        ({"touches": [{"touch": "M1", "variants": [{"template": "Hi {{ shoe_size }}"}]}]}, "template"),
        ({"touches": [{"touch": "M1", "variants": [{"template": "Hi", "weight": 0}]}]}, "variants"),
        (
            {"touches": [{"touch": "M1", "variants": [{"template": "Hi", "text_from": "hat"}]}]},
            "settings.touches[0].variants[0].text_from",
        ),
        (
            {"touches": [{"touch": "M1", "variants": [{"text_from": "prompt"}]}]},
            "settings.touches[0].variants[0].template",
        ),
        ({"touches": [{"touch": "M1"}], "m2_delay_hours": 3}, "m2_delay_hours"),
        ({"colour": "red"}, "settings.colour"),
    ],
)
async def test_settings_that_do_not_fit_are_named(
    owner: Client, dataset: str, settings: dict[str, Any], field: str
) -> None:
    assert fields(error_of(await start(owner, dataset, settings), 400, "VALIDATION_ERROR")) == [field]


async def test_only_those_who_run_campaigns_run_them(owner: Client, join: Join, dataset: str) -> None:
    for role in (Role.REP, Role.READ_ONLY):
        member = await join(owner, role)
        error_of(await start(member, dataset), 403, "PERMISSION_DENIED")
        for verb in ("pause", "resume"):
            answer = await member.post(f"/campaigns/{verb}", json={"dataset_id": dataset})
            error_of(answer, 403, "PERMISSION_DENIED")
        error_of(await member.patch(f"/campaigns/{dataset}", json={}), 403, "PERMISSION_DENIED")
    manager = await join(owner, Role.MANAGER)
    shown(await start(manager, dataset))
    reader = await join(owner, Role.READ_ONLY)
    assert shown(await reader.get(f"/campaigns/{dataset}")).status == "active"


async def test_anothers_campaign_is_not_there(owner: Client, stranger: Client, join: Join, dataset: str) -> None:
    shown(await start(owner, dataset))
    for other in (stranger, await join(owner, Role.MANAGER, dataset_ids=[new_id()])):
        error_of(await other.get(f"/campaigns/{dataset}"), 404, "NOT_FOUND")
        error_of(await start(other, dataset), 404, "NOT_FOUND")
        error_of(await other.post("/campaigns/pause", json={"dataset_id": dataset}), 404, "NOT_FOUND")
        error_of(await other.patch(f"/campaigns/{dataset}", json={"m2_delay_hours": 1}), 404, "NOT_FOUND")
    allowed = await join(owner, Role.MANAGER, dataset_ids=[UUID(dataset)])
    assert shown(await allowed.get(f"/campaigns/{dataset}")).status == "active"


async def test_a_preview_is_what_the_lead_would_get(owner: Client, join: Join, world: World, dataset: str) -> None:
    [lead, *_] = (await owner.get("/leads", params={"dataset_id": dataset, "order": "asc"})).json()["data"]
    asked = {"dataset_id": dataset, "lead_id": lead["id"]}
    view = shown(await owner.post("/campaigns/preview", json=asked), PreviewView)
    assert view.text.startswith("Hi Ada, it's Bright Windows.")
    assert (view.variant, view.encoding, view.segments) == ("A", "GSM-7", 1)
    tried = {**asked, "template": "Cześć {{ first_name }} {{ company | at home }}"}
    view = shown(await owner.post("/campaigns/preview", json=tried), PreviewView)
    assert (view.text, view.variant, view.encoding) == ("Cześć Ada at home", None, "UCS-2")
    error_of(await owner.post("/campaigns/preview", json={**asked, "lead_id": str(new_id())}), 404, "NOT_FOUND")
    wrong = {**asked, "template": "Hi {{ shoe_size }}"}
    assert fields(error_of(await owner.post("/campaigns/preview", json=wrong), 400, "VALIDATION_ERROR")) == ["template"]
    await world.fetch("UPDATE leads SET assigned_to = $2 WHERE organization_id = $1", owner.user_id)
    rep = await join(owner, Role.REP)
    error_of(await rep.post("/campaigns/preview", json=asked), 404, "NOT_FOUND")


async def test_a_touch_that_the_ai_writes_says_so(owner: Client, world: World, dataset: str) -> None:
    variants = [{"template": "Hello from the template. Reply STOP to opt out.", "text_from": "prompt"}]
    view = shown(await start(owner, dataset, {**ALWAYS, "touches": [{"touch": "M1", "variants": variants}]}))
    assert [v.text_from for v in view.touches[0].variants] == ["prompt"]
    await world.fetch("UPDATE contacts SET zones = '{Etc/GMT}' WHERE organization_id = $1")
    [lead, *_] = (await owner.get("/leads", params={"dataset_id": dataset, "order": "asc"})).json()["data"]
    asked = {"dataset_id": dataset, "lead_id": lead["id"]}
    preview = shown(await owner.post("/campaigns/preview", json=asked), PreviewView)
    assert (preview.text_from, preview.text) == ("prompt", variants[0]["template"])
    assert preview.written_preview_url == "/api/v1/coach/prompts/m1/preview"
    written = await owner.post("/coach/prompts/m1/preview", json={"lead_id": lead["id"]})
    assert written.status_code == 200, written.text
    assert written.json()["data"]["answer"] not in ("", preview.text)
    typed = shown(await owner.post("/campaigns/preview", json={**asked, "template": "Hi"}), PreviewView)
    assert (typed.text_from, typed.written_preview_url) == ("template", None)
    await plan(world)
    waiting = shown(await owner.get(f"/campaigns/{dataset}"))
    assert [(t.status, t.count) for t in waiting.ai_texts] == [("due", 3)]
    assert waiting.messages_queued == 3
    async with world.house({Actor: Actor.system(world.organization_id), Cause: Cause()}) as scope:
        await (await scope.get(TouchWriting)).write_due()
    await plan(world)
    view = shown(await owner.get(f"/campaigns/{dataset}"))
    assert [(t.touch, t.variant, t.status, t.reason, t.count) for t in view.ai_texts] == [
        ("M1", "A", "written", None, 3)
    ]
    [thread, *_] = (await owner.get("/conversations")).json()["data"]
    [message] = (await owner.get(f"/conversations/{thread['id']}")).json()["data"]["messages"]
    assert message["ai_generated"]
    assert message["message_category"] == "m1"
    assert message["written_with"] == {
        "prompt_version": "master-0/m1-0",
        "lesson_ids": [],
        "model": "sandbox",
        "input_tokens": 0,
        "output_tokens": len(message["content"].removesuffix(" Reply STOP to opt out.").split()),
    }


@pytest.mark.parametrize("status", ["HOT", "WARM", "COLD", "CONVERTED", "CALL_BOOKED", "REPLIED", "UNREACHABLE"])
async def test_a_status_that_a_person_sets_ends_the_touches_at_hand_over(
    owner: Client, world: World, dataset: str, status: str
) -> None:
    [lead, *_] = (await owner.get("/leads", params={"dataset_id": dataset, "order": "asc"})).json()["data"]
    shown(await start(owner, dataset))
    answer = await owner.patch(f"/leads/{lead['id']}", json={"contact_status": status})
    assert answer.status_code == 200, answer.text
    await plan(world)
    rows = await world.fetch("SELECT state FROM sends WHERE organization_id = $1 AND lead_id = $2", UUID(lead["id"]))
    assert [row["state"] for row in rows] in ([], ["refused"])
    left = await world.fetch("SELECT 1 FROM enrolments WHERE organization_id = $1 AND lead_id = $2", UUID(lead["id"]))
    assert left == []
