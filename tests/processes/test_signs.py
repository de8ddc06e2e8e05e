"""Who is at work says so, who falls silent or breaks off is missed within two seconds; who ends in order is not."""

import asyncio

import pytest
import redis.asyncio as redis

from adapters.queue.signs import at_work, silent, waiting
from entrypoints.config import Config

pytestmark = pytest.mark.anyio


async def test_a_part_that_falls_silent_is_missed_and_one_that_ends_in_order_is_not(config: Config) -> None:
    async with redis.Redis.from_url(config.redis_url) as client:
        await client.delete("rapport:alive:relay", "rapport:alive:worker", "rapport:alive:scheduler")
        assert await silent(client) == [], "what never was is not missed"
        async with at_work(client, "relay"):
            async with at_work(client, "relay"):
                await asyncio.sleep(0.5)
                assert await silent(client) == []
            await asyncio.sleep(0.5)
            assert await client.exists("rapport:alive:relay"), "the other one goes on saying so"
        assert not await client.exists("rapport:alive:relay")
        await client.set("rapport:alive:worker", b"", px=86_400_000)
        await asyncio.sleep(2)
        assert await silent(client) == ["worker"]
        await client.delete("rapport:alive:worker")


async def _break_off(client: redis.Redis) -> None:
    async with at_work(client, "relay"):
        await asyncio.sleep(0.1)
        raise LookupError


async def test_a_part_that_breaks_off_again_and_again_is_missed(config: Config) -> None:
    async with redis.Redis.from_url(config.redis_url) as client:
        for _ in range(2):
            with pytest.raises(LookupError):
                await _break_off(client)
        await asyncio.sleep(2)
        assert await silent(client) == ["relay"]
        await client.delete("rapport:alive:relay")


async def test_a_part_that_waits_for_the_database_says_so(config: Config) -> None:
    waits = True
    async with redis.Redis.from_url(config.redis_url) as client, at_work(client, "relay", lambda: waits):
        await asyncio.sleep(0.5)
        assert (await silent(client), await waiting(client)) == ([], ["relay"])
        waits = False
        await asyncio.sleep(0.5)
        assert await waiting(client) == []
