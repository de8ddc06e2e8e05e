"""Inviting somebody, showing an invitation, accepting it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol
from uuid import UUID

from application.identity.account_forms import Address, Password, SignedInView, signed_in_view
from application.identity.accounts import AccountStore, Installation
from application.identity.organizations import Memberships, Number, OrganizationStore, Short
from application.identity.passwords import Passwords
from application.identity.team import (
    Flags,
    Identifiers,
    MemberRole,
    NarrowingTargets,
    Team,
    TeamMemberView,
    authority_of,
    check_targets,
)
from application.identity.tokens import Tokens
from application.mailing import INVITATION
from application.mails import MailsOwed
from application.ports import Actor, Command, UnitOfWork, View, public
from application.provider import Capabilities, NotConfigured
from domain.identity.account import Account, WrongCredentials, check_password
from domain.identity.invitation import Invitation, NoSuchInvitation, hash_of_token
from domain.identity.membership import Membership, MemberStatus, UserInvited
from domain.identity.role import Permission, Role
from domain.kernel import Conflict, Duplicate, Email, Phone, new_id


class InviteUser(Command, frozen=True):
    """Ask for somebody to come in; `permissions` are beyond the role, null lists narrow nothing."""

    email: Address
    first_name: Short
    role: MemberRole
    last_name: Short | None = None
    phone: Number | None = None
    permissions: Flags = Flags()
    allowed_dataset_ids: Identifiers | None = None
    location_ids: Identifiers | None = None
    example: ClassVar[dict[str, Any]] = {
        "email": "rita@bright.example", "first_name": "Rita", "last_name": "Reed", "role": "rep",
        "permissions": {"can_view_all_leads": False},
    }  # fmt: skip


class AcceptInvitation(Command, frozen=True):
    """Accept: a new password, or the present one where the e-mail address has an account already."""

    password: Password
    first_name: Short | None = None
    last_name: Short | None = None
    example: ClassVar[dict[str, Any]] = {"password": "correct horse battery staple", "first_name": "Rita"}


class InvitedView(View, frozen=True):
    """Show who was invited, and the link, this once; `mailed` tells whether a mail with it is on its way."""

    user: TeamMemberView
    link: str
    expires_at: datetime
    mailed: bool
    not_mailed_because: str | None
    example: ClassVar[dict[str, Any]] = {
        "user": TeamMemberView.example,
        "link": "https://crm.example/invitations/7Jx0cQ8h1mXkq3oK0lWc6n1sZf2oYb9rT4uV5wXyZ0A",
        "expires_at": "2026-03-03T09:00:00Z", "mailed": True, "not_mailed_because": None,
    }  # fmt: skip


class InvitationView(View, frozen=True):
    """Show an invitation to whoever holds its link; `has_account` tells which password is asked for."""

    organization_name: str
    email: str
    first_name: str
    last_name: str | None
    role: Role
    has_account: bool
    expires_at: datetime
    example: ClassVar[dict[str, Any]] = {
        "organization_name": "Bright Windows Ltd", "email": "rita@bright.example", "first_name": "Rita",
        "last_name": "Reed", "role": "rep", "has_account": False, "expires_at": "2026-03-03T09:00:00Z",
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Invitee:
    """Name whom a link is for, and where it leads."""

    organization_id: UUID
    account_id: UUID
    email: Email


class InvitationStore(Protocol):
    """Keep invitations by their links' hashes, outside tenancy; a day is counted in machine time."""

    async def add(self, invitation: Invitation) -> None:
        """Insert one, good from now on, and set `expires_at`."""
        ...

    async def open(self, identifier: UUID) -> Invitation | None:
        """Load one that is still good."""
        ...

    async def by_link(self, token_hash: bytes) -> Invitation | None:
        """Load one that is still good by its link."""
        ...

    async def take(self, token_hash: bytes) -> datetime | None:
        """Use a good one up, and tell when; of many at once only the first does."""
        ...

    async def end_all(self, account_id: UUID, reason: str) -> None:
        """End those of a person into the actor's organisation, and cancel their mails that have not left."""
        ...

    async def latest(self, account_id: UUID) -> Invitation:
        """Load the last one of a person into the actor's organisation, good or not."""
        ...

    async def rename(self, account_id: UUID, values: dict[str, Any]) -> tuple[str, ...]:
        """Call the invited person otherwise; gives the names of the fields that changed."""
        ...


class InvitationLinks(Protocol):
    """Make links that nobody can guess and nothing stores: the token follows from the id and a secret key."""

    def token(self, identifier: UUID) -> str:
        """Make an invitation's token."""
        ...

    def recall(self, invitation: Invitation) -> str | None:
        """Make the token again that an invitation was sent with; None when its key is gone."""
        ...

    def address(self, token: str) -> str:
        """Give the page of the front end that accepts it."""
        ...


@dataclass(frozen=True)
class Invitations:
    """Bring people in."""

    actor: Actor
    uow: UnitOfWork
    team: Team
    accounts: AccountStore
    invitations: InvitationStore
    targets: NarrowingTargets
    organizations: OrganizationStore
    memberships: Memberships
    installation: Installation
    links: InvitationLinks
    mails: MailsOwed
    capabilities: Capabilities
    passwords: Passwords
    tokens: Tokens

    async def invite(self, command: InviteUser) -> InvitedView:
        """Invite somebody; whether the e-mail address has an account elsewhere shows nowhere in the answer."""
        self.actor.require(Permission.USERS_WRITE)
        email = Email(command.email)
        phone = None if command.phone is None else Phone(command.phone)
        values = _values(command)
        async with self.uow:
            await self.team.lock()
            by = await authority_of(self.actor, self.team)
            await check_targets(self.targets, values)
            account = await self.accounts.by_email(email)
            if account is None:
                given = Account(
                    email=email, password_hash=None, first_name=command.first_name, last_name=command.last_name
                )
                account = await self.accounts.find_or_add(given)
            present = await self.team.find_member(account.id)
            if present is not None:
                raise Duplicate(_ALREADY[present.status], field="email")
            membership = Membership(
                account_id=account.id,
                organization_id=self.actor.organization_id,
                is_active=False,
                invited_by=by.account_id,
                **values,
            )
            by.check_giving(membership)
            await self.team.add(membership)
            return await self._issue(account, membership, command.first_name, command.last_name, phone)

    async def send_again(self, account_id: UUID) -> InvitedView:
        """Invite somebody anew who has not accepted; the old link ends."""
        self.actor.require(Permission.USERS_WRITE)
        async with self.uow:
            await self.team.lock()
            by = await authority_of(self.actor, self.team)
            membership = await self.team.get(account_id)
            if membership.status is not MemberStatus.INVITED:
                raise Conflict("This person has accepted an invitation already.")
            by.check_over(membership)
            last = await self.invitations.latest(account_id)
            await self.invitations.end_all(account_id, "Another invitation was sent instead.")
            account = await self.accounts.get(account_id)
            return await self._issue(account, membership, last.first_name, last.last_name, last.phone)

    async def _issue(
        self, account: Account, membership: Membership, first_name: str, last_name: str | None, phone: Phone | None
    ) -> InvitedView:
        identifier = new_id()
        token = self.links.token(identifier)
        invitation = Invitation(
            id=identifier,
            organization_id=membership.organization_id,
            account_id=account.id,
            token_hash=hash_of_token(token),
            invited_by=self.actor.person(),
            first_name=first_name,
            last_name=last_name,
            phone=phone,
        )
        await self.invitations.add(invitation)
        why_not = await self._why_not_mailed()
        await self.mails.plan(INVITATION, invitation.id, account.email, why_not)
        self.uow.publish(UserInvited(subject=account.id, invitation_id=invitation.id, role=membership.role))
        assert invitation.expires_at is not None
        return InvitedView(
            user=await self.team.shown(account.id),
            link=self.links.address(token),
            expires_at=invitation.expires_at,
            mailed=why_not is None,
            not_mailed_because=why_not,
        )

    async def _why_not_mailed(self) -> str | None:
        try:
            await self.capabilities.require("email")
        except NotConfigured as refusal:
            return refusal.message
        return None

    @public
    async def look_up(self, token: str) -> Invitee:
        """Tell whom a link is for, as long as it is good."""
        async with self.uow.reading():
            invitation = await self._good(token)
            account = await self.accounts.get(invitation.account_id)
            return Invitee(invitation.organization_id, account.id, account.email)

    @public
    async def show(self, token: str) -> InvitationView:
        """Show an invitation to whoever holds its link."""
        async with self.uow.reading():
            invitation = await self._good(token)
            account = await self.accounts.get(invitation.account_id)
            organization = await self.memberships.open_organization(invitation.organization_id)
            membership = await self.memberships.of(account.id, invitation.organization_id)
            if organization is None or membership is None:
                raise NoSuchInvitation
            assert invitation.expires_at is not None
            return InvitationView(
                organization_name=organization.name,
                email=account.email,
                first_name=invitation.first_name,
                last_name=invitation.last_name,
                role=membership.role,
                has_account=account.password_hash is not None,
                expires_at=invitation.expires_at,
            )

    @public
    async def accept(self, token: str, command: AcceptInvitation) -> SignedInView:
        """Join, once; the actor stands for the organisation that the link leads into (`look_up`).

        Whoever invited knows the link too, so that it opens no account that has a password: there the present one is
        asked for, and a wrong one is refused as at signing in.
        """
        async with self.uow.reading():
            invitation = await self._good(token)
            account = await self.accounts.get(invitation.account_id)
        known = account.password_hash
        if known is None:
            password_hash = await self.passwords.hash(check_password(command.password))
        elif not await self.passwords.verify(known, command.password):
            raise WrongCredentials("The e-mail address or the password is wrong.")
        async with self.uow:
            await self.team.lock()
            at = await self.invitations.take(hash_of_token(token))
            if at is None:
                raise NoSuchInvitation
            invitation = await self.invitations.latest(account.id)
            account = await self.accounts.get(account.id)
            if account.password_hash != known:
                raise Conflict("The password was set or changed meanwhile. Try again.")
            if known is None:
                account.password_hash = password_hash
                account.first_name, account.last_name = invitation.first_name, invitation.last_name
                account.phone = invitation.phone
            account.first_name = command.first_name or account.first_name
            account.last_name = command.last_name or account.last_name
            await self.accounts.save(account)
            membership = await self.team.get(account.id)
            self.uow.publish(membership.join(at))
            await self.team.save(membership)
            organization = await self.organizations.get(self.actor.organization_id)
            if organization.deleted_at is not None:
                raise NoSuchInvitation
            await self.accounts.note_sign_in(account.id, organization.id)
            first = await self.installation.first_organization()
            return signed_in_view(self.tokens, account, membership, organization, first)

    async def _good(self, token: str) -> Invitation:
        invitation = await self.invitations.by_link(hash_of_token(token))
        if invitation is None:
            raise NoSuchInvitation
        return invitation


_ALREADY = {
    MemberStatus.INVITED: "This person is invited already. Send the invitation anew instead.",
    MemberStatus.ACTIVE: "This person belongs to the organisation already.",
    MemberStatus.SUSPENDED: "This person is suspended. Let them in again instead.",
}


def _values(command: InviteUser) -> dict[str, Any]:
    return {
        "role": Role(command.role),
        "dataset_ids": None if command.allowed_dataset_ids is None else frozenset(command.allowed_dataset_ids),
        "location_ids": None if command.location_ids is None else frozenset(command.location_ids),
        **command.permissions.named(),
    }
