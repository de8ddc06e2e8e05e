"""What Twilio calls: signature first, then written down, then answered with nothing to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from litestar import Request, Response
from litestar.datastructures import FormMultiDict
from prometheus_client import Counter
from twilio.request_validator import (
    HMAC_SHA1,
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    get_signature_algorithm,
)

from adapters.persistence.database import Cause, PostgresUnitOfWork
from adapters.sms.twilio_words import OPTED_OUT, PERMANENT, STATUSES
from application.messaging.hand_overs import AccountBook
from application.messaging.inbound import IncomingText, Notice, Report, identifier, storable
from application.messaging.texting import Price, TextingAccount
from application.ports import Actor
from domain.kernel import Invalid
from domain.messaging.message import MessageStatus
from entrypoints.config import Config
from entrypoints.http.auth import Caller
from entrypoints.http.errors import Refused
from entrypoints.http.intake import PATIENCE_SECONDS, Intake
from entrypoints.http.limits import RateLimiter
from entrypoints.http.operation import operation
from entrypoints.http.unproved import refusal

TWILIO = "twilio"
TWIML = "application/xml"
EMPTY = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'
STRAY = Counter("rapport_stray_texts_total", "Texts to numbers that are nobody's here, by provider.", ["provider"])
_SECONDS = PATIENCE_SECONDS + 1.5
_MOST_FIELDS = 500
_MOST_MEDIA = 20
_EXAMPLE = {
    "AccountSid": "AC" + "0" * 32,
    "MessageSid": "SM" + "0" * 32,
    "From": "+447700900101",
    "To": "+442079460001",
    "Body": "STOP",
    "NumMedia": "0",
}
_TEXT_BODY = {"application/x-www-form-urlencoded": {"schema": {"type": "object"}, "example": _EXAMPLE}}
_STATUS_BODY = {
    "application/x-www-form-urlencoded": {
        "schema": {"type": "object"},
        "example": {k: v for k, v in _EXAMPLE.items() if k not in ("Body", "NumMedia")}
        | {"MessageStatus": "delivered"},
    }
}


@dataclass(frozen=True, slots=True)
class _Call:
    """Hold a call as it came; whose secret proves it is found afterwards."""

    url: str
    form: FormMultiDict
    signature: str
    settings: str

    def proved_by(self, account: TextingAccount) -> bool:
        """Tell whether an account's secret made the signature: its token, or the key of the newer scheme."""
        algorithm = get_signature_algorithm(self.settings)
        secret = account.credentials.get("auth_token", "")
        if algorithm != HMAC_SHA1:
            secret = account.credentials.get("webhook_secret", secret)
        return bool(secret and self.signature) and bool(
            RequestValidator(secret).validate(self.url, self.form, self.signature, algorithm)
        )

    def __getitem__(self, name: str) -> str:
        return str(self.form.get(name, "")).replace("\x00", "")


async def _call(request: Request[Any, Any, Any], config: Config) -> _Call:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Refused("UNSUPPORTED_MEDIA_TYPE", "Twilio sends a form.")
    try:
        raw = (await request.body()).decode("utf-8", "replace")
        fields = parse_qsl(raw, keep_blank_values=True, errors="replace", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Invalid("This form cannot be read.") from None
    query = request.scope["query_string"].decode("latin-1")
    return _Call(
        url=f"{config.public_url}{request.url.path}{f'?{query}' if query else ''}",
        form=FormMultiDict(fields),
        signature=request.headers.get(SIGNATURE_HEADER, ""),
        settings=request.headers.get(SIGNATURE_SETTINGS_HEADER, ""),
    )


async def _accounts_of(request: Request[Any, Any, Any], organization: UUID) -> list[TextingAccount]:
    """Open an organisation's own accounts, also one that it does not text through any more."""
    async with request.app.state.container({Actor: Actor.system(organization), Cause: Cause()}) as scope:
        book = await scope.get(AccountBook)
        async with (await scope.get(PostgresUnitOfWork)).reading():
            known = await book.accounts()
    return [account for account in known.everyone if account.provider == TWILIO]


async def _prove(
    request: Request[Any, Any, Any],
    call: _Call,
    organizations: Sequence[UUID],
    config: Config,
    limiter: RateLimiter,
    caller: Caller,
    intake: Intake,
) -> UUID | None:
    """Refuse what nobody's secret proves; gives the organisation whose own it was, None for the installation's."""
    sid = call["AccountSid"]
    installed = [account for account in config.texting_accounts if account.provider == TWILIO]
    named = [account for account in installed if account.id == sid]
    if any(call.proved_by(account) for account in named):
        return None
    is_there = bool(installed)
    for organization in organizations if not named else ():
        known = await intake.known(TWILIO, organization, partial(_accounts_of, request, organization))
        if any(call.proved_by(account) for account in known if account.id == sid):
            return organization
        is_there = is_there or bool(known)
    raise await refusal(limiter, caller, is_there=is_there)


def _named(request: Request[Any, Any, Any], name: str) -> UUID | None:
    try:
        return UUID(request.query_params[name])
    except (KeyError, ValueError):
        return None


@operation(
    "POST",
    "/webhooks/twilio/sms",
    "twilioTextArrived",
    "Take in a text from Twilio",
    access="signed",
    limits=(),
    raw=True,
    status=200,
    seconds=_SECONDS,
    takes=_TEXT_BODY,
    media_type=TWIML,
)
async def text_arrived(
    request: Request[Any, Any, Any],
    config: Config,
    limiter: RateLimiter,
    caller: Caller,
    intake: Intake,
) -> Response[str]:
    """Signed with the account's token; stored once, answered with empty TwiML, worked off afterwards."""
    call = await _call(request, config)
    at = datetime.now(UTC)

    async def read() -> tuple[UUID | None, IncomingText]:
        routed = await intake.owner(TWILIO, call["To"])
        # Whose number it is comes first: two may have one account, and the address be of whose it was.
        candidates = [one for one in (routed, _named(request, "organization")) if one is not None]
        owner = await _prove(request, call, candidates, config, limiter, caller, intake) or routed
        if not call["MessageSid"]:
            raise Invalid("The message has no id.", field="MessageSid")
        if owner is None:
            STRAY.labels(TWILIO).inc()
        notice = Notice(
            provider=TWILIO,
            account=call["AccountSid"],
            external_id=identifier(call["MessageSid"], "MessageSid"),
            kind="text",
            payload=_kept(call),
        )
        return owner, IncomingText(
            notice=notice, sender=call["From"], recipient=call["To"], body=call["Body"], media=_media(call), at=at
        )

    await intake.take(read)
    return Response(EMPTY, media_type=TWIML)


@operation(
    "POST",
    "/webhooks/twilio/status",
    "twilioStatusReported",
    "Take in what became of a text at Twilio",
    access="signed",
    limits=(),
    raw=True,
    status=200,
    seconds=_SECONDS,
    takes=_STATUS_BODY,
    media_type=TWIML,
)
async def status_reported(
    request: Request[Any, Any, Any], config: Config, limiter: RateLimiter, caller: Caller, intake: Intake
) -> Response[str]:
    """The address carries organisation and ledger id, so that a report settles an unknown."""
    call = await _call(request, config)
    organization, send = _named(request, "organization"), _named(request, "send")
    at = datetime.now(UTC)

    async def read() -> tuple[UUID | None, Report]:
        await _prove(request, call, [organization] if organization else [], config, limiter, caller, intake)
        if organization is None or send is None:
            raise Invalid("The callback's address must name organisation and send.", field="send")
        sid = identifier(call["MessageSid"], "MessageSid")
        status = identifier(call["MessageStatus"] or call["SmsStatus"], "MessageStatus")  # part of what is written once
        code = call["ErrorCode"]
        number = int(code) if code.isdecimal() else 0
        return organization, Report(
            notice=Notice(
                provider=TWILIO,
                account=call["AccountSid"],
                external_id=f"{sid}/{status}",
                kind="status",
                payload=_kept(call),
            ),
            send_id=send,
            status=STATUSES.get(status, MessageStatus.PENDING),
            provider_id=sid,
            error=code or None,
            permanent=number in PERMANENT,
            at=at,
            opted_out=number == OPTED_OUT,
            price=Price.told(call["Price"], call["PriceUnit"]),
        )

    await intake.take(read)
    return Response(EMPTY, media_type=TWIML)


def _kept(call: _Call) -> dict[str, Any]:
    return dict(storable(dict(call.form.items())))


def _media(call: _Call) -> tuple[str, ...]:
    count = call["NumMedia"]
    number = min(int(count), _MOST_MEDIA) if count.isdecimal() else 0
    return tuple(url for n in range(number) if (url := call[f"MediaUrl{n}"]))


ROUTES = (text_arrived, status_reported)
