"""What handing over needs: rows that move through their states, accounts to text through, and a lock on the clock."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from application.messaging.texting import Price, TextingAccount, TextingAccounts
from application.provider import Unavailable
from domain.messaging.message import Settled
from domain.messaging.policy import Channel, Purpose, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """Hold one ledger row that this worker has taken, with what it takes to hand it over.

    `doubted_since` is when the backup was made from which the database was restored, where the provider may have taken
    this text since: it is asked first. `provider` is the account that it was last handed to, `left_from` the number or
    service that it left from then, `author_id` who wrote it.
    """

    id: UUID
    purpose: Purpose
    channel: Channel
    contact_id: UUID
    lead_id: UUID | None
    campaign_id: UUID | None
    touch: str | None
    variant: str | None
    recipient: str
    sender: str
    body: str
    turn_number: int
    useful_until: datetime | None
    attempts: int
    author_id: UUID | None
    provider: str | None
    left_from: str | None
    handed_at: datetime | None
    handed_machine_at: datetime | None
    doubted_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Say what became of one row: the state to write, and when it is due again if it is to be planned anew.

    `error` is a sentence, `code` the provider's own. `untried` rows were not even called about, which counts as no
    attempt.
    """

    id: UUID
    state: str
    provider_id: str | None = None
    segments: int | None = None
    price: Price | None = None
    error: str | None = None
    code: str | None = None
    due_at: datetime | None = None
    settled: Settled | None = None
    untried: bool = False


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Tell which rows are handed and may be sent, and which the gate refused for good."""

    handed: frozenset[UUID]
    refused: frozenset[UUID]


class HandOvers(Protocol):
    """Move ledger rows through their states; every write is conditional on the state it found."""

    async def claim(
        self, batch: UUID, limit: int, lease: timedelta, only: UUID | None = None, by: Collection[UUID] = ()
    ) -> list[Claimed]:
        """Take due rows, or the one named, or those that some people wrote, until the lease (machine time) ends."""
        ...

    async def hand(
        self,
        batch: UUID,
        verdicts: Sequence[tuple[UUID, Verdict]],
        accounts: Mapping[UUID, TextingAccount],
        at: datetime,
    ) -> HandedOver:
        """Write verdicts on the rows that are still claimed, and through which account each of them leaves."""
        ...

    async def write(self, results: Sequence[Result], at: datetime, batch: UUID | None) -> frozenset[UUID]:
        """Write what became of rows still handed by this batch, or without a batch still unknown; gives those.

        A worker that slept past its lease writes nothing over what another one has done with its rows meanwhile.
        """
        ...

    async def unclaim(self, batch: UUID, ids: Sequence[UUID]) -> None:
        """Put back what this batch claimed and did not come to; it was no attempt."""
        ...

    async def expired(self, provider_limit: timedelta, limit: int) -> list[Claimed]:
        """Put claimed rows whose lease ended back, mark handed ones unknown; gives unknown ones to ask about.

        What it gives is not given again for as long as half of the time since it was handed over, so that what nobody
        can tell keeps nothing else from being asked about.
        """
        ...

    async def ask_again(self, waits: Mapping[UUID, float]) -> None:
        """Give unknown rows again in so many seconds, where the provider named a time."""
        ...

    async def known(
        self, provider_ids: Collection[str], recipients: Collection[str], batch: UUID | None
    ) -> tuple[frozenset[str], frozenset[str]]:
        """Pick out those of a provider's ids that rows to these recipients bear, and those of the recipients to whom
        another batch's text is on its way, so that an id may be that one's.

        Whoever asks after this one waits until the unit of work ends, for the ids that it gives to rows.
        """
        ...

    async def next_look(self, provider_limit: timedelta) -> float | None:
        """Tell in how many seconds a claimed, handed or unknown row is to be looked at; None where there is none."""
        ...

    async def next_due(self, by: Collection[UUID] = ()) -> datetime | None:
        """Tell when the next planned row is due, or the next one that some people wrote."""
        ...


class Callbacks(Protocol):
    """Know the addresses at which providers tell what became of a message."""

    def of(self, provider: str, organization_id: UUID, send_id: UUID) -> str:
        """Give a provider's address for one message; it carries organisation and ledger id."""
        ...


class AccountBook(Protocol):
    """Know through whom the organisation of the open unit of work texts, and note how it goes where people see it."""

    async def accounts(self) -> TextingAccounts:
        """Open them all."""
        ...

    async def note(self, used: Collection[str], failed: Mapping[str, Unavailable]) -> frozenset[str]:
        """Note which accounts served, and why others did not, by their names; gives those whose trouble is new.

        A number of one organisation's (`sender_only`) is no trouble of an account that serves everybody.
        """
        ...


class HandOverLock(Protocol):
    """Keep the sandbox's clock from moving between a verdict and its receipt; any number may hold it together."""

    def shared(self) -> AbstractAsyncContextManager[None]:
        """Hold it."""
        ...
