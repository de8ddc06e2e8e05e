"""Undo: what an import created is taken back, in the background, batch by batch, unless somebody has worked with it."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import msgspec

from application.outreach.import_ports import Collided, ImportJobs, ImportPlan, ImportStore
from application.outreach.import_views import UndoPreview, UndoStarted
from application.ports import Actor, UnitOfWork, effect
from domain.identity.role import Permission
from domain.kernel import NotFound, new_id
from domain.outreach.lead_import import UndoRequested

BATCH = 2_000
"""Rows a transaction; a person's request may wait for one of them to end."""
_COLLISIONS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """Say what one batch came to, and which row it went down to."""

    below: int
    leads: int
    contacts: int
    cancelled_texts: int
    kept: int


class UndoStore(Protocol):
    """Find out what an undo may take, and take it."""

    async def preview(self, import_id: UUID) -> UndoPreview:
        """Tell what would be removed and what would stay, as it stands now."""
        ...

    async def last_undo(self, undo_job_id: UUID | None) -> str | None:
        """Tell the status of the last undo's job, if there was one."""
        ...

    async def has_ended(self, job_id: UUID | None) -> bool:
        """Tell whether an import's job is over; one that nobody knows is."""
        ...

    async def take_back(self, import_id: UUID, below: int | None, limit: int) -> TakenBack | None:
        """Remove what may go of the next rows under `below` (None: of the last), locked; None when none are left."""
        ...


@dataclass(frozen=True)
class ImportUndo:
    """Undo imports."""

    actor: Actor
    uow: UnitOfWork
    imports: ImportStore
    undo: UndoStore
    jobs: ImportJobs

    async def preview(self, import_id: UUID) -> UndoPreview:
        """Show what an undo would remove, what would stay and why."""
        self.actor.require(Permission.DATASETS_WRITE)
        async with self.uow.reading():
            await self._plan(import_id)
            return await self.undo.preview(import_id)

    async def start(self, import_id: UUID) -> UndoStarted:
        """Have it undone in the background; refused while the import runs, and a second time."""
        self.actor.require(Permission.DATASETS_WRITE)
        async with self.uow:
            running = await self.imports.claim(await self._plan(import_id))
            if running is None:
                raise NotFound("There is no such import.")
            job_id = new_id()
            requested = running.undo(
                job_id,
                job_ended=await self.undo.has_ended(running.job_id),
                last_undo=await self.undo.last_undo(running.undo_job_id),
            )
            await self.imports.save(running)
            left = running.created - running.removed_leads
            await self.jobs.open(job_id, import_id, left, kind="import_undo")
            self.uow.publish(requested)
            return UndoStarted(job_id=job_id, import_id=import_id)

    @effect
    async def run(self, requested: UndoRequested) -> None:
        """Do the work from wherever it stands: a batch is taken back whole, with its progress, or not at all."""
        async with self.uow.reading():
            plan = await self.imports.plan(requested.subject)
        if plan is None:
            async with self.uow:
                await self.jobs.fail(requested.job_id, "The dataset is no longer there.")
            return
        while await self._step_persistently(plan, requested.job_id):
            pass
        await self._end(plan, requested.job_id)

    @effect
    async def give_up(self, requested: UndoRequested, reason: str) -> None:
        """Tell on the job that the work failed again and again; the rest may be tried anew."""
        async with self.uow:
            await self.jobs.fail(requested.job_id, f"The undo failed too often and was given up: {reason}")

    async def _step_persistently(self, plan: ImportPlan, job_id: UUID) -> bool:
        for attempt in range(_COLLISIONS):
            try:
                return await self._step(plan, job_id)
            except Collided:
                if attempt == _COLLISIONS - 1:
                    raise
        return False

    async def _step(self, plan: ImportPlan, job_id: UUID) -> bool:
        """Take one batch back; False when no more is to be done."""
        async with self.uow:
            running = await self.imports.claim(plan)
            if running is None or not await self.jobs.wanted(job_id):
                return False
            taken = await self.undo.take_back(plan.import_id, running.undo_below, BATCH)
            if taken is None:
                return False
            event = running.take_back(
                taken.below,
                leads=taken.leads,
                contacts=taken.contacts,
                cancelled_texts=taken.cancelled_texts,
                kept=taken.kept,
            )
            await self.imports.save(running)
            await self.jobs.gain(job_id, taken.leads + taken.kept)
            self.uow.publish(event)
            return True

    async def _end(self, plan: ImportPlan, job_id: UUID) -> None:
        """Tell what it came to; what stays is judged before anything is locked."""
        async with self.uow.reading():
            stays = await self.undo.preview(plan.import_id)
        async with self.uow:
            running = await self.imports.claim(plan)
            if running is None:
                await self.jobs.fail(job_id, "The dataset was deleted meanwhile.")
                return
            wanted = await self.jobs.wanted(job_id)
            result = {
                "import_id": str(running.id),
                "dataset_id": str(running.dataset_id),
                "removed_leads": running.removed_leads,
                "removed_contacts": running.removed_contacts,
                "cancelled_texts": running.cancelled_texts,
                "kept_leads": running.kept_leads,
                "kept": msgspec.to_builtins(stays.kept),
            }
            if wanted:
                await self.jobs.finish(job_id, result)
                self.uow.publish(running.undone())
            elif wanted is False:
                await self.jobs.stop(job_id, result)

    async def _plan(self, import_id: UUID) -> ImportPlan:
        plan = await self.imports.plan(import_id)
        if plan is None:
            raise NotFound("There is no such import.")
        return plan
