"""The organisation's e-mail accounts, and which user has which."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Protocol
from uuid import UUID

import msgspec
from msgspec import Meta

from application.identity.sms_gateways import Colleagues
from application.ports import Actor, Clock, Command, Filter, Found, PageRequest, Store, UnitOfWork, View
from domain.identity.email_account import EmailAccount
from domain.identity.role import Permission
from domain.kernel import Email, Invalid, NotFound, new_id

Address = Annotated[str, Meta(min_length=3, max_length=254)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]


class NewEmailAccount(Command, frozen=True):
    """Add an account by hand; signing in at its provider (OAuth) comes with that provider."""

    email_address: Address
    display_name: Name | None = None
    example: ClassVar[dict[str, Any]] = {"email_address": "sales@bright.example", "display_name": "Bright sales"}


class AssignEmailAccount(Command, frozen=True):
    """Give a user this account instead of any other; null takes theirs away."""

    email_account_id: UUID | None
    example: ClassVar[dict[str, Any]] = {"email_account_id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8ef1"}


class EmailAccountFilter(Filter, frozen=True):
    """Narrow the list of e-mail accounts."""

    user_id: UUID | None = None


class EmailAccountView(View, frozen=True):
    """Show an e-mail account; `user_id` is who has it."""

    id: UUID
    email_address: str
    display_name: str | None
    user_id: UUID | None
    created_at: datetime
    version: int
    example: ClassVar[dict[str, Any]] = {
        "id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8ef1", "email_address": "sales@bright.example",
        "display_name": "Bright sales", "user_id": "01890a5d-ac96-774b-bcce-b302099a8058",
        "created_at": "2026-03-22T09:00:00.000000Z", "version": 1,
    }  # fmt: skip


class AssignedView(View, frozen=True):
    """Show which account a user has now."""

    user_id: UUID
    email_account: EmailAccountView | None
    example: ClassVar[dict[str, Any]] = {
        "user_id": EmailAccountView.example["user_id"],
        "email_account": EmailAccountView.example,
    }


class EmailAccountStore(Store[EmailAccount], Protocol):
    """Keep e-mail accounts."""

    async def locked(self, identifier: UUID) -> EmailAccount:
        """Load one and keep others from changing it, or refuse with `NotFound`."""
        ...

    async def of_user(self, account_id: UUID) -> list[EmailAccount]:
        """Load those that a user has, locked."""
        ...

    async def find(self, narrowed: EmailAccountFilter, page: PageRequest) -> Found:
        """List accounts by address."""
        ...

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one (`EmailAccountView`), or refuse with `NotFound`."""
        ...


@dataclass(frozen=True)
class EmailAccounts:
    """What an administrator does with e-mail accounts."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    colleagues: Colleagues
    accounts: EmailAccountStore

    async def find(self, narrowed: EmailAccountFilter, page: PageRequest) -> Found:
        """List accounts."""
        self.actor.require(Permission.INTEGRATIONS_WRITE)
        async with self.uow.reading():
            return await self.accounts.find(narrowed, page)

    async def add(self, command: NewEmailAccount) -> msgspec.Raw:
        """Add an account that nobody has yet, or refuse a second of the same address (`Duplicate`)."""
        self.actor.require(Permission.INTEGRATIONS_WRITE)
        async with self.uow:
            try:
                address = Email(command.email_address)
            except Invalid as refusal:
                raise Invalid(refusal.message, field="email_address") from None
            account = EmailAccount(
                id=new_id(),
                organization_id=self.actor.organization_id,
                email_address=address,
                display_name=command.display_name,
                created_at=self.clock.now(),
            )
            await self.accounts.add(account)
            self.uow.publish(account.added())
            return await self.accounts.show(account.id)

    async def remove(self, identifier: UUID) -> None:
        """Delete an account; whoever had it has none then."""
        self.actor.require(Permission.INTEGRATIONS_WRITE)
        async with self.uow:
            account = await self.accounts.locked(identifier)
            await self.accounts.remove(account)
            self.uow.publish(account.removed())

    async def assign(self, user_id: UUID, command: AssignEmailAccount) -> AssignedView:
        """Give a user one account and no other, all at once; null leaves them without."""
        self.actor.require(Permission.INTEGRATIONS_WRITE)
        wanted = command.email_account_id
        async with self.uow:
            await self.colleagues.require(user_id)
            chosen = await self._chosen(wanted)
            for other in await self.accounts.of_user(user_id):
                if other.id != wanted:
                    await self._give(other, None)
            if chosen is None:
                return AssignedView(user_id=user_id, email_account=None)
            await self._give(chosen, user_id)
            shown = msgspec.json.decode(await self.accounts.show(chosen.id), type=EmailAccountView)
            return AssignedView(user_id=user_id, email_account=shown)

    async def _chosen(self, wanted: UUID | None) -> EmailAccount | None:
        try:
            return None if wanted is None else await self.accounts.locked(wanted)
        except NotFound:
            raise Invalid("There is no such e-mail account.", field="email_account_id") from None

    async def _give(self, account: EmailAccount, user_id: UUID | None) -> None:
        assigned = account.assign(user_id)
        if assigned is not None:
            await self.accounts.save(account)
            self.uow.publish(assigned)
