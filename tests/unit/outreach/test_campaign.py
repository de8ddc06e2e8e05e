"""The plan of a campaign: its states, pace, variants and texts."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from domain.kernel import Conflict, Invalid, Phone, new_id
from domain.messaging.template import render
from domain.outreach.campaign import (
    DEFAULT_TOUCHES,
    TEMPLATE_VARIABLES,
    Campaign,
    CampaignSettings,
    CampaignStatus,
    Touch,
    TouchPlan,
    Variant,
    choose_variant,
    estimated_completion,
    slots,
)

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def draft() -> Campaign:
    return Campaign(organization_id=new_id(), dataset_id=new_id(), seed=7)


def test_a_campaign_starts_pauses_resumes_and_completes() -> None:
    campaign = draft()
    events = [campaign.start(NOON), campaign.pause(NOON), campaign.resume(NOON), campaign.complete(NOON + MINUTE)]
    assert [event.type for event in events] == [
        "campaign.started", "campaign.paused", "campaign.resumed", "campaign.completed",
    ]  # fmt: skip
    assert {event.subject for event in events} == {campaign.id}
    assert (campaign.started_at, campaign.completed_at) == (NOON, NOON + MINUTE)
    assert campaign.status is CampaignStatus.COMPLETED


ALLOWED = {
    ("draft", "start"), ("active", "pause"), ("paused", "resume"), ("active", "complete"), ("paused", "complete"),
}  # fmt: skip


@pytest.mark.parametrize("status", CampaignStatus)
@pytest.mark.parametrize("verb", ["start", "pause", "resume", "complete"])
def test_any_other_move_is_refused_and_changes_nothing(status: CampaignStatus, verb: str) -> None:
    campaign = draft()
    campaign.status = status
    if (status.value, verb) in ALLOWED:
        getattr(campaign, verb)(NOON)
        assert campaign.status is not status
        return
    with pytest.raises(Conflict, match=f"This campaign is {status.value}"):
        getattr(campaign, verb)(NOON)
    assert campaign.status is status


def test_slots_are_spaced_by_the_rate_and_continue() -> None:
    first, free = slots(None, NOON, 3, 60)
    assert first == [NOON, NOON + timedelta(seconds=1), NOON + timedelta(seconds=2)]
    second, _ = slots(free, NOON, 1, 60)
    assert second == [NOON + timedelta(seconds=3)]
    late, _ = slots(free, NOON + MINUTE, 1, 60)
    assert late == [NOON + MINUTE]
    assert slots(None, NOON, 0, 60) == ([], NOON)


@pytest.mark.parametrize("rate", [1, 7, 60, 6000])
def test_no_minute_holds_more_than_the_rate(rate: int) -> None:
    times, _ = slots(None, NOON, rate * 3, rate)
    assert max(Counter((moment - NOON) // MINUTE for moment in times).values()) == rate


def test_resuming_paces_from_now() -> None:
    campaign = draft()
    campaign.start(NOON)
    assert len(campaign.take_slots(NOON, 5)) == 5
    campaign.pause(NOON)
    campaign.resume(NOON + MINUTE)
    assert campaign.take_slots(NOON + MINUTE, 1) == [NOON + MINUTE]


def test_estimate_is_when_the_last_leaves() -> None:
    assert estimated_completion(601, 60, NOON) == NOON + 10 * MINUTE
    assert estimated_completion(0, 60, NOON) == NOON


VARIANTS = (Variant("A", 70, "a"), Variant("B", 30, "b"), Variant("off", 0, "c"))


def phone(number: int) -> Phone:
    return Phone(f"+4477009{number:05d}")


def test_variants_are_fixed_by_seed_touch_and_number() -> None:
    chosen = [choose_variant(1, Touch.M1, phone(n), VARIANTS).name for n in range(40)]
    assert chosen == [choose_variant(1, Touch.M1, phone(n), VARIANTS).name for n in range(40)]
    assert chosen != [choose_variant(2, Touch.M1, phone(n), VARIANTS).name for n in range(40)]
    assert chosen != [choose_variant(1, Touch.M2, phone(n), VARIANTS).name for n in range(40)]


def test_variants_follow_their_weights() -> None:
    share = Counter(choose_variant(1, Touch.M1, phone(n), VARIANTS).name for n in range(5_000))
    assert share["off"] == 0
    assert 3_350 < share["A"] < 3_650


def test_touches_follow_each_other_by_their_delays() -> None:
    settings = CampaignSettings()
    assert [plan.delay_hours for plan in settings.touches] == [0, 48, 96]
    assert settings.follow_up(Touch.M1, NOON) == (Touch.M2, NOON + timedelta(hours=48))
    assert settings.follow_up(Touch.M2, NOON) == (Touch.M3, NOON + timedelta(hours=96))
    assert settings.follow_up(Touch.M3, NOON) is None
    assert CampaignSettings(touches=DEFAULT_TOUCHES[:1]).follow_up(Touch.M1, NOON) is None


@pytest.mark.parametrize("plan", DEFAULT_TOUCHES)
def test_default_texts_read_well_with_and_without_facts(plan: TouchPlan) -> None:
    known = {**dict.fromkeys(TEMPLATE_VARIABLES), "first_name": "ROSALIA", "organization": "Acme", "product": "windows"}
    full = render(plan.variants[0].template, known)
    bare = render(plan.variants[0].template, dict.fromkeys(TEMPLATE_VARIABLES))
    assert full.startswith("Hi Rosalia, ")
    assert "Acme" in full
    assert bare.startswith("Hi there, ")
    assert all(text.endswith("Reply STOP to opt out.") and "  " not in text for text in (full, bare))


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: CampaignSettings(touches=()), "touches"),
        (lambda: CampaignSettings(touches=DEFAULT_TOUCHES[1:]), "touches"),
        (lambda: CampaignSettings(rate_per_minute=0), "rate_per_minute"),
        (lambda: CampaignSettings(ai_response_delay_seconds=-1), "ai_response_delay_seconds"),
        (lambda: TouchPlan(Touch.M1, -1, VARIANTS), "delay_hours"),
        (lambda: TouchPlan(Touch.M1, 0, ()), "variants"),
        (lambda: TouchPlan(Touch.M1, 0, (Variant("A", 1, "a"), Variant("A", 1, "b"))), "variants"),
        (lambda: Variant("A", -1, "a"), "weight"),
        (lambda: Variant(" ", 1, "a"), "name"),
        (lambda: Variant("A", 1, " "), "template"),
        (lambda: Variant("A", 1, "Hi {{ nickname }}"), "template"),
        (lambda: slots(None, NOON, 1, 0), "rate_per_minute"),
        (lambda: choose_variant(1, Touch.M1, phone(1), ()), "variants"),
    ],
)
def test_impossible_settings_are_refused_by_field(make: object, field: str) -> None:
    assert callable(make)
    with pytest.raises(Invalid) as refusal:
        make()
    assert refusal.value.details[0][0] == field
