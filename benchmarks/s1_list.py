"""S1: `GET /leads?status=…&limit=50` through the full stack, beside the bare list with the same bytes."""

import base64
import http.client
import statistics
from collections.abc import Iterator

import msgspec

from benchmarks.figures import Figure, median_ratio
from benchmarks.installation import Server
from benchmarks.load import Run, Task, load
from benchmarks.worlds import Worlds

QUERY = "status=READY&limit=50"


def measure(worlds: Worlds) -> Iterator[Figure]:
    """Give requests a second, the server's CPU a request, and the spread of our own times."""
    house, tenants = worlds.large
    largest = tenants[0]
    with house.api() as api, house.bare("benchmarks.bare.leads", str(largest.organization_id)) as bare:
        mark = _require_same_bytes(api, bare, largest.token)
        ours_at = Task(port=api.port, path=f"/api/v1/leads?{QUERY}", token=largest.token, requests=worlds.requests)
        bare_at = Task(port=bare.port, path=f"/leads?{QUERY}&mark={mark}", requests=worlds.requests)
        ours: list[tuple[Run, float]] = []
        theirs: list[tuple[Run, float]] = []
        for number in range(worlds.rounds + 1):
            turns = [(api, ours_at, ours), (bare, bare_at, theirs)]
            for server, task, kept in turns if number % 2 else reversed(turns):
                kept.append(_timed(server, task))
        # The first round warms caches and prepares statements.
        del ours[0], theirs[0]
    rates, bare_rates = [run.rate for run, _ in ours], [run.rate for run, _ in theirs]
    cpu, bare_cpu = [spent for _, spent in ours], [spent for _, spent in theirs]
    yield Figure(
        "S1 list of leads, requests/s, 16 connections",
        f"{statistics.median(rates):,.0f}/s",
        f"{statistics.median(bare_rates):,.0f}/s",
        median_ratio(rates, bare_rates),
        at_least=0.75,
    )
    yield Figure(
        "S1 server's CPU a request",
        f"{statistics.median(cpu) * 1e3:.2f} ms",
        f"{statistics.median(bare_cpu) * 1e3:.2f} ms",
        median_ratio(cpu, bare_cpu),
        at_most=1.3,
    )
    p50, p99 = (statistics.median(getattr(run, name) for run, _ in ours) for name in ("p50", "p99"))
    bare_p50, bare_p99 = (statistics.median(getattr(run, name) for run, _ in theirs) for name in ("p50", "p99"))
    yield Figure(
        "S1 our p99 / p50",
        f"{p99 * 1e3:.1f} / {p50 * 1e3:.1f} ms",
        f"{bare_p99 * 1e3:.1f} / {bare_p50 * 1e3:.1f} ms",
        p99 / p50,
        at_most=2.5,
    )


def _timed(server: Server, task: Task) -> tuple[Run, float]:
    before = server.cpu_seconds()
    run = load(task)
    return run, (server.cpu_seconds() - before) / run.requests


def fetch(server: Server, path: str, token: str = "") -> bytes:
    """Ask once."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{path} was answered {answer.status}: {body[:300]!r}")
    return body


def next_cursor(body: bytes) -> str:
    """Read where a list goes on."""
    found = msgspec.json.decode(body)["pagination"]["next_cursor"]
    assert isinstance(found, str)
    return found


def _require_same_bytes(api: Server, bare: Server, token: str) -> str:
    ours = fetch(api, f"/api/v1/leads?{QUERY}", token)
    cursor = next_cursor(ours)
    mark = str(msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))[0])
    if fetch(bare, f"/leads?{QUERY}&mark={mark}") != ours:
        raise RuntimeError("The bare list does not answer what ours answers: there is nothing to compare.")
    return mark
