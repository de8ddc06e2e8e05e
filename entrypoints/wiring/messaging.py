"""Messaging's adapters."""

from dishka import AnyOf, Provider, Scope, provide

from adapters.metrics.prometheus import CountedLedger
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
from application.messaging.consent import ConsentLedger, Consents
from application.messaging.conversations import Conversations, ConversationStore, OrganizationName
from application.messaging.gate import Gate, Ledger, RecipientFacts
from application.messaging.hand_overs import Callbacks, HandOverLock, HandOvers
from application.messaging.inbound import InboundStore, ProviderNotices, ReportedMessages
from application.messaging.messages import Messages, MessageStore
from application.messaging.outreach import Parties
from application.messaging.sending import Owner, Sending
from application.outreach.phone_numbers import PhoneNumbers
from application.ports import Actor
from entrypoints.callbacks import WebhookAddresses
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
    def phones(self, config: Config) -> PhoneNumbers:
        """Read numbers; the regulators' made-up ones count in the sandbox only."""
        return Libphonenumber(fiction=config.sandbox)

    @provide(scope=Scope.APP)
    def lock(self, config: Config, database: Database) -> HandOverLock:
        """Share the clock's lock in the sandbox."""
        return AdvisoryHandOverLock(database) if config.sandbox else NoHandOverLock()

    routes = provide(Routes, scope=Scope.APP)
    callbacks = provide(WebhookAddresses, provides=Callbacks, scope=Scope.APP)
