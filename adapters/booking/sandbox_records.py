"""The lines in the sandbox calendar's file, and the bodies it takes."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Struct


class BookingOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """Hold a call as ordered; after `give_up_at` (machine time) nobody waits for it and it is not taken."""

    organization_id: UUID
    key: str
    start: datetime
    zone: str
    name: str
    attendee_zone: str
    lead_id: UUID
    email: str | None = None
    phone: str | None = None
    notes: str | None = None
    give_up_at: datetime | None = None


class BookingChange(Struct, frozen=True, forbid_unknown_fields=True):
    """Hold a change to a call: to another time, or off where there is none."""

    organization_id: UUID
    zone: str
    start: datetime | None = None
    reason: str | None = None
    give_up_at: datetime | None = None


class BookedCall(Struct, frozen=True):
    """Hold one call as the calendar has it; `uid` is new after each move, `was` what it was before."""

    uid: str
    organization_id: UUID
    key: str
    start: datetime
    end: datetime
    name: str
    attendee_zone: str
    lead_id: UUID
    email: str | None
    phone: str | None
    status: Literal["accepted", "cancelled"]
    was: str | None
    at: datetime
    reason: str | None = None


class FreeSlot(Struct, frozen=True):
    """Hold a time at which a call could be."""

    start: datetime
    end: datetime


encode = msgspec.json.Encoder().encode
