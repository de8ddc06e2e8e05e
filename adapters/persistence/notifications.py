"""Notifications and preferences in PostgreSQL."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.finder import Finder, Listing
from adapters.persistence.schema.messaging import notifications
from adapters.persistence.schema.sales import leads
from adapters.persistence.store import PostgresStore, encode_json
from adapters.persistence.visibility import LeadVisibility
from application.messaging.notification_forms import NotificationFilter
from application.ports import Actor, Found, PageRequest
from domain.kernel import NotFound, Stale
from domain.messaging.notification import Kind, Notification, Preferences, Priority, Way

_DATASET = sa.case((notifications.c.kind != Kind.MESSAGE, notifications.c.data["dataset_id"].astext))
"""The dataset of what has no lead; what a program says in `data` is its own."""

NOTIFICATIONS = Listing(
    source=notifications.outerjoin(
        leads,
        sa.and_(leads.c.organization_id == notifications.c.organization_id, leads.c.id == notifications.c.lead_id),
    ),
    organization=notifications.c.organization_id,
    identifier=notifications.c.id,
    shown={
        name: notifications.c[name]
        for name in (
            "id", "kind", "priority", "title", "message", "link", "data", "lead_id", "read_at", "archived_at",
            "created_at", "version",
        )
    },
    sorts={"created": notifications.c.created_at},
    default_sort="created",
    filters={
        "unread": lambda p: notifications.c.read_at.is_(None) == p,
        "archived": lambda p: notifications.c.archived_at.is_not(None) == p,
        "told": lambda p: notifications.c.account_id == p,
        "visible_to": lambda p: sa.or_(leads.c.id.is_(None), leads.c.assigned_to.is_(None), leads.c.assigned_to == p),
        "visible_datasets": lambda p: sa.case(
            (leads.c.id.is_not(None), leads.c.dataset_id == sa.any_(p)),
            else_=sa.or_(_DATASET.is_(None), sa.any_(sa.cast(p, sa.ARRAY(sa.Text()))) == _DATASET),
        ),
    },
    types={
        "unread": sa.Boolean(),
        "archived": sa.Boolean(),
        "told": sa.Uuid(),
        "visible_to": sa.Uuid(),
        "visible_datasets": sa.ARRAY(sa.Uuid()),
    },
    always=(notifications.c.in_app,),
)  # fmt: skip
_READ_ALL = """
UPDATE notifications SET read_at = $3, version = version + 1
WHERE organization_id = $1 AND account_id = $2 AND read_at IS NULL AND in_app
"""
_PREFERENCES = """
SELECT account_id, ways, muted, digest_hour, time_zone, version FROM notification_preferences
WHERE organization_id = $1 AND account_id = ANY ($2)
"""
_CHOOSE = """
INSERT INTO notification_preferences (organization_id, account_id, ways, muted, digest_hour, time_zone)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (organization_id, account_id) DO UPDATE SET ways = excluded.ways, muted = excluded.muted,
  digest_hour = excluded.digest_hour, time_zone = excluded.time_zone, version = notification_preferences.version + 1
WHERE notification_preferences.version = $7 RETURNING version
"""
_DUE = """
SELECT DISTINCT account_id FROM notifications WHERE organization_id = $1 AND digest_at <= $2 ORDER BY account_id
"""
_DROP_TEXTS = """
WITH mine AS (
  SELECT s.id FROM notifications n JOIN sends s ON s.organization_id = $1 AND s.natural_key = 'notification:' || n.id
  WHERE n.organization_id = $1 AND n.account_id = $2 AND s.state IN ('planned', 'claimed')
  ORDER BY s.id FOR NO KEY UPDATE OF s
), told AS (
  UPDATE messages m SET status = 'cancelled' FROM mine WHERE m.organization_id = $1 AND m.id = mine.id
)
UPDATE sends s SET state = 'cancelled', settled_at = $3, batch = NULL, lease_until = NULL
FROM mine WHERE s.organization_id = $1 AND s.id = mine.id
"""
_DIGEST_AT = """
UPDATE notifications SET digest_at = $3 WHERE organization_id = $1 AND account_id = $2 AND digest_at IS NOT NULL
"""
_GATHER = """
UPDATE notifications SET digest_id = $3, digest_at = NULL
WHERE organization_id = $1 AND account_id = $2 AND digest_at <= $4
"""


class PostgresNotifications(PostgresStore[Notification]):
    """Be the `NotificationStore` and the `DigestStore` of the open unit of work."""

    entity = Notification
    table = notifications
    noun = "notification"

    def __init__(self, uow: PostgresUnitOfWork, actor: Actor, finder: Finder, visibility: LeadVisibility) -> None:
        super().__init__(uow)
        self._actor = actor
        self._finder = finder
        self._visibility = visibility

    async def add_once(self, notification: Notification) -> bool:
        """Insert one, unless the person was told of this already."""
        added = await self._write(
            f"{self._insert} ON CONFLICT (organization_id, source, account_id) DO NOTHING", notification
        )
        return added == "INSERT 0 1"

    async def mine(self, identifier: UUID) -> Notification:
        """Load one of the actor's, locked."""
        return await self._one("id = $2 AND account_id = $3 AND in_app", identifier, self._actor.user_id,
                               lock=" FOR NO KEY UPDATE")  # fmt: skip

    async def find(self, narrowed: NotificationFilter, page: PageRequest) -> Found:
        """List the actor's."""
        return await self._finder.find(NOTIFICATIONS, narrowed, page, self._scope())

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one of the actor's."""
        shown = await self._finder.one(NOTIFICATIONS, identifier, self._scope())
        if shown is None:
            raise NotFound("There is no such notification.")
        return shown

    async def drop_texts(self, account_id: UUID) -> None:
        """Cancel what is planned for somebody's own phone."""
        await self.uow.connection.execute(_DROP_TEXTS, self.uow.organization_id, account_id, self.uow.now())

    def _scope(self) -> dict[str, Any]:
        return {"told": self._actor.user_id, **self._visibility.scope()}

    async def read_all(self, account_id: UUID, at: datetime) -> int:
        """Mark all of somebody's as read."""
        done = await self.uow.connection.execute(_READ_ALL, self.uow.organization_id, account_id, at)
        return int(str(done).rpartition(" ")[2])

    async def put_digest_at(self, account_id: UUID, at: datetime) -> bool:
        """Move what waits for somebody's digest."""
        done = await self.uow.connection.execute(_DIGEST_AT, self.uow.organization_id, account_id, at)
        return str(done) != "UPDATE 0"

    async def preferences(self, account_ids: Iterable[UUID]) -> Mapping[UUID, Preferences]:
        """Give the preferences of each."""
        wanted = list(account_ids)
        found = {account_id: Preferences(account_id=account_id) for account_id in wanted}
        for row in await self.uow.connection.fetch(_PREFERENCES, self.uow.organization_id, wanted):
            ways = {Priority(name): frozenset(map(Way, of)) for name, of in msgspec.json.decode(row["ways"]).items()}
            found[row["account_id"]] = Preferences(
                account_id=row["account_id"],
                ways=ways,
                muted=frozenset(map(Kind, row["muted"])),
                digest_hour=row["digest_hour"],
                time_zone=row["time_zone"],
                version=row["version"],
            )
        return found

    async def save_preferences(self, preferences: Preferences) -> None:
        """Write somebody's."""
        version = await self.uow.connection.fetchval(
            _CHOOSE,
            self.uow.organization_id,
            preferences.account_id,
            encode_json({priority: sorted(ways) for priority, ways in preferences.ways.items()}),
            sorted(preferences.muted),
            preferences.digest_hour,
            preferences.time_zone,
            preferences.version,
        )
        if version is None:
            raise Stale("These preferences were changed meanwhile.")
        preferences.version = version

    async def due_to(self, at: datetime) -> list[UUID]:
        """List the people whose digest is due."""
        rows = await self.uow.connection.fetch(_DUE, self.uow.organization_id, at)
        return [row["account_id"] for row in rows]

    async def gather(self, account_id: UUID, digest_id: UUID, at: datetime) -> int:
        """Put what is due to somebody into one digest."""
        done = await self.uow.connection.execute(_GATHER, self.uow.organization_id, account_id, digest_id, at)
        return int(str(done).rpartition(" ")[2])

    async def next_digest(self) -> datetime | None:
        """Tell when the next digest is due."""
        found: datetime | None = await self.uow.connection.fetchval(
            "SELECT min(digest_at) FROM notifications WHERE organization_id = $1", self.uow.organization_id
        )
        return found

    async def in_digest(self, digest_id: UUID) -> list[Notification]:
        """List what went into one."""
        rows = await self.uow.connection.fetch(
            "SELECT * FROM notifications WHERE organization_id = $1 AND digest_id = $2 ORDER BY id",
            self.uow.organization_id,
            digest_id,
        )
        return [self.layout.read(row) for row in rows]
