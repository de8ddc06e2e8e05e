"""Told to end in the midst of its work, every part ends in time, leaves nothing half done, and nothing is lost."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import psutil
import pytest

from tests.processes.office import Office, wait_for
from tests.proofs import Note

DRAINED_SECONDS = 25
RECIPIENTS = 400
A_MINUTE = 1200  # so that the campaign outlasts the starts of parts that were told to end
PARTS = ("worker-1", "worker-2", "relay", "scheduler")


def terminated(office: Office, *names: str) -> tuple[float, datetime]:
    """Tell parts to end; gives how many seconds the slowest took, and when the first one was seen to be gone.

    The supervisor starts them again. A death is seen half a second late at most: before the next one is at work.
    """
    processes = [psutil.Process(office.house.id_of(name)) for name in names]
    deaths: list[datetime] = []
    start = time.monotonic()
    for process in processes:
        process.terminate()
    gone, left = psutil.wait_procs(processes, DRAINED_SECONDS, lambda _: deaths.append(datetime.now(UTC)))
    assert (len(gone), left) == (len(names), [])
    return time.monotonic() - start, deaths[0]


def exit_codes(office: Office, before: int, count: int) -> list[int]:
    """Give the exit status of the latest so many deaths."""
    wait_for(lambda: len(office.deaths()) >= before + count, 5, "the supervisor saw it")
    return [status for _, status in office.deaths()[before:]]


def drained_campaign(office: Office, recipients: int, rounds: int) -> tuple[float, int]:
    """Tell both workers, relay and scheduler to end while a campaign is sent; gives the slowest end, and the count."""
    phones = office.phones(recipients)
    dataset_id = office.imported(phones)
    wait_for(lambda: office.at_work(*PARTS), 60, "all are at work", 0.1)
    office.begin(dataset_id, rate_limit_messages_per_minute=A_MINUTE)
    slowest = 0.0
    for number in range(rounds):
        wait_for(lambda: office.at_work(*PARTS), 60, "all are at work", 0.1)
        goal = office.books.count() + 20
        wait_for(lambda goal=goal: office.books.count() >= goal, 60, "the campaign goes on")  # type: ignore[misc]
        before = len(office.deaths())
        took, first_death = terminated(office, "worker-1", "worker-2")
        slowest = max(slowest, took)
        # What was handed over since may be the work of the next ones, who start while the slower of these two ends.
        handed = "SELECT count(*) FROM sends WHERE state = 'handed' AND handed_machine_at < $1"
        half_done = office.ask(handed, first_death)[0][0]
        assert half_done == 0, f"round {number}: handed over without a receipt"
        assert terminated(office, "relay", "scheduler")[0] < DRAINED_SECONDS
        assert exit_codes(office, before, 4) == [0, 0, 0, 0]
    office.all_accepted(dataset_id, recipients, 120)
    office.assert_each_got_one(phones)
    return slowest, rounds * 4


def test_workers_relay_and_scheduler_end_in_order_in_the_midst_of_a_campaign(office: Office) -> None:
    slowest, _ = drained_campaign(office, RECIPIENTS // 2, 1)
    assert slowest < DRAINED_SECONDS


def slow_upload(office: Office, seconds: float) -> tuple[float, int, httpx.Response]:
    """Tell the API to end while a file comes in slowly; gives how long it took to end, its status, and the answer."""
    began = threading.Event()

    def body() -> Iterator[bytes]:
        yield b'--x\r\ncontent-disposition: form-data; name="file"; filename="p.csv"\r\ncontent-type: text/csv\r\n\r\n'
        yield b"Forename,Mobile No.\n"
        began.set()
        for number in range(20):
            time.sleep(seconds / 20)
            yield f"P{number},+44740{number:07d}\n".encode()
        yield b"\r\n--x--\r\n"

    answers: list[httpx.Response] = []

    def upload() -> None:
        headers = dict(office.client.headers) | {"content-type": "multipart/form-data; boundary=x"}
        with httpx.Client(trust_env=False, timeout=40) as http:
            answers.append(http.post(f"{office.house.url}/api/v1/datasets/upload", headers=headers, content=body()))

    before = len(office.deaths())
    uploading = threading.Thread(target=upload)
    uploading.start()
    assert began.wait(10)
    time.sleep(0.2)
    took, _ = terminated(office, "api")
    uploading.join(40)
    [status] = exit_codes(office, before, 1)
    return took, status, answers[0]


def test_the_api_answers_a_slow_request_before_it_ends(office: Office) -> None:
    took, status, answer = slow_upload(office, 3)
    assert (answer.status_code, status) == (201, 0), answer.text
    assert took < DRAINED_SECONDS
    wait_for(office.is_ready, 120, "the next API answers", 0.1)
    upload = answer.json()["data"]["id"]
    assert office.ask("SELECT count(*) FROM uploads WHERE id = $1::uuid", upload)[0][0] == 1, "what it said is kept"


@pytest.mark.prove
def test_every_part_ends_in_order_again_and_again(office: Office, proved: Note) -> None:
    slowest, ends = drained_campaign(office, 3 * RECIPIENTS, 5)
    took, status, answer = slow_upload(office, 10)
    assert (answer.status_code, status) == (201, 0)
    wait_for(office.is_ready, 120, "the next API answers", 0.1)
    proved(
        7,
        f"SIGTERM x{ends} to workers, relay and scheduler amid {3 * RECIPIENTS} texts: slowest end {slowest:.1f} s,"
        f" exit 0, 0 half done, 0 lost, 0 doubled; API with a slow upload ended in {took:.1f} s, after its 201",
    )
