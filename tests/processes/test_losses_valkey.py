"""Valkey wiped, away, hung or full in the midst of a campaign: the API goes on, and nothing is lost or doubled."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.processes.office import PASSWORD, Office, wait_for
from tests.processes.own_valkey import OwnValkey
from tests.proofs import Note

RECIPIENTS = 150
NOTICED_SECONDS = 2
BACK_SECONDS = 60
SETTLED_SECONDS = 120
HUNG_CALL_SECONDS = 1
AWAY_SECONDS = 600
OTHER_SECONDS = 60


@contextmanager
def away(valkey: OwnValkey) -> Iterator[None]:
    """Kill it; it comes back with what it had written down."""
    valkey.kill()
    try:
        yield
    finally:
        valkey.start()


@contextmanager
def hung(valkey: OwnValkey) -> Iterator[None]:
    """Let it stand still."""
    valkey.send(signal.SIGSTOP)
    try:
        yield
    finally:
        valkey.send(signal.SIGCONT)


@contextmanager
def full(valkey: OwnValkey) -> Iterator[None]:
    """Let it refuse every write."""
    valkey.client.config_set("maxmemory", 1)
    try:
        yield
    finally:
        valkey.client.config_set("maxmemory", 0)


Trouble = Callable[[OwnValkey], AbstractContextManager[None]]
TROUBLES: list[tuple[Trouble, str]] = [
    (away, "cannot be reached"),
    (hung, "does not answer"),
    (full, "takes no writes"),
]


def _status_of_sign_in(office: Office) -> int:
    body = {"email": "olga@bright.example", "password": PASSWORD}
    return office.once("POST", "/auth", json=body).status_code


def _limit_left(office: Office) -> str | None:
    left: str | None = office.get("/contacts").headers.get("RateLimit-Remaining")
    return left


def _goes_on(office: Office) -> float:
    """Write and read through the API; gives how long the slower call took."""
    [phone] = office.phones(1)
    slower = 0.0
    for method, path, options, status in (
        ("POST", "/contacts", {"json": {"first_name": "Ada", "phone_number": phone}}, 201),
        ("GET", "/contacts", {"params": {"limit": 1}}, 200),
    ):
        start = time.monotonic()
        answer = office.once(method, path, **options)
        slower = max(slower, time.monotonic() - start)
        assert answer.status_code == status, answer.text
    return slower


def suffers(
    office: Office, valkey: OwnValkey, trouble: Trouble, complaint: str, seconds: float, recipients: int = RECIPIENTS
) -> str:
    """Send a campaign through a trouble that lasts so long; tells what was seen."""
    wait_for(office.is_ready, BACK_SECONDS, "the house is ready", 0.2)
    assert _status_of_sign_in(office) == 200
    sent = office.books.count()
    dataset_id, phones = office.start(recipients)
    wait_for(lambda: office.books.count() > sent + 20, 30, "the campaign begins")
    with trouble(valkey):
        began = time.monotonic()
        wait_for(lambda: complaint in office.readiness()[1].get("redis", ""), 10, "ready says what is wrong")
        noticed = time.monotonic() - began
        assert office.readiness()[0] == 503
        assert _status_of_sign_in(office) == 503, "without counters no password may be tried"
        slowest = _goes_on(office)
        while time.monotonic() - began < seconds:
            slowest = max(slowest, _goes_on(office))
            time.sleep(max(0.1, seconds / 600))
    back = wait_for(office.is_ready, BACK_SECONDS, "the house is ready again", 0.1)
    settled = office.all_accepted(dataset_id, recipients, SETTLED_SECONDS)
    office.assert_each_got_one(phones)
    assert _status_of_sign_in(office) == 200
    return (
        f"{trouble.__name__} {seconds:.0f} s: noticed in {noticed:.1f} s, slowest call {slowest:.1f} s,"
        f" ready {back:.1f} s and settled {settled:.0f} s after"
    )


def is_wiped(office: Office, valkey: OwnValkey) -> float:
    """Send a campaign while all that is queued is forgotten again and again; tells how long it took to settle."""
    sent = office.books.count()
    dataset_id, phones = office.start(RECIPIENTS)
    for texts in range(0, RECIPIENTS - 20, 10):
        wait_for(lambda goal=sent + texts: office.books.count() >= goal, 60, "the campaign goes on")  # type: ignore[misc]
        valkey.client.flushall()
    settled = office.all_accepted(dataset_id, RECIPIENTS, SETTLED_SECONDS)
    office.assert_each_got_one(phones)
    return settled


def test_a_campaign_goes_on_though_valkey_forgets_everything_again_and_again(office: Office, valkey: OwnValkey) -> None:
    assert is_wiped(office, valkey) < SETTLED_SECONDS


@pytest.mark.parametrize(("trouble", "complaint"), TROUBLES)
def test_the_api_goes_on_without_valkey_and_the_campaign_after_it(
    office: Office, valkey: OwnValkey, trouble: Trouble, complaint: str
) -> None:
    print(suffers(office, valkey, trouble, complaint, 1))


def test_one_call_pays_for_a_valkey_that_hangs_and_the_next_do_not(office: Office, valkey: OwnValkey) -> None:
    wait_for(lambda: _limit_left(office) is not None, BACK_SECONDS, "requests are counted", 0.1)
    with hung(valkey):
        _goes_on(office)
        slowest = max(_goes_on(office) for _ in range(10))
        began = time.monotonic()
        assert _status_of_sign_in(office) == 503, "closed limits stay closed"
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < HUNG_CALL_SECONDS
    wait_for(lambda: _limit_left(office) is not None, 5, "requests are counted again", 0.05)
    assert _status_of_sign_in(office) == 200
    print(f"slowest call after the first {slowest:.2f} s")


@pytest.mark.prove
@pytest.mark.lasting
def test_ten_minutes_without_valkey_lose_and_double_nothing(office: Office, valkey: OwnValkey, proved: Note) -> None:
    told = [
        suffers(office, valkey, trouble, complaint, AWAY_SECONDS if trouble is away else OTHER_SECONDS, 1000)
        for trouble, complaint in TROUBLES
    ]
    settled = is_wiped(office, valkey)
    proved(
        1,
        f"Valkey {'; '.join(told)}; wiped x13: settled {settled:.0f} s after;"
        f" 3 x 1,000 and {RECIPIENTS} texts: 0 lost, 0 doubled",
    )
