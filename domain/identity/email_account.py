"""An e-mail account of the organisation, which one user at most sends from."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from domain.kernel import Email, Entity, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailAccountAdded(Event):
    """Say that the organisation was given an e-mail account."""

    type: ClassVar[str] = "email_account.added"
    personal: ClassVar[frozenset[str]] = frozenset({"email_address"})
    email_address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailAccountAssigned(Event):
    """Say whose an e-mail account, the subject, is now; None is nobody's."""

    type: ClassVar[str] = "email_account.assigned"
    account_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailAccountRemoved(Event):
    """Say that an e-mail account was taken away."""

    type: ClassVar[str] = "email_account.removed"


@dataclass(slots=True, kw_only=True)
class EmailAccount(Entity):
    """Be one e-mail account; `account_id` is the user who has it."""

    email_address: Email
    display_name: str | None = None
    account_id: UUID | None = None
    created_at: datetime

    def added(self) -> EmailAccountAdded:
        """Tell of the making."""
        return EmailAccountAdded(subject=self.id, email_address=self.email_address)

    def assign(self, account_id: UUID | None) -> EmailAccountAssigned | None:
        """Give it to a user, or to nobody; None when it is so already."""
        if self.account_id == account_id:
            return None
        self.account_id = account_id
        return EmailAccountAssigned(subject=self.id, account_id=account_id)

    def removed(self) -> EmailAccountRemoved:
        """Tell of the end."""
        return EmailAccountRemoved(subject=self.id)
