"""What is shown and kept of the people of an organisation."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Protocol
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from application.ports import Actor, Filter, Found, PageRequest, View
from domain.identity.membership import Authority, Membership, MemberStatus
from domain.identity.role import Permission, Role
from domain.kernel import Invalid

MemberRole = Literal["owner", "admin", "manager", "rep", "read_only"]
Identifiers = Annotated[list[UUID], Meta(max_length=1000)]


class Flags(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hold what a user may do beyond the role; what is not named stays as it is, at first off."""

    can_view_all_leads: bool | UnsetType = UNSET
    can_edit_lessons: bool | UnsetType = UNSET
    can_push_to_live: bool | UnsetType = UNSET
    can_manage_users: bool | UnsetType = UNSET

    def named(self) -> dict[str, bool]:
        """Pick what was named."""
        return {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not UNSET}


class TeamFilter(Filter, frozen=True):
    """Narrow a list of users; `active=true` gives the short list that everybody who signs in may read."""

    active: bool | None = None
    status: MemberStatus | None = None
    role: MemberRole | None = None


class InvitationState(View, frozen=True):
    """Show how an invitation stands; `mail` is the state of its mail, None where none was written."""

    sent_at: datetime
    expires_at: datetime
    mail: str | None
    mail_reason: str | None


class Inviter(View, frozen=True):
    """Name who invited."""

    id: UUID
    name: str


class TeamMemberView(View, frozen=True):
    """Show a user of the organisation to those who manage users; `invitation` until it is accepted."""

    id: UUID
    email: str
    first_name: str
    last_name: str | None
    name: str
    phone: str | None
    avatar_url: str | None
    role: Role
    status: MemberStatus
    permissions: dict[str, bool]
    allowed_dataset_ids: list[UUID] | None
    location_ids: list[UUID] | None
    last_login_at: datetime | None
    created_at: datetime
    joined_at: datetime | None
    invited_by: Inviter | None
    invitation: InvitationState | None
    version: int
    example: ClassVar[dict[str, Any]] = {
        "id": "01890a5d-ac96-774b-bcce-b302099a8058", "email": "rita@bright.example", "first_name": "Rita",
        "last_name": "Reed", "name": "Rita Reed", "phone": "+442079460123", "avatar_url": None, "role": "rep",
        "status": "invited",
        "permissions": {"can_view_all_leads": False, "can_edit_lessons": False, "can_push_to_live": False,
                        "can_manage_users": False},
        "allowed_dataset_ids": None, "location_ids": None, "last_login_at": None,
        "created_at": "2026-03-02T09:00:00Z", "joined_at": None,
        "invited_by": {"id": "01890a5d-ac96-774b-bcce-b302099a8057", "name": "Olga Owner"},
        "invitation": {"sent_at": "2026-03-02T09:00:00Z", "expires_at": "2026-03-03T09:00:00Z", "mail": "accepted",
                       "mail_reason": None},
        "version": 1,
    }  # fmt: skip


class ColleagueView(View, frozen=True):
    """Show an active user of the organisation to everybody who signs in."""

    id: UUID
    first_name: str
    last_name: str | None
    name: str
    avatar_url: str | None
    role: Role
    example: ClassVar[dict[str, Any]] = {
        "id": "01890a5d-ac96-774b-bcce-b302099a8058", "first_name": "Rita", "last_name": "Reed", "name": "Rita Reed",
        "avatar_url": None, "role": "rep",
    }  # fmt: skip


class Team(Protocol):
    """Keep who belongs to the actor's organisation; these rows stand outside tenancy and are picked by it."""

    async def lock(self) -> None:
        """Let nobody else change who belongs until the unit of work ends."""
        ...

    async def find_member(self, account_id: UUID) -> Membership | None:
        """Load one, if there is one."""
        ...

    async def get(self, account_id: UUID) -> Membership:
        """Load one, or refuse with `NotFound`."""
        ...

    async def add(self, membership: Membership) -> None:
        """Insert one."""
        ...

    async def save(self, membership: Membership) -> None:
        """Update one, or refuse with `Stale`."""
        ...

    async def remove(self, membership: Membership) -> None:
        """Delete one that nobody ever took up, and the account with it where nobody ever used that either."""
        ...

    async def owners(self) -> frozenset[UUID]:
        """Name the active owners."""
        ...

    async def belongs_elsewhere(self, account_id: UUID) -> bool:
        """Tell whether the person has joined another organisation too, or administers the platform."""
        ...

    async def page(self, narrowed: TeamFilter, page: PageRequest, *, short: bool) -> Found:
        """List them, `short` with names only."""
        ...

    async def shown(self, account_id: UUID) -> TeamMemberView:
        """Show one, or refuse with `NotFound`."""
        ...


class NarrowingTargets(Protocol):
    """Know what a user's view may be narrowed to."""

    async def strange_datasets(self, identifiers: frozenset[UUID]) -> frozenset[UUID]:
        """Pick those that are no datasets of the organisation."""
        ...

    async def strange_locations(self, identifiers: frozenset[UUID]) -> frozenset[UUID]:
        """Pick those that are no locations of the organisation."""
        ...


async def authority_of(actor: Actor, team: Team) -> Authority:
    """Read, inside the lock, what the actor may give and take now; a request may be older than a demotion."""
    if Permission.PLATFORM in actor.permissions:
        return Authority.of_platform_admin(actor.person())
    return Authority.of(await team.get(actor.person()))


async def check_targets(targets: NarrowingTargets, values: dict[str, Any]) -> None:
    """Refuse ids of datasets or locations that are not the organisation's own."""
    for name, wire, strange in (
        ("dataset_ids", "allowed_dataset_ids", targets.strange_datasets),
        ("location_ids", "location_ids", targets.strange_locations),
    ):
        wanted = values.get(name)
        if wanted and await strange(wanted):
            raise Invalid("Some of these do not exist.", field=wire)
