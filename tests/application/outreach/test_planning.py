"""Planning on the real database: pace, hours over a clock change, caps, variants, ends."""

import itertools
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from application.messaging.sending import Sending
from application.outreach.campaign_forms import OfDataset, ScheduleIn, SettingsIn, StartCampaign, TouchIn, VariantIn
from application.outreach.campaigns import Campaigns
from application.outreach.planning import Planning
from domain.kernel import Phone, new_id
from domain.messaging.message import MessagesSettled, Settled
from domain.outreach.campaign import Touch, Variant, choose_variant
from tests.application.conftest import Tenant

pytestmark = pytest.mark.anyio
ALWAYS = ScheduleIn(start="00:00", end="24:00")
FAST = SettingsIn(schedule=ALWAYS, rate_limit_messages_per_minute=6000)


def phones(count: int) -> list[str]:
    return [f"+4477009003{n:02d}" for n in range(count)]


async def rows(tenant: Tenant, statement: str, *parameters: Any) -> Sequence[Any]:
    async with tenant.sql() as connection:
        found: Sequence[Any] = await connection.fetch(statement, tenant.organization_id, *parameters)
        return found


async def started(tenant: Tenant, count: int, settings: SettingsIn = FAST) -> tuple[UUID, list[UUID]]:
    dataset = await tenant.dataset()
    leads = [await tenant.lead(phone, dataset) for phone in phones(count)]
    async with tenant.use(Campaigns) as campaigns:
        await campaigns.start(StartCampaign(dataset_id=dataset, settings=settings))
    return dataset, leads


async def plan(tenant: Tenant) -> None:
    async with tenant.use(Planning, tenant.system()) as planning:
        await planning.plan()


async def send(tenant: Tenant) -> None:
    await tenant.execute("UPDATE sends SET due_at = business_now() WHERE organization_id = $1 AND state = 'planned'")
    async with tenant.use(Sending, tenant.system()) as sending:
        await sending.send_due()


async def settle(tenant: Tenant, outcome: str = "accepted", at: datetime | None = None) -> None:
    """Tell planning what became of every text that is in flight, as the event does."""
    found = await rows(
        tenant,
        "SELECT DISTINCT ON (s.lead_id) s.id, s.lead_id, s.campaign_id, s.touch, coalesce(s.handed_at, s.due_at) AS at"
        " FROM sends s JOIN enrolments e ON e.organization_id = $1 AND e.lead_id = s.lead_id AND e.due_at IS NULL"
        " WHERE s.organization_id = $1 ORDER BY s.lead_id, s.created_at DESC",
    )
    settled = tuple(
        Settled(
            send_id=row["id"],
            outcome=outcome,
            at=at or row["at"],
            lead_id=row["lead_id"],
            campaign_id=row["campaign_id"],
            touch=row["touch"],
        )
        for row in found
    )
    async with tenant.use(Planning, tenant.system()) as planning:
        await planning.advance(MessagesSettled(subject=new_id(), settled=settled))


async def due_now(tenant: Tenant) -> None:
    await tenant.execute(
        "UPDATE enrolments SET due_at = business_now() - interval '1 second'"
        " WHERE organization_id = $1 AND due_at IS NOT NULL",
    )


async def grow_old(tenant: Tenant, hours: int) -> None:
    """Let what was sent lie so many hours back."""
    await tenant.execute(
        "UPDATE sends SET handed_at = handed_at - make_interval(hours => $2), due_at = due_at -"
        " make_interval(hours => $2) WHERE organization_id = $1",
        hours,
    )


async def campaign(tenant: Tenant) -> Any:
    [row] = await rows(tenant, "SELECT * FROM campaigns WHERE organization_id = $1")
    return row


async def agenda(tenant: Tenant, name: str = "outreach.plan") -> datetime | None:
    at: datetime | None = await tenant.value(
        "SELECT next_due_at FROM schedules WHERE organization_id = $1 AND name = $2", name
    )
    return at


async def called(tenant: Tenant) -> None:
    """Do as the scheduler does when it calls."""
    await tenant.execute("UPDATE schedules SET next_due_at = NULL WHERE organization_id = $1")
    await plan(tenant)


async def test_two_a_minute_are_due_thirty_seconds_apart(tenant: Tenant) -> None:
    await started(tenant, 6, SettingsIn(schedule=ALWAYS, rate_limit_messages_per_minute=2))
    await plan(tenant)
    due = [r["due_at"] for r in await rows(tenant, "SELECT due_at FROM sends WHERE organization_id = $1 ORDER BY 1")]
    assert {b - a for a, b in itertools.pairwise(due)} == {timedelta(seconds=30)}
    assert (await campaign(tenant))["next_slot"] == due[-1] + timedelta(seconds=30)


async def test_what_is_planned_later_queues_up_behind(tenant: Tenant) -> None:
    dataset, _ = await started(tenant, 2, SettingsIn(schedule=ALWAYS, rate_limit_messages_per_minute=2))
    await plan(tenant)
    late = await tenant.lead("+447700900399", dataset)
    await tenant.execute(
        "INSERT INTO enrolments (organization_id, campaign_id, lead_id, touch, due_at)"
        " SELECT $1, id, $2, 'M1', business_now() FROM campaigns WHERE organization_id = $1",
        late,
    )
    await plan(tenant)
    due = [r["due_at"] for r in await rows(tenant, "SELECT due_at FROM sends WHERE organization_id = $1 ORDER BY 1")]
    assert [b - a for a, b in itertools.pairwise(due)] == [timedelta(seconds=30)] * 2


async def test_an_accepted_touch_brings_the_next_until_the_lead_is_exhausted(tenant: Tenant) -> None:
    await started(tenant, 1)
    for touch, following, hours in (("M1", "M2", 48), ("M2", "M3", 96), ("M3", "EXHAUST", 96)):
        await plan(tenant)
        await send(tenant)
        at = await tenant.value(
            "SELECT handed_at FROM sends WHERE organization_id = $1 AND touch = $2 AND state = 'accepted'", touch
        )
        assert at is not None, touch
        await settle(tenant)
        [enrolment] = await rows(tenant, "SELECT touch, due_at FROM enrolments WHERE organization_id = $1")
        assert (enrolment["touch"], enrolment["due_at"] - at) == (following, timedelta(hours=hours))
        await grow_old(tenant, hours)
        await due_now(tenant)
    assert (await campaign(tenant))["status"] == "active"
    await called(tenant)
    assert await tenant.value("SELECT contact_status FROM leads WHERE organization_id = $1") == "EXHAUSTED"
    ended = await campaign(tenant)
    assert (ended["status"], ended["completed_at"] is not None) == ("completed", True)
    assert await tenant.value("SELECT campaign_status FROM datasets WHERE organization_id = $1") == "completed"
    assert await agenda(tenant) is None
    bodies = [t.body for t in tenant.texting.taken if t.organization_id == tenant.organization_id]
    assert len(set(bodies)) == 3


async def test_a_campaign_whose_last_lead_said_stop_completes_later(tenant: Tenant) -> None:
    await started(tenant, 1)
    await called(tenant)
    watched = await agenda(tenant)
    assert watched is not None  # though nobody is due: somebody may be taken out meanwhile
    await tenant.execute("UPDATE sends SET state = 'cancelled' WHERE organization_id = $1")
    await tenant.execute("DELETE FROM enrolments WHERE organization_id = $1")
    await called(tenant)
    assert (await campaign(tenant))["status"] == "completed"


async def test_a_text_refused_at_hand_over_ends_the_touches(tenant: Tenant) -> None:
    _, [lead, _] = await started(tenant, 2)
    await plan(tenant)
    await tenant.execute("UPDATE leads SET contact_status = 'HOT' WHERE organization_id = $1 AND id = $2", lead)
    await send(tenant)
    assert [t.to for t in tenant.texting.taken if t.organization_id == tenant.organization_id] == phones(2)[1:]
    refused = await tenant.value("SELECT state FROM sends WHERE organization_id = $1 AND lead_id = $2", lead)
    assert refused == "refused"
    [event, *_] = await rows(
        tenant, "SELECT data FROM events WHERE organization_id = $1 AND type = 'messages.settled' ORDER BY id"
    )
    assert '"refused"' in event["data"]
    await settle_as(tenant, lead, "refused")
    left = await rows(tenant, "SELECT lead_id FROM enrolments WHERE organization_id = $1")
    assert lead not in [row["lead_id"] for row in left]
    assert await tenant.value("SELECT contact_status FROM leads WHERE organization_id = $1 AND id = $2", lead) == "HOT"


async def settle_as(tenant: Tenant, lead: UUID, outcome: str) -> None:
    [row] = await rows(
        tenant, "SELECT id, campaign_id, touch, due_at FROM sends WHERE organization_id = $1 AND lead_id = $2", lead
    )
    settled = Settled(
        send_id=row["id"],
        outcome=outcome,
        at=row["due_at"],
        lead_id=lead,
        campaign_id=row["campaign_id"],
        touch=row["touch"],
    )
    async with tenant.use(Planning, tenant.system()) as planning:
        await planning.advance(MessagesSettled(subject=new_id(), settled=(settled,)))


async def test_nothing_reaches_an_unreachable_lead_any_more(tenant: Tenant) -> None:
    _, [lead] = await started(tenant, 1)
    await plan(tenant)
    await settle_as(tenant, lead, "unreachable")
    assert await tenant.value("SELECT contact_status FROM leads WHERE organization_id = $1") == "UNREACHABLE"
    assert await rows(tenant, "SELECT 1 FROM enrolments WHERE organization_id = $1") == []


async def test_a_rejected_touch_brings_the_next_one(tenant: Tenant) -> None:
    _, [lead] = await started(tenant, 1)
    await plan(tenant)
    await settle_as(tenant, lead, "rejected")
    assert await tenant.value("SELECT touch FROM enrolments WHERE organization_id = $1") == "M2"
    assert await tenant.value("SELECT contact_status FROM leads WHERE organization_id = $1") == "READY"


@pytest.mark.parametrize("status", ["REPLIED", "HOT", "WARM", "COLD", "CALL_BOOKED", "CONVERTED", "OPTED_OUT"])
async def test_a_lead_that_campaigns_do_not_work_is_taken_out_at_planning(tenant: Tenant, status: str) -> None:
    await started(tenant, 1)
    await tenant.execute("UPDATE leads SET contact_status = $2 WHERE organization_id = $1", status)
    await plan(tenant)
    assert await rows(tenant, "SELECT 1 FROM enrolments WHERE organization_id = $1") == []
    assert await rows(tenant, "SELECT 1 FROM sends WHERE organization_id = $1 AND state <> 'refused'") == []


async def test_variants_follow_weights_and_are_fixed_once_planned(tenant: Tenant) -> None:
    def weighing(a: int, b: int) -> SettingsIn:
        variants = [
            VariantIn(name="A", weight=a, template="A for {{ first_name }}"),
            VariantIn(name="B", weight=b, template="B for {{ first_name }}"),
        ]
        return SettingsIn(
            schedule=ALWAYS,
            rate_limit_messages_per_minute=6000,
            touches=[TouchIn(touch="M1", variants=variants), TouchIn(touch="M2", variants=variants)],
        )

    dataset, _ = await started(tenant, 60, weighing(25, 75))
    await plan(tenant)
    seed = (await campaign(tenant))["seed"]
    wanted = (Variant("A", 25, "A"), Variant("B", 75, "B"))
    planned = {
        r["recipient"]: r["variant"]
        for r in await rows(tenant, "SELECT recipient, variant FROM sends WHERE organization_id = $1")
    }
    assert planned == {p: choose_variant(seed, Touch.M1, Phone(p), wanted).name for p in phones(60)}
    assert min(Counter(planned.values()).values()) > 3
    async with tenant.use(Campaigns) as campaigns:
        await campaigns.change(dataset, weighing(0, 1), None)
    await plan(tenant)
    await send(tenant)
    after = await rows(
        tenant,
        "SELECT s.recipient, s.variant, m.body FROM sends s JOIN messages m ON m.organization_id = $1 AND m.id = s.id"
        " WHERE s.organization_id = $1",
    )
    assert {r["recipient"]: r["variant"] for r in after} == planned
    assert {r["body"] for r in after} == {"A for Ada", "B for Ada"}
    await settle(tenant)
    await grow_old(tenant, 48)
    await due_now(tenant)
    await plan(tenant)
    second = await rows(tenant, "SELECT DISTINCT variant FROM sends WHERE organization_id = $1 AND touch = 'M2'")
    assert [r["variant"] for r in second] == ["B"]


async def test_manual_mode_holds_and_giving_back_lets_go(tenant: Tenant) -> None:
    dataset, [lead] = await started(tenant, 1)
    await tenant.execute("UPDATE leads SET manual_mode = true WHERE organization_id = $1")
    await plan(tenant)
    row = "SELECT state || ' ' || held FROM sends WHERE organization_id = $1"
    assert await tenant.value(row) == "planned true"
    async with tenant.use(Campaigns) as campaigns:
        await campaigns.pause(OfDataset(dataset_id=dataset))
        await campaigns.resume(OfDataset(dataset_id=dataset))
    assert await tenant.value(row) == "planned true"  # the person still has it
    await tenant.execute("UPDATE leads SET manual_mode = false WHERE organization_id = $1")
    await tenant.execute("UPDATE sends SET held = false WHERE organization_id = $1 AND lead_id = $2", lead)
    await send(tenant)
    assert await tenant.value("SELECT state FROM sends WHERE organization_id = $1") == "accepted"


async def test_six_texts_in_thirty_days_and_the_seventh_waits(tenant: Tenant) -> None:
    _, [lead] = await started(tenant, 1)
    [now] = await rows(tenant, "SELECT business_now() AS now WHERE $1::uuid IS NOT NULL")
    await plan(tenant)
    [row] = await rows(tenant, "SELECT id FROM sends WHERE organization_id = $1")
    oldest = now["now"] - timedelta(days=29)
    for n in range(6):
        identifier = new_id()
        await tenant.execute(
            "WITH m AS (INSERT INTO messages SELECT (jsonb_populate_record(m, jsonb_build_object('id', $3::uuid))).*"
            "           FROM messages m WHERE organization_id = $1 AND id = $2)"
            " INSERT INTO sends SELECT (jsonb_populate_record(s, jsonb_build_object('id', $3::uuid, 'natural_key',"
            " $3::text, 'state', 'accepted', 'touch', 'M1', 'handed_at', $4::timestamptz))).*"
            " FROM sends s WHERE organization_id = $1 AND id = $2",
            row["id"],
            identifier,
            oldest + timedelta(days=2 * n),
        )
    await send(tenant)
    [row] = await rows(tenant, "SELECT state, delayed_by, due_at FROM sends WHERE organization_id = $1 AND id = $2",
                       row["id"])  # fmt: skip
    assert (row["state"], row["delayed_by"]) == ("planned", "cap_30d")
    assert row["due_at"] >= oldest + timedelta(days=30)
    assert lead is not None


async def test_the_hours_follow_the_clocks_in_spring(tenant: Tenant) -> None:
    """On 28 March 2027 London's clocks go forward: nine o'clock is at 09:00 UTC the day before, 08:00 UTC after."""
    opened = SettingsIn(schedule=ScheduleIn(start="09:00", end="20:00"), rate_limit_messages_per_minute=6000)
    await started(tenant, 1, opened)
    for evening, opening in (
        (datetime(2027, 3, 26, 20, 30, tzinfo=UTC), datetime(2027, 3, 27, 9, tzinfo=UTC)),
        (datetime(2027, 3, 27, 20, 30, tzinfo=UTC), datetime(2027, 3, 28, 8, tzinfo=UTC)),
        (datetime(2027, 3, 28, 19, 0, tzinfo=UTC), datetime(2027, 3, 29, 8, tzinfo=UTC)),
    ):
        # The pace is what a touch is decided at: the next free slot stands for the time of day.
        await tenant.execute("UPDATE campaigns SET next_slot = $2 WHERE organization_id = $1", evening)
        await due_now(tenant)
        await plan(tenant)
        [row] = await rows(tenant, "SELECT due_at, delayed_by FROM enrolments WHERE organization_id = $1")
        assert (row["due_at"], row["delayed_by"]) == (opening, "quiet_hours")
    await tenant.execute(
        "UPDATE campaigns SET next_slot = $2 WHERE organization_id = $1", datetime(2027, 3, 28, 8, tzinfo=UTC)
    )
    await due_now(tenant)
    await plan(tenant)
    [row] = await rows(tenant, "SELECT due_at, delayed_by FROM sends WHERE organization_id = $1")
    assert (row["due_at"], row["delayed_by"]) == (datetime(2027, 3, 28, 8, tzinfo=UTC), "quiet_hours")


async def test_held_enrolments_are_not_due(tenant: Tenant) -> None:
    await started(tenant, 2)
    await tenant.execute("UPDATE enrolments SET held = true WHERE organization_id = $1")
    await called(tenant)
    assert await rows(tenant, "SELECT 1 FROM sends WHERE organization_id = $1") == []
    assert (await campaign(tenant))["status"] == "active"


async def test_what_others_have_locked_is_left_to_the_next_call(tenant: Tenant) -> None:
    _, [lead, _] = await started(tenant, 2)
    async with tenant.sql() as connection:
        await connection.execute(
            "SELECT 1 FROM leads WHERE organization_id = $1 AND id = $2 FOR UPDATE", tenant.organization_id, lead
        )
        await called(tenant)
    planned = await rows(tenant, "SELECT lead_id FROM sends WHERE organization_id = $1")
    assert lead not in [row["lead_id"] for row in planned]
    assert len(planned) == 1
    assert await agenda(tenant) is not None
    await called(tenant)
    assert len(await rows(tenant, "SELECT 1 FROM sends WHERE organization_id = $1")) == 2


async def test_a_campaign_whose_leads_are_locked_keeps_no_other_waiting(tenant: Tenant) -> None:
    _, [lead] = await started(tenant, 1)
    dataset = await tenant.dataset()
    other = await tenant.lead("+447700900399", dataset)
    async with tenant.use(Campaigns) as campaigns:
        await campaigns.start(StartCampaign(dataset_id=dataset, settings=FAST))
    async with tenant.sql() as connection:
        await connection.execute(
            "SELECT 1 FROM leads WHERE organization_id = $1 AND id = $2 FOR UPDATE", tenant.organization_id, lead
        )
        await called(tenant)
    planned = await rows(tenant, "SELECT lead_id FROM sends WHERE organization_id = $1")
    assert [row["lead_id"] for row in planned] == [other]
    due = await tenant.value("SELECT due_at FROM enrolments WHERE organization_id = $1 AND lead_id = $2", lead)
    again = await agenda(tenant)
    assert again is not None
    assert again >= due + timedelta(seconds=1), "not at once: who has them locked needs a moment"
