"""Answers compared, and what they say of a version."""

import pytest

from domain.coaching.evaluation import Outcome, Tally, compared


@pytest.mark.parametrize(
    ("old", "new", "outcome"),
    [(70, 76, "better"), (70, 75, "same"), (70, 65, "same"), (70, 64, "worse"), (0, 0, "same")],
)
def test_what_lies_within_the_margin_is_the_same(old: int, new: int, outcome: str) -> None:
    assert compared(old, new) == Outcome(outcome)


@pytest.mark.parametrize(
    ("better", "same", "worse", "outcome", "p_value"),
    [
        (0, 10, 0, "same", 1.0),
        (0, 0, 4, "same", 0.125),
        (0, 0, 5, "worse", 0.0625),
        (5, 90, 0, "better", 0.0625),
        (12, 16, 2, "better", 0.0129),
        (7, 0, 8, "same", 1.0),
        (2, 0, 12, "worse", 0.0129),
    ],
)
def test_a_version_is_worse_where_chance_hardly_makes_it_so(
    better: int, same: int, worse: int, outcome: str, p_value: float
) -> None:
    tally = Tally(better, same, worse)
    assert tally.outcome == Outcome(outcome)
    assert tally.p_value == pytest.approx(p_value, abs=1e-4)
    assert Tally.of([*[Outcome.BETTER] * better, *[Outcome.SAME] * same, *[Outcome.WORSE] * worse]) == tally
