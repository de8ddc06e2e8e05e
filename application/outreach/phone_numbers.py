"""The port that turns what people write in a phone column into a number one can dial."""

from dataclasses import dataclass
from typing import Literal, Protocol

from domain.kernel import Phone

LineType = Literal["mobile", "fixed_line", "fixed_line_or_mobile", "voip", "toll_free", "premium", "other", "fiction"]


@dataclass(frozen=True, slots=True)
class ReadPhone:
    """Hold a number that was understood.

    `zones` are the IANA zones in which its holder may plausibly be, empty when nobody can tell; `country` is ISO 3166-1
    alpha-2, `ZZ` for numbers of no country (+800). `fiction` is a regulator's made-up number that can be texted in the
    sandbox.
    """

    phone: Phone
    line_type: LineType
    sms_eligible: bool
    zones: tuple[str, ...]
    country: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Say in a sentence for a person why a cell is no number."""

    reason: str


class PhoneNumbers(Protocol):
    """Read phone numbers; returned, not raised, since a file has a million of them."""

    def read(self, text: str, country: str) -> ReadPhone | Unreadable:
        """Read one cell; `country` (ISO 3166-1 alpha-2) is assumed when the number does not name its own."""
        ...
