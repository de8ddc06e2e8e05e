"""Slow clients are cut while others are served, and sqlmap finds nothing: promise 14 (ASVS 1.2.4, 15.2.2)."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.access.described import kinds, operations
from tests.access.world import kind_of
from tests.processes.besieged import Besieged
from tests.proofs import Note

MANY = 600
GROWTH_MB = 120
SQLMAP_SECONDS = 150
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


@pytest.mark.prove
@pytest.mark.skipif(shutil.which("slowhttptest") is None, reason="Debian's slowhttptest is not installed")
@pytest.mark.parametrize(
    ("how", "path", "many"),
    # An answer that waits for its reader is held in buffers of some 0.25 MB: hence fewer of those.
    [(SLOW_HEADERS, "/health", MANY), (SLOW_BODY, "/auth", MANY), (SLOW_READ, "/openapi.json", MANY // 2)],
    ids=["headers", "body", "read"],
)
def test_slowhttptest_does_not_take_the_service_away(
    besieged: Besieged, how: tuple[str, ...], path: str, many: int, proved: Note
) -> None:
    before, process = besieged.resident, besieged.api.pid
    url = f"{besieged.url}/api/v1{path}"
    command = ["slowhttptest", *how, "-c", str(many), "-r", "300", "-l", "50", "-p", "5", "-u", url, "-v", "1"]
    waits, most, left = [], before, many
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as attack:
        began = time.monotonic()
        while attack.poll() is None and time.monotonic() - began < 46:
            started = time.monotonic()
            assert besieged.is_well()
            waits.append(time.monotonic() - started)
            most = max(most, besieged.resident)
            time.sleep(1)
        left = _connections(besieged)
        attack.terminate()
    assert besieged.api.pid == process
    assert left < many / 10, f"{left} connections were not cut"
    assert most - before < GROWTH_MB
    proved(14, f"{many} slow clients ({how[0]}): {left} left at the end; others served in at most {max(waits):.1f} s;"
               f" {before:.0f} → at most {most:.0f} → {besieged.resident:.0f} MB")  # fmt: skip


@pytest.mark.prove
@pytest.mark.skipif(shutil.which("sqlmap") is None, reason="Debian's sqlmap is not installed")
def test_sqlmap_finds_nothing(besieged: Besieged, tmp_path: Path, proved: Note) -> None:
    deadline = time.monotonic() + SQLMAP_SECONDS
    tried, lists = 0, 0
    for one in operations():
        if one.method != "get" or one.access != "member" or one.path_ids or one.path.startswith("/sandbox"):
            continue
        needed = {name: _fitting(besieged, name, said) for name, said in one.query.items() if said["required"]}
        others = [name for name in one.query if name not in ("page", "limit", *needed)]
        for names in (
            list(needed),
            [name for name in others if name != "cursor"],
            ["cursor"] if "cursor" in others else [],
        ):
            if not names or time.monotonic() > deadline:
                continue
            asked = needed | {name: _fitting(besieged, name, one.query[name]) for name in names}
            told = _sqlmap(besieged, str(httpx.URL(f"{besieged.url}/api/v1{one.path}", params=asked)), names, tmp_path)
            assert "do not appear to be injectable" in told, told
            tried, lists = tried + len(names), lists + 1
    assert tried > 20
    assert besieged.is_well()
    proved(14, f"sqlmap over {tried} query parameters in {lists} runs: nothing found")


def _fitting(house: Besieged, name: str, said: dict[str, Any]) -> str:
    """Make up a value that the parameter takes, so that what sqlmap changes is all that differs."""
    for form in kinds(said["schema"]):
        if "enum" in form:
            return str(form["enum"][0])
        if form.get("format") == "uuid":
            return house.ids[kind_of(name)]
        if form.get("type") == "boolean":
            return "true"
    return str(said.get("example", "created_at" if name == "sort" else "name"))


def _sqlmap(house: Besieged, url: str, names: list[str], folder: Path) -> str:
    signed = f"Authorization: {house.owner['Authorization']}"
    command = [
        "sqlmap", "-u", url, "-p", ",".join(names), "--batch", "--dbms", "postgresql", "--technique", "BEU",
        "--headers", signed, "--ignore-code", "*", "--output-dir", str(folder), "--disable-coloring",
        "--flush-session", "--threads", "4",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout + done.stderr
