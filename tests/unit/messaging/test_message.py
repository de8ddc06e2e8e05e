"""Delivery states only move forward, whatever the order of the reports."""

from functools import reduce
from itertools import permutations

import pytest

from domain.messaging.message import MessageStatus, later

S = MessageStatus
REPORTS = (S.PENDING, S.UNKNOWN, S.SENT, S.FAILED, S.DELIVERED)


@pytest.mark.parametrize("count", range(1, len(REPORTS) + 1))
def test_reports_end_the_same_in_every_order(count: int) -> None:
    for chosen in {frozenset(order) for order in permutations(REPORTS, count)}:
        assert len({reduce(later, order, S.PENDING) for order in permutations(chosen)}) == 1


@pytest.mark.parametrize("status", REPORTS)
def test_the_same_report_twice_changes_nothing(status: S) -> None:
    once = later(S.PENDING, status)
    assert later(once, status) is once


def test_what_arrived_has_arrived() -> None:
    assert all(later(S.DELIVERED, told) is S.DELIVERED for told in S)
    assert later(S.FAILED, S.DELIVERED) is S.DELIVERED


@pytest.mark.parametrize("end", [S.REFUSED, S.CANCELLED, S.RECEIVED])
def test_no_report_moves_what_never_left(end: S) -> None:
    assert all(later(end, told) is end for told in S)
