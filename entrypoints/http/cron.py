"""The routes by which a cron of somebody else's asks for what our scheduler asks for by itself."""

import hmac
from typing import Any, ClassVar

from litestar import Request

from adapters.persistence.database import Database
from adapters.queue.wake import Wake
from application.coaching.reviewed import DAILY, REVIEW, SWEEP
from application.messaging.answering import ANSWER
from application.messaging.gate import SEND
from application.outreach.campaigns import PLAN
from application.ports import View
from domain.kernel import NotFound
from entrypoints.config import Config
from entrypoints.http.auth import Caller, Unadmitted
from entrypoints.http.limits import RateLimiter
from entrypoints.http.operation import operation

JOBS: dict[str, tuple[str, ...]] = {
    "send-m1": (PLAN, SEND),
    "send-m2": (PLAN, SEND),
    "send-m3": (PLAN, SEND),
    "process-ai-responses": (ANSWER,),
    "coach-analysis": (SWEEP, REVIEW),
    "pattern-detection": (DAILY,),
}
"""What each job of the seeds is here: schedules that are brought forward. A job that is not here is a 404."""

_BRING_FORWARD = """
WITH due AS (
  UPDATE schedules SET next_due_at = least(coalesce(next_due_at, business_now()), business_now())
  WHERE name = ANY($1) RETURNING organization_id
)
SELECT count(DISTINCT organization_id) FROM due
"""


class CronView(View, frozen=True):
    """Say for how many organisations a job was asked for."""

    job: str
    organizations: int
    example: ClassVar[dict[str, Any]] = {"job": "send-m1", "organizations": 3}


@operation("GET", "/cron/{job:str}", "runCronJob", "Ask for a scheduled job now", status=202, access="cron", limits=())
async def run_cron_job(
    job: str, request: Request[Any, Any, Any], caller: Caller, limiter: RateLimiter, database: Database, wake: Wake
) -> CronView:
    """Brings forward what the scheduler would start by itself; needs `Authorization: Bearer CRON_SECRET`."""
    config: Config = request.app.state.config
    if config.cron_secret is None:
        raise NotFound("There is nothing at this address.")
    given = request.headers.get("authorization", "").encode()
    if not hmac.compare_digest(given, f"Bearer {config.cron_secret}".encode()):
        await limiter.admit("anonymous", caller.address)
        raise Unadmitted("This needs the secret of the cron routes.")
    if job not in JOBS:
        raise NotFound("There is no such job.")
    async with database.connection() as connection:
        organizations = await connection.fetchval(_BRING_FORWARD, list(JOBS[job]))
    wake()
    return CronView(job=job, organizations=organizations)


ROUTES = (run_cron_job,)
