"""The sandbox provider: `python -m entrypoints.sandbox_provider`, a process of its own on a loopback port."""

import asyncio
import hmac
import os
import signal
import sys
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar, Request, Response, delete, get, post
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.exceptions import NotAuthorizedException, ValidationException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromQuery, JSONBody
from msgspec import Struct

from adapters.booking.sandbox_diary import Diary
from adapters.email.sandbox_mailbox import Mailbox
from adapters.sms.sandbox import provider_token, webhook_secret
from adapters.sms.sandbox_carrier import Carrier, Expired
from adapters.sms.sandbox_faults import Fault, FaultRule
from adapters.sms.sandbox_records import AcceptedText, InboundText, Submission
from domain.kernel import Conflict, Invalid, Refusal
from entrypoints.config import Config
from entrypoints.config_reading import on_this_machine
from entrypoints.pulse import pulse
from entrypoints.sandbox_calendar import CALENDAR_ROUTES, diary_of
from entrypoints.sandbox_mail import MAIL_ROUTES, mailbox_of

_HANG_SECONDS: Final = 60
_PAGE: Final = 1000


class TypedText(Struct, forbid_unknown_fields=True):
    """Hold what a person is to send, as typed by a human."""

    sender: str = msgspec.field(name="from")
    to: str
    body: str
    media: tuple[str, ...] = ()
    organization_id: UUID | None = None


class MovedClock(Struct, forbid_unknown_fields=True):
    """Hold how many seconds business time is to be ahead of real time."""

    offset_seconds: float


class FaultOrder(Struct, forbid_unknown_fields=True):
    """Hold a fault to show, with a probability or for the next texts; exactly one of the two."""

    capability: str
    fault: Fault
    probability: float | None = None
    next: int | None = None


def _carrier(request: Request[Any, Any, State]) -> Carrier:
    carrier = request.app.state.carrier
    assert isinstance(carrier, Carrier)
    return carrier


def _refused(status: int, code: str, message: str, *, retry_after: int | None = None) -> Response[Any]:
    headers = {"retry-after": str(retry_after)} if retry_after is not None else {}
    return Response({"code": code, "message": message}, status_code=status, headers=headers)


@post("/texts")
async def accept_text(request: Request[Any, Any, State], data: JSONBody[Submission]) -> Response[Any]:
    """Take a text, or show a fault that was ordered."""
    carrier = _carrier(request)
    faults = carrier.faults.draw(data.key)
    if "rate_limited" in faults:
        return _refused(429, "rate_limited", "Too many texts at once.", retry_after=1)
    if "server_error" in faults:
        return _refused(503, "server_error", "The provider is unwell.", retry_after=1)
    if "timeout_before_accept" in faults:
        await _hang(carrier)
        return _refused(503, "server_error", "The provider took too long.")
    try:
        text = await carrier.accept(data, faults)
    except Invalid as refusal:
        return _refused(422, f"invalid_{refusal.details[0][0]}" if refusal.details else "invalid", refusal.message)
    except Expired:
        return _refused(408, "expired", "The text arrived after its sender had stopped waiting.")
    except OSError:
        return _refused(503, "storage", "The provider could not keep the text.", retry_after=1)
    if "timeout_after_accept" in faults:
        await _hang(carrier)
    return Response({"id": text.id}, status_code=201)


async def _hang(carrier: Carrier) -> None:
    try:
        await asyncio.wait_for(carrier.closing.wait(), _HANG_SECONDS)
    except TimeoutError:
        return


@get("/texts")
async def list_texts(
    request: Request[Any, Any, State],
    organization_id: FromQuery[UUID | None] = None,
    before: FromQuery[UUID | None] = None,
    limit: FromQuery[int] = 100,
) -> dict[str, list[AcceptedText] | UUID | None]:
    """List accepted texts, newest first; `next_cursor` goes into `before`."""
    limit = max(1, min(limit, _PAGE))
    found = _carrier(request).texts(organization_id, before, limit)
    return {"data": found, "next_cursor": found[-1].id if len(found) == limit else None}


@get("/texts/by-key")
async def find_texts(
    request: Request[Any, Any, State], key: FromQuery[str], to: FromQuery[str]
) -> dict[str, list[AcceptedText]]:
    """List every text accepted with this key for this number."""
    return {"data": await _carrier(request).by_key(key, to)}


@get("/inbound")
async def list_inbound(
    request: Request[Any, Any, State],
    organization_id: FromQuery[UUID | None] = None,
    before: FromQuery[str | None] = None,
    limit: FromQuery[int] = 100,
) -> dict[str, list[InboundText] | str | None]:
    """List what people wrote and the API answered, newest first."""
    limit = max(1, min(limit, _PAGE))
    found = _carrier(request).inbound(organization_id, before, limit)
    return {"data": found, "next_cursor": found[-1].id if len(found) == limit else None}


@post("/inbound")
async def send_inbound(request: Request[Any, Any, State], data: JSONBody[TypedText]) -> InboundText:
    """Send a person's text to the API now."""
    return await _carrier(request).typed(data.sender, data.to, data.body, data.media, data.organization_id)


@get("/state")
async def show_state(request: Request[Any, Any, State]) -> dict[str, Any]:
    """Tell business time, when something falls due next, and what is due and not yet taken by the API."""
    carrier = _carrier(request)
    deliveries = carrier.deliveries
    # In this order: asking what is next moves what has fallen due over to what is pending.
    next_due_at = deliveries.next_due_at
    return {
        "now": carrier.now(),
        "offset_seconds": carrier.offset,
        "next_due_at": next_due_at,
        "pending": deliveries.pending,
        "in_flight": deliveries.in_flight,
    }


@post("/clock", status_code=200)
async def move_clock(request: Request[Any, Any, State], data: JSONBody[MovedClock]) -> dict[str, Any]:
    """Move business time forward; what is then due goes out at once."""
    carrier = _carrier(request)
    carrier.move_clock(data.offset_seconds)
    return {"now": carrier.now(), "offset_seconds": carrier.offset}


@post("/faults")
async def order_fault(request: Request[Any, Any, State], data: JSONBody[FaultOrder]) -> FaultRule:
    """Show a fault from now on."""
    if data.capability not in ("sms", "email", "booking"):
        raise Invalid("This provider has only the capabilities sms, email and booking.", field="capability")
    if data.capability != "sms" and data.fault.endswith("_callbacks"):
        raise Invalid("Only texts are called back about.", field="fault")
    if (data.probability is None) == (data.next is None):
        raise Invalid("Give either a probability or the number of next texts.", field="probability")
    if data.probability is not None and not 0 < data.probability <= 1:
        raise Invalid("A probability lies above 0 and at most at 1.", field="probability")
    if data.next is not None and data.next < 1:
        raise Invalid("At least one text must show the fault.", field="next")
    rule = FaultRule(data.fault, data.probability, data.next)
    faults = {"sms": _carrier(request).faults, "email": mailbox_of(request).faults}
    faults.get(data.capability, diary_of(request).faults).order(rule)
    return rule


@get("/faults")
async def list_faults(request: Request[Any, Any, State]) -> dict[str, list[FaultRule]]:
    """List the faults that can still strike, those of texts first."""
    carrier, mailbox, diary = _carrier(request), mailbox_of(request), diary_of(request)
    return {"data": carrier.faults.rules() + mailbox.faults.rules() + diary.faults.rules()}


@delete("/faults")
async def clear_faults(request: Request[Any, Any, State]) -> None:
    """Show no faults any more."""
    _carrier(request).faults.clear()
    mailbox_of(request).faults.clear()
    diary_of(request).faults.clear()


def _refusal(_: Request[Any, Any, State], refusal: Refusal) -> Response[Any]:
    return _refused(409 if isinstance(refusal, Conflict) else 400, refusal.code, refusal.message)


def _unreadable(_: Request[Any, Any, State], error: ValidationException) -> Response[Any]:
    return Response({"code": "unreadable", "message": error.detail, "details": error.extra}, status_code=400)


def app(carrier: Carrier, mailbox: Mailbox, diary: Diary, token: str) -> Litestar:
    """Make the provider's HTTP face; every request must carry `token` as its bearer."""
    expected = f"Bearer {token}".encode()

    async def check_token(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        if not hmac.compare_digest(connection.headers.get("authorization", "").encode(), expected):
            raise NotAuthorizedException

    return Litestar(
        route_handlers=[
            accept_text,
            list_texts,
            find_texts,
            list_inbound,
            send_inbound,
            show_state,
            move_clock,
            order_fault,
            list_faults,
            clear_faults,
            *MAIL_ROUTES,
            *CALENDAR_ROUTES,
        ],
        guards=[check_token],
        exception_handlers={Refusal: _refusal, ValidationException: _unreadable},
        state=State({"carrier": carrier, "mailbox": mailbox, "diary": diary}),
        openapi_config=None,
    )


async def serve(config: Config, seed: str) -> None:
    """Serve until SIGTERM or SIGINT; raises `Invalid` for an address outside this machine, `Conflict` for a twin."""
    address = urlsplit(config.sandbox_provider_url)
    host, port = address.hostname or "", address.port or 80
    if not on_this_machine(config.sandbox_provider_url):
        raise Invalid("RAPPORT_SANDBOX_PROVIDER_URL must be a loopback address: the provider serves this machine only.")
    async with Carrier.open(
        config.data_dir / "sandbox",
        seed=seed,
        secret=webhook_secret(config.derived_key("sandbox-webhooks")),
        inbound_url=f"{config.public_url}/api/v1/webhooks/sandbox/sms",
    ) as carrier:
        mailbox = Mailbox(config.data_dir / "sandbox", seed, carrier.now)
        diary = Diary(config.data_dir / "sandbox", seed, carrier.now)
        server = Server(
            app(carrier, mailbox, diary, provider_token(config.derived_key("sandbox-provider"))),
            address="127.0.0.1" if host == "localhost" else host,
            port=port,
            interface=Interfaces.ASGI,
            websockets=False,
            backlog=1024,
            log_enabled=False,
        )

        def stop() -> None:
            carrier.closing.set()
            server.stop()  # type: ignore[no-untyped-call]

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop)
        beating = asyncio.create_task(pulse())
        await server.serve()
        await mailbox.close()
        await diary.close()
        beating.cancel()


def main() -> None:
    """Serve with the environment's settings; `RAPPORT_SANDBOX_SEED` picks who answers what (default `rapport`)."""
    try:
        config = Config.load()
        if not config.sandbox:
            raise Conflict("The sandbox provider runs in sandbox mode only (RAPPORT_SANDBOX=1).")
        uvloop.run(serve(config, os.environ.get("RAPPORT_SANDBOX_SEED", "rapport")))
    except (Refusal, RuntimeError) as error:
        sys.exit(f"sandbox provider: {error}")


if __name__ == "__main__":
    main()
