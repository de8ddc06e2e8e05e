"""Jobs over HTTP."""

from uuid import UUID

import pytest
from dishka import AsyncContainer

from adapters.persistence.database import Cause
from application.outreach import reading_ahead
from application.platform.jobs import Jobs
from application.ports import Actor
from domain.identity.role import Role
from domain.kernel import new_id
from tests.http.conftest import Client, Join
from tests.http.lists import MAPPING, WorkOff, begin, job, new_dataset, table, upload

pytestmark = pytest.mark.anyio
pytest_plugins = ["tests.http.background"]


async def queued(owner: Client, rows: int = 1) -> str:
    """Start an import that nobody works on yet."""
    found = await upload(owner, table(*(f"Ann,Ash,07700 900{n:03},a{n}@example.com" for n in range(rows))))
    return await begin(owner, await new_dataset(owner), found["id"], MAPPING)


async def test_a_job_is_shown_and_listed(owner: Client, work_off: WorkOff) -> None:
    job_id = await queued(owner)
    waiting = await job(owner, job_id)
    await work_off()
    done = await job(owner, job_id)

    assert (waiting["kind"], waiting["status"], waiting["progress"]) == ("import", "queued", {"done": 0, "total": 1})
    assert (waiting["result"], waiting["finished_at"]) == (None, None)
    assert (done["status"], done["progress"]) == ("done", {"done": 1, "total": 1})
    assert done["finished_at"].endswith("Z")
    assert (await owner.get("/jobs")).json()["data"] == [done]
    assert (await owner.get("/jobs?status=queued")).json()["data"] == []
    assert (await owner.get("/jobs?kind=import&status=done")).json()["data"] == [done]
    assert (await owner.get("/jobs?status=asleep")).status_code == 400


async def test_a_queued_job_is_cancelled_at_once(owner: Client, work_off: WorkOff) -> None:
    job_id = await queued(owner)
    answer = await owner.post(f"/jobs/{job_id}/cancel")
    await work_off()

    assert (answer.status_code, answer.json()["data"]["status"]) == (200, "cancelled")
    assert (await job(owner, job_id))["status"] == "cancelled"
    assert (await owner.get("/leads")).json()["data"] == []
    assert (await owner.post(f"/jobs/{job_id}/cancel")).status_code == 409


async def test_a_running_job_ends_after_the_batch_under_way(
    owner: Client, work_off: WorkOff, house: AsyncContainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = await queued(owner, rows=20)
    taken = 0
    original = reading_ahead.ReadingAhead.batch

    async def batch(self: reading_ahead.ReadingAhead, place: int) -> reading_ahead.Batch:
        nonlocal taken
        self._size = 5
        taken += 1
        if taken == 2:
            actor = Actor.system(owner.organization_id)
            async with house({Actor: actor, Cause: Cause()}) as scope:
                await (await scope.get(Jobs)).cancel(UUID(job_id))
        return await original(self, place)

    monkeypatch.setattr(reading_ahead.ReadingAhead, "batch", batch)
    await work_off()

    ended = await job(owner, job_id)
    assert (ended["status"], ended["progress"]["done"]) == ("cancelled", 5)
    assert ended["result"]["imported"]["successful"] == 5
    assert len((await owner.get("/leads")).json()["data"]) == 5


async def test_waiting_for_a_job_ends_with_the_wait(owner: Client) -> None:
    job_id = await queued(owner)
    answer = await owner.get(f"/jobs/{job_id}", headers={"Prefer": "wait=1"})

    assert (answer.status_code, answer.json()["data"]["status"]) == (200, "queued")


async def test_who_may_not_cancel_is_refused(owner: Client, stranger: Client, join: Join) -> None:
    job_id = await queued(owner)
    rep = await join(owner, Role.REP)
    limited = await join(owner, Role.MANAGER, dataset_ids=[new_id()])

    assert (await rep.get(f"/jobs/{job_id}")).status_code == 200
    assert (await rep.post(f"/jobs/{job_id}/cancel")).status_code == 403
    for other in (stranger, limited):
        assert (await other.get(f"/jobs/{job_id}")).status_code == 404
        assert (await other.post(f"/jobs/{job_id}/cancel")).status_code == 404
        assert (await other.get("/jobs")).json()["data"] == []
    assert (await owner.get("/jobs/nonsense")).status_code == 404
