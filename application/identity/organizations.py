"""Organisations: making, showing, changing and closing them, and their settings."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Protocol
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from application.agenda import Agenda
from application.identity.api_keys import ApiKeyStore
from application.identity.organization_erasure import ERASE
from application.ports import Actor, Clock, Command, Found, PageRequest, Store, UnitOfWork, View, within
from domain.identity.membership import Membership
from domain.identity.organization import ERASED_AFTER, Organization
from domain.identity.role import Permission, Role
from domain.identity.settings import open_settings
from domain.kernel import Email, Invalid, NotFound, Phone, Stale

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Short = Annotated[str, Meta(min_length=1, max_length=100)]
Url = Annotated[str, Meta(pattern=r"^https?://[^\s]+$", max_length=2000)]
Colour = Annotated[str, Meta(pattern=r"^#[0-9a-fA-F]{6}$")]
Number = Annotated[str, Meta(pattern=r"^\+[1-9][0-9]{6,14}$")]
Address = Annotated[str, Meta(min_length=3, max_length=254)]


class CreateOrganization(Command, frozen=True):
    """Ask for another organisation, owned by whoever asks."""

    name: Name
    country: str = "GB"
    time_zone: str = "Europe/London"
    currency: str = "GBP"
    locale: str = "en"
    industry: Short | None = None
    business_type: Short | None = None
    phone: Number | None = None
    email: Address | None = None
    business_hours: dict[str, Any] | None = None
    example: ClassVar[dict[str, Any]] = {"name": "Bright Windows Ltd", "country": "GB", "time_zone": "Europe/London"}


class ChangeOrganization(Command, frozen=True):
    """Ask for other values of an organisation; what is not named stays."""

    name: Name | UnsetType = UNSET
    country: str | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    locale: str | UnsetType = UNSET
    industry: Short | UnsetType | None = UNSET
    business_type: Short | UnsetType | None = UNSET
    phone: Number | UnsetType | None = UNSET
    email: Address | UnsetType | None = UNSET
    business_hours: dict[str, Any] | UnsetType | None = UNSET
    example: ClassVar[dict[str, Any]] = {"name": "Brighter Windows Ltd", "industry": "Home improvement"}


class ChangeSettings(Command, frozen=True):
    """Ask for other settings of the own organisation; `settings` replaces the whole of it."""

    company_name: Name | UnsetType = UNSET
    company_email: Address | UnsetType | None = UNSET
    company_phone: Number | UnsetType | None = UNSET
    logo_url: Url | UnsetType | None = UNSET
    primary_color: Colour | UnsetType | None = UNSET
    timezone: str | UnsetType = UNSET
    twilio_phone_number: Number | UnsetType | None = UNSET
    settings: dict[str, Any] | UnsetType = UNSET
    coach_name: Short | UnsetType = UNSET
    country: str | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    locale: str | UnsetType = UNSET
    example: ClassVar[dict[str, Any]] = {"company_name": "Bright Windows Ltd", "primary_color": "#0f766e"}


_SETTINGS = {"company_name": "name", "company_email": "email", "company_phone": "phone", "timezone": "time_zone",
             "twilio_phone_number": "sender"}  # fmt: skip
_WIRE = {field: wire for wire, field in _SETTINGS.items()}


class OrganizationView(View, frozen=True):
    """Show an organisation; `role` is the caller's place in it."""

    id: UUID
    name: str
    country: str
    time_zone: str
    currency: str
    locale: str
    industry: str | None
    business_type: str | None
    phone: str | None
    email: str | None
    business_hours: dict[str, Any] | None
    role: Role | None
    created_at: datetime
    version: int
    example: ClassVar[dict[str, Any]] = {
        "id": "01890a5d-ac96-774b-bcce-b302099a8057", "name": "Bright Windows Ltd", "country": "GB",
        "time_zone": "Europe/London", "currency": "GBP", "locale": "en", "industry": "Home improvement",
        "business_type": None, "phone": None, "email": "office@bright.example", "business_hours": None,
        "role": "owner", "created_at": "2026-03-02T09:00:00Z", "version": 1,
    }  # fmt: skip


class SettingsView(View, frozen=True):
    """Show the settings of the caller's organisation; `twilio_phone_number` is the number it texts from."""

    company_name: str
    company_email: str | None
    company_phone: str | None
    logo_url: str | None
    primary_color: str | None
    timezone: str
    twilio_phone_number: str | None
    settings: dict[str, Any]
    coach_name: str
    country: str
    currency: str
    locale: str
    version: int
    example: ClassVar[dict[str, Any]] = {
        "company_name": "Bright Windows Ltd", "company_email": "office@bright.example", "company_phone": None,
        "logo_url": None, "primary_color": "#0f766e", "timezone": "Europe/London",
        "twilio_phone_number": "+442079460000", "settings": {}, "coach_name": "Sophie", "country": "GB",
        "currency": "GBP", "locale": "en", "version": 1,
    }  # fmt: skip


class Memberships(Protocol):
    """Know who belongs where; outside tenancy, since it is asked before a tenant is known."""

    async def add(self, membership: Membership) -> None:
        """Make an account a member."""
        ...

    async def of_account(self, account_id: UUID) -> list[tuple[Membership, Organization]]:
        """List an account's active memberships of open organisations, the oldest first."""
        ...

    async def of(self, account_id: UUID, organization_id: UUID) -> Membership | None:
        """Load one membership, whatever its state."""
        ...

    async def open_organization(self, organization_id: UUID) -> Organization | None:
        """Load an organisation that is not closed, whoever acts."""
        ...

    async def end_all(self, organization_id: UUID) -> None:
        """End every membership of an organisation."""
        ...


class Senders(Protocol):
    """Know which number texts for which organisation."""

    async def choose(self, organization_id: UUID) -> Phone | None:
        """Take a free number for a new organisation; None where numbers are not ours to give or none is left."""
        ...

    async def replace(self, organization_id: UUID, number: Phone | None) -> None:
        """Route one number, or none, to an organisation; a number of somebody else is refused as `Duplicate`."""
        ...

    async def chosen(self, organization_id: UUID) -> Phone | None:
        """Give the number that was last chosen for an organisation, or replaced, whatever else is routed to it."""
        ...

    async def leave(self, organization_id: UUID) -> None:
        """Route nothing to an organisation any more."""
        ...

    async def route(self, provider: str, organization_id: UUID, number: Phone | None, field: str, source: str) -> None:
        """Do so for the texts that one provider brings; `field` is what the refusal names.

        What one `source` asked for, it alone replaces.
        """
        ...


class Foundation(Protocol):
    """Lay what a new organisation starts with: the default pipeline and the tags of the system."""

    async def lay(self, organization_id: UUID, at: datetime) -> None:
        """Lay it in the open unit of work."""
        ...


class OrganizationStore(Store[Organization], Protocol):
    """Keep organisations."""

    async def get_for_update(self, identifier: UUID) -> Organization:
        """Load one and keep others from changing it until the unit of work ends."""
        ...


def organization_view(organization: Organization, role: Role | None) -> OrganizationView:
    """Show an organisation to somebody of this role."""
    shown = {name: getattr(organization, name) for name in OrganizationView.__struct_fields__ if name != "role"}
    return OrganizationView(**shown, role=role)


def settings_view(organization: Organization) -> SettingsView:
    """Show an organisation's settings."""
    return SettingsView(
        **{name: getattr(organization, _SETTINGS.get(name, name)) for name in SettingsView.__struct_fields__}
    )


def _given(command: Command) -> dict[str, Any]:
    """Pick what was named, with phones and addresses checked."""
    values = {}
    for name in command.__struct_fields__:
        value = getattr(command, name)
        if value is UNSET:
            continue
        if value is not None and name in ("phone", "company_phone", "twilio_phone_number"):
            value = Phone(value)
        if value is not None and name in ("email", "company_email"):
            value = Email(value)
        values[name] = value
    return values


@dataclass(frozen=True)
class Founding:
    """Make organisations whole: with an owner, a pipeline, tags and a number to text from."""

    uow: UnitOfWork
    clock: Clock
    organizations: OrganizationStore
    memberships: Memberships
    senders: Senders
    foundation: Foundation

    @within
    async def found(self, organization_id: UUID, account_id: UUID, values: dict[str, Any]) -> Organization:
        """Make one inside the open unit of work, which must write as this organisation."""
        now = self.clock.now()
        made = Organization(id=organization_id, organization_id=organization_id, created_at=now, **values)
        await self.organizations.add(made)
        await self.memberships.add(Membership(account_id=account_id, organization_id=organization_id, role=Role.OWNER))
        await self.foundation.lay(organization_id, now)
        sender = await self.senders.choose(organization_id)
        if sender is not None:
            made.sender = sender
            await self.organizations.save(made)
        self.uow.publish(made.created())
        return made


@dataclass(frozen=True)
class Organizations:
    """What a person does with organisations."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    organizations: OrganizationStore
    memberships: Memberships
    senders: Senders
    keys: ApiKeyStore
    founding: Founding
    agenda: Agenda

    async def find(self, page: PageRequest) -> Found:
        """List the organisations that the person belongs to."""
        self.actor.require(Permission.ORGANIZATION_READ)
        if page.limit < 1 or page.page < 1:
            raise Invalid("Pages and limits start at 1.", field="limit" if page.limit < 1 else "page")
        for name in ("cursor", "sort", "order"):
            if getattr(page, name) is not None:
                raise Invalid("This list is short: it has one order, and pages.", field=name)
        async with self.uow.reading():
            known = await self.memberships.of_account(self.actor.person())
        limit = min(page.limit, 100)
        start = (page.page - 1) * limit
        shown = [organization_view(organization, membership.role) for membership, organization in known]
        return Found(
            items=[msgspec.Raw(msgspec.json.encode(view)) for view in shown[start : start + limit]],
            next_cursor=None,
            page=page.page,
            limit=limit,
            total=len(shown),
            total_is_estimate=False,
        )

    async def create(self, command: CreateOrganization) -> OrganizationView:
        """Make another organisation, owned by the person; the actor already stands for the new one."""
        self.actor.require(Permission.ORGANIZATION_WRITE)
        async with self.uow:
            made = await self.founding.found(self.actor.organization_id, self.actor.person(), _given(command))
            return organization_view(made, Role.OWNER)

    async def get(self, identifier: UUID) -> OrganizationView:
        """Show an organisation; the actor stands for it."""
        self.actor.require(Permission.ORGANIZATION_READ)
        async with self.uow.reading():
            return await self._shown(identifier)

    async def change(self, identifier: UUID, command: ChangeOrganization, version: int | None) -> OrganizationView:
        """Change an organisation; the actor stands for it."""
        self.actor.require(Permission.ORGANIZATION_WRITE)
        async with self.uow:
            await self._change(identifier, _given(command), version, {})
            return await self._shown(identifier)

    async def delete(self, identifier: UUID) -> None:
        """Close an organisation, for which the actor stands: memberships and keys end, and its number is free again.

        All of it is erased thirty days later.
        """
        self.actor.require(Permission.ORGANIZATION_DELETE)
        async with self.uow:
            organization = await self._open(identifier)
            now = self.clock.now()
            self.uow.publish(organization.delete(now))
            await self.agenda.no_later_than(ERASE, now + ERASED_AFTER)
            organization.sender = None
            await self.organizations.save(organization)
            await self.memberships.end_all(organization.id)
            await self.keys.revoke_all()
            await self.senders.leave(organization.id)

    async def settings(self) -> SettingsView:
        """Show the organisation's settings."""
        self.actor.require(Permission.ORGANIZATION_READ)
        async with self.uow.reading():
            organization = await self._open(self.actor.organization_id)
        if Permission.ORGANIZATION_WRITE not in self.actor.permissions:
            organization.settings = open_settings(organization.settings)
        return settings_view(organization)

    async def change_settings(self, command: ChangeSettings, version: int | None) -> SettingsView:
        """Change the organisation's settings."""
        self.actor.require(Permission.ORGANIZATION_WRITE)
        try:
            async with self.uow:
                values = {_SETTINGS.get(name, name): value for name, value in _given(command).items()}
                if "sender" in values:
                    await self.senders.replace(self.actor.organization_id, values["sender"])
                return settings_view(await self._change(self.actor.organization_id, values, version, _WIRE))
        except Invalid as refusal:
            details = [(_WIRE.get(field, field), message) for field, message in refusal.details]
            raise Invalid(refusal.message, details=details) from None

    async def _change(
        self, identifier: UUID, values: dict[str, Any], version: int | None, wire: dict[str, str]
    ) -> Organization:
        organization = await self._open(identifier)
        if version is not None and version != organization.version:
            clashing = [(wire.get(name, name), "Somebody else changed this meanwhile.")
                        for name, value in values.items() if getattr(organization, name) != value]  # fmt: skip
            raise Stale("This organisation was changed by somebody else meanwhile.", details=clashing)
        changed = organization.change(values)
        if changed is not None:
            await self.organizations.save(organization)
            self.uow.publish(changed)
        return organization

    async def _open(self, identifier: UUID) -> Organization:
        organization = await self.organizations.get(identifier)
        if organization.deleted_at is not None:
            raise NotFound("There is no such organisation.")
        return organization

    async def _shown(self, identifier: UUID) -> OrganizationView:
        known = await self.memberships.of_account(self.actor.person())
        for membership, organization in known:
            if organization.id == identifier:
                return organization_view(organization, membership.role)
        if Permission.PLATFORM in self.actor.permissions:
            return organization_view(await self._open(identifier), Role.PLATFORM_ADMIN)
        raise NotFound("There is no such organisation.")
