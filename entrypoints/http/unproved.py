"""What becomes of a provider's call that no secret proves."""

from domain.kernel import NotFound
from entrypoints.http.auth import Caller
from entrypoints.http.errors import Refused
from entrypoints.http.limits import RateLimiter


async def refusal(limiter: RateLimiter, caller: Caller, *, is_there: bool) -> Exception:
    """Count it, and give its refusal: where there is no secret that could prove any, there is no such route."""
    await limiter.admit("bad_signatures", caller.address)
    if not is_there:
        return NotFound("There is nothing at this address.")
    return Refused("UNAUTHORIZED", "This signature is not right.")
