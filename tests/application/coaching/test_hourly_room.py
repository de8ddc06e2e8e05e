"""The room that reviews have as the house is delivered: a thousand an hour and organisation, counted in Redis."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
import redis.asyncio as redis

from application.coaching.reviewed import REVIEW
from domain.kernel import new_id
from entrypoints.config import Config
from entrypoints.config_limits import Limits
from entrypoints.http.limits import RateLimiter
from entrypoints.wiring.coaching import HourlyAnalyses
from tests.answered import answered
from tests.application.coaching.reviewing import Office
from tests.application.coaching.test_reviews import begin, clear, due, let_time_pass, near, scheduled

pytestmark = pytest.mark.anyio
ROOM = 1_000
_ALL_DUE = """
INSERT INTO reviewed_conversations (organization_id, conversation_id, due_at, waiting_since)
SELECT $1, id, business_now() - interval '1 s', business_now() FROM conversations WHERE organization_id = $1
"""


async def called(office: Office) -> set[UUID]:
    """Let what is due begin, as the scheduler does; gives all that was let begin so far."""
    await clear(office, REVIEW)
    return set(await begin(office))


async def test_the_thousand_and_first_review_of_an_hour_waits_for_the_next(
    office: Office, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = redis.Redis.from_url(config.redis_url)
    analyses = HourlyAnalyses(RateLimiter(replace(config, limits=Limits()), counted))
    monkeypatch.setattr(office.allowance, "take", analyses.take)
    await office.tenant.execute(*answered("built-in-1", ROOM + 1))
    await office.tenant.execute(_ALL_DUE)
    begun = 0
    while (now := len(await called(office))) > begun:
        begun = now
    assert begun == ROOM
    [left] = [conversation_id for conversation_id, wait in (await due(office)).items() if wait is not None]
    assert near(await scheduled(office, REVIEW), timedelta(hours=1)), "it is looked at again when there is room"
    assert await analyses.take(new_id()) == 0, "another organisation has room of its own"
    async for key in counted.scan_iter(f"rapport:limit*analyses/{office.tenant.organization_id}*"):
        await counted.pexpire(key, 1)  # the hour is over
    await let_time_pass(office)
    assert left in await called(office)
    assert [wait for wait in (await due(office)).values() if wait is not None] == []
    await counted.aclose()
