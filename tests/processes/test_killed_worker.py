"""A worker killed at any moment between claim, hand-over and receipt: nothing lost, nothing doubled, all settled."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from entrypoints.demo.books import Books
from entrypoints.demo.client import Client
from entrypoints.demo.house import House

RECIPIENTS = 200
ANY_TIME = {"schedule": {"start": "00:00", "end": "00:00"}, "rate_limit_messages_per_minute": 6000}


class Office:
    """Work lists of made-up numbers, five lists at most, in a house of real processes."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house = house
        self.books = Books(house.folder / "sandbox")
        self.client = Client(house.url)
        self.client.set_up("olga@bright.example", "correct horse battery staple", "Bright Windows")
        self._folder = folder
        self._numbers = iter(range(1000))

    def start(self) -> tuple[str, list[str]]:
        """Import people nobody has written to, and begin their campaign; gives its dataset and their numbers."""
        phones = [f"+447700900{next(self._numbers):03d}" for _ in range(RECIPIENTS)]
        path = self._folder / "people.csv"
        path.write_text("Forename,Mobile No.\n" + "".join(f"P{n},{phone}\n" for n, phone in enumerate(phones)))
        dataset_id = self.client.call("POST", "/datasets", json={"name": phones[0]})["id"]
        done = self.client.import_list(dataset_id, path)["result"]
        assert done["imported"]["successful"] == RECIPIENTS
        assert done["ineligible"] == 0
        self.client.call("POST", "/campaigns/start", json={"dataset_id": dataset_id, "settings": ANY_TIME})
        return dataset_id, phones

    def kill(self, after: int, dice: random.Random, seconds: float = 25) -> int:
        """Kill the busier worker some milliseconds after so many more texts; gives how many were accepted by then."""
        goal = self.books.count() + after
        deadline = time.monotonic() + seconds
        while self.books.count() < goal and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(dice.random() * 0.02)
        work = self.house.work_of_workers()
        self.house.kill(max(work, key=lambda name: work[name]))
        return self.books.count()

    def states(self, dataset_id: str) -> dict[str, int]:
        """Count the campaign's ledger rows by state."""
        found: Counter[str] = Counter()
        for row in self.client.call("GET", f"/campaigns/{dataset_id}")["texts"]:
            found[row["state"]] += row["count"]
        return dict(found)

    def assert_each_got_one(self, dataset_id: str, phones: list[str]) -> None:
        """Assert that everybody's text was accepted once, and that we know it."""
        accepted = Counter(text.to for text in self.books.texts() if text.body.startswith("Hi "))
        assert {phone: accepted[phone] for phone in phones} == dict.fromkeys(phones, 1)
        assert self.states(dataset_id) == {"accepted": RECIPIENTS}
        keys = {text.key for text in self.books.texts()}
        told: list[dict[str, Any]] = [
            message
            for message in self.client.every("/messages", direction="outbound", category="m1")
            if message["to"] in set(phones)
        ]
        assert len(told) == RECIPIENTS
        assert {message["status"] for message in told} <= {"sent", "delivered", "undelivered", "failed"}
        assert {message["id"] for message in told} <= keys


@contextmanager
def opened(folder: Path) -> Iterator[Office]:
    """Open an office in a house of its own."""
    with House("killed-worker", 2, None, keep=False) as house:
        office = Office(house, folder)
        try:
            yield office
        finally:
            office.client.close()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with opened(tmp_path_factory.mktemp("lists")) as one:
        yield one


def test_nothing_is_lost_or_doubled_when_workers_are_killed(office: Office) -> None:
    dice = random.Random()
    dataset_id, phones = office.start()
    moments = [office.kill(after, dice) for after in (dice.randrange(1, 60), 0, dice.randrange(60))]
    office.client.settle()
    print("texts accepted at each kill:", moments)
    office.assert_each_got_one(dataset_id, phones)


def test_texts_whose_answer_never_came_are_asked_about_and_not_sent_again(office: Office) -> None:
    dice = random.Random()
    for fault, probability in (("timeout_after_accept", 0.04), ("duplicate_callbacks", 0.2)):
        body = {"capability": "sms", "fault": fault, "probability": probability}
        office.client.call("POST", "/sandbox/faults", json=body)
    dataset_id, phones = office.start()
    office.kill(dice.randrange(1, 100), dice)
    office.client.settle()
    office.client.call("DELETE", "/sandbox/faults")
    office.assert_each_got_one(dataset_id, phones)


@pytest.mark.prove
def test_twenty_rounds_of_kills(tmp_path: Path) -> None:
    for seed in range(4):
        dice = random.Random(seed)
        with opened(tmp_path) as office:
            for _ in range(5):
                dataset_id, phones = office.start()
                for _ in range(dice.randint(1, 2)):
                    office.kill(dice.randrange(80), dice)
                office.client.settle()
                office.assert_each_got_one(dataset_id, phones)
