"""Touches that the AI writes wait for their words with patience, and never without an end."""

import pytest

from adapters.persistence.integrations import OrganizationCapabilities
from application.provider import NotConfigured, Unavailable
from tests.application.messaging.replying import Thread, said
from tests.application.messaging.touching import TEMPLATE, WAY_OUT, WORDS, started

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("waking_hours")]


async def test_without_a_model_nobody_waits(thread: Thread, monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(_self: object, capability: str) -> None:
        if capability == "ai":
            raise NotConfigured("There is none.")

    campaign = await started(thread)
    monkeypatch.setattr(OrganizationCapabilities, "require", none)
    await campaign.plan()
    assert await campaign.send() == [TEMPLATE]
    assert thread.writer.tasks == []
    assert await campaign.counts() == [("fell_back", "no_model", 1)]


async def test_the_days_budget_is_one_for_answers_and_touches(thread: Thread) -> None:
    await thread.setting(ai_daily_budget_usd=0.01)
    campaign = await started(thread, 12)
    thread.writer.ready = [said(WORDS)] * 12
    texts = await campaign.work()
    assert len(texts) == 12
    assert await campaign.counts() == [("fell_back", "budget", 4), ("written", None, 8)]
    await thread.arrive("Yes please")
    await thread.answer()
    assert (await thread.row())["attention"] == "budget"


async def test_a_model_that_is_away_is_waited_for_and_then_no_more(thread: Thread) -> None:
    await thread.setting(ai_patience_seconds=600)
    campaign = await started(thread, 10)
    thread.writer.ready = [Unavailable(None, "Busy.")] * 8
    await campaign.plan()
    await campaign.write()
    assert len(thread.writer.tasks) == 8, "the others are not tried in vain"
    assert await campaign.counts() == [("due", None, 10)]
    wait = await thread.tenant.value(
        "SELECT extract(epoch FROM next_due_at - business_now()) FROM schedules"
        " WHERE organization_id = $1 AND name = 'messaging.write_touches'"
    )
    assert 25 < wait <= 30
    await campaign.rows("UPDATE touch_texts SET due_at = requested_at WHERE organization_id = $1")
    thread.writer.ready = [said(WORDS)] * 10
    await campaign.write()
    await campaign.plan()
    assert await campaign.send() == [WORDS + WAY_OUT] * 10


async def test_a_model_that_stays_away_is_done_without(thread: Thread) -> None:
    await thread.setting(ai_patience_seconds=600)
    campaign = await started(thread, 10)
    await campaign.plan()
    for _ in range(2):
        thread.writer.ready = [Unavailable(None, "Busy.")] * 8
        await campaign.write()
        await campaign.rows(
            "UPDATE touch_texts SET due_at = requested_at, away_since = away_since - interval '11 minutes'"
            " WHERE organization_id = $1"
        )
    assert len(thread.writer.tasks) == 16, "it is tried a last time"
    await campaign.plan()
    assert await campaign.send() == [TEMPLATE] * 10
    assert await campaign.counts() == [("fell_back", "model_away", 10)]


async def test_no_touch_waits_for_ever(thread: Thread) -> None:
    campaign = await started(thread)
    await campaign.plan()
    [enrolment] = await campaign.rows("SELECT due_at - business_now() AS wait, delayed_by FROM enrolments"
                                      " WHERE organization_id = $1")  # fmt: skip
    assert (round(enrolment["wait"].total_seconds() / 3600), enrolment["delayed_by"]) == (6, "writing")
    await campaign.rows("UPDATE enrolments SET due_at = business_now() WHERE organization_id = $1")
    await campaign.plan()
    assert await campaign.bodies() == [], "it is not time yet"
    await campaign.rows("UPDATE touch_texts SET requested_at = requested_at - interval '7 hours'"
                        " WHERE organization_id = $1")  # fmt: skip
    await campaign.rows("UPDATE enrolments SET due_at = business_now() WHERE organization_id = $1")
    await campaign.plan()
    assert await campaign.send() == [TEMPLATE]
    assert await campaign.counts() == [("fell_back", "too_late", 1)]
