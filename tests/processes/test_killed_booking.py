"""An API killed while it tells the calendar of calls: none lost, none booked twice."""

import contextlib
import json
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from domain.kernel import Conflict
from entrypoints.demo.client import Client
from entrypoints.demo.house import House
from tests.processes.office import wait_for


@pytest.mark.prove
def test_the_calendar_is_asked_after_a_kill_and_no_call_is_booked_twice() -> None:
    with House("killed-booking", 1, None, keep=False) as house:
        client = Client(house.url)
        client.set_up("olga@bright.example", "correct horse battery staple", "Bright Windows")
        books = house.folder / "sandbox" / "bookings.jsonl"
        today = datetime.now(UTC).date()
        monday = today + timedelta(days=14 - today.weekday())
        leads = [
            client.call("POST", "/leads", json={"contact": {"first_name": f"L{n}", "phone_number": f"+44770090011{n}"}})
            for n in range(2)
        ]
        # The first call is not taken before the kill, the second is; neither gets an answer.
        for fault in ("timeout_before_accept", "timeout_after_accept"):
            client.call("POST", "/sandbox/faults", json={"capability": "booking", "fault": fault, "next": 1})

        def ask(number: int) -> None:
            body = {"lead_id": leads[number]["id"], "start_time": f"{monday}T{10 + number}:00:00Z"}
            with contextlib.suppress(httpx.HTTPError):  # the API is killed before it can answer
                httpx.post(f"{house.url}/api/v1/bookings", json=body, headers=client.headers, trust_env=False)

        def found() -> list[dict[str, Any]]:
            return list(client.every("/bookings"))

        def both_are(status: str) -> bool:
            with contextlib.suppress(httpx.HTTPError, Conflict):  # while the API is away
                return [item["status"] for item in found()] == [status] * 2
            return False

        asking = [threading.Thread(target=ask, args=(number,)) for number in range(2)]
        for thread in asking:
            thread.start()
        wait_for(lambda: both_are("requested") and books.exists(), 90, "both calls are asked for", 0.2)
        wait_for(lambda: books.read_bytes().count(b"\n") == 1, 90, "one call is taken", 0.2)
        house.kill("api")
        for thread in asking:
            thread.join()

        wait_for(lambda: both_are("scheduled"), 90, "both calls are scheduled", 0.2)
        lines = [json.loads(line) for line in books.read_bytes().splitlines()]
        assert Counter(line["key"] for line in lines) == {item["id"]: 1 for item in found()}
        assert all(client.call("GET", f"/leads/{lead['id']}")["contact_status"] == "CALL_BOOKED" for lead in leads)
        client.close()
