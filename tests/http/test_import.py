"""Imports over HTTP, worked off by the worker's own code."""

from collections import Counter

import pytest

from adapters.persistence.database import Database
from tests.http.conftest import Client
from tests.http.lists import (
    MAPPING,
    OLD_ENQUIRIES,
    OTHERS,
    WorkOff,
    begin,
    imported,
    new_dataset,
    rows_of,
    suggested,
    table,
    upload,
)

pytestmark = pytest.mark.anyio
pytest_plugins = ["tests.http.background"]


async def test_the_six_hundred_come_to_what_their_readme_says(
    owner: Client, work_off: WorkOff, database: Database
) -> None:
    done = await imported(owner, work_off, OLD_ENQUIRIES.read_bytes())

    assert done["status"] == "done"
    assert done["progress"] == {"done": 600, "total": 600}
    result = done["result"]
    assert result["imported"] == {"total_rows": 600, "successful": 525, "failed": 35, "duplicates": 40}
    assert result["ineligible"] == 25
    reasons = Counter(error["reason"] == "No number given." for error in result["errors"])
    assert reasons == {True: 15, False: 20}
    leads = await rows_of(
        database,
        owner,
        "SELECT l.phone, l.contact_status, c.sms_eligible, c.phone_type FROM leads l JOIN contacts c"
        " ON c.organization_id = $1 AND c.id = l.contact_id WHERE l.organization_id = $1",
    )
    assert len({row["phone"] for row in leads}) == len(leads) == 525
    assert Counter((row["contact_status"], row["sms_eligible"]) for row in leads) == {
        ("READY", True): 500,
        ("UNREACHABLE", False): 25,
    }
    outcomes = await rows_of(
        database, owner, "SELECT row, outcome, reason FROM import_rows WHERE organization_id = $1 ORDER BY row"
    )
    assert Counter(row["outcome"] for row in outcomes) == {"created": 525, "duplicate": 40, "failed": 35}
    assert all(row["reason"] for row in outcomes if row["outcome"] != "created")
    events = await rows_of(
        database,
        owner,
        "SELECT type FROM events WHERE organization_id = $1 AND type IN ('leads.imported', 'lead.created')",
    )
    assert [row["type"] for row in events] == ["leads.imported"], "one event a batch, none a row"


async def test_the_same_file_again_is_nothing_but_duplicates(owner: Client, work_off: WorkOff) -> None:
    dataset_id = await new_dataset(owner)
    await imported(owner, work_off, OLD_ENQUIRIES.read_bytes(), dataset_id=dataset_id)
    again = await imported(owner, work_off, OLD_ENQUIRIES.read_bytes(), dataset_id=dataset_id)

    assert again["result"]["imported"] == {"total_rows": 600, "successful": 0, "failed": 35, "duplicates": 565}
    shown = (await owner.get(f"/datasets/{dataset_id}")).json()["data"]
    assert (shown["total_leads"], shown["active_leads"]) == (525, 500)


async def test_another_dataset_gets_leads_of_its_own_for_the_same_contacts(
    owner: Client, work_off: WorkOff, database: Database
) -> None:
    for _ in range(2):
        await imported(owner, work_off, OLD_ENQUIRIES.read_bytes())

    [counts] = await rows_of(
        database,
        owner,
        "SELECT (SELECT count(*) FROM leads WHERE organization_id = $1) AS leads,"
        " (SELECT count(*) FROM contacts WHERE organization_id = $1) AS contacts",
    )
    assert counts["leads"] == 1050
    assert counts["contacts"] == 525


@pytest.mark.parametrize(
    ("name", "successful", "ineligible", "duplicates", "failed"),
    [
        ("uk-500.csv", 477, 477, 0, 23),
        ("leads-duplicates-1000.csv", 358, 119, 235, 407),
        ("customers-1000.csv", 590, 219, 0, 410),
    ],
)
async def test_foreign_lists_import_sensibly(
    owner: Client, work_off: WorkOff, name: str, successful: int, ineligible: int, duplicates: int, failed: int
) -> None:
    done = await imported(owner, work_off, (OTHERS / name).read_bytes())

    total = successful + duplicates + failed
    assert done["result"]["imported"] == {
        "total_rows": total,
        "successful": successful,
        "failed": failed,
        "duplicates": duplicates,
    }
    assert done["result"]["ineligible"] == ineligible
    assert len(done["result"]["errors"]) == min(failed, 100)


async def test_a_running_campaign_takes_new_leads_in(owner: Client, work_off: WorkOff, database: Database) -> None:
    dataset_id = await new_dataset(owner)
    await imported(owner, work_off, table("Ann,Ash,07700 900001,"), MAPPING, dataset_id)
    assert (await owner.post("/campaigns/start", json={"dataset_id": dataset_id})).status_code == 200
    await imported(owner, work_off, table("Bob,Birch,07700 900002,", "Cy,Cedar,020 7946 0001,"), MAPPING, dataset_id)

    enrolled = await rows_of(
        database,
        owner,
        "SELECT l.phone, e.touch FROM enrolments e JOIN leads l ON l.organization_id = $1 AND l.id = e.lead_id"
        " WHERE e.organization_id = $1 ORDER BY l.phone",
    )
    assert [tuple(row) for row in enrolled] == [("+447700900001", "M1"), ("+447700900002", "M1")]


async def test_campaign_settings_come_along(owner: Client) -> None:
    dataset_id = await new_dataset(owner)
    found = await upload(owner, table("Ann,Ash,07700 900001,"))
    await begin(owner, dataset_id, found["id"], MAPPING, campaign_settings={"m2_delay_hours": 24})

    campaign = (await owner.get(f"/campaigns/{dataset_id}")).json()["data"]
    assert [touch["delay_hours"] for touch in campaign["touches"]] == [0, 24, 96]


async def test_suggestions_of_the_six_hundred_are_right(owner: Client) -> None:
    found = await upload(owner, OLD_ENQUIRIES.read_bytes(), "old.csv")

    assert (found["rows_detected"], found["encoding"], found["delimiter"]) == (600, "utf-8-sig", ",")
    assert suggested(found) == {
        "first_name": "Forename",
        "last_name": "Surname",
        "phone_number": ["Mobile No."],
        "email": ["E-mail"],
        "postcode": "Post Code",
        "inquiry_date": "Enquiry Date",
        "product": "Product",
        "notes": "Comments",
    }
    assert len(found["columns"][0]["sample_values"]) == 3
