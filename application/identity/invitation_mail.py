"""The mail that carries an invitation's link."""

from dataclasses import dataclass

from application.identity.accounts import AccountStore
from application.identity.invitations import InvitationLinks, InvitationStore
from application.identity.organizations import OrganizationStore
from application.mailing import Mail, MailEntry
from application.mails import NotOwed, one_line
from application.ports import Actor, within

_WORDINGS = {
    "en": (
        "{name} invites you to {place}",
        "Hello,\n\n{name} invites you to work with {place} in Rapport.\n\n"
        "Accept within 24 hours of being invited:\n{link}\n\n"
        "The link works once. If you did not expect this, ignore it: nothing happens without you.\n",
    ),
    "es": (
        "{name} le invita a {place}",
        "Hola:\n\n{name} le invita a trabajar con {place} en Rapport.\n\n"
        "Acepte en las 24 horas siguientes a la invitación:\n{link}\n\n"
        "El enlace sirve una vez. Si no lo esperaba, no haga nada: sin usted no ocurre nada.\n",
    ),
}


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
        subject, body = _WORDINGS.get(organization.locale[:2], _WORDINGS["en"])
        return Mail(
            organization_id=organization.id,
            to=account.email,
            subject=subject.format(name=name, place=place),
            body=body.format(name=name, place=place, link=self.links.address(token)),
            key=str(entry.id),
        )
