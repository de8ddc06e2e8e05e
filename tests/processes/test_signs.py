"""Who is at work says so, who falls silent is missed within two seconds, and who ends in order is not."""

import asyncio

import pytest
import redis.asyncio as redis

from adapters.queue.signs import beat, silent
from entrypoints.config import Config

pytestmark = pytest.mark.anyio


async def test_a_part_that_falls_silent_is_missed_and_one_that_ends_in_order_is_not(config: Config) -> None:
    async with redis.Redis.from_url(config.redis_url) as client:
        await client.delete("rapport:alive:relay", "rapport:alive:worker", "rapport:alive:scheduler")
        assert await silent(client) == [], "what never was is not missed"
        relays = [asyncio.create_task(beat(client, "relay")) for _ in range(2)]
        await asyncio.sleep(0.5)
        assert await silent(client) == []
        relays[0].cancel()
        await asyncio.sleep(0.5)
        assert await client.exists("rapport:alive:relay"), "the other one goes on saying so"
        relays[1].cancel()
        await asyncio.gather(*relays, return_exceptions=True)
        assert not await client.exists("rapport:alive:relay")
        await client.set("rapport:alive:worker", b"", px=86_400_000)
        await asyncio.sleep(2)
        assert await silent(client) == ["worker"]
        await client.delete("rapport:alive:worker")
