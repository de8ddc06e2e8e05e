"""Intervals and tests of shares, against values that others published or that hold by definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.statistics import Share, chance, fisher_exact, holm, leader


@pytest.mark.parametrize(
    ("cases", "of", "lower", "upper"),
    [
        # Newcombe, Statistics in Medicine 17 (1998) 857, table I, method 3.
        (81, 263, 25.53, 36.62),
        (15, 148, 6.24, 16.05),
        (0, 20, 0.0, 16.11),
        (1, 29, 0.61, 17.18),
    ],
)
def test_wilsons_interval_is_the_published_one(cases: int, of: int, lower: float, upper: float) -> None:
    assert Share(cases, of).percents == pytest.approx((lower, upper), abs=0.01)


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [(1, 1, 0.2065, 1.0), (0, 10, 0.0, 0.2775), (10, 40, 0.1419, 0.4019), (250, 1000, 0.2242, 0.2778)],
)
def test_the_interval_is_wilsons(hits: int, trials: int, low: float, high: float) -> None:
    interval = Share(hits, trials).interval
    assert interval is not None
    assert interval == pytest.approx((low, high), abs=1e-4)


@given(st.integers(0, 500), st.integers(1, 500))
def test_an_interval_holds_its_share_and_lies_between_nothing_and_all(cases: int, of: int) -> None:
    share = Share(min(cases, of), of)
    interval, percent = share.percents, share.percent
    assert interval is not None
    assert percent is not None
    assert 0 <= interval[0] <= percent + 0.01
    assert percent - 0.01 <= interval[1] <= 100


def test_nothing_has_no_share() -> None:
    assert Share(0, 0).value is None
    assert Share(0, 0).interval is None
    assert Share(0, 0).percent is None
    assert Share(0, 0).percents is None


def test_a_difference_is_as_unlikely_as_the_normal_distribution_says() -> None:
    # 30 of 100 against 15 of 100: z = 0.15 / sqrt(0.225 × 0.775 × 2 / 100) = 2.540, p = 0.0111.
    assert chance(Share(30, 100), Share(15, 100)) == pytest.approx(0.0111, abs=0.0001)
    assert chance(Share(20, 100), Share(20, 100)) == pytest.approx(1.0)


def test_too_few_cases_say_nothing() -> None:
    assert chance(Share(4, 10), Share(0, 10)) is None
    assert chance(Share(0, 0), Share(5, 10)) is None
    assert chance(Share(0, 1000), Share(0, 1000)) is None


def test_a_leader_is_named_only_when_it_beats_each_other_surely() -> None:
    assert leader({"A": Share(300, 1000), "B": Share(150, 1000)}) == "A"
    assert leader({"A": Share(300, 1000), "B": Share(290, 1000)}) is None
    assert leader({"A": Share(300, 1000), "B": Share(295, 1000), "C": Share(10, 1000)}) is None
    assert leader({"A": Share(300, 1000), "B": Share(0, 0)}) is None
    # 60 of 200 against 42 of 200 is p = 0.039: enough between two, not among three.
    assert leader({"A": Share(60, 200), "B": Share(42, 200)}) == "A"
    assert leader({"A": Share(60, 200), "B": Share(42, 200), "C": Share(41, 200)}) is None


# Reference values: R 4.3, fisher.test(matrix(c(a, b, c, d), 2))$p.value.
@pytest.mark.parametrize(
    ("won", "number", "other_won", "others", "p"),
    [
        (3, 4, 1, 4, 0.4857142857),  # the lady tasting tea
        (1, 10, 9, 10, 0.0010934),
        (0, 5, 5, 5, 0.0079365079),
        (5, 5, 5, 5, 1.0),
        (0, 0, 3, 9, 1.0),
    ],
)
def test_the_exact_test_is_fishers(won: int, number: int, other_won: int, others: int, p: float) -> None:
    assert fisher_exact(won, number, other_won, others) == pytest.approx(p, rel=1e-3)


def test_holm_multiplies_the_smallest_by_how_many_there_are() -> None:
    adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert {name: round(p, 4) for name, p in adjusted.items()} == {"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06}
    assert holm({}) == {}
