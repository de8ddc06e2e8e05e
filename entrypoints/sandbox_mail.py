"""The sandbox provider's mail: routes beside those for texts, on the same port, with the same token."""

import asyncio
import contextlib
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import FromQuery, JSONBody

from adapters.email.sandbox_mailbox import Mailbox
from adapters.email.sandbox_records import AcceptedMail, Submission
from adapters.sms.sandbox_carrier import Expired
from domain.kernel import Invalid

_HANG_SECONDS: Final = 60
_PAGE: Final = 1000


def mailbox_of(request: Request[Any, Any, State]) -> Mailbox:
    """Give the mailbox that the application was made with."""
    mailbox = request.app.state.mailbox
    assert isinstance(mailbox, Mailbox)
    return mailbox


def _refused(status: int, code: str, message: str) -> Response[Any]:
    headers = {"retry-after": "1"} if status in (429, 503) else {}
    return Response({"code": code, "message": message}, status_code=status, headers=headers)


async def _hang(request: Request[Any, Any, State]) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(request.app.state.carrier.closing.wait(), _HANG_SECONDS)


@post("/mails")
async def accept_mail(request: Request[Any, Any, State], data: JSONBody[Submission]) -> Response[Any]:
    """Take a mail, or show a fault that was ordered."""
    mailbox = mailbox_of(request)
    faults = mailbox.faults.draw(data.key)
    if "rate_limited" in faults:
        return _refused(429, "rate_limited", "Too many mails at once.")
    if "server_error" in faults:
        return _refused(503, "server_error", "The provider is unwell.")
    if "timeout_before_accept" in faults:
        await _hang(request)
        return _refused(503, "server_error", "The provider took too long.")
    try:
        mail = await mailbox.accept(data)
    except Invalid as refusal:
        return _refused(422, f"invalid_{refusal.details[0][0]}" if refusal.details else "invalid", refusal.message)
    except Expired:
        return _refused(408, "expired", "The mail arrived after its sender had stopped waiting.")
    except OSError:
        return _refused(503, "storage", "The provider could not keep the mail.")
    if "timeout_after_accept" in faults:
        await _hang(request)
    return Response({"id": mail.id}, status_code=201)


@get("/mails")
async def list_mails(
    request: Request[Any, Any, State],
    organization_id: FromQuery[UUID | None] = None,
    before: FromQuery[UUID | None] = None,
    limit: FromQuery[int] = 100,
) -> dict[str, list[AcceptedMail] | UUID | None]:
    """List accepted mail, newest first; `next_cursor` goes into `before`."""
    limit = max(1, min(limit, _PAGE))
    found = mailbox_of(request).mails(organization_id, before, limit)
    return {"data": found, "next_cursor": found[-1].id if len(found) == limit else None}


@get("/mails/by-key")
async def find_mails(request: Request[Any, Any, State], key: FromQuery[str]) -> dict[str, list[AcceptedMail]]:
    """List every mail accepted with this key."""
    return {"data": await mailbox_of(request).by_key(key)}


MAIL_ROUTES = (accept_mail, list_mails, find_mails)
