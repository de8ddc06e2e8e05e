"""The lines in the sandbox provider's files, and the bodies it takes and sends."""

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct, field

from adapters.sms.sandbox_faults import Fault


class Submission(Struct, frozen=True, forbid_unknown_fields=True):
    """Hold a text as handed over; after `give_up_at` (machine time) the sender no longer waits and it is not taken."""

    organization_id: UUID
    to: str
    sender: str = field(name="from")
    body: str
    key: str
    callback_url: str
    give_up_at: datetime | None = None


class AcceptedText(Struct, frozen=True, omit_defaults=True):
    """Hold one line of `texts.jsonl`: a text as accepted.

    `accepted_at` is business time, `offset` its seconds ahead of real time, `nth` counts the organisation's texts to
    this number, `faults` are those that shape its callbacks.
    """

    id: UUID
    organization_id: UUID
    to: str
    sender: str = field(name="from")
    body: str
    key: str
    callback_url: str
    accepted_at: datetime
    offset: float
    nth: int
    faults: tuple[Fault, ...] = ()


class InboundText(Struct, frozen=True, kw_only=True):
    """Hold one line of `replies.jsonl`: what a person wrote, once our API answered 2xx at `answered_at`.

    `at` and `answered_at` are business time. `in_reply_to` is the id of a text, `script` and `means_stop` are the
    simulated person's; all three are None for what a human typed (`POST /inbound`, kept in `typed.jsonl` first).
    """

    id: str
    organization_id: UUID | None = None
    sender: str = field(name="from")
    to: str
    body: str
    media: tuple[str, ...] = ()
    at: datetime
    answered_at: datetime | None = None
    in_reply_to: UUID | None = None
    script: str | None = None
    means_stop: bool | None = None


class StatusCallback(Struct, frozen=True, kw_only=True):
    """Hold one line of `callbacks.jsonl`; `answered_at` is absent in what is sent to the API."""

    id: str
    text_id: UUID
    organization_id: UUID
    key: str
    to: str
    sender: str = field(name="from")
    status: str
    error_code: str | None = None
    permanent: bool = False
    at: datetime
    answered_at: datetime | None = None


class InboundNotice(Struct, frozen=True, kw_only=True):
    """Hold the body of a call of `/webhooks/sandbox/sms`."""

    id: str
    sender: str = field(name="from")
    to: str
    body: str
    media: tuple[str, ...] = ()
    at: datetime


class StatusNotice(Struct, frozen=True, kw_only=True):
    """Hold the body of a call of a text's `callback_url`."""

    id: str
    text_id: UUID
    key: str
    to: str
    sender: str = field(name="from")
    status: str
    error_code: str | None = None
    permanent: bool = False
    at: datetime


encode = msgspec.json.Encoder().encode
