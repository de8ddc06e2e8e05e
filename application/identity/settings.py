"""All settings of the organisation as one object, and one of the free ones at a time."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from application.identity.organizations import OrganizationStore, SettingsView, settings_view
from application.ports import Actor, Command, UnitOfWork, require_version
from domain.identity.organization import Organization
from domain.identity.role import Permission
from domain.identity.settings import open_settings
from domain.kernel import Invalid, NotFound

TYPED = frozenset(SettingsView.__struct_fields__)


class SetSetting(Command, frozen=True):
    """Set one free setting; null takes it away."""

    key: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_.-]{0,99}$")]
    value: Any
    example: ClassVar[dict[str, Any]] = {"key": "signature", "value": "The Bright Windows team"}


@dataclass(frozen=True)
class AllSettings:
    """Hold all settings by name, the typed ones among them, and the version they stand at."""

    values: dict[str, Any]
    version: int


@dataclass(frozen=True)
class Settings:
    """What people do with the organisation's settings by name."""

    actor: Actor
    uow: UnitOfWork
    organizations: OrganizationStore

    async def all(self) -> AllSettings:
        """Show all of them; those for administrators only to administrators."""
        self.actor.require(Permission.ORGANIZATION_READ)
        async with self.uow.reading():
            return self._shown(await self.organizations.get(self.actor.organization_id))

    async def put(self, command: SetSetting, version: int | None) -> AllSettings:
        """Set one."""
        self.actor.require(Permission.ORGANIZATION_WRITE)
        if command.key in TYPED:
            raise Invalid("This one has a form of its own: PATCH /settings/client.", field="key")
        async with self.uow:
            organization = await self.organizations.get_for_update(self.actor.organization_id)
            if organization.deleted_at is not None:
                raise NotFound("There is no such organisation.")
            require_version(organization, version, (command.key,), "organisation")
            settings = {name: value for name, value in organization.settings.items() if name != command.key}
            if command.value is not None:
                settings[command.key] = command.value
            changed = organization.change({"settings": settings})
            if changed is not None:
                await self.organizations.save(organization)
                self.uow.publish(changed)
            return self._shown(organization)

    def _shown(self, organization: Organization) -> AllSettings:
        view = settings_view(organization)
        typed = {name: getattr(view, name) for name in SettingsView.__struct_fields__ if name not in _NOT_A_SETTING}
        free = organization.settings
        if Permission.ORGANIZATION_WRITE not in self.actor.permissions:
            free = open_settings(free)
        return AllSettings(free | typed, organization.version)


_NOT_A_SETTING = frozenset({"settings", "version"})
