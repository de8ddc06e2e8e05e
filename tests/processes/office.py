"""An organisation at work in a house of real processes: many mobiles, campaigns on them, and what became of each."""

import asyncio
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil

from entrypoints.config import CHECKOUT, Config
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
        # A connection a call, since whoever answered the last may be dead; and one client, since each costs 25 ms.
        self._http = httpx.Client(trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
        self._folder = folder
        self._next = 0

    def close(self) -> None:
        """Hang up."""
        self._http.close()
        self.client.close()

    def phones(self, count: int) -> list[str]:
        """Make up so many valid mobile numbers that were not used before."""
        first, self._next = self._next, self._next + count
        return [f"+447400{number:06d}" for number in range(first, self._next)]

    def imported(self, phones: Sequence[str], products: Mapping[str, str] | None = None) -> str:
        """Import people nobody has written to, with what each asked about if that is told; gives their dataset."""
        path = self._folder / "people.csv"
        lines = ["Forename,Mobile No.", *(f"P{n},{phone}" for n, phone in enumerate(phones))]
        if products is not None:
            asked = ["Product", *(products[phone] for phone in phones)]
            lines = [f"{line},{product}" for line, product in zip(lines, asked, strict=True)]
        path.write_text("\n".join(lines) + "\n")
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

    def begin(self, dataset_id: str, **settings: Any) -> None:
        """Start the campaign of a dataset at any hour, at full speed unless it is set otherwise."""
        body = {"dataset_id": dataset_id, "settings": {**ANY_TIME, **settings}}
        self.client.call("POST", "/campaigns/start", json=body)

    def kill_busier_worker(self) -> str:
        """Kill the worker that has worked more; gives its name."""
        work = self.house.work_of_workers()
        name = max(work, key=lambda name: work[name])
        self.house.kill(name)
        return name

    def kill_after(self, texts: int, dice: random.Random, taken: Callable[[], int] | None = None) -> int:
        """Kill the busier worker some milliseconds after so many more texts; gives how many were accepted by then."""
        count = taken or self.books.count
        goal = count() + texts
        deadline = time.monotonic() + 30
        while count() < goal and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(dice.random() * 0.02)
        self.kill_busier_worker()
        return count()

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

    def ask(self, statement: str, *parameters: Any) -> list[Any]:
        """Ask the house's own PostgreSQL, past all tenancy."""

        async def asked() -> list[Any]:
            connection = await self._connect()
            try:
                return list(await connection.fetch(statement, *parameters))
            finally:
                await connection.close()

        return asyncio.run(asked())

    async def _connect(self) -> Any:
        sockets = Config.load(self.house.environment).socket_dir / "postgres"
        return await asyncpg.connect(host=str(sockets), user="postgres", database="rapport", timeout=10)

    @contextmanager
    def locked(self, table: str) -> Iterator[None]:
        """Let nobody write to a table until the block is left; reading it is free."""
        with asyncio.Runner() as runner:
            connection = runner.run(self._connect())
            try:
                runner.run(connection.execute(f"BEGIN; LOCK TABLE {table} IN SHARE MODE"))
                yield
            finally:
                runner.run(connection.close())

    def get(self, path: str, seconds: float = 10) -> httpx.Response:
        """Ask the API once, as the owner."""
        return self.once("GET", path, seconds)

    def once(self, method: str, path: str, seconds: float = 10, **options: Any) -> httpx.Response:
        """Call the API once as the owner, however it answers."""
        headers = dict(self.client.headers) | options.pop("headers", {})
        url = f"{self.house.url}/api/v1{path}"
        return self._http.request(method, url, headers=headers, timeout=seconds, **options)

    def readiness(self, seconds: float = 5) -> tuple[int, dict[str, str]]:
        """Tell what the house says of itself: status and checks; 0 where it does not answer in time."""
        try:
            answer = self.get("/health/ready", seconds)
        except httpx.HTTPError:
            return 0, {}
        return answer.status_code, answer.json()["data"]["checks"]

    def is_ready(self) -> bool:
        """Tell whether the house says that it can do its work."""
        return self.readiness()[0] == 200

    def at_work(self, *names: str) -> bool:
        """Tell whether parts live and are past their start; a signal before that ends them as it would any program."""
        # Who has died leaves its pulse until the next one is started.
        return all(
            (self.house.folder / "run" / f"{name}.pulse").exists() and psutil.pid_exists(self.house.id_of(name))
            for name in names
        )

    def deaths(self) -> list[tuple[str, int]]:
        """List the parts that ended, each with its exit status, as the supervisor saw it."""
        log = (self.house.folder / "supervisor.log").read_text().splitlines()
        lines = [json.loads(line) for line in log if line.startswith("{")]
        return [(line["name"], line["status"]) for line in lines if line["event"] == "part died"]

    def spawn(self, part: str, **settings: str) -> subprocess.Popen[bytes]:
        """Start one more of a part, that nobody looks after."""
        with (self.house.folder / "log" / f"more-{part}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", f"entrypoints.{part}"],
                cwd=CHECKOUT,
                env=self.house.environment | settings,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def text_reaches_the_provider(self, seconds: float) -> float:
        """Write to somebody as a person, and tell how long until the provider has it."""
        [phone] = self.phones(1)
        self.client.call("POST", "/contacts", json={"first_name": "Ada", "phone_number": phone})
        body = {"to": phone, "channel": "sms", "body": "Hello Ada, Bob here."}
        size = self.books.size()
        start = time.monotonic()
        key = self.client.call("POST", "/messages", json=body)["id"]
        wait_for(lambda: self.books.has(key, size), seconds, "a person's text reaches", 0.02)
        return time.monotonic() - start


@contextmanager
def opened(
    folder: Path, seed: str, *, workers: int = 2, port: int | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[Office]:
    """Open an office in a house of its own."""
    with House(seed, workers, port, keep=False, settings=settings) as house:
        office = Office(house, folder)
        try:
            yield office
        finally:
            office.close()


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
