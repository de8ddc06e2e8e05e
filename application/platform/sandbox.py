"""The sandbox's levers: what its provider accepted, its clock, its faults, and waiting until all is settled."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Protocol

import msgspec

from application.ports import Actor, Command, Filter, UnitOfWork, View
from application.provider import provider_port
from domain.identity.role import Permission
from domain.kernel import Conflict, Invalid, Phone

Fault = Literal[
    "rate_limited",
    "server_error",
    "timeout_before_accept",
    "timeout_after_accept",
    "duplicate_callbacks",
    "late_callbacks",
    "reordered_callbacks",
]
LONGEST_JUMP_SECONDS = 400 * 86_400


class SandboxTextView(View, frozen=True):
    """Show one text that the sandbox's provider accepted."""

    id: str
    to: str
    sender: str = msgspec.field(name="from")
    body: str
    key: str
    accepted_at: datetime


class SandboxTextsView(View, frozen=True):
    """Show what was accepted, newest first."""

    texts: list[SandboxTextView]
    next_cursor: str | None
    example: ClassVar[dict[str, Any]] = {
        "texts": [
            {
                "id": "01890a5d-ae00-7f00-9b00-0c0d0e0f1011",
                "to": "+447700900101",
                "from": "+442079460001",
                "body": "Hi Ada, still interested?",
                "key": "01890a5d-ad10-7c3e-8a53-4f0f6a2c1d77",
                "accepted_at": "2027-03-22T09:00:01Z",
            }
        ],
        "next_cursor": None,
    }


class SandboxMailItem(View, frozen=True):
    """Show one mail that the sandbox's provider accepted."""

    id: str
    to: str
    subject: str
    body: str
    key: str
    accepted_at: datetime


class SandboxMailView(View, frozen=True):
    """Show what mail was accepted, newest first."""

    mails: list[SandboxMailItem]
    next_cursor: str | None
    example: ClassVar[dict[str, Any]] = {
        "mails": [
            {
                "id": "01890a5d-ae00-7f00-9b00-0c0d0e0f1011",
                "to": "rita@bright.example",
                "subject": "Olga Owner invites you to Bright Windows Ltd",
                "body": "Hello, …",
                "key": "01890a5d-ad10-7c3e-8a53-4f0f6a2c1d77",
                "accepted_at": "2027-03-22T09:00:01Z",
            }
        ],
        "next_cursor": None,
    }


class SandboxPage(Filter, frozen=True):
    """Say which part of what was accepted is wanted."""

    cursor: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


class SandboxInbound(Command, frozen=True):
    """Let somebody text one of our numbers."""

    sender: str = msgspec.field(name="from")
    to: str
    body: Annotated[str, msgspec.Meta(max_length=1600)]
    example: ClassVar[dict[str, Any]] = {"from": "+447700900101", "to": "+442079460001", "body": "Yes, how much is it?"}


class SandboxInboundView(View, frozen=True):
    """Show what is on its way to us."""

    id: str
    example: ClassVar[dict[str, Any]] = {"id": "01890a5d-ae00-7f00-9b00-0c0d0e0f1011"}


class MoveClock(Command, frozen=True):
    """Move business time forward: by seconds, or to an instant."""

    advance_seconds: Annotated[float, msgspec.Meta(gt=0, le=LONGEST_JUMP_SECONDS)] | None = None
    set: datetime | None = None
    example: ClassVar[dict[str, Any]] = {"advance_seconds": 3600}


class ClockView(View, frozen=True):
    """Show business time and when the next thing is due."""

    now: datetime
    next_due_at: datetime | None
    example: ClassVar[dict[str, Any]] = {"now": "2027-03-21T08:00:00Z", "next_due_at": "2027-03-21T09:00:00Z"}


class SetFault(Command, frozen=True):
    """Let the provider fail: for the next `next` calls, or each call with a probability."""

    capability: Literal["sms", "email", "booking"]
    fault: Fault
    probability: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    next: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    example: ClassVar[dict[str, Any]] = {"capability": "sms", "fault": "timeout_after_accept", "next": 3}


class FaultsView(View, frozen=True):
    """Show the faults in force."""

    faults: list[dict[str, Any]]
    example: ClassVar[dict[str, Any]] = {"faults": [{"fault": "timeout_after_accept", "probability": None, "next": 3}]}


class WaitingView(View, frozen=True):
    """Count what is not settled yet; what is held or parked does not count."""

    deliveries: int
    claimed: int
    handed: int
    unknown: int
    due: int


class SettledView(View, frozen=True):
    """Say whether all is settled."""

    settled: bool
    waiting: WaitingView
    example: ClassVar[dict[str, Any]] = {
        "settled": True,
        "waiting": {"deliveries": 0, "claimed": 0, "handed": 0, "unknown": 0, "due": 0},
    }


@dataclass(frozen=True, slots=True)
class ProviderState:
    """Tell when the provider has something to bring next, and how much it owes right now."""

    next_due_at: datetime | None
    owed: int


@provider_port
class SandboxProvider(Protocol):
    """Pull the levers of the sandbox's provider process."""

    async def texts(self, organization_id: str, cursor: str | None, limit: int) -> SandboxTextsView:
        """List what it accepted of an organisation."""
        ...

    async def inbound(self, sender: Phone, to: Phone, body: str) -> str:
        """Let it bring a text to us; gives the text's id."""
        ...

    async def move_clock(self, ahead_seconds: float) -> None:
        """Set how far its clock is ahead of real time."""
        ...

    async def state(self) -> ProviderState:
        """Ask what it owes."""
        ...

    async def fault(self, asked: SetFault | None) -> list[dict[str, Any]]:
        """Set a fault, or None: clear all; gives those in force."""
        ...


@provider_port
class SandboxMailbox(Protocol):
    """Read what the sandbox's provider process took as mail."""

    async def mails(self, organization_id: str, cursor: str | None, limit: int) -> SandboxMailView:
        """List what it accepted of an organisation."""
        ...


class SandboxClock(Protocol):
    """Know and move business time."""

    async def read(self) -> ClockView:
        """Tell business time and when the next schedule is due."""
        ...

    async def move(self, asked: MoveClock, provider: SandboxProvider) -> None:
        """Move it, with the provider's, while no hand-over is under way; back is refused."""
        ...


class OpenWork(Protocol):
    """Count what is under way."""

    async def count(self) -> WaitingView:
        """Count it, in the caller's organisation where rows are its own."""
        ...


class Pause(Protocol):
    """Wait a moment."""

    async def __call__(self, seconds: float) -> None:
        """Wait."""
        ...


@dataclass(frozen=True)
class Sandbox:
    """Work the sandbox's levers."""

    actor: Actor
    uow: UnitOfWork
    provider: SandboxProvider
    mailbox: SandboxMailbox
    clock: SandboxClock
    work: OpenWork
    pause: Pause

    async def texts(self, page: SandboxPage) -> SandboxTextsView:
        """List what the text provider accepted from this organisation, newest first."""
        self.actor.require(Permission.SANDBOX)
        return await self.provider.texts(str(self.actor.organization_id), page.cursor, page.limit)

    async def mails(self, page: SandboxPage) -> SandboxMailView:
        """List what the mail provider accepted from this organisation, newest first."""
        self.actor.require(Permission.SANDBOX)
        return await self.mailbox.mails(str(self.actor.organization_id), page.cursor, page.limit)

    async def inbound(self, asked: SandboxInbound) -> SandboxInboundView:
        """Let somebody text us: through the provider and its signed webhook."""
        self.actor.require(Permission.SANDBOX)
        sender, to = _phone(asked.sender, "from"), _phone(asked.to, "to")
        return SandboxInboundView(id=await self.provider.inbound(sender, to, asked.body))

    async def show_clock(self) -> ClockView:
        """Tell business time, and when the next thing is due here or at the provider."""
        self.actor.require(Permission.INSTALLATION)
        view = await self.clock.read()
        state = await self.provider.state()
        due = [at for at in (view.next_due_at, state.next_due_at) if at is not None]
        return ClockView(now=view.now, next_due_at=min(due) if due else None)

    async def move_clock(self, asked: MoveClock) -> ClockView:
        """Move business time forward for the whole installation."""
        self.actor.require(Permission.INSTALLATION)
        if (asked.advance_seconds is None) == (asked.set is None):
            raise Invalid("Say either `advance_seconds` or `set`.", field="advance_seconds")
        await self.clock.move(asked, self.provider)
        return await self.show_clock()

    async def fault(self, asked: SetFault) -> FaultsView:
        """Let the provider fail on demand."""
        self.actor.require(Permission.INSTALLATION)
        if (asked.probability is None) == (asked.next is None):
            raise Invalid("Say either `probability` or `next`.", field="probability")
        return FaultsView(faults=await self.provider.fault(asked))

    async def clear_faults(self) -> FaultsView:
        """Let the provider work well again."""
        self.actor.require(Permission.INSTALLATION)
        return FaultsView(faults=await self.provider.fault(None))

    async def settle(self) -> SettledView:
        """Wait, at most 20 seconds, until nothing is under way; call again until it says settled."""
        self.actor.require(Permission.INSTALLATION)
        quiet = 0
        waiting = WaitingView(deliveries=1, claimed=0, handed=0, unknown=0, due=0)
        for _ in range(360):
            owed = (await self.provider.state()).owed
            async with self.uow.reading():
                found = await self.work.count()
            waiting = msgspec.structs.replace(found, due=found.due + owed)
            quiet = 0 if any(msgspec.structs.astuple(waiting)) else quiet + 1
            if quiet == 2:
                return SettledView(settled=True, waiting=waiting)
            await self.pause(0.05)
        return SettledView(settled=False, waiting=waiting)


def _phone(text: str, field: str) -> Phone:
    try:
        return Phone(text)
    except Invalid as refusal:
        raise Invalid(refusal.message, field=field) from None


def ahead_of(now: datetime, ahead_seconds: float, asked: MoveClock) -> float:
    """Work out how far ahead of real time business time is to be; back is refused."""
    if asked.advance_seconds is not None:
        return ahead_seconds + asked.advance_seconds
    assert asked.set is not None
    if asked.set.tzinfo is None:
        raise Invalid("Give the instant with its zone, such as 2026-11-21T09:00:00Z.", field="set")
    jump = (asked.set - now).total_seconds()
    if jump < 0:
        raise Conflict("The sandbox clock only moves forward.")
    if jump > LONGEST_JUMP_SECONDS:
        raise Invalid("The clock moves 400 days at most at once.", field="set")
    return ahead_seconds + jump
