"""What people may write into free settings, and what is read of it."""

from typing import Any

import pytest

from adapters.persistence.model_spending import InstallationBudget, day_budget, number
from adapters.persistence.replies import reply_settings

STANDARD = InstallationBudget(20_000_000)


@pytest.mark.parametrize(("said", "micros"), [(3, 3_000_000), ("0.5", 500_000), (0, 0), (100_000, 100_000_000_000)])
def test_a_budget_is_dollars_in_any_notation(said: Any, micros: int) -> None:
    assert day_budget({"ai_daily_budget_usd": said}, STANDARD) == micros


@pytest.mark.parametrize(
    "said", [None, True, "much", "", -1, 100_001, [3], {"usd": 3}, float("nan"), float("inf"), 10**400]
)
def test_what_does_not_fit_is_as_if_it_were_not_set(said: Any) -> None:
    assert day_budget({"ai_daily_budget_usd": said}, STANDARD) == STANDARD.micros
    assert number(said, 0, 100_000, None) is None
    settings = reply_settings({"ai_patience_seconds": said, "ai_most_segments": said}, None)
    assert (settings.patience_seconds, settings.most_segments) == (300, 2)
