"""A tenant made by hand, its use cases in scopes of their own, and a provider that remembers and fails on demand."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import pytest
from dishka import AnyOf, AsyncContainer, Provider, Scope, provide

from adapters.persistence.database import Cause, Database
from application.mailing import HandedMail, Mail, Mailing
from application.mailing import Receipt as MailReceipt
from application.messaging.texting import Receipt, Text, Texting, TextingAccount, TextingHealth
from application.ports import Actor
from application.provider import ProviderError, Unavailable
from domain.identity.role import PERMISSIONS, Role
from domain.kernel import new_id
from entrypoints.config import Config
from entrypoints.container import container
from tests.calendars import DiaryOfTests

U = TypeVar("U")


@dataclass
class RememberingTexting:
    """Be a provider in memory: what it took, in order; `failures` are raised first, before or after taking."""

    taken: list[Text] = field(default_factory=list)
    failures: list[tuple[ProviderError, bool]] = field(default_factory=list)
    on_send: Callable[[Text], Any] | None = None
    on_find: Callable[[Text], None] | None = None
    asked: list[tuple[str, str, datetime]] = field(default_factory=list)
    rests: float = 0.0
    down: set[str] = field(default_factory=set)

    async def send(self, text: Text) -> Receipt:
        """Take a text, unless told to fail."""
        if self.on_send is not None:
            await self.on_send(text)
        if self.failures:
            error, took = self.failures.pop(0)
            if took:
                self.taken.append(text)
            raise error
        self.taken.append(text)
        return Receipt(f"p-{text.key}", 1)

    async def find(self, text: Text, since: datetime) -> list[Receipt]:
        """Find what was taken; nothing here is older than a test."""
        self.asked.append((text.key, text.account.name, since))
        if self.on_find is not None:
            self.on_find(text)
        return [Receipt(f"p-{t.key}", 1) for t in self.taken if t.key == text.key and t.to == text.to]

    def rest_seconds(self, account: TextingAccount) -> float:
        """Rest for as long as it was told to; accounts that are `down`, by name, for a minute."""
        return 60.0 if account.name in self.down else self.rests


@dataclass
class RememberingMailing:
    """Be a post office in memory: what it took, in order; while it `is_closed` it takes nothing."""

    taken: list[Mail] = field(default_factory=list)
    is_closed: bool = False

    async def send(self, mail: Mail) -> MailReceipt:
        """Take a mail."""
        if self.is_closed:
            raise Unavailable(reason="The post office is closed.")
        self.taken.append(mail)
        return MailReceipt(f"m-{mail.key}")

    async def find(self, handed: HandedMail) -> MailReceipt | None:
        """Find what was taken."""
        return next((MailReceipt(f"m-{mail.key}") for mail in self.taken if mail.key == handed.key), None)


class _Memory(Provider):
    @provide(scope=Scope.APP)
    def mailing(self) -> Mailing:
        return RememberingMailing()

    @provide(scope=Scope.APP)
    def texting(self) -> AnyOf[Texting, TextingHealth]:
        return RememberingTexting()


@pytest.fixture(scope="session")
async def workshop(config: Config) -> AsyncIterator[AsyncContainer]:
    """Open the application with the remembering provider."""
    opened = container(config, _Memory(), DiaryOfTests())
    yield opened
    await opened.close()


@dataclass
class Tenant:
    """Be one organisation of a test."""

    organization_id: UUID
    house: AsyncContainer
    database: Database
    texting: RememberingTexting

    @asynccontextmanager
    async def use(self, use_case: type[U], actor: Actor | None = None) -> AsyncIterator[U]:
        """Open a scope and give a use case, as an owner unless told otherwise."""
        acting = actor or Actor(
            self.organization_id, new_id(), PERMISSIONS[Role.OWNER], sees_all_leads=True, dataset_ids=None
        )
        async with self.house(context={Actor: acting, Cause: Cause()}) as scope:
            yield await scope.get(use_case)

    def system(self) -> Actor:
        """Act as the organisation itself."""
        return Actor.system(self.organization_id)

    @asynccontextmanager
    async def sql(self) -> AsyncIterator[Any]:
        """Open a transaction on the tenant's own rows."""
        async with self.database.connection() as connection, connection.transaction():
            await connection.execute(
                "SELECT set_config('rapport.organization_id', $1, true)", str(self.organization_id)
            )
            yield connection

    async def value(self, statement: str, *parameters: Any) -> Any:
        """Read one value; `$1` is the organisation."""
        async with self.sql() as connection:
            return await connection.fetchval(statement, self.organization_id, *parameters)

    async def execute(self, statement: str, *parameters: Any) -> None:
        """Change rows; `$1` is the organisation."""
        async with self.sql() as connection:
            await connection.execute(statement, self.organization_id, *parameters)

    async def spend(self, purpose: str, micros: int) -> None:
        """Let calls of the model for a purpose have cost so many millionths of a dollar today."""
        await self.execute(
            "INSERT INTO model_calls (organization_id, id, purpose, cost_micros, created_at)"
            " VALUES ($1, uuidv7(), $2, $3, business_now())",
            purpose,
            micros,
        )

    async def dataset(self) -> UUID:
        """Make a dataset."""
        identifier = new_id()
        await self.execute(
            "INSERT INTO datasets (organization_id, id, name, created_at, updated_at)"
            " VALUES ($1, $2, 'Old enquiries', business_now(), business_now())",
            identifier,
        )
        return identifier

    async def lead(
        self, phone: str, dataset_id: UUID | None = None, *, zones: tuple[str, ...] = ("Europe/London",)
    ) -> UUID:
        """Make a READY lead with a contact that can be texted."""
        lead_id, contact_id = new_id(), new_id()
        async with self.sql() as connection:
            await connection.execute(
                "INSERT INTO contacts (organization_id, id, first_name, phone, phone_type, sms_eligible, zones,"
                " created_at, updated_at) VALUES ($1, $2, 'Ada', $3, 'mobile', true, $4, now(), now())",
                self.organization_id,
                contact_id,
                phone,
                list(zones),
            )
            await connection.execute(
                "INSERT INTO leads (organization_id, id, contact_id, dataset_id, phone, created_at, updated_at)"
                " VALUES ($1, $2, $3, $4, $5, business_now(), business_now())",
                self.organization_id,
                lead_id,
                contact_id,
                dataset_id,
                phone,
            )
        return lead_id


async def waiting(database: Database, count: int = 1) -> None:
    """Wait until so many of our sessions wait for a lock, or fail."""
    for _ in range(500):
        async with database.connection() as connection:
            if count <= await connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = current_user"
            ):
                return
        await asyncio.sleep(0.02)
    pytest.fail("nobody waits")


MakeTenant = Callable[[], AbstractAsyncContextManager[Tenant]]


@pytest.fixture
async def tenant(workshop: AsyncContainer) -> Tenant:
    """Make a fresh organisation with stages and a number to send from."""
    database = await workshop.get(Database)
    texting = await workshop.get(Texting)
    assert isinstance(texting, RememberingTexting)
    texting.on_send = None
    texting.failures.clear()
    made = Tenant(new_id(), workshop, database, texting)
    async with made.sql() as connection:
        await connection.execute(
            "INSERT INTO organizations (organization_id, id, name, sender, created_at)"
            " VALUES ($1, $1, 'Bright Windows', '+442079460001', business_now())",
            made.organization_id,
        )
        pipeline = new_id()
        await connection.execute(
            "INSERT INTO pipelines (organization_id, id, name, is_default, created_at)"
            " VALUES ($1, $2, 'Sales', true, business_now())",
            made.organization_id,
            pipeline,
        )
        await connection.execute(
            "INSERT INTO stages (organization_id, id, pipeline_id, key, name, category, position)"
            " VALUES ($1, $2, $3, 'NEW_LEAD', 'New lead', 'open', 1)",
            made.organization_id,
            new_id(),
            pipeline,
        )
    return made
