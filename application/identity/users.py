"""The people of an organisation: listing, changing and shutting out."""

from dataclasses import dataclass
from typing import Any, ClassVar, cast
from uuid import UUID

from msgspec import UNSET, UnsetType

from application.identity.accounts import AccountStore
from application.identity.invitations import InvitationStore
from application.identity.organizations import Number, Short
from application.identity.team import (
    Flags,
    Identifiers,
    MemberRole,
    NarrowingTargets,
    Team,
    TeamFilter,
    TeamMemberView,
    authority_of,
    check_targets,
)
from application.ports import Actor, Command, Found, PageRequest, UnitOfWork
from domain.identity.membership import (
    Authority,
    InvitationWithdrawn,
    Membership,
    MemberStatus,
    UserChanged,
    check_owner_remains,
)
from domain.identity.role import Permission, Role
from domain.kernel import Conflict, Phone, Stale


class ChangeUser(Command, frozen=True):
    """Ask for other values of a user; names and phone are the person's own once they belong elsewhere too."""

    first_name: Short | UnsetType = UNSET
    last_name: Short | UnsetType | None = UNSET
    phone: Number | UnsetType | None = UNSET
    role: MemberRole | UnsetType = UNSET
    permissions: Flags | UnsetType = UNSET
    allowed_dataset_ids: Identifiers | UnsetType | None = UNSET
    location_ids: Identifiers | UnsetType | None = UNSET
    is_active: bool | UnsetType = UNSET
    example: ClassVar[dict[str, Any]] = {"role": "manager", "permissions": {"can_manage_users": True}}


@dataclass(frozen=True)
class Users:
    """What those who manage users do with them."""

    actor: Actor
    uow: UnitOfWork
    team: Team
    accounts: AccountStore
    invitations: InvitationStore
    targets: NarrowingTargets

    async def find(self, narrowed: TeamFilter, page: PageRequest) -> Found:
        """List the users; the short list of active ones is for everybody who signs in."""
        self.actor.require(Permission.ORGANIZATION_READ)
        short = narrowed.active is True
        if not short:
            self.actor.require(Permission.USERS_READ)
        self.actor.person()
        async with self.uow.reading():
            return await self.team.page(narrowed, page, short=short)

    async def get(self, account_id: UUID) -> TeamMemberView:
        """Show a user."""
        self.actor.require(Permission.USERS_READ)
        async with self.uow.reading():
            return await self.team.shown(account_id)

    async def change(self, account_id: UUID, command: ChangeUser, version: int | None) -> TeamMemberView:
        """Change a user, from the person's next request on."""
        self.actor.require(Permission.USERS_WRITE)
        async with self.uow:
            await self.team.lock()
            by = await authority_of(self.actor, self.team)
            membership = await self.team.get(account_id)
            if version is not None and version != membership.version:
                raise Stale("This user was changed by somebody else meanwhile.", details=_clashing(membership, command))
            changed = await self._rename(membership, command, by) + await self._change(membership, command, by)
            if changed:
                self.uow.publish(UserChanged(subject=account_id, changed=changed, role=membership.role))
            if command.is_active is not UNSET and command.is_active != membership.is_active:
                await self._switch(membership, by)
                changed = (*changed, "is_active")
            if changed:
                await self.team.save(membership)
            return await self.team.shown(account_id)

    async def remove(self, account_id: UUID) -> None:
        """Suspend a user, or take back an invitation that was never accepted; nothing the person did is deleted."""
        self.actor.require(Permission.USERS_WRITE)
        async with self.uow:
            await self.team.lock()
            by = await authority_of(self.actor, self.team)
            membership = await self.team.get(account_id)
            if membership.status is MemberStatus.INVITED:
                by.check_over(membership)
                await self.invitations.end_all(account_id, "The invitation was taken back.")
                await self.team.remove(membership)
                self.uow.publish(InvitationWithdrawn(subject=account_id))
            else:
                await self._suspend(membership, by)
                await self.team.save(membership)

    async def _change(self, membership: Membership, command: ChangeUser, by: Authority) -> tuple[str, ...]:
        values = membership_values(command)
        await check_targets(self.targets, values)
        owners = await self.team.owners()
        changed = membership.change(values, by)
        check_owner_remains(owners, membership)
        return changed

    async def _switch(self, membership: Membership, by: Authority) -> None:
        if membership.is_active:
            await self._suspend(membership, by)
        else:
            self.uow.publish(membership.reactivate(by))

    async def _suspend(self, membership: Membership, by: Authority) -> None:
        owners = await self.team.owners()
        suspended = membership.suspend(by)
        check_owner_remains(owners, membership)
        await self.accounts.end_tokens(membership.account_id)
        self.uow.publish(suspended)

    async def _rename(self, membership: Membership, command: ChangeUser, by: Authority) -> tuple[str, ...]:
        values: dict[str, Any] = {
            name: value
            for name in ("first_name", "last_name", "phone")
            if (value := getattr(command, name)) is not UNSET
        }
        if values.get("phone") is not None:
            values["phone"] = Phone(values["phone"])
        if not values:
            return ()
        if membership.account_id != by.account_id:
            by.check_over(membership)
        if membership.status is MemberStatus.INVITED:
            return await self.invitations.rename(membership.account_id, values)
        account = await self.accounts.get(membership.account_id)
        changed = tuple(name for name, value in values.items() if getattr(account, name) != value)
        if changed and await self.team.belongs_elsewhere(account.id):
            raise Conflict("This person belongs to another organisation too, and changes these themselves.")
        for name in changed:
            setattr(account, name, values[name])
        if changed:
            await self.accounts.save(account)
        return changed


def membership_values(command: Any) -> dict[str, Any]:
    """Pick what a command says about a membership, by the membership's own field names."""
    values: dict[str, Any] = {}
    if command.role is not UNSET:
        values["role"] = Role(command.role)
    if command.permissions is not UNSET:
        values |= command.permissions.named()
    for name, wire in (("dataset_ids", "allowed_dataset_ids"), ("location_ids", "location_ids")):
        given = getattr(command, wire)
        if given is not UNSET:
            values[name] = None if given is None else frozenset(given)
    return values


def _clashing(membership: Membership, command: ChangeUser) -> list[tuple[str, str]]:
    wire = {"dataset_ids": "allowed_dataset_ids"}
    values = membership_values(command)
    if command.is_active is not UNSET:
        values["is_active"] = command.is_active
    return [
        (wire.get(name, name), "Somebody else changed this meanwhile.")
        for name, value in values.items()
        if getattr(cast("Any", membership), name) != value
    ]
