"""Users' own SMS gateways."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Protocol
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from application.identity.integrations import TestedView, failed_check, opened
from application.identity.numbers import OwnNumbers
from application.identity.organizations import Senders
from application.identity.provider_checks import ProviderChecks
from application.identity.secrets import Secrets
from application.ports import Actor, Clock, Command, Store, UnitOfWork, View, require_version
from domain.identity.integration import Provider
from domain.identity.role import Permission
from domain.identity.sms_gateway import SmsGateway
from domain.kernel import Duplicate, Invalid, NotFound, Phone, new_id

Label = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]
Url = Annotated[str, Meta(min_length=8, max_length=500)]
Username = Annotated[str, Meta(min_length=1, max_length=200)]
Password = Annotated[str, Meta(min_length=1, max_length=500)]
Number = Annotated[str, Meta(min_length=1, max_length=40)]
Secret = Annotated[str, Meta(min_length=8, max_length=500, pattern=r"^[!-~]+$")]
UNSIGNED = "People answer the texts, with STOP too: give the key by which the gateway signs what it brings."


class NewSmsGateway(Command, frozen=True):
    """Give a user a gateway; `from_number` as people write it, `webhook_secret` as the gateway signs answers."""

    label: Label
    gateway_url: Url
    username: Username
    password: Password
    from_number: Number
    webhook_secret: Secret | UnsetType = UNSET
    is_active: bool = True
    example: ClassVar[dict[str, Any]] = {
        "label": "Olga's phone", "gateway_url": "https://gateway.example.com/3rdparty/v1", "username": "olga",
        "password": "the gateway's password", "from_number": "07700 900123", "webhook_secret": "its-signing-key",
    }  # fmt: skip


class ChangeSmsGateway(Command, frozen=True):
    """Change what is named."""

    label: Label | UnsetType = UNSET
    gateway_url: Url | UnsetType = UNSET
    username: Username | UnsetType = UNSET
    password: Password | UnsetType = UNSET
    from_number: Number | UnsetType = UNSET
    webhook_secret: Secret | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    example: ClassVar[dict[str, Any]] = {"label": "Olga's new phone", "is_active": False}


class SmsGatewayView(View, frozen=True):
    """Show a gateway, never its password."""

    id: UUID
    user_id: UUID
    label: str
    gateway_url: str
    username: str
    from_number: str
    is_active: bool
    created_at: datetime
    version: int
    example: ClassVar[dict[str, Any]] = {
        "id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8ee1", "user_id": "01890a5d-ac96-774b-bcce-b302099a8058",
        "label": "Olga's phone", "gateway_url": "https://gateway.example.com/3rdparty/v1", "username": "olga",
        "from_number": "+447700900123", "is_active": True, "created_at": "2026-03-22T09:00:00.000000Z", "version": 1,
    }  # fmt: skip


class DeletedView(View, frozen=True):
    """Tell how many were deleted."""

    deleted: int
    example: ClassVar[dict[str, Any]] = {"deleted": 1}


class Colleagues(Protocol):
    """Know who belongs to the organisation."""

    async def require(self, account_id: UUID) -> None:
        """Refuse with `NotFound` somebody who does not."""
        ...


class SmsGatewayStore(Store[SmsGateway], Protocol):
    """Keep gateways, one a user."""

    async def of_user(self, account_id: UUID) -> SmsGateway | None:
        """Load a user's, locked until a writing unit of work ends; None where there is none."""
        ...


@dataclass(frozen=True)
class SmsGateways:
    """What an administrator does with users' gateways."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    colleagues: Colleagues
    gateways: SmsGatewayStore
    numbers: OwnNumbers
    senders: Senders
    secrets: Secrets
    checks: ProviderChecks

    async def get(self, user_id: UUID) -> SmsGatewayView:
        """Show a user's gateway."""
        self.actor.require(Permission.INTEGRATIONS_WRITE)
        async with self.uow.reading():
            return _view(await self._of(user_id))

    async def add(self, user_id: UUID, command: NewSmsGateway) -> SmsGatewayView:
        """Give a user a gateway, or refuse a second (`Duplicate`); what comes to its number is the organisation's."""
        self.actor.require(Permission.INTEGRATIONS_WRITE)
        if command.webhook_secret is UNSET:
            raise Invalid(UNSIGNED, field="webhook_secret")
        async with self.uow:
            await self.colleagues.require(user_id)
            gateway = SmsGateway(
                id=new_id(),
                organization_id=self.actor.organization_id,
                account_id=user_id,
                label=command.label,
                gateway_url=command.gateway_url,
                username=command.username,
                password=self.secrets.seal({"password": command.password, "webhook_secret": command.webhook_secret}),
                from_number=await self.numbers.read(command.from_number, "from_number"),
                is_active=command.is_active,
                created_at=self.clock.now(),
            )
            await self.gateways.add(gateway)
            await self._route(user_id, gateway.from_number)
            self.uow.publish(gateway.added())
            return _view(gateway)

    async def change(self, user_id: UUID, command: ChangeSmsGateway, version: int | None) -> SmsGatewayView:
        """Change a user's gateway."""
        self.actor.require(Permission.INTEGRATIONS_WRITE)
        given = {name: getattr(command, name) for name in command.__struct_fields__}
        values = {name: value for name, value in given.items() if value is not UNSET}
        async with self.uow:
            gateway = await self._of(user_id)
            require_version(gateway, version, values, "gateway")
            told: dict[str, str] = {n: str(values.pop(n)) for n in ("password", "webhook_secret") if n in values}
            if told:
                values["password"] = self.secrets.seal({**(self.secrets.open(gateway.password) or {}), **told})
            if "from_number" in values:
                values["from_number"] = await self.numbers.read(values["from_number"], "from_number")
                await self._route(user_id, values["from_number"])
            else:
                with suppress(Duplicate):  # who has its number by now is no reason to refuse what is changed
                    await self._route(user_id, gateway.from_number)
            changed = gateway.change(values)
            if changed is not None:
                await self.gateways.save(gateway)
                self.uow.publish(changed)
            return _view(gateway)

    async def remove(self, user_id: UUID) -> DeletedView:
        """Delete all gateways of a user, and tell how many there were."""
        self.actor.require(Permission.INTEGRATIONS_WRITE)
        async with self.uow:
            await self.colleagues.require(user_id)
            gateway = await self.gateways.of_user(user_id)
            if gateway is not None:
                await self.gateways.remove(gateway)
                await self._route(user_id, None)
                self.uow.publish(gateway.removed())
            return DeletedView(deleted=0 if gateway is None else 1)

    async def test(self, user_id: UUID) -> TestedView:
        """Ask a user's gateway whether it answers and takes the login."""
        self.actor.require(Permission.INTEGRATIONS_WRITE)
        async with self.uow.reading():
            gateway = await self._of(user_id)
        settings = {"gateway_url": gateway.gateway_url, "username": gateway.username}
        credentials = opened(self.secrets, gateway.password)
        error = await failed_check(self.checks, Provider.ANDROID_GATEWAY, settings, credentials)
        async with self.uow:
            return TestedView(ok=error is None, error=error, tested_at=self.clock.now())

    async def _route(self, user_id: UUID, number: Phone | None) -> None:
        """Let what comes to a gateway's number, also of one that is not used now, come to the organisation."""
        await self.senders.route(
            Provider.ANDROID_GATEWAY.value, self.actor.organization_id, number, "from_number", f"gateway:{user_id}"
        )

    async def _of(self, user_id: UUID) -> SmsGateway:
        await self.colleagues.require(user_id)
        gateway = await self.gateways.of_user(user_id)
        if gateway is None:
            raise NotFound("This user has no SMS gateway.")
        return gateway


def _view(gateway: SmsGateway) -> SmsGatewayView:
    shown = {name: getattr(gateway, name) for name in SmsGatewayView.__struct_fields__ if name != "user_id"}
    return SmsGatewayView(**shown, user_id=gateway.account_id)
