"""API and PostgreSQL killed, gone and hung, while people work: what was acknowledged is kept, and nobody waits long."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest

from domain.kernel import new_id
from tests.processes.fire import Answer, Clerks, call, is_up_again, standing_still, worst
from tests.processes.office import PASSWORD, Office, opened, wait_for
from tests.processes.test_webhooks_under_fire import SANDBOX, signed
from tests.proofs import Note

NOTICED_SECONDS, BACK_SECONDS, HUNG_SECONDS = 2.0, 5.0, 6.0
# What is promised for a machine of its own; a test machine does other things besides.
BUSY = 6
# What a provider brings waits in the line for it (`entrypoints/http/intake.py`), since some never call again.
LINE_SECONDS = 12.0


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with opened(tmp_path_factory.mktemp("lists"), "under-fire", workers=1) as one:
        yield one


def killed(office: Office, name: str, times: int, people: int = 6) -> tuple[Clerks, list[float]]:
    """Kill something again and again at any moment of people's work; tells how long each time until it was back."""
    dice, back = random.Random(), []
    with Clerks(office, people) as clerks:
        for _ in range(times):
            clerks.wait_for_answers(dice.randrange(1, 40))
            time.sleep(dice.random() * 0.05)
            office.house.kill(name)
            back.append(is_up_again(office, 120))
    clerks.assert_kept()
    return clerks, back


def test_what_was_answered_is_kept_and_done_once_when_the_api_is_killed(office: Office) -> None:
    clerks, _ = killed(office, "api", 2)
    assert clerks.cut_off() > 0, "no request was cut off: this test proves nothing"


def test_what_was_answered_is_kept_and_done_once_when_postgresql_is_killed(office: Office) -> None:
    killed(office, "postgres", 2)


@pytest.mark.prove
def test_twenty_kills_of_the_api(office: Office, proved: Note) -> None:
    clerks, back = killed(office, "api", 20, people=12)
    assert clerks.cut_off() >= 100
    proved(
        8,
        f"API killed 20 times, {clerks.cut_off()} POSTs cut off, {len(clerks.entries)} keys: one effect and one answer"
        f" each, 0 acknowledged writes lost; back after at most {worst(back)}",
    )


@pytest.mark.prove
@pytest.mark.alone
def test_twenty_kills_of_postgresql(office: Office, proved: Note) -> None:
    clerks, back = killed(office, "postgres", 20)
    assert max(back) <= BACK_SECONDS
    proved(
        7,
        f"PostgreSQL killed 20 times, {len(clerks.entries)} keys: 0 acknowledged writes lost, none done twice;"
        f" back after at most {worst(back)} (goal 5 s)",
    )


def gone(office: Office) -> tuple[float, float]:
    """Kill PostgreSQL while nobody starts it again; tells when that was said, and when it was back, in seconds."""
    supervisor = psutil.Process(office.house.process_id)
    supervisor.suspend()
    try:
        office.house.kill("postgres")
        noticed = wait_for(lambda: office.readiness()[0] == 503, 30, "the house says that it is not ready")
        status, checks = office.readiness()
        assert (status, checks["database"]) == (503, "cannot be reached")
        assert call(office, "GET", "/leads")[0] == 503
        assert call(office, "GET", "/health")[0] == 200
    finally:
        supervisor.resume()
    return noticed, is_up_again(office, 120)


def test_postgresql_gone_is_noticed_and_mended(office: Office) -> None:
    noticed, back = gone(office)
    assert noticed <= NOTICED_SECONDS * BUSY
    assert back <= BACK_SECONDS * BUSY


@pytest.mark.prove
@pytest.mark.alone
def test_postgresql_gone_ten_times(office: Office, proved: Note) -> None:
    seen = [gone(office) for _ in range(10)]
    assert max(noticed for noticed, _ in seen) <= NOTICED_SECONDS
    assert max(back for _, back in seen) <= BACK_SECONDS
    proved(
        12,
        f"PostgreSQL killed and kept away 10 times: ready said 503 within {worst([n for n, _ in seen])} (goal 2 s), and"
        f" 200 again {worst([b for _, b in seen])} after it might start (goal 5 s)",
    )


def kinds() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Give a call of each kind."""
    tag = {"json": {"name": "Hot", "slug": new_id().hex}}
    password = {"email": "olga@bright.example", "password": PASSWORD}
    return {
        "list": ("GET", "/leads", {}),
        "search": ("GET", "/leads?search=smtih", {}),
        "figures": ("GET", "/analytics/overview", {}),
        "profile": ("GET", "/users/me", {}),
        "ready": ("GET", "/health/ready", {}),
        "write": ("POST", "/tags", tag),
        "change": ("PATCH", "/users/me", {"json": {"first_name": "Olga"}}),
        "sign-in": ("POST", "/auth", {"json": password}),
        "stream": ("GET", "/events/stream", {}),
    }


def hung(office: Office, seconds: float) -> tuple[list[Answer], list[Answer]]:
    """Stop every process of PostgreSQL for a while, and go on calling.

    Tells each call's status and seconds, those of a provider's apart.
    """
    texts = iter(signed(office, round(seconds) + 2))
    with ThreadPoolExecutor(160) as pool:
        # A busy house has many connections, each of which hangs anew.
        for _ in range(3):
            list(pool.map(lambda _: call(office, "GET", "/leads"), range(40)))
        with standing_still(office, "postgres"):
            asked, brought = [], []
            ends = time.monotonic() + seconds
            while time.monotonic() < ends:
                asked += [pool.submit(call, office, method, path, **more) for method, path, more in kinds().values()]
                text = next(texts)
                where = SANDBOX.path.removeprefix("/api/v1")
                brought.append(pool.submit(call, office, "POST", where, content=text.raw, headers=text.headers))
                time.sleep(1)
            told = [future.result() for future in asked]
            brought_told = [future.result() for future in brought]
    is_up_again(office, 120)
    return told, brought_told


def test_while_postgresql_hangs_every_call_ends_soon_and_is_told_so(office: Office) -> None:
    told, brought = hung(office, 4)
    assert {status for status, _ in told} == {503}
    assert max(seconds for _, seconds in told) <= HUNG_SECONDS * 2
    assert {status for status, _ in brought} <= {204, 503}
    assert call(office, "GET", "/leads")[0] == 200


@pytest.mark.prove
@pytest.mark.alone
def test_postgresql_hangs_for_thirty_seconds(office: Office, proved: Note) -> None:
    told, brought = hung(office, 30)
    assert {status for status, _ in told} == {503}
    assert max(seconds for _, seconds in told) <= HUNG_SECONDS
    assert max(seconds for _, seconds in brought) <= LINE_SECONDS
    slowest = worst([seconds for _, seconds in told])
    proved(
        12,
        f"PostgreSQL hung for 30 s: {len(told)} calls of {len(kinds())} kinds, all 503, after at most {slowest}"
        f" (goal 6 s); {len(brought)} signed texts, which wait for it, answered after at most"
        f" {worst([seconds for _, seconds in brought])}",
    )
