"""A database that takes no changes, and a relay that dies at every start, under a house of real processes."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from domain.kernel import new_id
from entrypoints.config import CHECKOUT
from tests.processes.office import PASSWORD, Office, opened, wait_for
from tests.proofs import Note

TEXTS = 400
SOON_SECONDS = 15


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with opened(tmp_path_factory.mktemp("lists"), "read-only", workers=1) as one:
        yield one


@contextmanager
def read_only(office: Office) -> Iterator[None]:
    """Let the whole server take no changes, sessions that are open included."""
    setting = "ALTER SYSTEM SET default_transaction_read_only"
    office.ask(f"{setting} = on")
    office.ask("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        office.ask(f"{setting} = off")
        office.ask("SELECT pg_reload_conf()")


def waits(office: Office, part: str) -> list[float]:
    """Give the pauses that a part has made for the database, in order."""
    lines = (office.house.folder / "log" / f"{part}.log").read_text().splitlines()
    told = [json.loads(line) for line in lines if line.startswith("{")]
    return [line["seconds"] for line in told if line["event"] == "waiting for the database"]


def assert_reading_goes_on(office: Office) -> None:
    """Assert that people read and sign in, that changes are refused in a sentence, and that the house says why."""
    assert office.get("/leads").status_code == 200
    assert office.get("/users/me").status_code == 200
    assert office.get("/analytics/overview").status_code == 200
    signed_in = office.once("POST", "/auth", json={"email": "olga@bright.example", "password": PASSWORD})
    assert signed_in.status_code in (200, 201), signed_in.text
    refused = office.once("POST", "/tags", json={"name": "Hot", "slug": new_id().hex})
    assert (refused.status_code, "reading goes on" in refused.text) == (503, True)


def doctor(office: Office) -> str:
    """Give what the doctor says of this house."""
    command = [sys.executable, "-m", "entrypoints.doctor"]
    return subprocess.run(
        command, cwd=CHECKOUT, env=office.house.environment, capture_output=True, text=True, check=False
    ).stdout


def lived_through(office: Office, seconds: float) -> tuple[float, float]:
    """Let the database take no changes amid a campaign; tells when a text went out again, and when all had."""
    dataset_id, phones = office.start(TEXTS)
    goal = office.books.count() + 20
    wait_for(lambda: office.books.count() >= goal, 60, "texts go out", 0.005)
    deaths, checks = office.deaths(), []
    with read_only(office):
        assert_reading_goes_on(office)
        said = doctor(office)
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            checks.append(office.readiness())
            time.sleep(0.2)
        assert office.states(dataset_id) != {"accepted": TEXTS}, "the campaign was over: this test proves nothing"
    assert "The database is read-only" in said
    assert "No relay" not in said
    assert {status for status, _ in checks} == {200}, checks
    assert {said["database"] for _, said in checks} == {"ok, but read-only"}
    assert "relay, scheduler" in checks[-1][1]["queue"]
    again = office.text_reaches_the_provider(SOON_SECONDS)
    settled = office.all_accepted(dataset_id, len(phones), 120)
    office.assert_each_got_one(phones)
    wait_for(lambda: set(office.readiness()[1].values()) == {"ok"}, 10, "nobody waits any more")
    assert office.deaths() == deaths
    return again, settled


def test_a_house_outlives_a_database_that_takes_no_changes(office: Office) -> None:
    lived_through(office, 5)
    for part in ("relay", "scheduler"):
        assert waits(office, part)[:3] == [0.5, 1.0, 2.0]


@pytest.mark.prove
@pytest.mark.alone
def test_twenty_seconds_without_changes_lose_and_double_nothing(office: Office, proved: Note) -> None:
    again, settled = lived_through(office, 20)
    assert again <= SOON_SECONDS
    proved(
        12,
        f"database read-only for 20 s amid a campaign of {TEXTS}: no part died, ready 200 and said so, reading and"
        f" signing in went on; a text went out {again:.1f} s after, all within {settled:.0f} s, 0 lost, 0 doubled",
    )


def test_a_relay_that_dies_at_every_start_is_missed_all_the_time(office: Office) -> None:
    wait_for(office.is_ready, 60, "the house is ready")
    deaths = len(office.deaths())
    office.ask("ALTER TABLE outbox RENAME TO outbox_elsewhere")
    try:
        wait_for(lambda: len(office.deaths()) > deaths, 30, "the relay dies")
        wait_for(lambda: not office.is_ready(), 5, "the relay is missed")
        deadline = time.monotonic() + 60
        while len(office.deaths()) < deaths + 3:
            status, checks = office.readiness()
            assert (status, checks["queue"]) == (503, "no relay is at work")
            assert time.monotonic() < deadline, "it did not start again: this test proves nothing"
            time.sleep(0.2)
    finally:
        office.ask("ALTER TABLE outbox_elsewhere RENAME TO outbox")
    wait_for(office.is_ready, 60, "the relay is at work again")
