"""Texts that a provider brings to its signed route, many at once or while the database stands still."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from tests.processes.fire import is_up_again, standing_still
from tests.processes.office import Office, wait_for

P99_SECONDS = 0.25  # of a thousand texts offered within a second
SENDER = "+447700900150"
_OWED = "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM deliveries WHERE parked_at IS NULL)"


@dataclass(frozen=True, slots=True)
class Call:
    """Hold one signed text as it is brought; `id` is the provider's."""

    id: str
    raw: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Route:
    """Hold a provider's route: what it answers to a text that is kept, and what signs so many for an office."""

    path: str
    kept: int
    sign: Callable[[Office, int], list[Call]]


def flood(office: Office, route: Route, count: int) -> dict[str, float]:
    """Bring so many within a second; tells the figures of the answers."""
    calls = route.sign(office, count)
    start = time.monotonic()
    told = asyncio.run(_brought(office, route, calls, 64, 1.0))
    whole = time.monotonic() - start
    assert Counter(status for status, _ in told) == {route.kept: count}
    _assert_stored_once(office, calls)
    waits = sorted(wait for _, wait in told)
    return {"whole": whole, "p50": waits[count // 2], "p99": waits[count * 99 // 100], "max": waits[-1]}


def median_flood(office: Office, route: Route, count: int) -> dict[str, float]:
    """Bring so many within a second, three times, each once the one before is worked off; tells the middle one."""
    flood(office, route, count // 5)
    seen = []
    for _ in range(3):
        wait_for(lambda: office.ask(_OWED)[0][0] == 0, 120, "what came before is worked off")
        seen.append(flood(office, route, count))
    return sorted(seen, key=lambda one: one["p99"])[1]


def stalled(office: Office, route: Route, count: int, seconds: float) -> float:
    """Bring texts while PostgreSQL stands still; tells how long the slowest answer took."""
    calls = route.sign(office, count)

    async def run() -> list[tuple[int, float]]:
        bringing = asyncio.create_task(_brought(office, route, calls, 200, 2.0))
        await asyncio.sleep(0.3)
        with standing_still(office, "postgres"):
            await asyncio.sleep(seconds)
        return await bringing

    told = asyncio.run(run())
    assert Counter(status for status, _ in told) == {route.kept: count}
    is_up_again(office, 60)
    _assert_stored_once(office, calls)
    return max(wait for _, wait in told)


async def _brought(
    office: Office, route: Route, calls: list[Call], connections: int, seconds: float
) -> list[tuple[int, float]]:
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
            number, call = waiting.pop()
            at = start + seconds * number / len(calls)
            await asyncio.sleep(max(at - time.monotonic(), 0))
            lines = "".join(f"{name}: {value}\r\n" for name, value in call.headers.items())
            head = f"POST {route.path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len(call.raw)}\r\n{lines}\r\n"
            writer.write(head.encode() + call.raw)
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = re.search(rb"content-length: (\d+)", answer)
            if length is not None:
                await reader.readexactly(int(length[1]))
            told.append((int(answer.split(b" ", 2)[1]), time.monotonic() - at))
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return told


def _assert_stored_once(office: Office, calls: list[Call]) -> None:
    """Assert that each was written down once, and became one message."""
    ids = [call.id for call in calls]
    stored = office.ask("SELECT external_id FROM inbound WHERE external_id = ANY ($1)", ids)
    assert Counter(row[0] for row in stored) == Counter(ids)
    told = "SELECT provider_id FROM messages WHERE provider_id = ANY ($1)"
    wait_for(lambda: len(office.ask(told, ids)) >= len(ids), 300, "every text is in its thread", 0.5)
    assert Counter(row[0] for row in office.ask(told, ids)) == Counter(ids)
