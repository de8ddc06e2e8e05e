"""Long datasets deleted over HTTP: hidden at once, removed by the worker's own code."""

import pytest
from dishka import AsyncContainer

from adapters.persistence.database import Database
from application.messaging.sending import Sending
from application.outreach import datasets
from application.outreach.planning import Planning
from entrypoints.config import Config
from tests.http.conftest import Client
from tests.http.lists import MAPPING, OLD_ENQUIRIES, WorkOff, begin, imported, job, new_dataset, rows_of, table, upload
from tests.http.test_import_undo import ANY_TIME, act

pytestmark = pytest.mark.anyio
pytest_plugins = ["tests.http.background"]
_LEFT = """
SELECT (SELECT count(*) FROM leads WHERE organization_id = $1) AS leads,
       (SELECT count(*) FROM datasets WHERE organization_id = $1) AS datasets,
       (SELECT count(*) FROM import_rows WHERE organization_id = $1) AS import_rows,
       (SELECT count(*) FROM imports WHERE organization_id = $1) AS imports,
       (SELECT count(*) FROM uploads WHERE organization_id = $1) AS uploads,
       (SELECT count(*) FROM campaigns WHERE organization_id = $1) AS campaigns,
       (SELECT count(*) FROM sends WHERE organization_id = $1) AS sends,
       (SELECT count(*) FROM contacts WHERE organization_id = $1) AS contacts
"""


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "MOST_LEADS_AT_ONCE", 100)


async def test_a_long_dataset_is_hidden_at_once_and_removed_by_a_job(
    owner: Client, work_off: WorkOff, database: Database, config: Config
) -> None:
    dataset_id = await new_dataset(owner)
    done = await imported(owner, work_off, OLD_ENQUIRIES.read_bytes(), dataset_id=dataset_id)
    answer = await owner.delete(f"/datasets/{dataset_id}")

    assert answer.status_code == 202, answer.text
    for path in (f"/datasets/{dataset_id}", f"/imports/{done['result']['import_id']}"):
        assert (await owner.get(path)).status_code == 404
    assert (await owner.get("/datasets")).json()["data"] == []
    assert (await owner.delete(f"/datasets/{dataset_id}")).status_code == 404
    entered = await owner.post("/leads", json={"dataset_id": dataset_id, "contact": {"first_name": "Ann"}})
    assert entered.status_code == 404
    assert (await owner.post("/campaigns/start", json={"dataset_id": dataset_id})).status_code == 404
    await work_off()
    ended = await job(owner, answer.json()["data"]["job_id"])
    assert (ended["status"], ended["kind"]) == ("done", "dataset_removal")
    assert ended["progress"] == {"done": 525, "total": 525}
    [left] = await rows_of(database, owner, _LEFT)
    assert dict(left) == dict.fromkeys(left.keys(), 0) | {"contacts": 525}
    assert list((config.data_dir / "files" / str(owner.organization_id)).iterdir()) == []


async def test_a_campaign_of_a_deleted_dataset_texts_nobody_any_more(
    owner: Client, work_off: WorkOff, house: AsyncContainer, database: Database
) -> None:
    dataset_id = await new_dataset(owner)
    content = table(*(f"P{n},Q{n},+447400{n:06d}," for n in range(101)))
    await imported(owner, work_off, content, MAPPING, dataset_id)
    started = await owner.post("/campaigns/start", json={"dataset_id": dataset_id, "settings": ANY_TIME})
    assert started.status_code == 200, started.text
    await act(house, owner, Planning, "plan")
    await rows_of(database, owner, "UPDATE sends SET due_at = now() WHERE organization_id = $1")
    answer = await owner.delete(f"/datasets/{dataset_id}")
    await act(house, owner, Sending, "send_due")

    assert answer.status_code == 202, answer.text
    states = await rows_of(database, owner, "SELECT DISTINCT state FROM sends WHERE organization_id = $1")
    assert [row["state"] for row in states] == ["refused"]
    await work_off()
    [left] = await rows_of(database, owner, _LEFT)
    assert (left["sends"], left["leads"], left["datasets"]) == (0, 0, 0)


async def test_a_removal_goes_on_when_its_job_is_cancelled(
    owner: Client, work_off: WorkOff, database: Database
) -> None:
    dataset_id = await new_dataset(owner)
    await imported(owner, work_off, OLD_ENQUIRIES.read_bytes(), dataset_id=dataset_id)
    answer = await owner.delete(f"/datasets/{dataset_id}")
    await owner.post(f"/jobs/{answer.json()['data']['job_id']}/cancel")
    await work_off()

    [left] = await rows_of(database, owner, _LEFT)
    assert (left["leads"], left["datasets"]) == (0, 0)


async def test_an_import_into_a_dataset_that_is_removed_fails_in_a_sentence(
    owner: Client, work_off: WorkOff, database: Database
) -> None:
    dataset_id = await new_dataset(owner)
    await imported(owner, work_off, OLD_ENQUIRIES.read_bytes(), dataset_id=dataset_id)
    found = await upload(owner, table("Ann,Ash,07700 900001,"))
    job_id = await begin(owner, dataset_id, found["id"], MAPPING)
    assert (await owner.delete(f"/datasets/{dataset_id}")).status_code == 202
    await work_off()

    ended = await job(owner, job_id)
    assert (ended["status"], ended["error"]) == ("failed", "The dataset is no longer there.")
    [left] = await rows_of(database, owner, _LEFT)
    assert (left["leads"], left["datasets"]) == (0, 0)


async def test_what_an_undo_left_goes_with_the_dataset(
    owner: Client, work_off: WorkOff, house: AsyncContainer, database: Database
) -> None:
    dataset_id = await new_dataset(owner)
    content = table(*(f"P{n},Q{n},+447400{n:06d}," for n in range(101)))
    done = await imported(owner, work_off, content, MAPPING, dataset_id)
    await owner.post("/campaigns/start", json={"dataset_id": dataset_id, "settings": ANY_TIME})
    await act(house, owner, Planning, "plan")
    await owner.post(f"/imports/{done['result']['import_id']}/undo")
    await work_off()
    others = table(*(f"P{n},Q{n},+447400{n + 500:06d}," for n in range(101)))
    await imported(owner, work_off, others, MAPPING, dataset_id)
    assert (await owner.delete(f"/datasets/{dataset_id}")).status_code == 202
    await work_off()

    [left] = await rows_of(database, owner, _LEFT)
    assert (left["sends"], left["leads"], left["datasets"]) == (0, 0, 0)
