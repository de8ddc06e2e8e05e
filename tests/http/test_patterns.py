"""Patterns over HTTP: counted in a dataset, raised as insights where significant, and looked for every night."""

from typing import Any
from uuid import UUID

import pytest

from adapters.ai.sandbox_finder import SandboxFinder
from adapters.persistence.database import Cause
from application.coaching.pattern_finding import Described, PatternTask
from application.coaching.patterns import Patterns
from application.ports import Actor
from domain.identity.role import Role
from domain.kernel import new_id
from tests.http.conftest import Client, Join
from tests.http.team import refused
from tests.http.test_coaching import Desk, desk
from tests.http.test_coaching_lessons import AGREE

__all__ = ["desk"]
pytestmark = pytest.mark.anyio
NAMED = "Hi Jane, still of interest? Reply STOP to opt out."
UNNAMED = "Hi you, still of interest? Reply STOP to opt out."


async def campaign(desk: Desk, dataset_id: UUID, text: str, number: int, answered: int, **lead: Any) -> None:
    """Let so many people get a text two days ago, of whom so many answered."""
    for n in range(number):
        said = [("outbound", "m1", text), *([("inbound", "reply", "Hello")] if n < answered else [])]
        await desk.thread(*said, dataset_id=str(dataset_id), **lead)
    await desk.world.fetch(
        "UPDATE messages SET created_at = created_at - interval '2 days'"
        " WHERE organization_id = $1 AND created_at > business_now() - interval '1 day'"
    )


async def detect(client: Client, dataset_id: UUID, least: int = 5) -> dict[str, Any]:
    """Search a dataset."""
    body = {"dataset_id": str(dataset_id), "min_occurrences": least}
    answer = await client.post("/coach/detect-patterns", json=body)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()["data"]
    return shown


async def test_what_is_significant_is_raised(desk: Desk) -> None:
    dataset_id, other = await desk.world.dataset(), await desk.world.dataset()
    await campaign(desk, dataset_id, NAMED, 12, 11)
    await campaign(desk, dataset_id, UNNAMED, 12, 1)
    await campaign(desk, other, UNNAMED, 2, 2)
    shown = await detect(desk.owner, dataset_id)
    assert shown["conversations"] == 24
    [pattern] = shown["patterns"]
    assert (pattern["step"], pattern["feature"], pattern["recommended_action"]) == (
        "opening",
        "names_the_lead",
        "adopt",
    )
    assert (pattern["occurrences"], pattern["success_rate"], pattern["other_success_rate"]) == (12, 91.7, 8.3)
    assert pattern["p_value"] < 0.05
    assert pattern["suggested_lesson"] == "Call the lead by name."
    [insight] = await desk.insights(category="strategy")
    assert (insight["id"], insight["severity"]) == (pattern["insight_id"], "suggestion")
    assert (insight["title"], insight["affected_leads_count"]) == (pattern["title"], 11)
    assert insight["original_text"] == NAMED
    again = await detect(desk.owner, dataset_id)
    assert again["patterns"][0]["insight_id"] == insight["id"], "the same one, not another"
    [kept, _] = await desk.world.fetch("SELECT * FROM patterns WHERE organization_id = $1")
    assert (kept["dataset_id"], kept["feature"], kept["successes"]) == (dataset_id, "names_the_lead", 11)


async def test_a_repeated_request_asks_no_model_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset_id = await desk.world.dataset()
    await campaign(desk, dataset_id, NAMED, 12, 11)
    await campaign(desk, dataset_id, UNNAMED, 12, 1)
    real, calls = SandboxFinder.describe, []

    async def describe(self: SandboxFinder, task: PatternTask) -> Described:
        calls.append(task)
        return await real(self, task)

    monkeypatch.setattr(SandboxFinder, "describe", describe)
    body, key = {"dataset_id": str(dataset_id), "min_occurrences": 5}, {"Idempotency-Key": "search"}
    first, again = [await desk.owner.post("/coach/detect-patterns", json=body, headers=key) for _ in range(2)]
    assert (first.status_code, again.json()) == (200, first.json())
    assert len(calls) == 1


async def search_nightly(desk: Desk) -> None:
    """Search as the house does every night."""
    async with desk.house({Actor: Actor.system(desk.owner.organization_id), Cause: Cause()}) as scope:
        await (await scope.get(Patterns)).detect_daily()


async def test_a_key_that_cannot_be_opened_costs_but_the_models_words(desk: Desk) -> None:
    dataset_id = await desk.world.dataset()
    await campaign(desk, dataset_id, NAMED, 12, 11)
    await campaign(desk, dataset_id, UNNAMED, 12, 1)
    await desk.world.fetch(
        "INSERT INTO integrations (organization_id, provider, credentials, created_at)"
        " VALUES ($1, 'anthropic', 'sealed by nobody', now())"
    )
    [pattern] = (await detect(desk.owner, dataset_id))["patterns"]
    assert pattern["suggested_lesson"] == "Call the lead by name."
    assert pattern["insight_id"] is not None
    await search_nightly(desk)
    assert [one["id"] for one in await desk.insights(category="strategy")] == [pattern["insight_id"]]


async def test_chance_raises_nothing(desk: Desk) -> None:
    dataset_id = await desk.world.dataset()
    await campaign(desk, dataset_id, NAMED, 8, 4)
    await campaign(desk, dataset_id, UNNAMED, 8, 3)
    [pattern] = (await detect(desk.owner, dataset_id))["patterns"]
    assert (pattern["recommended_action"], pattern["suggested_lesson"], pattern["insight_id"]) == (
        "test_more", None, None,
    )  # fmt: skip
    assert await desk.insights(category="strategy") == []
    assert (await detect(desk.owner, dataset_id, least=9))["patterns"] == []


async def test_every_night_the_last_week_is_looked_through(desk: Desk) -> None:
    dataset_id = await desk.world.dataset()
    await campaign(desk, dataset_id, NAMED, 12, 11)
    await campaign(desk, dataset_id, UNNAMED, 12, 1)
    await search_nightly(desk)
    [insight] = await desk.insights(category="strategy")
    assert insight["rule"] == "pattern_opening_names_the_lead"
    learned = await desk.owner.post(f"/coach/insights/{insight['id']}/agree", json=AGREE)
    assert learned.status_code == 200, learned.text
    await desk.world.fetch("UPDATE insights SET decided_at = decided_at - interval '8 days' WHERE organization_id = $1")
    await search_nightly(desk)
    assert await desk.insights(category="strategy", status="pending") == [], "what is taught is no news"


async def test_the_last_day_on_which_anybody_wrote_is_searched_too(desk: Desk) -> None:
    changed = await desk.owner.patch(
        f"/organizations/{desk.owner.organization_id}", json={"time_zone": "Asia/Kathmandu"}
    )
    assert changed.status_code == 200, changed.text
    await search_nightly(desk)
    assert await next_night(desk) is None, "where nothing moved there is nothing to come again for"
    dataset_id = await desk.world.dataset()
    await campaign(desk, dataset_id, NAMED, 12, 11)
    await campaign(desk, dataset_id, UNNAMED, 12, 1)
    today = "UPDATE messages SET created_at = created_at + $2 * interval '2 days' WHERE organization_id = $1"
    await desk.world.fetch(today, 1)
    await search_nightly(desk)
    assert await found(desk.owner) == [], "it has not had its chance yet"
    night = await next_night(desk)
    assert night is not None
    assert (night.hour, night.minute) == (3, 0), "on the organisation's clock"
    await desk.world.fetch(today, -1)
    await search_nightly(desk)
    assert len(await found(desk.owner)) == 1
    await desk.world.fetch("DELETE FROM schedules WHERE organization_id = $1 AND name = 'coaching.patterns'")
    moved = "UPDATE conversations SET last_message_at = last_message_at - interval '8 days' WHERE organization_id = $1"
    await desk.world.fetch(moved)
    await search_nightly(desk)
    assert await next_night(desk) is None, "a week in which nothing moved ends it"


async def next_night(desk: Desk) -> Any:
    """Tell when the next search is due, on the clock of Kathmandu."""
    rows = await desk.world.fetch(
        "SELECT next_due_at AT TIME ZONE 'Asia/Kathmandu' AS night FROM schedules WHERE organization_id = $1"
        " AND name = 'coaching.patterns' AND next_due_at > business_now()"
    )
    return rows[0]["night"] if rows else None


async def test_whoever_sees_some_leads_counts_those_and_raises_nothing(desk: Desk, join: Join) -> None:
    rita, others = await join(desk.owner, Role.REP), await join(desk.owner, Role.REP)
    dataset_id = await desk.world.dataset()
    await campaign(desk, dataset_id, NAMED, 12, 11, assigned_to=str(rita.user_id))
    await campaign(desk, dataset_id, UNNAMED, 12, 1, assigned_to=str(rita.user_id))
    await campaign(desk, dataset_id, UNNAMED, 3, 3, assigned_to=str(others.user_id))
    shown = await detect(rita, dataset_id)
    assert shown["conversations"] == 24
    assert [one["insight_id"] for one in shown["patterns"]] == [None]
    assert await desk.insights(category="strategy") == []
    limited = await join(desk.owner, Role.ADMIN, dataset_ids=[await desk.world.dataset()])
    body = {"dataset_id": str(dataset_id)}
    assert refused(await limited.post("/coach/detect-patterns", json=body), 404) == "NOT_FOUND"


async def test_who_may_search_and_for_what(desk: Desk, join: Join, stranger: Client) -> None:
    dataset_id = await desk.world.dataset()
    body = {"dataset_id": str(dataset_id)}
    reader = await join(desk.owner, Role.READ_ONLY)
    assert refused(await reader.post("/coach/detect-patterns", json=body), 403) == "PERMISSION_DENIED"
    assert refused(await stranger.post("/coach/detect-patterns", json=body), 404) == "NOT_FOUND"
    assert refused(await desk.owner.post("/coach/detect-patterns", json={"dataset_id": str(new_id())}), 404)
    assert refused(await desk.owner.post("/coach/detect-patterns", json=body | {"min_occurrences": 1}), 400)
    assert (await detect(desk.owner, dataset_id)) == {"conversations": 0, "patterns": []}


async def found(client: Client, **params: str) -> list[dict[str, Any]]:
    """List what searches found."""
    answer = await client.get("/coach/patterns", params=params)
    assert answer.status_code == 200, answer.text
    shown: list[dict[str, Any]] = answer.json()["data"]
    return shown


async def test_what_searches_found_is_listed_and_narrowed(desk: Desk) -> None:
    dataset_id, other = await desk.world.dataset(), await desk.world.dataset()
    await campaign(desk, dataset_id, NAMED, 12, 11)
    await campaign(desk, dataset_id, UNNAMED, 12, 1)
    await campaign(desk, other, NAMED, 6, 3)
    await campaign(desk, other, UNNAMED, 6, 3)
    await detect(desk.owner, dataset_id)
    await detect(desk.owner, other)
    await search_nightly(desk)
    [nightly, chance, told] = await found(desk.owner)
    assert [one["dataset_id"] for one in (nightly, chance, told)] == [None, str(other), str(dataset_id)]
    [insight] = await desk.insights(category="strategy")
    assert told | {"id": "", "created_at": "", "p_value": 0} == {
        "id": "", "dataset_id": str(dataset_id), "step": "opening", "feature": "names_the_lead",
        "title": "Openings that call the lead by name are answered more often",
        "pattern_description": told["pattern_description"], "occurrences": 12, "successes": 11, "success_rate": 91.7,
        "other_occurrences": 12, "other_successes": 1, "other_success_rate": 8.3, "p_value": 0,
        "recommended_action": "adopt", "suggested_lesson": "Call the lead by name.", "insight_id": insight["id"],
        "created_at": "",
    }  # fmt: skip
    assert told["pattern_description"].startswith("11 of 12 (92%) against 1 of 12 (8%)")
    assert told["p_value"] < 0.05
    assert (nightly["occurrences"], nightly["insight_id"]) == (18, insight["id"])
    assert (chance["recommended_action"], chance["suggested_lesson"], chance["insight_id"]) == ("test_more", None, None)
    for params, wanted in (
        ({"dataset_id": str(other)}, [chance]),
        ({"dataset_id": str(new_id())}, []),
        ({"step": "answer"}, []),
        ({"step": "opening", "recommended_action": "adopt"}, [nightly, told]),
        ({"recommended_action": "avoid"}, []),
        ({"order": "asc"}, [told, chance, nightly]),
    ):
        assert await found(desk.owner, **params) == wanted, params
    first = (await desk.owner.get("/coach/patterns", params={"limit": "2"})).json()
    assert first["data"] == [nightly, chance]
    assert await found(desk.owner, limit="2", cursor=first["pagination"]["next_cursor"]) == [told]
    for wrong in ({"step": "poem"}, {"recommended_action": "maybe"}, {"dataset_id": "1"}, {"cursor": "x"}):
        assert refused(await desk.owner.get("/coach/patterns", params=wrong), 400) == "VALIDATION_ERROR", wrong


async def test_patterns_are_for_whoever_sees_the_leads_they_were_counted_among(
    desk: Desk, join: Join, stranger: Client, client: Client
) -> None:
    dataset_id = await desk.world.dataset()
    await campaign(desk, dataset_id, NAMED, 12, 11)
    await campaign(desk, dataset_id, UNNAMED, 12, 1)
    await detect(desk.owner, dataset_id)
    await search_nightly(desk)
    everything = await join(desk.owner, Role.REP, can_view_all_leads=True)
    limited = await join(desk.owner, Role.ADMIN, dataset_ids=[dataset_id])
    elsewhere = await join(desk.owner, Role.ADMIN, dataset_ids=[await desk.world.dataset()])
    for who, datasets in (
        (everything, [None, str(dataset_id)]),
        (limited, [str(dataset_id)]),
        (elsewhere, []),
        (await join(desk.owner, Role.REP), []),
        (stranger, []),
    ):
        assert [one["dataset_id"] for one in await found(who)] == datasets
    assert await found(stranger, dataset_id=str(dataset_id)) == []
    assert refused(await client.get("/coach/patterns"), 401)
    key = await desk.owner.post("/api-keys", json={"name": "Leads", "permissions": ["leads:read"]})
    assert key.status_code == 201, key.text
    headers = {"Authorization": f"Bearer {key.json()['data']['key']}"}
    assert refused(await client.get("/coach/patterns", headers=headers), 403) == "PERMISSION_DENIED"


async def test_agreeing_with_what_a_pattern_was_raised_as_teaches_its_lesson(desk: Desk) -> None:
    dataset_id = await desk.world.dataset()
    await campaign(desk, dataset_id, NAMED, 12, 1)
    await campaign(desk, dataset_id, UNNAMED, 12, 11)
    [pattern] = (await detect(desk.owner, dataset_id))["patterns"]
    assert (pattern["recommended_action"], pattern["suggested_lesson"]) == ("avoid", "Do not call the lead by name.")
    learned = await desk.owner.post(f"/coach/insights/{pattern['insight_id']}/agree", json=AGREE)
    assert learned.status_code == 200, learned.text
    lesson = (await desk.owner.get(f"/coach/lessons/{learned.json()['data']['lesson']['id']}")).json()["data"]
    assert (lesson["description"], lesson["status"]) == (pattern["suggested_lesson"], "active")
    assert lesson["title"] == pattern["title"]


async def test_a_cron_of_somebody_elses_can_ask_for_patterns(desk: Desk) -> None:
    await desk.world.fetch(
        "INSERT INTO schedules (name, organization_id, next_due_at)"
        " VALUES ('coaching.patterns', $1, business_now() + interval '10 h') RETURNING name"
    )
    secret = {"Authorization": "Bearer cron-secret-of-the-tests"}
    answer = await desk.owner.get("/cron/pattern-detection", headers=secret)
    assert answer.status_code == 202, answer.text
    [row] = await desk.world.fetch(
        "SELECT next_due_at <= business_now() AS is_due FROM schedules"
        " WHERE organization_id = $1 AND name = 'coaching.patterns'"
    )
    assert row["is_due"]
