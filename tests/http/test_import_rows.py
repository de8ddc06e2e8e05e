"""What became of an import's rows, over HTTP."""

from typing import Any

import pytest

from tests.http.conftest import Client
from tests.http.lists import MAPPING, WorkOff, imported, table

pytestmark = pytest.mark.anyio
pytest_plugins = ["tests.http.background"]
CONTENT = table(
    "Ann,Ash,07700 900001,",
    "Bob,Birch,07700 900001,",
    "Cy,Cedar,020 7946 0001,",
    "Dee,Dogwood,,",
    "Eve,Elm,07700 900002,not an address",
)


async def rows(client: Client, import_id: str, query: str = "") -> list[dict[str, Any]]:
    """List an import's rows."""
    answer = await client.get(f"/imports/{import_id}/rows{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def test_rows_are_shown_by_outcome_with_their_reasons(owner: Client, work_off: WorkOff) -> None:
    import_id = (await imported(owner, work_off, CONTENT, MAPPING))["result"]["import_id"]
    every = await rows(owner, import_id)

    assert [(row["row"], row["outcome"], row["ineligible"], row["reason"]) for row in every] == [
        (2, "created", False, None),
        (3, "duplicate", False, "The same number as in row 2."),
        (4, "created", True, "This number takes no texts (fixed line)."),
        (5, "failed", False, "No number given."),
        (6, "created", False, "The e-mail address cannot be read."),
    ]
    assert [row["cells"] for row in every if row["cells"]] == [["Dee", "Dogwood", "", ""]]
    leads = {lead["id"] for lead in (await owner.get("/leads")).json()["data"]}
    assert {row["lead_id"] for row in every if row["outcome"] == "created"} == leads
    for outcome, lines in (
        ("created", [2, 4, 6]), ("duplicate", [3]), ("ineligible", [4]), ("failed", [5]), ("undone", []),
    ):  # fmt: skip
        assert [row["row"] for row in await rows(owner, import_id, f"?outcome={outcome}")] == lines


async def test_rows_are_walked_by_cursor(owner: Client, work_off: WorkOff) -> None:
    content = table(*(f"P{n},Q{n},07700 900{n:03d}," for n in range(130)))
    import_id = (await imported(owner, work_off, content, MAPPING))["result"]["import_id"]
    seen: list[int] = []
    query = "?outcome=created&limit=50"
    while True:
        answer = (await owner.get(f"/imports/{import_id}/rows{query}")).json()
        seen += [row["row"] for row in answer["data"]]
        cursor = answer["pagination"]["next_cursor"]
        if cursor is None:
            break
        query = f"?outcome=created&limit=50&cursor={cursor}"
    assert seen == list(range(2, 132))
    backwards = await rows(owner, import_id, "?order=desc&limit=2")
    assert [row["row"] for row in backwards] == [131, 130]
    last = (await owner.get(f"/imports/{import_id}/rows?page=3&limit=50")).json()
    assert (len(last["data"]), last["pagination"]["total"]) == (30, 130)


async def test_what_cannot_be_asked_is_refused_by_name(owner: Client, work_off: WorkOff) -> None:
    import_id = (await imported(owner, work_off, CONTENT, MAPPING))["result"]["import_id"]
    other = (await owner.get(f"/imports/{import_id}/rows?limit=1")).json()["pagination"]["next_cursor"]
    for query, field in (
        ("outcome=lost", "outcome"),
        ("sort=reason", "sort"),
        ("shoe_size=42", "shoe_size"),
        ("cursor=x", "cursor"),
        (f"cursor={other}&outcome=failed", "cursor"),
    ):
        answer = await owner.get(f"/imports/{import_id}/rows?{query}")
        assert answer.status_code == 400, query
        assert answer.json()["error"]["details"][0]["field"] == field
