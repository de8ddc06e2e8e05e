"""Evaluations over HTTP: a draft and what is live answer the same past conversations."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from dishka import AsyncContainer

from adapters.ai.sandbox_reviewer import SandboxReviewer
from application.coaching.evaluations import NO_ANSWERS
from application.model_calls import Fault, Unusable, Usage
from domain.identity.role import Role
from domain.kernel import new_id
from tests.http.background import work_off
from tests.http.conftest import Client, Join
from tests.http.lists import WorkOff, job
from tests.http.sales_world import World, enter
from tests.http.team import refused
from tests.http.test_coaching import Desk, desk
from tests.http.test_lessons import NAMES, teach
from tests.http.test_messaging import arrive, person
from tests.http.test_prompts import REPLY, draft, make_live, prompt

__all__ = ["desk", "work_off"]
pytestmark = pytest.mark.anyio
GOOD = {"system_prompt": "Answer the person's latest messages."}
SHOUTS = {"system_prompt": 'End every answer with "Hurry up!!!"'}


async def wrote(owner: Client, house: AsyncContainer, count: int, first: int = 10, **lead: Any) -> list[dict[str, Any]]:
    """Make leads who wrote."""
    leads = []
    for number in range(first, first + count):
        leads.append(await enter(owner, person(number), **lead))
        await arrive(house, owner, f"+4477009001{number:02d}", "How much is it?")
    return leads


async def conversation_of(house: AsyncContainer, owner: Client, lead: dict[str, Any]) -> str:
    """Name a lead's conversation."""
    rows = await World(house, owner.organization_id).fetch(
        "SELECT id FROM conversations WHERE organization_id = $1 AND lead_id = $2", UUID(lead["id"])
    )
    return str(rows[0]["id"])


async def evaluated(client: Client, work_off: WorkOff, cases: int = 30) -> dict[str, Any]:
    """Evaluate the draft; gives the job as it ended."""
    answer = await client.post(f"{REPLY}/evaluations", json={"cases": cases})
    assert answer.status_code == 202, answer.text
    await work_off()
    return await job(client, answer.json()["data"]["job_id"])


async def shown(client: Client, ended: dict[str, Any]) -> dict[str, Any]:
    """Show the evaluation of a job."""
    answer = await client.get(f"/coach/evaluations/{ended['result']['evaluation_id']}")
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def test_a_worse_draft_is_refused_unless_somebody_answers_for_it(
    owner: Client, house: AsyncContainer, work_off: WorkOff
) -> None:
    await wrote(owner, house, 6)
    await draft(owner, SHOUTS)
    ended = await evaluated(owner, work_off)
    assert (ended["status"], ended["progress"]) == ("done", {"done": 6, "total": 6})
    found = await shown(owner, ended)
    assert (found["outcome"], found["better"], found["same"], found["worse"]) == ("worse", 0, 0, 6)
    assert found["p_value"] == pytest.approx(0.0312, abs=1e-4)
    assert len(found["examples"]) == 6
    one = found["examples"][0]
    assert one["new"]["text"].endswith("Hurry up!!!")
    assert one["old"]["score"] > one["new"]["score"]
    assert any("shouts" in finding for finding in one["new"]["findings"])
    assert (await prompt(owner))["evaluation"]["outcome"] == "worse"
    answer = await owner.post(f"{REPLY}/make-live", json={})
    assert refused(answer, 409) == "CONFLICT"
    assert "6 answers were worse" in answer.json()["error"]["message"]
    assert answer.json()["error"]["details"] == [
        {"field": f"evaluation:{found['id']}", "message": "0 better, 0 the same, 6 worse."}
    ]
    assert refused(await owner.post(f"{REPLY}/make-live", json={"force": True}), 400) == "VALIDATION_ERROR"
    made = await make_live(owner, force=True, reason="The sale ends today.")
    assert (made["version"], made["evaluation"]["outcome"]) == (1, "worse")
    assert made["evaluation"]["examples"] == found["examples"][:3], "what was answered for is shown"
    version = (await owner.get(f"{REPLY}/versions/1")).json()["data"]["shown"]
    assert (version["reason"], version["evaluation_id"]) == ("The sale ends today.", found["id"])
    await draft(owner, GOOD)
    better = await evaluated(owner, work_off)
    assert (better["result"]["outcome"], better["result"]["better"]) == ("better", 6)
    assert (await make_live(owner))["evaluation"]["outcome"] == "better"


async def test_what_is_changed_after_an_evaluation_is_not_what_was_evaluated(
    owner: Client, house: AsyncContainer, work_off: WorkOff
) -> None:
    await wrote(owner, house, 5)
    await draft(owner, SHOUTS)
    await evaluated(owner, work_off)
    await draft(owner, {"system_prompt": "Be brief."})
    assert (await prompt(owner))["evaluation"] is None
    await draft(owner, SHOUTS)
    assert (await prompt(owner))["evaluation"]["outcome"] == "worse"
    await draft(owner, {"system_prompt": "Be kind."}, "/coach/prompts/master")
    await make_live(owner, "/coach/prompts/master")
    assert (await prompt(owner))["evaluation"] is None, "it was judged beside another master"
    await draft(owner, {"system_prompt": "Be brief."})
    same = await evaluated(owner, work_off)
    assert same["result"]["outcome"] == "same"
    assert (await make_live(owner))["evaluation"]["same"] == 5


async def test_the_set_is_frozen_and_chosen_ones_come_first(
    owner: Client, house: AsyncContainer, work_off: WorkOff
) -> None:
    leads = await wrote(owner, house, 3)
    chosen = await conversation_of(house, owner, leads[2])
    answer = await owner.post("/coach/evaluation-cases", json={"conversation_id": chosen})
    assert answer.status_code == 201, answer.text
    assert (answer.json()["data"]["chosen"], answer.json()["data"]["lead_id"]) == (True, leads[2]["id"])
    await draft(owner, SHOUTS)
    ended = await evaluated(owner, work_off, cases=1)
    assert (await shown(owner, ended))["examples"][0]["case_id"] == answer.json()["data"]["id"]
    await evaluated(owner, work_off, cases=2)
    listed = (await owner.get("/coach/evaluation-cases")).json()["data"]
    assert sorted(one["chosen"] for one in listed) == [False, True]
    await arrive(house, owner, "+447700900112", "Leave me alone")
    again = await shown(owner, await evaluated(owner, work_off, cases=1))
    assert again["worse"] == 1, "it is answered as it stood"
    dropped = await owner.delete(f"/coach/evaluation-cases/{answer.json()['data']['id']}")
    assert dropped.status_code == 204
    assert len((await owner.get("/coach/evaluation-cases")).json()["data"]) == 1


async def test_a_case_says_who_wrote_each_message(desk: Desk) -> None:
    made = await desk.thread(
        ("outbound", "m1", "Hi Jane, is it still of interest? Reply STOP to opt out."),
        ("outbound", "ai_response", "Shall we book a call?"),
        ("outbound", "booking_reminder", "Your call is tomorrow."),
        ("outbound", "human_manual", "Is that all right?"),
        ("inbound", "reply", "How much is it?"),
    )
    answer = await desk.owner.post("/coach/evaluation-cases", json={"conversation_id": made["conversation_id"]})
    assert answer.status_code == 201, answer.text
    [row] = await desk.world.fetch("SELECT thread FROM evaluation_cases WHERE organization_id = $1")
    frozen = msgspec.json.decode(row["thread"])["messages"]
    assert [message["by"] for message in frozen] == ["campaign", "ai", "campaign", "person", "lead"]


async def test_a_touch_that_the_ai_wrote_is_the_ais_in_cases_reviews_and_insights(desk: Desk) -> None:
    made = await desk.thread(
        ("outbound", "m1", "Hi Jane, is it still of interest? Reply STOP to opt out."),
        ("outbound", "m1", "HELLO JANE, IT IS A BARGAIN!!!"),
        ("inbound", "reply", "How much is it?"),
    )
    touch = made["messages"][1]
    await desk.world.fetch(
        "INSERT INTO replies (organization_id, id, conversation_id, status, lessons, breaches, prompt_type,"
        " prompt_version, model, input_tokens, output_tokens, cached_tokens, cost_micros, latency_ms, created_at)"
        " SELECT $1, m.id, m.conversation_id, 'sent', '{}', '{}', 'm1', 'v1', 'm', 1, 1, 0, 0, 1, now()"
        " FROM messages m WHERE m.organization_id = $1 AND m.id = $2",
        UUID(touch),
    )
    answer = await desk.owner.post("/coach/evaluation-cases", json={"conversation_id": made["conversation_id"]})
    assert answer.status_code == 201, answer.text
    [row] = await desk.world.fetch("SELECT thread FROM evaluation_cases WHERE organization_id = $1")
    assert [message["by"] for message in msgspec.json.decode(row["thread"])["messages"]] == ["campaign", "ai", "lead"]
    await desk.review(made)
    scored = await desk.world.fetch("SELECT message_id::text FROM message_scores WHERE organization_id = $1")
    assert [row["message_id"] for row in scored] == [touch], "what the AI wrote is scored"
    insights = [await desk.owner.get(f"/coach/insights/{one['id']}") for one in await desk.insights()]
    evidence = [one for insight in insights for one in insight.json()["data"]["evidence"]]
    assert {one["by"] for one in evidence if one["message_id"] == touch} == {"ai"}


async def test_an_evaluation_is_cancelled(owner: Client, house: AsyncContainer, work_off: WorkOff) -> None:
    await wrote(owner, house, 2)
    await draft(owner, SHOUTS)
    started = (await owner.post(f"{REPLY}/evaluations", json={})).json()["data"]
    assert (await owner.post(f"/jobs/{started['job_id']}/cancel")).status_code == 200
    await work_off()
    assert (await job(owner, started["job_id"]))["status"] == "cancelled"
    found = (await owner.get(f"/coach/evaluations/{started['evaluation_id']}")).json()["data"]
    assert (found["outcome"], found["examples"]) == (None, [])
    assert (await make_live(owner))["evaluation"] is None


async def test_another_evaluation_does_not_hide_that_a_draft_was_found_worse(
    owner: Client, house: AsyncContainer, work_off: WorkOff
) -> None:
    await wrote(owner, house, 6)
    await draft(owner, SHOUTS)
    found = await evaluated(owner, work_off)
    assert (await evaluated(owner, work_off, cases=2))["result"]["outcome"] == "same", "too few to be worse"
    assert refused(await owner.post(f"{REPLY}/make-live", json={}), 409) == "CONFLICT"
    assert (await owner.post(f"{REPLY}/evaluations", json={})).status_code == 202
    assert (await prompt(owner))["evaluation"]["outcome"] is None
    assert refused(await owner.post(f"{REPLY}/make-live", json={}), 409) == "CONFLICT", "one is under way"
    made = await make_live(owner, force=True, reason="The sale ends today.")
    assert made["evaluation"]["id"] == found["result"]["evaluation_id"]


async def test_an_evaluation_of_more_cases_that_judged_fewer_hides_nothing(
    owner: Client, house: AsyncContainer, work_off: WorkOff, monkeypatch: pytest.MonkeyPatch
) -> None:
    await wrote(owner, house, 6)
    await draft(owner, SHOUTS)
    found = await evaluated(owner, work_off)
    assert found["result"]["outcome"] == "worse"
    await wrote(owner, house, 1, first=20)
    asked, review = 0, SandboxReviewer.review

    async def garbled(reviewer: SandboxReviewer, *given: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked > 2:
            raise Unusable(Fault.GARBLED, "It cannot be read.", Usage(model="m"))
        return await review(reviewer, *given)

    with monkeypatch.context() as broken:
        broken.setattr(SandboxReviewer, "review", garbled)
        larger = await evaluated(owner, work_off)
    assert (larger["result"]["left_out"], larger["result"]["outcome"]) == (6, "same")
    assert refused(await owner.post(f"{REPLY}/make-live", json={}), 409) == "CONFLICT"
    made = await make_live(owner, force=True, reason="The sale ends today.")
    assert made["evaluation"]["id"] == found["result"]["evaluation_id"]


async def test_without_a_conversation_there_is_nothing_to_evaluate(owner: Client) -> None:
    await draft(owner, SHOUTS)
    assert refused(await owner.post(f"{REPLY}/evaluations", json={}), 409) == "CONFLICT"
    assert refused(await owner.post(f"{REPLY}/evaluations", json={"cases": 0}), 400) == "VALIDATION_ERROR"


@pytest.mark.parametrize("touch", ["m1", "m2", "m3"])
async def test_past_answers_do_not_judge_what_begins_conversations(
    owner: Client, house: AsyncContainer, touch: str
) -> None:
    await wrote(owner, house, 1)
    await draft(owner, SHOUTS, f"/coach/prompts/{touch}")
    answer = await owner.post(f"/coach/prompts/{touch}/evaluations", json={})
    assert refused(answer, 409) == "CONFLICT"
    assert answer.json()["error"]["message"] == NO_ANSWERS
    world = World(house, owner.organization_id)
    for table in ("evaluations", "evaluation_cases", "jobs"):
        assert await world.fetch(f"SELECT FROM {table} WHERE organization_id = $1") == [], table


async def test_a_preview_shows_what_would_be_told_and_answered_and_keeps_nothing(
    owner: Client, house: AsyncContainer
) -> None:
    [lead] = await wrote(owner, house, 1)
    await draft(owner, SHOUTS)
    await teach(owner, NAMES, status="testing")
    answer = await owner.post(f"{REPLY}/preview", json={"lead_id": lead["id"]})
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert data["told"].endswith(SHOUTS["system_prompt"])
    assert data["answer"].endswith("Hurry up!!!")
    assert data["would_go"]
    assert [lesson["title"] for lesson in data["lessons_context"]] == ["First names"]
    rows = await World(house, owner.organization_id).fetch("SELECT id FROM replies WHERE organization_id = $1")
    assert rows == []
    silent = await enter(owner, person(60))
    assert refused(await owner.post(f"{REPLY}/preview", json={"lead_id": silent["id"]}), 404) == "NOT_FOUND"


async def test_a_preview_of_a_touch_shows_what_a_lead_would_be_written_first(
    owner: Client, house: AsyncContainer, join: Join
) -> None:
    silent = await enter(owner, person(60))
    asked = {"lead_id": silent["id"]}
    await teach(owner, NAMES, status="testing")
    for touch, words in (("m1", "Is that still of interest?"), ("m2", "here again"), ("m3", "a last word")):
        path = f"/coach/prompts/{touch}"
        await draft(owner, {"system_prompt": 'End every answer with "With best wishes."'}, path)
        answer = await owner.post(f"{path}/preview", json=asked)
        assert answer.status_code == 200, answer.text
        data = answer.json()["data"]
        assert words in data["answer"]
        assert data["answer"].endswith("With best wishes. Reply STOP to opt out.")
        assert (data["prompt_type"], data["would_go"], data["why_not"]) == (touch, True, [])
        assert data["told"].endswith('End every answer with "With best wishes."')
        assert [lesson["title"] for lesson in data["lessons_context"]] == ["First names"]
    world = World(house, owner.organization_id)
    for table in ("replies", "touch_texts", "sends", "conversations"):
        assert await world.fetch(f"SELECT FROM {table} WHERE organization_id = $1") == [], table
    [wrote_to_us] = await wrote(owner, house, 1)
    assert (await owner.post("/coach/prompts/m1/preview", json={"lead_id": wrote_to_us["id"]})).status_code == 200
    await draft(owner, {"system_prompt": 'End every answer with "Only £5!"'}, "/coach/prompts/m1")
    data = (await owner.post("/coach/prompts/m1/preview", json=asked)).json()["data"]
    assert not data["would_go"]
    assert data["why_not"]
    assert refused(await owner.post("/coach/prompts/m1/preview", json={"lead_id": str(new_id())}), 404) == "NOT_FOUND"
    rep = await join(owner, Role.REP)
    assert refused(await rep.post("/coach/prompts/m1/preview", json=asked), 403) == "PERMISSION_DENIED"


async def test_a_preview_of_a_touch_knows_all_of_a_thread_that_may_be_seen(desk: Desk, join: Join) -> None:
    owner, path = desk.owner, "/coach/prompts/m2"
    mine, theirs = await desk.world.dataset(), await desk.world.dataset()
    made = await desk.thread(
        ("inbound", "reply", "How much is it?"),
        ("outbound", "human_manual", "It is £5 a day."),
        dataset_id=str(theirs),
    )
    await draft(owner, {"system_prompt": 'End every answer with "It is £5 a day."'}, path)
    data = (await owner.post(f"{path}/preview", json={"lead_id": made["lead_id"]})).json()["data"]
    assert (data["would_go"], data["why_not"]) == (True, []), "we said so ourselves, after the lead last wrote"
    contact = (await owner.get(f"/leads/{made['lead_id']}")).json()["data"]["contact"]["id"]
    entered = await owner.post("/leads", json={"contact_id": contact, "dataset_id": str(mine)})
    again = entered.json()["data"]
    limited = await join(owner, Role.ADMIN, dataset_ids=[mine])
    assert (await limited.get(f"/leads/{again['id']}")).status_code == 200
    assert (await owner.post(f"{path}/preview", json={"lead_id": again["id"]})).status_code == 200
    hidden = await limited.post(f"{path}/preview", json={"lead_id": again["id"]})
    assert refused(hidden, 404) == "NOT_FOUND", "the contact's thread is of a lead of another dataset"


async def test_whoever_may_not_see_a_lead_sees_no_case_of_it(
    owner: Client, stranger: Client, join: Join, house: AsyncContainer, work_off: WorkOff
) -> None:
    leads = await wrote(owner, house, 2)
    for lead in leads:
        await owner.patch(f"/leads/{lead['id']}", json={"assigned_to": str(owner.user_id)})
    await draft(owner, SHOUTS)
    ended = await evaluated(owner, work_off)
    path = f"/coach/evaluations/{ended['result']['evaluation_id']}"
    [case, _] = (await owner.get("/coach/evaluation-cases")).json()["data"]
    rep = await join(owner, Role.REP)
    limited = await join(owner, Role.ADMIN, dataset_ids=[new_id()])
    for blind in (rep, limited):
        assert (await blind.get("/coach/evaluation-cases")).json()["data"] == []
        found = (await blind.get(path)).json()["data"]
        assert (found["examples"], found["worse"]) == ([], 2)
    body = {"conversation_id": case["conversation_id"]}
    assert refused(await limited.post("/coach/evaluation-cases", json=body), 404) == "NOT_FOUND"
    assert refused(await limited.delete(f"/coach/evaluation-cases/{case['id']}"), 404) == "NOT_FOUND"
    for kind in (REPLY, "/coach/prompts/m1"):
        answer = await limited.post(f"{kind}/preview", json={"lead_id": leads[0]["id"]})
        assert refused(answer, 404) == "NOT_FOUND"
    assert refused(await rep.post("/coach/evaluation-cases", json=body), 403) == "PERMISSION_DENIED"
    assert refused(await stranger.get(path), 404) == "NOT_FOUND"
    assert refused(await stranger.delete(f"/coach/evaluation-cases/{case['id']}"), 404) == "NOT_FOUND"
    assert refused(await stranger.post("/coach/evaluation-cases", json=body), 404) == "NOT_FOUND"
    assert (await prompt(stranger))["evaluation"] is None
    made = await make_live(limited)
    assert (made["evaluation"]["worse"], made["evaluation"]["examples"]) == (2, [])
