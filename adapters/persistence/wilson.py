"""A share with its interval (Wilson, 95 %), as PostgreSQL counts it."""

from typing import Any

import sqlalchemy as sa

from domain.statistics import Z

_Z2 = Z * Z


def wilson(hits: sa.ColumnElement[Any], trials: sa.ColumnElement[Any]) -> dict[str, sa.ColumnElement[Any]]:
    """Give the share and both ends of its interval, null where nothing was tried."""
    n = sa.func.nullif(sa.cast(trials, sa.Float()), 0)
    p = sa.cast(hits, sa.Float()) / n
    middle = (p + _Z2 / (2 * n)) / (1 + _Z2 / n)
    half = Z * sa.func.sqrt(p * (1 - p) / n + _Z2 / (4 * n * n)) / (1 + _Z2 / n)
    return {
        "value": _short(p),
        "low": _short(sa.case((middle < half, 0.0), else_=middle - half)),
        "high": _short(middle + half),
    }


def _short(value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.func.round(sa.cast(value, sa.Numeric()), 4)
