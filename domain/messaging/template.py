"""Text templates: variables with fallbacks, filled in without leaving holes or control characters."""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from domain.kernel import Invalid

_VARIABLE = re.compile(r"\{\{[ \t]*([a-z][a-z0-9_]*)[ \t]*(?:\|([^{}|]*))?\}\}")
_NAMES = frozenset({"first_name", "last_name", "full_name"})
_WORD = re.compile(r"[^\W\d_]+")
# Directional overrides can make a name read as something else, so they go with the control characters.
_DIRECTIONAL = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@lru_cache(maxsize=1024)
def variables(text: str) -> tuple[str, ...]:
    """List the variables of a template, each once, in order; refuses braces that are no variable (`Invalid`)."""
    rest = _VARIABLE.sub("", text)
    stray = re.search(r"\{+[^{}]*\}*|\}+", rest)
    if stray:
        raise Invalid(f"“{stray[0][:40]}” is not a variable; write {{{{ first_name | there }}}}.", field="template")
    return tuple(dict.fromkeys(match[1] for match in _VARIABLE.finditer(text)))


def render(text: str, facts: Mapping[str, str | None]) -> str:
    """Fill a template from facts: an absent or blank fact gives the fallback, an empty one leaves no double space.

    A variable that is not among the facts is refused by name (`Invalid`). Facts stay on one line and are never read
    as templates; the only control character in the result is the line feed, where the template has one.
    """
    unknown = [name for name in variables(text) if name not in facts]
    if unknown:
        known = ", ".join(sorted(facts))
        raise Invalid(f"There is no variable named {unknown[0]}; known are {known}.", field=unknown[0])
    rendered = ""
    position = 0
    for match in _VARIABLE.finditer(text):
        rendered += text[position : match.start()]
        position = match.end()
        value = _one_line(facts[match[1]] or "")
        if value and match[1] in _NAMES:
            value = proper_name(value)
        value = value or _one_line(match[2] or "")
        rendered += value
        if not value:
            following = text[position : position + 1]
            if not following or following in " \n\r,.;:!?)":
                rendered = rendered.rstrip(" ")
            if not rendered or rendered.endswith("\n"):
                position += len(text[position:]) - len(text[position:].lstrip(" ,;"))
    rendered = (rendered + text[position:]).replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    if rendered.replace("\n", "").isprintable():
        return rendered.strip()
    return "".join(c for c in rendered if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs")).strip()


def proper_name(name: str) -> str:
    """Write a name that is all capitals or all small letters with capital initials, and leave any other as it is."""
    if name.isupper() or name.islower():
        return _WORD.sub(lambda word: word[0].capitalize(), name)
    return name


def _one_line(value: str) -> str:
    if value.isprintable():  # so there is no control character in it, and no white space but blanks
        return " ".join(value.split())
    kept = (" " if c.isspace() or unicodedata.category(c) == "Cc" else c for c in value if c not in _DIRECTIONAL)
    return " ".join("".join(kept).split())
