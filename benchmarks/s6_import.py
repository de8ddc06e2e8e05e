"""S6: import of a file, everything included, against COPY of the rows it makes; then the same file again.

`python -m benchmarks.s6_import --rows 100000 --rounds 5`. Each round imports a file of new people and copies the very
same rows for another organisation, in turn, so that both write to tables of the same size.
"""

import argparse
import asyncio
import resource
import statistics
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
from dishka import AsyncContainer

from adapters.persistence.database import Cause, connect_arguments
from application.identity.account_forms import Register
from application.identity.accounts import Accounts
from application.outreach.datasets import Datasets, NewDataset
from application.outreach.imports import ColumnMapping, Imports, MapAndImport
from application.outreach.uploads import Uploads
from application.platform.jobs import Jobs, JobView
from application.ports import Actor
from benchmarks.bare import copy_leads
from benchmarks.figures import Figure, as_text, machine, median_ratio
from benchmarks.installation import Installation, installation
from benchmarks.load import Task, load
from domain.kernel import new_id
from domain.outreach.lead_import import ImportRequested
from entrypoints.container import container

_CHUNK = 1 << 18
_MAPPING = ColumnMapping(
    first_name="Forename",
    last_name="Surname",
    phone_number="Mobile No.",
    email="E-mail",
    postcode="Post Code",
    inquiry_date="Enquiry Date",
    product="Product",
    notes="Comments",
)


@dataclass
class SentFile:
    """Be an upload whose bytes come from a file."""

    path: Path
    dataset_id: UUID | None = None

    @property
    def filename(self) -> str:
        """Tell the name."""
        return self.path.name

    async def chunks(self) -> AsyncIterator[bytes]:
        """Read it in pieces, as the wire brings them."""
        with self.path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk


@dataclass
class Times:
    """Hold seconds by round."""

    first: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)


def write_file(path: Path, rows: int, first_number: int) -> None:
    """Write a list of new people, numbers in five ways, dates in three."""
    phones = ("07{0}", "+447{0}", "447{0}", "0044 7{0}", "07{1} {2}")
    dates = ("2024-03-{0:02}", "{0}/11/2023", "{0} Jan 2025")
    with path.open("w", encoding="utf-8") as file:
        file.write("Forename,Surname,Mobile No.,E-mail,Post Code,Enquiry Date,Product,Comments\n")
        for n in range(first_number, first_number + rows):
            national = f"{400_000_000 + n:09}"
            phone = phones[n % 5].format(national, national[:3], national[3:])
            date = dates[n % 3].format(1 + n % 28)
            file.write(
                f"Ann{n % 977},Ash{n % 7919},{phone},ann{n}@example.com,N{n % 20} {n % 9}TD,{date},Solar panels,"
                f"thinking it over {n}\n"
            )


async def _organization(house: AsyncContainer, name: str) -> tuple[Actor, str]:
    async with house({Actor: Actor(new_id()), Cause: Cause()}) as scope:
        accounts = await scope.get(Accounts)
        registered = await accounts.register(
            Register(
                email=f"{new_id().hex}@example.com",
                password="correct horse battery staple",
                name="Olga",
                organization_name=name,
            )
        )
    return Actor.system(registered.organization.id), registered.token


async def _import(house: AsyncContainer, actor: Actor, path: Path, dataset_id: UUID) -> tuple[float, dict[str, Any]]:
    """Take the file in, import it in this process by the worker's use case, and give seconds and result."""
    started = time.perf_counter()
    async with house({Actor: actor, Cause: Cause()}) as scope:
        upload = await (await scope.get(Uploads)).receive(SentFile(path))
    result = await _work(house, actor, upload.id, dataset_id)
    return time.perf_counter() - started, result


async def _work(house: AsyncContainer, actor: Actor, upload_id: UUID, dataset_id: UUID) -> dict[str, Any]:
    async with house({Actor: actor, Cause: Cause()}) as scope:
        asked = MapAndImport(upload_id=upload_id, dataset_id=dataset_id, column_mapping=_MAPPING)
        begun = await (await scope.get(Imports)).start(asked)
    long = Cause(statement_timeout_ms=120_000)
    async with house({Actor: actor, Cause: long}) as scope:
        requested = ImportRequested(subject=begun.import_id, dataset_id=dataset_id, job_id=begun.job_id)
        await (await scope.get(Imports)).run(requested)
    async with house({Actor: actor, Cause: Cause()}) as scope:
        job = msgspec.json.decode(await (await scope.get(Jobs)).show(begun.job_id), type=JobView)
    assert job.result is not None, job.error
    return job.result


async def _lists_meanwhile(at: Installation, house: AsyncContainer, actor: Actor, token: str, path: Path) -> Figure:
    """Ask an API process for lists while it takes a file in and while the file is imported beside it."""
    dataset_id = await _dataset(house, actor)
    with at.api() as api:
        task = Task(port=api.port, path="/api/v1/leads?status=READY&limit=50", token=token, requests=300, connections=2)

        async def asked_for() -> float:
            return (await asyncio.to_thread(load, task)).p99

        await asked_for()
        alone = [await asked_for() for _ in range(5)]
        meanwhile = []

        async def imported() -> None:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{api.port}/api/v1", timeout=900) as client:
                with path.open("rb") as file:
                    sent = {"file": (path.name, file, "text/csv")}
                    headers = {"Authorization": f"Bearer {token}"}
                    answer = await client.post("/datasets/upload", files=sent, headers=headers)
            await _work(house, actor, UUID(answer.raise_for_status().json()["data"]["id"]), dataset_id)

        importing = asyncio.create_task(imported())
        while not importing.done():
            meanwhile.append(await asked_for())
        await importing
    ours, theirs = statistics.median(meanwhile), statistics.median(alone)
    return Figure(
        "S6 lists' p99 meanwhile against alone, 2 connections",
        f"{ours * 1e3:.1f} ms",
        f"{theirs * 1e3:.1f} ms",
        ours / theirs,
        at_most=3.0,
    )


async def _dataset(house: AsyncContainer, actor: Actor) -> UUID:
    async with house({Actor: actor, Cause: Cause()}) as scope:
        made = await (await scope.get(Datasets)).create(NewDataset(name="Benchmark"))
    return UUID(msgspec.json.decode(made)["id"])


async def _bare(
    superuser: Any, folder: Path, import_id: UUID, ours: tuple[UUID, UUID], theirs: tuple[UUID, UUID]
) -> float:
    twin = new_id()
    await superuser.execute(
        "INSERT INTO uploads (organization_id, id, filename, file_key, size, shape, created_at)"
        " VALUES ($1, $2, 'x', 'x', 0, '{}', now())",
        theirs[0],
        twin,
    )
    await superuser.execute(
        "INSERT INTO imports (organization_id, id, upload_id, dataset_id, mapping, created_at)"
        " VALUES ($1, $2, $2, $3, '{}', now())",
        theirs[0],
        twin,
        theirs[1],
    )
    renamed = {ours[0]: theirs[0], ours[1]: theirs[1], import_id: twin}
    await copy_leads.export(superuser, folder, import_id, renamed)
    started = time.perf_counter()
    await copy_leads.copy(superuser, folder)
    return time.perf_counter() - started


async def measure(at: Installation, rows: int, rounds: int) -> list[Figure]:
    """Measure in an installation; the first round warms up and does not count."""
    times = Times()
    folder = at.log_dir
    house = container(at.config)
    superuser = await asyncpg.connect(**connect_arguments(at.superuser_url))
    try:
        ours, token = await _organization(house, "Ours")
        theirs, _ = await _organization(house, "Bare")
        for number in range(rounds + 1):
            path = folder / f"{number}.csv"
            size = rows if number else min(rows, 10_000)
            write_file(path, size, 2_000_000 * number)
            datasets = await _dataset(house, ours), await _dataset(house, theirs)
            first, result = await _import(house, ours, path, datasets[0])
            assert result["imported"]["successful"] == size, result
            if number == 0:
                small = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            bare = await _bare(
                superuser,
                folder,
                UUID(result["import_id"]),
                (ours.organization_id, datasets[0]),
                (theirs.organization_id, datasets[1]),
            )
            again, result = await _import(house, ours, path, datasets[0])
            assert result["imported"]["duplicates"] == size, result
            if number == 0:
                continue
            times.first.append(first)
            times.bare.append(bare)
            times.again.append(again)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        path = folder / "meanwhile.csv"
        write_file(path, rows, 2_000_000 * (rounds + 1))
        lists = await _lists_meanwhile(at, house, ours, token, path)
    finally:
        await superuser.close()
        await house.close()

    def rate(seconds: list[float]) -> str:
        return f"{rows / sorted(seconds)[len(seconds) // 2]:,.0f} rows/s"

    return [
        Figure(
            f"S6 import {rows:,} rows", rate(times.first), rate(times.bare), median_ratio(times.bare, times.first), 0.5
        ),
        Figure(
            "S6 the same file again", rate(times.again), rate(times.first), median_ratio(times.first, times.again), 2.5
        ),
        Figure("S6 peak memory / 250 MB", f"{memory:.0f} MB", "250 MB", memory / 250, at_most=1.0),
        Figure(
            f"S6 memory against {10_000:,} rows", f"{memory:.0f} MB", f"{small:.0f} MB", memory / small, at_most=1.1
        ),
        lists,
    ]


def main() -> None:
    """Measure in an installation of its own and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with installation() as at:
        figures = asyncio.run(measure(at, asked.rows, asked.rounds))
    print(machine())
    print(as_text(figures))


if __name__ == "__main__":
    main()
