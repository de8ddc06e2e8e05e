"""Request limits (`api.md`, part 2): counters in Redis, one round trip for all who come at the same time."""

import asyncio
import hashlib
import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis.asyncio as redis
import structlog
from limits.aio.storage import RedisStorage
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeout

from adapters.persistence.gathering import Gathering
from entrypoints.config import Config
from entrypoints.config_limits import Limit
from entrypoints.http.errors import Refused

log = structlog.get_logger()
_REMEMBERED = 50_000
_ASKED_AGAIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Standing:
    """Tell where somebody stands in a window: `reset` is whole seconds until it ends."""

    limit: int
    remaining: int
    reset: int

    @property
    def headers(self) -> dict[str, str]:
        """Say it on the wire."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }


class RateLimiter:
    """Count requests in windows that begin with the first one."""

    def __init__(self, config: Config, client: redis.Redis) -> None:
        self._limits = config.limits
        # The pool is the process's own, with its time limits, wherever the address given beside it points.
        pool: Any = client.connection_pool
        self._storage = RedisStorage(
            "async+redis://", implementation="redispy", key_prefix="rapport:limit", connection_pool=pool
        )
        self._client = client
        self._return: asyncio.Task[None] | None = None
        self._ends: dict[str, float] = {}
        self._counter: Gathering[tuple[str, int], int] = Gathering(self._count)

    async def admit(self, name: str, who: str, *, closed: bool = False) -> Standing | None:
        """Count one request of `who` against the limit `name` of the settings, or refuse it with 429.

        Without Redis a `closed` limit refuses with 503 and any other lets pass; once it hung, without waiting for it.
        """
        limit: Limit = getattr(self._limits, name)
        if limit.off:
            return None
        key = f"{name}/{who}"
        try:
            count = await self._counter.ask((key, limit.seconds))
            reset = await self._reset(key, limit, first=count == 1)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("limits cannot be counted", limit=name, error=type(error).__name__)
            if closed:
                raise Refused("UNAVAILABLE", "This cannot be answered right now. Try again.", _SOON) from None
            return None
        standing = Standing(limit.count, max(limit.count - count, 0), reset)
        if count > limit.count:
            message = f"Too many requests: at most {limit.count} in {limit.seconds} seconds. Try again in {reset} s."
            raise Refused("RATE_LIMITED", message, standing.headers | {"Retry-After": str(reset)})
        return standing

    async def _until_it_answers(self) -> None:
        while True:
            try:
                await self._client.ping()
            except (RedisError, OSError, TimeoutError):
                await asyncio.sleep(_ASKED_AGAIN_SECONDS)
            else:
                return

    async def _count(self, asked: Sequence[tuple[str, int]]) -> list[int]:
        """Count requests that come at the same time together, each with a number of its own."""
        if self._return is not None and not self._return.done():
            raise RedisTimeout("Redis did not answer a moment ago.")
        many = Counter(asked)
        try:
            highest = await asyncio.gather(*(self._storage.incr(*which, amount) for which, amount in many.items()))
        except (RedisTimeout, TimeoutError):
            self._return = asyncio.create_task(self._until_it_answers())
            raise
        following = {which: count - amount for (which, amount), count in zip(many.items(), highest, strict=True)}
        counts = []
        for which in asked:
            following[which] += 1
            counts.append(following[which])
        return counts

    async def _reset(self, key: str, limit: Limit, *, first: bool) -> int:
        now = time.time()
        end = self._ends.get(key, 0.0)
        if first:
            end = now + limit.seconds
        elif end <= now:
            end = await self._storage.get_expiry(key)
        if len(self._ends) >= _REMEMBERED:
            self._ends.clear()
        self._ends[key] = end
        return min(max(math.ceil(end - now), 1), limit.seconds)


_SOON = {"Retry-After": "1"}


async def admit_password(limiter: RateLimiter, email: str) -> None:
    """Count one guess at an account's password, wherever it is asked for; without Redis nobody guesses."""
    account = hashlib.blake2b(email.strip().lower().encode(), digest_size=16).hexdigest()
    await limiter.admit("sign_in", f"account/{account}", closed=True)
