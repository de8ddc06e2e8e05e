"""S5: a lead entered under an Idempotency-Key and a lead's stage changed, beside one bare statement each."""

import asyncio
import statistics
from collections.abc import Callable, Iterator
from uuid import UUID

import asyncpg
import msgspec

from adapters.persistence.database import connect_arguments
from benchmarks.bare.writes import HISTORY
from benchmarks.figures import Figure, median_ratio
from benchmarks.load import Run, request_of, send_all
from benchmarks.rounds import in_turn
from benchmarks.worlds import Worlds
from domain.kernel import new_id

_JSON = {"Content-Type": "application/json"}


def measure(worlds: Worlds) -> Iterator[Figure]:
    """Give writes a second over 16 connections."""
    house, tenants = worlds.large
    largest = tenants[0]
    organization = largest.organization_id
    ours_of, theirs_of = asyncio.run(_leads(house.superuser_url, organization, worlds.requests))
    with house.api() as api, house.bare("benchmarks.bare.writes", str(organization)) as bare:

        def enter(_: int) -> Run:
            return send_all(api.port, [_new("/api/v1", n, largest.token) for n in range(worlds.requests)])

        def enter_bare(_: int) -> Run:
            return send_all(bare.port, [_new("", n) for n in range(worlds.requests)])

        def move(number: int) -> Run:
            return send_all(api.port, [_move("/api/v1", lead, number, largest.token) for lead in ours_of])

        def move_bare(number: int) -> Run:
            return send_all(bare.port, [_move("", lead, number) for lead in theirs_of])

        yield _figure("S5 POST /leads with its contact and a key", worlds.rounds, enter, enter_bare, at_least=0.5)
        yield _figure("S5 PATCH /leads/{id}/stage", worlds.rounds, move, move_bare, at_least=0.55)


def _figure(
    name: str, rounds: int, ours: Callable[[int], Run], theirs: Callable[[int], Run], *, at_least: float
) -> Figure:
    runs, bare_runs = in_turn(rounds, ours, theirs)
    rates, bare_rates = [run.rate for run in runs], [run.rate for run in bare_runs]
    return Figure(
        name,
        f"{statistics.median(rates):,.0f}/s",
        f"{statistics.median(bare_rates):,.0f}/s",
        median_ratio(rates, bare_rates),
        at_least=at_least,
    )


def _new(prefix: str, n: int, token: str = "") -> bytes:
    someone = new_id()
    # Numbers of 074, which the data set has few of, so that finding a twin looks at what a real one looks at.
    person = {
        "first_name": "Ann",
        "last_name": f"Archer{n}",
        "email": f"ann.{someone.hex}@example.com",
        "phone_number": f"+4474{someone.int % 100_000_000:08}",
    }
    body = msgspec.json.encode({"contact": person, "source": "web form", "product": "Solar panels"})
    key = {"Idempotency-Key": str(new_id())} if token else {}
    return request_of("POST", f"{prefix}/leads", token=token, body=body, headers=_JSON | key)


def _move(prefix: str, lead: UUID, number: int, token: str = "") -> bytes:
    body = msgspec.json.encode({"stage": "PROPOSAL" if number % 2 else "QUALIFIED"})
    return request_of("PATCH", f"{prefix}/leads/{lead}/stage", token=token, body=body, headers=_JSON)


async def _leads(url: str, organization_id: UUID, wanted: int) -> tuple[list[UUID], list[UUID]]:
    """Pick leads for both, none twice, all in another stage than the first that they are put into."""
    connection = await asyncpg.connect(**connect_arguments(url))
    try:
        await connection.execute(HISTORY)
        rows = await connection.fetch(
            "SELECT id FROM leads WHERE organization_id = $1 AND stage = 'NEW_LEAD' ORDER BY created_at LIMIT $2",
            organization_id,
            2 * wanted,
        )
    finally:
        await connection.close()
    return [row["id"] for row in rows[::2]], [row["id"] for row in rows[1::2]]
