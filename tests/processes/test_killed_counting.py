"""Workers killed while they count: the figures come to what was sent, and to what they are counted anew."""

import random
import time
from typing import Any

from tests.processes.office import Office, wait_for

RECIPIENTS = 200
_COUNTING = """
SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%INSERT INTO rollups%'
"""


def test_figures_survive_killed_workers_and_equal_a_recount(office: Office) -> None:
    dice = random.Random()
    dataset_id, phones = office.start(RECIPIENTS)
    for _ in range(3):
        office.kill_after(dice.randrange(5, 20), dice)
    with office.locked("rollups"):  # whoever counts stands still in its transaction
        wait_for(lambda: office.ask(_COUNTING)[0][0], 60, "somebody counts")
        for name in ("worker-1", "worker-2"):
            office.house.kill(name)

    def figures() -> dict[str, Any]:
        found: dict[str, Any] = office.client.call("GET", f"/analytics/overview?dataset_id={dataset_id}")["metrics"]
        return found

    office.all_accepted(dataset_id, RECIPIENTS, 120)
    wait_for(lambda: figures()["messages_sent"]["m1"] >= len(phones), 60, "all is counted", 0.2)
    time.sleep(2)  # whoever would count twice has done so by then
    counted = figures()
    assert counted["messages_sent"]["m1"] == counted["leads_contacted"] == RECIPIENTS
    said = office.house.run("entrypoints.cli", "rebuild-analytics")
    assert "Counted anew: " in said
    assert figures() == counted
