"""Writers of touches at once: few at a time, and none keeps planning waiting for texts that others hold."""

import asyncio
from itertools import islice
from typing import Any

import pytest

from application.messaging.touch_writing import AT_ONCE, MOST_AT_ONCE
from application.outreach.campaigns import PLAN
from application.provider import Unavailable
from tests.application.conftest import waiting
from tests.application.messaging.replying import Thread, said
from tests.application.messaging.touching import WORDS, started

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("waking_hours")]
BUSY = Unavailable(None, "Busy.")


@pytest.mark.parametrize("told", [said(WORDS), BUSY])
async def test_whether_the_model_is_away_or_back_texts_in_others_hands_are_left_alone(
    thread: Thread, told: Any
) -> None:
    campaign = await started(thread, AT_ONCE + 2)
    await campaign.plan()
    if told is not BUSY:
        await campaign.rows("UPDATE touch_texts SET away_since = requested_at WHERE organization_id = $1")
    thread.writer.ready = [told] * AT_ONCE
    async with thread.tenant.sql() as connection:
        await connection.execute(
            "SELECT 1 FROM touch_texts WHERE organization_id = $1 ORDER BY due_at DESC, id DESC LIMIT 2"
            " FOR NO KEY UPDATE",
            thread.tenant.organization_id,
        )
        async with asyncio.timeout(20):
            await campaign.write()
    assert len(thread.writer.tasks) == AT_ONCE


async def test_all_that_a_writer_ends_or_leaves_is_locked_before_plannings_schedule(thread: Thread) -> None:
    campaign = await started(thread, 2)
    await campaign.plan()
    [left, _] = await campaign.rows("SELECT id FROM touch_texts WHERE organization_id = $1 ORDER BY due_at, id")
    begun, go = asyncio.Event(), asyncio.Event()

    async def meanwhile() -> None:
        begun.set()
        await go.wait()
        raise BUSY

    thread.writer.meanwhile = meanwhile
    thread.writer.ready = [said(WORDS)]
    writing = asyncio.create_task(campaign.write())
    await begun.wait()
    async with thread.tenant.sql() as connection:
        organization = thread.tenant.organization_id
        lock = "SELECT 1 FROM {} WHERE organization_id = $1 AND {} = $2 FOR NO KEY UPDATE SKIP LOCKED"
        assert await connection.fetch(lock.format("touch_texts", "id"), organization, left["id"])
        go.set()
        await waiting(thread.tenant.database)
        assert await connection.fetch(lock.format("schedules", "name"), organization, PLAN), "others can still set it"
        assert not writing.done()
    await writing
    assert await campaign.counts() == [("due", None, 1), ("written", None, 1)]


async def test_an_organisations_texts_are_written_sixteen_at_a_time_at_most(thread: Thread) -> None:
    campaign = await started(thread, 3 * MOST_AT_ONCE)
    await campaign.plan()
    thread.writer.barrier = asyncio.Barrier(MOST_AT_ONCE + 1)
    writers = [asyncio.create_task(campaign.write()) for _ in range(4)]
    async with asyncio.timeout(20):
        for done in islice(asyncio.as_completed(writers), 2):  # there is room for two; the others leave it to them
            await done
        await thread.writer.barrier.wait()
    thread.writer.barrier = None
    await asyncio.gather(*writers)
    assert len(thread.writer.tasks) == 3 * MOST_AT_ONCE
    assert thread.writer.most_at_once == MOST_AT_ONCE == 16
