"""What providers tell us: written down once, obeyed once, in whatever order it comes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

from application.messaging.texting import Price
from application.ports import UnitOfWork, public
from domain.kernel import Invalid, Phone, new_id
from domain.messaging.message import MessagesSettled, MessageStatus, RecipientRefused, Settled, TextArrived, later

_LONGEST_ID: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Hold one call of a provider; `external_id` is unique by provider and account."""

    provider: str
    account: str
    external_id: str
    kind: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingText:
    """Hold a text as a provider brought it."""

    notice: Notice
    sender: str
    recipient: str
    body: str
    media: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Hold what a provider says became of a message."""

    notice: Notice
    send_id: UUID
    status: MessageStatus
    provider_id: str
    error: str | None
    permanent: bool
    at: datetime
    opted_out: bool = False
    price: Price | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """Tell where an outgoing message stands; `unsettled` when it was handed over once and may be again, or nobody knows
    whether the provider took it."""

    status: MessageStatus
    unsettled: bool
    contact_id: UUID
    recipient: str
    lead_id: UUID | None
    campaign_id: UUID | None
    touch: str | None
    purpose: str
    variant: str | None
    handed_at: datetime | None


class InboundStore(Protocol):
    """Keep notices."""

    async def write_down(self, notices: Sequence[Notice]) -> list[bool]:
        """Store notices; tells of each whether it is new."""
        ...


class ReportedMessages(Protocol):
    """Move outgoing messages on by what their provider reports."""

    async def outgoing(self, identifier: UUID) -> Outgoing | None:
        """Lock an outgoing message and tell where it stands."""
        ...

    async def move(self, report: Report, status: MessageStatus, handed_at: datetime | None) -> None:
        """Write a status and what came with it; it was sent when it was handed over."""
        ...

    async def price(self, report: Report) -> None:
        """Write what a message cost."""
        ...

    async def settle(self, report: Report) -> None:
        """Note that the provider did take a message of which nobody knew."""
        ...


@dataclass(frozen=True)
class ProviderNotices:
    """Take in what providers tell us, once their signature was checked at the door."""

    uow: UnitOfWork
    inbound: InboundStore
    reported: ReportedMessages

    @public
    async def texts(self, texts: Sequence[IncomingText]) -> None:
        """Write incoming texts down together and let each be worked off; one that was here before changes nothing."""
        async with self.uow:
            fresh = await self.inbound.write_down([text.notice for text in texts])
            for text, new in zip(texts, fresh, strict=True):
                if new and _is_number(text.sender):
                    self.uow.publish(_arrived(text))

    @public
    async def strays(self, texts: Sequence[IncomingText]) -> None:
        """Write down texts to numbers of nobody's, of which nothing follows."""
        async with self.uow:
            await self.inbound.write_down([text.notice for text in texts])

    @public
    async def report(self, report: Report) -> None:
        """Move a message forward; a report that comes twice or late moves nothing back.

        Done at once and not by an event: it is a few rows of our own, and there are several for every text.
        """
        async with self.uow:
            [fresh] = await self.inbound.write_down([report.notice])
            if not fresh:
                return
            message = await self.reported.outgoing(report.send_id)
            if message is None:
                return
            # Whatever we thought, it has a text of ours: `queued` says as much of it as its own answer would have.
            taken = message.unsettled and bool(report.provider_id)
            status = later(message.status, later(MessageStatus.SENT, report.status) if taken else report.status)
            if status is not message.status:
                await self.reported.move(report, status, message.handed_at)
            if report.price is not None:
                await self.reported.price(report)
            if taken:
                await self.reported.settle(report)
                self._settled(report, message, "accepted")
            if report.permanent and status is MessageStatus.FAILED is not message.status:
                self._settled(report, message, "unreachable")
            if report.opted_out:
                self.uow.publish(
                    RecipientRefused(
                        subject=report.send_id,
                        contact_id=message.contact_id,
                        address=message.recipient,
                        code=report.error or "",
                    )
                )

    def _settled(self, report: Report, message: Outgoing, outcome: str) -> None:
        settled = Settled(
            send_id=report.send_id,
            outcome=outcome,
            at=message.handed_at or report.at,
            lead_id=message.lead_id,
            campaign_id=message.campaign_id,
            touch=message.touch,
            purpose=message.purpose,
            variant=message.variant,
        )
        self.uow.publish(MessagesSettled(subject=report.send_id, settled=(settled,)))


def identifier(given: str, field: str) -> str:
    """Refuse what is longer than any provider's ids: whoever signs may be careless, and an index holds no book."""
    if len(given) > _LONGEST_ID:
        raise Invalid(f"An id has at most {_LONGEST_ID} characters.", field=field)
    return given


def storable(value: Any) -> Any:
    """Drop NUL and replace halves of characters: PostgreSQL takes neither."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {storable(k): storable(v) for k, v in value.items()}
    return [storable(v) for v in value] if isinstance(value, list) else value


def _arrived(text: IncomingText) -> TextArrived:
    return TextArrived(
        subject=new_id(),
        provider=text.notice.provider,
        external_id=text.notice.external_id,
        sender=Phone(text.sender),
        recipient=text.recipient,
        body=text.body.replace("\x00", ""),
        media=text.media,
        at=text.at,
    )


def _is_number(sender: str) -> bool:
    try:
        Phone(sender)
    except Invalid:
        return False  # a name or a short code: nobody to answer
    return True
