"""Touches that the AI writes, and what happens while one is written."""

import asyncio

import pytest

from application.messaging.messages import Messages, SendMessage
from application.outreach.campaign_forms import OfDataset
from application.outreach.campaigns import Campaigns
from tests.application.messaging.replying import Thread, said
from tests.application.messaging.touching import WAY_OUT, WORDS, started
from tests.application.outreach.test_planning import phones

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("waking_hours")]


async def test_what_is_ended_meanwhile_is_not_written(thread: Thread) -> None:
    campaign = await started(thread, 5)
    await campaign.plan()
    stopped, replied, taken_over, archived, _ = campaign.leads
    numbers = dict(zip(campaign.leads, phones(5), strict=True))
    for lead, words in ((stopped, "STOP"), (replied, "Who is this?")):
        thread.phone = numbers[lead]
        await thread.arrive(words)
    async with thread.tenant.use(Messages) as messages:
        await messages.send(SendMessage(lead_id=taken_over, content="Hello Ada, Bob here."))
    await campaign.rows("UPDATE leads SET archived = true WHERE organization_id = $1 AND id = $2", archived)
    thread.writer.ready = [said(WORDS)] * 5
    await campaign.write()
    assert len(thread.writer.tasks) == 1, "only the last is still wanted"
    await campaign.plan()
    await campaign.write()
    assert len(thread.writer.tasks) == 1
    await campaign.plan()
    states = await campaign.rows("SELECT lead_id, state, held FROM sends WHERE organization_id = $1"
                                 " AND purpose = 'campaign'")  # fmt: skip
    found = {row["lead_id"]: (row["state"], row["held"]) for row in states}
    assert stopped not in found
    assert replied not in found
    assert found[archived] == ("refused", False)
    assert found[taken_over] == ("planned", True), "the touch waits for the person"
    assert ("fell_back", "held", 1) in await campaign.counts()


async def test_a_paused_campaign_is_not_written_and_goes_on_when_it_is_resumed(thread: Thread) -> None:
    campaign = await started(thread)
    await campaign.plan()
    async with thread.tenant.use(Campaigns) as campaigns:
        await campaigns.pause(OfDataset(dataset_id=campaign.dataset))
    await campaign.write()
    assert thread.writer.tasks == []
    async with thread.tenant.use(Campaigns) as campaigns:
        await campaigns.resume(OfDataset(dataset_id=campaign.dataset))
    thread.writer.ready = [said(WORDS)]
    assert await campaign.work() == [WORDS + WAY_OUT]


async def test_two_at_once_write_each_text_once(thread: Thread) -> None:
    campaign = await started(thread, 30)
    await campaign.plan()
    await asyncio.gather(*(campaign.write() for _ in range(4)))
    async with asyncio.timeout(30):
        while (await campaign.counts())[0][0] == "due":
            await campaign.write()
    assert len(thread.writer.tasks) == 30
    await campaign.plan()
    assert len(await campaign.send()) == 30


async def test_who_is_late_has_spent_and_changes_nothing(thread: Thread) -> None:
    campaign = await started(thread)
    await campaign.plan()

    async def overtaken() -> None:
        await campaign.rows("UPDATE touch_texts SET lease_until = NULL WHERE organization_id = $1")
        await campaign.write()

    thread.writer.ready = [said("Hi Ada, it's Bright Windows here."), said(WORDS)]
    thread.writer.meanwhile = overtaken
    await campaign.write()
    await campaign.plan()
    [text] = await campaign.send()
    [kept] = await campaign.rows("SELECT text, cost_micros FROM touch_texts WHERE organization_id = $1")
    assert (kept["text"], kept["cost_micros"]) == (text, 3000)


async def test_a_lead_that_is_erased_meanwhile_leaves_nothing(thread: Thread) -> None:
    campaign = await started(thread)
    await campaign.plan()

    async def erased() -> None:
        await campaign.rows("DELETE FROM leads WHERE organization_id = $1 AND id = $2", campaign.leads[0])

    thread.writer.meanwhile = erased
    await campaign.write()
    await campaign.plan()
    assert await campaign.rows("SELECT 1 FROM touch_texts WHERE organization_id = $1") == []
    assert await campaign.send() == []
