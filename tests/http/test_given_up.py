"""Work that failed for good: its job says so and why, whatever kind of work it was, and waits for nobody any more."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from adapters.persistence.database import Database
from adapters.queue.deliver import MOST_FAILURES
from application.outreach import datasets
from application.outreach.dataset_removals import DatasetRemovals
from application.outreach.import_undo import ImportUndo
from application.outreach.imports import Imports
from application.platform.personal_data import PersonalData
from tests.http.conftest import Client
from tests.http.lists import MAPPING, WorkOff, begin, imported, job, new_dataset, table, upload
from tests.http.sales_world import enter

pytestmark = pytest.mark.anyio
pytest_plugins = ["tests.http.background"]
Begin = Callable[[Client, WorkOff], Awaitable[str]]


async def _import(owner: Client, work_off: WorkOff) -> str:
    found = await upload(owner, table("Ann,Ash,07700 900001,"))
    return await begin(owner, await new_dataset(owner), found["id"], MAPPING)


async def _started(owner: Client, method: str, path: str, **options: Any) -> str:
    answer = await owner.request(method, path, **options)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["data"]["job_id"])


async def _undo(owner: Client, work_off: WorkOff) -> str:
    done = await imported(owner, work_off, table("Ann,Ash,07700 900001,"), MAPPING)
    return await _started(owner, "POST", f"/imports/{done['result']['import_id']}/undo")


async def _removal(owner: Client, work_off: WorkOff) -> str:
    dataset_id = await new_dataset(owner)
    await imported(owner, work_off, table("Ann,Ash,07700 900001,"), MAPPING, dataset_id)
    return await _started(owner, "DELETE", f"/datasets/{dataset_id}")


async def _export(owner: Client, work_off: WorkOff) -> str:
    lead = await enter(owner)
    return await _started(owner, "POST", f"/contacts/{lead['contact']['id']}/export")


async def _erasure(owner: Client, work_off: WorkOff) -> str:
    lead = await enter(owner)
    path = f"/contacts/{lead['contact']['id']}/erase"
    return await _started(owner, "POST", path, json={"confirm": "jane@example.com"})


@pytest.mark.parametrize(
    ("start", "use_case", "method"),
    [
        (_import, Imports, "run"),
        (_undo, ImportUndo, "run"),
        (_removal, DatasetRemovals, "run"),
        (_export, PersonalData, "write"),
        (_erasure, PersonalData, "remove"),
    ],
    ids=["import", "undo", "removal", "export", "erasure"],
)
async def test_the_job_of_work_that_was_given_up_has_failed(
    owner: Client,
    work_off: WorkOff,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    start: Begin,
    use_case: type[Any],
    method: str,
) -> None:
    monkeypatch.setattr(datasets, "MOST_LEADS_AT_ONCE", 0)
    job_id = await start(owner, work_off)

    async def broken(*_: Any) -> None:
        raise RuntimeError("the shelf is full")

    monkeypatch.setattr(use_case, method, broken)
    for _ in range(MOST_FAILURES):
        async with database.connection() as connection:
            await connection.execute(
                "UPDATE deliveries SET due_at = clock_timestamp() WHERE organization_id = $1", owner.organization_id
            )
        await work_off()
    ended = await job(owner, job_id)
    assert ended["status"] == "failed"
    assert ended["error"].endswith("given up: RuntimeError: the shelf is full")
    assert ended["finished_at"] is not None
