"""S12: a thousand leads in each of many organisations, against as many leads in one, the same requests."""

import asyncio
import statistics
from collections.abc import Callable, Iterator
from uuid import UUID

from benchmarks.figures import Figure, median_ratio
from benchmarks.load import Run, request_of, send_all
from benchmarks.rounds import in_turn
from benchmarks.s1_list import QUERY
from benchmarks.seed import LEADS_EACH, Tenant, leads_of, seed, seed_many
from benchmarks.worlds import Worlds
from domain.kernel import new_id


def measure(worlds: Worlds) -> Iterator[Figure]:
    """Give lists and changes a second; requests go round the organisations, so no two that follow are of one."""
    many_house, one_house = worlds.installation.beside("many"), worlds.installation.beside("one")
    many = asyncio.run(seed_many(many_house.config, many_house.superuser_url, leads=worlds.leads))
    [one, *_] = asyncio.run(seed(one_house.config, one_house.superuser_url, leads=worlds.leads, alone=True))
    names = f"{len(many):,} organisations of {LEADS_EACH:,} leads against one"
    of_many = asyncio.run(leads_of(many_house.superuser_url, many, worlds.requests))
    of_one = asyncio.run(leads_of(one_house.superuser_url, [one], worlds.requests))
    with many_house.api() as many_api, one_house.api() as one_api:

        def lists(port: int, tenants: list[Tenant]) -> Callable[[int], Run]:
            path = f"/api/v1/leads?{QUERY}"
            requests = [request_of("GET", path, token=tenant.token) for tenant in tenants]
            return lambda _: send_all(port, requests, times=worlds.requests)

        def changes(port: int, leads: list[tuple[Tenant, UUID]]) -> Callable[[int], Run]:
            return lambda _: send_all(port, [_change(lead, tenant.token) for tenant, lead in leads])

        yield _figure(f"S12 list, {names}", worlds.rounds, lists(many_api.port, many), lists(one_api.port, [one]))
        yield _figure(
            f"S12 PATCH a lead, {names}",
            worlds.rounds,
            changes(many_api.port, of_many),
            changes(one_api.port, of_one),
        )


def _change(lead: UUID, token: str) -> bytes:
    body = f'{{"notes": "rang at {new_id()}"}}'.encode()
    return request_of(
        "PATCH", f"/api/v1/leads/{lead}", token=token, body=body, headers={"Content-Type": "application/json"}
    )


def _figure(name: str, rounds: int, many: Callable[[int], Run], one: Callable[[int], Run]) -> Figure:
    of_many, of_one = in_turn(rounds, many, one)
    rates, others = [run.rate for run in of_many], [run.rate for run in of_one]
    return Figure(
        name,
        f"{statistics.median(rates):,.0f}/s",
        f"{statistics.median(others):,.0f}/s",
        median_ratio(others, rates),
        at_most=1.3,
    )
