"""Work that fails whenever it is tried: parked with its reason, told to who watches it, shown, and in nobody's way."""

import subprocess
import sys
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest

from adapters.queue.deliver import MOST_FAILURES
from entrypoints.config import CHECKOUT
from tests.processes.office import Office, wait_for


def operate(office: Office, *arguments: str) -> str:
    """Run an operator's command; gives what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "entrypoints.operations", *arguments],
        cwd=CHECKOUT,
        env=office.house.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


POISON = "+447400999999"


@pytest.fixture
def poison(office: Office) -> Iterator[None]:
    """Let PostgreSQL refuse one person, whenever it is tried."""
    office.ask(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'the shelf is full'; END $$"
    )
    office.ask(
        f"CREATE TRIGGER poison BEFORE INSERT ON contacts FOR EACH ROW WHEN (NEW.phone = '{POISON}')"
        " EXECUTE FUNCTION refuse()"
    )
    yield
    office.ask("DROP FUNCTION refuse CASCADE")


def poisoned_import(office: Office) -> str:
    """Ask for an import of somebody whom PostgreSQL refuses; gives its job."""
    file = ("p.csv", f"Forename,Mobile No.\nAda,{POISON}\n".encode(), "text/csv")
    upload = office.client.call("POST", "/datasets/upload", files={"file": file})
    dataset_id = office.client.call("POST", "/datasets", json={"name": f"Poison {time.monotonic()}"})["id"]
    mapping = {"phone_number": "Mobile No.", "first_name": "Forename"}
    body = {"upload_id": upload["id"], "dataset_id": dataset_id, "column_mapping": mapping}
    return str(office.client.call("POST", "/datasets/map-and-import", json=body)["job_id"])


def poisoned_text(office: Office) -> str:
    """Write down an event that no version can read; gives its id."""
    organization = office.ask("SELECT organization_id FROM organizations LIMIT 1")[0]["organization_id"]
    event = uuid4()
    office.ask(
        "WITH written AS (INSERT INTO events (organization_id, id, type, subject, at, data) VALUES"
        " ($1, $2, 'text.arrived', $2, now(), '{}') RETURNING id)"
        " INSERT INTO outbox (organization_id, event_id, type) SELECT $1, $2, 'text.arrived' FROM written",
        organization,
        event,
    )
    return str(event)


def test_a_poison_message_is_parked_with_its_reason_and_others_go_on(office: Office, poison: None) -> None:
    wait_for(office.is_ready, 60, "the house is ready", 0.2)
    event = poisoned_text(office)
    job_id = poisoned_import(office)
    mine = "(event_id = $1::uuid OR subscription = 'imports.run')"
    wait_for(
        lambda: office.ask(f"SELECT count(*) FROM deliveries WHERE {mine} AND failures > 0", event)[0][0] == 2,
        30,
        "both failed once",
        0.1,
    )
    assert office.client.call("GET", f"/jobs/{job_id}")["status"] in ("queued", "running")
    # The tries take a minute; this one has had all but the last.
    office.ask(f"UPDATE deliveries SET failures = {MOST_FAILURES - 1}, due_at = clock_timestamp() WHERE {mine}", event)
    assert office.text_reaches_the_provider(30) < 30, "others go on meanwhile"
    job = office.client.call("GET", f"/jobs/{job_id}", headers={"Prefer": "wait=30"})
    assert job["status"] == "failed"
    assert "the shelf is full" in job["error"]
    wait_for(
        lambda: office.ask(f"SELECT count(*) FROM deliveries WHERE {mine} AND parked_at IS NOT NULL", event)[0][0] == 2,
        30,
        "both are parked",
        0.1,
    )
    listed = operate(office, "dead-letters", "list")
    lines = {line.split("\t")[2]: line.split("\t") for line in listed.splitlines()}
    assert "the shelf is full" in lines["imports.run"][5]
    assert "KeyError" in lines["conversations.receive"][5]
    shown = operate(office, "dead-letters", "show", lines["conversations.receive"][0])
    assert f"event_id\t{event}" in shown
    assert f"failures\t{MOST_FAILURES}" in shown
    assert office.text_reaches_the_provider(30) < 30
    office.ask(f"DELETE FROM deliveries WHERE {mine} AND parked_at IS NOT NULL", event)
