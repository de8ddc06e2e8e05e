"""A request's key whose later block was undone or read only: it is answered, or free again, never stuck."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from adapters.persistence.database import Cause, IdempotencyKey, PostgresUnitOfWork, Replay
from application.ports import Actor
from domain.kernel import NotFound
from tests.application.conftest import Tenant

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def request(tenant: Tenant) -> AsyncIterator[PostgresUnitOfWork]:
    """Be one request under the key, or the same again."""
    key = IdempotencyKey("somebody", "POST /things", "once", lambda: b"said")
    async with tenant.house(context={Actor: tenant.system(), Cause: Cause(idempotency=key)}) as scope:
        yield await scope.get(PostgresUnitOfWork)


async def undone(uow: PostgresUnitOfWork) -> None:
    async with uow:
        raise NotFound("It was erased meanwhile.")


async def test_a_refusal_after_a_block_that_was_committed_is_answered_again(tenant: Tenant) -> None:
    async with request(tenant) as uow:
        async with uow:
            pass
        with pytest.raises(NotFound):
            await undone(uow)
        await uow.finish(404, b"gone")
    with pytest.raises(Replay) as told:
        async with request(tenant) as uow, uow:
            pass
    assert (told.value.status, told.value.answer) == (404, b"gone")


async def test_a_provider_that_fails_after_a_block_that_was_committed_leaves_the_key_free(tenant: Tenant) -> None:
    async with request(tenant) as uow:
        async with uow:
            pass
        async with uow.reading():
            pass
        await uow.finish(None)
    async with request(tenant) as uow:
        async with uow:
            pass
        await uow.finish(201, b"made")
        await uow.finish(201, b"not this one")
    with pytest.raises(Replay) as told:
        async with request(tenant) as uow, uow:
            pass
    assert told.value.answer == b"made"
