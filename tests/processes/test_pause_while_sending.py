"""A campaign paused while it is sent: after the answer nothing more goes out but what was handed over before it."""

import random
import time

import pytest

from tests.processes.office import Office, wait_for
from tests.proofs import Note


def paused_and_resumed(office: Office, recipients: int, times: int) -> tuple[int, int]:
    """Pause and resume so often; gives how many texts were in flight at the answers, and how many came after them.

    In flight is what the ledger calls handed when the pause is answered: its call to the provider is under way.
    """
    dice = random.Random()
    dataset_id, phones = office.start(recipients)
    ours = set(phones)
    in_flight = after = 0
    for number in range(times):
        goal = office.books.count() + dice.randrange(1, 25)
        wait_for(lambda goal=goal: office.books.count() >= goal, 60, f"pause {number}: sent", 0.002)  # type: ignore[misc]
        time.sleep(dice.random() * 0.05)
        office.client.call("POST", "/campaigns/pause", json={"dataset_id": dataset_id})
        handed = {str(row["id"]) for row in office.ask("SELECT id FROM sends WHERE state = 'handed'")}
        known = {text.key for text in office.books.texts()}
        time.sleep(0.4)
        later = {text.key for text in office.books.texts() if text.to in ours} - known
        assert later <= handed, f"pause {number}: {len(later - handed)} texts went out after its answer"
        held = office.ask("SELECT count(*) FROM sends WHERE state IN ('planned', 'claimed') AND NOT held")[0][0]
        assert held == 0, f"pause {number}: {held} texts are not held"
        in_flight, after = in_flight + len(handed), after + len(later)
        office.client.call("POST", "/campaigns/resume", json={"dataset_id": dataset_id})
    office.all_accepted(dataset_id, recipients, 120)
    office.assert_each_got_one(phones)
    return in_flight, after


def test_after_a_pause_nothing_more_is_handed_over(office: Office) -> None:
    paused_and_resumed(office, 200, 4)


@pytest.mark.prove
def test_fifty_pauses_hold_and_lose_nothing(office: Office, proved: Note) -> None:
    in_flight, after = paused_and_resumed(office, 6000, 50)
    proved(
        0,
        f"pause x50 in a campaign of 6,000 texts: {in_flight} were in flight at the answers, {after} of these accepted"
        " after it, 0 others; resumed: 0 lost, 0 doubled",
    )
