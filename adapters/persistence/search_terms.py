"""What somebody looks for, as the patterns that find it; migration 0007 writes what is looked through the same way."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise, product
from typing import Any

SHORTEST_WITHIN = 3
_LAST = "\U0010ffff"
_LIKE_A_NUMBER = re.compile(r"\+?[0-9()\-./ ]{3,30}")
_WHOLE_NUMBER = 10
_ACCENTS = re.compile("[\u0300-\u036f]")
_LETTERS = str.maketrans("øłđðħıς", "olddhiσ")
_WILD = re.compile(r"([\\%_])")
_NAME = re.compile(r"[^\W\d_]+(?:['’.-][^\W\d_]+)*\.?")
_SHORTEST_SLIP, _LONGEST_SLIP, _MOST_WORDS = 4, 20, 3
_TWO_SLIPS = range(6, 13)


def plain(text: str) -> str:
    """Write in lower case, without accents."""
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", text)).lower()
    return _ACCENTS.sub("", bare).translate(_LETTERS).replace("ß", "ss")


def pattern(text: str) -> str:
    """Match what holds this text; nothing in it is a wildcard."""
    return f"%{_exactly(text)}%"


def _exactly(text: str) -> str:
    return _WILD.sub(r"\\\1", text)


@dataclass(frozen=True, slots=True)
class Sought:
    """Hold what is looked for: `text` in names and e-mail, `prefix` (E.164) and `digits` in phone numbers."""

    text: str
    prefix: str | None = None
    digits: str | None = None

    @property
    def whole(self) -> bool:
        """Tell whether a hit leaves nothing to look for within: a whole number, or an e-mail address."""
        return "@" in self.text or (self.digits is not None and len(self.digits) >= _WHOLE_NUMBER)

    @property
    def phrase(self) -> str:
        """Give what is looked for within, as it is written there."""
        return plain(self.text) if self.digits is None else self.digits

    @property
    def patterns(self) -> list[str]:
        """Match what holds every word; nothing for a text too short to be looked for within."""
        phrase = self.phrase
        return [pattern(word) for word in phrase.split()] if len(phrase) >= SHORTEST_WITHIN else []

    def beginnings(self) -> dict[str, Any]:
        """Give the bounds of what begins so."""
        values = {"low": self.text, "high": self.text + _LAST}
        if self.prefix is not None:
            values |= {"low_phone": self.prefix, "high_phone": self.prefix + _LAST}
        return values

    def slips(self) -> list[list[str]]:
        """Match the same with one wrong, missing, doubled or exchanged letter, in any one of the words."""
        words = self._words()
        found: list[list[str]] = []
        for place, word in enumerate(words):
            others = [pattern(other) for other in words[:place] + words[place + 1 :]]
            if len(word) >= (_SHORTEST_SLIP - 1 if others else _SHORTEST_SLIP):
                found += [[f"% {slip}%", *others] for slip in dict.fromkeys(_slips(word))]
        return found

    def double_slips(self) -> list[list[str]]:
        """Match what has a piece of every word, or two wrong letters in a word of middling length."""
        words = self._words()
        if not words or any(len(word) < _SHORTEST_SLIP for word in words):
            return []
        if len(words) == 1 and len(words[0]) in _TWO_SLIPS:
            places = combinations(range(len(words[0])), 2)
            return [["% " + "".join("_" if n in two else c for n, c in enumerate(words[0])) + "%"] for two in places]
        # Of two wrong letters each hits one piece, and leaves another whole.
        return [list(chosen) for chosen in product(*(_pieces(word, 3 if len(words) == 1 else 2) for word in words))]

    def _words(self) -> list[str]:
        words = plain(self.text).split()
        if self.digits is not None or len(words) > _MOST_WORDS:
            return []
        return words if all(_NAME.fullmatch(word) and len(word) <= _LONGEST_SLIP for word in words) else []


def _slips(word: str) -> Iterator[str]:
    for place in range(len(word)):
        before, after = word[:place], word[place:]
        yield _exactly(before) + "_" + _exactly(after[1:])
        yield _exactly(before) + "_" + _exactly(after)
        yield _exactly(before + after[1:])
        yield _exactly(before + after[1:2] + after[:1] + after[2:])


def _pieces(word: str, number: int) -> list[str]:
    cuts = [round(len(word) * n / number) for n in range(number + 1)]
    parts = [_exactly(word[start:end]) for start, end in pairwise(cuts)]
    return [f"% {parts[0]}%", *(f"%{part}%" for part in parts[1:-1]), f"%{parts[-1]} %"]


def trigrams_of(patterns: list[str]) -> int:
    """Count the trigrams of what stands between the wildcards."""
    return sum(max(len(part) - 2, 0) for one in patterns for part in re.split("[%_]", one))


def is_national(query: str) -> bool:
    """Tell whether this may be a number without its country's code."""
    return _number(query)[:1].isdigit() and not _number(query).startswith("00")


def sought(query: str, calling_code: str) -> Sought:
    """Read a query; a number without its country's code gets this one."""
    text, number = " ".join(query.split()).lower(), _number(query)
    digits = re.sub(r"[^0-9]", "", number)
    if not digits.strip("0"):
        return Sought(text)
    if number.startswith("+"):
        prefix = f"+{digits}"
    elif digits.startswith("00"):
        prefix = f"+{digits[2:]}"
    else:
        prefix = f"+{calling_code}{digits.removeprefix('0')}"
    return Sought(text, prefix, digits.lstrip("0"))


def _number(query: str) -> str:
    """Give what may be a number, or nothing; `(0)` is what one leaves out when ringing from abroad."""
    number = " ".join(query.split()).replace("(0)", "").lstrip("( ")
    return number if _LIKE_A_NUMBER.fullmatch(number) else ""
