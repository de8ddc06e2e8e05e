"""Many queued touches: what people wait for does not wait for them."""

import math
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.processes.office import Office, opened, wait_for
from tests.proofs import Note

SLOWEST_SECONDS = 2.0


def p95(seconds: list[float]) -> float:
    """Give the time that nineteen of twenty stay below."""
    return sorted(seconds)[math.ceil(len(seconds) * 0.95) - 1]


def timed(work: Callable[[], object], times: int) -> list[float]:
    """Do something so often; gives the seconds of each."""
    taken = []
    for _ in range(times):
        start = time.monotonic()
        work()
        taken.append(time.monotonic() - start)
        time.sleep(0.05)
    return taken


def listed(office: Office) -> None:
    """List leads, as a screen does."""
    assert office.once("GET", "/leads", params={"limit": 50}).status_code == 200


def inbound(office: Office, phone: str) -> float:
    """Let a lead write to us; gives the seconds until the text is in its thread."""
    sender = office.ask("SELECT sender FROM organizations LIMIT 1")[0]["sender"]
    body = f"Yes, how much is it? {time.monotonic()}"
    start = time.monotonic()
    office.client.call("POST", "/sandbox/texts/inbound", json={"from": phone, "to": sender, "body": body})

    def there() -> bool:
        found = office.client.call("GET", "/messages", params={"direction": "inbound", "limit": 5})
        return any(message["content"] == body for message in found)

    wait_for(there, 60, "a lead's text is in its thread", 0.02)
    return time.monotonic() - start


def flooded(office: Office, touches: int, replies_timed: int) -> str:
    """Measure replies and lists with so many touches queued, all due; tells what was seen."""
    phones = office.phones(touches)
    dataset_id = office.imported(phones)
    known = phones[-replies_timed:]
    quiet = timed(lambda: listed(office), replies_timed)
    office.begin(dataset_id)
    wait_for(
        lambda: office.ask("SELECT count(*) FROM sends WHERE purpose = 'campaign'")[0][0] >= touches,
        300,
        "all are planned",
        0.5,
    )
    # A campaign spaces its texts; from here on all of them are late.
    office.client.call("POST", "/sandbox/clock", json={"advance_seconds": 60 * touches // 6000 + 60})
    sent = office.books.count()
    began = time.monotonic()
    replies = [office.text_reaches_the_provider(60) for _ in range(replies_timed)]
    arrived = [inbound(office, phone) for phone in known]
    lists = timed(lambda: listed(office), replies_timed)
    rate = (office.books.count() - sent) / (time.monotonic() - began)
    left = office.ask("SELECT count(*) FROM sends WHERE state = 'planned'")[0][0]
    assert left > 0, "the flood was over before the measuring"
    assert p95(replies) <= SLOWEST_SECONDS
    assert p95(arrived) <= SLOWEST_SECONDS
    return (
        f"{touches} touches due ({left} still queued at the end, {rate:.0f}/s going out): a person's text reaches the"
        f" provider in p95 {p95(replies) * 1000:.0f} ms, a lead's is in its thread in p95 {p95(arrived) * 1000:.0f} ms;"
        f" GET /leads p95 {p95(lists) * 1000:.0f} ms, before the flood {p95(quiet) * 1000:.0f} ms"
    )


def test_queued_touches_leave_replies_their_speed(tmp_path: Path) -> None:
    with opened(tmp_path, "flood") as office:
        print(flooded(office, 5_000, 8))


@pytest.mark.prove
def test_a_hundred_thousand_queued_touches_leave_replies_their_speed(tmp_path: Path, proved: Note) -> None:
    with opened(tmp_path, "flood") as office:
        proved(11, flooded(office, 100_000, 40))
