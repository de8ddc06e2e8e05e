"""Clients of the application: nobody, owners of fresh organisations, their members."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

import httpx
import pytest
import redis.asyncio as redis
from dishka import AsyncContainer, Provider
from litestar import Litestar

from adapters.persistence.database import Database
from domain.identity.role import Role
from domain.kernel import new_id
from entrypoints.config import Config
from entrypoints.container import container
from entrypoints.http.app import create_app

PASSWORD = "correct horse battery staple"
BASE = "http://testserver/api/v1"


class Client(httpx.AsyncClient):
    """Be one person's client; paths are relative to `/api/v1/`."""

    organization_id: UUID
    user_id: UUID
    email: str

    def sign_in(self, answer: dict[str, dict[str, str]]) -> None:
        """Carry the token of an answer of `/auth` from now on."""
        self.headers["Authorization"] = f"Bearer {answer['token']}"
        self.organization_id = UUID(answer["organization"]["id"])
        self.user_id = UUID(answer["user"]["id"])
        self.email = answer["user"]["email"]


OpenClient = Callable[[], Awaitable[Client]]
Join = Callable[..., Awaitable[Client]]
OpenHouse = Callable[..., Awaitable[Client]]


@pytest.fixture(scope="session")
def app(config: Config, house: AsyncContainer) -> Litestar:
    """Make the application."""
    return create_app(config, house)


@pytest.fixture
async def open_client(app: Litestar) -> AsyncIterator[OpenClient]:
    """Open clients that nobody is signed in on."""
    async with AsyncExitStack() as stack:

        async def opened() -> Client:
            transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
            return await stack.enter_async_context(Client(transport=transport, base_url=BASE))

        yield opened


@pytest.fixture
async def client(open_client: OpenClient) -> Client:
    """Be nobody."""
    return await open_client()


async def sign_up(open_client: OpenClient) -> Client:
    """Make the owner of a fresh organisation."""
    client = await open_client()
    email = f"owner-{new_id().hex}@example.com"
    body = {"email": email, "password": PASSWORD, "name": "Olga Owner", "organization_name": "Bright Windows"}
    answer = await client.post("/auth/register", json=body)
    assert answer.status_code == 201, answer.text
    client.cookies.clear()
    client.sign_in(answer.json()["data"])
    return client


@pytest.fixture
async def owner(open_client: OpenClient) -> Client:
    """Be the owner of a fresh organisation."""
    return await sign_up(open_client)


@pytest.fixture
async def stranger(open_client: OpenClient) -> Client:
    """Be the owner of another organisation."""
    return await sign_up(open_client)


async def take_in(
    open_client: OpenClient,
    database: Database,
    owner: Client,
    role: Role,
    *,
    can_view_all_leads: bool = False,
    dataset_ids: list[UUID] | None = None,
) -> Client:
    """Make somebody a member of a client's organisation."""
    member = await sign_up(open_client)
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO memberships"
            " (account_id, organization_id, role, can_view_all_leads, dataset_ids, created_at, joined_at)"
            " VALUES ($1, $2, $3, $4, $5, clock_timestamp(), clock_timestamp())",
            member.user_id,
            owner.organization_id,
            role,
            can_view_all_leads,
            dataset_ids,
        )
    answer = await member.post(
        "/auth",
        json={"email": member.email, "password": PASSWORD, "organization_id": str(owner.organization_id)},
    )
    assert answer.status_code == 200, answer.text
    member.cookies.clear()
    member.sign_in(answer.json()["data"])
    return member


@pytest.fixture
async def join(open_client: OpenClient, database: Database) -> Join:
    """Make somebody a member of a client's organisation: `await join(owner, Role.REP)`."""

    async def joined(owner: Client, role: Role, **narrowed: Any) -> Client:
        return await take_in(open_client, database, owner, role, **narrowed)

    return joined


@pytest.fixture
async def open_house(config: Config) -> AsyncIterator[OpenHouse]:
    """Run the application with other settings, as somebody or nobody: `await open_house(owner, sandbox=False)`."""
    async with AsyncExitStack() as stack:

        async def opened(
            who: Client | None = None, *overrides: Provider, peer: str = "203.0.113.7", **settings: Any
        ) -> Client:
            own = replace(config, **settings)
            house = container(own, *overrides)
            stack.push_async_callback(house.close)
            app = cast("Any", create_app(own, house))
            transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(peer, 50_000))
            headers = {"Authorization": who.headers["authorization"]} if who else None
            return await stack.enter_async_context(Client(transport=transport, base_url=BASE, headers=headers))

        yield opened


@pytest.fixture
async def own_redis(config: Config) -> AsyncIterator[str]:
    """Count in a database of Valkey's that nobody else counts in."""
    url = config.redis_url.replace("db=0", "db=7")
    client = redis.Redis.from_url(url)
    await client.flushdb()
    yield url
    await client.aclose()
