"""The stream of events of real processes: nothing left out or doubled whatever dies, and access that ends."""

import asyncio
import contextlib
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import httpx
import psutil
import pytest
from dishka import AsyncContainer

from adapters.persistence.database import Cause, PostgresUnitOfWork
from application.ports import Actor
from domain.kernel import new_id
from domain.sales.tag import TagCreated
from entrypoints.config import Config
from entrypoints.container import container
from entrypoints.demo.house import free_port
from tests.processes.followers import Follower
from tests.processes.own_valkey import OwnValkey
from tests.processes.parts import Processes
from tests.proofs import Note

pytestmark = pytest.mark.anyio
API, RELAY = "http.app", "relay"
PASSWORD = "correct horse battery staple"


@dataclass
class Studio:
    """Be an organisation in a house of an API and a relay, on a Valkey of their own."""

    url: str
    processes: Processes
    valkey: OwnValkey
    house: AsyncContainer
    token: str
    organization_id: UUID

    def call(self, method: str, path: str, token: str | None = None, **more: Any) -> Any:
        """Ask the API."""
        shown = token or self.token
        headers = {"Authorization": f"Bearer {shown}"} if shown else {}
        with httpx.Client(trust_env=False, timeout=20, headers=headers) as client:
            answer = client.request(method, f"{self.url}/api/v1{path}", **more)
        assert answer.is_success, answer.text
        return answer.json()["data"] if answer.content else None

    async def start(self, part: str) -> None:
        """Start a part and wait until it is at work."""
        self.processes.start(part)
        async with httpx.AsyncClient(trust_env=False) as client:
            for _ in range(600):
                await asyncio.sleep(0.05)
                with contextlib.suppress(httpx.HTTPError):
                    if part == RELAY and self.valkey.client.exists("rapport:alive:relay"):
                        return
                    if part == API and (await client.get(f"{self.url}/api/v1/health")).is_success:
                        return
        raise AssertionError(f"{part} did not start")

    async def happen(self, count: int = 1, hold: float = 0) -> list[str]:
        """Let something happen, in a transaction that stays open a while after it was written; gives its subjects."""
        async with self.house({Actor: Actor.system(self.organization_id), Cause: Cause()}) as scope:
            uow = await scope.get(PostgresUnitOfWork)
            async with uow:
                events = [TagCreated(subject=new_id(), slug="a", name="A") for _ in range(count)]
                uow.publish(*events)
                if hold:
                    await uow._appending()()  # its place in the outbox is taken now, and seen only later
                    uow._events.clear()
                    await asyncio.sleep(hold)
                    uow.wake_after_commit()
        return [str(event.subject) for event in events]

    async def colleague(self, role: str) -> tuple[str, str, str]:
        """Invite somebody; gives their id, token and e-mail."""
        email = f"{new_id().hex}@example.com"
        invited = self.call("POST", "/users", json={"email": email, "first_name": "Nora", "role": role})
        path = f"/invitations/{invited['link'].rpartition('/')[2]}/accept"
        taken = self.call("POST", path, json={"password": PASSWORD})
        return str(taken["user"]["id"]), str(taken["token"]), email


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnValkey]:
    """Run a Valkey that may be taken away."""
    made = OwnValkey(tmp_path_factory.mktemp("valkey"))
    made.start()
    yield made
    made.kill()


@pytest.fixture(scope="module")
async def studio(
    environment: dict[str, str], config: Config, valkey: OwnValkey, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Studio]:
    """Open the house."""
    port = free_port()
    own = {"RAPPORT_REDIS_URL": valkey.url, "RAPPORT_PORT": str(port)}
    most = ("RAPPORT_STREAMS", "RAPPORT_STREAMS_PER_CALLER", "RAPPORT_STREAMS_PER_ORGANIZATION")
    many = dict.fromkeys(most, "1100")
    processes = Processes({**environment, **own, **many}, tmp_path_factory.mktemp("parts"))
    house = container(replace(config, redis_url=valkey.url))
    made = Studio(f"http://127.0.0.1:{port}", processes, valkey, house, "", new_id())
    for part in (API, RELAY):
        await made.start(part)
    body = {"email": f"{new_id().hex}@example.com", "password": PASSWORD, "name": "Olga", "organization_name": "Bright"}
    entered = made.call("POST", "/auth/register", json=body)
    made.token, made.organization_id = entered["token"], UUID(entered["organization"]["id"])
    yield made
    for part in list(processes.running):
        processes.stop(part)
    await house.close()


@pytest.fixture
async def follow(studio: Studio) -> AsyncIterator[Callable[..., Awaitable[Follower]]]:
    """Open streams that are closed with the test: `await follow(token)`."""
    opened: list[Follower] = []

    async def made(token: str | None = None, path: str = "/api/v1/events/stream") -> Follower:
        follower = Follower(studio.url, token or studio.token, path)
        opened.append(follower)
        await follower.open()
        return follower

    yield made
    for follower in opened:
        await follower.close()


Follow = Callable[..., Awaitable[Follower]]


async def _told(follower: Follower, happened: list[str], seconds: float = 10) -> None:
    await follower.told(len(happened), seconds)
    await asyncio.sleep(0.3)  # for what might be told twice
    assert follower.subjects == happened


async def test_what_happens_is_told_at_once(studio: Studio, follow: Follow) -> None:
    follower = await follow()
    took = []
    happened: list[str] = []
    for _ in range(10):
        happened += await studio.happen()
        took.append(await follower.told(len(happened), 5))
    await _told(follower, happened)
    assert sorted(took)[5] < 0.4, "the poll alone takes longer"


async def test_a_burst_is_told_to_all_who_take_it(studio: Studio, follow: Follow) -> None:
    followers, late = [await follow() for _ in range(20)], Follower(studio.url, studio.token)
    await late.open(receive_buffer=4096)
    happened = await studio.happen(3_000)
    await asyncio.sleep(5)
    late.wake()
    for follower in (*followers, late):
        await _told(follower, happened, 60)
    await late.close()


async def test_a_killed_api_is_followed_again_without_gap_or_double(studio: Studio, follow: Follow) -> None:
    follower = await follow()
    happened = await studio.happen(30)
    await follower.told(1, 5)
    studio.processes.stop(API, signal.SIGKILL)
    await follower.end()
    happened += await studio.happen(250)
    await studio.start(API)
    await follower.open()
    happened += await studio.happen(20)
    await _told(follower, happened)


async def test_a_killed_relay_leaves_nothing_out(studio: Studio, follow: Follow) -> None:
    follower = await follow()
    happened: list[str] = []
    for _ in range(3):
        happened += await studio.happen(300)
        studio.processes.stop(RELAY, signal.SIGKILL)
        happened += await studio.happen(5)
        await studio.start(RELAY)
    await follower.told(len(happened), 20)
    await asyncio.sleep(0.3)
    assert sorted(follower.subjects) == sorted(happened)


async def test_without_redis_the_poll_carries_on(studio: Studio, follow: Follow) -> None:
    follower = await follow()
    studio.valkey.kill()
    try:
        happened = await studio.happen(3)
        await _told(follower, happened)
    finally:
        studio.valkey.start()
    happened += await studio.happen(3)
    await _told(follower, happened)


async def test_transactions_that_commit_out_of_order_are_all_told(studio: Studio, follow: Follow) -> None:
    follower = await follow()
    chance = random.Random(29)
    happened: list[str] = []

    async def one(number: int) -> None:
        await asyncio.sleep(number * 0.02)
        happened.extend(await studio.happen(hold=chance.choice((0, 0.05, 0.4, 0.9))))

    async def come_and_go() -> None:
        await follower.told(20, 20)
        await follower.close()
        await follower.open()

    coming = asyncio.create_task(come_and_go())
    await asyncio.gather(*(one(number) for number in range(100)))
    await coming
    await follower.told(100)
    await asyncio.sleep(0.3)
    assert sorted(follower.subjects) == sorted(happened), "one is left out, or told twice"


async def test_access_that_ends_ends_the_stream(studio: Studio, follow: Follow) -> None:
    owner = await follow()
    suspended, demoted, changed, stays = [await studio.colleague("admin") for _ in range(4)]
    followers = [await follow(token) for _, token, _ in (suspended, demoted, changed)]
    kept = await follow(stays[1])
    studio.call("DELETE", f"/users/{suspended[0]}")
    studio.call("PATCH", f"/users/{demoted[0]}", json={"role": "rep"})
    studio.call("PATCH", "/users/me", changed[1], json={"new_password": f"{PASSWORD}!", "current_password": PASSWORD})
    for follower in followers:
        await follower.end(60)
        assert follower.events[-1] == {"event": "stream.closed", "reason": "access_changed"}
    assert not owner.ended
    assert not kept.ended
    for follower, status in zip(followers, (401, 200, 401), strict=True):
        await follower.open()
        assert follower.status == status
    [happened] = await studio.happen()
    await kept.until(lambda: happened in kept.subjects, 5)


async def test_sigterm_ends_streams_at_once(studio: Studio, follow: Follow) -> None:
    followers = [await follow() for _ in range(20)]
    code, seconds = studio.processes.stop(API)
    assert code == 0
    assert seconds < 5
    for follower in followers:
        await follower.end()
        assert follower.events[-1] == {"event": "stream.closed", "reason": "shutting_down"}
    await studio.start(API)
    happened = await studio.happen(2)
    await followers[0].open()
    await followers[0].until(lambda: set(happened) <= set(followers[0].subjects), 10)


async def _crowd(studio: Studio, count: int, rounds: int) -> tuple[float, float]:
    """Let so many follow while one of them reads nothing; gives the API's memory in MB at a third and at the end."""
    crowd = [Follower(studio.url, studio.token) for _ in range(count)]
    sleeper = Follower(studio.url, studio.token)
    memory: list[float] = []
    api = psutil.Process(studio.processes.running[API].pid)
    try:
        for start in range(0, count, 20):
            await asyncio.gather(*(one.open() for one in crowd[start : start + 20]))
        await sleeper.open(receive_buffer=4096)
        assert {one.status for one in crowd} == {200}
        happened: list[str] = []
        for number in range(rounds):
            happened += await studio.happen(25)
            await crowd[0].told(len(happened), 30)
            if number >= rounds // 3:
                memory.append(api.memory_info().rss / 2**20)
        for one in crowd:
            await one.told(len(happened), 30)
            assert one.subjects == happened
        return memory[0], max(memory[-3:])
    finally:
        await sleeper.close()
        for one in crowd:
            await one.close()


async def test_two_hundred_follow_in_flat_memory(studio: Studio) -> None:
    before, after = await _crowd(studio, 200, 15)
    assert after - before < 15, f"{before:.0f} MB became {after:.0f} MB"


async def test_who_reads_nothing_is_cut_while_others_go_on(studio: Studio, follow: Follow) -> None:
    reader, sleeper = await follow(), Follower(studio.url, studio.token)
    await sleeper.open(receive_buffer=4096)
    api = psutil.Process(studio.processes.running[API].pid)
    assert sleeper.is_held(api)
    happened: list[str] = []
    for _ in range(60):
        happened += await studio.happen(100)
        if not sleeper.is_held(api):
            break
        await asyncio.sleep(1)
    assert not sleeper.is_held(api), "who reads nothing still holds a place"
    await _told(reader, happened, 20)
    await sleeper.close()


@pytest.mark.prove
async def test_five_hundred_follow_in_flat_memory(studio: Studio, proved: Note) -> None:
    before, after = await _crowd(studio, 500, 60)
    assert after - before < 20, f"{before:.0f} MB became {after:.0f} MB"
    proved(0, f"500 streams of 1,500 events each, all told in order; {before:.0f} MB, then {after:.0f} MB")
