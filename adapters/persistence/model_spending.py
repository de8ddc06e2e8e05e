"""What models have cost an organisation today, whatever they were asked for, and what they may cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from adapters.persistence.database import PostgresUnitOfWork
from application.model_spending import Purpose
from domain.kernel import new_id

MOST_DOLLARS = 100_000
Standard = TypeVar("Standard", float, None)
_COSTS = ("replies", "reviews", "model_calls")


def spent_since(start: str) -> str:
    """Put what was spent since then into a statement whose first parameter is the organisation."""
    return " + ".join(
        f"(SELECT coalesce(sum(cost_micros), 0)::bigint FROM {table}"  # noqa: S608 - our own tables
        f" WHERE organization_id = $1 AND created_at >= {start})"
        for table in _COSTS
    )


_TODAY = f"""
SELECT o.settings, {spent_since("date_trunc('day', business_now(), o.time_zone)")} AS spent
FROM organizations o WHERE o.organization_id = $1
"""  # noqa: S608 - our own tables
_NOTE = """
INSERT INTO model_calls (organization_id, id, purpose, cost_micros, created_at)
VALUES ($1, $2, $3, $4, business_now())
"""


@dataclass(frozen=True, slots=True)
class InstallationBudget:
    """Hold what models may cost in a day where an organisation says nothing else; None: whatever it takes."""

    micros: int | None


class PostgresSpending:
    """Be the `Spending` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork, standard: InstallationBudget) -> None:
        self._uow = uow
        self._standard = standard

    async def is_spent(self) -> bool:
        """Tell whether the day's budget is used up."""
        row = await self._uow.connection.fetchrow(_TODAY, self._uow.organization_id)
        budget = day_budget(msgspec.json.decode(row["settings"]), self._standard)
        return budget is not None and row["spent"] >= budget

    async def note(self, purpose: Purpose, cost_micros: int) -> None:
        """Count what a call has cost; what was free is not worth a row."""
        if cost_micros > 0:
            await self._uow.connection.execute(_NOTE, self._uow.organization_id, new_id(), purpose, cost_micros)


def day_budget(free: Mapping[str, Any], standard: InstallationBudget) -> int | None:
    """Read what models may cost in a day, in millionths of a dollar."""
    return dollars(free, "ai_daily_budget_usd", standard.micros)


def dollars(free: Mapping[str, Any], name: str, standard: int | None) -> int | None:
    """Read a setting in dollars, in millionths of one."""
    chosen = number(free.get(name), 0, MOST_DOLLARS, None)
    return standard if chosen is None else round(chosen * 1_000_000)


def number(said: Any, least: float, most: float, standard: Standard) -> float | Standard:
    """Read a number among free settings; what does not fit is as if it were not set."""
    try:
        chosen = float(said) if not isinstance(said, bool) and said is not None else None
    except (TypeError, ValueError, OverflowError):
        return standard
    return chosen if chosen is not None and least <= chosen <= most else standard
