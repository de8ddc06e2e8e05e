"""Requests under an Idempotency-Key have one effect, however often they come."""

import asyncio
from typing import Any, cast

import pytest

from adapters.persistence.database import Database
from domain.kernel import new_id
from tests.http.conftest import PASSWORD, Client
from tests.http.refusals import error_of

pytestmark = pytest.mark.anyio


async def test_a_repeated_request_has_one_effect(owner: Client) -> None:
    headers = {"Idempotency-Key": "the-first-key"}
    first = await owner.post("/organizations", json={"name": "Once"}, headers=headers)
    again = await owner.post("/organizations", json={"name": "Once"}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    other = await owner.post("/organizations", json={"name": "Twice"}, headers=headers)
    error_of(other, 422, "IDEMPOTENCY_MISMATCH")
    assert (await owner.get("/organizations")).json()["pagination"]["total"] == 2


async def test_twenty_twins_at_once_have_one_effect(owner: Client) -> None:
    headers = {"Idempotency-Key": "twins"}
    answers = await asyncio.gather(
        *(owner.post("/organizations", json={"name": "Twin"}, headers=headers) for _ in range(20))
    )
    assert {answer.status_code for answer in answers} <= {201, 409}
    made = {answer.json()["data"]["id"] for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    assert (await owner.get("/organizations")).json()["pagination"]["total"] == 2


async def test_a_refused_request_leaves_its_key_free(owner: Client) -> None:
    headers = {"Idempotency-Key": "second-try"}
    assert (await owner.post("/organizations", json={"name": ""}, headers=headers)).status_code == 400
    assert (await owner.post("/organizations", json={"name": "X"}, headers=headers)).status_code == 201


async def test_a_stranger_may_repeat_a_registration(client: Client) -> None:
    body = {"email": f"{new_id().hex}@example.com", "password": PASSWORD, "name": "Ann"}
    headers = {"Idempotency-Key": new_id().hex}
    first = await client.post("/auth/register", json=body, headers=headers)
    again = await client.post("/auth/register", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()


async def test_the_stored_answer_is_encrypted(owner: Client, database: Database) -> None:
    answer = await owner.post("/organizations", json={"name": "Hidden away"}, headers={"Idempotency-Key": "sealed"})
    async with database.connection() as connection, connection.transaction():
        await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", answer.json()["data"]["id"])
        stored = await connection.fetchrow("SELECT status, answer FROM idempotency")
    assert stored["status"] == 201
    assert b"Hidden away" not in stored["answer"]


@pytest.mark.parametrize("key", ["", "with space", "x" * 256, "käse".encode().decode("latin-1")])
async def test_an_idempotency_key_is_visible_ascii(owner: Client, key: str) -> None:
    headers = {"Idempotency-Key": key.encode("latin-1")}
    answer = await owner.post("/organizations", json={"name": "X"}, headers=cast("Any", headers))
    error = error_of(answer, 400, "VALIDATION_ERROR")
    assert error["details"][0]["field"] == "Idempotency-Key"
