"""Slow clients are cut while others are served: promise 14 (ASVS 15.2.2)."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.processes.besieged import Besieged
from tests.proofs import Note

MANY = 600
GROWTH_MB = 120
needs_slowhttptest = pytest.mark.skipif(
    shutil.which("slowhttptest") is None, reason="Debian's slowhttptest is not installed"
)
SLOW_HEADERS = ("-H", "-i", "3", "-x", "24")
SLOW_BODY = ("-B", "-i", "3", "-x", "24", "-s", "8192", "-t", "POST")
SLOW_READ = ("-X", "-w", "10", "-y", "20", "-n", "5", "-z", "32", "-k", "3")


@contextlib.contextmanager
def _held(house: Besieged, opening: bytes, count: int) -> Iterator[list[socket.socket]]:
    host, port = house.url.removeprefix("http://").split(":")
    with contextlib.ExitStack() as stack:
        held = []
        for _ in range(count):
            held.append(stack.enter_context(socket.create_connection((host, int(port)), timeout=10)))
            held[-1].sendall(opening)
        yield held


def _ended(held: list[socket.socket]) -> int:
    ended = 0
    for one in held:
        one.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            try:
                ended += one.recv(4096) == b""
            except ConnectionError:
                ended += 1
    return ended


def test_half_open_requests_do_not_keep_others_waiting_and_are_cut(besieged: Besieged) -> None:
    before = besieged.resident
    with _held(besieged, b"GET /api/v1/health HTTP/1.1\r\nHost: besieged\r\nX-Slow: ", MANY) as held:
        assert besieged.is_well()
        deadline = time.monotonic() + 25
        while (ended := _ended(held)) < MANY and time.monotonic() < deadline:
            time.sleep(0.5)
        assert ended == MANY
    print(f"resident before {before:.0f} MB, after {besieged.resident:.0f} MB")
    assert besieged.resident - before < GROWTH_MB


def _connections(house: Besieged) -> int:
    port = int(house.url.rsplit(":", 1)[1])
    inward = [c for c in house.api.net_connections("tcp") if c.laddr and c.laddr.port == port and c.raddr]
    return sum(one.status == psutil.CONN_ESTABLISHED for one in inward)


def attacked(house: Besieged, how: tuple[str, ...], path: str, many: int) -> str:
    """Let slowhttptest hold so many connections in one way until all are cut; tells what was seen."""
    before, process = house.resident, house.api.pid
    url = f"{house.url}/api/v1{path}"
    command = ["slowhttptest", *how, "-c", str(many), "-r", "300", "-l", "50", "-p", "5", "-u", url, "-v", "1"]
    waits, most, held, left = [], before, 0, many
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as attack:
        began = time.monotonic()
        while attack.poll() is None and time.monotonic() - began < 46:
            started = time.monotonic()
            assert house.is_well()
            waits.append(time.monotonic() - started)
            most = max(most, house.resident)
            left = _connections(house)
            held = max(held, left)
            if held > many / 2 and left == 0:
                break
            time.sleep(0.5)
        left = _connections(house)
        attack.terminate()
    assert held > many / 2, "it held too few: this shows nothing"
    assert house.api.pid == process
    assert left < many / 10, f"{left} connections were not cut"
    assert most - before < GROWTH_MB
    return (
        f"{many} slow clients ({how[0]}): {left} left after {time.monotonic() - began:.0f} s; others served in at most"
        f" {max(waits):.1f} s; {before:.0f} → at most {most:.0f} → {house.resident:.0f} MB"
    )


@needs_slowhttptest
def test_sixty_of_slowhttptests_clients_are_cut(besieged: Besieged) -> None:
    print(attacked(besieged, SLOW_HEADERS, "/health", 60))


@pytest.mark.prove
@needs_slowhttptest
@pytest.mark.parametrize(
    ("how", "path", "many"),
    # An answer that waits for its reader is held in buffers of some 0.25 MB: hence fewer of those.
    [(SLOW_HEADERS, "/health", MANY), (SLOW_BODY, "/auth", MANY), (SLOW_READ, "/openapi.json", MANY // 2)],
    ids=["headers", "body", "read"],
)
def test_slowhttptest_does_not_take_the_service_away(
    besieged: Besieged, how: tuple[str, ...], path: str, many: int, proved: Note
) -> None:
    proved(14, attacked(besieged, how, path, many))
