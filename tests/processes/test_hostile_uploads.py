"""Uploads made to harm, sent to real processes: refused in a sentence or imported, and no process grows by them."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import psutil
import pytest

from entrypoints.demo.client import Client
from entrypoints.demo.house import House
from tests.proofs import Note

MOST_MEGABYTES = 250
_BOUNDARY = "b0undary"
_HEAD = (
    f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="list.csv"\r\n'
    "Content-Type: text/csv\r\n\r\n"
).encode()
_TAIL = f"\r\n--{_BOUNDARY}--\r\n".encode()
MEGABYTE = 1_000_000


@dataclass
class Watch:
    """Keep the most memory that each process had, in MB."""

    house: House
    most: dict[str, float] = field(default_factory=dict)
    _ended: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        """Look until told to end."""
        while not self._ended.wait(0.02):
            for name in ("api", "worker-1"):
                try:
                    now = psutil.Process(self.house.id_of(name)).memory_info().rss / MEGABYTE
                except (OSError, ValueError, psutil.Error):
                    continue
                self.most[name] = max(self.most.get(name, 0.0), now)

    def end(self) -> None:
        """Look no more."""
        self._ended.set()


@contextmanager
def watched(house: House) -> Iterator[Watch]:
    """Watch the memory of a house's processes."""
    watch = Watch(house)
    thread = threading.Thread(target=watch.look)
    thread.start()
    try:
        yield watch
    finally:
        watch.end()
        thread.join()


@dataclass
class Sender:
    """Send files in pieces, and have them imported."""

    url: str
    client: Client
    sent: int = 0

    def upload(self, pieces: Iterator[bytes]) -> httpx.Response:
        """Send a file; counts the bytes that were asked for."""
        self.sent = 0

        def form() -> Iterator[bytes]:
            yield _HEAD
            for piece in pieces:
                self.sent += len(piece)
                yield piece
            yield _TAIL

        headers = {**self.client.headers, "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
        return httpx.post(
            f"{self.url}/api/v1/datasets/upload", content=form(), headers=headers, timeout=900, trust_env=False
        )

    def imported(self, pieces: Iterator[bytes]) -> dict[str, Any]:
        """Upload, import, and wait for the job's end."""
        answer = self.upload(pieces)
        assert answer.status_code == 201, answer.text
        dataset = self.client.call("POST", "/datasets", json={"name": "Hostile"})
        body = {
            "upload_id": answer.json()["data"]["id"],
            "dataset_id": dataset["id"],
            "column_mapping": {"first_name": "First", "phone_number": "Mobile"},
        }
        job_id = self.client.call("POST", "/datasets/map-and-import", json=body)["job_id"]
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline:
            job: dict[str, Any] = self.client.call("GET", f"/jobs/{job_id}", headers={"Prefer": "wait=20"})
            if job["finished_at"] is not None:
                return job
        pytest.fail(f"the import does not end: {job}")


def many(piece: bytes, size: int) -> Iterator[bytes]:
    """Repeat a piece until so many bytes are sent."""
    block = piece * max(MEGABYTE // len(piece), 1)
    return itertools.repeat(block, max(size // len(block), 1))


def refused(answer: httpx.Response, says: str) -> None:
    """Assert a refusal whose sentence says so."""
    assert answer.status_code == 400, answer.text
    assert says in answer.json()["error"]["message"]


def bombs(sender: Sender, size: int) -> None:
    """Send what is refused, each of so many bytes."""
    header = iter((b"First,Mobile\n",))
    refused(sender.upload(many(bytes(range(256)), size)), "not a text file")
    refused(sender.upload(itertools.chain((b"PK\x03\x04",), many(b"\0", size))), "Excel workbook or a ZIP archive")
    refused(sender.upload(many(b"x", size)), "8 MB")
    refused(sender.upload(itertools.chain((b'First,Mobile\nAnn,"',), many(b"x" * 99 + b"\n", size))), "quotation mark")
    refused(sender.upload(itertools.chain(header, many(b'"' + b"x" * 900_000 + b'\n",', size))), "2 MB")
    wide = ",".join(f"c{n}" for n in range(10_000)).encode() + b"\n"
    refused(sender.upload(itertools.chain((wide,), many(b"," * 9_999 + b"\n", size))), "10,000 columns")
    commas = b"," * 1_000_000 + b"\n"
    refused(sender.upload(itertools.chain((b"First,Mobile\n",), many(commas, size))), "100,000 cells")
    refused(sender.upload(many(b"\r\n", size)), "no header" if size < 20 * MEGABYTE else "more than 10,000,000 rows")


def rows_that_fail(sender: Sender, size: int) -> None:
    """Send what is taken, row by row: surplus cells, long cells, NULs, two encodings."""
    commas = b"," * 90_000 + b"\n"
    job = sender.imported(
        itertools.chain((b"First,Mobile\n",), itertools.repeat(commas + b"x" + commas, size // len(commas) // 2))
    )
    assert job["status"] == "done", job
    assert job["result"]["imported"]["failed"] == job["result"]["imported"]["total_rows"] > 0
    long = b"Ann," + b"9" * 1_000_000 + b"\n"
    job = sender.imported(itertools.chain((b"First,Mobile\n",), itertools.repeat(long, size // len(long))))
    assert job["result"]["imported"]["failed"] == size // len(long)
    rows = sender.client.answer("GET", f"/imports/{job['result']['import_id']}/rows", params={"limit": "200"})
    assert len(rows.content) < 20_000 * (size // len(long))
    whole = 0
    url = f"{sender.url}{job['result']['failed_rows_url']}"
    with httpx.stream("GET", url, headers=dict(sender.client.headers), timeout=60, trust_env=False) as answer:
        for piece in answer.iter_bytes():
            whole += len(piece)
    assert whole > size // len(long) * 1_000_000
    odd = b"First,Mobile\nZo\xc3\xab,07700 900001\nZo\xeb,07700 900002\nB\0b,07700 900003\n"
    even = b"".join(b"\xc5\x81,07700 900%03d\n" % n for n in range(100, 200))
    result = sender.imported(iter((odd, even)))["result"]
    assert result["imported"] == {"total_rows": 103, "successful": 101, "failed": 2, "duplicates": 0}


def opened(upload_max: str) -> House:
    """Open a house that takes files of so many bytes."""
    return House("hostile", 1, None, keep=False, settings={"RAPPORT_UPLOAD_MAX": upload_max})


def test_hostile_files_are_refused_or_fail_row_by_row_in_flat_memory() -> None:
    with opened("30MB") as house:
        sender = Sender(house.url, Client(house.url))
        sender.client.set_up("olga@bright.example", "correct horse battery staple", "Bright Windows")
        with watched(house) as watch:
            sender.imported(iter((b"First,Mobile\nAnn,07700 900001\n",)))
            print("at rest:", {name: f"{most:.0f} MB" for name, most in watch.most.items()})
            bombs(sender, 12 * MEGABYTE)
            rows_that_fail(sender, 24 * MEGABYTE)
            answer = sender.upload(many(b"Ann,07700 900001\n", 1_000 * MEGABYTE))
            assert (answer.status_code, answer.json()["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
            assert sender.sent < 60 * MEGABYTE, "a gigabyte was not read to be refused"
        sender.client.close()
    print("most memory:", {name: f"{most:.0f} MB" for name, most in watch.most.items()})
    assert max(watch.most.values()) <= MOST_MEGABYTES


@pytest.mark.prove
def test_hostile_files_of_a_gigabyte(proved: Note) -> None:
    size = 1_000 * MEGABYTE
    with opened("2GB") as house:
        sender = Sender(house.url, Client(house.url))
        sender.client.set_up("olga@bright.example", "correct horse battery staple", "Bright Windows")
        with watched(house) as watch:
            bombs(sender, 60 * MEGABYTE)
            rows_that_fail(sender, 60 * MEGABYTE)
            filler = b"x" * 10_000
            people = (b"Ann,+447400%06d,%s\n" % (n, filler) for n in range(size // 10_018))
            blocks = iter(lambda: b"".join(itertools.islice(people, 100)), b"")
            job = sender.imported(itertools.chain((b"First,Mobile,Filler\n",), blocks))
            assert job["result"]["imported"]["successful"] == size // 10_018, job
            refused(sender.upload(many(b"x,1\n", size)), "more than 10,000,000 rows")
        sender.client.close()
    most = ", ".join(f"{name} {most:.0f} MB" for name, most in sorted(watch.most.items()))
    print("most memory:", most)
    assert max(watch.most.values()) <= MOST_MEGABYTES
    proved(14, f"hostile files and a gigabyte imported, another refused; most memory {most}")
