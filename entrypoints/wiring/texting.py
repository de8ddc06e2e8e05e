"""The adapters through which texts leave."""

from collections.abc import AsyncIterator

import httpx
from dishka import AnyOf, Provider, Scope, provide

from adapters.egress.guarded import Egress
from adapters.metrics.prometheus import TimedTexting
from adapters.persistence.texting_accounts import InstallationTexting, PostgresAccountBook, PostgresSeen
from adapters.sms.android_gateway import GatewayTexting
from adapters.sms.breakers import Breakers
from adapters.sms.places import AT_ONCE
from adapters.sms.routing import RoutedTexting
from adapters.sms.sandbox import SandboxTexting, provider_token, sandbox_session
from application.messaging.hand_overs import AccountBook
from application.messaging.reconciling import Inbox, Reconciling, Seen
from application.messaging.texting import Texting, TextingHealth
from entrypoints.config import Config
from entrypoints.config_reading import on_this_machine


class TextingProviders(Provider):
    """Bind the ports of texting: every provider's adapter stands ready, and each text names its account."""

    scope = Scope.REQUEST

    book = provide(PostgresAccountBook, provides=AccountBook)
    seen = provide(PostgresSeen, provides=Seen)
    reconciling = provide(Reconciling)

    @provide(scope=Scope.APP)
    async def inbox(self, config: Config) -> AsyncIterator[Inbox]:
        """Ask on a client of its own: what is missed can wait, what is sent cannot."""
        from adapters.sms.inboxes import ProviderInboxes
        from adapters.sms.twilio import TwilioTexting

        async with httpx.AsyncClient(trust_env=False) as client:
            yield ProviderInboxes(TwilioTexting(client, config.twilio_api_url))

    @provide(scope=Scope.APP)
    def breakers(self) -> AnyOf[Breakers, TextingHealth]:
        """Make the process's breakers."""
        return Breakers()

    @provide(scope=Scope.APP)
    def installation(self, config: Config) -> InstallationTexting:
        """Name what the environment configures."""
        return installed_texting(config)

    @provide(scope=Scope.APP)
    async def texting(self, config: Config, breakers: Breakers, egress: Egress) -> AsyncIterator[Texting]:
        """Open a client a provider, so that one that hangs keeps none of another's connections."""
        from adapters.sms.twilio import TwilioTexting  # a fifth of a second, for those only who text

        # A pool of httpx must never be waited for: who is cancelled there while being given a connection takes it
        # along (httpcore 1.0). The adapters keep to a few calls at once by themselves.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=AT_ONCE)
        async with sandbox_session() as session, httpx.AsyncClient(limits=limits, trust_env=False) as client:
            by_twilio = TwilioTexting(client, config.twilio_api_url)
            providers: dict[str, Texting] = {
                "twilio": TimedTexting(by_twilio, "twilio"),
                "android_gateway": TimedTexting(GatewayTexting(egress), "android_gateway"),
            }
            if config.sandbox:
                token = provider_token(config.derived_key("sandbox-provider"))
                sandbox = SandboxTexting(session, config.sandbox_provider_url, token)
                providers["sandbox"] = TimedTexting(sandbox, "sandbox")
            yield RoutedTexting(providers, breakers)


def installed_texting(config: Config) -> InstallationTexting:
    """Tell whom texts go by: in a sandbox that was asked for, by the sandbox or by who answers here as Twilio."""
    if not config.sandbox:
        return InstallationTexting(config.texting_accounts)
    if config.sandbox_implied:
        return InstallationTexting(config.texting_accounts, "implied")
    return InstallationTexting((), "beside_stand_in" if on_this_machine(config.twilio_api_url) else "always")
