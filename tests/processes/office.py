"""An organisation at work in a house of real processes: many mobiles, campaigns on them, and what became of each."""

import contextlib
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from entrypoints.config import Config
from entrypoints.demo.books import Books
from entrypoints.demo.client import Client
from entrypoints.demo.house import House

PASSWORD = "correct horse battery staple"
ANY_TIME = {"schedule": {"start": "00:00", "end": "00:00"}, "rate_limit_messages_per_minute": 6000}


def wait_for(holds: Callable[[], object], seconds: float, what: str, every: float = 0.02) -> float:
    """Wait until something holds and tell how many seconds it took, or fail."""
    start = time.monotonic()
    while not holds():
        assert time.monotonic() - start < seconds, f"{what}: not within {seconds} s"
        time.sleep(every)
    return time.monotonic() - start


class Office:
    """Work lists of mobiles that nobody else in this house has."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house = house
        self.books = Books(house.folder / "sandbox")
        self.client = Client(house.url)
        self.client.set_up("olga@bright.example", PASSWORD, "Bright Windows")
        self._folder = folder
        self._next = 0

    def phones(self, count: int) -> list[str]:
        """Make up so many valid mobile numbers that were not used before."""
        first, self._next = self._next, self._next + count
        return [f"+447400{number:06d}" for number in range(first, self._next)]

    def imported(self, phones: list[str]) -> str:
        """Import people nobody has written to; gives their dataset."""
        path = self._folder / "people.csv"
        path.write_text("Forename,Mobile No.\n" + "".join(f"P{n},{phone}\n" for n, phone in enumerate(phones)))
        dataset_id = str(self.client.call("POST", "/datasets", json={"name": phones[0]})["id"])
        done = self.client.import_list(dataset_id, path)["result"]
        assert done["imported"]["successful"] == len(phones)
        assert done["ineligible"] == 0
        return dataset_id

    def start(self, count: int) -> tuple[str, list[str]]:
        """Import so many people and begin their campaign; gives its dataset and their numbers."""
        phones = self.phones(count)
        dataset_id = self.imported(phones)
        self.begin(dataset_id)
        return dataset_id, phones

    def begin(self, dataset_id: str) -> None:
        """Start the campaign of a dataset, at full speed, at any hour."""
        self.client.call("POST", "/campaigns/start", json={"dataset_id": dataset_id, "settings": ANY_TIME})

    def kill_busier_worker(self) -> str:
        """Kill the worker that has worked more; gives its name."""
        work = self.house.work_of_workers()
        name = max(work, key=lambda name: work[name])
        self.house.kill(name)
        return name

    def kill_after(self, texts: int, dice: random.Random, seconds: float = 30) -> int:
        """Kill the busier worker some milliseconds after so many more texts; gives how many were accepted by then."""
        goal = self.books.count() + texts
        deadline = time.monotonic() + seconds
        while self.books.count() < goal and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(dice.random() * 0.02)
        self.kill_busier_worker()
        return self.books.count()

    def wipe_valkey(self) -> None:
        """Kill Valkey with all it has written down."""
        shutil.rmtree(self.house.folder / "valkey" / "appendonlydir", ignore_errors=True)
        self.house.kill("valkey")

    def lose_answers(self, texts: int) -> None:
        """Let the provider accept the next texts without ever saying so."""
        self.client.call(
            "POST", "/sandbox/faults", json={"capability": "sms", "fault": "timeout_after_accept", "next": texts}
        )

    def states(self, dataset_id: str) -> dict[str, int]:
        """Count the campaign's ledger rows by state."""
        found: Counter[str] = Counter()
        for row in self.client.call("GET", f"/campaigns/{dataset_id}")["texts"]:
            found[row["state"]] += row["count"]
        return dict(found)

    def all_accepted(self, dataset_id: str, count: int, seconds: float) -> float:
        """Wait until the ledger says that everybody's text was accepted; tells how many seconds that took."""
        return wait_for(
            lambda: self.states(dataset_id) == {"accepted": count}, seconds, f"{count} texts are settled", 0.2
        )

    def assert_each_got_one(self, phones: list[str]) -> None:
        """Assert that the provider accepted everybody's touch once, under a key that is a message of ours."""
        wanted = set(phones)
        accepted = [text for text in self.books.texts() if text.to in wanted and text.body.startswith("Hi ")]
        by_number = Counter(text.to for text in accepted)
        doubled = {phone: count for phone, count in by_number.items() if count != 1}
        lost = [phone for phone in phones if phone not in by_number]
        assert (doubled, lost) == ({}, [])
        told = {
            message["id"]: message["status"]
            for message in self.client.every("/messages", direction="outbound", category="m1")
            if message["to"] in wanted
        }
        assert set(told) == {text.key for text in accepted}
        assert set(told.values()) <= {"sent", "delivered", "undelivered", "failed"}

    def config(self) -> Config:
        """Give the settings of the running house."""
        return Config.load(
            {"RAPPORT_DATA_DIR": str(self.house.folder), "RAPPORT_SANDBOX": "1", "RAPPORT_PORT": self._port()}
        )

    def _port(self) -> str:
        return self.house.url.rsplit(":", 1)[1]

    def is_ready(self) -> bool:
        """Tell whether the house says that it can do its work."""
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.house.url}/api/v1/health/ready", timeout=5, trust_env=False).status_code == 200
        return False


@contextmanager
def opened(folder: Path, seed: str, *, workers: int = 2, settings: Mapping[str, str] | None = None) -> Iterator[Office]:
    """Open an office in a house of its own."""
    with House(seed, workers, None, keep=False, settings=settings) as house:
        office = Office(house, folder)
        try:
            yield office
        finally:
            office.client.close()


@contextmanager
def frozen(house: House, *names: str) -> Iterator[None]:
    """Stop parts as they stand, and let them go on when the block is left."""
    stopped = [(name, house.send(name, signal.SIGSTOP)) for name in names]
    try:
        yield
    finally:
        for name, process_id in stopped:
            if house.id_of(name) == process_id:
                house.send(name, signal.SIGCONT)
