"""Secret keys are changed for others while the house runs (ASVS 5.0: 11.2.2, 13.3.4)."""

import base64
import re
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import anyio
import httpx
import pytest
import sqlalchemy as sa
from alembic import command

from adapters.persistence.database import Cause, Database
from adapters.persistence.erased_addresses import ErasedAddresses
from adapters.persistence.migrations.run import alembic_config
from adapters.persistence.schema import metadata
from adapters.persistence.sealed import SEALED, SealedRows
from application.ports import Actor, UnitOfWork
from domain.kernel import new_id
from entrypoints.config import Config
from entrypoints.container import container
from entrypoints.http.app import create_app
from entrypoints.rotation import rotate, told
from entrypoints.servers import create_database, drop_database
from entrypoints.vault import relocking
from tests.http.conftest import BASE, PASSWORD, Client

pytestmark = pytest.mark.anyio
OLD, NEW = b"o" * 32, b"n" * 32
REPEATED = {"Idempotency-Key": "made-before-the-rotation"}
COMPANY = {"name": "Late brand"}
House = Callable[..., Awaitable[Client]]
# Bytes that are no ciphertext: hashes, which nobody turns back.
HASHES = {
    ("api_keys", "key_hash"), ("idempotency", "request_hash"), ("invitations", "token_hash"),
    ("uploads", "hash"), ("uploads", "content_hash"),
}  # fmt: skip


@pytest.fixture(scope="module")
async def settings(config: Config) -> AsyncIterator[Config]:
    """Set up a database of its own, since rotation goes over all organisations."""
    name = f"rotation_{new_id().hex}"
    await anyio.to_thread.run_sync(create_database, config, name)

    def moved(url: str) -> str:
        return url.replace("@/rapport?", f"@/{name}?")

    own = replace(
        config,
        database_url=moved(config.database_url),
        system_database_url=moved(config.system_database_url),
        owner_database_url=moved(config.owner_database_url),
        secret_keys=(OLD,),
    )
    await anyio.to_thread.run_sync(command.upgrade, alembic_config(own.owner_database_url), "head")
    yield own
    await anyio.to_thread.run_sync(drop_database, config, name)


@pytest.fixture
async def house(settings: Config) -> AsyncIterator[House]:
    """Run the application with these keys: `await house(NEW, OLD)`."""
    async with AsyncExitStack() as stack:

        async def opened(*keys: bytes, like: Client | None = None) -> Client:
            own = replace(settings, secret_keys=keys)
            running = container(own)
            stack.push_async_callback(running.close)
            transport = httpx.ASGITransport(cast("Any", create_app(own, running)), raise_app_exceptions=False)
            client = await stack.enter_async_context(Client(transport=transport, base_url=BASE))
            if like is not None:
                client.headers["Authorization"] = like.headers["authorization"]
            return client

        yield opened


async def _furnished(client: Client) -> Client:
    """Sign up, and have one of everything that is sealed."""
    email = f"{new_id().hex}@bright.example"
    body = {"email": email, "password": PASSWORD, "name": "Olga Owner", "organization_name": "Bright"}
    client.sign_in((await client.post("/auth/register", json=body)).json()["data"])
    client.cookies.clear()
    told_twilio = {"settings": {"account_sid": "AC" + "0" * 32}, "credentials": {"auth_token": "a-long-secret-token"}}
    assert (await client.put("/settings/integrations/twilio", json=told_twilio)).status_code == 200
    # Each house its own number: one number's texts go to one organisation.
    number = f"07400 {new_id().int % 1_000_000:06d}"
    gateway = {"label": "P", "gateway_url": "https://g.example", "username": "u", "password": "p",
               "from_number": number, "webhook_secret": "a-secret-of-the-gateway"}  # fmt: skip
    assert (await client.post(f"/users/{client.user_id}/sms-gateway", json=gateway)).status_code == 201
    assert (await client.post("/brands", json=COMPANY, headers=REPEATED)).status_code == 201
    return client


async def _reads_all(client: Client) -> bool:
    """Tell whether everything that is sealed can be read; whoever asks must be signed in."""
    shown = (await client.get("/settings/integrations/twilio")).json()["data"]["credentials"]
    gateway = await client.post(f"/users/{(await client.get('/users/me')).json()['data']['id']}/sms-gateway/test")
    repeated = await client.post("/brands", json=COMPANY, headers=REPEATED)
    return (
        shown == {"auth_token": {"set": True, "last_four": "oken"}}
        and gateway.status_code == 200
        and repeated.headers.get("idempotency-replayed") == "true"
    )


async def _hash_of_an_erased_address(own: Config, client: Client) -> str:
    running = container(own)
    try:
        async with running({Actor: Actor.system(client.organization_id), Cause: Cause()}) as scope:
            uow, erased = await scope.get(UnitOfWork), await scope.get(ErasedAddresses)
            async with uow:
                return (await erased.hashes(["+447700900321"]))[0]
    finally:
        await running.close()


async def test_keys_are_changed_and_the_old_one_is_dropped(settings: Config, house: House) -> None:
    before = await _furnished(await house(OLD))
    hashed = await _hash_of_an_erased_address(settings, before)
    both = await house(NEW, OLD, like=before)
    assert await _reads_all(both), "tokens and secrets of before are good while the old key is there"

    mixed = replace(settings, secret_keys=(NEW, OLD))
    rotated = await rotate(mixed)
    assert rotated.is_complete
    assert {table: (tally.seen, tally.older) for table, tally in rotated.done.items()} == {
        "integrations": (1, 1), "sms_gateways": (1, 1), "idempotency": (1, 1), "sealed_keys": (1, 1),
    }  # fmt: skip
    assert "drop the others from 2026-03-10 on" in told(mixed, rotated, datetime(2026, 3, 2, tzinfo=UTC))[-1]
    again = await rotate(mixed)
    assert sum(tally.older for tally in again.done.values()) == 0

    alone = await house(NEW, like=before)
    assert (await alone.get("/users/me")).status_code == 401, "signed in under the key that is gone"
    signed_in = await alone.post("/auth", json={"email": before.email, "password": PASSWORD})
    alone.sign_in(signed_in.json()["data"])
    assert await _reads_all(alone)
    only = replace(settings, secret_keys=(NEW,))
    assert await _hash_of_an_erased_address(only, before) == hashed, "whoever was erased is known again"
    assert told(only, await rotate(only), datetime.now(UTC))[-1] == "Everything stored lies under the only key."


async def test_no_key_is_let_go_while_something_needs_it(settings: Config, house: House) -> None:
    owner = await _furnished(await house(OLD))
    await _furnished(await house(NEW))
    only_new = replace(settings, secret_keys=(NEW,))
    rotated = await rotate(only_new)
    assert not rotated.is_complete
    assert rotated.left.unreadable == 3
    assert told(only_new, rotated, datetime.now(UTC))[-1].endswith("Drop no key.")
    unread = await house(NEW, OLD, like=owner)
    assert await _reads_all(unread), "what could not be read was left alone"


async def test_who_still_writes_under_the_old_key_is_noticed(
    settings: Config, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = await _furnished(await house(OLD))
    mixed = replace(settings, secret_keys=(NEW, OLD))
    whole = SealedRows.walk

    async def interrupted(self: SealedRows, *arguments: Any, write: bool) -> Any:
        if not write:
            assert (
                await late.post("/brands", json={"name": new_id().hex}, headers={"Idempotency-Key": new_id().hex})
            ).is_success
        return await whole(self, *arguments, write=write)

    monkeypatch.setattr(SealedRows, "walk", interrupted)
    rotated = await rotate(mixed)
    assert not rotated.is_complete
    assert rotated.left.older > 0
    assert "restart every process" in told(mixed, rotated, datetime.now(UTC))[-1]


async def test_a_rotation_that_was_cut_short_goes_on(settings: Config, house: House) -> None:
    owner = await _furnished(await house(OLD))
    for _ in range(6):
        answer = await owner.post("/brands", json={"name": new_id().hex}, headers={"Idempotency-Key": new_id().hex})
        assert answer.status_code == 201
    answers = next(column for column in SEALED if column.table == "idempotency")
    relock, count = relocking((NEW, OLD)), 0

    def failing(sealed: bytes) -> bytes | None:
        nonlocal count
        count += 1
        if count == 4:
            raise KeyboardInterrupt
        return relock(sealed)

    database = await Database.open(settings.database_url, size=1)
    try:
        with pytest.raises(KeyboardInterrupt):
            await SealedRows(database, failing, chunk=2).walk(answers, owner.organization_id, write=True)
        rest = await SealedRows(database, relock, chunk=2).walk(answers, owner.organization_id, write=True)
    finally:
        await database.close()
    assert (rest.seen, rest.older) == (7, 5), "the first chunk was kept"
    assert await _reads_all(await house(NEW, OLD, like=owner))


async def test_every_column_of_bytes_is_a_hash_or_goes_under_the_new_key() -> None:
    found = {
        (table.name, str(column.name))
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, sa.LargeBinary)
    }
    assert found - HASHES == {(column.table, column.column) for column in SEALED}


async def test_the_command_says_what_it_did(settings: Config, house: House, environment: dict[str, str]) -> None:
    await _furnished(await house(OLD))
    keys = ",".join(base64.b64encode(key).decode() for key in (NEW, OLD))
    given = {
        **environment, "RAPPORT_SECRET_KEYS": keys, "RAPPORT_DATABASE_URL": settings.database_url,
        "RAPPORT_SYSTEM_DATABASE_URL": settings.system_database_url, "RAPPORT_REDIS_URL": settings.redis_url,
    }  # fmt: skip
    done = await anyio.to_thread.run_sync(
        lambda: subprocess.run(
            [sys.executable, "-m", "entrypoints.cli", "rotate-keys"],
            env=given,
            capture_output=True,
            text=True,
            check=False,
        )
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"integrations: \d+ stored, [1-9]\d* brought under the first key, 0 unreadable", done.stdout)
    given["RAPPORT_SECRET_KEYS"] = base64.b64encode(secrets.token_bytes(32)).decode()
    refused = await anyio.to_thread.run_sync(
        lambda: subprocess.run(
            [sys.executable, "-m", "entrypoints.operations", "rotate-keys"],
            env=given,
            capture_output=True,
            text=True,
            check=False,
        )
    )
    assert refused.returncode == 1
    assert "Drop no key." in refused.stdout
