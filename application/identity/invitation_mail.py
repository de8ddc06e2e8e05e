"""The mail that carries an invitation's link."""

from dataclasses import dataclass

from application.identity.accounts import AccountStore
from application.identity.invitations import InvitationLinks, InvitationStore
from application.identity.organizations import OrganizationStore
from application.mailing import Mail, MailEntry
from application.mails import NotOwed, one_line
from application.ports import Actor, within


@dataclass(frozen=True)
class InvitationMail:
    """Be the `MailWriter` of invitations."""

    actor: Actor
    invitations: InvitationStore
    accounts: AccountStore
    organizations: OrganizationStore
    links: InvitationLinks

    @within
    async def write(self, entry: MailEntry) -> Mail | NotOwed:
        """Write the link down, unless the invitation has ended since."""
        invitation = await self.invitations.open(entry.subject)
        token = None if invitation is None else self.links.recall(invitation)
        if invitation is None or token is None:
            return NotOwed("The invitation ended before it could be mailed.")
        organization = await self.organizations.get(self.actor.organization_id)
        inviter = await self.accounts.get(invitation.invited_by)
        account = await self.accounts.get(invitation.account_id)
        name, place = one_line(inviter.name), one_line(organization.name)
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
