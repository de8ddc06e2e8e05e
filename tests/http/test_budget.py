"""What the AI may cost in a day holds for all that models are asked for."""

from dataclasses import replace
from typing import Any

import pytest
from dishka import AsyncContainer

from adapters.ai.sandbox import SandboxReplyWriter
from adapters.ai.sandbox_checker import SandboxLessonChecker
from adapters.ai.sandbox_reviewer import SandboxReviewer
from application.messaging.reply_writing import Written
from application.model_calls import Fault, Unusable, Usage
from application.model_spending import SPENT
from application.provider import ProviderError, Rejected, Unavailable
from tests.http.background import work_off
from tests.http.conftest import Client
from tests.http.lists import WorkOff
from tests.http.sales_world import World
from tests.http.team import refused
from tests.http.test_evaluations import SHOUTS, evaluated, wrote
from tests.http.test_lessons import MONEY, teach
from tests.http.test_prompts import REPLY, draft

__all__ = ["work_off"]
pytestmark = pytest.mark.anyio
COST = 400_000
"""What one answer costs here, in millionths of a dollar."""


@pytest.fixture(autouse=True)
def _answers_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    free = SandboxReplyWriter.write

    async def write(self: SandboxReplyWriter, *asked: Any) -> Written:
        written = await free(self, *asked)
        return replace(written, usage=replace(written.usage, cost_micros=COST))

    monkeypatch.setattr(SandboxReplyWriter, "write", write)


async def allow(owner: Client, dollars: float) -> None:
    """Set what the AI may cost in a day."""
    answer = await owner.patch("/settings", json={"key": "ai_daily_budget_usd", "value": dollars})
    assert answer.status_code == 200, answer.text


async def noted(house: AsyncContainer, owner: Client) -> dict[str, int]:
    """Give what calls beside answers and reviews have cost, by what they were for."""
    rows = await World(house, owner.organization_id).fetch(
        "SELECT purpose, sum(cost_micros)::bigint AS cost FROM model_calls WHERE organization_id = $1 GROUP BY purpose"
    )
    return {row["purpose"]: row["cost"] for row in rows}


async def test_an_evaluation_stops_where_the_budget_is_used_up(
    owner: Client, house: AsyncContainer, work_off: WorkOff
) -> None:
    leads = await wrote(owner, house, 6)
    await allow(owner, 2)
    await draft(owner, SHOUTS)
    ended = await evaluated(owner, work_off)
    assert (ended["status"], ended["progress"]["done"]) == ("failed", 3), "a case is two answers"
    assert "The day's budget for the AI is used up" in str(ended)
    assert await noted(house, owner) == {"evaluation": 6 * COST}
    for path, body in (
        (f"{REPLY}/evaluations", {}),
        (f"{REPLY}/preview", {"lead_id": leads[0]["id"]}),
        ("/messages/ai-generate", {"lead_id": leads[0]["id"]}),
    ):
        answer = await owner.post(path, json=body)
        assert refused(answer, 409) == "CONFLICT"
        assert answer.json()["error"]["message"] == SPENT, path
    await allow(owner, 20)
    assert (await owner.post(f"{REPLY}/evaluations", json={})).status_code == 202


@pytest.mark.parametrize(
    ("breaks", "cost"),
    [
        (Unavailable(30, "It is away."), 0),
        (Unusable(Fault.GARBLED, "It cannot be read.", Usage(model="m", cost_micros=7)), 2 * 7),
        (Rejected("400", "It takes no such request.", permanent=False), 0),
    ],
    ids=["away", "unusable", "rejected"],
)
async def test_what_an_evaluation_paid_for_before_a_call_broke_off_is_counted(
    owner: Client,
    house: AsyncContainer,
    work_off: WorkOff,
    monkeypatch: pytest.MonkeyPatch,
    breaks: ProviderError,
    cost: int,
) -> None:
    async def review(*asked: Any) -> None:
        raise breaks

    await wrote(owner, house, 1)
    await draft(owner, SHOUTS)
    with monkeypatch.context() as broken:
        broken.setattr(SandboxReviewer, "review", review)
        ended = await evaluated(owner, work_off)
    assert await noted(house, owner) == {"evaluation": COST + cost}
    assert ended["status"] == ("queued" if isinstance(breaks, Unavailable) else "failed")


@pytest.mark.parametrize("prompt", ["reply", "m1"])
async def test_previews_are_counted(owner: Client, house: AsyncContainer, prompt: str) -> None:
    [lead] = await wrote(owner, house, 1)
    await allow(owner, 0.5)
    path = f"/coach/prompts/{prompt}/preview"
    answers = [await owner.post(path, json={"lead_id": lead["id"]}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 409]
    assert await noted(house, owner) == {"preview": 2 * COST}


async def test_lessons_are_compared_by_words_alone_where_the_budget_is_used_up(
    owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check(*asked: Any) -> None:
        raise AssertionError("the model was asked")

    monkeypatch.setattr(SandboxLessonChecker, "check", check)
    await allow(owner, 0)
    await teach(owner)
    assert refused(await owner.post("/coach/lessons", json=MONEY), 409) == "CONFLICT"
