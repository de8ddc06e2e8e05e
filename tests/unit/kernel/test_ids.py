"""Ids are UUIDv7, in order, never the same."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

import pytest

from domain import kernel
from domain.kernel import first_id, id_time, new_id


def test_a_hundred_thousand_ids_are_different_and_in_order() -> None:
    made = [new_id() for _ in range(100_000)]
    assert len(set(made)) == len(made)
    assert made == sorted(made)
    assert [str(identifier) for identifier in made] == sorted(str(identifier) for identifier in made)


def test_every_id_has_version_and_variant_of_rfc_9562() -> None:
    for identifier in (new_id() for _ in range(10_000)):
        assert identifier.version == 7
        assert identifier.variant == RFC_4122


def test_an_id_tells_when_it_was_made() -> None:
    before = datetime.now(UTC)
    told = id_time(new_id())
    assert before - timedelta(milliseconds=1) <= told <= datetime.now(UTC) + timedelta(seconds=1)
    assert id_time(UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")) == datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)


def test_threads_never_make_the_same() -> None:
    start = threading.Barrier(4)

    def make(_: int) -> list[UUID]:
        start.wait()
        return [new_id() for _ in range(5_000)]

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(make, range(4)))
    assert len({identifier for part in made for identifier in part}) == 20_000
    assert all(part == sorted(part) for part in made)


def test_a_clock_that_goes_back_does_not_take_the_order_back(monkeypatch: pytest.MonkeyPatch) -> None:
    first = new_id()
    earlier = time.time_ns() - 3_600 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: earlier)
    assert first < new_id() < new_id()


def test_more_than_a_millisecond_holds_run_into_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen = time.time_ns() + 60 * 10**9
    monkeypatch.setattr(kernel, "_last_millisecond", 0)
    monkeypatch.setattr(time, "time_ns", lambda: frozen)
    made = [new_id() for _ in range(10_000)]
    assert made == sorted(set(made))
    assert id_time(made[-1]) - id_time(made[0]) <= timedelta(milliseconds=5)


def test_the_first_id_of_a_time_stands_between_those_before_and_after() -> None:
    made = new_id()
    at = id_time(made)
    assert first_id(at) <= made < first_id(at + timedelta(milliseconds=1))
    assert id_time(first_id(at)) == at
