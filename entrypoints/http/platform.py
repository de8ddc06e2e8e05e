"""Routes of jobs."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request

from application.platform.jobs import JobFilter, Jobs, JobView
from application.ports import Found, PageRequest
from entrypoints.http.operation import operation
from entrypoints.http.prefer import LONGEST_WAIT, seconds_to_wait


@operation("GET", "/jobs", "listJobs", "List background jobs", shows=JobView)
async def list_jobs(jobs: Jobs, narrowed: JobFilter, page: PageRequest) -> Found:
    """Newest first."""
    return await jobs.find(narrowed, page)


@operation("GET", "/jobs/{job_id:uuid}", "showJob", "Show a job", shows=JobView, seconds=LONGEST_WAIT + 10)
async def show_job(jobs: Jobs, request: Request[Any, Any, Any], job_id: UUID) -> msgspec.Raw:
    """With `Prefer: wait=N` answers when the job has ended, after 30 s at the latest."""
    return await jobs.show(job_id, seconds_to_wait(request))


@operation("POST", "/jobs/{job_id:uuid}/cancel", "cancelJob", "Cancel a job", status=200, shows=JobView)
async def cancel_job(jobs: Jobs, job_id: UUID) -> msgspec.Raw:
    """At once while it is queued, else after the step under way; what was done stays."""
    return await jobs.cancel(job_id)


ROUTES = (list_jobs, show_job, cancel_job)
