"""The adapters of the sandbox's levers."""

import asyncio
from collections.abc import AsyncIterator

import httpx
from dishka import AnyOf, Provider, Scope, provide

from adapters.persistence.sandbox import PostgresOpenWork, PostgresSandboxClock
from adapters.sms.sandbox import provider_token
from adapters.sms.sandbox_control import HttpSandboxProvider
from application.platform.sandbox import OpenWork, Pause, Sandbox, SandboxClock, SandboxMailbox, SandboxProvider
from entrypoints.config import Config


class Levers(Provider):
    """Bind the ports of the sandbox's levers."""

    scope = Scope.REQUEST

    clock = provide(PostgresSandboxClock, provides=SandboxClock)
    work = provide(PostgresOpenWork, provides=OpenWork)
    sandbox = provide(Sandbox)

    @provide(scope=Scope.APP)
    async def provider(self, config: Config) -> AsyncIterator[AnyOf[SandboxProvider, SandboxMailbox]]:
        """Reach the provider process."""
        async with httpx.AsyncClient(trust_env=False) as client:
            yield HttpSandboxProvider(
                client, config.sandbox_provider_url, provider_token(config.derived_key("sandbox-provider"))
            )

    @provide(scope=Scope.APP)
    def pause(self) -> Pause:
        """Wait as the event loop does."""

        async def wait(seconds: float) -> None:
            await asyncio.sleep(seconds)

        return wait
