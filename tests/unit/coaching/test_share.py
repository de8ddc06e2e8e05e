"""A share's interval."""

import pytest

from domain.coaching.share import Share


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [(1, 1, 0.2065, 1.0), (0, 10, 0.0, 0.2775), (10, 40, 0.1419, 0.4019), (250, 1000, 0.2242, 0.2778)],
)
def test_the_interval_is_wilsons(hits: int, trials: int, low: float, high: float) -> None:
    interval = Share(hits, trials).interval
    assert interval is not None
    assert interval == pytest.approx((low, high), abs=1e-4)


def test_nothing_tried_has_no_share() -> None:
    assert Share(0, 0).value is None
    assert Share(0, 0).interval is None
