"""API and PostgreSQL killed, gone and hung, while people work: what was acknowledged is kept, and nobody waits long."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from domain.kernel import new_id
from tests.processes.fire import Answer, Clerks, call, is_up_again, standing_still, worst
from tests.processes.office import Office, opened, wait_for
from tests.proofs import Note

# What is promised for a machine of its own; a test machine does other things besides.
BUSY = 6


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
def test_twenty_kills_of_postgresql(office: Office, proved: Note) -> None:
    clerks, back = killed(office, "postgres", 20)
    proved(
        7,
        f"PostgreSQL killed 20 times, {len(clerks.entries)} keys: 0 acknowledged writes lost, none done twice;"
        f" back after at most {worst(back)}",
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
    assert noticed <= 2 * BUSY
    assert back <= 5 * BUSY


@pytest.mark.prove
@pytest.mark.alone
def test_postgresql_gone_ten_times(office: Office, proved: Note) -> None:
    seen = [gone(office) for _ in range(10)]
    proved(
        12,
        f"PostgreSQL killed and kept away 10 times: ready said 503 within {worst([n for n, _ in seen])} (goal 2 s), and"
        f" 200 again {worst([b for _, b in seen])} after it might start (goal 5 s)",
    )


def hung(office: Office, seconds: float) -> list[Answer]:
    """Stop every process of PostgreSQL for a while, and go on calling; tells each call's status and seconds."""
    tag = {"name": "Hot", "slug": new_id().hex}
    calls = [("GET", "/leads", {}), ("GET", "/health/ready", {}), ("POST", "/tags", {"json": tag})]
    with ThreadPoolExecutor(24) as pool, standing_still(office, "postgres"):
        asked = []
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            asked += [pool.submit(call, office, method, path, **options) for method, path, options in calls]
            time.sleep(1)
        told = [future.result() for future in asked]
    is_up_again(office, 120)
    return told


def test_while_postgresql_hangs_every_call_ends_soon_and_is_told_so(office: Office) -> None:
    told = hung(office, 4)
    assert {status for status, _ in told} == {503}
    assert max(seconds for _, seconds in told) <= 6 * BUSY / 2
    assert call(office, "GET", "/leads")[0] == 200


@pytest.mark.prove
@pytest.mark.alone
def test_postgresql_hangs_for_thirty_seconds(office: Office, proved: Note) -> None:
    told = hung(office, 30)
    assert {status for status, _ in told} == {503}
    slowest = worst([seconds for _, seconds in told])
    proved(12, f"PostgreSQL hung for 30 s: {len(told)} calls, all 503, after at most {slowest} (goal 6 s)")
