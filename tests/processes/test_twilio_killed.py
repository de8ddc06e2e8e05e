"""Whatever dies, and Twilio's answers lost, amid campaigns by the real adapter: counted in `emulate`'s own list."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from application.messaging.conversations import CONFIRMATION
from tests.processes.deaths import AS_TOLD, Carrier, whatever_dies
from tests.processes.fire import worst
from tests.processes.office import wait_for
from tests.processes.switchboard import Switchboard, opened_switchboard
from tests.processes.test_database_killed import BACK_SECONDS, BUSY, NOTICED_SECONDS, gone
from tests.proofs import Note

SENDS = 10_000
SETTLED_SECONDS = 120
AHEAD = (-8.0, 0.5)  # how far a campaign has come when a STOP is sent, seconds after its own text's time
RACED = timedelta(seconds=0.5)
_HANDED = """
SELECT recipient, state, handed_machine_at FROM sends
WHERE touch = 'M1' AND handed_machine_at IS NOT NULL AND recipient = ANY ($1)
"""
_STOPPED = "SELECT address, pg_xact_commit_timestamp(xmin) FROM suppressions WHERE address = ANY ($1)"
_DUE = "SELECT recipient, due_at FROM sends WHERE touch = 'M1' AND recipient = ANY ($1) ORDER BY due_at"
_LATER = """
WITH dead AS (
  UPDATE sends SET lease_until = lease_until - interval '1 minute',
                   handed_machine_at = handed_machine_at - interval '1 minute'
  WHERE state IN ('claimed', 'handed', 'unknown') RETURNING id
)
UPDATE schedules SET next_due_at = business_now() FROM (SELECT count(*) FROM dead) d
WHERE name = 'messaging.settle' RETURNING name
"""


@pytest.fixture(scope="module")
def switchboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Switchboard]:
    """Open one for all tests here."""
    with opened_switchboard(tmp_path_factory.mktemp("twilio"), "twilio-killed") as one:
        one.note_commits()
        yield one


def _each_got_one(switchboard: Switchboard, phones: list[str]) -> None:
    """Assert that each is once in Twilio's own list, under an id that we know."""
    assert switchboard.line.refused == []  # else it is the stand-in that is measured
    texted = switchboard.texted(phones)
    assert {to: count for to, count in Counter(to for to, _ in texted).items() if count != 1} == {}
    assert {to for to, _ in texted} == set(phones)
    wanted = set(phones)
    ours = switchboard.office.client.every("/messages", direction="outbound", category="m1")
    assert {one["provider_id"] for one in ours if one["to"] in wanted} == {sid for _, sid in texted}


def test_nobody_is_texted_twice_by_twilio_when_workers_are_killed(switchboard: Switchboard) -> None:
    office, line = switchboard.office, switchboard.line
    dataset_id, phones = office.start(60)
    line.lose(2)
    goal = line.count() + 20
    wait_for(lambda: line.count() >= goal, 60, "texts go out", 0.001)
    for worker in ("worker-1", "worker-2"):
        office.house.kill(worker)
    office.ask(_LATER)
    switchboard.settled(dataset_id, SETTLED_SECONDS, lambda states: states == {"accepted": len(phones)})
    assert line.to_lose < 2
    _each_got_one(switchboard, phones)


@pytest.mark.prove
def test_ten_thousand_texts_by_twilio_survive_whatever_dies(switchboard: Switchboard, proved: Note) -> None:
    office, line = switchboard.office, switchboard.line
    lists = [office.start(SENDS // 2) for _ in range(2)]
    seen: list[tuple[float, float]] = []
    carrier = Carrier(line.count, line.lose, lambda: seen.append(gone(office)))
    lost = whatever_dies(office, carrier, random.Random(1), SENDS) - line.to_lose
    noticed, back = (worst(list(times)) for times in zip(*seen, strict=True))
    last_kill = time.monotonic()
    for dataset_id, _ in lists:
        switchboard.settled(dataset_id, SETTLED_SECONDS, lambda states: states == {"accepted": SENDS // 2})
    settled = time.monotonic() - last_kill
    _each_got_one(switchboard, [phone for _, phones in lists for phone in phones])
    assert settled <= SETTLED_SECONDS
    assert lost > 0
    assert all(seconds <= NOTICED_SECONDS * BUSY for seconds, _ in seen)
    assert all(seconds <= BACK_SECONDS * BUSY for _, seconds in seen)
    proved(
        1,
        f"Twilio's adapter against `emulate`: {SENDS} texts, {AS_TOLD}, {lost} answers lost after Twilio took the text:"
        f" each recipient once in Twilio's own list, 0 lost, settled {settled:.0f} s after; with PostgreSQL gone, ready"
        f" said 503 within {noticed} (promise 12: 2 s), and 200 again {back} after it might start (goal 5 s)",
    )


def _stopped(switchboard: Switchboard, stops: int, others: int, a_minute: int, least: int) -> str:
    """Let people say STOP when their text is about to leave, and assert that nothing left afterwards; tells it."""
    office, dice = switchboard.office, random.Random(2)
    phones = office.phones(stops + others)
    dataset_id = office.imported(phones)
    office.begin(dataset_id, rate_limit_messages_per_minute=a_minute)
    wait_for(lambda: len(office.ask(_DUE, phones)) == len(phones), 60, "all are planned", 0.1)
    due: dict[str, datetime] = dict(office.ask(_DUE, phones))
    from_now = datetime.now(UTC) + timedelta(seconds=1)
    stopping = dice.sample([phone for phone in phones if due[phone] > from_now], stops)
    last = max(at for phone, at in due.items() if phone not in stopping)
    moments = sorted((min(due[phone] + timedelta(seconds=dice.uniform(*AHEAD)), last), phone) for phone in stopping)

    def reached(at: datetime) -> bool:
        # By the clock it would be too soon where the machine is busy.
        return max((due[to] for to, _ in switchboard.line.taken if to in due), default=from_now) >= at

    asked = []
    with ThreadPoolExecutor(16) as pool:
        for at, phone in moments:
            wait_for(partial(reached, at), SETTLED_SECONDS, "the campaign goes on", 0.01)
            asked.append(pool.submit(switchboard.twilio.says, phone, "STOP"))
    for one in asked:
        one.result()
    wait_for(lambda: len(office.ask(_STOPPED, stopping)) == stops, SETTLED_SECONDS, "each STOP is known", 0.2)
    switchboard.settled(dataset_id, SETTLED_SECONDS, lambda states: sum(states.values()) == len(phones))
    wait_for(lambda: _confirmed(switchboard, stopping) == Counter(stopping), SETTLED_SECONDS, "each is confirmed", 0.5)

    committed: dict[str, datetime] = dict(office.ask(_STOPPED, stopping))
    handed = {phone: at for phone, _, at in office.ask(_HANDED, stopping)}
    assert {phone: (at, committed[phone]) for phone, at in handed.items() if at > committed[phone]} == {}
    texted = Counter(to for to, _ in switchboard.texted(phones))
    assert set(texted.values()) == {1}
    stopped = set(stopping)
    assert {phone for phone in phones if phone not in texted} <= stopped
    assert texted.keys() & stopped <= handed.keys()
    under_way = [to for to, at in switchboard.line.taken if to in stopped and at > committed[to]]
    raced = [phone for phone in stopping if abs(committed[phone] - handed.get(phone, due[phone])) <= RACED]
    before = stops - len(handed)
    assert min(len(handed), before) >= least, (len(handed), before, "no race")
    return (
        f"{stops} STOPs by signed calls amid {len(phones)} texts, {len(raced)} of them within half a second of their"
        f" own text: {before} before it was handed over, {len(handed)} after, {len(under_way)} of these while it was on"
        " its way to Twilio: 0 hand-overs after a STOP's commit, nothing after it but its one confirmation; each of the"
        " others texted once"
    )


def _confirmed(switchboard: Switchboard, phones: list[str]) -> Counter[str]:
    wanted = set(phones)
    told: list[dict[str, Any]] = switchboard.twilio.outbound()
    return Counter(one["to"] for one in told if one["body"] == CONFIRMATION and one["to"] in wanted)


def test_who_says_stop_as_their_text_leaves_gets_nothing_more_by_twilio(switchboard: Switchboard) -> None:
    print(_stopped(switchboard, 20, 40, 600, 0))


@pytest.mark.prove
def test_a_thousand_who_say_stop_as_their_text_leaves_get_nothing_more_by_twilio(
    switchboard: Switchboard, proved: Note
) -> None:
    proved(2, f"Twilio's adapter against `emulate`: {_stopped(switchboard, 1000, 200, 1800, 50)}")
