"""sqlmap, told by the document what there is to inject into, finds nothing: promise 14 (ASVS 1.2.4)."""

import contextlib
import json
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.access.described import Described, kinds, operations
from tests.access.world import kind_of
from tests.processes.besieged import Besieged
from tests.proofs import Note

SQLMAP_SECONDS = 240
NOTHING = "do not appear to be injectable"
BODIES = {
    "checkAvailability": {"date": "2030-03-20", "timezone": "Europe/London*"},
    "createContact": {"first_name": "Ann*", "email": "ann@example.com", "phone_number": "07400 123456*"},
    "createTag": {"slug": "hot*", "name": "Hot*"},
    "previewText": {"dataset_id": "{dataset_id}*", "lead_id": "{lead_id}", "touch": "M1*"},
}
"""Bodies that search or write, by operationId; what ends in a star is tried."""
needs_sqlmap = pytest.mark.skipif(shutil.which("sqlmap") is None, reason="Debian's sqlmap is not installed")


@dataclass(frozen=True)
class Target:
    """Hold what one run of sqlmap is told: an address, and names of its query, or else stars in it or in a body."""

    url: str
    names: tuple[str, ...] = ()
    body: dict[str, str] | None = None

    @property
    def places(self) -> int:
        """Count what is tried."""
        return len(self.names) or f"{self.url}{json.dumps(self.body)}".count("*")


class _Careless(BaseHTTPRequestHandler):
    """Look people up as nobody should."""

    def do_GET(self) -> None:
        name = parse_qs(urlsplit(self.path).query).get("name", [""])[0]
        with contextlib.closing(sqlite3.connect(":memory:")) as database:
            database.execute("CREATE TABLE people AS SELECT 'Ann' AS name")
            try:
                status, found = 200, database.execute(f"SELECT name FROM people WHERE name = '{name}'").fetchall()
            except (sqlite3.Error, sqlite3.Warning):
                status, found = 500, []
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Say nothing."""


@pytest.fixture
def careless() -> Iterator[str]:
    """Serve something that can be injected into; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Careless)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.prove
@needs_sqlmap
def test_sqlmap_finds_nothing(besieged: Besieged, careless: str, tmp_path: Path, proved: Note) -> None:
    found = _sqlmap(besieged, Target(f"{careless}/?name=Ann", ("name",)), tmp_path)
    assert "identified the following injection point" in found, found
    deadline = time.monotonic() + SQLMAP_SECONDS
    targets = sorted(_targets(besieged), key=lambda one: (one.body is None, not one.names))
    tried: list[Target] = []
    for target in targets:
        if time.monotonic() < deadline:
            told = _sqlmap(besieged, target, tmp_path)
            assert NOTHING in told, told
            tried.append(target)
    query, others = (sum(one.places for one in tried if bool(one.names) is named) for named in (True, False))
    bodies = sum(one.places for one in tried if one.body is not None)
    assert query > 100
    assert bodies > 5
    assert besieged.is_well()
    left = f", {len(targets) - len(tried)} runs left out after {SQLMAP_SECONDS} s" if len(tried) < len(targets) else ""
    places = f"{query} query parameters, {others - bodies} ids in addresses, {bodies} fields of JSON bodies"
    proved(14, f"sqlmap (boolean, error, union) found its control, and nothing in {len(tried)} runs: {places}{left}")


def _targets(house: Besieged) -> Iterator[Target]:
    for one in operations():
        if one.access != "member" or one.path.startswith("/sandbox"):
            continue
        address = f"{house.url}/api/v1{one.path}"
        ids = {name: house.ids[kind_of(name)] for name in one.path_ids if kind_of(name) in house.ids}
        if one.operation_id in BODIES:
            body = BODIES[one.operation_id]
            yield Target(address, body={name: said.format(**house.ids) for name, said in body.items()})
        if one.method != "get" or len(ids) < len(one.path_names):
            continue
        yield from _queries(house, one, address.format(**ids))
        if ids:
            yield Target(address.format(**{name: f"{known}*" for name, known in ids.items()}))


def _queries(house: Besieged, one: Described, address: str) -> Iterator[Target]:
    needed = {name: _fitting(house, name, said) for name, said in one.query.items() if said["required"]}
    others = [name for name in one.query if name not in ("page", "limit", *needed)]
    for names in (list(needed), [n for n in others if n != "cursor"], ["cursor"] if "cursor" in others else []):
        if names:
            asked = needed | {name: _fitting(house, name, one.query[name]) for name in names}
            yield Target(str(httpx.URL(address, params=asked)), tuple(names))


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


def _sqlmap(house: Besieged, target: Target, folder: Path) -> str:
    signed = f"Authorization: {house.owner['Authorization']}"
    headers, more = signed, ["-p", ",".join(target.names)] if target.names else []
    if target.body is not None:
        headers, more = f"{signed}\nContent-Type: application/json", ["--data", json.dumps(target.body)]
    command = [
        "sqlmap", "-u", target.url, *more, "--batch", "--technique", "BEU", "--headers", headers, "--ignore-code", "*",
        "--output-dir", str(folder), "--disable-coloring", "--flush-session", "--threads", "4",
    ]  # fmt: skip
    if target.url.startswith(house.url):
        command += ["--dbms", "postgresql"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout + done.stderr
