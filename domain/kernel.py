"""What every context shares: ids, money, phones, e-mails, events, entities and refusals."""

import hashlib
import re
import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import ClassVar, Self
from uuid import UUID

_lock = threading.Lock()
_last_millisecond = 0
_counter = 0


def new_id() -> UUID:
    """Make a UUIDv7 that sorts after every one this process made before (RFC 9562, 6.2 method 1)."""
    global _last_millisecond, _counter
    with _lock:
        now = time.time_ns() // 1_000_000
        if now > _last_millisecond:
            _last_millisecond = now
            _counter = secrets.randbits(11)
        else:
            _counter += 1
            if _counter > 0xFFF:
                _last_millisecond += 1
                _counter = secrets.randbits(11)
        value = _last_millisecond << 80 | 0x7 << 76 | _counter << 64 | 0b10 << 62 | secrets.randbits(62)
    return UUID(int=value)


def derived_id(origin: UUID, name: str) -> UUID:
    """Make the UUIDv7 that is always the same for a name and the id it comes from, and sorts beside that id."""
    digest = int.from_bytes(hashlib.sha256(f"{origin} {name}".encode()).digest()[:10], "big")
    variable = (digest >> 62 & 0xFFF) << 64 | 0b10 << 62 | digest & (1 << 62) - 1
    return UUID(int=origin.int >> 80 << 80 | 0x7 << 76 | variable)


def id_time(identifier: UUID) -> datetime:
    """Tell when a UUIDv7 was made, to the millisecond, in UTC."""
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC)


def first_id(at: datetime) -> UUID:
    """Give the UUIDv7 before which every one sorts that was made sooner, to the millisecond."""
    return UUID(int=round(at.timestamp() * 1000) << 80 | 0x7 << 76 | 0b10 << 62)


class Refusal(Exception):
    """Say no in a sentence meant for a person; `code` is the wire's error code (`api.md`, part 2)."""

    code: ClassVar[str] = "REFUSED"

    def __init__(self, message: str, *, field: str | None = None, details: list[tuple[str, str]] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details if details is not None else ([(field, message)] if field else [])


class Invalid(Refusal):
    """Refuse input that breaks a rule; `field` names what to mend."""

    code = "VALIDATION_ERROR"


class Forbidden(Refusal):
    """Refuse somebody who lacks the permission."""

    code = "PERMISSION_DENIED"


class NotFound(Refusal):
    """Refuse because the thing is not there, or not for this person to see."""

    code = "NOT_FOUND"


class Conflict(Refusal):
    """Refuse because the thing's present state stands in the way."""

    code = "CONFLICT"


class Duplicate(Conflict):
    """Refuse a second record of what must be unique."""

    code = "DUPLICATE_RECORD"


class Stale(Conflict):
    """Refuse a change made from an older version than the stored one."""

    code = "STALE_VERSION"


class Phone(str):
    """Hold an E.164 number, such as `+447700900123`; parsing what people write is the port `PhoneNumbers`."""

    __slots__ = ()
    _shape = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)

    def __new__(cls, value: str) -> Self:
        if not cls._shape.fullmatch(value):
            raise Invalid("A phone number must be in E.164 form, such as +447700900123.", field="phone")
        return super().__new__(cls, value)

    @property
    def masked(self) -> str:
        """Show enough to recognise, too little to dial: for logs and reports."""
        return f"{self[:3]}…{self[-2:]}"


class Email(str):
    """Hold a normalised e-mail address: trimmed and lower-cased, at most 254 characters (RFC 5321)."""

    __slots__ = ()
    _shape = re.compile(
        r"[^\s@\"(),:;<>\[\\\]\x00-\x1f]{1,64}@(?:[^\s@.,;:\"<>()\[\]\\]+\.)+[^\s@.,;:\"<>()\[\]\\]{2,}"
    )

    def __new__(cls, value: str) -> Self:
        normalised = value.strip().lower()
        if len(normalised) > 254 or not cls._shape.fullmatch(normalised) or ".." in normalised:
            raise Invalid("This is not an e-mail address.", field="email")
        return super().__new__(cls, normalised)


_MINOR_UNITS = {"JPY": 0, "KRW": 0, "CLP": 0, "ISK": 0, "VND": 0, "BHD": 3, "KWD": 3, "OMR": 3, "TND": 3}


@dataclass(frozen=True, slots=True)
class Money:
    """Hold an exact amount of one currency (ISO 4217), never finer than the currency's minor unit."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Z]{3}", self.currency):
            raise Invalid("A currency is three capital letters, such as GBP.", field="currency")
        if not isinstance(self.amount, Decimal) or not self.amount.is_finite():
            raise Invalid("An amount of money must be a finite decimal number.", field="amount")
        if self.amount != self._quantised(self.amount):
            raise Invalid(f"{self.currency} has no unit as small as in {self.amount}.", field="amount")
        object.__setattr__(self, "amount", self._quantised(self.amount))

    @classmethod
    def of(cls, amount: str, currency: str) -> Self:
        """Read an amount from its decimal string."""
        try:
            return cls(Decimal(amount), currency)
        except InvalidOperation:
            raise Invalid("An amount must be a decimal number, such as 12.50.", field="amount") from None

    def _quantised(self, amount: Decimal) -> Decimal:
        try:
            return amount.quantize(Decimal(1).scaleb(-_MINOR_UNITS.get(self.currency, 2)), ROUND_HALF_EVEN)
        except InvalidOperation:
            raise Invalid("This amount is too large.", field="amount") from None

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise Invalid(f"{self.currency} and {other.currency} cannot be added.", field="currency")

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.amount - other.amount, self.currency)

    def times(self, factor: Decimal) -> "Money":
        """Multiply and round half to even, to the minor unit."""
        return Money(self._quantised(self.amount * factor), self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Say what happened, in the past tense; subclasses carry what a listener needs.

    `type` is the name on the wire and in the log (`lead.moved`); `personal` names the fields that erasure empties.
    """

    type: ClassVar[str]
    personal: ClassVar[frozenset[str]] = frozenset()
    subject: UUID


@dataclass(slots=True, kw_only=True)
class Entity:
    """Be one thing with an identity in one organisation; `version` rises with every change that is saved."""

    id: UUID = field(default_factory=new_id)
    organization_id: UUID
    version: int = 1
