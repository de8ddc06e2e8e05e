"""S2: what a list costs when there is more: more leads in the database, further in, and with the count."""

import statistics
from collections.abc import Iterator

from benchmarks.figures import Figure, median_ratio
from benchmarks.installation import Server
from benchmarks.load import Task, load
from benchmarks.s1_list import QUERY, fetch, next_cursor
from benchmarks.worlds import SMALL, Worlds

LEADS = "/api/v1/leads"


def measure(worlds: Worlds) -> Iterator[Figure]:
    """Give the cost of one case over the cost of the other, as the ratio of their rates."""
    house, tenants = worlds.large
    small_house, small_tenants = worlds.small
    token, depth = tenants[0].token, worlds.leads // 2
    with house.api() as api, small_house.api() as small:
        first = Task(port=api.port, path=f"{LEADS}?{QUERY}", token=token, requests=worlds.requests)
        of_small = Task(port=small.port, path=first.path, token=small_tenants[0].token, requests=worlds.requests)
        second = _at(first, QUERY, _cursor(api, token, QUERY, pages=1))
        every = "limit=50"
        near = _at(first, every, _cursor(api, token, every, pages=1))
        deep = _at(first, every, _cursor(api, token, "limit=100", pages=depth // 100))
        yield _figure(
            f"S2 list at {worlds.leads:,} leads against {SMALL:,}", _rates(worlds.rounds, first, of_small), at_most=1.2
        )
        yield _figure(f"S2 cursor at row {depth:,} against row 50", _rates(worlds.rounds, deep, near), at_most=1.1)
        yield _figure("S2 first page with count against cursor page", _rates(worlds.rounds, first, second), at_most=1.5)


def _cursor(api: Server, token: str, query: str, *, pages: int) -> str:
    """Walk the list: there is no other way to a place deep in it."""
    cursor = next_cursor(fetch(api, f"{LEADS}?{query}", token))
    for _ in range(pages - 1):
        cursor = next_cursor(fetch(api, f"{LEADS}?{query}&cursor={cursor}", token))
    return cursor


def _at(task: Task, query: str, cursor: str) -> Task:
    return Task(port=task.port, path=f"{LEADS}?{query}&cursor={cursor}", token=task.token, requests=task.requests)


def _rates(rounds: int, one: Task, other: Task) -> tuple[list[float], list[float]]:
    ones: list[float] = []
    others: list[float] = []
    for number in range(rounds + 1):
        turns = [(one, ones), (other, others)]
        for task, kept in turns if number % 2 else reversed(turns):
            kept.append(load(task).rate)
    return ones[1:], others[1:]


def _figure(measure: str, rates: tuple[list[float], list[float]], *, at_most: float) -> Figure:
    ones, others = rates
    return Figure(
        measure,
        f"{statistics.median(ones):,.0f}/s",
        f"{statistics.median(others):,.0f}/s",
        median_ratio(others, ones),
        at_most=at_most,
    )
