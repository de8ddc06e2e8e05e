"""What an Android gateway calls: signature and time first, then written down, then answered."""

import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from litestar import Request

from adapters.persistence.database import Cause, PostgresUnitOfWork
from adapters.sms.reasons import without_numbers
from application.messaging.hand_overs import AccountBook
from application.messaging.inbound import IncomingText, Notice, Report, identifier, storable
from application.messaging.texting import TextingAccount
from application.outreach.phone_numbers import PhoneNumbers, ReadPhone
from application.ports import Actor
from domain.kernel import Invalid
from domain.messaging.message import MessageStatus
from entrypoints.config import Config
from entrypoints.http.auth import Caller
from entrypoints.http.intake import PATIENCE_SECONDS, Intake
from entrypoints.http.limits import RateLimiter
from entrypoints.http.operation import operation
from entrypoints.http.unproved import refusal
from entrypoints.http.webhooks_twilio import STRAY

GATEWAY = "android_gateway"
TOLERANCE_SECONDS = 300
_SECONDS = PATIENCE_SECONDS + 1.5
_STATUSES = {
    "sms:sent": MessageStatus.SENT,
    "sms:delivered": MessageStatus.DELIVERED,
    "sms:failed": MessageStatus.FAILED,
}
_BODY = {
    "application/json": {
        "schema": {"type": "object"},
        "example": {
            "deviceId": "PyDmBQZZXYmyxMwED8Fzy",
            "event": "sms:received",
            "id": "Ey6ECgOkVVFjz3CL48B8C",
            "payload": {"message": "STOP", "phoneNumber": "+447700900101", "recipient": "+442079460001"},
        },
    }
}


def signed(secret: str, raw: bytes, timestamp: str, signature: str) -> bool:
    """Tell whether a gateway with this secret wrote body and time."""
    made = hmac.new(secret.encode(), raw + timestamp.encode(), hashlib.sha256).hexdigest()
    return bool(secret) and hmac.compare_digest(made.encode(), signature.strip().lower().encode())


def _secret(account: TextingAccount) -> str:
    return account.credentials.get("webhook_secret", "")


def _fresh(timestamp: str) -> bool:
    return timestamp.isdecimal() and abs(time.time() - int(timestamp[:15])) <= TOLERANCE_SECONDS


@operation(
    "POST",
    "/webhooks/sms-gateway",
    "gatewayCalled",
    "Take in what an SMS gateway tells",
    access="signed",
    limits=(),
    raw=True,
    status=204,
    seconds=_SECONDS,
    takes=_BODY,
)
async def gateway_called(
    request: Request[Any, Any, Any],
    config: Config,
    limiter: RateLimiter,
    caller: Caller,
    intake: Intake,
    phones: PhoneNumbers,
) -> None:
    """Signed by HMAC-SHA256 over the body followed by the timestamp, within five minutes; texts in, reports, pings.
    Without a secret there is nothing at this address."""
    raw = await request.body()
    timestamp, signature = request.headers.get("x-timestamp", ""), request.headers.get("x-signature", "")
    try:
        told = storable(json.loads(raw))
    except (ValueError, RecursionError):
        told = None
    payload = told.get("payload") if isinstance(told, dict) else None
    payload = payload if isinstance(payload, dict) else {}
    named = _uuid(request.query_params.get("organization"))
    at = datetime.now(UTC)

    fresh = bool(signature) and _fresh(timestamp)

    def proves(secret: str) -> bool:
        return fresh and signed(secret, raw, timestamp, signature)

    async def read() -> tuple[UUID | None, IncomingText | Report]:
        routed = await intake.owner(GATEWAY, str(payload.get("recipient") or ""))
        owner, country = None, "GB"
        installed = [_secret(a) for a in config.texting_accounts if a.provider == GATEWAY]
        proved, is_there = any(map(proves, installed)), any(installed)
        accounts: list[TextingAccount] = []
        # A text is theirs whose number it came to; a report's number is that of whoever was texted.
        is_text = isinstance(told, dict) and told.get("event") == "sms:received"
        asked = (routed, named) if is_text else (named, routed)
        for candidate in dict.fromkeys(one for one in asked if one is not None):
            known, land = await intake.known(GATEWAY, candidate, partial(_known, request, candidate))
            own = [a for a in known if proves(_secret(a))]
            is_there = is_there or any(map(_secret, known))
            if own or (proved and land is not None):
                owner, country, accounts, proved = candidate, land or country, own or known, True
                break
        if not proved:
            raise await refusal(limiter, caller, is_there=is_there)
        if not isinstance(told, dict) or not isinstance(told.get("id"), str) or not isinstance(told.get("event"), str):
            raise Invalid("The body must be a JSON object with an id and an event.")
        event = told["event"]
        notice = Notice(
            provider=GATEWAY,
            account=identifier(str(told.get("deviceId") or ""), "deviceId"),
            external_id=identifier(told["id"], "id"),
            kind="text" if event == "sms:received" else "status" if event in _STATUSES else "event",
            payload=told,
        )
        send = _uuid(payload.get("messageId"))
        if event in _STATUSES and owner is None:
            sentence = (
                "A report does not say whose text it is about: register this address with ?organization=<its id>."
            )
            raise Invalid(sentence, field="organization")
        if event in _STATUSES and send is not None:
            return owner, _report(notice, event, send, payload, at)
        if event == "sms:received" and owner is None:
            STRAY.labels(GATEWAY).inc()
        sender = str(payload.get("sender") or payload.get("phoneNumber") or "")
        number = phones.read(sender, country) if event == "sms:received" else None
        return owner, IncomingText(
            notice=notice,
            sender=str(number.phone) if isinstance(number, ReadPhone) else "",
            recipient=str(payload.get("recipient") or next(iter(_numbers(accounts)), "")),
            body=str(payload.get("message") or ""),
            media=(),
            at=at,
        )

    await intake.take(read)


async def _known(request: Request[Any, Any, Any], organization: UUID) -> tuple[list[TextingAccount], str | None]:
    """Open an organisation's gateways, and tell its country; None where there is no such organisation."""
    async with request.app.state.container({Actor: Actor.system(organization), Cause: Cause()}) as scope:
        book, uow = await scope.get(AccountBook), await scope.get(PostgresUnitOfWork)
        async with uow.reading():
            accounts = (await book.accounts()).everyone
            country: str | None = await uow.connection.fetchval(
                "SELECT country FROM organizations WHERE organization_id = $1 AND deleted_at IS NULL", organization
            )
    return [account for account in accounts if account.provider == GATEWAY], country


def _report(notice: Notice, event: str, send: UUID, payload: dict[str, Any], at: datetime) -> Report:
    reason = payload.get("reason")
    return Report(
        notice=notice,
        send_id=send,
        status=_STATUSES[event],
        provider_id=str(send),
        error=without_numbers(str(reason)) if reason else None,
        permanent=False,
        at=at,
    )


def _numbers(accounts: list[TextingAccount]) -> list[str]:
    return [str(a.settings["phone_number"]) for a in accounts if a.settings.get("phone_number")]


def _uuid(text: object) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None


ROUTES = (gateway_called,)
