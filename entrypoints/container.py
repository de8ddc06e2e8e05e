"""The one place where ports meet adapters; dishka checks the whole graph when it is made."""

from collections.abc import AsyncIterator

import redis.asyncio as redis
from dishka import AnyOf, AsyncContainer, Provider, Scope, from_context, make_async_container, provide

from adapters.persistence.database import Cause, Database, PostgresUnitOfWork
from adapters.persistence.finder import Finder
from adapters.queue.schedules import PostgresAgenda
from adapters.queue.wake import Wake
from application.agenda import Agenda
from application.ports import Actor, Clock, UnitOfWork
from entrypoints.config import Config
from entrypoints.vault import Vault, unsealing, vault_of


class Platform(Provider):
    """What every context stands on."""

    config = from_context(Config, scope=Scope.APP)
    actor = from_context(Actor, scope=Scope.REQUEST)
    cause = from_context(Cause, scope=Scope.REQUEST)
    finder = provide(Finder, scope=Scope.REQUEST)
    agenda = provide(PostgresAgenda, provides=AnyOf[PostgresAgenda, Agenda], scope=Scope.REQUEST)

    @provide(scope=Scope.APP)
    async def database(self, config: Config) -> AsyncIterator[Database]:
        """Open the application role's pool."""
        database = await Database.open(config.database_url, size=20)
        yield database
        await database.close()

    @provide(scope=Scope.APP)
    async def redis(self, config: Config) -> AsyncIterator[redis.Redis]:
        """Open the client for limits and wake-ups, with time limits of its own."""
        client = redis.Redis.from_url(config.redis_url, socket_timeout=2, socket_connect_timeout=1)
        yield client
        await client.aclose()

    wake = provide(Wake, scope=Scope.APP)

    @provide(scope=Scope.APP)
    def vault(self, config: Config) -> Vault:
        """Make the box that stored secrets and answers lie in."""
        return vault_of(config.secret_keys)

    @provide(scope=Scope.REQUEST)
    async def uow(
        self, database: Database, actor: Actor, cause: Cause, wake: Wake, vault: Vault
    ) -> AsyncIterator[AnyOf[PostgresUnitOfWork, UnitOfWork, Clock]]:
        """Make the scope's one unit of work; what a keyed request left open is undone with the scope."""
        uow = PostgresUnitOfWork(database, actor, cause, wake, vault.encrypt, unsealing(vault))
        yield uow
        await uow.abandon()


def container(config: Config, *overrides: Provider) -> AsyncContainer:
    """Make the container of one process; overriding providers come last and win."""
    from entrypoints.wiring import PROVIDERS

    return make_async_container(Platform(), *PROVIDERS, *overrides, context={Config: config})
