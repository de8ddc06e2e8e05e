"""Where outreach stands with a lead, and which moves are allowed."""

from collections.abc import Mapping
from enum import StrEnum

from domain.kernel import Conflict


class ContactStatus(StrEnum):
    """Name where outreach stands with a lead (`api.md`, part 1)."""

    READY = "READY"
    CONTACTED = "CONTACTED"
    REPLIED = "REPLIED"
    HOT = "HOT"
    WARM = "WARM"
    COLD = "COLD"
    CALL_BOOKED = "CALL_BOOKED"
    CONVERTED = "CONVERTED"
    OPTED_OUT = "OPTED_OUT"
    UNREACHABLE = "UNREACHABLE"
    EXHAUSTED = "EXHAUSTED"


ACTIVE = (
    ContactStatus.READY,
    ContactStatus.CONTACTED,
    ContactStatus.REPLIED,
    ContactStatus.HOT,
    ContactStatus.WARM,
    ContactStatus.COLD,
    ContactStatus.CALL_BOOKED,
)
"""Whom outreach still works, or who has answered, as figures count them."""


class Cause(StrEnum):
    """Name what makes a lead's outreach status change."""

    TEXT_ACCEPTED = "text accepted"
    REPLY = "reply"
    RATING = "rating"
    BOOKING = "booking"
    BOOKING_CANCELLED = "booking cancelled"
    SALE = "sale"
    STOP = "STOP"
    START = "START"
    PERMANENT_FAILURE = "permanent failure"
    LAST_TOUCH_UNANSWERED = "last touch unanswered"
    NUMBER_CHANGED = "number changed"
    PERSON = "person"


_S = ContactStatus
_ALL = frozenset(ContactStatus)
_RATED = frozenset({_S.HOT, _S.WARM, _S.COLD})
_OPEN = _ALL - {_S.OPTED_OUT}
_BY_PERSON = frozenset({_S.READY, _S.REPLIED, _S.CALL_BOOKED, _S.CONVERTED, _S.UNREACHABLE}) | _RATED

TRANSITIONS: Mapping[Cause, tuple[frozenset[ContactStatus], frozenset[ContactStatus]]] = {
    Cause.TEXT_ACCEPTED: (frozenset({_S.READY}), frozenset({_S.CONTACTED})),
    Cause.REPLY: (frozenset({_S.READY, _S.CONTACTED, _S.EXHAUSTED, _S.UNREACHABLE}), frozenset({_S.REPLIED})),
    Cause.RATING: (frozenset({_S.REPLIED}) | _RATED, _RATED),
    Cause.BOOKING: (_OPEN - {_S.CALL_BOOKED, _S.CONVERTED}, frozenset({_S.CALL_BOOKED})),
    Cause.BOOKING_CANCELLED: (frozenset({_S.CALL_BOOKED}), frozenset({_S.HOT})),
    Cause.SALE: (_OPEN - {_S.CONVERTED}, frozenset({_S.CONVERTED})),
    Cause.STOP: (_OPEN, frozenset({_S.OPTED_OUT})),
    Cause.START: (frozenset({_S.OPTED_OUT}), frozenset({_S.READY, _S.REPLIED})),
    Cause.PERMANENT_FAILURE: (frozenset({_S.READY, _S.CONTACTED}), frozenset({_S.UNREACHABLE})),
    Cause.LAST_TOUCH_UNANSWERED: (frozenset({_S.CONTACTED}), frozenset({_S.EXHAUSTED})),
    Cause.NUMBER_CHANGED: (frozenset({_S.UNREACHABLE}), frozenset({_S.READY})),
    Cause.PERSON: (_OPEN, _BY_PERSON),
}
"""For each cause, the statuses it may find and the statuses it may set."""

RATED: Mapping[str, ContactStatus] = {"HOT": _S.HOT, "POSITIVE": _S.WARM, "NEGATIVE": _S.COLD}
"""What the sentiment of a reply makes of a lead; NEUTRAL and UNCLEAR change nothing."""


def allowed(current: ContactStatus, to: ContactStatus, cause: Cause) -> bool:
    """Tell whether this cause may take a lead from one status to another one."""
    found, sets = TRANSITIONS[cause]
    return current != to and current in found and to in sets


def move(current: ContactStatus, to: ContactStatus, cause: Cause) -> ContactStatus:
    """Give the new status, or the same when nothing changes; a move that the table lacks is refused (`Conflict`)."""
    if current == to or allowed(current, to, cause):
        return to
    if current is ContactStatus.OPTED_OUT:
        raise Conflict("This lead has opted out; only their own START can undo that.")
    if cause is Cause.PERSON:
        raise Conflict(f"A person cannot set {to.value}; that status comes from what happened.")
    raise Conflict(f"A lead that is {current.value} does not become {to.value} by a {cause.value}.")
