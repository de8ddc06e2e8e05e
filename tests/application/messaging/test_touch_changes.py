"""Touches of a running campaign whose settings change: nothing is written, paid or waited for that nobody asks for."""

import asyncio

import pytest

from application.outreach.campaign_forms import SettingsIn
from application.outreach.campaigns import PLAN, Campaigns
from domain.outreach.campaign import TextFrom
from tests.application.conftest import waiting
from tests.application.messaging.replying import Thread, said
from tests.application.messaging.touching import TEMPLATE, WAY_OUT, WORDS, Campaign, by_prompt, started
from tests.application.outreach.test_planning import agenda

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("waking_hours")]
BY_TEMPLATE = by_prompt(("A", 100, TextFrom.TEMPLATE))
OTHER_WORDS = "Hi Ada, Bright Windows here. Shall we talk?"


async def change(campaign: Campaign, settings: SettingsIn) -> None:
    """Change the campaign's settings, as a person does."""
    async with campaign.thread.tenant.use(Campaigns) as campaigns:
        await campaigns.change(campaign.dataset, settings, None)


async def paid(campaign: Campaign) -> int:
    """Count what was spent on touches."""
    [found] = await campaign.rows(
        "SELECT coalesce(sum(cost_micros), 0)::int AS micros FROM model_calls WHERE organization_id = $1"
    )
    micros: int = found["micros"]
    return micros


async def test_back_to_the_template_nobody_waits_and_nothing_is_paid(thread: Thread) -> None:
    campaign = await started(thread, 3)
    await campaign.plan()
    await campaign.rows("UPDATE schedules SET next_due_at = NULL WHERE organization_id = $1")
    await change(campaign, BY_TEMPLATE)
    assert await campaign.counts() == [], "what was due is withdrawn"
    [waiting] = await campaign.rows(
        "SELECT count(*) AS count FROM enrolments"
        " WHERE organization_id = $1 AND due_at <= business_now() AND delayed_by IS NULL"
    )
    assert waiting["count"] == 3, "they are due now"
    assert await agenda(thread.tenant, PLAN) is not None
    assert await campaign.work() == [TEMPLATE] * 3
    assert thread.writer.tasks == []
    assert await paid(campaign) == 0


async def test_what_was_written_already_goes_no_more(thread: Thread) -> None:
    campaign = await started(thread)
    thread.writer.ready = [said(WORDS)]
    await campaign.plan()
    await campaign.write()
    assert await paid(campaign) == 1500
    await change(campaign, BY_TEMPLATE)
    assert await campaign.counts() == []
    assert await campaign.work() == [TEMPLATE]
    assert await paid(campaign) == 1500


async def test_what_is_being_written_is_paid_and_goes_no_more(thread: Thread) -> None:
    campaign = await started(thread)
    await campaign.plan()
    thread.writer.ready = [said(WORDS)]
    thread.writer.meanwhile = lambda: change(campaign, BY_TEMPLATE)
    await campaign.write()
    assert await campaign.work() == [TEMPLATE]
    assert await paid(campaign) == 1500
    assert await campaign.counts() == []


async def test_what_is_in_the_ledger_keeps_its_words(thread: Thread) -> None:
    campaign = await started(thread)
    thread.writer.ready = [said(WORDS)]
    await campaign.plan()
    await campaign.write()
    await campaign.plan()
    await change(campaign, BY_TEMPLATE)
    assert await campaign.counts() == [("written", None, 1)]
    assert await campaign.work() == [WORDS + WAY_OUT]


async def test_from_the_template_to_the_prompt_only_what_is_not_in_the_ledger_is_written(thread: Thread) -> None:
    campaign = await started(thread, 2, BY_TEMPLATE)
    _, second = campaign.leads
    due = "UPDATE enrolments SET due_at = business_now() + $3::int * interval '1 hour'"
    due += " WHERE organization_id = $1 AND lead_id = $2"
    await campaign.rows(due, second, 1)
    await campaign.plan()
    await change(campaign, by_prompt())
    await campaign.rows(due, second, 0)
    thread.writer.ready = [said(WORDS)]
    assert sorted(await campaign.work()) == sorted([TEMPLATE, WORDS + WAY_OUT])
    assert len(thread.writer.tasks) == 1
    found = await campaign.rows("SELECT lead_id FROM touch_texts WHERE organization_id = $1")
    assert [row["lead_id"] for row in found] == [second]


async def test_who_says_the_same_touches_again_changes_nothing(thread: Thread) -> None:
    campaign = await started(thread)
    await campaign.plan()
    thread.writer.ready = [said(WORDS), said(OTHER_WORDS)]
    await campaign.write()
    await change(campaign, by_prompt())
    assert await campaign.work() == [WORDS + WAY_OUT]
    assert len(thread.writer.tasks) == 1


async def test_enrolments_are_locked_before_texts(thread: Thread) -> None:
    campaign = await started(thread)
    await campaign.plan()
    async with thread.tenant.sql() as connection:
        organization = thread.tenant.organization_id
        await connection.execute("SELECT 1 FROM enrolments WHERE organization_id = $1 FOR NO KEY UPDATE", organization)
        changing = asyncio.create_task(change(campaign, BY_TEMPLATE))
        await waiting(thread.tenant.database)
        free = "SELECT 1 FROM touch_texts WHERE organization_id = $1 FOR NO KEY UPDATE SKIP LOCKED"
        assert len(await connection.fetch(free, organization)) == 1, "who ends a text goes on"
        assert not changing.done()
    await changing
