"""The sandbox's telephone company: takes texts, keeps them in its own files and works out what follows from each."""

import asyncio
import contextlib
import fcntl
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self, TypeVar
from uuid import UUID

import httpx
import msgspec

from adapters.sms.sandbox_deliveries import CONNECTIONS, Deliveries, Owed
from adapters.sms.sandbox_faults import Faults
from adapters.sms.sandbox_journal import Journal
from adapters.sms.sandbox_people import People, Reply, is_landline
from adapters.sms.sandbox_records import (
    AcceptedText,
    InboundNotice,
    InboundText,
    StatusCallback,
    StatusNotice,
    Submission,
    encode,
)
from domain.kernel import Conflict, Invalid, Phone, new_id

_ANSWER_WITHIN = httpx.Timeout(15, connect=2)
_LATE_AT_LEAST, _LATE_AT_MOST = timedelta(minutes=10), timedelta(hours=2)
_Line = TypeVar("_Line", AcceptedText, InboundText)


class Expired(Exception):
    """Say that the sender had stopped waiting, so the text was not taken."""


class Carrier:
    """Be the sandbox provider on one folder; `open` makes one, and only one process at a time may have it open."""

    def __init__(self, folder: Path, seed: str, secret: str, inbound_url: str, client: httpx.AsyncClient) -> None:
        self.people = People(seed)
        self.faults = Faults(seed)
        self.closing = asyncio.Event()
        self._inbound_url = inbound_url
        self._texts = Journal(folder / "texts.jsonl", durable=True)
        self._replies = Journal(folder / "replies.jsonl", durable=True)
        self._typed = Journal(folder / "typed.jsonl", durable=True)
        # A lost line here only means that a callback comes twice, so no power cut is worth an fsync.
        self._callbacks = Journal(folder / "callbacks.jsonl", durable=False)
        self._clock_file = folder / "clock.json"
        moved = float(self._clock_file.read_text()) if self._clock_file.exists() else 0.0
        self._offset = timedelta(seconds=moved)
        self._accepted: list[AcceptedText] = []
        self._by_key: dict[tuple[str, str], list[AcceptedText]] = defaultdict(list)
        self._received: dict[tuple[UUID, str], int] = defaultdict(int)
        self._inbound: list[InboundText] = []
        self.deliveries = Deliveries(client, secret, self.now, self._settled)
        self._recall()

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, folder: Path, *, seed: str, secret: str, inbound_url: str) -> AsyncIterator[Self]:
        """Open the folder, owe what was owed when it was last used, and deliver until the block is left.

        Raises `Conflict` when another process has it open.
        """
        os.makedirs(folder, mode=0o700, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict(f"Another sandbox provider is running on {folder}.") from None
            limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
            async with httpx.AsyncClient(timeout=_ANSWER_WITHIN, limits=limits, trust_env=False) as client:
                carrier = cls(folder, seed, secret, inbound_url, client)
                delivering = asyncio.create_task(carrier.deliveries.run())
                try:
                    yield carrier
                finally:
                    carrier.closing.set()
                    delivering.cancel()
                    await asyncio.gather(delivering, return_exceptions=True)
                    for journal in (carrier._texts, carrier._replies, carrier._typed, carrier._callbacks):
                        await journal.close()
        finally:
            os.close(lock)

    def now(self) -> datetime:
        """Tell business time."""
        return datetime.now(UTC) + self._offset

    @property
    def offset(self) -> float:
        """Tell how many seconds business time is ahead of real time."""
        return self._offset.total_seconds()

    def move_clock(self, offset: float) -> None:
        """Set business time this many seconds ahead of real time; back is a `Conflict`."""
        moved = timedelta(seconds=offset)
        if moved < self._offset:
            raise Conflict("The sandbox clock only moves forward.")
        draft = self._clock_file.with_suffix(".draft")
        with draft.open("w") as file:
            file.write(repr(moved.total_seconds()))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self._clock_file)
        self._offset = moved
        self.deliveries.wake()

    async def accept(self, submission: Submission, faults: Iterable[str] = ()) -> AcceptedText:
        """Take a text, once it is on disk; the same key again is another text.

        Raises `Invalid` for what a carrier refuses, `Expired`, and OSError when it could not be kept.
        """
        _check(submission)
        if submission.give_up_at is not None and submission.give_up_at < datetime.now(UTC):
            raise Expired
        person = (submission.organization_id, submission.to)
        self._received[person] += 1
        text = AcceptedText(
            id=new_id(),
            organization_id=submission.organization_id,
            to=submission.to,
            sender=submission.sender,
            body=submission.body,
            key=submission.key,
            callback_url=submission.callback_url,
            accepted_at=self.now(),
            offset=self.offset,
            nth=self._received[person],
            faults=tuple(
                fault for fault in ("duplicate_callbacks", "late_callbacks", "reordered_callbacks") if fault in faults
            ),
        )
        try:
            await self._texts.append(encode(text))
        except OSError:
            self._received[person] -= 1
            raise
        self._remember(text)
        for owed in self._consequences(text):
            self.deliveries.owe(owed)
        return text

    async def typed(
        self, sender: str, to: str, body: str, media: Sequence[str], organization: UUID | None
    ) -> InboundText:
        """Send a person's text to the API now; it is kept first, so that it arrives whatever dies."""
        for number in (sender, to):
            Phone(number)
        said = InboundText(
            id=f"in_{new_id().hex}",
            organization_id=organization,
            sender=sender,
            to=to,
            body=body,
            media=tuple(media),
            at=self.now(),
        )
        await self._typed.append(encode(said))
        self.deliveries.owe(self._inbound_owed(said))
        return said

    async def by_key(self, key: str, to: str) -> list[AcceptedText]:
        """List every text accepted with this key for this number, also those just being written."""
        await self._texts.settle()
        return list(self._by_key.get((key, to), ()))

    def texts(self, organization: UUID | None, before: UUID | None, limit: int) -> list[AcceptedText]:
        """List accepted texts newest first, from the one accepted before `before`."""
        return _page(self._accepted, organization, str(before) if before else None, limit)

    def inbound(self, organization: UUID | None, before: str | None, limit: int) -> list[InboundText]:
        """List what people wrote and our API answered, newest first."""
        return _page(self._inbound, organization, before, limit)

    def _remember(self, text: AcceptedText) -> None:
        self._accepted.append(text)
        self._by_key[text.key, text.to].append(text)

    def _recall(self) -> None:
        callbacks = msgspec.json.Decoder(StatusCallback)
        replies = msgspec.json.Decoder(InboundText)
        texts = msgspec.json.Decoder(AcceptedText)
        done = {callbacks.decode(line).id for line in self._callbacks.lines()}
        self._inbound.extend(replies.decode(line) for line in self._replies.lines())
        done.update(reply.id for reply in self._inbound)
        for line in self._texts.lines():
            text = texts.decode(line)
            self._received[text.organization_id, text.to] = text.nth
            self._remember(text)
            for owed in self._consequences(text):
                if owed.id not in done:
                    self.deliveries.owe(owed)
        for line in self._typed.lines():
            said = replies.decode(line)
            if said.id not in done:
                self.deliveries.owe(self._inbound_owed(said))

    def _consequences(self, text: AcceptedText) -> list[Owed]:
        statuses = self._status_callbacks(text)
        replies = self.people.replies(text.to, text.nth, text.accepted_at, text.body)
        return statuses + [self._inbound_owed(_written(text, reply, n)) for n, reply in enumerate(replies)]

    def _status_callbacks(self, text: AcceptedText) -> list[Owed]:
        due = text.accepted_at
        if "late_callbacks" in text.faults:
            due += _LATE_AT_LEAST + (_LATE_AT_MOST - _LATE_AT_LEAST) * self.people.draw(text.to, f"late {text.id}")
        steps = list(self.people.statuses(text.to))
        if "reordered_callbacks" in text.faults:
            steps.reverse()
        owed = []
        for step in steps:
            record = StatusCallback(
                id=f"st_{text.id.hex}_{step.status}",
                text_id=text.id,
                organization_id=text.organization_id,
                key=text.key,
                to=text.to,
                sender=text.sender,
                status=step.status,
                error_code=step.error_code,
                permanent=step.permanent,
                at=due,
            )
            body = encode(msgspec.convert(record, StatusNotice, from_attributes=True))
            twice = "duplicate_callbacks" in text.faults
            owed.append(Owed(record.id, due, f"status {text.to}", text.callback_url, body, record, twice))
        return owed

    def _inbound_owed(self, said: InboundText) -> Owed:
        body = encode(msgspec.convert(said, InboundNotice, from_attributes=True))
        # A lane apart from the receipts: somebody's STOP never waits behind a receipt that nobody takes.
        return Owed(said.id, said.at, f"reply {said.sender}", self._inbound_url, body, said)

    async def _settled(self, owed: Owed, answered_at: datetime) -> None:
        record = owed.record
        if isinstance(record, InboundText):
            answered = msgspec.structs.replace(record, answered_at=answered_at)
            await self._replies.append(encode(answered))
            self._inbound.append(answered)
        elif isinstance(record, StatusCallback):
            await self._callbacks.append(encode(msgspec.structs.replace(record, answered_at=answered_at)))


def _written(text: AcceptedText, reply: Reply, number: int) -> InboundText:
    return InboundText(
        id=f"in_{text.id.hex}_{number}",
        organization_id=text.organization_id,
        sender=text.to,
        to=text.sender,
        body=reply.body,
        at=reply.due,
        in_reply_to=text.id,
        script=reply.script,
        means_stop=reply.means_stop,
    )


def _check(submission: Submission) -> None:
    Phone(submission.to)
    Phone(submission.sender)
    if is_landline(submission.to):
        raise Invalid("This number cannot take texts.", field="to")
    if not submission.body.strip():
        raise Invalid("A text needs a body.", field="body")
    if len(submission.body) > 1600:
        raise Invalid("A text holds at most 1,600 characters.", field="body")


def _page(lines: Sequence[_Line], organization: UUID | None, before: str | None, limit: int) -> list[_Line]:
    found: list[_Line] = []
    started = before is None
    for line in reversed(lines):
        if not started:
            started = str(line.id) == before
        elif organization is None or line.organization_id == organization:
            found.append(line)
            if len(found) == limit:
                break
    return found
