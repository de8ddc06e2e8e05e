"""The simulated people: the same seed gives the same world, in the shares and times that were promised."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from adapters.sms.sandbox_people import SHARES, TAKES_A_TIME, People, Reply, is_fiction, is_landline

NUMBERS = [f"+447700900{n:03}" for n in range(1000)]
MORNING = datetime(2026, 10, 18, 9, 30, tzinfo=UTC)
people = People("rapport")


def _numbers(script: str) -> list[str]:
    return [number for number in NUMBERS if people.script(number) == script]


def _world(seed: str) -> list[Reply]:
    return [reply for number in NUMBERS for nth in (1, 2, 3) for reply in People(seed).replies(number, nth, MORNING)]


def test_a_seed_repeats_its_world_and_another_seed_is_another_world() -> None:
    assert _world("rapport") == _world("rapport")
    assert _world("rapport") != _world("other")


def test_the_shares_are_kept() -> None:
    assert sum(share for _, share in SHARES) == 100
    many = Counter(people.script(f"+1{n:010}") for n in range(20_000))
    for script, share in SHARES:
        assert abs(many[script] / 200 - share) < 1, script


@pytest.mark.parametrize(
    ("number", "fiction", "landline"),
    [
        ("+447700900000", True, False),
        ("+447700901000", False, False),
        ("+447911123456", False, False),
        ("+442079460123", True, True),
        ("+441134960123", True, True),
        ("+441914980123", True, True),
        ("+441632960555", True, True),
        ("+12125550100", True, False),
        ("+12125550199", True, False),
        ("+12125550200", False, False),
        ("+33639981234", True, False),
    ],
)
def test_only_numbers_kept_for_fiction_belong_to_simulated_people(number: str, fiction: bool, landline: bool) -> None:
    assert (is_fiction(number), is_landline(number)) == (fiction, landline)


def test_numbers_that_somebody_may_really_have_never_answer() -> None:
    assert not any(people.replies(f"+44791112{n:04}", nth, MORNING) for n in range(1000) for nth in (1, 2, 3))


def test_the_silent_never_answer_and_all_others_do_once_they_had_three_texts() -> None:
    for number in NUMBERS:
        written = [reply for nth in (1, 2, 3) for reply in people.replies(number, nth, MORNING)]
        assert bool(written) is (people.script(number) != "silent")


def test_a_stop_is_said_once_and_in_many_wordings() -> None:
    wordings = set()
    for number in _numbers("stop"):
        stops = [reply for nth in range(1, 8) for reply in people.replies(number, nth, MORNING) if reply.means_stop]
        assert len(stops) == 1
        wordings.add(stops[0].body)
    assert len(wordings) >= 15
    others = {script for script, _ in SHARES if script != "stop"}
    assert not any(reply.means_stop for reply in _world("rapport") if reply.script in others)


def test_a_few_are_rude_after_their_stop_and_then_silent() -> None:
    rude = 0
    for number in _numbers("stop"):
        answered = [bool(people.replies(number, nth, MORNING)) for nth in range(1, 9)]
        first = answered.index(True)
        rude += answered[first + 1]
        assert not any(answered[first + 2 :])
    assert 1 <= rude <= len(_numbers("stop")) / 4


def test_some_people_answer_only_the_second_or_the_third_text() -> None:
    first = Counter(
        next(nth for nth in (1, 2, 3) if people.replies(number, nth, MORNING)) for number in _numbers("keen")
    )
    assert first[1] > first[2] > first[3] > 0


def test_replies_come_within_hours_and_at_any_hour_but_the_late_take_days() -> None:
    hours = set()
    for reply in _world("rapport"):
        waited = reply.due - MORNING
        if reply.script == "late":
            assert timedelta(days=2) < waited < timedelta(days=5)
            assert timedelta(hours=3) <= waited % timedelta(days=1) <= timedelta(hours=21)
        else:
            assert timedelta(seconds=15) <= waited <= timedelta(hours=10)
            hours.add((datetime(2026, 10, 18, 19, 30, tzinfo=UTC) + waited).hour)
    assert {19, 22, 23, 0, 1, 2, 3} <= hours


def test_most_texts_arrive_and_a_few_numbers_fail_and_never_answer() -> None:
    ends = Counter(people.statuses(number)[-1].status for number in NUMBERS)
    assert ends["delivered"] > 950
    assert ends["failed"] > 0
    assert ends["undelivered"] > 0
    for number in NUMBERS:
        steps = people.statuses(number)
        assert steps[0].status == "queued"
        if steps[-1].status != "delivered":
            assert not any(people.replies(number, nth, MORNING) for nth in (1, 2, 3))


def test_who_is_open_to_a_call_takes_the_first_time_offered() -> None:
    offer = "Great to hear! Would Tuesday 23 March at 14:00 or Wednesday 24 March at 09:00 suit you?"
    taken = []
    for number in NUMBERS:
        written = [reply for nth in range(2, 5) for reply in people.replies(number, nth, MORNING, offer)]
        if any(reply.body == "Tuesday 23 March at 14:00 works for me" for reply in written):
            taken.append(people.script(number))
    assert set(taken) == set(TAKES_A_TIME)
    asked = Counter(people.script(number) for number in NUMBERS)
    for script, share in TAKES_A_TIME.items():
        assert taken.count(script) == pytest.approx(share * asked[script], rel=0.25)


def test_who_is_told_of_a_call_is_glad_of_it_or_says_nothing() -> None:
    booked = "Perfect, Ann, we're booking your call for Tuesday 23 March at 14:00. A confirmation will follow."
    reminder = "Reminder from Bright Windows: your call is on Tuesday 23 March at 14:00."
    for script in ("keen", "late", "price_objection", "hesitant"):
        for number in _numbers(script):
            said = [reply.body for nth in range(4, 7) for reply in people.replies(number, nth, MORNING, booked)]
            assert said == (["Great, speak then"] * 3 if script == "keen" else [])
            assert [reply for nth in range(4, 7) for reply in people.replies(number, nth, MORNING, reminder)] == []


def test_who_gets_no_call_out_of_several_offers_writes_no_more() -> None:
    offer = "Would Tuesday 23 March at 14:00 suit you?"
    keen = next(number for number in NUMBERS if people.script(number) == "keen")
    written = [nth for nth in range(1, 30) if people.replies(keen, nth, MORNING, offer)]
    assert 6 <= len(written) <= 8
