"""Allowances of an organisation, by the counters that routes use too."""

from typing import Literal
from uuid import UUID

from entrypoints.http.errors import Refused
from entrypoints.http.limits import RateLimiter


async def seconds_until_room(limiter: RateLimiter, name: Literal["texts", "analyses"], organization_id: UUID) -> float:
    """Count one; gives 0, or in how many seconds there is room again."""
    try:
        await limiter.admit(name, str(organization_id))
    except Refused as refused:
        return float(refused.problem.headers.get("Retry-After", 60))
    return 0.0
