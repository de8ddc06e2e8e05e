"""How mail leaves, and who writes it."""

from collections.abc import AsyncIterator

import httpx
from dishka import Provider, Scope, provide

from adapters.email.resend import ResendMailing
from adapters.email.routing import RoutedMailing
from adapters.email.sandbox import SandboxMailing
from adapters.persistence.mail_accounts import InstallationMailing, PostgresMailAccounts
from adapters.persistence.mail_records import PostgresMailRecords
from adapters.persistence.mails import PostgresMailLedger
from adapters.sms.sandbox import provider_token
from application.identity.invitation_mail import InvitationMail
from application.mail_list import MailList, MailRecords
from application.mailing import INVITATION, MailAccounts, Mailing, MailLedger
from application.mails import MailHandOver, MailsOwed, MailWriters
from application.messaging.notification_mail import DigestMail, NotificationMail
from application.messaging.notifying import DIGEST_MAIL, MAIL
from application.scheduling.reminder_mail import CALL_REMINDER, ReminderMail
from entrypoints.config import Config


class Mails(Provider):
    """Bind the ports of mail."""

    scope = Scope.REQUEST

    ledger = provide(PostgresMailLedger, provides=MailLedger)
    accounts = provide(PostgresMailAccounts, provides=MailAccounts)
    owed = provide(MailsOwed)
    hand_over = provide(MailHandOver)
    records = provide(PostgresMailRecords, provides=MailRecords)
    listed = provide(MailList)

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
    def installation(self, config: Config) -> InstallationMailing:
        """Name what the environment configures."""
        sandbox = "off" if not config.sandbox else "implied" if config.sandbox_implied else "always"
        return InstallationMailing(config.mail_account, sandbox)  # type: ignore[arg-type]

    @provide(scope=Scope.APP)
    async def mailing(self, config: Config) -> AsyncIterator[Mailing]:
        """Open the providers; the sandbox's serves in the sandbox only."""
        from adapters.email.smtp import SmtpMailing  # for those only who mail

        async with (
            httpx.AsyncClient(limits=httpx.Limits(max_connections=4), trust_env=False) as near,
            httpx.AsyncClient(limits=httpx.Limits(max_connections=16), trust_env=False) as far,
        ):
            providers: dict[str, Mailing] = {
                "resend": ResendMailing(far, config.resend_api_url),
                "smtp": SmtpMailing(),
            }
            if config.sandbox:
                token = provider_token(config.derived_key("sandbox-provider"))
                providers["sandbox"] = SandboxMailing(near, config.sandbox_provider_url, token)
            yield RoutedMailing(providers)
