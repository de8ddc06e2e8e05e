"""The send gate's one decision: who may be texted now, later, after a person lets it, or never."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.messaging.policy import (
    WORKED_STATUSES,
    Allow,
    Channel,
    Consent,
    Delay,
    Facts,
    Hold,
    Outcome,
    Purpose,
    Refuse,
    SendRequest,
    Suppression,
    Verdict,
    decide,
)
from domain.messaging.turn import Holder, Turn
from domain.outreach.campaign import CampaignStatus
from domain.outreach.contact_status import ContactStatus

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
NIGHT = datetime(2026, 6, 10, 22, tzinfo=UTC)
MORNING = datetime(2026, 6, 11, 8, tzinfo=UTC)
STOPPED = Suppression(NOON - timedelta(days=1), "STOP by text", confirmed=False)
FACTS = Facts(
    suppression=None,
    consent=Consent.IMPLIED,
    sms_eligible=True,
    zones=("Europe/London",),
    contact_status="READY",
    campaign_state="active",
)


def ask(purpose: Purpose, channel: Channel = Channel.SMS) -> SendRequest:
    return SendRequest(purpose=purpose, channel=channel, to="+447700900123", touch="M1", turn_number=0)


def outcome(verdict: Verdict, rule: str) -> Outcome:
    return next(reason.outcome for reason in verdict.reasons if reason.rule == rule)


@pytest.mark.parametrize(
    ("at", "useful_until", "kind"),
    [
        (NOON, NOON + timedelta(minutes=1), Allow),
        (NOON, NOON, Refuse),
        (NIGHT, MORNING + timedelta(minutes=1), Delay),
        (NIGHT, MORNING, Refuse),
    ],
)
def test_what_would_come_too_late_is_refused(at: datetime, useful_until: datetime, kind: type[Verdict]) -> None:
    verdict = decide(replace(ask(Purpose.SYSTEM), useful_until=useful_until), FACTS, at)
    assert isinstance(verdict, kind)
    assert outcome(verdict, "use") is (Outcome.REFUSED if kind is Refuse else Outcome.PASSED)


def test_a_campaign_text_at_noon_goes_and_every_rule_is_listed() -> None:
    verdict = decide(ask(Purpose.CAMPAIGN), FACTS, NOON)
    assert isinstance(verdict, Allow)
    assert verdict.decisive is None
    assert [reason.rule for reason in verdict.reasons] == [
        "opt_out", "consent", "line_type", "archived", "campaign_state", "contact_status", "reply", "booking",
        "manual_mode", "turn", "cap_24h", "cap_30d", "quiet_hours",
    ]  # fmt: skip
    assert all(reason.outcome is Outcome.PASSED and reason.sentence.endswith(".") for reason in verdict.reasons)


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("confirmed", [False, True])
def test_stop_refuses_everything_but_one_confirmation(purpose: Purpose, channel: Channel, confirmed: bool) -> None:
    facts = replace(FACTS, suppression=replace(STOPPED, confirmed=confirmed), contact_status="OPTED_OUT")
    verdict = decide(ask(purpose, channel), facts, NOON)
    allowed = purpose is Purpose.OPT_OUT_CONFIRMATION and not confirmed
    assert isinstance(verdict, Allow if allowed else Refuse)
    if not allowed:
        assert verdict.decisive is not None
        assert verdict.decisive.rule == "opt_out"


def test_the_confirmation_goes_at_night_and_needs_an_opt_out() -> None:
    assert isinstance(decide(ask(Purpose.OPT_OUT_CONFIRMATION), replace(FACTS, suppression=STOPPED), NIGHT), Allow)
    assert isinstance(decide(ask(Purpose.OPT_OUT_CONFIRMATION), FACTS, NOON), Refuse)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"consent": Consent.WITHDRAWN}, "consent"),
        ({"consent": Consent.UNKNOWN}, "consent"),
        ({"sms_eligible": False, "line_type": "fixed_line"}, "line_type"),
        ({"contact_archived": True}, "archived"),
        ({"lead_archived": True}, "archived"),
        ({"campaign_state": "draft"}, "campaign_state"),
        ({"campaign_state": "completed"}, "campaign_state"),
        ({"campaign_state": None}, "campaign_state"),
        ({"replied_since_last_touch": True}, "reply"),
        ({"booked": True}, "booking"),
        ({"contact_status": None}, "contact_status"),
        *(({"contact_status": status.value}, "contact_status") for status in set(ContactStatus) - WORKED_STATUSES
          if status is not ContactStatus.OPTED_OUT),
    ],
)  # fmt: skip
def test_what_cancels_a_campaign_text(change: dict[str, object], rule: str) -> None:
    verdict = decide(ask(Purpose.CAMPAIGN), replace(FACTS, **change), NIGHT)  # type: ignore[arg-type]
    assert isinstance(verdict, Refuse)
    assert verdict.decisive is not None
    assert verdict.decisive.rule == rule


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"campaign_state": "paused"}, "campaign_state"),
        ({"manual_mode": True}, "manual_mode"),
        ({"turn": Turn(Holder.PERSON, 3)}, "turn"),
    ],
)
def test_what_holds_a_campaign_text_outweighs_a_delay_and_yields_to_a_refusal(
    change: dict[str, object], rule: str
) -> None:
    held = replace(FACTS, **change)  # type: ignore[arg-type]
    verdict = decide(ask(Purpose.CAMPAIGN), held, NIGHT)
    assert isinstance(verdict, Hold)
    assert verdict.decisive is not None
    assert verdict.decisive.rule == rule
    assert isinstance(decide(ask(Purpose.CAMPAIGN), replace(held, booked=True), NIGHT), Refuse)


def test_the_words_of_outreach_are_the_ones_the_rules_know() -> None:
    assert set(ContactStatus) >= WORKED_STATUSES
    verdicts = {state.value: decide(ask(Purpose.CAMPAIGN), replace(FACTS, campaign_state=state), NOON).kind
                for state in CampaignStatus}  # fmt: skip
    assert verdicts == {"draft": "refuse", "active": "allow", "paused": "hold", "completed": "refuse"}


def test_quiet_hours_by_purpose() -> None:
    suppressed = replace(FACTS, suppression=STOPPED)
    verdicts = {purpose: decide(ask(purpose), suppressed if "opt" in purpose else FACTS, NIGHT) for purpose in Purpose}
    assert {purpose.value: verdict.kind for purpose, verdict in verdicts.items()} == {
        "campaign": "delay", "reply": "delay", "manual": "allow", "opt_out_confirmation": "allow", "help": "allow",
        "system": "delay",
    }  # fmt: skip
    delayed = verdicts[Purpose.CAMPAIGN]
    assert isinstance(delayed, Delay)
    assert delayed.until == MORNING
    assert outcome(verdicts[Purpose.MANUAL], "quiet_hours") is Outcome.WARNED
    assert decide(ask(Purpose.SYSTEM, Channel.EMAIL), FACTS, NIGHT).kind == "allow"
    assert decide(ask(Purpose.CAMPAIGN, Channel.EMAIL), FACTS, NIGHT).kind == "delay"


def test_no_zone_or_no_common_hour_refuses() -> None:
    assert isinstance(decide(ask(Purpose.CAMPAIGN), replace(FACTS, zones=()), NOON), Refuse)
    apart = replace(FACTS, zones=("Europe/London", "Pacific/Auckland"))
    verdict = decide(ask(Purpose.CAMPAIGN), apart, datetime(2026, 6, 10, 12, tzinfo=UTC))
    assert isinstance(verdict, Refuse)
    assert verdict.decisive is not None
    assert "together" in verdict.decisive.sentence


def test_one_campaign_text_in_24_hours_to_the_second() -> None:
    texted = NOON - timedelta(hours=24)
    at_once = decide(ask(Purpose.CAMPAIGN), replace(FACTS, campaign_texts=(texted,)), NOON)
    assert isinstance(at_once, Allow)
    early = decide(ask(Purpose.CAMPAIGN), replace(FACTS, campaign_texts=(texted,)), NOON - timedelta(seconds=1))
    assert isinstance(early, Delay)
    assert early.until == NOON


def test_six_campaign_texts_in_30_days_and_the_latest_delay_wins() -> None:
    texts = tuple(NOON - timedelta(days=day) for day in (0, 5, 10, 15, 20, 25, 29))
    verdict = decide(ask(Purpose.CAMPAIGN), replace(FACTS, campaign_texts=texts), NOON)
    assert isinstance(verdict, Delay)
    assert verdict.until == NOON + timedelta(days=5)
    assert outcome(verdict, "cap_24h") is outcome(verdict, "cap_30d") is Outcome.DELAYED


def test_hours_are_read_at_the_time_the_caps_allow() -> None:
    texted = NOON.replace(hour=18, minute=59) - timedelta(days=1) + timedelta(hours=2)  # 21:59 in London
    verdict = decide(ask(Purpose.CAMPAIGN), replace(FACTS, campaign_texts=(texted,)), NOON)
    assert isinstance(verdict, Delay)
    assert verdict.until == MORNING


def test_caps_bind_campaigns_only() -> None:
    facts = replace(FACTS, campaign_texts=(NOON,))
    assert isinstance(decide(ask(Purpose.REPLY), facts, NOON), Allow)


@pytest.mark.parametrize(
    ("turn", "number", "kind"),
    [
        (Turn(Holder.AI, 4), 4, "allow"),
        (Turn(Holder.AI, 5), 4, "refuse"),
        (Turn(Holder.PERSON, 4), 4, "refuse"),
        (Turn(Holder.AI, 4), None, "refuse"),
    ],
)
def test_a_reply_under_an_old_number_is_dropped(turn: Turn, number: int | None, kind: str) -> None:
    request = replace(ask(Purpose.REPLY), turn_number=number)
    assert decide(request, replace(FACTS, turn=turn), NOON).kind == kind


def test_manual_mode_silences_the_ai_and_not_the_person() -> None:
    facts = replace(FACTS, manual_mode=True, turn=Turn(Holder.PERSON, 1))
    assert isinstance(decide(ask(Purpose.REPLY), facts, NOON), Refuse)
    assert isinstance(decide(ask(Purpose.MANUAL), facts, NOON), Allow)


def test_a_person_is_warned_of_an_archived_contact() -> None:
    verdict = decide(ask(Purpose.MANUAL), replace(FACTS, contact_archived=True), NOON)
    assert isinstance(verdict, Allow)
    assert verdict.decisive is not None
    assert (verdict.decisive.rule, verdict.decisive.outcome) == ("archived", Outcome.WARNED)


def test_fast_enough_for_ten_thousand_a_second() -> None:
    request = ask(Purpose.CAMPAIGN)
    decide(request, FACTS, NOON)
    began = time.perf_counter()
    for minute in range(2_000):
        decide(request, FACTS, NOON + timedelta(seconds=minute))
    assert 2_000 / (time.perf_counter() - began) > 10_000


@pytest.mark.parametrize("purpose", Purpose)
def test_a_notification_goes_to_no_number_that_is_another_persons_by_now(purpose: Purpose) -> None:
    facts = replace(FACTS, addressee_left=True, turn=Turn(Holder.NOBODY, 0))
    refused = [reason.rule for reason in decide(ask(purpose), facts, NOON).reasons if reason.rule == "addressee"]
    assert refused == (["addressee"] if purpose is Purpose.SYSTEM else [])
    assert isinstance(decide(ask(Purpose.SYSTEM), facts, NOON), Refuse)
