"""What is asked of, and shown by, signing in and a person's own profile."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from application.identity.organizations import Name, Number, OrganizationView, Short, Url, organization_view
from application.identity.tokens import Bearer, Tokens
from application.ports import Command, View
from domain.identity.account import Account
from domain.identity.membership import Membership
from domain.identity.organization import Organization
from domain.identity.role import Role, permissions_of

Password = Annotated[str, Meta(max_length=1000)]
Address = Annotated[str, Meta(min_length=3, max_length=254)]


class SetUp(Command, frozen=True):
    """Ask for the installation's first owner and organisation."""

    email: Address
    password: Password
    first_name: Short
    organization_name: Name
    last_name: Short | None = None
    country: str = "GB"
    time_zone: str = "Europe/London"
    currency: str = "GBP"
    locale: str = "en"
    example: ClassVar[dict[str, Any]] = {
        "email": "olga@bright.example", "password": "correct horse battery staple", "first_name": "Olga",
        "last_name": "Owner", "organization_name": "Bright Windows Ltd",
    }  # fmt: skip


class SignIn(Command, frozen=True):
    """Ask for a token; `organization_id` chooses among several organisations, default the last used."""

    email: Address
    password: Password
    organization_id: UUID | None = None
    example: ClassVar[dict[str, Any]] = {"email": "olga@bright.example", "password": "correct horse battery staple"}


class Register(Command, frozen=True):
    """Ask for an account with an organisation of its own."""

    email: Address
    password: Password
    name: Name
    organization_name: Name | None = None
    example: ClassVar[dict[str, Any]] = {
        "email": "olga@bright.example", "password": "correct horse battery staple", "name": "Olga Owner",
        "organization_name": "Bright Windows Ltd",
    }  # fmt: skip


class ChangeProfile(Command, frozen=True):
    """Ask for other values of the own profile; another e-mail or password needs the current password."""

    name: Name | UnsetType = UNSET
    first_name: Short | UnsetType = UNSET
    last_name: Short | UnsetType | None = UNSET
    email: Address | UnsetType = UNSET
    phone: Number | UnsetType | None = UNSET
    avatar_url: Url | UnsetType | None = UNSET
    current_password: Password | None = None
    new_password: Password | None = None
    example: ClassVar[dict[str, Any]] = {"first_name": "Olga", "phone": "+442079460123"}


class UserView(View, frozen=True):
    """Show a person in the organisation they act in; `token` comes only after a change of password."""

    id: UUID
    email: str
    name: str
    first_name: str
    last_name: str | None
    phone: str | None
    avatar_url: str | None
    organization_id: UUID
    role: Role
    permissions: list[str]
    version: int
    token: str | UnsetType = UNSET
    example: ClassVar[dict[str, Any]] = {
        "id": "01890a5d-ac96-774b-bcce-b302099a8058", "email": "olga@bright.example", "name": "Olga Owner",
        "first_name": "Olga", "last_name": "Owner", "phone": None, "avatar_url": None,
        "organization_id": "01890a5d-ac96-774b-bcce-b302099a8057", "role": "owner",
        "permissions": ["leads:read", "leads:write"], "version": 1,
    }  # fmt: skip


class SessionView(View, frozen=True):
    """Show who is signed in, and where."""

    user: UserView
    organization: OrganizationView
    example: ClassVar[dict[str, Any]] = {"user": UserView.example, "organization": OrganizationView.example}


class SignedInView(View, frozen=True):
    """Hand out a token, which is good for seven days."""

    token: str
    user: UserView
    organization: OrganizationView
    example: ClassVar[dict[str, Any]] = {"token": "eyJhbGciOiJIUzI1NiJ9.e30.c2ln", **SessionView.example}


class Provider(View, frozen=True):
    """Name one way of signing in."""

    id: str
    name: str
    registration_open: bool
    example: ClassVar[dict[str, Any]] = {
        "id": "credentials", "name": "E-mail address and password", "registration_open": True,
    }  # fmt: skip


def user_view(account: Account, membership: Membership, first_organization: UUID | None) -> UserView:
    """Show a person in one organisation, with all that role, flags, account and organisation permit there."""
    permissions = permissions_of(
        membership.role,
        membership.flags,
        is_platform_admin=account.is_platform_admin,
        is_first_organization=membership.organization_id == first_organization,
    )
    return UserView(
        id=account.id,
        email=account.email,
        name=account.name,
        first_name=account.first_name,
        last_name=account.last_name,
        phone=account.phone,
        avatar_url=account.avatar_url,
        organization_id=membership.organization_id,
        role=membership.role,
        permissions=sorted(permission.value for permission in permissions),
        version=account.version,
    )


def signed_in_view(
    tokens: Tokens,
    account: Account,
    membership: Membership,
    organization: Organization,
    first_organization: UUID | None,
) -> SignedInView:
    """Hand out a token for one organisation."""
    return SignedInView(
        token=tokens.issue(Bearer(account.id, organization.id, account.token_version)),
        user=user_view(account, membership, first_organization),
        organization=organization_view(organization, membership.role),
    )
