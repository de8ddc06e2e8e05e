"""A provider that brings much at once, and one that calls while the database stands still: nothing is lost."""

import asyncio
import base64
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook

from domain.kernel import new_id
from entrypoints.config import Config
from tests.processes.fire import is_up_again, standing_still
from tests.processes.office import Office, opened, wait_for
from tests.proofs import Note

PATH = "/api/v1/webhooks/sandbox/sms"
SENDER = "+447700900150"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with opened(tmp_path_factory.mktemp("lists"), "webhooks", workers=1) as one:
        yield one


def calls_of(office: Office, count: int) -> list[tuple[str, bytes, dict[str, str]]]:
    """Sign so many texts to the organisation's number; each its id, body and headers."""
    key = Config.load(office.house.environment).derived_key("sandbox-webhooks")
    webhook = Webhook(base64.b64encode(key).decode())
    [[number]] = office.ask("SELECT sender FROM organizations")
    made, at = [], datetime.now(UTC)
    for _ in range(count):
        text = {"id": new_id().hex, "from": SENDER, "to": number, "body": "Hello", "at": "2026-11-21T09:00:00Z"}
        raw = json.dumps(text).encode()
        headers = {
            "webhook-id": text["id"],
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": webhook.sign(text["id"], at, raw.decode()),
            "content-type": "application/json",
        }
        made.append((text["id"], raw, headers))
    return made


async def brought(office: Office, calls: list[Any], connections: int, seconds: float) -> list[tuple[int, float]]:
    """Bring them all, evenly over some seconds; tells each status and how long after its time it was answered.

    On bare connections: a client in Python would cost more than what it measures.
    """
    host, port = office.house.url.removeprefix("http://").split(":")
    waiting = list(enumerate(calls))[::-1]
    told: list[tuple[int, float]] = []
    start = time.monotonic()

    async def one() -> None:
        reader, writer = await asyncio.open_connection(host, port)
        while waiting:
            number, (_, raw, headers) = waiting.pop()
            at = start + seconds * number / len(calls)
            await asyncio.sleep(max(at - time.monotonic(), 0))
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            head = f"POST {PATH} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len(raw)}\r\n{lines}\r\n"
            writer.write(head.encode() + raw)
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = re.search(rb"content-length: (\d+)", answer)
            if length is not None:
                await reader.readexactly(int(length[1]))
            told.append((int(answer.split(b" ", 2)[1]), time.monotonic() - at))
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return told


def assert_stored_once(office: Office, calls: list[Any]) -> None:
    """Assert that each was written down once, and became one message."""
    ids = [identifier for identifier, _, _ in calls]
    stored = office.ask("SELECT external_id FROM inbound WHERE external_id = ANY ($1)", ids)
    assert Counter(row[0] for row in stored) == Counter(ids)
    told = "SELECT provider_id FROM messages WHERE provider_id = ANY ($1)"
    wait_for(lambda: len(office.ask(told, ids)) >= len(ids), 300, "every text is in its thread", 0.5)
    assert Counter(row[0] for row in office.ask(told, ids)) == Counter(ids)


def flood(office: Office, count: int) -> dict[str, float]:
    """Bring so many within a second; tells the figures of the answers."""
    calls = calls_of(office, count)
    start = time.monotonic()
    told = asyncio.run(brought(office, calls, 64, 1.0))
    whole = time.monotonic() - start
    assert Counter(status for status, _ in told) == {204: count}
    assert_stored_once(office, calls)
    waits = sorted(wait for _, wait in told)
    return {"whole": whole, "p50": waits[count // 2], "p99": waits[count * 99 // 100], "max": waits[-1]}


def stalled(office: Office, count: int, seconds: float) -> float:
    """Bring texts while PostgreSQL stands still; tells how long the slowest answer took."""
    calls = calls_of(office, count)

    async def run() -> list[tuple[int, float]]:
        bringing = asyncio.create_task(brought(office, calls, 200, 2.0))
        await asyncio.sleep(0.3)
        with standing_still(office, "postgres"):
            await asyncio.sleep(seconds)
        return await bringing

    told = asyncio.run(run())
    assert Counter(status for status, _ in told) == {204: count}
    is_up_again(office, 60)
    assert_stored_once(office, calls)
    return max(wait for _, wait in told)


def test_a_hundred_texts_at_once_are_all_kept(office: Office) -> None:
    flood(office, 100)


def test_texts_that_come_while_the_database_stands_still_are_kept(office: Office) -> None:
    assert stalled(office, 40, 3) <= 12


@pytest.mark.prove
@pytest.mark.alone
def test_a_thousand_texts_in_a_second(office: Office, proved: Note) -> None:
    flood(office, 200)
    seen = flood(office, 1000)
    proved(
        9,
        f"1,000 signed texts offered within a second, answered in {seen['whole']:.1f} s: 1,000 × 204, 0 lost, 0 twice;"
        f" p50 {seen['p50'] * 1000:.0f} ms, p99 {seen['p99'] * 1000:.0f} ms (goal 250)",
    )


@pytest.mark.prove
@pytest.mark.alone
def test_a_thousand_texts_while_the_database_stands_still_for_five_seconds(office: Office, proved: Note) -> None:
    slowest = stalled(office, 1000, 5)
    assert slowest <= 12
    proved(9, f"database stalled 5 s under 1,000 signed texts: 1,000 × 204, 0 lost, slowest answer {slowest:.1f} s")
