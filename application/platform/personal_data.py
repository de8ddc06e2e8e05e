"""A person's data, out and gone: each a job, for those who answer for it."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Protocol
from uuid import UUID

from msgspec import Meta

from application.files import FileStore, begun
from application.platform.exports import TABLES
from application.platform.job_work import JobWork
from application.platform.jobs import JobStore
from application.platform.kept_files import FileKeeping, FileKind, drop, file_key, kept_until, remove_expired
from application.ports import Actor, Clock, Command, UnitOfWork, View, effect
from domain.identity.role import Permission
from domain.kernel import Forbidden, NotFound
from domain.platform.personal_data import ErasureRequested, ExportRequested, PersonErased, check_confirmation

ERASURE = "personal_data_erasure"
EXPIRE = "personal_data.expire"
DOCUMENTS = FileKind("personal_data_export", EXPIRE, kept=timedelta(days=7))
WAITS = 120
"""Seconds that an erasure waits for texts on their way, and for imports, before it says that it cannot go on."""


class Erase(Command, frozen=True):
    """Ask for an end of all that is known of a contact; `confirm` is their e-mail address, number or whole name."""

    confirm: Annotated[str, Meta(min_length=1, max_length=300)]
    example: ClassVar[dict[str, Any]] = {"confirm": "ann@example.org"}


class PersonalDataStarted(View, frozen=True):
    """Name the job to watch."""

    job_id: UUID
    example: ClassVar[dict[str, Any]] = {"job_id": "01890a5d-ac96-774b-bcce-b302099a8057"}


@dataclass(frozen=True, slots=True)
class Person:
    """Tell by what a contact is known."""

    id: UUID
    name: str
    email: str | None
    phone: str | None


class PersonalRecords(Protocol):
    """Know every place in which something personal lies, whichever context put it there."""

    async def person(self, contact_id: UUID) -> Person | None:
        """Tell who a contact is."""
        ...

    def collect(self, person: Person) -> AsyncIterator[bytes]:
        """Write everything known of a person as one JSON document, in pieces, within the open reading block."""
        ...

    async def silence(self, person: Person) -> None:
        """Let nothing more out to the person and cancel what is planned."""
        ...

    async def under_way(self, person: Person) -> bool:
        """Tell whether a text to the person is being handed over, or an import is running."""
        ...

    async def files_naming(self, person: Person) -> list[str]:
        """Name the stored files that rows about the person came from."""
        ...

    async def other_uploads(self) -> list[str]:
        """Name the uploaded files of which no row was imported."""
        ...

    async def forget_files(self, keys: Iterable[str]) -> None:
        """Note that files are gone: of an upload only its shape stays, without samples."""
        ...

    async def erase(self, person: Person) -> dict[str, int]:
        """Remove or empty every row about a person but a keyed hash of each address; tells how many, by table."""
        ...


@dataclass(frozen=True)
class PersonalData:
    """Give people's data out, and take it away."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    jobs: JobStore
    work: JobWork
    records: PersonalRecords
    keeping: FileKeeping
    files: FileStore

    async def export(self, contact_id: UUID) -> PersonalDataStarted:
        """Have everything known of a contact written to a file."""
        self.actor.require(Permission.PERSONAL_DATA)
        self._refuse_limited()
        async with self.uow:
            person = await self._known(contact_id)
            job_id = await self.work.open(DOCUMENTS.job, person.id, 1)
            self.uow.publish(ExportRequested(subject=person.id, job_id=job_id))
            return PersonalDataStarted(job_id=job_id)

    async def erase(self, contact_id: UUID, command: Erase) -> PersonalDataStarted:
        """Have everything known of a contact removed; nothing brings it back."""
        self.actor.require(Permission.PERSONAL_DATA)
        self._refuse_limited()
        async with self.uow:
            person = await self._known(contact_id)
            check_confirmation(command.confirm, (person.email, person.phone, person.name))
            job_id = await self.work.open(ERASURE, person.id, 1)
            self.uow.publish(ErasureRequested(subject=person.id, job_id=job_id))
            return PersonalDataStarted(job_id=job_id)

    async def fetch(self, job_id: UUID) -> AsyncIterator[bytes]:
        """Read a written export, as long as it is kept."""
        self.actor.require(Permission.PERSONAL_DATA)
        self._refuse_limited()
        async with self.uow:
            job, now = await self.jobs.get(job_id), self.clock.now()
        until = kept_until(job)
        if job.kind != DOCUMENTS.job or until is None or now >= until:
            raise NotFound("There is no such export, or it is kept no longer.")
        return await begun(self.files.read(file_key(job.organization_id, job_id)))

    @effect
    async def write(self, requested: ExportRequested) -> None:
        """Write the export; begun again after a crash, the file is written anew."""
        async with self.uow:
            is_wanted = await self.keeping.begin(DOCUMENTS, requested.job_id)
        if not is_wanted:
            await self._drop(requested.job_id)
            return
        async with self.uow.reading():
            person = await self.records.person(requested.subject)
            pieces = [] if person is None else [piece async for piece in self.records.collect(person)]
        if person is None:
            await self._fail(requested.job_id, "The contact is no longer there.")
            return
        size = await self.files.put(file_key(self.actor.organization_id, requested.job_id), _one_by_one(pieces))
        async with self.uow:
            result = {"url": f"/api/v1/exports/{requested.job_id}", "bytes": size}
            is_kept = await self.keeping.finish(DOCUMENTS, requested.job_id, 1, result)
        if not is_kept:
            await self._drop(requested.job_id)

    @effect
    async def remove(self, requested: ErasureRequested) -> None:
        """Erase: silence first, then files, then every row in one transaction; after a crash all is begun again."""
        if not await self._wanted(requested.job_id):
            return
        async with self.uow:
            person = await self.records.person(requested.subject)
            if person is not None:
                await self.records.silence(person)
        if person is None:
            await self._fail(requested.job_id, "The contact is no longer there.")
            return
        if not await self._quiet(person):
            await self._fail(requested.job_id, "An import is still running. Ask again when it has ended.")
            return
        await self._remove_files(person)
        async with self.uow:
            # A table that was written for somebody may name anybody.
            files = [*await self.keeping.end(DOCUMENTS, person.id), *await self.keeping.end(TABLES, None)]
            counts = await self.records.erase(person)
            self.uow.publish(PersonErased(subject=person.id, counts=counts))
            await self.work.finish(requested.job_id, 1, {"removed": counts})
        for key in files:
            await self.files.remove(key)

    @effect
    async def give_up_export(self, requested: ExportRequested, reason: str) -> None:
        """Tell on the job that the export failed again and again."""
        await self._fail(requested.job_id, f"The export failed too often and was given up: {reason}")
        await self._drop(requested.job_id)

    @effect
    async def give_up_erasure(self, requested: ErasureRequested, reason: str) -> None:
        """Tell on the job that the erasure failed again and again; the person is silenced, the rest may be left."""
        await self._fail(requested.job_id, f"The erasure failed too often and was given up: {reason}")

    @effect
    async def expire(self) -> None:
        """Remove exports that were kept long enough, and come again for the next."""
        await remove_expired(self.uow, self.keeping, self.files, DOCUMENTS)

    async def _remove_files(self, person: Person) -> None:
        async with self.uow.reading():
            naming = await self.records.files_naming(person)
            others = await self.records.other_uploads()
        naming += [key for key in others if key not in naming and await _names(self.files.read(key), person)]
        for key in naming:
            await self.files.remove(key)
        async with self.uow:
            await self.records.forget_files(naming)

    async def _quiet(self, person: Person) -> bool:
        for _ in range(WAITS):
            async with self.uow.reading():
                if not await self.records.under_way(person):
                    return True
            await asyncio.sleep(1)
        return False

    def _refuse_limited(self) -> None:
        if self.actor.dataset_ids is not None:
            raise Forbidden(
                "You are limited to certain datasets; what is known of a person lies in others too. Ask a colleague who"
                " is not."
            )

    async def _known(self, contact_id: UUID) -> Person:
        person = await self.records.person(contact_id)
        if person is None:
            raise NotFound("There is no such contact.")
        return person

    async def _wanted(self, job_id: UUID) -> bool:
        async with self.uow:
            return await self.work.wanted(job_id)

    async def _drop(self, job_id: UUID) -> None:
        await drop(self.uow, self.keeping, self.files, job_id)

    async def _fail(self, job_id: UUID, reason: str) -> None:
        async with self.uow:
            await self.work.fail(job_id, reason)


_NO_DIGITS = bytes(set(range(256)) - set(b"0123456789"))


async def _one_by_one(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def _names(content: AsyncIterator[bytes], person: Person) -> bool:
    """Tell whether a file holds a person's e-mail address, or the digits of their number as it is written at home."""
    digits = None if person.phone is None else person.phone[-9:].encode()
    email = None if person.email is None else person.email.casefold().encode()
    text, numbers = b"", b""
    try:
        async for chunk in content:
            text = text[-400:] + chunk.replace(b"\0", b"").lower()
            numbers = numbers[-20:] + chunk.translate(None, _NO_DIGITS)
            if (email and email in text) or (digits and digits in numbers):
                return True
    except NotFound:
        return False
    return False
