"""The circuit breaker: who is let through, when, and what it says of itself."""

import pytest
from prometheus_client import REGISTRY

from adapters.egress.breaker import FAILURES, LONGEST_REST_SECONDS, Breaker
from application.provider import ProviderError, Rejected, TooEarly, Unavailable, Unknown, Untried, Unusable


class Watch:
    """Be a clock that stands until it is told."""

    seconds = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.seconds


@pytest.fixture
def watch() -> Watch:
    """Make one."""
    return Watch()


@pytest.fixture
def breaker(watch: Watch) -> Breaker:
    """Make one for a provider of the tests."""
    return Breaker(f"test-{id(watch)}", watch)


def fail(breaker: Breaker, error: ProviderError) -> None:
    with pytest.raises(type(error)), breaker.call():
        raise error


def succeed(breaker: Breaker) -> None:
    with breaker.call():
        pass


def opened(breaker: Breaker) -> None:
    for _ in range(FAILURES):
        fail(breaker, Unknown("It hangs."))


def refused(breaker: Breaker) -> float:
    with pytest.raises(Untried) as raised, breaker.call():
        pytest.fail("it was called")
    assert raised.value.retry_after == breaker.rest_seconds()
    return breaker.rest_seconds()


def test_failures_in_a_row_open_it_and_nobody_calls_until_the_rest_is_over(breaker: Breaker, watch: Watch) -> None:
    for _ in range(FAILURES - 1):
        fail(breaker, Unavailable())
    assert breaker.rest_seconds() == 0
    fail(breaker, Unavailable())
    assert refused(breaker) == 1
    watch.seconds = 0.5
    assert refused(breaker) == 0.5
    watch.seconds = 1
    assert breaker.rest_seconds() == 0


@pytest.mark.parametrize("answer", [None, Rejected("invalid_to", "No such number.", True)])
def test_an_answer_between_failures_keeps_it_closed(breaker: Breaker, answer: Rejected | None) -> None:
    for _ in range(3 * FAILURES):
        fail(breaker, Unknown("It hangs."))
        if answer is None:
            succeed(breaker)
        else:
            fail(breaker, answer)
    assert breaker.rest_seconds() == 0


def test_calls_that_were_not_made_are_no_failures(breaker: Breaker) -> None:
    for _ in range(3 * FAILURES):
        fail(breaker, Untried(None, "No place."))
    assert breaker.rest_seconds() == 0


def test_after_the_rest_one_tries_and_the_others_wait_for_what_it_finds(breaker: Breaker, watch: Watch) -> None:
    opened(breaker)
    watch.seconds = 1
    with breaker.call():
        assert refused(breaker) > 0
    assert breaker.rest_seconds() == 0
    for _ in range(FAILURES - 1):
        fail(breaker, Unavailable())
    assert breaker.rest_seconds() == 0, "it is closed as if nothing had been"


def test_rests_double_up_to_the_longest_and_begin_anew_once_it_answered(breaker: Breaker, watch: Watch) -> None:
    opened(breaker)
    rests = []
    for _ in range(7):
        rests.append(breaker.rest_seconds())
        watch.seconds += breaker.rest_seconds()
        fail(breaker, Unknown("It hangs."))
    assert rests == [1, 2, 4, 8, 16, LONGEST_REST_SECONDS, LONGEST_REST_SECONDS]
    watch.seconds += LONGEST_REST_SECONDS
    succeed(breaker)
    opened(breaker)
    assert breaker.rest_seconds() == 1


def test_a_provider_that_names_its_time_is_left_alone_for_so_long(breaker: Breaker) -> None:
    for _ in range(FAILURES):
        fail(breaker, Unavailable(60, "Too many texts."))
    assert breaker.rest_seconds() == 60


def test_what_was_under_way_when_it_opened_makes_no_rest_longer(breaker: Breaker) -> None:
    calls = [breaker.call() for _ in range(2 * FAILURES)]
    for call in calls:
        call.__enter__()
    for call in calls:
        error = Unknown("It hangs.")
        assert not call.__exit__(Unknown, error, None)
    assert breaker.rest_seconds() == 1


def test_an_error_of_our_own_ends_a_try_without_a_word(breaker: Breaker, watch: Watch) -> None:
    opened(breaker)
    watch.seconds = 1
    with pytest.raises(LookupError), breaker.call():
        raise LookupError
    assert breaker.rest_seconds() == 0, "the next one tries"


def test_an_access_that_people_must_mend_opens_it_at_once_and_a_number_that_they_must_does_not(
    breaker: Breaker, watch: Watch
) -> None:
    fail(breaker, Unusable(300, "This number is not yours.", sender_only=True))
    assert breaker.rest_seconds() == 0
    fail(breaker, Unusable(300, "This token is not right."))
    assert refused(breaker) == 300
    watch.seconds = 300
    fail(breaker, Unusable(300, "This token is still not right."))
    assert refused(breaker) == 300


def test_a_number_whose_queue_is_full_keeps_no_other_number_away(breaker: Breaker) -> None:
    for _ in range(3 * FAILURES):
        fail(breaker, Unavailable(30, "This number's queue is full.", sender_only=True))
    assert breaker.rest_seconds() == 0


@pytest.mark.parametrize("answer", [None, Rejected("invalid_to", "No such number.", True)])
def test_what_was_under_way_when_it_opened_does_not_close_it(breaker: Breaker, answer: Rejected | None) -> None:
    slow = breaker.call()
    slow.__enter__()
    fail(breaker, Unusable(300, "This token is not right."))
    assert not slow.__exit__(None if answer is None else type(answer), answer, None)
    assert breaker.rest_seconds() == 300


def test_an_answer_that_comes_too_early_is_an_answer(breaker: Breaker) -> None:
    for _ in range(3 * FAILURES):
        fail(breaker, TooEarly(5, "It cannot be told yet."))
    assert breaker.rest_seconds() == 0


def test_the_metrics_show_it() -> None:
    watch = Watch()
    breaker, other = Breaker("shown", watch), Breaker("shown", watch)

    def shown(name: str) -> float | None:
        return REGISTRY.get_sample_value(name, {"provider": "shown"})

    before = shown("rapport_breaker_opened_total") or 0
    assert shown("rapport_breaker_open") == 0
    opened(breaker)
    assert shown("rapport_breaker_open") == 1
    assert shown("rapport_breaker_opened_total") == before + 1
    opened(other)
    assert shown("rapport_breaker_open") == 2
    watch.seconds = 1
    succeed(breaker)
    assert shown("rapport_breaker_open") == 1
    watch.seconds = 100
    assert shown("rapport_breaker_open") == 0, "the other access is not used any more"
