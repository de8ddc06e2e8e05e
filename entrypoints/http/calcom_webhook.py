"""What Cal.com calls: signature first, then written down, then answered; the rest is worked off afterwards."""

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from litestar import Request

from adapters.booking.calcom import KEY, LEAD, ORGANIZATION, PROVIDER
from adapters.persistence.calcom_hooks import CalcomHooks, Hook
from adapters.persistence.database import Cause
from application.messaging.inbound import identifier, storable
from application.ports import Actor
from application.scheduling.reports import BookingReports
from domain.kernel import Invalid, NotFound, new_id
from domain.scheduling.report import BookingReported, ReportKind
from entrypoints.http.auth import Caller
from entrypoints.http.intake import NOBODY, PATIENCE_SECONDS, Intake
from entrypoints.http.limits import RateLimiter
from entrypoints.http.operation import operation
from entrypoints.http.unproved import refusal

_SECONDS: Final = PATIENCE_SECONDS + 1.5
_LONGEST: Final = 500
_FIRST: Final = f"{PROVIDER}/first"  # a look of its own: a caller may name any organisation, NOBODY too
_KINDS: Mapping[str, ReportKind] = {
    "BOOKING_CREATED": "created",
    "BOOKING_RESCHEDULED": "moved",
    "BOOKING_CANCELLED": "cancelled",
}
_BODY = {
    "application/json": {
        "schema": {"type": "object"},
        "example": {
            "triggerEvent": "BOOKING_CREATED",
            "createdAt": "2030-03-18T09:00:00Z",
            "payload": {
                "uid": "2NtaeaVcKfpmSZ4CthFdfk",
                "title": "Call with Jane Smith",
                "startTime": "2030-03-20T09:30:00Z",
                "endTime": "2030-03-20T10:00:00Z",
                "attendees": [{"name": "Jane Smith", "email": "jane@example.com", "timeZone": "Europe/London"}],
                "metadata": {"lead_id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8ea0"},
            },
        },
    }
}


@operation(
    "POST",
    "/webhooks/calcom",
    "calcomBookingReported",
    "Take in what Cal.com says of a booking",
    access="signed",
    limits=(),
    raw=True,
    status=204,
    seconds=_SECONDS,
    takes=_BODY,
)
async def booking_reported(
    request: Request[Any, Any, Any], hooks: CalcomHooks, limiter: RateLimiter, caller: Caller, intake: Intake
) -> None:
    """`?organization=` names whose calendar it is, the installation's first one otherwise; signed with that one's
    webhook secret (`x-cal-signature-256`). Without a secret there is nothing at this address."""
    raw = await request.body()
    named = _named(request)

    async def read() -> Callable[[], Awaitable[None]] | None:
        organization_id = named or await intake.known(_FIRST, NOBODY, hooks.first)
        hook = None
        if organization_id is not None:
            hook = await intake.known(PROVIDER, organization_id, partial(hooks.hook, organization_id))
        if organization_id is None or hook is None or not _is_signed(raw, hook.secret, request.headers):
            raise await refusal(limiter, caller, is_there=hook is not None)
        payload = _object(raw)
        trigger, booking = str(payload.get("triggerEvent", "")), payload.get("payload")
        booking = booking if isinstance(booking, dict) else {}
        if _metadata(booking).get(ORGANIZATION, str(organization_id)) != str(organization_id):
            return None  # another's, who shares the calendar and is told at an address of their own: it is not kept
        kind = _KINDS.get(trigger)
        report = None if kind is None else _report(kind, booking, hook)
        external_id = f"{trigger}:{report.uid}" if report is not None else hashlib.sha256(raw).hexdigest()

        async def write() -> None:
            context = {Actor: Actor.system(organization_id), Cause: Cause()}
            async with request.app.state.container(context) as scope:
                reports = await scope.get(BookingReports)
                await reports.take_in(PROVIDER, external_id, trigger[:100] or "unnamed", payload, report)

        return write

    await intake.store(read)


def _named(request: Request[Any, Any, Any]) -> UUID | None:
    given = request.query_params.get("organization")
    try:
        return None if given is None else UUID(given)
    except ValueError:
        raise NotFound("There is nothing at this address.") from None


def _is_signed(raw: bytes, secret: str, headers: Mapping[str, str]) -> bool:
    expected = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    return hmac.compare_digest(headers.get("x-cal-signature-256", "").lower().encode(), expected.encode())


def _object(raw: bytes) -> dict[str, Any]:
    try:
        payload = storable(json.loads(raw))
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        raise Invalid("The body must be a JSON object.")
    return payload


def _report(kind: ReportKind, booking: dict[str, Any], hook: Hook) -> BookingReported:
    uid, start = _text(booking.get("uid")), _time(booking.get("startTime"))
    if uid is None or start is None:
        raise Invalid("A booking needs uid and startTime.", field="payload")
    attendees = booking.get("attendees")
    first = attendees[0] if isinstance(attendees, list) and attendees and isinstance(attendees[0], dict) else {}
    metadata = _metadata(booking)
    lead_id = _id(metadata.get(LEAD))
    return BookingReported(
        subject=lead_id or new_id(),  # so that it goes when the lead is erased
        provider=PROVIDER,
        account_owner=hook.owner,
        is_shared=hook.is_shared,
        kind=kind,
        uid=identifier(uid, "payload.uid"),
        old_uid=identifier(_text(booking.get("rescheduleUid")) or "", "payload.rescheduleUid") or None
        if kind == "moved"
        else None,
        start_at=start,
        end_at=_time(booking.get("endTime")),
        zone=_zone(first.get("timeZone")),
        title=_text(booking.get("title")),
        url=_url(metadata.get("videoCallUrl")) or _url(booking.get("location")),
        booking_id=_id(metadata.get(KEY)),
        lead_id=lead_id,
        name=_text(first.get("name")),
        email=_text(first.get("email")),
        phone=_text(first.get("phoneNumber")) or _answer(booking, "attendeePhoneNumber"),
        notes=_text(booking.get("additionalNotes"), 2000),
        reason=_text(booking.get("cancellationReason")) if kind == "cancelled" else None,
    )


def _metadata(booking: dict[str, Any]) -> dict[str, Any]:
    found = booking.get("metadata")
    return found if isinstance(found, dict) else {}


def _answer(booking: dict[str, Any], question: str) -> str | None:
    responses = booking.get("responses")
    asked = responses.get(question) if isinstance(responses, dict) else None
    return _text(asked.get("value")) if isinstance(asked, dict) else None


def _text(value: Any, longest: int = _LONGEST) -> str | None:
    return value.strip()[:longest] or None if isinstance(value, str) else None


def _url(value: Any) -> str | None:
    return value if isinstance(value, str) and value.startswith("https://") and len(value) <= _LONGEST else None


def _id(value: Any) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _time(value: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        return None if at is None or at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _zone(value: Any) -> str | None:
    try:
        return ZoneInfo(value).key if isinstance(value, str) and value else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


ROUTES = (booking_reported,)
