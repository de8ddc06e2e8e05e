"""What the scheduling context stands on."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
from dishka import AnyOf, Provider, Scope, provide

from adapters.booking.calcom import CalcomCalendar
from adapters.booking.chosen import ChosenCalendar
from adapters.booking.sandbox import SandboxCalendar
from adapters.crossings.booked_leads import LeadsOfSales
from adapters.crossings.reminder_texts import GateForReminders
from adapters.persistence.bookings import OrganizationCalendars, PostgresBookings, PostgresReportedBookings
from adapters.persistence.calcom_hooks import CalcomHooks
from adapters.persistence.database import Database, PostgresUnitOfWork
from adapters.persistence.messaging import PostgresOrganizationName
from adapters.sms.sandbox import provider_token
from application.scheduling.bookings import Bookings
from application.scheduling.calendar import Account, Calendar, CalendarAccounts
from application.scheduling.desk import CalendarDesk
from application.scheduling.effects import Effects
from application.scheduling.leads import BookedLeads
from application.scheduling.reminder_mail import ReminderMail
from application.scheduling.reminder_ports import OrganizationVoice, ReminderTexts
from application.scheduling.reminders import Reminders
from application.scheduling.reports import BookingReports, ReportedBookings
from application.scheduling.slots import Slots
from application.scheduling.store import BookingStore
from entrypoints.config import Config
from entrypoints.vault import Vault

NOBODY = UUID(int=0)


class Scheduling(Provider):
    """Bookings, the calendar, reminders."""

    scope = Scope.REQUEST

    booking_store = provide(PostgresBookings, provides=AnyOf[PostgresBookings, BookingStore])
    reported = provide(PostgresReportedBookings, provides=ReportedBookings)
    leads = provide(LeadsOfSales, provides=BookedLeads)
    reminder_texts = provide(GateForReminders, provides=ReminderTexts)
    voice = provide(PostgresOrganizationName, provides=OrganizationVoice)

    effects = provide(Effects)
    desk = provide(CalendarDesk)
    slots = provide(Slots)
    bookings = provide(Bookings)
    reports = provide(BookingReports)
    reminder_mail = provide(ReminderMail)
    reminders = provide(Reminders)

    @provide
    def accounts(self, config: Config, uow: PostgresUnitOfWork, vault: Vault) -> CalendarAccounts:
        """Know whose calendar is booked into."""
        return OrganizationCalendars(uow, vault, _installed(config))

    @provide(scope=Scope.APP)
    def hooks(self, config: Config, database: Database, vault: Vault) -> CalcomHooks:
        """Know who signs Cal.com's calls."""
        return CalcomHooks(database, vault, config.calcom.webhook_secret)

    @provide(scope=Scope.APP)
    async def calendar(self, config: Config) -> AsyncIterator[Calendar]:
        """Make the calendars; the sandbox's serves in the sandbox only."""
        async with httpx.AsyncClient(limits=httpx.Limits(max_connections=16), trust_env=False) as client:
            sandbox = SandboxCalendar(
                client, config.sandbox_provider_url, provider_token(config.derived_key("sandbox-provider"))
            )
            calcom = CalcomCalendar(client, config.calcom.api_url)
            yield ChosenCalendar({"sandbox": sandbox} if config.sandbox else {"calcom": calcom})


def _installed(config: Config) -> Account | None:
    if config.sandbox:
        return Account(provider="sandbox", organization_id=NOBODY, zone="UTC")
    if not config.calcom.api_key:
        return None
    return Account(
        provider="calcom",
        organization_id=NOBODY,
        zone="UTC",
        event_type_id=config.calcom.event_type_id,
        api_key=config.calcom.api_key,
    )
