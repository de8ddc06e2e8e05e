"""The mail that carries an invitation's link: written down first, handed over once, asked about when nobody knows."""

import time
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from application.agenda import Agenda
from application.identity.accounts import AccountStore
from application.identity.invitations import InvitationLinks, InvitationStore
from application.identity.organizations import OrganizationStore
from application.mailing import INVITATION, PROVIDER_LIMIT, Mail, MailEntry, Mailing, MailLedger, Receipt
from application.ports import Actor, Clock, UnitOfWork, effect
from application.provider import ProviderError, Rejected, Unavailable, Unknown
from domain.identity.membership import UserInvited

MAILS = "invitation_mail.settle"
RETRY = timedelta(seconds=30)
MARGIN = timedelta(seconds=0.5)  # the hand-over begins a little later than its unit of work
ENDS = frozenset({"accepted", "rejected", "cancelled"})


@dataclass(frozen=True)
class InvitationMail:
    """Mail invitations."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    agenda: Agenda
    ledger: MailLedger
    invitations: InvitationStore
    accounts: AccountStore
    organizations: OrganizationStore
    links: InvitationLinks
    mailing: Mailing

    @effect
    async def send(self, event: UserInvited) -> None:
        """Mail the link of an invitation that was just made."""
        await self._work(event.invitation_id)

    @effect
    async def settle(self) -> None:
        """Take up what a dead worker left, what no provider took, and what nobody knows of."""
        async with self.uow.reading():
            waiting = await self.ledger.open(INVITATION)
        for subject in waiting:
            await self._work(subject)
        async with self.uow:
            await self.agenda.lock(MAILS)
            if await self.ledger.open(INVITATION):
                await self.agenda.no_later_than(MAILS, self.clock.now() + RETRY)
            else:
                await self.agenda.clear(MAILS)

    async def _work(self, invitation_id: UUID) -> None:
        async with self.uow:
            entry = await self.ledger.lock(INVITATION, invitation_id)
            if entry is None or entry.state in ENDS:
                return
            # Whoever dies from here on, the schedule comes back to it.
            await self.agenda.no_later_than(MAILS, self.clock.now() + PROVIDER_LIMIT + MARGIN)
            if entry.is_under_way:
                return
            mail = await self._written(entry) if entry.state == "planned" else None
            if mail is not None:
                entry = await self.ledger.hand(entry)
            elif entry.state == "planned":
                return
            ends = time.monotonic() + PROVIDER_LIMIT.total_seconds()
        told = await self._ask(entry) if mail is None else await self._send(mail, ends)
        async with self.uow:
            match told:
                case Receipt():
                    await self.ledger.write(entry, "accepted", provider_id=told.provider_id)
                case Rejected():
                    await self.ledger.write(entry, "rejected", reason=told.reason)
                case Unknown():
                    await self.ledger.write(entry, "unknown", reason=told.reason)
                case Unavailable() if mail is None:
                    await self._again(told.retry_after)
                case ProviderError():
                    await self.ledger.write(entry, "planned", reason=told.reason)
                    await self._again(getattr(told, "retry_after", None))
                case None:
                    await self.ledger.write(entry, "planned", reason="The provider did not have it.")
                    await self._again(0)

    async def _again(self, seconds: float | None) -> None:
        wait = RETRY if seconds is None else timedelta(seconds=seconds)
        await self.agenda.no_later_than(MAILS, self.clock.now() + wait)

    async def _written(self, entry: MailEntry) -> Mail | None:
        """Write the mail, or cancel it: the invitation may have ended since."""
        invitation = await self.invitations.open(entry.subject)
        token = None if invitation is None else self.links.recall(invitation)
        if invitation is None or token is None:
            await self.ledger.write(entry, "cancelled", reason="The invitation ended before it could be mailed.")
            return None
        organization = await self.organizations.get(self.actor.organization_id)
        inviter = await self.accounts.get(invitation.invited_by)
        account = await self.accounts.get(invitation.account_id)
        name, place = _line(inviter.name), _line(organization.name)
        return Mail(
            organization_id=organization.id,
            to=account.email,
            subject=f"{name} invites you to {place}",
            body=(
                f"Hello,\n\n{name} invites you to work with {place} in Rapport.\n\n"
                f"Accept within 24 hours of being invited:\n{self.links.address(token)}\n\n"
                "The link works once. If you did not expect this, ignore it: nothing happens without you.\n"
            ),
            key=str(entry.id),
        )

    async def _send(self, mail: Mail, ends: float) -> Receipt | ProviderError:
        if time.monotonic() > ends:
            return Unavailable(0, "The worker slept before the call.")
        try:
            return await self.mailing.send(mail)
        except ProviderError as error:
            return error

    async def _ask(self, entry: MailEntry) -> Receipt | ProviderError | None:
        try:
            return await self.mailing.find(str(entry.id))
        except ProviderError as error:
            return error


def _line(text: str) -> str:
    """Keep a name on one line: a mail's subject is a header."""
    return " ".join(text.split())
