"""Touches by the AI that end otherwise than by their words: nothing is written, paid or waited for in vain."""

import pytest

from tests.application.messaging.replying import Thread, said
from tests.application.messaging.test_touch_writing import TEMPLATE, WAY_OUT, WORDS, started

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("waking_hours")]


async def breaks() -> None:
    """Break off as nobody foresaw."""
    raise ZeroDivisionError


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


async def test_what_nobody_foresaw_costs_one_text_its_words_and_no_other(thread: Thread) -> None:
    campaign = await started(thread, 8)
    await campaign.plan()
    thread.writer.ready = [said(WORDS)] * 7
    thread.writer.meanwhile = breaks
    await campaign.write()
    assert await campaign.counts() == [("fell_back", "failed_twice", 1), ("written", None, 7)]
    [why] = await campaign.rows("SELECT reasoning FROM touch_texts WHERE organization_id = $1 AND status = 'fell_back'")
    assert why["reasoning"] == "Writing broke off (ZeroDivisionError)."
    await campaign.write()
    assert len(thread.writer.tasks) == 8, "none is tried again"
    await campaign.plan()
    assert sorted(await campaign.send()) == sorted([TEMPLATE] + [WORDS + WAY_OUT] * 7)


async def test_calls_before_what_nobody_foresaw_are_paid_once(thread: Thread) -> None:
    campaign = await started(thread)
    await campaign.plan()

    async def next_one_breaks() -> None:
        thread.writer.meanwhile = breaks

    thread.writer.ready = [said("It costs £50.")]
    thread.writer.meanwhile = next_one_breaks
    await campaign.write()
    assert await campaign.counts() == [("fell_back", "failed_twice", 1)]
    [paid] = await campaign.rows("SELECT cost_micros FROM touch_texts WHERE organization_id = $1")
    assert paid["cost_micros"] == 1500
    [spent] = await campaign.rows("SELECT purpose, cost_micros FROM model_calls WHERE organization_id = $1")
    assert tuple(spent.values()) == ("touch", 1500)
