"""The port through which texts leave, in our words, and through whose account each of them does."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol
from uuid import UUID

from application.provider import provider_port
from domain.kernel import Phone


@dataclass(frozen=True, slots=True)
class TextingAccount:
    """Hold an account at a provider; `name` is what the ledger remembers, since only that account knows of its texts.

    `owner_id` is the user whose own gateway it is. `access` names the account together with all that it is called by:
    with another token it is another, which may serve where the first was refused.
    """

    provider: str
    id: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    owner_id: UUID | None = None
    access: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        told = repr((sorted(self.settings.items()), sorted(self.credentials.items())))
        object.__setattr__(self, "access", f"{self.name} {hashlib.sha256(told.encode()).hexdigest()}")

    @property
    def name(self) -> str:
        """Name it among all accounts of all providers."""
        return f"{self.provider}:{self.id}" if self.id else self.provider

    def sends_from(self, sender: str) -> str:
        """Tell what a text leaves from: a service that chooses a number, the account's number, or else `sender`."""
        return str(self.settings.get("messaging_service_sid") or self.settings.get("phone_number") or sender)


def account_of(
    provider: str, settings: Mapping[str, Any], credentials: Mapping[str, str], owner_id: UUID | None = None
) -> TextingAccount:
    """Make an account with the id by which the ledger remembers it: the provider's own, or a digest of a login."""
    identifier = str(settings.get("account_sid", ""))
    if not identifier:
        login = f"{settings.get('gateway_url', '')}\n{settings.get('username', '')}"
        identifier = hashlib.sha256(login.encode()).hexdigest()[:16]
    return TextingAccount(provider, identifier, settings, credentials, owner_id)


Rest = Callable[[TextingAccount], float]
MOST = Decimal(1000)  # no text costs that
NOBODYS_REST = 300.0
NOBODY = TextingAccount("none")
"""The account of who has none: nothing can be sent through it, and nothing was."""


@dataclass(frozen=True, slots=True)
class TextingAccounts:
    """Hold what an organisation texts through: `preferred` in order, users' own, and what it does not use any more."""

    preferred: tuple[TextingAccount, ...] = ()
    own: tuple[TextingAccount, ...] = ()
    former: tuple[TextingAccount, ...] = ()

    def choose(self, author_id: UUID | None, rest_seconds: Rest) -> TextingAccount:
        """Choose for a text: its author's own gateway, else the first that is not down, else the first."""
        own = [account for account in self.own if account.owner_id == author_id]
        fitting = [*own, *self.preferred]
        up = (account for account in fitting if not rest_seconds(account))
        return next(up, fitting[0] if fitting else NOBODY)

    def rest_seconds(self, rest_seconds: Rest) -> float:
        """Tell for how long nothing can leave, because all that texts commonly leave through are down."""
        return min((rest_seconds(account) for account in self.preferred), default=NOBODYS_REST)

    def reached(self, rest_seconds: Rest) -> frozenset[UUID]:
        """Name those whose own gateways are up: their texts need not wait for what is down."""
        return frozenset(one.owner_id for one in self.own if one.owner_id is not None and not rest_seconds(one))

    def named(self, name: str) -> TextingAccount | None:
        """Find the account that the ledger remembers, also one that is not used any more."""
        return next((one for one in (NOBODY, *self.everyone) if one.name == name), None)

    def of(self, author_id: UUID | None) -> tuple[TextingAccount, ...]:
        """List those that an author's text can have left through: nobody else's own gateway carries it."""
        return tuple(account for account in self.everyone if account.owner_id in (None, author_id))

    @property
    def everyone(self) -> tuple[TextingAccount, ...]:
        """List all of them."""
        return (*self.preferred, *self.own, *self.former)


@dataclass(frozen=True, slots=True)
class Text:
    """Hold one text to hand over; `key` is our stored idempotency key, `callback_url` is told how delivery went.

    `awaited` texts are those that somebody waits for: a flood of others may not stand in their way. `left_from` is what
    a text that was handed over left from, where that is known.
    """

    organization_id: UUID
    to: Phone
    sender: Phone
    body: str
    key: str
    callback_url: str
    account: TextingAccount
    awaited: bool = False
    left_from: str | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """Hold what a provider bills for one text: finer than any coin, so no `Money`."""

    amount: Decimal
    currency: str

    @classmethod
    def told(cls, amount: str | None, currency: str | None) -> "Price | None":
        """Read what a provider tells, costs as negative amounts too; None while it does not know, or makes no sense."""
        try:
            read = abs(Decimal(amount or "nan"))
        except InvalidOperation:
            return None
        fits = read.is_finite() and read < MOST and re.fullmatch(r"[A-Z]{3}", currency or "")
        return cls(read, str(currency)) if fits else None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Prove that the provider took a text; `segments` and `price` are what it will bill, None when it does not say."""

    provider_id: str
    segments: int | None = None
    price: Price | None = None


@provider_port
class Texting(Protocol):
    """Hand texts to a provider and ask what became of one."""

    async def send(self, text: Text) -> Receipt:
        """Hand over one text, or raise `Rejected`, `Unavailable` or `Unknown` (`application.provider`)."""
        ...

    async def find(self, text: Text, since: datetime) -> Sequence[Receipt]:
        """List what was taken that is this text, oldest first, handed over at `since` (machine time) or later.

        None at all means provably not taken. More than one, or another's, where a provider knows no keys and the same
        words went to the same number: whoever asks leaves out what it knows to be another's. To be asked once the time
        limits of `send` have passed. Raises `Unavailable` when the provider cannot be asked, `TooEarly` when it cannot
        tell yet, `Rejected` when it never will.
        """
        ...


class TextingHealth(Protocol):
    """Know which accounts are down."""

    def rest_seconds(self, account: TextingAccount) -> float:
        """Tell for how long it is of no use to call by an account; 0 when it is to be tried."""
        ...
