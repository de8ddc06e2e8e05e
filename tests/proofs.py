"""What a long proof writes down when it held: one row of `docs/proofs/proofs.tsv`, and a line at the end of the run."""

import fcntl
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
TABLE = CHECKOUT / "docs" / "proofs" / "proofs.tsv"
HEADER = ("promise", "proof", "numbers", "seconds", "commit", "date")
Note = Callable[[int, str], None]
_PROVED = "proved"


@pytest.fixture
def proved(request: pytest.FixtureRequest) -> Note:
    """Give what notes a promise's number (`quality.md` part 3; 0 for none of them) and what was counted, at its end."""
    started = time.monotonic()

    def note(promise: int, numbers: str) -> None:
        seconds = f"{time.monotonic() - started:.0f}"
        row = (str(promise), request.node.nodeid, numbers, seconds, _commit(), f"{datetime.now(UTC):%Y-%m-%d}")
        # A property of the report, since that is what comes back from another process.
        request.node.user_properties.append((_PROVED, row))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what held, and keep it when the long proofs were asked for."""
    rows = {
        report.nodeid: tuple(value)
        for report in terminalreporter.stats.get("passed", [])
        for name, value in report.user_properties
        if name == _PROVED and report.when == "call"
    }
    if not rows:
        return
    terminalreporter.section("what held")
    for row in rows.values():
        terminalreporter.write_line(f"promise {row[0]}: {row[2]} ({row[1].rpartition('::')[2]}, {row[3]} s)")
    if config.option.markexpr.startswith("prove"):
        _keep(rows)


def _keep(rows: dict[str, tuple[str, ...]]) -> None:
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    with TABLE.open("a+") as table:
        fcntl.flock(table, fcntl.LOCK_EX)  # the lasting ones run beside others, and write when they end
        table.seek(0)
        kept = {cells[1]: tuple(cells) for line in table.read().splitlines()[1:] if (cells := line.split("\t"))}
        together = sorted((kept | rows).values(), key=lambda row: (int(row[0]), row[1]))
        table.truncate(0)
        table.write("".join("\t".join(row) + "\n" for row in (HEADER, *together)))


def _commit() -> str:
    command = ["git", "-C", str(CHECKOUT), "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
