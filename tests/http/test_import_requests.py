"""Requests for imports: what is refused, to whom, and what is answered when."""

import asyncio
from typing import Any

import pytest

from domain.identity.role import Role
from tests.http.conftest import Client, Join
from tests.http.lists import MAPPING, WorkOff, begin, job, new_dataset, table, upload

pytestmark = pytest.mark.anyio
pytest_plugins = ["tests.http.background"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"phone_number": "Nobody"}, "column_mapping.phone_number"),
        ({"phone_number": ["Mobile", "Nobody"]}, "column_mapping.phone_number"),
        ({"email": "Nobody"}, "column_mapping.email"),
        ({"first_name": None}, "column_mapping.first_name"),
        ({"phone_number": ["Mobile", "Mobile"]}, "column_mapping.phone_number"),
        ({"phone_number": None}, "column_mapping.phone_number"),
        ({"shoe_size": "Mail"}, "column_mapping.shoe_size"),
    ],
)
async def test_a_mapping_that_cannot_be_is_refused_by_its_column(
    owner: Client, change: dict[str, Any], field: str
) -> None:
    found = await upload(owner, table("Ann,Ash,07700 900001,"))
    mapping = {name: value for name, value in (MAPPING | change).items() if value is not None}
    body = {"upload_id": found["id"], "dataset_id": await new_dataset(owner), "column_mapping": mapping}
    answer = await owner.post("/datasets/map-and-import", json=body)

    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["details"][0]["field"].startswith(field.rsplit(".", 1)[0])


async def test_another_organisation_finds_nothing_of_it(owner: Client, stranger: Client, work_off: WorkOff) -> None:
    found = await upload(owner, table("Ann,Ash,12345,"))
    dataset_id = await new_dataset(owner)
    job_id = await begin(owner, dataset_id, found["id"], MAPPING)
    await work_off()
    done = await job(owner, job_id)
    theirs = await new_dataset(stranger)
    for body in (
        {"upload_id": found["id"], "dataset_id": theirs, "column_mapping": MAPPING},
        {"upload_id": (await upload(stranger, table("A,B,07700 900001,")))["id"], "dataset_id": dataset_id,
         "column_mapping": MAPPING},
    ):  # fmt: skip
        assert (await stranger.post("/datasets/map-and-import", json=body)).status_code == 404
    for path in (
        f"/jobs/{job_id}",
        f"/uploads/{found['id']}",
        f"/uploads/{found['id']}/file",
        done["result"]["failed_rows_url"].removeprefix("/api/v1"),
    ):
        answer = await stranger.get(path)
        assert answer.status_code == 404, path
        assert b"Ann" not in answer.content


async def test_who_may_not_import_is_refused(owner: Client, join: Join) -> None:
    found = await upload(owner, table("Ann,Ash,07700 900001,"))
    body = {"upload_id": found["id"], "dataset_id": await new_dataset(owner), "column_mapping": MAPPING}
    for role in (Role.REP, Role.READ_ONLY):
        member = await join(owner, role)
        assert (await member.post("/datasets/map-and-import", json=body)).status_code == 403
        assert (await member.get(f"/uploads/{found['id']}/file")).status_code == 403


async def test_a_repeated_request_starts_one_import(owner: Client, work_off: WorkOff) -> None:
    found = await upload(owner, table("Ann,Ash,07700 900001,"))
    body = {"upload_id": found["id"], "dataset_id": await new_dataset(owner), "column_mapping": MAPPING}
    headers = {"Idempotency-Key": "once", "Prefer": "wait=1"}
    first = await owner.post("/datasets/map-and-import", json=body, headers=headers)
    second = await owner.post("/datasets/map-and-import", json=body, headers=headers)

    assert first.status_code == second.status_code == 202
    assert first.json() == second.json()
    await work_off()
    assert len((await owner.get("/jobs")).json()["data"]) == 1


async def test_prefer_wait_answers_with_the_ended_job(owner: Client, work_off: WorkOff) -> None:
    found = await upload(owner, table("Ann,Ash,07700 900001,"))
    body = {"upload_id": found["id"], "dataset_id": await new_dataset(owner), "column_mapping": MAPPING}

    async def work_soon() -> None:
        await asyncio.sleep(0.3)
        await work_off()

    working = asyncio.create_task(work_soon())
    answer = await owner.post("/datasets/map-and-import", json=body, headers={"Prefer": "wait=20"})
    await working
    assert answer.status_code == 200, answer.text
    assert answer.headers["preference-applied"] == "wait=20"
    assert answer.json()["data"]["job"]["result"]["imported"]["successful"] == 1


async def test_an_import_into_a_deleted_dataset_fails_in_a_sentence(owner: Client, work_off: WorkOff) -> None:
    dataset_id = await new_dataset(owner)
    found = await upload(owner, table("Ann,Ash,07700 900001,"))
    job_id = await begin(owner, dataset_id, found["id"], MAPPING)
    assert (await owner.delete(f"/datasets/{dataset_id}")).status_code == 204
    await work_off()

    done = await job(owner, job_id)
    assert (done["status"], done["error"]) == ("failed", "The dataset is no longer there.")
