"""Workers, and what they stand on, killed at any moment of a campaign: nothing lost, nothing doubled, all settled."""

import random
import time
from pathlib import Path

import pytest

from tests.processes.deaths import AS_TOLD, Carrier, whatever_dies
from tests.processes.office import Office, opened
from tests.proofs import Note

RECIPIENTS = 200
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
        carrier = Carrier(office.books.count, office.lose_answers, lambda: office.house.kill("postgres"))
        lost_answers = whatever_dies(office, carrier, dice, SENDS)
        last_kill = time.monotonic()
        for dataset_id, phones in lists:
            office.all_accepted(dataset_id, len(phones), SETTLED_SECONDS)
        settled = time.monotonic() - last_kill
        office.assert_each_got_one([phone for _, phones in lists for phone in phones])
    assert settled <= SETTLED_SECONDS
    proved(
        1,
        f"{SENDS} texts: {AS_TOLD}, {lost_answers} answers lost after the provider accepted: 0 lost, 0 doubled, settled"
        f" {settled:.0f} s after",
    )
