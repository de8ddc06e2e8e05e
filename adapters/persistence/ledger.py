"""The send ledger: rows written once by their natural keys, moved on only from the state they are found in."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from adapters.persistence import ledger_sql as sql
from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.store import encode_json
from application.messaging.gate import Entry
from application.messaging.hand_overs import Claimed, HandedOver, Result
from application.messaging.texting import TextingAccount
from domain.kernel import new_id
from domain.messaging.policy import Allow, Channel, Delay, Hold, Purpose, Verdict

_STATUS = {"accepted": "sent", "rejected": "failed", "unknown": "unknown", "planned": "pending", "parked": "unknown"}


def reasons_json(verdict: Verdict) -> str:
    """Write a verdict's reasons as they are stored and shown."""
    return encode_json(verdict.reasons)


class PostgresLedger:
    """Be the `Ledger` of the gate and the `HandOvers` of sending."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def record(self, entries: Sequence[Entry], sender: str, at: datetime) -> frozenset[UUID]:
        """Insert threads, messages and rows for drafts whose natural key is new."""
        keys = [entry.draft.natural_key for entry in entries]
        known = await self._uow.connection.fetch(sql.KNOWN, self._uow.organization_id, keys)
        taken = {row["natural_key"] for row in known}
        fresh = [entry for entry in entries if entry.draft.natural_key not in taken]
        if not fresh:
            return frozenset()
        threads = await self._threads(fresh, at)
        await self._messages(fresh, threads, sender, at)
        await self._sends(fresh, threads, sender, at)
        return frozenset(entry.draft.id for entry in fresh)

    async def _threads(self, entries: Sequence[Entry], at: datetime) -> dict[tuple[UUID, str], UUID]:
        once = {(entry.draft.contact_id, entry.draft.channel.value): entry.draft for entry in entries}
        drafts = [once[key] for key in sorted(once)]
        rows = await self._uow.connection.fetch(
            sql.THREADS,
            self._uow.organization_id,
            [new_id() for _ in drafts],
            [d.contact_id for d in drafts],
            [d.lead_id for d in drafts],
            [d.channel.value for d in drafts],
            [d.recipient for d in drafts],
            at,
        )
        return {(row["contact_id"], row["channel"]): row["id"] for row in rows}

    async def _messages(
        self, entries: Sequence[Entry], threads: dict[tuple[UUID, str], UUID], sender: str, at: datetime
    ) -> None:
        drafts = [entry.draft for entry in entries]
        await self._uow.connection.execute(
            sql.MESSAGES,
            self._uow.organization_id,
            sender,
            at,
            [d.id for d in drafts],
            [threads[d.contact_id, d.channel.value] for d in drafts],
            [d.contact_id for d in drafts],
            [d.lead_id for d in drafts],
            [d.channel.value for d in drafts],
            [d.category for d in drafts],
            ["refused" if entry.state == "refused" else "pending" for entry in entries],
            [d.body for d in drafts],
            [d.recipient for d in drafts],
            [d.author_id for d in drafts],
        )

    async def _sends(
        self, entries: Sequence[Entry], threads: dict[tuple[UUID, str], UUID], sender: str, at: datetime
    ) -> None:
        drafts = [entry.draft for entry in entries]
        await self._uow.connection.execute(
            sql.SENDS,
            self._uow.organization_id,
            sender,
            at,
            [d.id for d in drafts],
            [d.natural_key for d in drafts],
            [d.purpose.value for d in drafts],
            [d.channel.value for d in drafts],
            [entry.state for entry in entries],
            [entry.held for entry in entries],
            [d.campaign_id for d in drafts],
            [d.touch for d in drafts],
            [d.variant for d in drafts],
            [d.lead_id for d in drafts],
            [d.contact_id for d in drafts],
            [threads[d.contact_id, d.channel.value] for d in drafts],
            [d.recipient for d in drafts],
            [entry.turn_number for entry in entries],
            [entry.due_at for entry in entries],
            [entry.verdict.kind for entry in entries],
            [reasons_json(entry.verdict) for entry in entries],
            [d.delayed_by for d in drafts],
            [d.useful_until for d in drafts],
        )

    async def claim(
        self, batch: UUID, limit: int, lease: timedelta, only: UUID | None = None, by: Collection[UUID] = ()
    ) -> list[Claimed]:
        """Take due rows for this worker."""
        if only is not None:
            return await self._claim(sql.CLAIM_ONE, limit, batch, lease, only)
        if by:
            return await self._claim(sql.CLAIM_OF, limit, batch, lease, list(by))
        awaited = await self._claim(sql.CLAIM_AWAITED, limit, batch, lease)
        if len(awaited) == limit:
            return awaited
        return awaited + await self._claim(sql.CLAIM_TOUCHES, limit - len(awaited), batch, lease)

    async def _claim(self, statement: str, limit: int, batch: UUID, lease: timedelta, *more: Any) -> list[Claimed]:
        rows = await self._uow.connection.fetch(
            statement, self._uow.organization_id, self._uow.now(), limit, batch, lease, *more
        )
        return [_claimed(row) for row in rows]

    async def hand(
        self,
        batch: UUID,
        verdicts: Sequence[tuple[UUID, Verdict]],
        accounts: Mapping[UUID, TextingAccount],
        at: datetime,
    ) -> HandedOver:
        """Hand over what is allowed, write the other verdicts; what was cancelled meanwhile stays so."""
        ids = [identifier for identifier, _ in verdicts]
        await self._uow.connection.execute(sql.LOCK, self._uow.organization_id, ids)  # in one order: no deadlocks
        allowed = [identifier for identifier, verdict in verdicts if isinstance(verdict, Allow)]
        handed = await self._uow.connection.fetch(
            sql.HAND,
            self._uow.organization_id,
            batch,
            at,
            allowed,
            [accounts[identifier].name for identifier in allowed],
            [accounts[identifier].sends_from("") for identifier in allowed],
        )
        others = [(identifier, verdict) for identifier, verdict in verdicts if not isinstance(verdict, Allow)]
        refused = await self._turn_back(batch, others, at) if others else frozenset()
        return HandedOver(frozenset(row["id"] for row in handed), refused)

    async def _turn_back(self, batch: UUID, verdicts: Sequence[tuple[UUID, Verdict]], at: datetime) -> frozenset[UUID]:
        states = ["planned" if isinstance(verdict, Delay | Hold) else "refused" for _, verdict in verdicts]
        rows = await self._uow.connection.fetch(
            sql.TURN_BACK,
            self._uow.organization_id,
            batch,
            at,
            [identifier for identifier, _ in verdicts],
            states,
            [isinstance(verdict, Hold) for _, verdict in verdicts],
            [verdict.until if isinstance(verdict, Delay) else None for _, verdict in verdicts],
            [verdict.kind for _, verdict in verdicts],
            [reasons_json(verdict) for _, verdict in verdicts],
            [_delaying(verdict) for _, verdict in verdicts],
        )
        refused = frozenset(row["id"] for row in rows if row["state"] == "refused")
        await self._uow.connection.execute(
            "UPDATE messages SET status = 'refused' WHERE organization_id = $1 AND id = ANY ($2)",
            self._uow.organization_id,
            list(refused),
        )
        return refused

    async def write(self, results: Sequence[Result], at: datetime, batch: UUID | None) -> frozenset[UUID]:
        """Write what became of the batch's handed rows, or without a batch of unknown ones; tell it on the messages."""
        if not results:
            return frozenset()
        written = await self._uow.connection.fetch(
            sql.WRITE,
            self._uow.organization_id,
            at,
            [r.id for r in results],
            [r.state for r in results],
            [r.provider_id for r in results],
            [r.error for r in results],
            [r.due_at for r in results],
            batch,
            [r.untried for r in results],
        )
        handed = {row["id"]: row for row in written}
        told = [r for r in results if r.id in handed]
        await self._uow.connection.execute(
            sql.TELL,
            self._uow.organization_id,
            [r.id for r in told],
            [_STATUS[r.state] for r in told],
            [r.provider_id for r in told],
            [r.code for r in told],
            [r.segments for r in told],
            [handed[r.id]["handed_at"] for r in told],
            [handed[r.id]["provider"] for r in told],
            [r.price and r.price.amount for r in told],
            [r.price and r.price.currency for r in told],
        )
        accepted = [r.id for r in told if r.state == "accepted"]
        if accepted:
            await self._uow.connection.execute(sql.COUNT, self._uow.organization_id, accepted, at)
        return frozenset(handed)

    async def unclaim(self, batch: UUID, ids: Sequence[UUID]) -> None:
        """Put back what the batch claimed and did not come to."""
        await self._uow.connection.execute(sql.UNCLAIM, self._uow.organization_id, batch, ids)

    async def expired(self, provider_limit: timedelta, limit: int) -> list[Claimed]:
        """Release what was claimed under an ended lease and give what nobody knows about."""
        await self._uow.connection.execute(sql.RELEASE, self._uow.organization_id)
        rows = await self._uow.connection.fetch(sql.UNKNOWN, self._uow.organization_id, provider_limit, limit)
        return [_claimed(row) for row in rows]

    async def ask_again(self, waits: Mapping[UUID, float]) -> None:
        """Give unknown rows again in so many seconds."""
        if waits:
            await self._uow.connection.execute(
                sql.ASK_AGAIN, self._uow.organization_id, list(waits), list(waits.values())
            )

    async def known(
        self, provider_ids: Collection[str], recipients: Collection[str], batch: UUID | None
    ) -> tuple[frozenset[str], frozenset[str]]:
        """Pick out the ids that other rows bear, and to whom another batch's text is on its way; one at a time."""
        connection, organization = self._uow.connection, self._uow.organization_id
        await connection.execute(sql.ONE_ASKS, str(organization))
        rows = await connection.fetch(sql.BEARING, organization, list(recipients), list(provider_ids), batch)
        bearing = frozenset(row["provider_id"] for row in rows if row["state"] != "handed")
        return bearing, frozenset(row["recipient"] for row in rows if row["state"] == "handed")

    async def next_look(self, provider_limit: timedelta) -> float | None:
        """Tell in how many seconds a claimed, handed or unknown row is to be looked at."""
        seconds: float | None = await self._uow.connection.fetchval(
            sql.NEXT_LOOK, self._uow.organization_id, provider_limit
        )
        return seconds

    async def next_due(self, by: Collection[UUID] = ()) -> datetime | None:
        """Tell when the next planned row is due."""
        more = [list(by)] if by else []
        statement = sql.NEXT_DUE_OF if by else sql.NEXT_DUE
        due: datetime | None = await self._uow.connection.fetchval(statement, self._uow.organization_id, *more)
        return due


def _delaying(verdict: Verdict) -> str | None:
    return verdict.decisive.rule if isinstance(verdict, Delay) and verdict.decisive else None


def _claimed(row: Any) -> Claimed:
    values = dict(row.items())
    return Claimed(**{**values, "purpose": Purpose(values["purpose"]), "channel": Channel(values["channel"])})
