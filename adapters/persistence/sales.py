"""Leads and stages in PostgreSQL."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.finder import Finder, Listing, json_object, showing
from adapters.persistence.sales_search import Search
from adapters.persistence.schema.sales import contacts, lead_tags, leads, stages, tags
from adapters.persistence.store import PostgresStore
from adapters.persistence.visibility import LeadVisibility
from application.ports import Filter, Found, PageRequest
from application.sales.lead_forms import LeadFilter
from domain.kernel import Conflict, Invalid, NotFound
from domain.sales.lead import Lead
from domain.sales.stage import Category, Stage

_UTC = """'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'"""


def _tagged(slug: sa.BindParameter[Any]) -> sa.ColumnElement[bool]:
    return sa.exists(
        sa.select(sa.literal_column("1"))
        .select_from(lead_tags.join(tags, sa.and_(*_same(tags, lead_tags), tags.c.id == lead_tags.c.tag_id)))
        .where(*_same(lead_tags, leads), lead_tags.c.lead_id == leads.c.id, tags.c.slug == slug)
        .correlate(leads)
    )


def _same(one: sa.Table, other: sa.Table) -> tuple[sa.ColumnElement[bool]]:
    return (one.c.organization_id == other.c.organization_id,)


_SLUGS: sa.ColumnElement[Any] = sa.literal_column("""coalesce((
  SELECT json_agg(tags.slug ORDER BY tags.sort_order, tags.slug) FROM lead_tags
  JOIN tags ON tags.organization_id = lead_tags.organization_id AND tags.id = lead_tags.tag_id
  WHERE lead_tags.organization_id = leads.organization_id AND lead_tags.lead_id = leads.id), '[]')""")
_TAGS: sa.ColumnElement[Any] = sa.literal_column(f"""coalesce((
  SELECT json_agg(json_build_object('id', tags.id, 'slug', tags.slug, 'name', tags.name, 'category', tags.category,
    'color', tags.color, 'applied_at', to_char(lead_tags.applied_at, {_UTC}), 'applied_by', lead_tags.applied_by)
    ORDER BY tags.sort_order, tags.slug) FROM lead_tags
  JOIN tags ON tags.organization_id = lead_tags.organization_id AND tags.id = lead_tags.tag_id
  WHERE lead_tags.organization_id = leads.organization_id AND lead_tags.lead_id = leads.id), '[]')""")  # noqa: S608 - our own words
_CONVERSATION: sa.ColumnElement[Any] = sa.literal_column(f"""(
  SELECT json_build_object('id', id, 'message_count', message_count, 'last_message_at',
    to_char(last_message_at, {_UTC}), 'status', status, 'sentiment', sentiment) FROM conversations
  WHERE conversations.organization_id = leads.organization_id AND conversations.lead_id = leads.id
  ORDER BY last_message_at DESC LIMIT 1)""")  # noqa: S608 - our own words
_ACTIVITIES: sa.ColumnElement[Any] = sa.literal_column(f"""coalesce((
  SELECT json_agg(json_build_object('id', a.id, 'type', a.type, 'at', to_char(a.at, {_UTC}), 'actor_id', a.actor_id,
    'data', a.data || coalesce(a.personal, '{{}}'::jsonb)) ORDER BY a.id DESC)
  FROM (SELECT * FROM events WHERE events.organization_id = leads.organization_id
        AND events.subject IN (leads.id, leads.contact_id) ORDER BY events.id DESC LIMIT 50) a), '[]')""")  # noqa: S608 - our own words
_INSIGHTS: sa.ColumnElement[Any] = sa.literal_column(f"""coalesce((
  SELECT json_agg(json_build_object('id', i.id, 'severity', i.severity, 'title', i.title, 'status', i.status,
    'created_at', to_char(i.created_at, {_UTC})) ORDER BY i.raised_at DESC, i.id DESC)
  FROM (SELECT * FROM insights WHERE insights.organization_id = leads.organization_id AND insights.id IN (
          SELECT e.insight_id FROM insight_evidence e
          WHERE e.organization_id = leads.organization_id AND e.lead_id = leads.id)
        ORDER BY insights.raised_at DESC, insights.id DESC LIMIT 20) i), '[]')""")  # noqa: S608 - our own words
_REVENUE: sa.ColumnElement[Any] = sa.literal_column(
    "CASE WHEN leads.estimated_revenue IS NOT NULL THEN json_build_object("
    "'amount', leads.estimated_revenue::text, 'currency', leads.estimated_currency) END"
)
_PERSON = contacts.alias("person")
# Asked for by key, row by row: of an organisation that came after the last ANALYZE a join expects one row, and may walk
# all its contacts for each lead.
_CONTACT = (
    sa.select(
        json_object(
            {
                "id": _PERSON.c.id,
                "first_name": _PERSON.c.first_name,
                "last_name": _PERSON.c.last_name,
                "email": _PERSON.c.email,
                "phone_number": _PERSON.c.phone,
                "postcode": _PERSON.c.postcode,
                "sms_eligible": _PERSON.c.sms_eligible,
                "phone_type": _PERSON.c.phone_type,
            }
        )
    )
    .where(_PERSON.c.organization_id == leads.c.organization_id, _PERSON.c.id == leads.c.contact_id)
    .correlate(leads)
    .scalar_subquery()
)

LEADS = Listing(
    # Every lead has its contact; an outer join is one that the planner leaves out where nothing of it is asked for.
    source=leads.outerjoin(contacts, sa.and_(*_same(contacts, leads), contacts.c.id == leads.c.contact_id)),
    organization=leads.c.organization_id,
    identifier=leads.c.id,
    shown={
        "id": leads.c.id,
        "contact": _CONTACT,
        "dataset_id": leads.c.dataset_id,
        "stage": leads.c.stage,
        "contact_status": leads.c.contact_status,
        "lead_sentiment": leads.c.sentiment,
        "source": leads.c.source,
        "score": leads.c.score,
        "tags": _SLUGS,
        "latest_lead_reply": leads.c.latest_reply,
        "reply_received_at": leads.c.reply_received_at,
        "call_booked": leads.c.call_booked,
        "call_booked_time": leads.c.call_booked_time,
        "cal_booking_id": leads.c.cal_booking_id,
        "manual_mode": leads.c.manual_mode,
        "archived": leads.c.archived,
        "assigned_to": leads.c.assigned_to,
        "inquiry_date": leads.c.inquiry_date,
        "product": leads.c.product,
        "created_at": leads.c.created_at,
        "updated_at": leads.c.updated_at,
        "version": leads.c.version,
    },
    sorts={
        "created": leads.c.created_at,
        "name": leads.c.name_key,
        "status": leads.c.contact_status,
        "reply_date": leads.c.reply_order,
        "stage": leads.c.stage,
    },
    default_sort="created",
    filters={
        "dataset_id": lambda p: leads.c.dataset_id == p,
        "status": lambda p: leads.c.contact_status == p,
        "stage": lambda p: leads.c.stage == p,
        "source": lambda p: leads.c.source == p,
        "sentiment": lambda p: leads.c.sentiment == p,
        "assigned_to": lambda p: leads.c.assigned_to == p,
        "tag": _tagged,
        # A parameter would keep the planner from the partial indexes, so yes and no are two conditions.
        "archived": lambda _: leads.c.archived,
        "not_archived": lambda _: sa.not_(leads.c.archived),
        "manual_mode": lambda _: leads.c.manual_mode,
        "not_manual_mode": lambda _: sa.not_(leads.c.manual_mode),
        "call_booked": lambda _: leads.c.call_booked,
        "not_call_booked": lambda _: sa.not_(leads.c.call_booked),
        "visible_to": lambda p: sa.or_(leads.c.assigned_to.is_(None), leads.c.assigned_to == p),
        "visible_datasets": lambda p: leads.c.dataset_id == sa.any_(p),
    },
    types={
        "dataset_id": sa.Uuid(),
        "assigned_to": sa.Uuid(),
        "visible_to": sa.Uuid(),
        "visible_datasets": sa.ARRAY(sa.Uuid()),
    },
)
LEAD_DETAIL = replace(
    LEADS,
    shown={
        **LEADS.shown,
        "tags": _TAGS,
        "notes": leads.c.notes,
        "source_campaign": leads.c.source_campaign,
        "estimated_units": leads.c.estimated_units,
        "estimated_revenue": _REVENUE,
        "lost_reason": leads.c.lost_reason,
        "is_dnc": leads.c.is_dnc,
        "manual_mode_activated_at": leads.c.manual_mode_activated_at,
        "archived_at": leads.c.archived_at,
        "created_by": leads.c.created_by,
        "conversation": _CONVERSATION,
        "insights": _INSIGHTS,
        "activities": _ACTIVITIES,
    },
)
LISTINGS = (LEADS,)
_LOCK_BESIDE_STAGE = """
SELECT *, (SELECT row_to_json(stages)::text FROM stages WHERE organization_id = $1 AND key = $3) AS "to"
FROM leads WHERE organization_id = $1 AND id = $2
"""
_NO_STAGE = "There is no such stage; see GET /pipeline/stages."


class PostgresLeads(PostgresStore[Lead]):
    """Be the `LeadStore` of the open unit of work."""

    entity = Lead
    table = leads
    noun = "lead"
    unique = {"uq_leads_dataset_phone": "phone_number"}
    absent = {"fk_leads_organization_id_stage": (_NO_STAGE, "stage")}

    def __init__(self, uow: PostgresUnitOfWork, finder: Finder, visibility: LeadVisibility, search: Search) -> None:
        super().__init__(uow)
        self._finder = finder
        self._visibility = visibility
        self._search = search

    async def locked(self, identifier: UUID) -> Lead:
        """Load one that the actor may see, locked until the unit of work ends."""
        condition, parameters = self._visibility.sql("leads", first=3)
        return await self._one(f"id = $2 AND {condition}", identifier, *parameters, lock=" FOR NO KEY UPDATE")

    async def locked_beside(self, identifier: UUID, stage: str) -> tuple[Lead, Stage]:
        """Load one that the actor may see, locked until the unit of work ends, and the stage that it is to go to."""
        condition, parameters = self._visibility.sql("leads", first=4)
        row = await self.uow.connection.fetchrow(
            f"{_LOCK_BESIDE_STAGE} AND {condition} FOR NO KEY UPDATE",
            self.uow.organization_id,
            identifier,
            stage,
            *parameters,
        )
        if row is None:
            raise NotFound("There is no such lead.")
        if row["to"] is None:
            raise Invalid(_NO_STAGE, field="stage")
        return self.layout.read(row), msgspec.json.decode(row["to"], type=Stage)

    async def require_visible(self, identifier: UUID) -> None:
        """Refuse with `NotFound` what the actor may not see."""
        await self.contact_of(identifier)

    async def contact_of(self, identifier: UUID) -> UUID:
        """Tell whose lead this is."""
        condition, parameters = self._visibility.sql("leads", first=3)
        contact_id: UUID | None = await self.uow.connection.fetchval(
            f"SELECT contact_id FROM leads WHERE organization_id = $1 AND id = $2 AND {condition}",  # noqa: S608
            self.uow.organization_id,
            identifier,
            *parameters,
        )
        if contact_id is None:
            raise NotFound("There is no such lead.")
        return contact_id

    async def with_phone(self, dataset_id: UUID, phone: str) -> UUID | None:
        """Tell which lead of a dataset has this number."""
        found: UUID | None = await self.uow.connection.fetchval(
            "SELECT id FROM leads WHERE organization_id = $1 AND dataset_id = $2 AND phone = $3",
            self.uow.organization_id,
            dataset_id,
            phone,
        )
        return found

    async def require_dataset(self, dataset_id: UUID) -> None:
        """Refuse with `NotFound` a dataset that is not there, and keep its campaign from starting meanwhile."""
        allowed = self._visibility.scope().get("visible_datasets")
        found = allowed is None or dataset_id in allowed
        if not found or not await self.uow.connection.fetchval(
            "SELECT true FROM datasets WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL FOR SHARE",
            self.uow.organization_id,
            dataset_id,
        ):
            raise NotFound("There is no such dataset.")

    async def find(self, narrowed: LeadFilter, page: PageRequest) -> Found:
        """List leads, or search them."""
        values: dict[str, Any] = {n: v for n in narrowed.__struct_fields__ if (v := getattr(narrowed, n)) is not None}
        query = values.pop("search", None)
        for name in ("archived", "manual_mode", "call_booked"):
            if values.get(name) is False:
                values[f"not_{name}"] = values.pop(name)
        values |= self._visibility.scope()
        if query is not None:
            return await self._search.find(LEADS, query, values, page)
        return await self._finder.find(LEADS, Filter(), page, values)

    async def add_shown(self, lead: Lead) -> msgspec.Raw:
        """Insert one and show it as lists do."""
        shown: str = await self._write_and_ask(showing(LEADS, "leads", self._insert), lead)
        return msgspec.Raw(shown.encode())

    async def save_shown(self, lead: Lead) -> msgspec.Raw:
        """Update one, raise its version and show it as lists do."""
        shown: str | None = await self._write_and_ask(showing(LEADS, "leads", self._update), lead)
        if shown is None:
            raise self._stale()
        lead.version += 1
        return msgspec.Raw(shown.encode())

    async def item(self, identifier: UUID) -> msgspec.Raw:
        """Show one as lists do."""
        return _there(await self._finder.one(LEADS, identifier))

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one in full."""
        return _there(await self._finder.one(LEAD_DETAIL, identifier, self._visibility.scope()))


def _there(shown: msgspec.Raw | None) -> msgspec.Raw:
    if shown is None:
        raise NotFound("There is no such lead.")
    return shown


class PostgresStages(PostgresStore[Stage]):
    """Be the `StageStore` of the open unit of work."""

    entity = Stage
    table = stages
    noun = "stage"

    async def with_key(self, key: str) -> Stage:
        """Load one by its key."""
        stage = await self.find_one("key = $2", key)
        if stage is None:
            raise Invalid(_NO_STAGE, field="stage")
        return stage

    async def of_category(self, category: Category) -> Stage:
        """Load the first stage of a category."""
        stage = await self.find_one("category = $2 ORDER BY position, id", category)
        if stage is None:
            raise Conflict(f"This pipeline has no stage for {category} leads.")
        return stage

    async def list(self) -> "list[msgspec.Raw]":
        """Show all stages, pipeline by pipeline, in order."""
        rows = await self.uow.connection.fetch(
            "SELECT json_build_object('id', id, 'pipeline_id', pipeline_id, 'key', key, 'name', name,"
            " 'category', category, 'position', position)::text FROM stages WHERE organization_id = $1"
            " ORDER BY pipeline_id, position, id",
            self.uow.organization_id,
        )
        return [msgspec.Raw(row[0].encode()) for row in rows]


class PostgresMembers:
    """Be the `Members` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def has(self, user_id: UUID) -> bool:
        """Tell whether this is an active member."""
        return bool(
            await self._uow.connection.fetchval(
                "SELECT true FROM memberships WHERE account_id = $1 AND organization_id = $2 AND is_active",
                user_id,
                self._uow.organization_id,
            )
        )
