"""A part that died or stands still: noticed in two seconds, at work again within a minute, and nobody had to help."""

import random
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.processes.office import Office, opened, wait_for
from tests.proofs import Note

HEALED_SECONDS = 60
FROZEN_SECONDS = 90
PARTS = ("relay", "scheduler", "worker-1", "sandbox_provider", "api")


def is_whole(office: Office) -> bool:
    """Tell whether the house says that all is well, and everything answers."""
    return office.is_ready() and office.get("/health").status_code == 200


def test_what_is_killed_is_noticed_and_started_again(office: Office) -> None:
    wait_for(office.is_ready, HEALED_SECONDS, "the house is ready", 0.2)
    before = len(office.deaths())
    killed = {name: office.house.kill(name) for name in PARTS}
    noticed = wait_for(lambda: len(office.deaths()) >= before + len(PARTS), 10, "the supervisor noticed")
    assert {name for name, _ in office.deaths()[before:]} == set(PARTS)
    healed = wait_for(lambda: is_whole(office), HEALED_SECONDS, "the house is whole again", 0.1)
    assert office.text_reaches_the_provider(HEALED_SECONDS) < HEALED_SECONDS
    assert all(office.house.id_of(name) != process_id for name, process_id in killed.items())
    print(f"noticed in {noticed:.1f} s, whole after {healed:.1f} s")


def stopped(office: Office, *names: str) -> None:
    """Stop parts, or servers with all that they have forked, where they stand."""
    for name in names:
        process = psutil.Process(office.house.id_of(name))
        for one in (process, *process.children(recursive=True)):
            one.send_signal(signal.SIGSTOP)


def noticed_and_healed(office: Office, *names: str) -> tuple[float, float]:
    """Stop parts; gives the seconds until the house says so, and until it is whole and a text goes out again."""
    wait_for(lambda: is_whole(office), HEALED_SECONDS, "the house is whole", 0.2)
    start = time.monotonic()
    stopped(office, *names)
    wait_for(lambda: not is_asked_and_whole(office), 10, f"{names} standing still is noticed", 0.05)
    noticed = time.monotonic() - start
    wait_for(lambda: is_asked_and_whole(office), 2 * HEALED_SECONDS, f"{names} are at work again", 0.2)
    healed = time.monotonic() - start
    office.text_reaches_the_provider(2 * HEALED_SECONDS)
    return noticed, healed


def is_asked_and_whole(office: Office) -> bool:
    """Tell what whoever asks each second with a second's patience would be told."""
    return office.readiness(1.9)[0] == 200


def test_a_worker_that_stands_still_amid_a_campaign_and_wakes_doubles_nothing(office: Office) -> None:
    wait_for(lambda: is_whole(office), HEALED_SECONDS, "the house is whole", 0.2)
    third = office.spawn("worker", RAPPORT_WORKER_NUMBER="3")
    try:
        sent = office.books.count()
        dataset_id, phones = office.start(400)
        wait_for(lambda: office.books.count() > sent + 100, 60, "texts go out", 0.001)
        third.send_signal(signal.SIGSTOP)
        meanwhile = office.books.count()
        wait_for(lambda: office.books.count() > meanwhile + 100, 60, "others go on")
        third.send_signal(signal.SIGCONT)
        office.all_accepted(dataset_id, len(phones), 120)
        office.assert_each_got_one(phones)
    finally:
        third.kill()
        third.wait()


@pytest.mark.prove
@pytest.mark.alone
def test_what_stands_still_is_noticed_and_healed_and_what_wakes_again_doubles_nothing(
    tmp_path: Path, proved: Note
) -> None:
    dice = random.Random()
    told = []
    with opened(tmp_path, "dead-parts", workers=1) as office:
        more = [office.spawn("worker", RAPPORT_WORKER_NUMBER=str(number)) for number in (2, 3, 4)]
        try:
            dataset_id, phones = office.start(4000)
            frozen_at = 0.0
            for worker in more:
                goal = office.books.count() + dice.randrange(100, 300)
                wait_for(lambda goal=goal: office.books.count() >= goal, 60, "texts go out", 0.001)  # type: ignore[misc]
                worker.send_signal(signal.SIGSTOP)
                frozen_at = time.monotonic()
            for names in (("relay", "scheduler", "worker-1"), ("api", "sandbox_provider")):
                noticed, healed = noticed_and_healed(office, *names)
                assert healed < HEALED_SECONDS
                told.append(f"{', '.join(names)}: {noticed:.1f} s, {healed:.0f} s")
            time.sleep(max(0.0, FROZEN_SECONDS - (time.monotonic() - frozen_at)))
            for worker in more:
                worker.send_signal(signal.SIGCONT)
            office.all_accepted(dataset_id, len(phones), 120)
            time.sleep(5)
            office.assert_each_got_one(phones)
        finally:
            for worker in more:
                worker.kill()
                worker.wait()
        noticed, healed = noticed_and_healed(office, "valkey", "postgres")
        told.append(f"valkey, postgres: {noticed:.1f} s, {healed:.0f} s")
        assert healed < HEALED_SECONDS + 10
    proved(
        12,
        f"stopped parts noticed and healed: {'; '.join(told)}; three workers frozen {FROZEN_SECONDS} s amid a campaign"
        f" of {len(phones)} and awake again: 0 lost, 0 doubled",
    )
