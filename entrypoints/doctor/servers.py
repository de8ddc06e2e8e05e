"""What the servers beside the database are set to, and whether they answer."""

import asyncio
from typing import Any

import httpx
import redis.asyncio as redis

from adapters.queue.broker import AWAY, PREFETCH, RABBITMQ_SCHEMES, broker_at
from adapters.queue.signs import missing
from adapters.sms.sandbox import provider_token
from entrypoints.config import Config

_NEARLY_FULL = 0.9


async def redis_server(config: Config) -> list[str]:
    """Find a Redis that is away, nearly full, or throws away what it was given."""
    found = []
    places = {"RAPPORT_REDIS_URL": config.redis_url}
    if config.broker_url.split(":")[0] not in RABBITMQ_SCHEMES:
        places["RAPPORT_BROKER_URL"] = config.broker_url
    seen = set()
    for name, url in places.items():
        try:
            async with redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=2) as client:
                told: dict[str, Any] = await client.info()
        except (redis.RedisError, OSError) as error:
            found.append(f"{name}: Redis does not answer ({type(error).__name__}).")
            continue
        if told["run_id"] in seen:
            continue
        seen.add(told["run_id"])
        found += [f"{name}: {sentence}" for sentence in _judged(told)]
    return found


def _judged(told: dict[str, Any]) -> list[str]:
    found = []
    if not told.get("aof_enabled"):
        found.append("Redis keeps no append-only file, so a restart forgets the queue: set appendonly yes.")
    elif told.get("aof_last_write_status", "ok") != "ok":
        found.append("Redis cannot write its append-only file; is its disk full?")
    policy = told.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        found.append(
            f"Redis throws away what it was given when it is full ({policy}): set maxmemory-policy noeviction."
        )
    if told.get("maxmemory") and told["used_memory"] > _NEARLY_FULL * told["maxmemory"]:
        found.append(f"Redis uses {told['used_memory'] / told['maxmemory']:.0%} of its maxmemory.")
    return found


async def broker(config: Config) -> list[str]:
    """Find a RabbitMQ that is away or refuses our queues; Redis as broker is looked at above."""
    if config.broker_url.split(":")[0] not in RABBITMQ_SCHEMES:
        return []
    courier: Any = broker_at(config.broker_url)

    def declare() -> None:
        for queue in PREFETCH:
            courier.declare_queue(queue, ensure=True)

    try:
        await asyncio.to_thread(declare)
    except AWAY as error:
        return [f"RAPPORT_BROKER_URL: RabbitMQ does not answer, or refuses our queues ({type(error).__name__})."]
    finally:
        await asyncio.to_thread(courier.close)
    return []


async def parts(config: Config) -> list[str]:
    """Find kinds of parts of which none is at work on any machine."""
    async with redis.Redis.from_url(config.redis_url, socket_timeout=3, socket_connect_timeout=2) as client:
        return [f"No {part} is at work: start one (`rapport {part}`)." for part in await missing(client)]


async def sandbox_provider(config: Config) -> list[str]:
    """Find the sandbox's provider missing: nothing is texted without it."""
    if not config.sandbox:
        return []
    token = provider_token(config.derived_key("sandbox-provider"))
    try:
        async with httpx.AsyncClient(timeout=3, trust_env=False) as client:
            answer = await client.get(
                f"{config.sandbox_provider_url}/state", headers={"authorization": f"Bearer {token}"}
            )
    except httpx.HTTPError as error:
        return [f"RAPPORT_SANDBOX_PROVIDER_URL: the sandbox's provider does not answer ({type(error).__name__})."]
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        return ["RAPPORT_SANDBOX_PROVIDER_URL: the provider there was started with other RAPPORT_SECRET_KEYS."]
    return [] if answer.is_success else [f"The sandbox's provider answers {answer.status_code}."]
