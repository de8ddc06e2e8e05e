"""Touches by the AI that end otherwise than by their words: nothing is written, paid or waited for in vain."""

from uuid import UUID

import pytest

from application.provider import Unavailable
from tests.application.messaging.replying import Thread, said
from tests.application.messaging.touching import TEMPLATE, WAY_OUT, WORDS, Campaign, started

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("waking_hours")]
BUSY = Unavailable(None, "Busy.")


async def breaks() -> None:
    """Break off as nobody foresaw."""
    raise ZeroDivisionError


async def later(campaign: Campaign, minutes: int) -> None:
    """Let so many minutes pass for what is kept of its texts."""
    passed = "- $2::int * interval '1 minute'"
    await campaign.rows(
        f"UPDATE touch_texts SET requested_at = requested_at {passed}, due_at = due_at {passed},"
        f" away_since = away_since {passed} WHERE organization_id = $1",
        minutes,
    )


async def in_order(campaign: Campaign) -> list[UUID]:
    """List its texts in the order in which they are written."""
    found = await campaign.rows("SELECT id FROM touch_texts WHERE organization_id = $1 ORDER BY requested_at, id")
    return [row["id"] for row in found]


async def put(campaign: Campaign, text: UUID, asked_for: int, due: int, away: int | None = None) -> None:
    """Let it have been asked for, due and in vain so many minutes from now, which is before it where negative."""
    await campaign.rows(
        "UPDATE touch_texts SET requested_at = business_now() + $3::int * interval '1 minute',"
        " due_at = business_now() + $4::int * interval '1 minute',"
        " away_since = business_now() + $5::int * interval '1 minute' WHERE organization_id = $1 AND id = $2",
        text,
        asked_for,
        due,
        away,
    )


async def test_a_text_that_is_never_finished_has_its_patience_while_others_get_theirs(thread: Thread) -> None:
    await thread.setting(ai_patience_seconds=600)
    campaign = await started(thread, 5)
    await campaign.plan()
    _, _, *others = await in_order(campaign)
    for text, minutes in zip(others, (8, 10, 60), strict=True):
        await put(campaign, text, 0, minutes)
    outcomes = []
    for minutes in (0, 9, 2):
        await later(campaign, minutes)
        thread.writer.ready = [BUSY, said(WORDS)]
        await campaign.write()
        outcomes.append([(status, count) for status, _, count in await campaign.counts()])
    assert outcomes[:2] == [[("due", 4), ("written", 1)], [("due", 3), ("written", 2)]]
    assert await campaign.counts() == [("due", None, 1), ("fell_back", "model_away", 1), ("written", None, 3)]


async def test_what_waits_to_be_tried_again_is_not_given_up_with_another(thread: Thread) -> None:
    await thread.setting(ai_patience_seconds=600)
    campaign = await started(thread, 3)
    await campaign.plan()
    given_up, _, waiting = await in_order(campaign)
    await put(campaign, given_up, -12, 0, -11)
    await put(campaign, waiting, -12, 1, -11)
    thread.writer.ready = [BUSY, said(WORDS)]
    await campaign.write()
    found = await campaign.rows("SELECT id, status FROM touch_texts WHERE organization_id = $1")
    statuses = {row["id"]: row["status"] for row in found}
    assert (statuses[given_up], statuses[waiting]) == ("fell_back", "due")


async def test_what_was_tried_in_vain_is_tried_again_before_what_was_asked_for_later(thread: Thread) -> None:
    campaign = await started(thread, 2)
    await campaign.plan()
    asked_for_later, in_vain = await in_order(campaign)
    await put(campaign, in_vain, -5, -1, -4)
    await put(campaign, asked_for_later, -2, -2)
    thread.writer.ready = [said(WORDS)]
    await campaign.write()
    [text] = await campaign.rows("SELECT text FROM touch_texts WHERE organization_id = $1 AND id = $2", in_vain)
    assert text["text"] == WORDS + WAY_OUT


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


async def test_what_nobody_foresaw_costs_one_text_its_words_and_no_other_and_is_told(thread: Thread) -> None:
    campaign = await started(thread, 8)
    await campaign.plan()
    thread.writer.ready = [said(WORDS)] * 7
    thread.writer.meanwhile = breaks
    with pytest.raises(ZeroDivisionError):
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
    with pytest.raises(ZeroDivisionError):
        await campaign.write()
    assert await campaign.counts() == [("fell_back", "failed_twice", 1)]
    [paid] = await campaign.rows("SELECT cost_micros FROM touch_texts WHERE organization_id = $1")
    assert paid["cost_micros"] == 1500
    [spent] = await campaign.rows("SELECT purpose, cost_micros FROM model_calls WHERE organization_id = $1")
    assert tuple(spent.values()) == ("touch", 1500)
