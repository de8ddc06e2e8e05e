"""What follows a touch that the AI wrote counts for the version that wrote it, or that left it to the template."""

from typing import Any

import pytest

from adapters.ai.sandbox import SandboxReplyWriter
from adapters.persistence.database import Cause
from application.coaching.prompt_forms import PromptView
from application.coaching.reviewed import ReviewStore
from application.messaging.reply_writing import WritingTask, Written
from application.ports import Actor, UnitOfWork
from domain.coaching.prompt import PromptType
from tests.application.messaging.prompting import canary, measure, publish, show
from tests.application.messaging.replying import Thread, said
from tests.application.messaging.touching import WAY_OUT, WORDS, started
from tests.application.outreach.test_planning import phones

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("waking_hours")]


async def measured(thread: Thread, kind: PromptType = PromptType.M1) -> PromptView:
    """Look what followed, and show how the prompt does."""
    await measure(thread)
    return await show(thread, kind)


async def test_what_followed_a_touch_counts_for_its_version(thread: Thread) -> None:
    await publish(thread, "Be kind.", PromptType.M1)
    campaign = await started(thread, 2)
    await campaign.work()
    assert (await measured(thread)).performance.conversations_using == 2
    thread.phone = phones(2)[0]
    await thread.arrive("Yes please")
    await thread.answer()
    shown = await measured(thread)
    assert (shown.performance.conversations_using, shown.performance.success_rate.value) == (2, 0.5)
    rows = await campaign.rows(
        "SELECT replied, opted_out FROM replies WHERE organization_id = $1 AND prompt_type = 'm1' ORDER BY replied"
    )
    assert [tuple(row.values()) for row in rows] == [(False, False), (True, False)]
    assert (await measured(thread, PromptType.REPLY)).performance.conversations_using == 0


async def test_a_trial_counts_what_a_version_left_to_the_template(
    thread: Thread, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unsure(task: WritingTask) -> Written:
        if task.prompt.version == "master-0/m1-1":
            return said(WORDS, confidence=0.1)
        return await SandboxReplyWriter().write(task)

    await publish(thread, "Be kind.", PromptType.M1, share=50)
    monkeypatch.setattr(thread.writer, "write", unsure)
    campaign = await started(thread, 24)
    texts = await campaign.work()
    await measure(thread)
    tried = await canary(thread, PromptType.M1)
    new, old = tried.new, tried.old
    assert (new.conversations + old.conversations, len(texts)) == (24, 24)
    assert (new.handed_over, old.handed_over) == (new.conversations, 0)
    assert min(new.conversations, old.conversations) > 0
    assert await campaign.counts() == [
        ("fell_back", "low_confidence", new.conversations),
        ("written", None, old.conversations),
    ]


async def test_no_version_is_to_blame_for_a_budget(thread: Thread) -> None:
    await thread.setting(ai_daily_budget_usd=0)
    await publish(thread, "Be kind.", PromptType.M1, share=50)
    campaign = await started(thread, 2)
    assert len(await campaign.work()) == 2
    await measure(thread)
    tried = await canary(thread, PromptType.M1)
    assert (tried.new.conversations, tried.old.conversations) == (0, 0)


async def test_a_reviewer_is_told_what_a_touch_was_written_with(thread: Thread) -> None:
    campaign = await started(thread)
    thread.writer.ready = [said(WORDS)]
    await campaign.work()
    thread.phone = phones(1)[0]
    await thread.arrive("Who is this?")
    context: dict[Any, Any] = {Actor: thread.tenant.system(), Cause: Cause()}
    async with thread.tenant.house(context=context) as scope:
        uow, reviews = await scope.get(UnitOfWork), await scope.get(ReviewStore)
        async with uow.reading():
            under = await reviews.read(await thread.id())
    assert under is not None
    first = under.task.messages[0]
    assert (first.by, first.text, first.prompt_version) == ("ai", WORDS + WAY_OUT, "master-0/m1-0")
