"""Two organisations for all tests of this folder: one's own, and a foreign one."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from typing import Any, cast
from uuid import UUID

import httpx
import pytest
from litestar import Litestar

from adapters.persistence.database import Database
from domain.identity.api_key import hash_of_key, new_key
from domain.identity.role import Permission, Role
from domain.kernel import new_id
from tests.access.world import World
from tests.http.conftest import BASE, PASSWORD, Client, OpenClient, app, sign_up, take_in

__all__ = ["app"]
Found = Callable[[], Awaitable[World]]
Narrow = Callable[[World, Role, list[str]], Awaitable[Client]]
Program = Callable[[World, Iterable[Permission]], Awaitable[Client]]

_ARRIVED = """
INSERT INTO messages (organization_id, id, conversation_id, contact_id, lead_id, channel, direction, category, status,
  body, sender, recipient, created_at)
VALUES ($1, uuidv7(), $2, $3, $4, 'sms', 'inbound', 'reply', 'received', $5, '', '', clock_timestamp())
"""


@pytest.fixture(scope="session")
async def doors(app: Litestar) -> AsyncIterator[OpenClient]:
    """Open clients that stay open."""
    async with AsyncExitStack() as stack:

        async def opened() -> Client:
            transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
            return await stack.enter_async_context(Client(transport=transport, base_url=BASE))

        yield opened


@pytest.fixture(scope="session")
async def found(doors: OpenClient, database: Database) -> Found:
    """Make organisations with a member of each role: `await found()`."""
    # The installation's first organisation may do more than others; it is nobody's here.
    await sign_up(doors)

    async def join(owner: Client, role: Role) -> Client:
        return await take_in(doors, database, owner, role)

    async def founded() -> World:
        owner = await sign_up(doors)

        async def arrive(sent: dict[str, Any], text: str) -> None:
            who = (owner.organization_id, *(UUID(sent[name]) for name in ("conversation_id", "contact_id", "lead_id")))
            async with database.connection() as connection, connection.transaction():
                await connection.execute(
                    "SELECT set_config('rapport.organization_id', $1, true)", str(owner.organization_id)
                )
                await connection.execute(_ARRIVED, *who, text)

        world = World(owner, join, f"Canary{new_id().hex[-12:]}", arrive)
        await world.people()
        return world

    return founded


@pytest.fixture(scope="session")
async def world(found: Found) -> World:
    """Make one's own organisation, with one of everything."""
    own = await found()
    await own.furnish()
    return own


@pytest.fixture(scope="session")
async def foreign(found: Found) -> World:
    """Make the organisation that nobody else may see, guess or touch."""
    other = await found()
    await other.furnish()
    return other


@pytest.fixture(scope="session")
async def narrow(doors: OpenClient) -> Narrow:
    """Take somebody in, by invitation, who is limited to datasets: `await narrow(world, Role.ADMIN, [dataset_id])`."""

    async def narrowed(world: World, role: Role, dataset_ids: list[str]) -> Client:
        body = {"email": f"{new_id().hex}@example.com", "first_name": "Nora", "role": role.value}
        invited = await world.owner.post("/users", json=body | {"allowed_dataset_ids": dataset_ids})
        assert invited.status_code == 201, invited.text
        token = invited.json()["data"]["link"].rpartition("/")[2]
        client = await doors()
        answer = await client.post(f"/invitations/{token}/accept", json={"password": PASSWORD})
        assert answer.status_code == 200, answer.text
        client.cookies.clear()
        client.sign_in(answer.json()["data"])
        return client

    return narrowed


@pytest.fixture
async def program(doors: OpenClient, database: Database) -> Program:
    """Open clients of programs: `await program(world, [Permission.LEADS_READ])`."""

    async def opened(world: World, permissions: Iterable[Permission]) -> Client:
        key = new_key()
        async with database.connection() as connection:
            await connection.execute(
                "INSERT INTO api_keys (id, organization_id, name, prefix, key_hash, permissions, created_at)"
                " VALUES ($1, $2, 'Program', $3, $4, $5, clock_timestamp())",
                new_id(),
                world.owner.organization_id,
                key[:8],
                hash_of_key(key),
                list(permissions),
            )
        client = await doors()
        client.headers["Authorization"] = f"Bearer {key}"
        return client

    return opened


@pytest.fixture
async def nobody(doors: OpenClient) -> Client:
    """Be nobody."""
    return await doors()
