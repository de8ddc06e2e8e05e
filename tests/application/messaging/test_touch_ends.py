"""Touches by the AI that end otherwise than by their words: nothing is written, paid or waited for in vain."""

import pytest

from tests.application.messaging.replying import Thread
from tests.application.messaging.test_touch_writing import started

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("waking_hours")]


async def test_without_a_number_to_send_from_nothing_is_written(thread: Thread) -> None:
    campaign = await started(thread)
    await campaign.rows("UPDATE organizations SET sender = NULL WHERE organization_id = $1")
    assert await campaign.work() == []
    assert thread.writer.tasks == []
    [refused] = await campaign.rows("SELECT state, reasons FROM sends WHERE organization_id = $1")
    assert refused["state"] == "refused"
    assert "no number to send from" in str(refused["reasons"])
    assert await campaign.counts() == []


async def test_what_is_asked_for_is_not_written_once_there_is_no_number(thread: Thread) -> None:
    campaign = await started(thread)
    await campaign.plan()
    await campaign.rows("UPDATE organizations SET sender = NULL WHERE organization_id = $1")
    await campaign.write()
    assert thread.writer.tasks == []
    assert await campaign.counts() == [], "it is withdrawn"
