"""Tables as files: written in the background with the sight of whoever asked, fetched by a signed link for a day."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Literal, Protocol
from uuid import UUID

from application.files import FileStore, begun
from application.platform.job_work import JobWork
from application.platform.jobs import JobStore
from application.platform.kept_files import FileKeeping, FileKind, drop, file_key, kept_until, remove_expired
from application.ports import Actor, Clock, Command, UnitOfWork, View, effect, public
from domain.identity.role import Permission
from domain.kernel import Conflict, Invalid, NotFound, Refusal
from domain.platform.export import TableExportRequested
from domain.platform.job import JobStatus

FORGET = "exports.forget"
TABLES = FileKind("table_export", FORGET, kept=timedelta(hours=24))
TOLD_EVERY = 5_000
"""After how many rows a job says how far it is."""
AT_ONCE = 3
"""How many exports of one person or key may wait or be written: others wait in the same queue."""
ExportType = Literal["leads", "conversations", "lessons", "analytics_summary"]
NEEDS = {
    "leads": frozenset({Permission.LEADS_READ, Permission.CONTACTS_READ}),
    "conversations": frozenset({Permission.MESSAGES_READ, Permission.CONTACTS_READ}),
    "lessons": frozenset({Permission.COACH_READ}),
    "analytics_summary": frozenset({Permission.ANALYTICS_READ}),
}
"""What it takes to see what is in a file, besides what it takes to export."""
Format = Literal["csv", "xlsx"]
Row = Sequence[Any]
_GONE = "There is no such export, or it is kept no longer."


class RequestExport(Command, frozen=True):
    """Ask for a table: leads and messages by when they came to be, figures by when the leads were first texted."""

    export_type: ExportType
    format: Format = "csv"
    dataset_id: UUID | None = None
    time_range: Literal["today", "week", "month", "all"] | None = None
    example: ClassVar[dict[str, Any]] = {"export_type": "leads", "format": "xlsx"}


class ExportStarted(View, frozen=True):
    """Name the job to watch, which is the export's id too."""

    job_id: UUID
    example: ClassVar[dict[str, Any]] = {"job_id": "01890a5d-ac96-774b-bcce-b302099a8057"}


class ExportView(View, frozen=True):
    """Show an export; what it takes to fetch it is there once it is written, until it is kept no longer."""

    id: UUID
    status: JobStatus
    filename: str
    rows: int
    total: int | None
    download_url: str | None
    expires_at: datetime | None
    example: ClassVar[dict[str, Any]] = {
        "id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "status": "done",
        "filename": "leads-01890a5d.xlsx",
        "rows": 525,
        "total": 525,
        "download_url": "https://crm.example.com/api/v1/exports/links/AYkKXayWd0u8zrMCCZqAVw.x1d0Tg",
        "expires_at": "2026-03-03T09:00:00Z",
    }


class Sight(Protocol):
    """Know what people and programs may do and see now."""

    async def of(self, maker_id: UUID, *, by_key: bool) -> Actor | None:
        """Give somebody of the actor's organisation as they stand now; None where they are out."""
        ...


class ExportedTables(Protocol):
    """Read tables page by page, each as somebody may see it."""

    async def sees(self, actor: Actor, dataset_id: UUID) -> bool:
        """Tell whether somebody's list of datasets shows this one."""
        ...

    async def days(self, actor: Actor, time_range: str) -> tuple[date, date]:
        """Tell the first and the last day that a name means now, in the organisation's zone."""
        ...

    async def begin(self, actor: Actor, asked: TableExportRequested) -> tuple[Sequence[str], int]:
        """Give the names of the columns, and how many rows there are."""
        ...

    async def page(self, actor: Actor, asked: TableExportRequested, after: Any) -> tuple[Sequence[Row], Any]:
        """Give some rows after a place, and the place after them, None at the end."""
        ...


class Sheets(Protocol):
    """Write tables as files, as their rows come."""

    def written(self, format_: str, header: Sequence[str], pages: AsyncIterator[Sequence[Row]]) -> AsyncIterator[bytes]:
        """Give a file's bytes; nothing in it is a formula."""
        ...


class ExportLinks(Protocol):
    """Sign where a file is fetched from."""

    def address(self, organization_id: UUID, job_id: UUID) -> str:
        """Give the link."""
        ...


@dataclass(frozen=True)
class Exports:
    """Write tables to files and give them out."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    jobs: JobStore
    work: JobWork
    tables: ExportedTables
    sheets: Sheets
    files: FileStore
    sight: Sight
    links: ExportLinks
    keeping: FileKeeping

    async def request(self, asked: RequestExport) -> ExportStarted:
        """Have a table written, of what the caller may see when it is."""
        self.actor.require(Permission.EXPORTS_CREATE)
        for needed in sorted(NEEDS[asked.export_type]):
            self.actor.require(needed)
        if asked.dataset_id is not None and asked.export_type == "lessons":
            raise Invalid("Lessons lie in no dataset.", field="dataset_id")
        async with self.uow:
            if asked.dataset_id is not None and not await self.tables.sees(self.actor, asked.dataset_id):
                raise NotFound("There is no such dataset.")
            if await self.jobs.open_of(TABLES.job, self.actor.id) >= AT_ONCE:
                raise Conflict(f"{AT_ONCE} of your exports are not written yet. Wait for one, or cancel it.")
            first = last = None
            if asked.time_range not in (None, "all"):
                first, last = await self.tables.days(self.actor, asked.time_range)
            job_id = await self.work.open(TABLES.job, asked.dataset_id, None)
            assert self.actor.id is not None
            self.uow.publish(
                TableExportRequested(
                    subject=job_id,
                    maker_id=self.actor.id,
                    by_key=self.actor.key_id is not None,
                    export_type=asked.export_type,
                    format=asked.format,
                    dataset_id=asked.dataset_id,
                    time_range=asked.time_range,
                    first=first,
                    last=last,
                )
            )
            return ExportStarted(job_id=job_id)

    async def show(self, job_id: UUID) -> ExportView:
        """Show an export to whoever asked for it."""
        self.actor.require(Permission.EXPORTS_CREATE)
        async with self.uow:
            job, now = await self.jobs.get(job_id), self.clock.now()
        if job.kind != TABLES.job or job.created_by != self.actor.id:
            raise NotFound("There is no such export.")
        said, until = job.result or {}, kept_until(job)
        is_kept = until is not None and now < until
        return ExportView(
            id=job.id,
            status=job.status,
            filename=said.get("filename", ""),
            rows=job.done,
            total=job.total,
            download_url=self.links.address(job.organization_id, job.id) if is_kept else None,
            expires_at=until if is_kept else None,
        )

    @public
    async def fetch(self, job_id: UUID) -> tuple[str, AsyncIterator[bytes]]:
        """Read a file for whoever has its link, as long as who asked for it may see all that they saw then."""
        async with self.uow:
            job, now = await self.jobs.get(job_id), self.clock.now()
        said, until = job.result or {}, kept_until(job)
        if job.kind != TABLES.job or until is None or now >= until or not await self._still_sees(said):
            raise NotFound(_GONE)
        content = self.files.read(file_key(job.organization_id, job.id))
        return said["filename"], await begun(content)

    @effect
    async def write(self, asked: TableExportRequested) -> None:
        """Write the file; begun again after a crash, it is written anew."""
        async with self.uow:
            is_wanted = await self.keeping.begin(TABLES, asked.subject)
        if not is_wanted:
            await self._drop(asked.subject)
            return
        maker = await self.sight.of(asked.maker_id, by_key=asked.by_key)
        if maker is None or not _may(maker, asked.export_type):
            await self._fail(asked.subject, "Whoever asked for this may not export any more.")
            return
        try:
            async with self.uow.reading():
                header, total = await self.tables.begin(maker, asked)
        except Refusal as refusal:
            await self._fail(asked.subject, refusal.message)
            return
        async with self.uow:
            await self.work.advance(asked.subject, 0, total)
        pages = _Pages(self, maker, asked, total)
        key = file_key(self.actor.organization_id, asked.subject)
        size = await self.files.put(key, self.sheets.written(asked.format, header, pages.read()))
        async with self.uow:
            result = {
                "export_type": asked.export_type,
                "filename": f"{asked.export_type.replace('_', '-')}-{str(asked.subject)[:8]}.{asked.format}",
                "rows": pages.rows,
                "bytes": size,
                "sight": _seen(maker, asked),
            }
            is_kept = await self.keeping.finish(TABLES, asked.subject, pages.rows, result)
        if not is_kept:
            await self._drop(asked.subject)

    @effect
    async def give_up(self, asked: TableExportRequested, reason: str) -> None:
        """Tell on the job that it failed again and again."""
        await self._fail(asked.subject, f"The export failed too often and was given up: {reason}")
        await self._drop(asked.subject)

    @effect
    async def forget(self) -> None:
        """Remove files that were kept long enough, and come again for the next."""
        await remove_expired(self.uow, self.keeping, self.files, TABLES)

    async def _still_sees(self, said: Mapping[str, Any]) -> bool:
        """Tell whether who asked may export still, and sees no less than when the file was written."""
        seen = said["sight"]
        maker = await self.sight.of(UUID(seen["maker_id"]), by_key=seen["by_key"])
        if maker is None or not _may(maker, said["export_type"]):
            return False
        if seen["all_leads"] and not maker.sees_all_leads:
            return False
        async with self.uow.reading():
            if seen["of"] is not None and not await self.tables.sees(maker, UUID(seen["of"])):
                return False
        if maker.dataset_ids is None:
            return True
        return seen["dataset_ids"] is not None and {UUID(one) for one in seen["dataset_ids"]} <= maker.dataset_ids

    async def _drop(self, job_id: UUID) -> None:
        await drop(self.uow, self.keeping, self.files, job_id)

    async def _fail(self, job_id: UUID, reason: str) -> None:
        async with self.uow:
            await self.work.fail(job_id, reason)


class _Pages:
    """Read a table to its end, a short transaction a page, saying how far it is."""

    def __init__(self, exports: Exports, maker: Actor, asked: TableExportRequested, total: int) -> None:
        self._exports, self._maker, self._asked, self._total = exports, maker, asked, total
        self.rows = 0

    async def read(self) -> AsyncIterator[Sequence[Row]]:
        """Give the pages; ends before the last one where the job is cancelled."""
        exports, told, place = self._exports, 0, None
        while True:
            async with exports.uow.reading():
                rows, place = await exports.tables.page(self._maker, self._asked, place)
            self.rows += len(rows)
            if rows:
                yield rows
            if place is None:
                return
            if self.rows - told >= TOLD_EVERY:
                told = self.rows
                async with exports.uow:
                    is_wanted = await exports.work.advance(self._asked.subject, told, max(told, self._total))
                if not is_wanted:
                    return


def _may(maker: Actor, export_type: str) -> bool:
    return {Permission.EXPORTS_CREATE, *NEEDS[export_type]} <= maker.permissions


def _seen(maker: Actor, asked: TableExportRequested) -> dict[str, Any]:
    datasets = None if maker.dataset_ids is None else [str(one) for one in sorted(maker.dataset_ids)]
    if asked.dataset_id is not None:
        datasets = [str(asked.dataset_id)]
    return {
        "maker_id": str(asked.maker_id),
        "by_key": asked.by_key,
        "all_leads": maker.sees_all_leads,
        "dataset_ids": datasets,
        "of": None if asked.dataset_id is None else str(asked.dataset_id),
    }
