"""Signing in and out, the first owner, registration, and a person's own profile."""

from dataclasses import dataclass
from typing import Any, Protocol, cast
from uuid import UUID

from msgspec import UNSET
from msgspec.structs import replace

from application.identity.account_forms import (
    ChangeProfile,
    Register,
    SessionView,
    SetUp,
    SignedInView,
    SignIn,
    UserView,
    signed_in_view,
    user_view,
)
from application.identity.organizations import (
    Founding,
    Memberships,
    organization_view,
)
from application.identity.passwords import Passwords
from application.identity.tokens import Tokens
from application.ports import Actor, UnitOfWork, public
from domain.identity.account import Account, SetUpAlready, WrongCredentials, check_password, split_name
from domain.identity.membership import Membership
from domain.identity.organization import Organization
from domain.identity.role import Permission, Role
from domain.kernel import Email, Forbidden, Invalid, NotFound, Phone, Stale


class AccountStore(Protocol):
    """Keep accounts; outside tenancy, their e-mail is unique in the installation."""

    async def get(self, identifier: UUID) -> Account:
        """Load one, or refuse with `NotFound`."""
        ...

    async def by_email(self, email: Email) -> Account | None:
        """Find one by its address."""
        ...

    async def add(self, account: Account) -> None:
        """Insert one; a second with the same address is refused as `Duplicate`."""
        ...

    async def save(self, account: Account) -> None:
        """Update one, or refuse with `Stale`."""
        ...

    async def find_or_add(self, account: Account) -> Account:
        """Insert one, or give the one that has the address already."""
        ...

    async def end_tokens(self, account_id: UUID) -> None:
        """End every token of an account given out so far."""
        ...

    async def note_sign_in(self, account_id: UUID, organization_id: UUID) -> None:
        """Remember when and where somebody signed in last, where anything can be changed just now."""
        ...


class Installation(Protocol):
    """Know whether this installation has been set up, and whose it is."""

    async def is_set_up(self) -> bool:
        """Tell whether somebody has set it up."""
        ...

    async def claim(self) -> bool:
        """Set it up; of many at once only the first is told yes, the others wait for its end."""
        ...

    async def first_organization(self) -> UUID | None:
        """Tell whose it is, if anybody's."""
        ...

    async def belongs_to(self, organization_id: UUID, *, only_if_free: bool = False) -> None:
        """Give it to an organisation; `only_if_free` leaves it with whoever has it."""
        ...


@dataclass(frozen=True, slots=True)
class RegistrationPolicy:
    """Say whether strangers may register."""

    is_open: bool


@dataclass(frozen=True)
class Accounts:
    """What a person does to come in, go out, and be described."""

    actor: Actor
    uow: UnitOfWork
    accounts: AccountStore
    memberships: Memberships
    installation: Installation
    founding: Founding
    passwords: Passwords
    tokens: Tokens
    registration: RegistrationPolicy

    @public
    async def set_up(self, command: SetUp) -> SignedInView:
        """Make the first owner and organisation of this installation, once."""
        email, _ = Email(command.email), check_password(command.password)
        async with self.uow.reading():
            if await self.installation.is_set_up():
                raise SetUpAlready("This installation is set up already. Sign in instead.")
        password_hash = await self.passwords.hash(command.password)
        async with self.uow:
            if not await self.installation.claim():
                raise SetUpAlready("This installation is set up already. Sign in instead.")
            view = await self._welcome_owner(email, password_hash, command)
            await self.installation.belongs_to(self.actor.organization_id)
            return view

    async def create_owner(self, command: SetUp) -> SignedInView:
        """Make a further organisation and its owner from the installation's own command line."""
        self.actor.require(Permission.INSTALLATION)
        email, _ = Email(command.email), check_password(command.password)
        password_hash = await self.passwords.hash(command.password)
        async with self.uow:
            await self.installation.claim()
            view = await self._welcome_owner(email, password_hash, command)
            await self.installation.belongs_to(self.actor.organization_id, only_if_free=True)
            return view

    @public
    async def register(self, command: Register) -> SignedInView:
        """Make an account with an organisation of its own, where registration is open."""
        if not self.registration.is_open:
            raise Forbidden("Registration is closed here. Ask somebody to invite you.")
        email, _ = Email(command.email), check_password(command.password)
        first_name, last_name = split_name(command.name)
        password_hash = await self.passwords.hash(command.password)
        async with self.uow:
            account = Account(email=email, password_hash=password_hash, first_name=first_name, last_name=last_name)
            name = command.organization_name or f"{first_name}’s organisation"
            view = await self._welcome(account, {"name": name})
            await self.installation.belongs_to(self.actor.organization_id, only_if_free=True)
            return view

    @public
    async def sign_in(self, command: SignIn) -> SignedInView:
        """Hand out a token for the right password; an unknown address takes as long and reads the same."""
        try:
            email: Email | None = Email(command.email)
        except Invalid:
            email = None
        async with self.uow.reading():
            account = await self.accounts.by_email(email) if email is not None else None
        right = await self.passwords.verify(account.password_hash if account else None, command.password)
        if account is None or not right:
            raise WrongCredentials("The e-mail address or the password is wrong.")
        async with self.uow:
            membership, organization = await self._place(account, command.organization_id)
            await self.accounts.note_sign_in(account.id, organization.id)
            return await self._signed_in(account, membership, organization)

    async def _place(self, account: Account, wanted: UUID | None) -> tuple[Membership, Organization]:
        """Choose where somebody goes: where they ask to, else where they were last, else where they may."""
        known = {m.organization_id: (m, o) for m, o in await self.memberships.of_account(account.id)}
        if wanted is None and known:
            return known.get(cast("UUID", account.last_organization_id)) or next(iter(known.values()))
        if wanted in known:
            return known[wanted]
        if account.is_platform_admin:
            for place in (wanted,) if wanted else (account.last_organization_id, await self._first()):
                entered = await self._entered(account, place)
                if entered is not None:
                    return entered
        if wanted is not None:
            raise Forbidden("You do not belong to this organisation.")
        raise Forbidden("You belong to no organisation any more.")

    async def _entered(self, account: Account, place: UUID | None) -> tuple[Membership, Organization] | None:
        """Let a platform administrator in where they are no member."""
        organization = None if place is None else await self.memberships.open_organization(place)
        if organization is None:
            return None
        role = Role.PLATFORM_ADMIN
        return Membership(account_id=account.id, organization_id=organization.id, role=role), organization

    async def _first(self) -> UUID | None:
        return await self.installation.first_organization()

    async def appoint_platform_admin(self, email: str, password: str | None, name: str | None) -> bool:
        """Make somebody an administrator of the platform, with an account where there is none; tells if it is new.

        From the installation's own command line. An account that cannot sign in yet needs a password.
        """
        self.actor.require(Permission.PLATFORM)
        address = Email(email)
        async with self.uow.reading():
            account = await self.accounts.by_email(address)
        password_hash = None
        if account is None or account.password_hash is None:
            if password is None:
                raise Invalid("A password is needed for a new account.", field="password")
            password_hash = await self.passwords.hash(check_password(password))
        async with self.uow:
            if account is None:
                first_name, last_name = split_name(name or address.partition("@")[0])
                account = await self.accounts.find_or_add(
                    Account(email=address, password_hash=None, first_name=first_name, last_name=last_name)
                )
            if password_hash is not None:
                account.change_password(password_hash)
            account.is_platform_admin = True
            await self.accounts.save(account)
            return password_hash is not None

    async def dismiss_platform_admin(self, email: str) -> None:
        """Take the platform's administration from somebody, and end their tokens; from the command line."""
        self.actor.require(Permission.PLATFORM)
        address = Email(email)
        async with self.uow:
            account = await self.accounts.by_email(address)
            if account is None or not account.is_platform_admin:
                raise NotFound("Nobody with this e-mail address administers the platform.")
            account.is_platform_admin = False
            account.end_tokens()
            await self.accounts.save(account)

    async def sign_out(self) -> None:
        """End every token of the person, on all devices."""
        self.actor.require(Permission.ORGANIZATION_READ)
        async with self.uow:
            account = await self.accounts.get(self.actor.person())
            account.end_tokens()
            await self.accounts.save(account)

    async def session(self) -> SessionView:
        """Show who is signed in, and where."""
        self.actor.require(Permission.ORGANIZATION_READ)
        async with self.uow.reading():
            account = await self.accounts.get(self.actor.person())
            membership, organization = await self._here(account)
            return SessionView(
                user=user_view(account, membership, await self._first()),
                organization=organization_view(organization, membership.role),
            )

    async def me(self) -> UserView:
        """Show the person's own profile."""
        self.actor.require(Permission.ORGANIZATION_READ)
        return (await self.session()).user

    async def change_profile(self, command: ChangeProfile, version: int | None) -> UserView:
        """Change the own profile; after a change of password the token handed out here is the only good one."""
        self.actor.require(Permission.ORGANIZATION_READ)
        email = Email(command.email) if command.email is not UNSET else None
        password_hash = await self._new_password(command, email)
        async with self.uow:
            account = await self.accounts.get(self.actor.person())
            if version is not None and version != account.version:
                raise Stale("Your profile was changed meanwhile.", details=_clashing(account, command))
            if command.name is not UNSET:
                account.first_name, account.last_name = split_name(command.name)
            for name in ("first_name", "last_name", "phone", "avatar_url"):
                value = getattr(command, name)
                if value is not UNSET:
                    setattr(account, name, Phone(value) if name == "phone" and value is not None else value)
            account.email = email or account.email
            if password_hash is not None:
                account.change_password(password_hash)
            await self.accounts.save(account)
            signed_in = await self._signed_in(account, *await self._here(account))
            return signed_in.user if password_hash is None else replace(signed_in.user, token=signed_in.token)

    async def _new_password(self, command: ChangeProfile, email: Email | None) -> str | None:
        """Check the current password where it is needed, outside any transaction: it takes long on purpose."""
        async with self.uow.reading():
            account = await self.accounts.get(self.actor.person())
        if command.new_password is None and (email is None or email == account.email):
            return None
        if command.new_password is not None:
            check_password(command.new_password, "new_password")
        if command.current_password is None:
            raise Invalid("This change needs the current password.", field="current_password")
        if not await self.passwords.verify(account.password_hash, command.current_password):
            raise Invalid("This is not the current password.", field="current_password")
        return None if command.new_password is None else await self.passwords.hash(command.new_password)

    async def _welcome_owner(self, email: Email, password_hash: str, command: SetUp) -> SignedInView:
        account = Account(
            email=email, password_hash=password_hash, first_name=command.first_name, last_name=command.last_name
        )
        values = {name: getattr(command, name) for name in ("country", "time_zone", "currency", "locale")}
        return await self._welcome(account, {"name": command.organization_name, **values})

    async def _welcome(self, account: Account, values: dict[str, Any]) -> SignedInView:
        account = await self._added(account)
        organization = await self.founding.found(self.actor.organization_id, account.id, values)
        await self.accounts.note_sign_in(account.id, organization.id)
        membership = Membership(account_id=account.id, organization_id=organization.id, role=Role.OWNER)
        return await self._signed_in(account, membership, organization)

    async def _added(self, account: Account) -> Account:
        """Add an account, or fill one in that exists only because somebody was invited and never came."""
        present = await self.accounts.by_email(account.email)
        if present is None or present.password_hash is not None:
            await self.accounts.add(account)
            return account
        present.first_name, present.last_name = account.first_name, account.last_name
        present.password_hash = account.password_hash
        await self.accounts.save(present)
        return present

    async def _signed_in(self, account: Account, membership: Membership, organization: Organization) -> SignedInView:
        return signed_in_view(self.tokens, account, membership, organization, await self._first())

    async def _here(self, account: Account) -> tuple[Membership, Organization]:
        for membership, organization in await self.memberships.of_account(account.id):
            if organization.id == self.actor.organization_id:
                return membership, organization
        entered = await self._entered(account, self.actor.organization_id) if account.is_platform_admin else None
        if entered is None:
            raise Forbidden("You do not belong to this organisation any more.")
        return entered


def _clashing(account: Account, command: ChangeProfile) -> list[tuple[str, str]]:
    return [
        (name, "Somebody else changed this meanwhile.")
        for name in ("first_name", "last_name", "phone", "avatar_url", "email")
        if getattr(command, name) is not UNSET and getattr(command, name) != getattr(account, name)
    ]
