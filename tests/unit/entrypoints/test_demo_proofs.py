"""The demo's proofs fail when a promise is broken, and so do proofs about nothing."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from entrypoints.demo.books import Reply, Text
from entrypoints.demo.calendar import next_change, start_of_story, stop_at
from entrypoints.demo.proofs import (
    TakenOver,
    accepted_exactly_once,
    nothing_after_stop,
    nothing_outside_hours,
    nothing_while_held,
)

ANN, BOB = "+447700900001", "+447700900002"
NOON = datetime(2027, 3, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LONDON = "Europe/London"


def text(key: str, to: str = ANN, at: datetime = NOON) -> Text:
    return Text(key, to, "Hi", at)


def message(key: str, contact: str = "ann", category: str = "m1", status: str = "delivered") -> dict[str, str]:
    return {
        "id": key,
        "contact_id": contact,
        "message_category": category,
        "status": status,
        "provider_id": "p",
    }


def test_accepted_once_is_counted_key_by_key() -> None:
    messages = [message("1"), message("2", "bob")]
    assert str(accepted_exactly_once([text("1"), text("2", BOB)], messages)) == "proof accepted exactly once: 2 of 2 ok"


@pytest.mark.parametrize(
    ("texts", "messages"),
    [
        ([text("1"), text("1")], [message("1")]),  # a key twice
        ([text("1"), text("2")], [message("1"), message("2")]),  # a touch twice, under two keys
        ([text("1")], [message("1"), message("2", "bob")]),  # called delivered, never accepted
        ([text("1"), text("3")], [message("1")]),  # accepted, unknown to us
    ],
)
def test_what_was_accepted_twice_or_never_breaks_the_first_proof(
    texts: list[Text], messages: list[dict[str, str]]
) -> None:
    proof = accepted_exactly_once(texts, messages)
    assert not proof.holds
    assert "FAILED" in str(proof)


def test_what_was_never_sent_need_not_be_accepted() -> None:
    assert accepted_exactly_once([text("1")], [message("1"), message("2", "bob", status="cancelled")]).holds


@pytest.mark.parametrize(
    ("after", "holds"),
    [
        ([], True),
        (["opt_out_confirmation"], True),
        (["m2"], False),
        (["opt_out_confirmation", "opt_out_confirmation"], False),
        (["opt_out_confirmation", "human_manual"], False),
    ],
)
def test_after_stop_one_confirmation_is_all(after: list[str], holds: bool) -> None:
    stop = Reply(ANN, "STOP", NOON, means_stop=True)
    texts = [text("0", at=NOON - HOUR), *(text(f"a{n}", at=NOON + HOUR) for n in range(len(after)))]
    categories = {"0": "m1"} | {f"a{n}": category for n, category in enumerate(after)}
    assert nothing_after_stop(texts, [stop], categories).holds is holds


def test_the_first_stop_counts_and_other_replies_do_not() -> None:
    replies = [
        Reply(BOB, "Yes", NOON, means_stop=False),
        Reply(ANN, "STOP", NOON, means_stop=True),
        Reply(ANN, "stop!!", NOON + 3 * HOUR, means_stop=True),
    ]
    texts = [text("1", at=NOON + 2 * HOUR), text("2", BOB, NOON + HOUR)]
    assert (proof := nothing_after_stop(texts, replies, {"1": "m2", "2": "m2"})).of == 1
    assert not proof.holds


@pytest.mark.parametrize(
    ("at", "holds"),
    [
        (datetime(2027, 3, 27, 9, 0, tzinfo=UTC), True),
        (datetime(2027, 3, 27, 8, 59, 59, tzinfo=UTC), False),
        (datetime(2027, 3, 27, 19, 59, 59, tzinfo=UTC), True),
        (datetime(2027, 3, 27, 20, 0, tzinfo=UTC), False),
        (datetime(2027, 3, 28, 8, 0, tzinfo=UTC), True),  # summer time has begun
        (datetime(2027, 3, 28, 19, 0, tzinfo=UTC), False),
    ],
)
def test_the_hours_are_those_of_london_on_that_day(at: datetime, holds: bool) -> None:
    assert nothing_outside_hours([text("1", at=at)], {"1": "m3"}, LONDON).holds is holds


def test_other_texts_are_free_of_the_campaigns_hours() -> None:
    night = NOON.replace(hour=23)
    texts = [text("1", at=night), text("2")]
    assert nothing_outside_hours(texts, {"1": "opt_out_confirmation", "2": "m1"}, LONDON).of == 1


@pytest.mark.parametrize(("offset", "holds"), [(-1, True), (0, False), (1, False), (2, True)])
def test_while_a_person_holds_the_turn_no_touch_goes_out(offset: int, holds: bool) -> None:
    hold = TakenOver(ANN, NOON, NOON + 2 * HOUR)
    texts = [text("1", at=NOON + offset * HOUR), text("2", BOB, NOON + HOUR)]
    assert nothing_while_held(texts, {"1": "m2", "2": "m2"}, [hold]).holds is holds


def test_a_proof_about_nothing_fails() -> None:
    assert str(nothing_while_held([], {}, [])).endswith("0 of 0 FAILED (nothing to count)")


@pytest.mark.parametrize(
    ("now", "start"),
    [
        (datetime(2026, 11, 21, tzinfo=UTC), datetime(2027, 3, 21, 10, tzinfo=UTC)),
        (datetime(2027, 3, 25, tzinfo=UTC), datetime(2027, 10, 24, 9, tzinfo=UTC)),  # ten o'clock in summer time
    ],
)
def test_the_story_begins_seven_days_before_a_change_to_come(now: datetime, start: datetime) -> None:
    assert start_of_story(now) == start
    assert next_change(start, ZoneInfo(LONDON)) - start < timedelta(days=7)


def test_the_clock_halts_every_second_hour_and_once_texts_may_leave_again() -> None:
    assert stop_at(NOON) == NOON.replace(hour=13, minute=59)
    assert stop_at(NOON.replace(hour=13, minute=59)) == NOON.replace(hour=13, minute=59)
    assert stop_at(NOON.replace(hour=13, minute=59, second=1)) == NOON.replace(hour=15, minute=59)
    assert stop_at(NOON.replace(hour=20, minute=5)) == NOON.replace(hour=22, minute=59)
    assert stop_at(NOON.replace(hour=5)) == NOON.replace(hour=9, minute=1)
    assert stop_at(NOON.replace(hour=9, minute=2)) == NOON.replace(hour=11, minute=59)
    assert stop_at(NOON.replace(hour=23)) == NOON.replace(hour=4, minute=59) + timedelta(days=1)
