"""Trials: who is answered with which version, and when they end."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.coaching.canary import (
    Canary,
    CanaryStatus,
    Decision,
    Phase,
    Side,
    decide,
    difference,
    differences,
    part_of,
)
from domain.coaching.prompt import PromptType
from domain.kernel import Conflict, new_id

NOW = datetime(2027, 3, 22, 10, tzinfo=UTC)
DAY = timedelta(days=1)


def canary(share: int = 20, hold_out: int = 10) -> Canary:
    """Begin a trial."""
    return Canary(
        organization_id=new_id(),
        prompt_id=new_id(),
        prompt_type=PromptType.REPLY,
        number=4,
        baseline=3,
        share=share,
        hold_out=hold_out,
        started_at=NOW,
    )


def test_a_conversation_stays_on_its_side_and_shares_are_kept() -> None:
    trial = canary()
    ids = [new_id() for _ in range(5000)]
    chosen = [trial.number_for(one) for one in ids]
    assert chosen == [trial.number_for(one) for one in ids]
    assert chosen.count(4) / len(ids) == pytest.approx(0.2, abs=0.02)
    held = [one for one in ids if part_of(one, trial.id) < 1000]
    trial.end(Decision(CanaryStatus.PROMOTED, "Better."), NOW)
    after = [trial.number_for(one) for one in ids]
    assert after.count(3) / len(ids) == pytest.approx(0.1, abs=0.02)
    assert {trial.number_for(one) for one in held} == {3}
    assert all(new == 4 for was, new in zip(chosen, after, strict=True) if was == 4), "who had it keeps it"
    assert [canary().number_for(one) for one in ids] != chosen, "another trial draws anew"


def test_a_trial_without_hold_out_is_closed_when_it_ends() -> None:
    for hold_out, status, is_open in ((10, "promoted", True), (0, "promoted", False), (10, "rolled_back", False)):
        trial = canary(hold_out=hold_out)
        event = trial.end(Decision(CanaryStatus(status), "Because."), NOW)
        assert (event.status, trial.is_open) == (status, is_open)
        with pytest.raises(Conflict):
            trial.end(Decision(CanaryStatus.PROMOTED, "Again."), NOW)


def test_a_trial_and_its_hold_out_are_counted_apart_each_until_its_end() -> None:
    trial = canary()
    assert (trial.trial, trial.held_out) == (Phase(NOW, None), None)
    trial.end(Decision(CanaryStatus.PROMOTED, "Better."), NOW + DAY)
    assert (trial.trial, trial.held_out) == (Phase(NOW, NOW + DAY), Phase(NOW + DAY, None))
    trial.close(NOW + 2 * DAY)
    assert (trial.status, trial.reason, trial.is_open) == ("promoted", "Better.", False)
    assert (trial.trial, trial.held_out) == (Phase(NOW, NOW + DAY), Phase(NOW + DAY, NOW + 2 * DAY))
    running = canary()
    running.close(NOW + DAY)
    assert (running.status, running.trial, running.held_out) == ("stopped", Phase(NOW, NOW + DAY), None)
    at_once = replace(canary(share=100), status=CanaryStatus.PROMOTED, ended_at=NOW)
    assert (at_once.trial, at_once.held_out) == (None, Phase(NOW, None)), "nobody was tried"


def test_what_is_left_to_people_is_shown_and_decides_nothing() -> None:
    new, old = Side(300, 120, 20, 6, handed_over=200), Side(300, 120, 20, 6)
    assert decide(new, old, DAY) is None
    assert differences(new, old)["handed_over"].low > 0


@pytest.mark.parametrize(
    ("new", "old", "days", "status", "word"),
    [
        (Side(200, 80, 20, 50), Side(200, 80, 20, 6), 1, "rolled_back", "opted out: 50 of 200"),
        (Side(300, 120, 5, 6), Side(300, 120, 60, 6), 1, "rolled_back", "Fewer leads booked"),
        (Side(300, 60, 20, 6), Side(300, 150, 20, 6), 1, "rolled_back", "Fewer leads answered"),
        (Side(300, 120, 75, 6), Side(300, 120, 20, 6), 1, "promoted", "More leads booked"),
        (Side(300, 120, 75, 90), Side(300, 120, 20, 6), 1, "rolled_back", "opted out"),
        (Side(19, 0, 0, 19), Side(300, 120, 20, 6), 1, None, ""),
        (Side(100, 40, 10, 3), Side(100, 40, 10, 3), 27, None, ""),
        (Side(100, 40, 10, 3), Side(100, 40, 10, 3), 28, "rolled_back", "no difference"),
        (Side(), Side(), 1, None, ""),
    ],
)
def test_harm_rolls_back_a_gain_promotes_and_nothing_shown_rolls_back(
    new: Side, old: Side, days: int, status: str | None, word: str
) -> None:
    found = decide(new, old, days * DAY)
    assert (None if found is None else found.status.value) == status
    assert found is None or word in found.reason


Rates = tuple[float, float, float]
USUAL: Rates = (0.4, 0.1, 0.03)


def ended(new: Rates, old: Rates, share: float, conversations: int, rng: random.Random) -> CanaryStatus | None:
    """Let conversations come one by one, and look after each tenth; gives how the trial ended, if it did."""
    sides = {True: [0, 0, 0, 0], False: [0, 0, 0, 0]}
    for look in range(1, conversations + 1):
        is_new = rng.random() < share
        side = sides[is_new]
        side[0] += 1
        for place, rate in enumerate(new if is_new else old, 1):
            side[place] += rng.random() < rate
        if look % 10 == 0 and (found := decide(Side(*sides[True]), Side(*sides[False]), DAY)) is not None:
            return found.status
    return None


@pytest.mark.parametrize(
    ("share", "conversations", "rates"),
    [(0.5, 800, USUAL), (0.2, 1000, USUAL), (0.05, 2000, USUAL), (0.05, 1500, (0.9, 0.1, 0.03))],
)
def test_looking_again_and_again_finds_no_difference_where_there_is_none(
    share: float, conversations: int, rates: Rates
) -> None:
    rng = random.Random(7)
    wrong = sum(ended(rates, rates, share, conversations, rng) is not None for _ in range(200))
    assert wrong <= 10, "5 % at most, however often it is looked at, and however small the share"


def test_harm_to_a_small_share_is_found() -> None:
    rng = random.Random(7)
    harmful = (0.4, 0.1, 0.3)
    found = [ended(harmful, USUAL, 0.1, 600, rng) for _ in range(50)]
    assert found.count(CanaryStatus.ROLLED_BACK) >= 48


def test_the_bounds_hold_the_difference() -> None:
    found = difference(60, 200, 40, 200)
    assert found.value == pytest.approx(0.1)
    assert found.low < 0 < found.high
    assert difference(0, 0, 0, 0).low == -1.0
