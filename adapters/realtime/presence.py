"""Who has a socket open, known to every process through Redis; who is gone without a word is forgotten soon."""

import time
from typing import Any
from uuid import UUID

import redis.asyncio as redis

KEPT_SECONDS = 45
"""How long somebody is there after the last sign of life."""


class Presence:
    """Keep, for each organisation, until when each of its people is there."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    async def here(self, organization_id: UUID, user_id: UUID) -> None:
        """Say that somebody is there."""
        key = _key(organization_id)
        await self._client.zadd(key, {str(user_id): time.time() + KEPT_SECONDS})
        await self._client.expire(key, KEPT_SECONDS)

    async def gone(self, organization_id: UUID, user_id: UUID) -> None:
        """Say that somebody left this socket; another of theirs says by itself that they are still there."""
        await self._client.zrem(_key(organization_id), str(user_id))

    async def people(self, organization_id: UUID) -> list[str]:
        """List who is there."""
        found: Any = await self._client.zrangebyscore(_key(organization_id), time.time(), "+inf")
        return sorted(one.decode() for one in found)


def _key(organization_id: UUID) -> str:
    return f"rapport:presence:{organization_id}"
