"""What becomes of answers while the model is away, or refuses the access: they wait, then people write them."""

from dataclasses import replace
from datetime import timedelta
from unittest.mock import AsyncMock

import pytest

from adapters.persistence.database import Cause
from application.identity.secrets import Secrets
from application.messaging.replies import Replies
from application.messaging.reply_writing import TextAllowance
from application.ports import Actor
from application.provider import NotConfigured, ProviderError, Unavailable, Unknown, Untried
from application.provider import Unusable as NoAccess
from domain.messaging.reply import AnswerDue
from tests.application.messaging.replying import Thread

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("waking_hours")]


_WAITS = "SELECT answer_due_at - business_now() FROM conversations WHERE organization_id = $1"


@pytest.mark.parametrize(
    ("away", "seconds"), [(Unavailable(), 30), (Unavailable(120), 120), (Untried(9), 9), (Unknown("It hangs."), 30)]
)
async def test_an_answer_waits_for_a_model_that_is_away_and_then_a_person_writes_it(
    thread: Thread, away: ProviderError, seconds: int
) -> None:
    thread.writer.ready = [away] * 4
    await thread.arrive("Yes please")
    for _ in range(3):
        await thread.answer()
        row = await thread.row()
        assert (row["attention"], row["unanswered_id"] is None) == (None, False)
        waits = await thread.tenant.value(_WAITS)
        assert timedelta(seconds=seconds - 5) < waits <= timedelta(seconds=seconds)
    await _set_back(thread, 300)
    await thread.answer()
    row = await thread.row()
    assert (row["attention"], row["turn_holder"], row["writer_away_since"]) == ("model_away", "person", None)
    assert await thread.hand_over() == []


async def test_what_waits_for_the_model_is_counted_once_against_the_hours_allowance(thread: Thread) -> None:
    allowance = AsyncMock(spec=TextAllowance)
    allowance.take.return_value = 0.0
    thread.writer.ready = [Unavailable()] * 2
    await thread.arrive("Yes please")
    for _ in range(3):
        async with thread.tenant.use(Replies, thread.tenant.system()) as replies:
            await replace(replies, allowance=allowance).answer(AnswerDue(subject=await thread.id()))
    assert len(await thread.hand_over()) == 1
    assert allowance.take.await_count == 1


async def test_an_answer_is_written_when_the_model_is_back(thread: Thread) -> None:
    await thread.setting(ai_patience_seconds=90)
    thread.writer.ready = [Unavailable(600)]
    await thread.arrive("Yes please")
    await thread.answer()
    assert await thread.tenant.value(_WAITS) <= timedelta(seconds=90), "it is asked once more before a person is"
    await _set_back(thread, 90)
    await thread.answer()
    assert len(await thread.hand_over()) == 1
    row = await thread.row()
    assert (row["attention"], row["answer_failures"], row["writer_away_since"]) == (None, 0, None)


async def _set_back(thread: Thread, seconds: int) -> None:
    await thread.tenant.execute(
        "UPDATE conversations SET writer_away_since = writer_away_since - make_interval(secs => $2)"
        " WHERE organization_id = $1",
        seconds,
    )


async def test_a_model_that_is_left_alone_for_a_second_is_not_asked_again_within_it(thread: Thread) -> None:
    thread.writer.ready = [Untried(1.0)]
    await thread.arrive("Yes please")
    await thread.answer()
    assert await thread.tenant.value(_WAITS) > timedelta(seconds=4)


async def test_an_own_key_that_cannot_be_opened_costs_the_installation_nothing(thread: Thread) -> None:
    await thread.tenant.execute(
        "INSERT INTO integrations (organization_id, provider, credentials, settings, is_active, created_at)"
        " VALUES ($1, 'anthropic', 'nonsense', '{}', true, now())"
    )
    await thread.arrive("Yes please")
    with pytest.raises(NotConfigured):
        await thread.answer()
    assert thread.writer.tasks == []


async def test_an_own_access_that_people_must_mend_is_told_once_a_trouble(thread: Thread) -> None:
    wrong = NoAccess(60, "The model refuses the access.")
    thread.writer.ready = [wrong, wrong]
    error = "SELECT last_error FROM integrations WHERE organization_id = $1"
    await thread.arrive("Yes please")
    await thread.answer()
    assert await thread.events("ai.failed") == 0, "the installation's is its operator's to mend"
    await _own_key(thread)
    for _ in range(2):
        thread.writer.ready = [wrong]
        await thread.answer()
        assert (await thread.events("ai.failed"), await thread.tenant.value(error)) == (1, wrong.reason)
    thread.writer.ready = [Unavailable(reason="Busy.")]
    await thread.answer()
    assert await thread.tenant.value(error) == wrong.reason
    await thread.answer()
    assert len(await thread.hand_over()) == 1
    assert (await thread.events("ai.failed"), await thread.tenant.value(error)) == (1, None)


async def test_trouble_with_the_installations_access_is_noted_for_its_operator_until_it_serves(thread: Thread) -> None:
    noted = (
        "SELECT (failing_since IS NOT NULL)::text || ' ' || error FROM installation_accounts WHERE name = 'anthropic'"
        " AND $1::uuid IS NOT NULL"
    )
    wrong = NoAccess(60, "The model refuses the access (401).")
    thread.writer.ready = [wrong]
    await thread.arrive("Yes please")
    await thread.answer()
    assert await thread.tenant.value(noted) == f"true {wrong.reason}"
    await thread.answer()
    assert await thread.tenant.value(noted) == f"false {wrong.reason}"


async def _own_key(thread: Thread) -> None:
    async with thread.tenant.house({Actor: thread.tenant.system(), Cause: Cause()}) as scope:
        sealed = (await scope.get(Secrets)).seal({"api_key": "sk-own"})
    await thread.tenant.execute(
        "INSERT INTO integrations (organization_id, provider, credentials, settings, is_active, created_at)"
        " VALUES ($1, 'anthropic', $2, '{}', true, now())",
        sealed,
    )
