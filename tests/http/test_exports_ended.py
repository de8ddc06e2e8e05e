"""Exports that an erasure, a cancellation or a fault comes upon: nothing of them stays that nobody removes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any
from uuid import UUID

import pytest
from dishka import AsyncContainer

from adapters.files.local import LocalFiles
from adapters.persistence.database import Cause
from adapters.persistence.exports import PostgresExportedTables
from adapters.persistence.personal_data import PostgresPersonalRecords
from application.platform.exports import Exports
from application.platform.jobs import Jobs
from application.platform.personal_data import PersonalData
from application.ports import Actor
from domain.identity.role import Role
from domain.kernel import Conflict, new_id
from domain.platform.export import TableExportRequested
from domain.platform.personal_data import ErasureRequested
from entrypoints.config import Config
from tests.http.conftest import Client, Join
from tests.http.lists import WorkOff, job
from tests.http.sales_world import World, enter
from tests.http.test_exports import AGED, asked, fetched, forget, is_kept, path_of, person, rows_of, shown, written

pytestmark = pytest.mark.anyio
pytest_plugins = ["tests.http.background"]
Read = Callable[..., Any]


async def begun(house: AsyncContainer, client: Client, export_id: str) -> None:
    """Write a file as the worker does."""
    said = TableExportRequested(
        subject=UUID(export_id), maker_id=client.user_id, by_key=False, export_type="leads", format="csv",
        dataset_id=None, time_range=None,
    )  # fmt: skip
    async with house({Actor: Actor.system(client.organization_id), Cause: Cause()}) as scope:
        await (await scope.get(Exports)).write(said)


async def erase(client: Client, work_off: WorkOff, lead: dict[str, Any]) -> dict[str, Any]:
    """Erase whom a lead is about; gives the job as it ended."""
    answer = await client.post(f"/contacts/{lead['contact']['id']}/erase", json={"confirm": "Ada N1"})
    assert answer.status_code == 202, answer.text
    await work_off()
    return await job(client, answer.json()["data"]["job_id"])


def cancelled_after_reading(house: AsyncContainer, client: Client) -> Read:
    """Have an export cancelled once its rows are read."""
    read = PostgresExportedTables.page

    async def page(self: PostgresExportedTables, actor: Actor, asked_for: TableExportRequested, after: Any) -> Any:
        found = await read(self, actor, asked_for, after)
        async with house({Actor: Actor.system(client.organization_id), Cause: Cause()}) as scope:
            await (await scope.get(Jobs)).cancel(asked_for.subject)
        return found

    return page


async def test_what_was_read_before_an_erasure_is_in_no_file_after_it(
    owner: Client, work_off: WorkOff, house: AsyncContainer, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = await enter(owner, person(1))
    exports: list[str] = []
    writing: list[asyncio.Task[None]] = []
    has_read, is_erased = asyncio.Event(), asyncio.Event()
    put, go_on = LocalFiles.put, PostgresPersonalRecords.forget_files

    async def put_late(self: LocalFiles, key: str, chunks: AsyncIterator[bytes]) -> int:
        size = await put(self, key, chunks)
        if key.endswith(exports[-1]):
            has_read.set()
            await asyncio.wait_for(is_erased.wait(), 30)
        return size

    async def forget_files(self: PostgresPersonalRecords, keys: Iterable[str]) -> None:
        await go_on(self, keys)
        exports.extend([await asked(owner), await asked(owner)])
        await begun(house, owner, exports[0])
        writing.append(asyncio.create_task(begun(house, owner, exports[1])))
        await asyncio.wait_for(has_read.wait(), 30)

    monkeypatch.setattr(LocalFiles, "put", put_late)
    monkeypatch.setattr(PostgresPersonalRecords, "forget_files", forget_files)
    ended = await erase(owner, work_off, lead)
    assert ended["status"] == "done", ended
    whole, late = exports
    assert is_kept(config, owner, late), "it was written, and its job has not ended yet"
    assert not is_kept(config, owner, whole)
    assert (await shown(owner, whole))["download_url"] is None
    is_erased.set()
    await asyncio.gather(*writing)
    assert not is_kept(config, owner, late)
    told = await job(owner, late)
    assert told["status"] == "failed"
    assert "erased" in told["error"]


async def test_an_erasure_waits_for_no_export(owner: Client, client: Client, house: AsyncContainer) -> None:
    lead = await enter(owner, person(1))
    await enter(owner, person(2))
    waiting = await asked(owner)
    answer = await owner.post(f"/contacts/{lead['contact']['id']}/erase", json={"confirm": "Ada N1"})
    erasure = answer.json()["data"]["job_id"]
    said = ErasureRequested(subject=UUID(lead["contact"]["id"]), job_id=UUID(erasure))
    async with house({Actor: Actor.system(owner.organization_id), Cause: Cause()}) as scope:
        async with asyncio.timeout(30):
            await (await scope.get(PersonalData)).remove(said)
    assert (await job(owner, erasure))["status"] == "done"
    await begun(house, owner, waiting)
    assert [row["last_name"] for row in rows_of(await fetched(client, await shown(owner, waiting)))] == ["N2"]


async def test_a_few_exports_at_once_are_all_that_one_gets(owner: Client, join: Join, work_off: WorkOff) -> None:
    for _ in range(3):
        await asked(owner)
    refused = await owner.post("/analytics/export", json={"export_type": "leads"})
    assert refused.status_code == 409, refused.text
    await asked(await join(owner, Role.MANAGER))
    await work_off()
    await asked(owner)


async def test_an_export_is_cancelled_while_it_is_written(
    owner: Client, work_off: WorkOff, house: AsyncContainer, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    await enter(owner, person(1))
    export_id = await asked(owner)
    monkeypatch.setattr(PostgresExportedTables, "page", cancelled_after_reading(house, owner))
    await work_off()
    export = await shown(owner, export_id)
    assert (export["status"], export["download_url"]) == ("cancelled", None)
    assert not is_kept(config, owner, export_id)


async def test_a_file_that_could_not_be_removed_is_removed_the_next_time(
    owner: Client, client: Client, work_off: WorkOff, house: AsyncContainer, config: Config,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    export = await written(owner, work_off)
    await World(house, owner.organization_id).fetch(AGED, UUID(export["id"]))

    async def remove(self: LocalFiles, key: str) -> None:
        del self, key
        raise OSError("The disk is away.")

    with monkeypatch.context() as patched:
        patched.setattr(LocalFiles, "remove", remove)
        with pytest.raises(OSError, match="away"):
            await forget(house, owner)
    assert is_kept(config, owner, export["id"])
    assert (await client.get(path_of(export))).status_code == 404
    await forget(house, owner)
    assert not is_kept(config, owner, export["id"])


@pytest.mark.parametrize("status", ["cancelled", "failed"])
async def test_a_file_whose_writer_died_goes_when_its_job_has_ended(
    owner: Client, house: AsyncContainer, config: Config, status: str
) -> None:
    export_id = await asked(owner)
    await begun(house, owner, export_id)
    world = World(house, owner.organization_id)
    died = "UPDATE jobs SET status = $3, result = NULL WHERE organization_id = $1 AND id = $2"
    await world.fetch(died, UUID(export_id), status)
    assert is_kept(config, owner, export_id)
    await begun(house, owner, export_id)
    assert not is_kept(config, owner, export_id)


async def test_a_file_is_not_removed_by_being_asked_for_twice(
    owner: Client, client: Client, work_off: WorkOff, house: AsyncContainer
) -> None:
    export = await written(owner, work_off)
    await begun(house, owner, export["id"])
    await fetched(client, export)


async def test_what_is_given_up_leaves_no_file(owner: Client, house: AsyncContainer, config: Config) -> None:
    export_id = await asked(owner)
    folder = config.data_dir / "files" / str(owner.organization_id)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / export_id).write_text(new_id().hex)
    said = TableExportRequested(
        subject=UUID(export_id), maker_id=owner.user_id, by_key=False, export_type="leads", format="csv",
        dataset_id=None, time_range=None,
    )  # fmt: skip
    async with house({Actor: Actor.system(owner.organization_id), Cause: Cause()}) as scope:
        await (await scope.get(Exports)).give_up(said, "again and again")
    assert not is_kept(config, owner, export_id)


async def test_what_is_refused_while_it_is_written_says_why(
    owner: Client, work_off: WorkOff, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def begin(self: PostgresExportedTables, actor: Actor, asked_for: TableExportRequested) -> Any:
        del self, actor, asked_for
        raise Conflict("More than 5,000 leads are yours.")

    monkeypatch.setattr(PostgresExportedTables, "begin", begin)
    export_id = await asked(owner)
    await work_off()
    ended = await job(owner, export_id)
    assert (ended["status"], ended["error"]) == ("failed", "More than 5,000 leads are yours.")
