"""What providers call: signature first, then written down, then answered; nothing else happens before the answer."""

import base64
import json
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request
from standardwebhooks import Webhook, WebhookVerificationError

from application.messaging.inbound import IncomingText, Notice, Report, identifier, storable
from domain.kernel import Invalid
from domain.messaging.message import MessageStatus
from entrypoints.config import Config
from entrypoints.http.auth import Caller
from entrypoints.http.intake import PATIENCE_SECONDS, Intake
from entrypoints.http.limits import RateLimiter
from entrypoints.http.operation import operation
from entrypoints.http.unproved import refusal

SANDBOX = "sandbox"
_SECONDS = PATIENCE_SECONDS + 1.5
_STATUSES = {
    "queued": MessageStatus.PENDING,
    "sent": MessageStatus.SENT,
    "delivered": MessageStatus.DELIVERED,
    "undelivered": MessageStatus.FAILED,
    "failed": MessageStatus.FAILED,
}


class SandboxText(msgspec.Struct, frozen=True):
    """Hold the sandbox's body for a text that came in; unknown fields are kept in the stored payload."""

    id: str
    sender: str = msgspec.field(name="from")
    to: str
    body: str
    at: datetime
    media: tuple[str, ...] = ()


class SandboxStatus(msgspec.Struct, frozen=True):
    """Hold the sandbox's body for what became of a text."""

    id: str
    text_id: str
    status: str
    at: datetime
    error_code: str | None = None
    permanent: bool = False


async def _signed(
    request: Request[Any, Any, Any], config: Config, limiter: RateLimiter, caller: Caller
) -> dict[str, Any]:
    raw = await request.body()
    secret = base64.b64encode(config.derived_key("sandbox-webhooks")).decode()
    try:
        Webhook(secret).verify(raw, dict(request.headers.items()), json_parse=False)
    except (WebhookVerificationError, ValueError):
        raise await refusal(limiter, caller, is_there=True) from None
    try:
        payload = storable(json.loads(raw))  # msgspec refuses lone surrogates, which people's phones do send
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        raise Invalid("The body must be a JSON object.")
    return payload


_TEXT_BODY = {
    "application/json": {
        "schema": {"type": "object"},
        "example": {
            "id": "in-1",
            "from": "+447700900101",
            "to": "+442079460001",
            "body": "STOP",
            "at": "2027-03-22T10:15:04Z",
        },
    }
}
_STATUS_BODY = {
    "application/json": {
        "schema": {"type": "object"},
        "example": {
            "id": "st-1",
            "text_id": "01890a5d-ae00-7f00-9b00-0c0d0e0f1011",
            "status": "delivered",
            "at": "2027-03-22T10:15:04Z",
        },
    }
}


@operation(
    "POST",
    "/webhooks/sandbox/sms",
    "sandboxTextArrived",
    "Take in a text from the sandbox's provider",
    access="signed",
    limits=(),
    raw=True,
    status=204,
    seconds=_SECONDS,
    takes=_TEXT_BODY,
)
async def text_arrived(
    request: Request[Any, Any, Any], config: Config, limiter: RateLimiter, caller: Caller, intake: Intake
) -> None:
    """Signed by Standard Webhooks; stored once, answered, worked off afterwards."""
    payload = await _signed(request, config, limiter, caller)
    text = _convert(payload, SandboxText)
    external_id = identifier(text.id, "id")
    notice = Notice(provider=SANDBOX, account="", external_id=external_id, kind="text", payload=payload)
    await intake.text(
        IncomingText(notice=notice, sender=text.sender, recipient=text.to, body=text.body, media=text.media, at=text.at)
    )


@operation(
    "POST",
    "/webhooks/sandbox/status",
    "sandboxStatusReported",
    "Take in what became of a text",
    access="signed",
    limits=(),
    raw=True,
    status=204,
    seconds=_SECONDS,
    takes=_STATUS_BODY,
)
async def status_reported(
    request: Request[Any, Any, Any], config: Config, limiter: RateLimiter, caller: Caller, intake: Intake
) -> None:
    """The address carries organisation and ledger id, so that a report settles an unknown."""
    payload = await _signed(request, config, limiter, caller)
    told = _convert(payload, SandboxStatus)
    organization, send = _ids(request)
    report = Report(
        notice=Notice(
            provider=SANDBOX, account="", external_id=identifier(told.id, "id"), kind="status", payload=payload
        ),
        send_id=send,
        status=_STATUSES.get(told.status, MessageStatus.PENDING),
        provider_id=identifier(told.text_id, "text_id"),
        error=told.error_code,
        permanent=told.permanent,
        at=told.at,
    )

    await intake.report(organization, report)


def _ids(request: Request[Any, Any, Any]) -> tuple[UUID, UUID]:
    try:
        return UUID(request.query_params["organization"]), UUID(request.query_params["send"])
    except (KeyError, ValueError):
        raise Invalid("The callback's address must name organisation and send.", field="send") from None


def _convert(payload: dict[str, Any], kind: type[Any]) -> Any:
    try:
        return msgspec.convert(payload, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(str(error)) from None


SANDBOX_ROUTES = (text_arrived, status_reported)
