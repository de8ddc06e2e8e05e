"""Read what a request says into structs: query parameters, the JSON body, If-Match, Idempotency-Key."""

import json
import re
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec

from application.ports import Command, Filter, PageRequest
from domain.kernel import Invalid
from entrypoints.http.errors import Refused, misfit

S = TypeVar("S", bound=msgspec.Struct)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_VERSION = re.compile(r'(?:W/)?"?([1-9][0-9]{0,8})"?')
_JSON = re.compile(r"application/(?:[\w.-]+\+)?json\s*(?:;|$)", re.IGNORECASE)
_NUL = "\x00"


@lru_cache(256)
def _decoder(kind: type[Any]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


@lru_cache(256)
def _lists(kind: type[msgspec.Struct]) -> frozenset[str]:
    """Name the fields that may stand several times in a query string."""
    found = set()
    for field in msgspec.structs.fields(kind):
        shape = msgspec.json.schema(field.type)
        if any(option.get("type") == "array" for option in [shape, *shape.get("anyOf", [])]):
            found.add(field.encode_name)
    return frozenset(found)


@lru_cache(256)
def _names(kind: type[msgspec.Struct] | None) -> frozenset[str]:
    return frozenset(field.encode_name for field in msgspec.structs.fields(kind)) if kind else frozenset()


def read_query(
    query: bytes, narrowed: type[msgspec.Struct] | None, paged: bool
) -> tuple[msgspec.Struct | None, PageRequest | None]:
    """Read a query string; a parameter that nobody asked for, or stands twice, is refused by its name."""
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=100, errors="strict")
    except (ValueError, UnicodeDecodeError):
        raise Invalid("The query string cannot be read.") from None
    own, of_page = _names(narrowed), _names(PageRequest) if paged else frozenset()
    several = _lists(narrowed) if narrowed else frozenset()
    filters: dict[str, Any] = {}
    page: dict[str, Any] = {}
    for name, value in pairs:
        if _NUL in value or _NUL in name:
            raise Invalid("A text may not hold the character NUL.", field=name.replace(_NUL, ""))
        if name not in own and name not in of_page:
            raise Invalid(f"There is no parameter {name} here.", field=name)
        values = filters if name in own else page
        if name in several:
            values.setdefault(name, []).append(value)
        elif name in values:
            raise Invalid(f"The parameter {name} stands here twice.", field=name)
        else:
            values[name] = value
    try:
        return (
            msgspec.convert(filters, narrowed, strict=False) if narrowed else None,
            msgspec.convert(page, PageRequest, strict=False) if paged else None,
        )
    except msgspec.ValidationError as error:
        raise misfit(error) from None


def read_body(kind: type[S], content_type: str, body: bytes, *, optional: bool) -> S:
    """Read a JSON body strictly; NUL characters are refused wherever they hide."""
    if not body and optional:
        return kind()
    if not _JSON.match(content_type):
        raise Refused("UNSUPPORTED_MEDIA_TYPE", "The body of this request must be application/json.")
    try:
        found: S = _decoder(kind).decode(body)
        if b"\\u0000" in body:
            _refuse_nul(msgspec.json.decode(body), "")
        json.loads(body, object_pairs_hook=_once)
    except msgspec.ValidationError as error:
        raise misfit(error) from None
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Invalid("The body is not JSON that can be read.", field="body") from error
    return found


def refuse_packed(encoding: str | None) -> None:
    """Refuse a body that would have to be unpacked: a small one may hold a huge one."""
    if encoding is not None and encoding.strip().lower() not in ("", "identity"):
        raise Refused("UNSUPPORTED_MEDIA_TYPE", "Send the body as it is, without Content-Encoding.")


def refuse_body(content_type: str, body: bytes) -> None:
    """Refuse what is said where nothing is asked; an empty object says nothing."""
    read_body(_Nothing, content_type, body, optional=True)


class _Nothing(Command, frozen=True):
    """Be the body of a request that takes none."""


def _once(pairs: list[tuple[str, Any]]) -> None:
    """Refuse a name that stands twice in an object: two readers may take different ones of the two."""
    seen = set()
    for name, _ in pairs:
        if name in seen:
            raise Invalid(f"The field {name[:100]} stands here twice.", field=name[:100])
        seen.add(name)


def _refuse_nul(value: Any, path: str) -> None:
    if isinstance(value, str) and _NUL in value:
        raise Invalid("A text may not hold the character NUL.", field=path)
    if isinstance(value, dict):
        for name, item in value.items():
            place = f"{path}.{name}".removeprefix(".").replace(_NUL, "")
            _refuse_nul(name, place)
            _refuse_nul(item, place)
    if isinstance(value, list):
        for number, item in enumerate(value):
            _refuse_nul(item, f"{path}[{number}]")


def read_if_match(header: str | None) -> int | None:
    """Read the version that a change was made from; none, or `*`, is no condition."""
    if header is None or header.strip() == "*":
        return None
    found = _VERSION.fullmatch(header.strip())
    if found is None:
        raise Invalid('If-Match must be a version as the ETag gave it, such as "3".', field="If-Match")
    return int(found[1])


def read_idempotency_key(header: str | None) -> str | None:
    """Read the key under which a repeated request has one effect."""
    if header is None:
        return None
    if not _KEY.fullmatch(header):
        raise Invalid("An Idempotency-Key is 1 to 255 visible ASCII characters.", field="Idempotency-Key")
    return header


def is_filter(kind: Any) -> bool:
    """Tell whether a handler's parameter is what its list is narrowed by."""
    return isinstance(kind, type) and issubclass(kind, Filter)
