"""What providers say of a text, without the people it is about: reasons are kept for longer than people may be."""

import re
from typing import Final

_LONGEST: Final = 300
_NUMBERS: Final = re.compile(r"(?<![0-9A-Za-z])(?:\+|%2B)?[0-9](?:[\s().-]{0,2}[0-9]){6,}", re.IGNORECASE)


def without_numbers(said: str) -> str:
    """Blot out whatever may be a telephone number."""
    return _NUMBERS.sub("…", said)[:_LONGEST]
