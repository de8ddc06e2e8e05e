"""Who belongs to an organisation, as what, and who may decide so."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Self
from uuid import UUID

from domain.identity.role import ADDED_BY, SEES_ALL_LEADS, Permission, Role, permissions_of
from domain.kernel import Conflict, Event, Forbidden


class MemberStatus(StrEnum):
    """Name where somebody stands: asked in, in, or shut out."""

    INVITED = "invited"
    ACTIVE = "active"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserInvited(Event):
    """Say that somebody was invited, or invited anew; `subject` is the account."""

    type: ClassVar[str] = "user.invited"
    invitation_id: UUID
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationWithdrawn(Event):
    """Say that an invitation was taken back before anybody accepted it."""

    type: ClassVar[str] = "user.invitation_withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserJoined(Event):
    """Say that somebody accepted an invitation."""

    type: ClassVar[str] = "user.joined"
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class UserChanged(Event):
    """Say which of a user's fields an administrator changed, by their names, and the role since."""

    type: ClassVar[str] = "user.changed"
    changed: tuple[str, ...]
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSuspended(Event):
    """Say that a user was shut out."""

    type: ClassVar[str] = "user.suspended"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserReactivated(Event):
    """Say that a user who was shut out is in again."""

    type: ClassVar[str] = "user.reactivated"


@dataclass(slots=True, kw_only=True)
class Membership:
    """Say that an account belongs to an organisation, as what, and what widens or narrows its view.

    Who was invited and has not accepted is not active and has not joined. `dataset_ids` and `location_ids` None mean
    no narrowing, an empty set that nothing is seen.
    """

    account_id: UUID
    organization_id: UUID
    role: Role
    is_active: bool = True
    joined_at: datetime | None = None
    can_view_all_leads: bool = False
    can_edit_lessons: bool = False
    can_push_to_live: bool = False
    can_manage_users: bool = False
    dataset_ids: frozenset[UUID] | None = None
    location_ids: frozenset[UUID] | None = None
    invited_by: UUID | None = None
    version: int = 1

    @property
    def status(self) -> MemberStatus:
        """Tell where the person stands."""
        if self.is_active:
            return MemberStatus.ACTIVE
        return MemberStatus.INVITED if self.joined_at is None else MemberStatus.SUSPENDED

    @property
    def flags(self) -> frozenset[str]:
        """Name the flags that add permissions, of those that are set."""
        return frozenset(flag for flag in ADDED_BY if getattr(self, flag))

    @property
    def permissions(self) -> frozenset[Permission]:
        """Tell what role and flags permit."""
        return permissions_of(self.role, self.flags)

    @property
    def sees_all_leads(self) -> bool:
        """Tell whether leads of others are seen too."""
        return self.can_view_all_leads or self.role in SEES_ALL_LEADS

    def change(self, values: dict[str, Any], by: "Authority") -> tuple[str, ...]:
        """Take new values by field name, as far as `by` may give them; gives the names of those that are different."""
        changed = tuple(sorted(name for name, value in values.items() if getattr(self, name) != value))
        if not changed:
            return ()
        by.check_over(self)
        for name in changed:
            setattr(self, name, values[name])
        by.check_giving(self, changed)
        return changed

    def suspend(self, by: "Authority") -> UserSuspended:
        """Shut somebody out."""
        by.check_over(self)
        if self.status is not MemberStatus.ACTIVE:
            raise Conflict("This person is suspended already.")
        self.is_active = False
        return UserSuspended(subject=self.account_id)

    def reactivate(self, by: "Authority") -> UserReactivated:
        """Let somebody in again."""
        by.check_over(self)
        if self.status is not MemberStatus.SUSPENDED:
            raise Conflict("This person has not accepted the invitation yet.")
        self.is_active = True
        return UserReactivated(subject=self.account_id)

    def join(self, at: datetime) -> UserJoined:
        """Let in somebody who accepted the invitation."""
        self.is_active, self.joined_at = True, at
        return UserJoined(subject=self.account_id, role=self.role)


NARROWED = ("dataset_ids", "location_ids")


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Hold what somebody has, which is all that they can give to others, or take from them."""

    account_id: UUID
    permissions: frozenset[Permission]
    sees_all_leads: bool
    dataset_ids: frozenset[UUID] | None = None
    location_ids: frozenset[UUID] | None = None

    @classmethod
    def of(cls, membership: Membership) -> Self:
        """Read it off somebody's own membership."""
        if not membership.is_active:
            raise Forbidden("You do not belong to this organisation any more.")
        return cls(
            account_id=membership.account_id,
            permissions=membership.permissions,
            sees_all_leads=membership.sees_all_leads,
            dataset_ids=membership.dataset_ids,
            location_ids=membership.location_ids,
        )

    @classmethod
    def of_platform_admin(cls, account_id: UUID) -> Self:
        """Hold everything, in every organisation."""
        every = frozenset(Permission)
        return cls(account_id=account_id, permissions=every, sees_all_leads=True)

    def check_over(self, other: Membership) -> None:
        """Refuse whoever reaches for themselves, or for somebody who may do more than they."""
        if other.account_id == self.account_id:
            raise Forbidden("Nobody changes their own role, permissions or access. Ask somebody else who may.")
        if Permission.USERS_WRITE not in self.permissions:
            raise Forbidden(f"This needs the permission {Permission.USERS_WRITE.value}.")
        if not other.permissions <= self.permissions:
            raise Forbidden("This person may do more than you. Ask an owner.")

    def check_giving(self, given: Membership, changed: Collection[str] | None = None) -> None:
        """Refuse to give, in any of the fields that changed (None: all), what one does not have oneself."""
        names = {field.name for field in fields(Membership)} if changed is None else set(changed)
        if not given.permissions <= self.permissions:
            raise Forbidden("You cannot give a role or permissions beyond your own.")
        if names & {"role", "can_view_all_leads"} and given.sees_all_leads and not self.sees_all_leads:
            raise Forbidden("You do not see all leads yourself, and cannot let others see them.")
        for name in NARROWED:
            mine, theirs = getattr(self, name), getattr(given, name)
            if name in names and mine is not None and (theirs is None or not theirs <= mine):
                raise Forbidden("You see only a part yourself, and cannot let others see more.")


def check_owner_remains(owners: frozenset[UUID], leaving: Membership) -> None:
    """Refuse to leave an organisation without an active owner; `owners` are those before the change."""
    if leaving.role is Role.OWNER and leaving.is_active:
        return
    if leaving.account_id in owners and len(owners) == 1:
        raise Conflict("This is the last owner. Make somebody else an owner first.")
