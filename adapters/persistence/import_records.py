"""Which imports there were, and what became of each row."""

from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from adapters.persistence.finder import Finder, Listing
from adapters.persistence.schema.outreach import datasets, import_rows, imports, uploads
from adapters.persistence.schema.platform import jobs
from application.outreach.import_views import ImportRowFilter
from application.ports import Actor, Filter, Found, PageRequest

_job = jobs.alias("job")
_undo = jobs.alias("undo")
_STATE: sa.ColumnElement[Any] = sa.literal_column(
    "CASE WHEN undo.status IN ('queued', 'running') THEN 'undoing' WHEN undo.status = 'done' THEN 'undone'"
    " ELSE coalesce(job.status, 'done') END"
)


def _of(table: sa.FromClause, **columns: Any) -> sa.ColumnElement[bool]:
    return sa.and_(
        table.c.organization_id == imports.c.organization_id,
        *(table.c[name] == column for name, column in columns.items()),
    )


IMPORTS = Listing(
    source=imports.join(uploads, _of(uploads, id=imports.c.upload_id))
    .join(datasets, _of(datasets, id=imports.c.dataset_id))
    .outerjoin(_job, _of(_job, id=imports.c.job_id))
    .outerjoin(_undo, _of(_undo, id=imports.c.undo_job_id)),
    organization=imports.c.organization_id,
    identifier=imports.c.id,
    shown={
        "id": imports.c.id,
        "dataset_id": imports.c.dataset_id,
        "upload_id": imports.c.upload_id,
        "filename": uploads.c.filename,
        "state": _STATE,
        "total_rows": sa.literal_column("(uploads.shape ->> 'rows')::bigint"),
        "rows_done": imports.c.records_done,
        "successful": imports.c.created,
        "ineligible": imports.c.ineligible,
        "duplicates": imports.c.duplicates,
        "failed": imports.c.failed,
        "removed_leads": imports.c.removed_leads,
        "removed_contacts": imports.c.removed_contacts,
        "cancelled_texts": imports.c.cancelled_texts,
        "kept_leads": imports.c.kept_leads,
        "job_id": imports.c.job_id,
        "undo_job_id": imports.c.undo_job_id,
        "created_at": imports.c.created_at,
        "finished_at": _job.c.finished_at,
    },
    sorts={"created": imports.c.created_at},
    default_sort="created",
    filters={
        "dataset_id": lambda p: imports.c.dataset_id == p,
        "visible_datasets": lambda p: imports.c.dataset_id == sa.any_(p),
    },
    types={"dataset_id": sa.Uuid(), "visible_datasets": sa.ARRAY(sa.Uuid())},
    always=(datasets.c.deleted_at.is_(None),),
)


def _of_import(outcome: sa.ColumnElement[bool]) -> Any:
    return lambda p: sa.and_(import_rows.c.import_id == p, outcome)


def _ended(outcome: str) -> sa.ColumnElement[bool]:
    return import_rows.c.outcome == sa.literal_column(f"'{outcome}'")


# A failed row may take 2 MB, and a page of them the API's memory: whole they are in the CSV of failed rows.
_CELLS: sa.ColumnElement[Any] = sa.literal_column(
    "CASE WHEN octet_length(import_rows.cells::text) <= 10000 THEN import_rows.cells ELSE ("
    "SELECT jsonb_agg(CASE WHEN length(e.cell) > e.most THEN left(e.cell, e.most) || '…' ELSE e.cell END ORDER BY e.n)"
    " FROM (SELECT cell, n, greatest(10000 / jsonb_array_length(import_rows.cells), 1) AS most"
    " FROM jsonb_array_elements_text(import_rows.cells) WITH ORDINALITY AS c(cell, n)) AS e) END"
)

IMPORT_ROWS = Listing(
    source=import_rows,
    organization=import_rows.c.organization_id,
    identifier=import_rows.c.row,
    shown={
        **{name: import_rows.c[name] for name in ("row", "outcome", "ineligible", "lead_id", "reason")},
        "cells": _CELLS,
    },
    sorts={"row": import_rows.c.row},
    default_sort="row",
    default_order="asc",
    filters={
        "all_of": lambda p: import_rows.c.import_id == p,
        "created_of": _of_import(_ended("created")),
        "duplicate_of": _of_import(_ended("duplicate")),
        "failed_of": _of_import(_ended("failed")),
        "undone_of": _of_import(_ended("undone")),
        "ineligible_of": _of_import(import_rows.c.ineligible),
    },
    types={
        name: sa.Uuid() for name in ("all_of", "created_of", "duplicate_of", "failed_of", "undone_of", "ineligible_of")
    },
)


class PostgresImportRecords:
    """Be the `ImportRecordStore` of the open unit of work."""

    def __init__(self, actor: Actor, finder: Finder) -> None:
        self._actor = actor
        self._finder = finder

    async def of_dataset(self, dataset_id: UUID, page: PageRequest) -> Found:
        """List a dataset's imports."""
        return await self._finder.find(IMPORTS, Filter(), page, {"dataset_id": dataset_id})

    async def show(self, import_id: UUID) -> msgspec.Raw | None:
        """Show one."""
        allowed = self._actor.dataset_ids
        return await self._finder.one(
            IMPORTS, import_id, {} if allowed is None else {"visible_datasets": sorted(allowed)}
        )

    async def rows(self, import_id: UUID, narrowed: ImportRowFilter, page: PageRequest) -> Found:
        """List rows in the order of the file."""
        return await self._finder.find(IMPORT_ROWS, Filter(), page, {f"{narrowed.outcome or 'all'}_of": import_id})
