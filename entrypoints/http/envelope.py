"""The success envelopes: `data`, and `pagination` beside a list, with a `summary` where it has one."""

from typing import Any

import msgspec

from application.ports import Found
from domain.kernel import Money


def _encode_value(value: Any) -> Any:
    """Write the kernel's values: phones and addresses as text, money as a decimal string and a currency."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Money):
        return {"amount": str(value.amount), "currency": value.currency}
    raise TypeError(f"{type(value).__name__} has no form on the wire")


_ENCODER = msgspec.json.Encoder(enc_hook=_encode_value)


class Pagination(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Say where in a list this page stands; page and totals are absent where a cursor was used."""

    page: int | msgspec.UnsetType = msgspec.UNSET
    limit: int
    total: int | msgspec.UnsetType = msgspec.UNSET
    total_pages: int | msgspec.UnsetType = msgspec.UNSET
    total_is_estimate: bool | msgspec.UnsetType = msgspec.UNSET
    has_next: bool
    next_cursor: str | None


class _Versioned(msgspec.Struct):
    version: int | None = None


def encode_answer(content: Any) -> bytes:
    """Wrap a view, or join a list's items as the database wrote them."""
    if not isinstance(content, Found):
        return b'{"data":' + _ENCODER.encode(content) + b"}"
    total = content.total
    pagination = Pagination(
        page=msgspec.UNSET if content.page is None else content.page,
        limit=content.limit,
        total=msgspec.UNSET if total is None else total,
        total_pages=msgspec.UNSET if total is None else -(-total // content.limit),
        total_is_estimate=msgspec.UNSET if total is None else content.total_is_estimate,
        has_next=content.next_cursor is not None,
        next_cursor=content.next_cursor,
    )
    summary = b"" if content.summary is None else b',"summary":' + _ENCODER.encode(content.summary)
    return b'{"data":[' + b",".join(content.items) + b'],"pagination":' + _ENCODER.encode(pagination) + summary + b"}"


def etag_of(content: Any) -> str | None:
    """Give the version of a single resource as its ETag."""
    if isinstance(content, msgspec.Raw):
        version = msgspec.json.decode(content, type=_Versioned).version
    else:
        version = getattr(content, "version", None)
    return f'"{version}"' if isinstance(version, int) else None
