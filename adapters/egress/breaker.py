"""A circuit breaker: a provider that is down is asked by one call now and then, not by everybody."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from weakref import WeakSet

import structlog
from prometheus_client import Counter, Gauge

from application.provider import Rejected, TooEarly, Unavailable, Unknown, Untried, Unusable

FAILURES = 5
FIRST_REST_SECONDS = 1.0
LONGEST_REST_SECONDS = 30.0
_PROBE_SECONDS = 1.0
_GIVEN_UP_SECONDS = 60.0
OPEN = Gauge(
    "rapport_breaker_open", "Accesses to a provider by which nobody calls here because it is down.", ["provider"]
)
OPENED = Counter("rapport_breaker_opened_total", "How often a provider was taken for down.", ["provider"])
log = structlog.get_logger()
_KNOWN: "dict[str, WeakSet[Breaker]]" = {}


class Breaker:
    """Open after some failures in a row, let one call through after a rest, and close when it succeeds.

    An access that people must mend opens it at once. The rests double, up to half a minute, and are never shorter than
    the provider itself asks for.
    """

    def __init__(self, provider: str, now: Callable[[], float] = time.monotonic) -> None:
        self._provider = provider
        self._now = now
        self._failures = 0
        self._rest = 0.0
        self._until = 0.0
        self._probing = False
        known = _KNOWN.setdefault(provider, WeakSet())
        known.add(self)
        OPEN.labels(provider).set_function(lambda: float(sum(breaker.is_open for breaker in tuple(known))))

    @property
    def is_open(self) -> bool:
        """Tell whether the provider is taken for down; nobody knows of an access that nobody uses any more."""
        return self._rest > 0 and self._now() < self._until + _GIVEN_UP_SECONDS

    def rest_seconds(self) -> float:
        """Tell for how long calls are refused from now on; 0 when the next one is let through."""
        if self._rest == 0:
            return 0.0
        if self._probing:
            return _PROBE_SECONDS
        return max(0.0, self._until - self._now())

    @contextmanager
    def call(self) -> Iterator[None]:
        """Let a call through, or raise `Untried`, and take note of how it ends."""
        rest = self.rest_seconds()
        if rest:
            raise Untried(rest, f"The provider {self._provider} is down; it is left alone for a moment.")
        probe = self._probing = self._rest > 0
        try:
            yield
        except Unavailable as error:
            if error.sender_only:
                self._answered(probe)
            elif isinstance(error, Unusable):
                self._open(error.retry_after, probe)
            elif not isinstance(error, Untried):
                self._failed(error.retry_after, probe)
            raise
        except (Rejected, TooEarly):
            self._answered(probe)
            raise
        except Unknown:
            self._failed(None, probe)
            raise
        else:
            self._answered(probe)
        finally:
            if probe:
                self._probing = False

    def _answered(self, probe: bool) -> None:
        if self._rest and not probe:
            return  # it had been called before the breaker opened
        self._failures = 0
        if self._rest:
            self._rest = 0.0
            log.info("provider answers again", provider=self._provider)

    def _failed(self, retry_after: float | None, probe: bool) -> None:
        self._failures += 1
        if probe or self._failures >= FAILURES:
            self._open(retry_after, probe)

    def _open(self, retry_after: float | None, probe: bool) -> None:
        if self._rest and not probe:
            return  # it had been called before the breaker opened
        if not self._rest:
            OPENED.labels(self._provider).inc()
            log.warning("provider is down", provider=self._provider)
        self._rest = min(self._rest * 2 or FIRST_REST_SECONDS, LONGEST_REST_SECONDS)
        self._until = self._now() + max(self._rest, retry_after or 0.0)
