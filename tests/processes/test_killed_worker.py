"""Workers, and what they stand on, killed at any moment of a campaign: nothing lost, nothing doubled, all settled."""

import random
import time
from pathlib import Path

import pytest

from tests.processes.office import Office, opened
from tests.proofs import Note

RECIPIENTS = 200
KILLS = 20
SENDS = 10_000
SETTLED_SECONDS = 120


def test_nothing_is_lost_or_doubled_when_workers_are_killed_and_answers_never_come(office: Office) -> None:
    dice = random.Random()
    dataset_id, phones = office.start(RECIPIENTS)
    office.lose_answers(5)
    office.client.call(
        "POST", "/sandbox/faults", json={"capability": "sms", "fault": "duplicate_callbacks", "probability": 0.2}
    )
    moments = [office.kill_after(texts, dice) for texts in (dice.randrange(1, 60), 0, dice.randrange(60))]
    print("texts accepted at each kill:", moments)
    office.all_accepted(dataset_id, RECIPIENTS, SETTLED_SECONDS)
    office.client.call("DELETE", "/sandbox/faults")
    office.assert_each_got_one(phones)


@pytest.mark.prove
def test_ten_thousand_texts_survive_whatever_dies(tmp_path: Path, proved: Note) -> None:
    dice = random.Random(1)
    with opened(tmp_path, "whatever-dies") as office:
        lists = [office.start(SENDS // 2) for _ in range(2)]
        lost_answers = 0
        others = {5: "relay", 7: "valkey", 9: "postgres", 11: "relay", 13: "valkey", 15: "postgres", 17: "scheduler"}
        for number in range(1, KILLS + 1):
            if number % 3 == 0:
                office.lose_answers(5)
                lost_answers += 5
            office.kill_after(dice.randrange(300, 480), dice)
            match others.get(number):
                case "valkey":
                    office.wipe_valkey()
                case str(other):
                    office.house.kill(other)
            print(f"kill {number}: {office.books.count()} texts accepted")
        last_kill = time.monotonic()
        for dataset_id, phones in lists:
            office.all_accepted(dataset_id, len(phones), SETTLED_SECONDS)
        settled = time.monotonic() - last_kill
        office.assert_each_got_one([phone for _, phones in lists for phone in phones])
    assert settled <= SETTLED_SECONDS
    proved(
        1,
        f"{SENDS} texts: worker killed x{KILLS}, relay x2, scheduler x1, Valkey killed and wiped x2, PostgreSQL x2,"
        f" {lost_answers} answers lost after the provider accepted: 0 lost, 0 doubled, settled {settled:.0f} s after",
    )
