"""The demo as a person runs it: real processes, a killed worker, four proofs, and nothing left behind."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from entrypoints.config import CHECKOUT
from tests.contracts.node_stand_ins import packages

LIST = CHECKOUT / "features" / "data" / "old-enquiries-uk-600.csv"
PROOFS = ("accepted exactly once", "after STOP", "outside hours", "while a person held the turn")


def _run(*arguments: str, seconds: float = 280, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "entrypoints.demo", *arguments]
    # What a shell has set must not reach the demo's house, and a narrow terminal must not break its lines.
    environment = {**os.environ, "RAPPORT_DATABASE_URL": "postgresql://nobody@nowhere/nothing", "COLUMNS": "40"}
    if folder is not None:
        environment["TMPDIR"] = str(folder)
    return subprocess.run(
        command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )


def _cut(folder: Path, rows: int) -> Path:
    path = folder / f"{rows}.csv"
    with LIST.open("rb") as whole:
        path.write_bytes(b"".join(islice(whole, rows + 1)))
    return path


@pytest.fixture
def short_list(tmp_path: Path) -> Path:
    """Cut the first 60 rows out of the 600."""
    return _cut(tmp_path, 60)


@pytest.fixture
def own_folder() -> Iterator[Path]:
    """Make a folder for temporary files, which PostgreSQL's user can pass."""
    folder = Path(tempfile.mkdtemp(prefix="rapport-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_the_demo_proves_its_promises_and_leaves_nothing_behind(short_list: Path, own_folder: Path) -> None:
    done = _run("--csv", str(short_list), "--seed", "7", folder=own_folder)
    assert done.returncode == 0, done.stdout + done.stderr
    proofs = re.findall(r"^proof (.+): (\d+) of (\d+) ok$", done.stdout, re.MULTILINE)
    assert [name for name, _, _ in proofs] == list(PROOFS)
    assert all(kept == of != "0" for _, kept, of in proofs)
    assert re.search(r"worker-\d \(process \d+\) is killed while it hands over", done.stdout)
    assert re.search(r"^ +60 rows$", done.stdout, re.MULTILINE)
    assert re.search(r"^ +\d+ M3 sent$", done.stdout, re.MULTILINE)
    assert "refused  opt_out" in done.stdout
    _require_calls(done.stdout)
    assert re.search(r"version 1 of the prompt goes live with [123] lessons$", done.stdout, re.MULTILINE)
    assert re.search(r"^  with lessons +\d+ +\d+", done.stdout, re.MULTILINE)
    assert list(own_folder.iterdir()) == []
    url = re.search(r"ready at http://127\.0\.0\.1:(\d+)", done.stdout)
    assert url is not None
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(url[1]))) != 0


def _require_calls(printed: str, *, in_a_day: bool = False) -> None:
    """See that calls were made, moved and cancelled, and that what the report says of them fits together."""
    report = printed[printed.index("\nCalls\n") : printed.index("\nLeft to a person, by reason\n")]
    counts = {name: int(count) for count, name in re.findall(r"^ +(\d+) ([a-zA-Z ]+)$", report, re.MULTILINE)}
    made = counts.pop("made")
    assert counts.keys() == {"by the AI", "by people", "moved", "cancelled", "stand", "reminders sent"}
    assert counts.pop("reminders sent") or in_a_day
    assert all(counts.values()), counts
    assert made == counts["by the AI"] + counts["by people"] == counts["stand"] + counts["cancelled"]
    assert (counts["moved"], counts["cancelled"], counts["by people"]) == (1, 2, 1)
    found = re.findall(r"^ +(\d+) (\w+): [A-Z].+\.$", printed, re.MULTILINE)
    reasons = {reason: int(count) for count, reason in found}
    assert reasons["call_change"] == counts["moved"] + counts["cancelled"]
    assert len(reasons) > 1, "the AI left nobody to a person"
    assert re.search(r"^Left to a person by the AI: .+ \([A-Z_]+\)$", printed, re.MULTILINE)
    cancelled = printed[printed.index("\nWanted the call cancelled: ") :].split("\n\n")[0]
    assert re.search(r" ← .*\bcancel\b.*call.*\n.* → Olga here: your call is cancelled", cancelled)


@pytest.mark.prove
def test_a_seed_repeats_its_counts(tmp_path: Path) -> None:
    reports = []
    rows = str(_cut(tmp_path, 100))
    for seed in ("rapport", "rapport"):
        done = _run("--csv", rows, "--seed", seed, seconds=300)
        assert done.returncode == 0, done.stdout + done.stderr
        report = done.stdout[done.stdout.index("Rows by outcome") : done.stdout.index("Why a text was refused")]
        # Whose answer comes first takes the slot, and two texts of one minute get one answer: that is speed, not seed.
        reports.append(re.sub(r".* (?:answered by the AI|replies, of which .*|delivered|reminders sent)\n", "", report))
    assert reports[0] == reports[1]


def test_the_demo_by_twilios_emulator_proves_what_a_day_can_break(short_list: Path, own_folder: Path) -> None:
    packages()
    done = _run("--csv", str(short_list), "--provider", "twilio-emulator", folder=own_folder)
    assert done.returncode == 0, done.stdout + done.stderr
    proofs = re.findall(r"^proof (.+): (\d+) of (\d+) ok$", done.stdout, re.MULTILINE)
    assert [name for name, _, _ in proofs] == [PROOFS[0], PROOFS[1], PROOFS[3]]
    assert all(kept == of != "0" for _, kept, of in proofs)
    at_twilio = done.stdout[done.stdout.index("\nIn Twilio's own list\n") :].split("\n\n")[0]
    taken = {name: int(count) for count, name in re.findall(r"^ +(\d+) (\w+)$", at_twilio, re.MULTILINE)}
    assert taken.keys() >= {"m1", "ai_response", "human_manual", "opt_out_confirmation"}
    assert taken["ai_response"] > 5
    assert "unknown" not in taken
    _require_calls(done.stdout, in_a_day=True)
    assert "writer_asks: The AI asks for a person." in done.stdout
    assert "refused  opt_out" in done.stdout
    assert re.search(r"worker-\d \(process \d+\) is killed while it hands over", done.stdout)
    assert list(own_folder.iterdir()) == []
