"""A refusal that a use case wrote down is kept under an Idempotency-Key as it is without one."""

import pytest

from tests.http.conftest import Client
from tests.http.sales_world import enter

pytestmark = pytest.mark.anyio


async def test_a_refused_text_is_written_down_once_and_answered_again(owner: Client) -> None:
    lead = await enter(owner)
    await owner.post(f"/contacts/{lead['contact']['id']}/opt-out", json={"wording": "Rang: no more texts"})
    body, headers = {"lead_id": lead["id"], "content": "Just one more thing"}, {"Idempotency-Key": "more"}

    first = await owner.post("/messages/send", json=body, headers=headers)
    again = await owner.post("/messages/send", json=body, headers=headers)

    assert (first.status_code, again.status_code) == (409, 409)
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    told = {detail["field"]: detail["message"] for detail in first.json()["error"]["details"]}
    why = (await owner.get(f"/messages/{told['message_id']}/why")).json()["data"]
    assert (why["state"], why["verdict"]) == ("refused", "refuse")
    listed = (await owner.get("/messages", params={"lead_id": lead["id"]})).json()["data"]
    assert [message["status"] for message in listed] == ["refused"]


async def test_what_was_refused_before_anything_was_written_may_be_mended_under_the_same_key(owner: Client) -> None:
    headers = {"Idempotency-Key": "mend"}
    refused = await owner.post("/datasets", json={"name": " "}, headers=headers)
    mended = await owner.post("/datasets", json={"name": "Old enquiries"}, headers=headers)
    assert (refused.status_code, mended.status_code) == (400, 201)
