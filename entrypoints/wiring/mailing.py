"""How mail leaves, and who writes it."""

from collections.abc import AsyncIterator

import httpx
from dishka import Provider, Scope, provide

from adapters.email.none import NoMailing
from adapters.email.sandbox import SandboxMailing
from adapters.persistence.mails import PostgresMailLedger
from adapters.sms.sandbox import provider_token
from application.identity.invitation_mail import InvitationMail
from application.mailing import INVITATION, Mailing, MailLedger
from application.mails import MailHandOver, MailsOwed, MailWriters
from application.messaging.notification_mail import DigestMail, NotificationMail
from application.messaging.notifying import DIGEST_MAIL, MAIL
from application.scheduling.reminder_mail import CALL_REMINDER, ReminderMail
from entrypoints.config import Config


class Mails(Provider):
    """Bind the ports of mail."""

    scope = Scope.REQUEST

    ledger = provide(PostgresMailLedger, provides=MailLedger)
    owed = provide(MailsOwed)
    hand_over = provide(MailHandOver)

    @provide
    def writers(
        self,
        invitations: InvitationMail,
        reminders: ReminderMail,
        notifications: NotificationMail,
        digests: DigestMail,
    ) -> MailWriters:
        """Name who writes which mails."""
        return {INVITATION: invitations, CALL_REMINDER: reminders, MAIL: notifications, DIGEST_MAIL: digests}

    @provide(scope=Scope.APP)
    async def mailing(self, config: Config) -> AsyncIterator[Mailing]:
        """Make the sandbox's mailing, which serves in the sandbox only; others come with their providers."""
        if not config.sandbox:
            yield NoMailing()
            return
        async with httpx.AsyncClient(limits=httpx.Limits(max_connections=4), trust_env=False) as client:
            token = provider_token(config.derived_key("sandbox-provider"))
            yield SandboxMailing(client, config.sandbox_provider_url, token)
