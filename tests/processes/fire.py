"""People who go on entering leads whatever dies, each under a key that they repeat until they are answered."""

import contextlib
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import psutil

from domain.kernel import new_id
from tests.processes.office import Office, wait_for

PATIENCE_SECONDS = 120.0


@dataclass
class Entry:
    """Hold what became of one key: its phone number, how often it was cut off, and each answer that was not a 503."""

    phone: str
    cut_off: int = 0
    answers: list[tuple[int, bytes]] = field(default_factory=list)


class Clerks:
    """Enter leads from several threads; use it as a block, which ends when everybody has been answered."""

    def __init__(self, office: Office, threads: int = 6) -> None:
        self._office = office
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(threads)]
        self._lock = threading.Lock()
        self._phones = iter(office.phones(100_000))
        self.entries: dict[str, Entry] = {}
        self.failures: list[str] = []

    def __enter__(self) -> "Clerks":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def answered(self) -> int:
        """Count the keys that have their answer."""
        return sum(1 for entry in list(self.entries.values()) if entry.answers)

    def wait_for_answers(self, more: int) -> None:
        """Wait until so many more keys have their answer."""
        goal = self.answered() + more
        wait_for(lambda: self.answered() >= goal, PATIENCE_SECONDS, "people are answered", 0.001)

    def cut_off(self) -> int:
        """Count the requests whose answer was lost."""
        return sum(entry.cut_off for entry in list(self.entries.values()))

    def _work(self, _number: int) -> None:
        with httpx.Client(
            base_url=f"{self._office.house.url}/api/v1",
            headers=self._office.client.headers,
            timeout=30,
            trust_env=False,
        ) as client:
            while not self._stop.is_set():
                key = new_id().hex
                with self._lock:
                    entry = self.entries[key] = Entry(next(self._phones))
                try:
                    self._enter(client, key, entry)
                except Exception as error:
                    self.failures.append(f"{key}: {error!r}")
                    return

    def _enter(self, client: httpx.Client, key: str, entry: Entry) -> None:
        body = {"contact": {"first_name": "Ada", "phone_number": entry.phone}}
        deadline = time.monotonic() + PATIENCE_SECONDS
        # Asked for until answered, and then once more, as a client does that lost the answer after all.
        while len(entry.answers) < 2:
            assert time.monotonic() < deadline, "no answer in time"
            try:
                answer = client.post("/leads", json=body, headers={"Idempotency-Key": key})
            except httpx.TransportError as error:
                # Where nobody listened, nothing was begun.
                entry.cut_off += not isinstance(error, httpx.ConnectError)
                time.sleep(0.02)
                continue
            if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                time.sleep(0.05)
            else:
                entry.answers.append((answer.status_code, answer.content))

    def assert_kept(self) -> None:
        """Assert that each key had one effect and one answer, and that what was answered is there."""
        assert self.failures == []
        odd = [e.answers for e in self.entries.values() if len(set(e.answers)) != 1 or e.answers[0][0] != 201]
        assert odd[:3] == [], self._faults()
        rows = self._office.ask("SELECT phone, count(*) FROM leads WHERE phone = ANY ($1) GROUP BY phone", self._all())
        assert Counter({row[0]: row[1] for row in rows}) == Counter(self._all())

    def _faults(self) -> list[str]:
        """Give what the API itself wrote down of the first faults of its own."""
        log = (self._office.house.folder / "log" / "api.log").read_text().splitlines()
        return [line[-1500:] for line in log if "request failed" in line][:2]

    def _all(self) -> list[str]:
        return [entry.phone for entry in self.entries.values()]


@contextmanager
def standing_still(office: Office, name: str) -> Iterator[None]:
    """Stop every process of a server as it stands, and let them go on when the block is left."""
    parent = psutil.Process(office.house.id_of(name))
    stopped = [parent, *parent.children(recursive=True)]
    for process in stopped:
        _signal(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in stopped:
            _signal(process, signal.SIGCONT)


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):  # back ends come and go
        process.send_signal(number)


def is_up_again(office: Office, seconds: float) -> float:
    """Wait until the house can do its work again; tells how many seconds that took."""
    return wait_for(office.is_ready, seconds, "the house is ready again", 0.05)


def worst(values: list[float]) -> str:
    """Write the largest of some seconds."""
    return f"{max(values):.1f} s"


Answer = tuple[int, float]


def call(office: Office, method: str, path: str, **options: Any) -> Answer:
    """Call once; tells the status (0: no answer) and the seconds that it took."""
    start = time.monotonic()
    try:
        status = office.once(method, path, 20, **options).status_code
    except httpx.TransportError:
        status = 0
    return status, time.monotonic() - start
