"""One measured figure, the table of them, and the machine they were measured on."""

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import psutil

COLUMNS = ("measure", "ours", "bare", "ratio", "goal", "verdict")


@dataclass(frozen=True, slots=True)
class Figure:
    """Hold one figure: `ratio` is what the goal speaks of; `bare` may be our own other case (small, first page)."""

    measure: str
    ours: str
    bare: str
    ratio: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def reached(self) -> bool:
        """Tell whether the goal is met."""
        above = self.at_least is None or self.ratio >= self.at_least
        return above and (self.at_most is None or self.ratio <= self.at_most)

    @property
    def cells(self) -> tuple[str, ...]:
        """Give the table's cells."""
        goals = [f"≥ {self.at_least:g}"] if self.at_least is not None else []
        goals += [f"≤ {self.at_most:g}"] if self.at_most is not None else []
        goal = " and ".join(goals)
        verdict = "" if not goals else "reached" if self.reached else "missed"
        return self.measure, self.ours, self.bare, f"{self.ratio:.2f}", goal, verdict


def median_ratio(ones: Sequence[float], others: Sequence[float]) -> float:
    """Give the median of the rounds' ratios: each round's two runs stood side by side in time."""
    return statistics.median(one / other for one, other in zip(ones, others, strict=True))


def as_text(figures: Sequence[Figure]) -> str:
    """Write the table for a terminal, unwrapped."""
    rows = [COLUMNS, *(figure.cells for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def as_markdown(figures: Sequence[Figure]) -> str:
    """Write the table for a document."""
    lines = [COLUMNS, tuple("---" for _ in COLUMNS), *(figure.cells for figure in figures)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine() -> str:
    """Describe what the figures were measured on."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines(Path("/proc/cpuinfo")) if line.startswith("model name")),
        platform.processor() or "unknown processor",
    )
    memory = psutil.virtual_memory().total / 2**30
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("litestar", "granian", "asyncpg"))
    return (
        f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, {versions}; {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    )


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
