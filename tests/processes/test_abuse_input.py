"""Bodies that no honest client sends, on raw connections: refused, with flat memory (ASVS 1.5.2, 4.1.1, 4.2.1)."""

import contextlib
import gzip
import itertools
import json
import socket
import time
import zlib
from collections.abc import Iterable, Iterator

import pytest

from tests.processes.besieged import Besieged

DEEP = 10_000
GROWTH_MB = 60
NAME = b'{"name": "X", "business_hours": %s}'
ODD = {
    "10,000 lists deep": NAME % (b"[" * DEEP + b"]" * DEEP),
    "10,000 objects deep": NAME % (b'{"a":' * DEEP + b"1" + b"}" * DEEP),
    "1e400": NAME % b'{"mon": 1e400}',
    "-1e400": NAME % b'{"mon": -1e400}',
    "NaN": NAME % b'{"mon": NaN}',
    "Infinity": NAME % b'{"mon": Infinity}',
    "twin names": b'{"name": "X", "name": "Y"}',
    "twin names within": NAME % b'{"mon": {"a": 1, "a": 2}}',
    "twin names by escape": b'{"name": "X", "\\u006eame": "Y"}',
    "lone surrogate": b'{"name": "\\ud800"}',
    "surrogates the wrong way round": b'{"name": "\\udc00\\ud800"}',
    "surrogate in UTF-8": b'{"name": "\xed\xa0\x80"}',
    "invalid UTF-8": b'{"name": "\xff\xfe"}',
    "overlong UTF-8": b'{"name": "\xc0\xaf"}',
    "NUL by escape": b'{"name": "a\\u0000b"}',
    "NUL in a name": b'{"na\\u0000me": "X"}',
    "NUL": b'{"name": "a\x00b"}',
    "BOM": b'\xef\xbb\xbf{"name": "X"}',
    "UTF-16": '{"name": "X"}'.encode("utf-16"),
    "comment": b'{"name": "X" /* one */}',
    "trailing comma": b'{"name": "X",}',
    "two values": b'{"name": "X"}{"name": "Y"}',
    "single quotes": b"{'name': 'X'}",
    "a number of a million digits": b'{"name": ' + b"9" * 900_000 + b"}",
    "a list for a text": b'{"name": ["X"]}',
}


def _asked(house: Besieged, head: str, body: Iterable[bytes] = (), seconds: float = 15) -> tuple[int, float]:
    """Send a request as it stands; gives the status (0: cut without one) and how many MB went out before that."""
    host, port = house.url.removeprefix("http://").split(":")
    sent = 0
    with socket.create_connection((host, int(port)), timeout=seconds) as wire:
        wire.sendall(head.replace("\n", "\r\n").encode() + b"\r\n")
        try:
            for piece in body:
                wire.sendall(piece)
                sent += len(piece)
                wire.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    if answer := wire.recv(4096):
                        return int(answer.split(b" ", 2)[1]), sent / 1e6
                wire.settimeout(seconds)
            answer = wire.recv(4096)
            return (int(answer.split(b" ", 2)[1]) if answer else 0), sent / 1e6
        except (ConnectionError, BrokenPipeError):
            wire.settimeout(seconds)
            with contextlib.suppress(OSError):
                if answer := wire.recv(4096):
                    return int(answer.split(b" ", 2)[1]), sent / 1e6
            return 0, sent / 1e6


def _head(house: Besieged, path: str, *headers: str, method: str = "POST") -> str:
    lines = (f"{method} /api/v1{path} HTTP/1.1", "Host: besieged", f"Authorization: {house.owner['Authorization']}")
    return "".join(f"{line}\n" for line in (*lines, *headers))


@pytest.mark.parametrize("what", ODD)
def test_odd_json_is_the_senders_fault(besieged: Besieged, what: str) -> None:
    body = ODD[what]
    head = _head(besieged, "/organizations", "Content-Type: application/json", f"Content-Length: {len(body)}")
    assert _asked(besieged, head, [body])[0] == 400, what


@pytest.fixture
def flat(besieged: Besieged) -> Iterator[None]:
    """Measure the API's memory before, during and after: it must not grow by what is thrown at it."""
    process, before = besieged.api.pid, besieged.resident
    yield
    after = besieged.resident
    print(f"resident before {before:.0f} MB, after {after:.0f} MB")
    assert besieged.api.pid == process, "the API died"
    assert after - before < GROWTH_MB
    assert besieged.is_well()


def _chunks(piece: bytes) -> Iterator[bytes]:
    return itertools.repeat(f"{len(piece):x}\r\n".encode() + piece + b"\r\n", 100_000)


@pytest.mark.usefixtures("flat")
@pytest.mark.parametrize("path", ["/organizations", "/auth", "/webhooks/sandbox/sms", "/leads"])
def test_a_body_without_an_end_is_cut_off(besieged: Besieged, path: str) -> None:
    head = _head(besieged, path, "Content-Type: application/json", "Transfer-Encoding: chunked")
    status, megabytes = _asked(besieged, head, _chunks(b" " * 65_536))
    assert status in (0, 400, 401, 413)
    assert megabytes < 40, f"{megabytes} MB were taken"


@pytest.mark.usefixtures("flat")
def test_an_announced_giant_is_refused_before_it_comes(besieged: Besieged) -> None:
    for path in ("/organizations", "/auth"):
        head = _head(besieged, path, "Content-Type: application/json", "Content-Length: 99999999999")
        assert _asked(besieged, head)[0] == 413
    form = "Content-Type: multipart/form-data; boundary=x"
    assert _asked(besieged, _head(besieged, "/datasets/upload", form, "Content-Length: 99999999999"))[0] == 413


@pytest.mark.usefixtures("flat")
def test_a_length_that_lies_is_refused_or_cut(besieged: Besieged) -> None:
    json_body = "Content-Type: application/json"
    body = b'{"name": "X"}'
    for headers in (
        ("Content-Length: -1",),
        ("Content-Length: 13, 14",),
        ("Content-Length: 13", "Content-Length: 14"),
        ("Content-Length: 0x0d",),
        ("Content-Length: 13", "Transfer-Encoding: xchunked"),
        ("Transfer-Encoding: chunked, identity",),
    ):
        status, _ = _asked(besieged, _head(besieged, "/organizations", json_body, *headers), [body])
        assert status in (0, 400, 415, 501), headers
    short = _head(besieged, "/organizations", json_body, f"Content-Length: {len(body) - 3}", "Connection: close")
    assert _asked(besieged, short, [body])[0] == 400


@pytest.mark.usefixtures("flat")
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
def test_a_packed_body_is_not_unpacked(besieged: Besieged, encoding: str) -> None:
    bomb = gzip.compress(b" " * 50_000_000) if "gzip" in encoding else zlib.compress(b" " * 50_000_000)
    for path in ("/organizations", "/auth"):
        head = _head(
            besieged, path, "Content-Type: application/json", f"Content-Encoding: {encoding}",
            f"Content-Length: {len(bomb)}",
        )  # fmt: skip
        assert _asked(besieged, head, [bomb])[0] == 415


@pytest.mark.usefixtures("flat")
def test_headers_without_an_end_are_cut_off(besieged: Besieged) -> None:
    endless = (f"X-Filler-{number}: {'x' * 4000}\r\n".encode() for number in itertools.count())
    host, port = besieged.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=15) as wire:
        wire.sendall(b"GET /api/v1/health HTTP/1.1\r\nHost: besieged\r\n")
        with contextlib.suppress(ConnectionError):
            for number, line in enumerate(endless):
                wire.sendall(line)
                assert number < 2500, "10 MB of headers were taken"
    many = "".join(f"X-{number}: 1\n" for number in range(5000))
    assert _asked(besieged, _head(besieged, "/users/me", method="GET") + many)[0] in (0, 400, 431)


@pytest.mark.usefixtures("flat")
def test_a_form_of_nothing_but_parts_is_refused(besieged: Besieged) -> None:
    part = b"--x\r\nContent-Disposition: form-data; name=dataset_id\r\n\r\n\r\n" * 2000
    head = _head(
        besieged, "/datasets/upload", "Content-Type: multipart/form-data; boundary=x", "Transfer-Encoding: chunked"
    )
    status, megabytes = _asked(besieged, head, _chunks(part))
    assert status == 400
    assert megabytes < 10


def test_a_large_object_of_many_names_costs_little(besieged: Besieged) -> None:
    body = json.dumps({"name": "X", "business_hours": {f"n{number}": 1 for number in range(70_000)}}).encode()
    head = _head(besieged, "/organizations", "Content-Type: application/json", f"Content-Length: {len(body)}")
    started = time.monotonic()
    assert _asked(besieged, head, [body])[0] in (201, 400)
    assert time.monotonic() - started < 5
