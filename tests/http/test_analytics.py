"""Figures over HTTP: what they say, in whose days, and that nobody is told of what they may not see."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from dishka import AsyncContainer

from domain.identity.role import Role
from domain.kernel import new_id
from tests.http.conftest import Client, Join
from tests.http.counted import Happen, answered, booked, happen, opted_out, settled, text, touch
from tests.http.sales_world import World, enter

__all__ = ["happen"]
pytestmark = pytest.mark.anyio


def person(number: int) -> dict[str, Any]:
    return {"first_name": "Ada", "last_name": f"N{number}", "phone_number": f"+4477009003{number:02d}"}


async def people(owner: Client, dataset_id: str | None, *numbers: int, **lead: Any) -> list[str]:
    """Enter leads; gives their ids."""
    place = {"dataset_id": dataset_id} if dataset_id else {}
    return [(await enter(owner, person(number), **place, **lead))["id"] for number in numbers]


async def campaign_of(world: World, dataset_id: UUID) -> UUID:
    identifier = new_id()
    await world.fetch(
        "INSERT INTO campaigns (organization_id, id, dataset_id, status, seed, settings, started_at)"
        " VALUES ($1, $2, $3, 'active', 1, '{}', now())",
        identifier,
        dataset_id,
    )
    return identifier


async def data(client: Client, path: str) -> dict[str, Any]:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


async def test_the_overview_tells_what_happened_and_how_leads_stand(
    owner: Client, house: AsyncContainer, happen: Happen
) -> None:
    world = World(house, owner.organization_id)
    dataset = await world.dataset()
    campaign = await campaign_of(world, dataset)
    one, two, three, four = await people(owner, str(dataset), 1, 2, 3, 4)
    now = datetime.now(UTC)
    await happen(owner, settled(*(touch(lead, now, campaign) for lead in (one, two, three, four))))
    await happen(owner, answered(one), answered(one), answered(two), booked(one), opted_out(three))
    await happen(owner, settled(text(one, now, purpose="reply"), text(two, now), text(three, now, purpose="help")))
    await world.fetch(
        "UPDATE leads SET contact_status = 'HOT', sentiment = 'HOT' WHERE organization_id = $1 AND id = $2", UUID(one)
    )

    told = await data(owner, "/analytics/overview?time_range=week")
    figures = told["metrics"]
    assert told["covers"] == "everything"
    assert figures["messages_sent"] == {
        "m1": 4, "m2": 0, "m3": 0, "ai_responses": 1, "manual": 1, "other": 1, "total": 7,
    }  # fmt: skip
    assert (figures["total_leads"], figures["active_leads"], figures["hot_leads"]) == (4, 4, 1)
    assert (figures["replies_received"], figures["leads_replied"], figures["calls_booked"]) == (3, 2, 1)
    assert (figures["reply_rate"], figures["booking_rate"], figures["opt_out_rate"]) == (50.0, 25.0, 25.0)
    assert figures["conversion_rate"] == 0.0
    assert told["sentiment_breakdown"] == {"POSITIVE": 0, "NEGATIVE": 0, "NEUTRAL": 0, "HOT": 1, "UNCLEAR": 0}
    assert told["status_breakdown"]["READY"] == 3
    days = [day["date"] for day in told["trends"]["daily_messages"]]
    assert len(days) == 7
    assert days == sorted(days), "a day on which nothing happened is there too"
    assert sum(day["count"] for day in told["trends"]["daily_replies"]) == 3
    assert told["messages"]["total"] == 7
    assert (await data(owner, f"/analytics/overview?dataset_id={dataset}"))["metrics"] == figures


async def test_days_are_the_organisations_own(owner: Client, happen: Happen) -> None:
    changed = await owner.patch(f"/organizations/{owner.organization_id}", json={"time_zone": "Asia/Kathmandu"})
    assert changed.status_code == 200, changed.text
    [lead] = await people(owner, None, 1)
    midnight = datetime(2026, 3, 1, 18, 15, tzinfo=UTC)  # in Kathmandu, at +05:45
    await happen(owner, settled(text(lead, midnight - timedelta(seconds=1)), text(lead, midnight)))
    told = await data(owner, "/analytics/overview?from=2026-03-01&to=2026-03-02")
    assert told["period"] == {"from": "2026-03-01", "to": "2026-03-02", "time_zone": "Asia/Kathmandu"}
    assert [day["count"] for day in told["trends"]["daily_messages"]] == [1, 1]
    later = await data(owner, "/analytics/overview?from=2026-03-02&to=2026-03-02")
    assert later["messages"] == {"total": 1, "change": 0.0, "trend": [{"date": "2026-03-02", "value": 1}]}


async def test_datasets_stand_side_by_side(owner: Client, house: AsyncContainer, happen: Happen) -> None:
    world = World(house, owner.organization_id)
    first, second = await world.dataset(), await world.dataset()
    campaigns = [await campaign_of(world, one) for one in (first, second)]
    [a, b], [c] = await people(owner, str(first), 1, 2), await people(owner, str(second), 3)
    now = datetime.now(UTC)
    await happen(owner, settled(touch(a, now, campaigns[0]), touch(b, now, campaigns[0]), touch(c, now, campaigns[1])))
    await happen(owner, answered(a), settled(text(a, now, purpose="reply")), booked(a))
    told = await data(owner, "/analytics/dataset-comparison?time_range=month")
    rows = {row["dataset_id"]: row for row in told["datasets"]}
    assert rows[str(first)] | {"name": ""} == {
        "dataset_id": str(first), "name": "", "total_leads": 2, "leads_contacted": 2, "reply_rate": 50.0,
        "booking_rate": 50.0, "conversion_rate": 0.0, "opt_out_rate": 0.0, "avg_messages_to_booking": 2.0,
        "top_performing_lessons": [],
    }  # fmt: skip
    assert rows[str(second)]["reply_rate"] == 0.0
    assert rows[str(second)]["avg_messages_to_booking"] is None


async def test_a_campaigns_funnel_and_wordings_come_with_intervals(
    owner: Client, house: AsyncContainer, happen: Happen
) -> None:
    world = World(house, owner.organization_id)
    dataset = await world.dataset()
    campaign = await campaign_of(world, dataset)
    leads = await people(owner, str(dataset), *range(4))
    now = datetime.now(UTC)
    texts = [touch(lead, now, campaign, variant="AB"[n % 2]) for n, lead in enumerate(leads)]
    await happen(owner, settled(*texts), answered(leads[0]), booked(leads[0]))
    told = await data(owner, f"/analytics/campaigns/{dataset}")
    assert told["status"] == "active"
    assert told["funnel"]["leads"] == told["funnel"]["contacted"] == 4
    assert told["funnel"]["replied"] == {"count": 1, "percent": 25.0, "interval": [4.56, 69.94]}
    [m1] = told["touches"]
    assert [(arm["variant"], arm["sent"], arm["replied"]["count"]) for arm in m1["variants"]] == [
        ("A", 2, 1),
        ("B", 2, 0),
    ]
    assert m1["leads_by_replies"] is None, "of two each nobody can tell"
    assert (await owner.get(f"/analytics/campaigns/{await world.dataset()}")).status_code == 404


async def test_whoever_is_limited_to_datasets_is_told_of_those(
    owner: Client, join: Join, house: AsyncContainer, happen: Happen
) -> None:
    world = World(house, owner.organization_id)
    theirs, others = await world.dataset(), await world.dataset()
    [mine], [hidden], [loose] = [
        await people(owner, one, number) for one, number in ((str(theirs), 1), (str(others), 2), (None, 3))
    ]
    now = datetime.now(UTC)
    await happen(owner, settled(text(mine, now), text(hidden, now), text(hidden, now), text(loose, now)))
    manager = await join(owner, Role.MANAGER, dataset_ids=[theirs])
    told = await data(manager, "/analytics/overview")
    assert told["covers"] == "datasets"
    assert (told["metrics"]["total_leads"], told["metrics"]["messages_sent"]["total"]) == (1, 1)
    [row] = (await data(manager, "/analytics/dataset-comparison"))["datasets"]
    assert row["dataset_id"] == str(theirs)
    for path in (f"/analytics/overview?dataset_id={others}", f"/analytics/campaigns/{others}"):
        assert (await manager.get(path)).status_code == 404


async def test_a_rep_is_told_of_the_leads_that_are_theirs(
    owner: Client, join: Join, house: AsyncContainer, happen: Happen
) -> None:
    world = World(house, owner.organization_id)
    dataset = await world.dataset()
    campaign = await campaign_of(world, dataset)
    rep = await join(owner, Role.REP)
    [mine] = await people(owner, str(dataset), 1)
    [other] = await people(owner, str(dataset), 2)
    given = await owner.patch(f"/leads/{mine}", json={"assigned_to": str(rep.user_id)})
    assert given.status_code == 200, given.text
    sends = [await world.plan_text({"id": lead, "contact": await contact(owner, lead)}, await world.dataset())
             for lead in (mine, other)]  # fmt: skip
    await world.fetch(
        "UPDATE sends SET state = 'accepted', handed_at = now(), campaign_id = $3, variant = 'A'"
        " WHERE organization_id = $1 AND id = ANY ($2)",
        sends,
        campaign,
    )
    await happen(owner, booked(mine), booked(other))
    told = await data(rep, "/analytics/overview?time_range=today")
    assert told["covers"] == "own_leads"
    assert told["metrics"]["total_leads"] == 1
    assert told["metrics"]["messages_sent"]["m1"] == 1
    assert told["metrics"]["calls_booked"] == 1
    assert told["metrics"]["booking_rate"] == 100.0
    assert (await data(rep, f"/analytics/campaigns/{dataset}"))["funnel"]["contacted"] == 1
    everything = await join(owner, Role.REP, can_view_all_leads=True)
    assert (await data(everything, "/analytics/overview?time_range=today"))["metrics"]["calls_booked"] == 2


async def contact(owner: Client, lead: str) -> dict[str, Any]:
    shown = await data(owner, f"/leads/{lead}")
    found: dict[str, Any] = shown["contact"]
    return found


async def test_another_organisation_is_told_nothing(owner: Client, stranger: Client, happen: Happen) -> None:
    dataset = (await owner.post("/datasets", json={"name": "Ours"})).json()["data"]["id"]
    [lead] = await people(owner, dataset, 1)
    await happen(owner, settled(text(lead, datetime.now(UTC))))
    assert (await data(stranger, "/analytics/overview"))["metrics"]["messages_sent"]["total"] == 0
    for path in (f"/analytics/overview?dataset_id={dataset}", f"/analytics/campaigns/{dataset}"):
        assert (await stranger.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("time_range=year", "time_range"),
        ("time_range=week&from=2026-03-01", "time_range"),
        ("to=2026-03-01", "from"),
        ("from=2026-03-02&to=2026-03-01", "to"),
        ("from=yesterday", "from"),
        ("dataset_id=1", "dataset_id"),
    ],
)
async def test_what_cannot_be_counted_is_refused_by_name(owner: Client, query: str, field: str) -> None:
    answer = await owner.get(f"/analytics/overview?{query}")
    assert answer.status_code == 400, answer.text
    assert [one["field"] for one in answer.json()["error"]["details"]] == [field]


async def test_nobody_signed_in_is_told_nothing(client: Client) -> None:
    for path in ("/analytics/overview", "/analytics/dataset-comparison", f"/analytics/campaigns/{new_id()}"):
        assert (await client.get(path)).status_code == 401


async def answered_by_ai(world: World, lead: str, *, taught: bool, days_ago: int, call: bool = False) -> None:
    """Let the AI have answered a lead some days ago, and maybe a call have been booked the day after."""
    thread, reply = new_id(), new_id()
    await world.fetch(
        "INSERT INTO conversations (organization_id, id, contact_id, lead_id, channel, address, started_at,"
        " last_message_at) SELECT $1, $2, contact_id, id, 'sms', phone, now(), now() FROM leads"
        " WHERE organization_id = $1 AND id = $3",
        thread,
        UUID(lead),
    )
    await world.fetch(
        "INSERT INTO replies (organization_id, id, conversation_id, lead_id, status, lessons, breaches, prompt_version,"
        " model, input_tokens, output_tokens, cached_tokens, cost_micros, latency_ms, created_at)"
        " VALUES ($1, $2, $3, $4, 'sent', $5, '{}', 'v', 'm', 0, 0, 0, 0, 0, now() - $6 * interval '1 day')",
        reply,
        thread,
        UUID(lead),
        [new_id()] if taught else [],
        days_ago,
    )
    if call:
        await world.fetch(
            "INSERT INTO bookings (organization_id, id, lead_id, contact_id, provider, natural_key, source, start_at,"
            " zone, status, uid, created_at, updated_at)"
            " SELECT $1, $2, id, contact_id, 'sandbox', ($2::uuid)::text, 'ai', now(), 'UTC', 'scheduled',"
            " ($2::uuid)::text, now() - $4 * interval '1 day', now() FROM leads WHERE organization_id = $1 AND id = $3",
            reply,
            UUID(lead),
            days_ago - 1,
        )


async def test_what_the_coach_changed_is_told_with_how_sure_that_is(owner: Client, house: AsyncContainer) -> None:
    world = World(house, owner.organization_id)
    nothing = (await data(owner, "/analytics/coach-impact"))["performance_improvement"]
    assert nothing["confidence_level"] is None
    assert nothing["reason"].startswith("Nobody")
    leads = await people(owner, None, *range(60))
    for number, lead in enumerate(leads):
        is_taught = number % 2 == 1
        is_booked = number < (50 if is_taught else 12)
        await answered_by_ai(world, lead, taught=is_taught, days_ago=10, call=is_booked)
    [late] = await people(owner, None, 70)
    await answered_by_ai(world, late, taught=True, days_ago=2, call=True)
    told = (await data(owner, "/analytics/coach-impact"))["performance_improvement"]
    assert (told["baseline"]["leads"], told["baseline"]["booked"]) == (30, 6)
    assert (told["current"]["leads"], told["current"]["booked"]) == (30, 25), "whom two days ago is not compared yet"
    assert told["improvement_percent"] == 316.67
    assert told["confidence_level"] == 100.0
    assert told["reason"] is None


async def test_lessons_are_counted_and_ranked_by_what_is_at_least_so(owner: Client, house: AsyncContainer) -> None:
    world = World(house, owner.organization_id)
    for title, applied, succeeded in (("Tried once", 1, 1), ("Tried often", 100, 60), ("Archived", 50, 50)):
        lesson = new_id()
        await world.fetch(
            "INSERT INTO lessons (organization_id, id, lesson_type, status, title, description, tags, created_at,"
            " updated_at) VALUES ($1, $2, 'objection_handling', $3, $4, 'D', '{}', now(), now())",
            lesson,
            "archived" if title == "Archived" else "active",
            title,
        )
        await world.fetch(
            "INSERT INTO lesson_figures (organization_id, lesson_id, applied, conversations, succeeded)"
            " VALUES ($1, $2, $3 * 2, $3, $4)",
            lesson,
            applied,
            succeeded,
        )
    told = await data(owner, "/analytics/coach-impact")
    assert told["coach_metrics"]["lessons_created"] == 3
    assert told["coach_metrics"]["lessons_active"] == 2
    assert [lesson["title"] for lesson in told["top_lessons"]] == ["Tried often", "Tried once"]
    assert (told["top_lessons"][0]["times_applied"], told["top_lessons"][0]["success_rate"]) == (200, 60.0)


async def test_the_coachs_figures_are_of_leads_that_one_may_see(
    owner: Client, join: Join, house: AsyncContainer
) -> None:
    world = World(house, owner.organization_id)
    theirs = await world.dataset()
    [seen], [hidden] = await people(owner, str(theirs), 1), await people(owner, None, 2)
    for lead in (seen, hidden):
        await answered_by_ai(world, lead, taught=False, days_ago=10)
    manager = await join(owner, Role.MANAGER, dataset_ids=[theirs])
    told = await data(manager, "/analytics/coach-impact")
    assert told["covers"] == "datasets"
    assert told["performance_improvement"]["baseline"]["leads"] == 1
    assert told["coach_metrics"]["insights_generated"] is None
    assert (await data(owner, "/analytics/coach-impact"))["performance_improvement"]["baseline"]["leads"] == 2
