"""Messaging's adapters."""

from collections.abc import AsyncIterator

from dishka import AnyOf, Provider, Scope, provide

from adapters.egress.breaker import Breaker
from adapters.metrics.prometheus import CountedLedger, TimedTexting
from adapters.persistence.database import Database
from adapters.persistence.facts import PostgresRecipientFacts
from adapters.persistence.hand_over_lock import AdvisoryHandOverLock, NoHandOverLock
from adapters.persistence.inbound import PostgresInbound, PostgresReportedMessages, Routes
from adapters.persistence.messaging import (
    PostgresConsentLedger,
    PostgresConversations,
    PostgresMessages,
    PostgresOrganizationName,
)
from adapters.persistence.parties import PostgresParties
from adapters.persistence.visibility import LeadVisibility
from adapters.phones.libphonenumber import Libphonenumber
from adapters.sms.guarded import GuardedTexting
from adapters.sms.none import NoTexting
from adapters.sms.sandbox import SandboxTexting, provider_token, sandbox_session
from application.messaging.consent import ConsentLedger, Consents
from application.messaging.conversations import Conversations, ConversationStore, OrganizationName
from application.messaging.gate import Gate, Ledger, RecipientFacts
from application.messaging.inbound import InboundStore, ProviderNotices, ReportedMessages
from application.messaging.messages import Messages, MessageStore
from application.messaging.outreach import Parties
from application.messaging.sending import Callbacks, HandOverLock, HandOvers, Owner, Sending
from application.messaging.texting import Texting
from application.outreach.phone_numbers import PhoneNumbers
from application.ports import Actor
from entrypoints.callbacks import SandboxCallbacks
from entrypoints.config import Config


class Messaging(Provider):
    """Bind messaging's ports."""

    scope = Scope.REQUEST

    visibility = provide(LeadVisibility)
    facts = provide(PostgresRecipientFacts, provides=RecipientFacts)
    ledger = provide(CountedLedger, provides=AnyOf[Ledger, HandOvers])
    parties = provide(PostgresParties, provides=Parties)
    conversation_store = provide(PostgresConversations, provides=ConversationStore)
    message_store = provide(PostgresMessages, provides=MessageStore)
    consent_ledger = provide(PostgresConsentLedger, provides=ConsentLedger)
    inbound = provide(PostgresInbound, provides=InboundStore)
    reported = provide(PostgresReportedMessages, provides=ReportedMessages)
    organization_name = provide(PostgresOrganizationName, provides=OrganizationName)

    gate = provide(Gate)
    sending = provide(Sending)
    consents = provide(Consents)
    conversations = provide(Conversations)
    messages = provide(Messages)
    notices = provide(ProviderNotices)

    @provide
    def owner(self, actor: Actor) -> Owner:
        """Name whose rows are sent."""
        return Owner(actor.organization_id)

    @provide(scope=Scope.APP)
    async def texting(self, config: Config) -> AsyncIterator[Texting]:
        """Make the sandbox's texting, which serves in the sandbox only; others come with their providers."""
        if not config.sandbox:
            yield NoTexting()
            return
        async with sandbox_session() as session:
            sandbox = SandboxTexting(
                session, config.sandbox_provider_url, provider_token(config.derived_key("sandbox-provider"))
            )
            yield GuardedTexting(TimedTexting(sandbox, "sandbox"), Breaker("sandbox"))

    @provide(scope=Scope.APP)
    def phones(self, config: Config) -> PhoneNumbers:
        """Read numbers; the regulators' made-up ones count in the sandbox only."""
        return Libphonenumber(fiction=config.sandbox)

    @provide(scope=Scope.APP)
    def lock(self, config: Config, database: Database) -> HandOverLock:
        """Share the clock's lock in the sandbox."""
        return AdvisoryHandOverLock(database) if config.sandbox else NoHandOverLock()

    routes = provide(Routes, scope=Scope.APP)
    callbacks = provide(SandboxCallbacks, provides=Callbacks, scope=Scope.APP)
