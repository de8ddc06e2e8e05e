"""Which column of an uploaded list holds what: guessed from the headers people write, else from the values."""

import re
import unicodedata
from collections.abc import Callable, Sequence

from domain.outreach.dates import read_date
from domain.outreach.headers import DECISIVE, EXACT, NAME_WORDS, NUMBERING, TURNING_AWAY

TARGETS = (
    "first_name", "last_name", "full_name", "phone_number", "email", "postcode", "inquiry_date", "notes",
    "company", "source", "product", "address", "city", "country",
)  # fmt: skip
_MANY = frozenset({"phone_number", "email"})

_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;.]{2,}")
_PHONE = re.compile(r"(?=[+(0]|\d+[\s().-])\+?[\d\s().-]{9,22}(?:x\d+)?", re.ASCII)
_POSTCODE = re.compile(
    r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}"  # British
    r"|\d{5}-\d{4}"  # American ZIP+4
    r"|[DF]-\d{5}",  # German, French, with the country's letter
    re.ASCII | re.IGNORECASE,
)


def suggest(header: Sequence[str], samples: Sequence[Sequence[str]]) -> list[str | None]:
    """Suggest a target (one of `TARGETS`) or None for each column; `samples` are some values of each.

    Only phone numbers and e-mails may be suggested for more than one column; `in_order` then says which comes first.
    """
    names = [_words(name) for name in header]
    found: list[str | None] = [_by_header(words) for words in names]
    for column, words in enumerate(names):
        values = [value.strip() for value in samples[column] if value.strip()] if column < len(samples) else []
        if found[column] is None and values and not TURNING_AWAY.intersection(words):
            found[column] = _by_values(values, known=set(found))
        elif found[column] in {"phone_number", "full_name"} and values:
            # "Contact" above addresses or numbers: the values know better.
            seen = _by_values(values, known=set())
            found[column] = seen if seen in _MANY else found[column]
    found = _names_resolved(found, names)
    taken: set[str] = set()
    for column, target in enumerate(found):
        if target in taken and target not in _MANY:
            found[column] = None
        elif target is not None:
            taken.add(target)
    return found


def in_order(header: Sequence[str], targets: Sequence[str | None], target: str) -> list[int]:
    """List the columns that hold a target, best first: mobiles, unnamed phones, landlines; else as they stand."""
    return sorted(
        (column for column, chosen in enumerate(targets) if chosen == target),
        key=lambda column: _preference(_words(header[column])) if target == "phone_number" else 0,
    )


def _words(name: str) -> tuple[str, ...]:
    """Fold a header to plain lower-case words without numbering: `Teléfono móvil 2` becomes telefono, movil."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    folded = unicodedata.normalize("NFKD", spaced.casefold().replace("ł", "l"))
    plain = "".join(character for character in folded if not unicodedata.combining(character))
    words = re.findall(r"[^\W\d_]+", plain)
    return tuple(word for word in words if word not in NUMBERING) or tuple(words)


def _by_header(words: tuple[str, ...]) -> str | None:
    exact = EXACT.get("".join(words))
    if exact is not None:
        return exact
    if TURNING_AWAY.intersection(words):
        return None
    # The last word counts most: "company email" is an e-mail, "email company" would be a company.
    for word in reversed(words):
        if word in DECISIVE:
            return DECISIVE[word]
    return None


def _by_values(values: Sequence[str], known: set[str | None]) -> str | None:
    looks: tuple[tuple[str, Callable[[str], object]], ...] = (
        ("email", _EMAIL.fullmatch),
        ("postcode", _POSTCODE.fullmatch),
        ("inquiry_date", lambda value: not value.isdigit() and read_date(value, day_first=True)),
        ("phone_number", lambda value: _PHONE.fullmatch(value) and sum(map(str.isdigit, value)) >= 9),
    )
    for target, looks_like in looks:
        if all(map(looks_like, values)):
            return None if target in known and target not in _MANY else target
    return None


def _names_resolved(found: list[str | None], names: Sequence[tuple[str, ...]]) -> list[str | None]:
    """Decide what `Name`, `Nombre` or `Nom` means: the half that has no column of its own, else all of it."""
    ambiguous = [column for column, words in enumerate(names) if "".join(words) in NAME_WORDS]
    first, last = "first_name" in found, "last_name" in found
    meaning = (
        "full_name" if not first and not last else "last_name" if not last else "first_name" if not first else None
    )
    for column in ambiguous:
        found[column] = meaning
    return found


def _preference(words: Sequence[str]) -> int:
    together = "".join(words)
    if any(
        part in together
        for part in ("mob", "cell", "handy", "movil", "celular", "komork", "portable", "telemovel", "gsm")
    ):
        return 0
    landline = (
        "landline",
        "home",
        "work",
        "office",
        "daytime",
        "festnetz",
        "fijo",
        "fixe",
        "stacjonarn",
        "fisso",
        "vast",
    )
    return 2 if any(part in together for part in landline) else 1
