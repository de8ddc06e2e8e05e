"""Memberships in PostgreSQL: of a person, wherever they belong, and of an organisation, whoever belongs to it."""

from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.finder import Finder, Listing, json_object
from adapters.persistence.schema import identity as schema
from adapters.persistence.schema.identity import accounts, invitations, mails, memberships
from adapters.persistence.store import Layout
from application.identity.team import TeamFilter, TeamMemberView
from application.ports import Found, PageRequest
from domain.identity.membership import Membership
from domain.identity.organization import Organization
from domain.identity.role import Role
from domain.kernel import NotFound, Stale

_ORGANIZATION = Layout(Organization, schema.organizations)
_MEMBERSHIP = (
    "account_id, organization_id, role, is_active, joined_at, can_view_all_leads, can_edit_lessons, can_push_to_live,"
    " can_manage_users, dataset_ids, location_ids, invited_by"
)
_INSERT = (
    f"INSERT INTO memberships ({_MEMBERSHIP}, created_at)"  # noqa: S608 - names of our own columns
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, clock_timestamp())"
)
_UPDATE = """
UPDATE memberships SET version = version + 1, role = $3, is_active = $4, joined_at = $5, can_view_all_leads = $6,
       can_edit_lessons = $7, can_push_to_live = $8, can_manage_users = $9, dataset_ids = $10, location_ids = $11,
       invited_by = $12
WHERE account_id = $1 AND organization_id = $2 AND version = $13
"""


def _row(membership: Membership) -> list[Any]:
    return [
        sorted(value) if isinstance(value, frozenset) else value
        for value in (getattr(membership, name.strip()) for name in _MEMBERSHIP.split(","))
    ]


def _membership(row: Any) -> Membership:
    values = dict(row.items())
    for name in ("dataset_ids", "location_ids"):
        values[name] = None if values[name] is None else frozenset(values[name])
    return Membership(**values | {"role": Role(values["role"])})


async def _load(connection: Any, account_id: UUID, organization_id: UUID) -> Membership | None:
    row = await connection.fetchrow(
        f"SELECT {_MEMBERSHIP}, version FROM memberships WHERE account_id = $1 AND organization_id = $2",  # noqa: S608
        account_id,
        organization_id,
    )
    return None if row is None else _membership(row)


class PostgresMemberships:
    """Know who belongs where."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def add(self, membership: Membership) -> None:
        """Make an account a member from now on."""
        await self._uow.connection.execute(_INSERT, *_row(membership))
        await self._uow.connection.execute(
            "UPDATE memberships SET joined_at = clock_timestamp() WHERE account_id = $1 AND organization_id = $2",
            membership.account_id,
            membership.organization_id,
        )

    async def of(self, account_id: UUID, organization_id: UUID) -> Membership | None:
        """Load one membership, whatever its state."""
        return await _load(self._uow.connection, account_id, organization_id)

    async def of_account(self, account_id: UUID) -> list[tuple[Membership, Organization]]:
        """List an account's active memberships; each organisation is read as itself, as row-level security asks."""
        rows = await self._uow.connection.fetch(
            f"SELECT {_MEMBERSHIP}, version FROM memberships WHERE account_id = $1 AND is_active"  # noqa: S608
            " ORDER BY created_at, organization_id",
            account_id,
        )
        found = []
        for membership in map(_membership, rows):
            organization = await self.open_organization(membership.organization_id)
            if organization is not None:
                found.append((membership, organization))
        return found

    async def open_organization(self, organization_id: UUID) -> Organization | None:
        """Load an organisation that is not closed, as itself, whoever acts."""
        await self._act_as(organization_id)
        organization = await self._uow.connection.fetchrow(
            "SELECT * FROM organizations WHERE organization_id = $1 AND deleted_at IS NULL", organization_id
        )
        await self._act_as(self._uow.organization_id)
        return None if organization is None else _ORGANIZATION.read(organization)

    async def _act_as(self, organization_id: UUID) -> None:
        await self._uow.connection.execute(
            "SELECT set_config('rapport.organization_id', $1, true)", str(organization_id)
        )

    async def end_all(self, organization_id: UUID) -> None:
        """End every membership of an organisation."""
        await self._uow.connection.execute(
            "UPDATE memberships SET is_active = false WHERE organization_id = $1", organization_id
        )


_latest = (
    sa.select(
        invitations.c.id, invitations.c.first_name, invitations.c.last_name, invitations.c.phone,
        invitations.c.created_at, invitations.c.expires_at, mails.c.state, mails.c.reason,
    )
    .select_from(
        invitations.outerjoin(
            mails,
            sa.and_(
                mails.c.organization_id == invitations.c.organization_id,
                mails.c.kind == sa.literal_column("'invitation'"),
                mails.c.subject == invitations.c.id,
            ),
        )
    )
    .where(
        invitations.c.account_id == memberships.c.account_id,
        invitations.c.organization_id == memberships.c.organization_id,
        memberships.c.joined_at.is_(None),
    )
    .order_by(invitations.c.id.desc())
    .limit(sa.literal_column("1"))
    .lateral("latest")
)  # fmt: skip
_inviter = accounts.alias("inviter")
_invited = sa.and_(sa.not_(memberships.c.is_active), memberships.c.joined_at.is_(None))
_status = sa.case(
    (memberships.c.is_active, sa.literal_column("'active'")),
    (memberships.c.joined_at.is_(None), sa.literal_column("'invited'")),
    else_=sa.literal_column("'suspended'"),
)


def _own(name: str) -> sa.ColumnElement[Any]:
    """Show what the inviter wrote until the person comes: what the account says may be another organisation's."""
    return sa.case((_invited, _latest.c[name]), else_=accounts.c[name])


def _name(first: sa.ColumnElement[Any], last: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.func.concat_ws(sa.literal_column("' '"), first, last)


_FLAGS = ("can_view_all_leads", "can_edit_lessons", "can_push_to_live", "can_manage_users")
_NAMES: dict[str, sa.ColumnElement[Any]] = {
    "id": memberships.c.account_id,
    "first_name": _own("first_name"),
    "last_name": _own("last_name"),
    "name": _name(_own("first_name"), _own("last_name")),
    "avatar_url": sa.case((_invited, None), else_=accounts.c.avatar_url),
    "role": memberships.c.role,
}
_SHOWN: dict[str, sa.ColumnElement[Any]] = {
    **_NAMES,
    "email": accounts.c.email,
    "phone": _own("phone"),
    "status": _status,
    "permissions": json_object({name: memberships.c[name] for name in _FLAGS}),
    "allowed_dataset_ids": memberships.c.dataset_ids,
    "location_ids": memberships.c.location_ids,
    "last_login_at": memberships.c.last_login_at,
    "created_at": memberships.c.created_at,
    "joined_at": memberships.c.joined_at,
    "invited_by": sa.case(
        (
            _inviter.c.id.is_not(None),
            json_object({"id": _inviter.c.id, "name": _name(_inviter.c.first_name, _inviter.c.last_name)}),
        )
    ),
    "invitation": sa.case(
        (
            sa.and_(_invited, _latest.c.id.is_not(None)),
            json_object(
                {
                    "sent_at": _latest.c.created_at,
                    "expires_at": _latest.c.expires_at,
                    "mail": _latest.c.state,
                    "mail_reason": _latest.c.reason,
                }
            ),
        )
    ),
    "version": memberships.c.version,
}


def _listing(shown: dict[str, sa.ColumnElement[Any]]) -> Listing:
    return Listing(
        source=memberships.join(accounts, accounts.c.id == memberships.c.account_id)
        .outerjoin(_inviter, _inviter.c.id == memberships.c.invited_by)
        .outerjoin(_latest, sa.true()),
        organization=memberships.c.organization_id,
        identifier=memberships.c.account_id,
        shown=shown,
        sorts={"created": memberships.c.created_at, "email": accounts.c.email},
        default_sort="created",
        default_order="asc",
        filters={
            "active": lambda value: memberships.c.is_active == value,
            "status": lambda value: _status == value,
            "role": lambda value: memberships.c.role == value,
        },
        types={"active": sa.Boolean()},
    )


TEAM = _listing(_SHOWN)
NAMES = _listing(_NAMES)


class PostgresTeam:
    """Keep who belongs to the unit of work's organisation."""

    def __init__(self, uow: PostgresUnitOfWork, finder: Finder) -> None:
        self._uow = uow
        self._finder = finder

    async def lock(self) -> None:
        """Let nobody else change who belongs until the unit of work ends: the organisation's own row is the lock."""
        await self._uow.connection.execute(
            "SELECT FROM organizations WHERE organization_id = $1 FOR NO KEY UPDATE", self._uow.organization_id
        )

    async def find_member(self, account_id: UUID) -> Membership | None:
        """Load one, if there is one."""
        return await _load(self._uow.connection, account_id, self._uow.organization_id)

    async def get(self, account_id: UUID) -> Membership:
        """Load one, or refuse with `NotFound`."""
        found = await self.find_member(account_id)
        if found is None:
            raise NotFound("There is no such user.")
        return found

    async def add(self, membership: Membership) -> None:
        """Insert one."""
        await self._uow.connection.execute(_INSERT, *_row(membership))

    async def save(self, membership: Membership) -> None:
        """Update one and raise its version, or refuse with `Stale`."""
        done = await self._uow.connection.execute(_UPDATE, *_row(membership), membership.version)
        if done == "UPDATE 0":
            raise Stale("This user was changed by somebody else meanwhile.")
        membership.version += 1

    async def remove(self, membership: Membership) -> None:
        """Delete one that nobody ever took up, and the account with it where nobody ever used that either."""
        await self._uow.connection.execute(
            "DELETE FROM memberships WHERE account_id = $1 AND organization_id = $2 AND joined_at IS NULL",
            membership.account_id,
            membership.organization_id,
        )
        await self._uow.connection.execute(
            "DELETE FROM accounts a WHERE a.id = $1 AND a.password_hash IS NULL"
            " AND NOT EXISTS (SELECT FROM memberships m WHERE m.account_id = a.id)",
            membership.account_id,
        )

    async def owners(self) -> frozenset[UUID]:
        """Name the active owners."""
        rows = await self._uow.connection.fetch(
            "SELECT account_id FROM memberships WHERE organization_id = $1 AND role = 'owner' AND is_active",
            self._uow.organization_id,
        )
        return frozenset(row["account_id"] for row in rows)

    async def belongs_elsewhere(self, account_id: UUID) -> bool:
        """Tell whether the person has joined another organisation too, or administers the platform."""
        return bool(
            await self._uow.connection.fetchval(
                "SELECT a.is_platform_admin OR EXISTS (SELECT FROM memberships m WHERE m.account_id = a.id"
                " AND m.organization_id <> $2 AND m.joined_at IS NOT NULL) FROM accounts a WHERE a.id = $1",
                account_id,
                self._uow.organization_id,
            )
        )

    async def page(self, narrowed: TeamFilter, page: PageRequest, *, short: bool) -> Found:
        """List them, `short` with names only."""
        return await self._finder.find(NAMES if short else TEAM, narrowed, page)

    async def shown(self, account_id: UUID) -> TeamMemberView:
        """Show one, or refuse with `NotFound`."""
        item = await self._finder.one(TEAM, account_id)
        if item is None:
            raise NotFound("There is no such user.")
        return msgspec.json.decode(item, type=TeamMemberView)


class PostgresNarrowingTargets:
    """Know the organisation's datasets and locations."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def strange_datasets(self, identifiers: frozenset[UUID]) -> frozenset[UUID]:
        """Pick those that are no datasets of the organisation."""
        return await self._strange("SELECT id FROM datasets WHERE organization_id = $1 AND id = ANY ($2)", identifiers)

    async def strange_locations(self, identifiers: frozenset[UUID]) -> frozenset[UUID]:
        """Pick those that are no locations of the organisation."""
        return await self._strange("SELECT id FROM locations WHERE organization_id = $1 AND id = ANY ($2)", identifiers)

    async def _strange(self, statement: str, identifiers: frozenset[UUID]) -> frozenset[UUID]:
        rows = await self._uow.connection.fetch(statement, self._uow.organization_id, list(identifiers))
        return identifiers - {row["id"] for row in rows}
