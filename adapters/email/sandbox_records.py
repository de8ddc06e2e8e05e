"""The lines in the sandbox mailbox's file, and the body it takes."""

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct


class Submission(Struct, frozen=True, forbid_unknown_fields=True):
    """Hold a mail as handed over; after `give_up_at` (machine time) the sender no longer waits and it is not taken."""

    organization_id: UUID
    to: str
    subject: str
    body: str
    key: str
    give_up_at: datetime | None = None


class AcceptedMail(Struct, frozen=True):
    """Hold one line of `mails.jsonl`: a mail as accepted, `accepted_at` in business time."""

    id: UUID
    organization_id: UUID
    to: str
    subject: str
    body: str
    key: str
    accepted_at: datetime


encode = msgspec.json.Encoder().encode
