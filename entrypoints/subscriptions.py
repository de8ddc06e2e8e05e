"""One page: which event is followed by what, and what is due on a schedule."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

from adapters.queue.deliver import Subscription
from adapters.queue.relay import Route
from adapters.queue.schedules import Scheduled

FOLLOWS: tuple[Subscription, ...] = ()

SCHEDULED: tuple[tuple[Subscription, timedelta | None], ...] = ()

SUBSCRIPTIONS: Mapping[str, Subscription] = {s.name: s for s in (*FOLLOWS, *(s for s, _ in SCHEDULED))}


def _route(subscription: Subscription) -> Route:
    return Route(subscription.name, subscription.queue, subscription.lease_seconds)


def routes() -> Mapping[str, Sequence[Route]]:
    """Map each event's type to those who follow it."""
    found: defaultdict[str, list[Route]] = defaultdict(list)
    for subscription in FOLLOWS:
        assert subscription.event is not None
        found[subscription.event.type].append(_route(subscription))
    return found


def schedules() -> Mapping[str, Scheduled]:
    """Map each schedule's name to who is called."""
    return {subscription.name: Scheduled(_route(subscription), every) for subscription, every in SCHEDULED}
