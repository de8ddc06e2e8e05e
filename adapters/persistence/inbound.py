"""What providers tell us, and what it says of our messages, in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from adapters.persistence.database import Database, PostgresUnitOfWork
from adapters.persistence.store import encode_json
from application.messaging.inbound import Notice, Outgoing, Report
from domain.kernel import new_id
from domain.messaging.message import MessageStatus

_SETTLE = """
WITH settled AS (
  UPDATE sends SET state = 'accepted', provider_id = $3, error = NULL, settled_at = $4, batch = NULL, lease_until = NULL
  WHERE organization_id = $1 AND id = $2 RETURNING conversation_id
)
UPDATE conversations c SET message_count = c.message_count + 1, last_message_at = greatest(c.last_message_at, $4)
FROM settled WHERE c.organization_id = $1 AND c.id = settled.conversation_id
"""
_UNSETTLED = ("unknown", "parked", "planned", "claimed")


class PostgresReportedMessages:
    """Be the `ReportedMessages` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def outgoing(self, identifier: UUID) -> Outgoing | None:
        """Lock an outgoing message and tell where it stands; ledger row first, as hand-overs do."""
        send = await self._uow.connection.fetchrow(
            "SELECT state, contact_id, recipient, lead_id, campaign_id, touch, purpose, variant, handed_at"
            " FROM sends"
            " WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE",
            self._uow.organization_id,
            identifier,
        )
        status = await self._uow.connection.fetchval(
            "SELECT status FROM messages WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE",
            self._uow.organization_id,
            identifier,
        )
        if send is None or status is None:
            return None
        return Outgoing(
            status=MessageStatus(status),
            unsettled=send["handed_at"] is not None and send["state"] in _UNSETTLED,
            contact_id=send["contact_id"],
            recipient=send["recipient"],
            lead_id=send["lead_id"],
            campaign_id=send["campaign_id"],
            touch=send["touch"],
            purpose=send["purpose"],
            variant=send["variant"],
            handed_at=send["handed_at"],
        )

    async def move(self, report: Report, status: MessageStatus, handed_at: datetime | None) -> None:
        """Write a status and what came with it."""
        await self._uow.connection.execute(
            "UPDATE messages SET status = $3, provider_id = $4, error_code = $5, sent_at = coalesce(sent_at, $7),"
            " delivered_at = CASE WHEN $3 = 'delivered' THEN $6::timestamptz ELSE delivered_at END"
            " WHERE organization_id = $1 AND id = $2",
            self._uow.organization_id,
            report.send_id,
            status.value,
            report.provider_id,
            report.error,
            report.at,
            handed_at,
        )

    async def price(self, report: Report) -> None:
        """Write what a message cost."""
        assert report.price is not None
        await self._uow.connection.execute(
            "UPDATE messages SET price = $3, price_currency = $4 WHERE organization_id = $1 AND id = $2",
            self._uow.organization_id,
            report.send_id,
            report.price.amount,
            report.price.currency,
        )

    async def settle(self, report: Report) -> None:
        """Note that the provider did take a message of which nobody knew, and count it in its thread."""
        await self._uow.connection.execute(
            _SETTLE, self._uow.organization_id, report.send_id, report.provider_id, self._uow.now()
        )


_WRITE_DOWN = """
INSERT INTO inbound (id, provider, account, external_id, organization_id, kind, payload)
SELECT told.id, told.provider, told.account, told.external_id, owner.id, told.kind, told.payload
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::jsonb[])
       AS told(id, provider, account, external_id, kind, payload)
LEFT JOIN organizations owner ON owner.organization_id = $1 AND owner.id = $1
ORDER BY told.provider, told.account, told.external_id
ON CONFLICT DO NOTHING
"""


class PostgresInbound:
    """Keep what providers told us, once each, before anything is answered."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def write_down(self, notices: Sequence[Notice]) -> list[bool]:
        """Store notices; tells of each whether it is new. Told of nobody, or of whom was erased, they name nobody."""
        ids = [new_id() for _ in notices]
        done = await self._uow.connection.execute(
            _WRITE_DOWN,
            self._uow.organization_id,
            ids,
            [notice.provider for notice in notices],
            [notice.account for notice in notices],
            [notice.external_id for notice in notices],
            [notice.kind for notice in notices],
            [encode_json(notice.payload) for notice in notices],
        )
        written = int(done.split()[-1])
        if written in (0, len(notices)):
            return [written > 0] * len(notices)
        # Not by RETURNING: what is nobody's may be written, but not read.
        rows = await self._uow.connection.fetch("SELECT id FROM inbound WHERE id = ANY ($1)", ids)
        fresh = {row["id"] for row in rows}
        return [identifier in fresh for identifier in ids]


class Routes:
    """Know whose the numbers are that texts come to; outside tenancy, since that is what is asked."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def owners(self, addresses: Sequence[tuple[str, str]]) -> list[UUID | None]:
        """Tell of numbers, each given with its provider, which organisation is behind it, if any.

        What no number looks like is not asked for: it would spoil the answer for everybody who asks together.
        """
        numbers = {address for _, address in addresses if address.isascii() and address.isprintable()}
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT provider, address, organization_id FROM routes"
                " WHERE provider = ANY ($1) AND address = ANY ($2)",
                list({provider for provider, _ in addresses}),
                list(numbers),
            )
        found = {(row["provider"], row["address"]): row["organization_id"] for row in rows}
        return [found.get(one) for one in addresses]
