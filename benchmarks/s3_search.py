"""S3: searches in leads by name, e-mail and number, beside the list of S1; a small organisation among large ones.

And what is misspelt, or is written right and lies where nobody may look: none of it may come near the time at which
PostgreSQL cancels a statement.
"""

import asyncio
import statistics
from collections.abc import Iterator, Mapping
from urllib.parse import quote

import asyncpg
import msgspec

from adapters.persistence.database import connect_arguments
from benchmarks.figures import Figure, median_ratio
from benchmarks.installation import Installation, Server
from benchmarks.load import Task, load
from benchmarks.s1_list import QUERY, fetch
from benchmarks.seed import Tenant, seed
from benchmarks.worlds import Worlds
from domain.kernel import new_id

LEADS = "/api/v1/leads"
PATIENCE_SECONDS = 5.0
"""After how long a statement of the API's is cancelled."""
SLOW_SEARCHES = 20
SMALL = 5
"""The place of an organisation with one hundredth of the leads."""


def measure(worlds: Worlds) -> Iterator[Figure]:
    """Give the median time of searches over the list's, and over the same where nobody else is in the database."""
    house, tenants = worlds.large
    with house.api() as api, house.bare("benchmarks.bare.search", str(tenants[0].organization_id)) as bare:
        yield from _against_the_list(worlds, api, bare, tenants[0].token)
        yield from _against_patience(worlds, api, tenants[0].token)
    count = asyncio.run(_leads(house, tenants[SMALL]))
    alone, only = _alone(worlds, count)
    with house.api() as api, alone.api() as other:
        yield from _against_alone(worlds, (api, tenants[SMALL].token), (other, only.token), count)


def searches(api: Server, token: str) -> Mapping[str, str]:
    """Say what to look for: names that the seed knows, the address and the number of somebody who is there."""
    newest = msgspec.json.decode(fetch(api, f"{LEADS}?limit=1", token))["data"][0]["contact"]
    return {
        "name prefix": "kowal",
        "name infix": "owalsk",
        "e-mail": newest["email"].partition("@")[0],
        "phone fragment": newest["phone_number"][-6:],
    }


def _against_the_list(worlds: Worlds, api: Server, bare: Server, token: str) -> Iterator[Figure]:
    listed = Task(port=api.port, path=f"{LEADS}?{QUERY}", token=token, requests=worlds.requests)
    for kind, text in searches(api, token).items():
        ours = Task(port=api.port, path=_path(text), token=token, requests=worlds.requests)
        theirs = Task(port=bare.port, path=f"/leads?search={quote(text)}", requests=worlds.requests)
        found = len(msgspec.json.decode(fetch(api, ours.path, token))["data"])
        if found != len(msgspec.json.decode(fetch(bare, theirs.path))["data"]):
            raise RuntimeError(f"The bare search for {text!r} does not find as many as ours.")
        of_list, of_search, of_bare = _medians(worlds.rounds, listed, ours, theirs)
        yield Figure(
            f"S3 {kind} at {worlds.leads:,} leads, p50 against S1's list",
            f"{statistics.median(of_search) * 1e3:.1f} ms",
            f"{statistics.median(of_list) * 1e3:.1f} ms",
            median_ratio(of_search, of_list),
            at_most=4.0,
        )
        yield Figure(
            f"S3 {kind}, p50 against a bare search",
            f"{statistics.median(of_search) * 1e3:.1f} ms",
            f"{statistics.median(of_bare) * 1e3:.1f} ms",
            median_ratio(of_search, of_bare),
        )


def _against_patience(worlds: Worlds, api: Server, token: str) -> Iterator[Figure]:
    elsewhere = f"&dataset_id={new_id()}"  # as whoever is limited to a dataset that holds nobody
    for kind, path in {
        "misspelt name": _path("smtih"),
        "misspelt mail domain": _path("exampel"),
        "misspelt mail domain, doubled letter": _path("examplle"),
        "mail domain, limited to nobody": _path("example") + elsewhere,
        "name prefix, limited to nobody": _path("kowal") + elsewhere,
    }.items():
        slowest = load(Task(port=api.port, path=path, token=token, requests=SLOW_SEARCHES, connections=1)).p99
        yield Figure(
            f"S3 {kind} at {worlds.leads:,} leads, slowest of {SLOW_SEARCHES} against a statement's end",
            f"{slowest * 1e3:,.0f} ms",
            f"{PATIENCE_SECONDS:g} s",
            slowest / PATIENCE_SECONDS,
            at_most=0.5,
        )


def _against_alone(
    worlds: Worlds, among: tuple[Server, str], alone: tuple[Server, str], count: int
) -> Iterator[Figure]:
    wanted = searches(*among), searches(*alone)
    for kind in wanted[0]:
        here, there = (
            Task(port=server.port, path=_path(texts[kind]), token=token, requests=worlds.requests)
            for (server, token), texts in zip((among, alone), wanted, strict=True)
        )
        of_here, of_there = _medians(worlds.rounds, here, there)
        yield Figure(
            f"S3 {kind} in {count:,} leads among {worlds.leads:,}, p50 against alone",
            f"{statistics.median(of_here) * 1e3:.1f} ms",
            f"{statistics.median(of_there) * 1e3:.1f} ms",
            median_ratio(of_here, of_there),
            at_most=1.2,
        )


def _path(text: str) -> str:
    return f"{LEADS}?search={quote(text)}&limit=50"


def _medians(rounds: int, *tasks: Task) -> list[list[float]]:
    """Run the tasks in turn, forwards and backwards; the first round warms up and does not count."""
    kept: list[list[float]] = [[] for _ in tasks]
    for number in range(rounds + 1):
        places = range(len(tasks)) if number % 2 else reversed(range(len(tasks)))
        for place in places:
            kept[place].append(load(tasks[place]).p50)
    return [times[1:] for times in kept]


async def _leads(house: Installation, tenant: Tenant) -> int:
    connection = await asyncpg.connect(**connect_arguments(house.superuser_url))
    try:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM leads WHERE organization_id = $1", tenant.organization_id
        )
        return count
    finally:
        await connection.close()


def _alone(worlds: Worlds, count: int) -> tuple[Installation, Tenant]:
    """Fill a database with one organisation of so many leads, and nobody else's."""
    house = worlds.installation.beside("alone")

    async def filled() -> Tenant:
        # The first organisation of a data set has seven tenths of it.
        tenants = await seed(house.config, house.superuser_url, leads=round(count / 0.7))
        connection = await asyncpg.connect(**connect_arguments(house.superuser_url))
        try:
            for table in ("lead_tags", "leads", "contacts"):
                statement = f"DELETE FROM {table} WHERE organization_id <> $1"
                await connection.execute(statement, tenants[0].organization_id)
            await connection.execute("VACUUM (FULL, ANALYZE) contacts, leads, lead_tags")
        finally:
            await connection.close()
        return tenants[0]

    return house, asyncio.run(filled())
