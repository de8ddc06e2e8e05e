"""Accounts, organisations and who is at the door, in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import asyncpg

from adapters.persistence.database import Database, PostgresUnitOfWork
from adapters.persistence.gathering import Gathering
from adapters.persistence.schema import identity as schema
from adapters.persistence.store import PostgresStore
from adapters.persistence.trouble import IS_READ_ONLY
from application.ports import Actor
from domain.identity.account import Account
from domain.identity.organization import Organization
from domain.identity.role import ADDED_BY, OF_PEOPLE_ONLY, SEES_ALL_LEADS, Permission, Role, permissions_of
from domain.kernel import Duplicate, Email, NotFound, Phone, Stale


class TextProvider(StrEnum):
    """Name whose numbers the organisations of this installation text from, as `routes` has it."""

    SANDBOX = "sandbox"
    TWILIO = "twilio"


@dataclass(frozen=True, slots=True)
class Admission:
    """Tell what the database knows of somebody at the door: the token's version, the role, what narrows the view."""

    token_version: int
    role: Role
    is_platform_admin: bool
    can_view_all_leads: bool
    flags: tuple[str, ...]
    is_first_organization: bool
    dataset_ids: frozenset[UUID] | None
    location_ids: frozenset[UUID] | None

    def actor(self, account_id: UUID, organization_id: UUID) -> Actor:
        """Say what they may do and see."""
        permissions = permissions_of(
            self.role,
            self.flags,
            is_platform_admin=self.is_platform_admin,
            is_first_organization=self.is_first_organization,
        )
        return Actor(
            organization_id,
            account_id,
            permissions,
            sees_all_leads=self.can_view_all_leads or self.role in SEES_ALL_LEADS,
            dataset_ids=self.dataset_ids,
            location_ids=self.location_ids,
        )


@dataclass(frozen=True, slots=True)
class KeyAdmission:
    """Tell what the database knows of an API key: whose it is, what it permits, what narrows its view."""

    id: UUID
    organization_id: UUID
    permissions: frozenset[Permission]
    dataset_ids: frozenset[UUID] | None
    location_ids: frozenset[UUID] | None

    def actor(self) -> Actor:
        """Say what its program may do and see."""
        return Actor(
            self.organization_id,
            None,
            self.permissions,
            sees_all_leads=True,
            dataset_ids=self.dataset_ids,
            location_ids=self.location_ids,
            key_id=self.id,
        )


_ADMISSIONS = """
SELECT asked.account_id, asked.organization_id, a.token_version, m.role, a.is_platform_admin,
       coalesce(m.can_view_all_leads, false) AS can_view_all_leads,
       m.can_manage_users, m.can_edit_lessons, m.can_push_to_live, m.dataset_ids, m.location_ids,
       EXISTS (SELECT FROM installation i WHERE i.first_organization_id = asked.organization_id)
         AS is_first_organization
FROM unnest($1::uuid[], $2::uuid[]) AS asked(account_id, organization_id)
JOIN accounts a ON a.id = asked.account_id
LEFT JOIN memberships m
  ON m.account_id = asked.account_id AND m.organization_id = asked.organization_id AND m.is_active
WHERE m.is_active OR a.is_platform_admin
"""
_KEYS = """
SELECT key_hash, id, organization_id, permissions, dataset_ids, location_ids,
       coalesce(last_used_at < clock_timestamp() - interval '1 hour', true) AND NOT {is_read_only} AS is_stale
FROM api_keys
WHERE {which} AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp())
"""
_KEYS_SHOWN = _KEYS.format(which="key_hash = ANY ($1)", is_read_only=IS_READ_ONLY)
_KEY_NAMED = _KEYS.format(which="id = $1", is_read_only=IS_READ_ONLY)


class Admissions:
    """Look up who is at the door, on every request, by primary keys; these tables stand outside tenancy."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._door: Gathering[tuple[UUID, UUID], Admission | None] = Gathering(self._look_up)
        self._keys: Gathering[bytes, KeyAdmission | None] = Gathering(self._look_up_keys)

    async def find(self, account_id: UUID, organization_id: UUID) -> Admission | None:
        """Find an active membership, or None; those who come at the same time are looked up together."""
        return await self._door.ask((account_id, organization_id))

    async def find_key(self, key_hash: bytes) -> KeyAdmission | None:
        """Find a key that is neither revoked nor expired, or None."""
        return await self._keys.ask(key_hash)

    async def named_key(self, identifier: UUID) -> KeyAdmission | None:
        """Find a key by its id, for work that its program asked for."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_KEY_NAMED, identifier)
        return None if row is None else _key_admission(row)

    async def _look_up(self, asked: Sequence[tuple[UUID, UUID]]) -> list[Admission | None]:
        wanted = list(dict.fromkeys(asked))
        async with self._database.connection() as connection:
            rows = await connection.fetch(_ADMISSIONS, [one[0] for one in wanted], [one[1] for one in wanted])
        found = {
            (row["account_id"], row["organization_id"]): Admission(
                row["token_version"],
                Role.PLATFORM_ADMIN if row["role"] is None else Role(row["role"]),
                row["is_platform_admin"],
                row["can_view_all_leads"],
                tuple(flag for flag in ADDED_BY if row[flag]),
                row["is_first_organization"],
                _narrowing(row["dataset_ids"]),
                _narrowing(row["location_ids"]),
            )
            for row in rows
        }
        return [found.get(one) for one in asked]

    async def _look_up_keys(self, asked: Sequence[bytes]) -> list[KeyAdmission | None]:
        async with self._database.connection() as connection:
            rows = await connection.fetch(_KEYS_SHOWN, list(set(asked)))
            stale = [row["id"] for row in rows if row["is_stale"]]
            if stale:
                await connection.execute(
                    "UPDATE api_keys SET last_used_at = clock_timestamp() WHERE id = ANY ($1)", stale
                )
        found = {row["key_hash"]: _key_admission(row) for row in rows}
        return [found.get(one) for one in asked]


def _key_admission(row: Any) -> KeyAdmission:
    known = set(Permission)
    return KeyAdmission(
        row["id"],
        row["organization_id"],
        frozenset(Permission(p) for p in row["permissions"] if p in known) - OF_PEOPLE_ONLY,
        _narrowing(row["dataset_ids"]),
        _narrowing(row["location_ids"]),
    )


def _narrowing(identifiers: Sequence[UUID] | None) -> frozenset[UUID] | None:
    return None if identifiers is None else frozenset(identifiers)


class PostgresOrganizations(PostgresStore[Organization]):
    """Keep organisations; each is its own tenant."""

    entity = Organization
    table = schema.organizations
    noun = "organisation"


_ACCOUNT = (
    "id, email, password_hash, first_name, last_name, phone, avatar_url, token_version, last_organization_id,"
    " is_platform_admin, version"
)


class PostgresAccounts:
    """Keep accounts, outside tenancy."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def get(self, identifier: UUID) -> Account:
        """Load one, or refuse with `NotFound`."""
        row = await self._uow.connection.fetchrow(f"SELECT {_ACCOUNT} FROM accounts WHERE id = $1", identifier)  # noqa: S608
        if row is None:
            raise NotFound("There is no such person.")
        return _account(row)

    async def by_email(self, email: Email) -> Account | None:
        """Find one by its address."""
        row = await self._uow.connection.fetchrow(f"SELECT {_ACCOUNT} FROM accounts WHERE email = $1", str(email))  # noqa: S608
        return None if row is None else _account(row)

    async def add(self, account: Account) -> None:
        """Insert one; a second with the same address is refused as `Duplicate`."""
        await self._write(
            "INSERT INTO accounts (id, email, password_hash, first_name, last_name, phone, avatar_url, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp())",
            account,
        )

    async def save(self, account: Account) -> None:
        """Update one and raise its version, or refuse with `Stale`."""
        done = await self._write(
            "UPDATE accounts SET version = version + 1, email = $2, password_hash = $3, first_name = $4,"
            " last_name = $5, phone = $6, avatar_url = $7, token_version = $8, is_platform_admin = $9"
            " WHERE id = $1 AND version = $10",
            account,
            account.token_version,
            account.is_platform_admin,
            account.version,
        )
        if done == "UPDATE 0":
            raise Stale("This profile was changed by somebody else meanwhile.")
        account.version += 1

    async def find_or_add(self, account: Account) -> Account:
        """Insert one, or give the one that has the address already."""
        await self._uow.connection.execute(
            "INSERT INTO accounts (id, email, first_name, last_name, created_at)"
            " VALUES ($1, $2, $3, $4, clock_timestamp()) ON CONFLICT (email) DO NOTHING",
            account.id,
            account.email,
            account.first_name,
            account.last_name,
        )
        found = await self.by_email(account.email)
        assert found is not None
        return found

    async def end_tokens(self, account_id: UUID) -> None:
        """End every token of an account given out so far."""
        await self._uow.connection.execute(
            "UPDATE accounts SET token_version = token_version + 1, version = version + 1 WHERE id = $1", account_id
        )

    async def note_sign_in(self, account_id: UUID, organization_id: UUID) -> None:
        """Remember when and where somebody signed in last, with the account and with the membership.

        A database that takes no changes is not asked to: whoever comes then is let in all the same.
        """
        if await self._uow.connection.fetchval(f"SELECT {IS_READ_ONLY}"):
            return
        await self._uow.connection.execute(
            "WITH entered AS (UPDATE memberships SET last_login_at = clock_timestamp()"
            " WHERE account_id = $1 AND organization_id = $2)"
            " UPDATE accounts SET last_organization_id = $2, last_login_at = clock_timestamp() WHERE id = $1",
            account_id,
            organization_id,
        )

    async def _write(self, statement: str, account: Account, *more: int | bool) -> str:
        fields = ("id", "email", "password_hash", "first_name", "last_name", "phone", "avatar_url")
        try:
            done = await self._uow.connection.execute(statement, *(getattr(account, f) for f in fields), *more)
        except asyncpg.UniqueViolationError:
            raise Duplicate("There is an account with this e-mail address already.", field="email") from None
        return str(done)


def _account(row: Any) -> Account:
    values = dict(row) | {"email": Email(row["email"]), "phone": Phone(row["phone"]) if row["phone"] else None}
    return Account(**values)


class PostgresInstallation:
    """Know whose this installation is: one row, outside tenancy."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def is_set_up(self) -> bool:
        """Tell whether somebody has set it up."""
        return bool(await self._uow.connection.fetchval("SELECT is_set_up FROM installation"))

    async def claim(self) -> bool:
        """Set it up; whoever comes second waits on the row and is told no."""
        return bool(
            await self._uow.connection.fetchval(
                "INSERT INTO installation (id, is_set_up) VALUES (1, true)"
                " ON CONFLICT (id) DO UPDATE SET is_set_up = true WHERE NOT installation.is_set_up RETURNING true"
            )
        )

    async def first_organization(self) -> UUID | None:
        """Tell whose it is, if anybody's."""
        found: UUID | None = await self._uow.connection.fetchval("SELECT first_organization_id FROM installation")
        return found

    async def belongs_to(self, organization_id: UUID, *, only_if_free: bool = False) -> None:
        """Give it to an organisation."""
        connection = self._uow.connection
        if only_if_free and await connection.fetchval("SELECT first_organization_id FROM installation"):
            return
        await connection.execute(
            "INSERT INTO installation (id, first_organization_id) VALUES (1, $1)"
            " ON CONFLICT (id) DO UPDATE SET first_organization_id = $1"
            " WHERE NOT $2 OR installation.first_organization_id IS NULL",
            organization_id,
            only_if_free,
        )


_PICK_LOCK = 0x5E4D
# London first, then Leeds, Sheffield, Nottingham, Leicester, Bristol, Reading, Birmingham, Edinburgh, Glasgow,
# Liverpool, Manchester, Tyneside: Ofcom's numbers for use in drama, a thousand a city.
_FICTIONS = [
    "+442079460",
    *(f"+44{city}4960" for city in (113, 114, 115, 116, 117, 118, 121, 131, 141, 151, 161)),
    "+441914980",
]
_FREE_FICTION = """
SELECT f.address FROM (
    SELECT prefix || lpad(n::text, 3, '0') AS address, place, n
    FROM unnest($1::text[]) WITH ORDINALITY AS p (prefix, place), generate_series(0, 999) AS n
) f
WHERE NOT EXISTS (SELECT FROM routes r WHERE r.provider = 'sandbox' AND r.address = f.address)
ORDER BY f.place, f.n LIMIT 1
"""
_SETTINGS = "settings"
_ROUTE = """
INSERT INTO routes (provider, address, organization_id, sources) VALUES ($1, $2, $3, ARRAY[$4::text])
ON CONFLICT (provider, address) DO UPDATE SET sources = routes.sources || excluded.sources
WHERE routes.organization_id = excluded.organization_id RETURNING true
"""


class PostgresSenders:
    """Know which number texts for whom; in the sandbox give new organisations one of Ofcom's for use in drama."""

    def __init__(self, uow: PostgresUnitOfWork, provider: TextProvider) -> None:
        self._uow = uow
        self._provider = provider

    async def choose(self, organization_id: UUID) -> Phone | None:
        """Take the lowest free number, one chooser at a time."""
        if self._provider != TextProvider.SANDBOX:
            return None
        connection = self._uow.connection
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _PICK_LOCK)
        address = await connection.fetchval(_FREE_FICTION, _FICTIONS)
        if address is None:
            return None
        await self._route(self._provider, organization_id, address, _SETTINGS)
        return Phone(address)

    async def replace(self, organization_id: UUID, number: Phone | None) -> None:
        """Route one number, or none, to an organisation."""
        await self.route(self._provider, organization_id, number, "twilio_phone_number", _SETTINGS)

    async def chosen(self, organization_id: UUID) -> Phone | None:
        """Read it from the routes."""
        address = await self._uow.connection.fetchval(
            "SELECT address FROM routes WHERE provider = $1 AND organization_id = $2 AND $3 = ANY (sources)",
            self._provider,
            organization_id,
            _SETTINGS,
        )
        return None if address is None else Phone(address)

    async def leave(self, organization_id: UUID) -> None:
        """Route nothing to an organisation any more."""
        await self._uow.connection.execute("DELETE FROM routes WHERE organization_id = $1", organization_id)

    async def route(self, provider: str, organization_id: UUID, number: Phone | None, field: str, source: str) -> None:
        """Route it for what one provider brings."""
        where = "WHERE provider = $1 AND organization_id = $2"
        await self._uow.connection.execute(
            f"UPDATE routes SET sources = array_remove(sources, $3) {where} AND $3 = ANY (sources)",  # noqa: S608
            provider,
            organization_id,
            source,
        )
        await self._uow.connection.execute(
            f"DELETE FROM routes {where} AND sources = '{{}}'",  # noqa: S608 - our own words
            provider,
            organization_id,
        )
        if number is not None and not await self._route(provider, organization_id, number, source):
            raise Duplicate("Another organisation texts from this number.", field=field)

    async def _route(self, provider: str, organization_id: UUID, address: str, source: str) -> bool:
        return bool(await self._uow.connection.fetchval(_ROUTE, provider, address, organization_id, source))
