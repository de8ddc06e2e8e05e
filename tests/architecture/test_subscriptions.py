"""Every subscription names an effect that takes its event, and every effect is followed by something."""

import ast
import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_type_hints

import pytest

from adapters.queue.broker import PREFETCH
from adapters.queue.deliver import Subscription
from application.ports import effect
from domain.kernel import Event
from entrypoints.subscriptions import FOLLOWS, SCHEDULED, SUBSCRIPTIONS
from tests.architecture.sources import Source, decorators, planted, sources


def violations(subscriptions: Iterable[Subscription]) -> list[str]:
    """List subscriptions whose method is missing, no effect, or takes something else than the event."""
    return [f"{s.name}: {wrong}" for s in subscriptions if (wrong := _wrong(s))]


def _wrong(subscription: Subscription) -> str | None:
    method = getattr(subscription.use_case, subscription.method, None)
    if not inspect.iscoroutinefunction(method):
        return "there is no such async method"
    if not getattr(method, "__effect__", False):
        return "it is not declared as an effect"
    if subscription.queue not in PREFETCH:
        return "no worker reads this queue"
    hints = get_type_hints(method)
    taken = [hints.get(name) for name in list(inspect.signature(method).parameters)[1:]]
    wanted = [] if subscription.event is None else [subscription.event]
    if taken != wanted:
        return "it takes something else than the event"
    return _given_up_wrong(subscription) if subscription.given_up else None


def _given_up_wrong(subscription: Subscription) -> str | None:
    method = getattr(subscription.use_case, subscription.given_up or "", None)
    if not getattr(method, "__effect__", False) or not inspect.iscoroutinefunction(method):
        return "who is told that it was given up is no effect"
    hints = get_type_hints(method)
    taken = [hints.get(name) for name in list(inspect.signature(method).parameters)[1:]]
    return None if taken == [subscription.event, str] else "who is told that it was given up takes something else"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Happened(Event):
    type = "test.happened"


class _Work:
    @effect
    async def follow(self, event: _Happened) -> None: ...

    @effect
    async def tick(self) -> None: ...

    @effect
    async def lament(self, event: _Happened, reason: str) -> None: ...

    async def plain(self, event: _Happened) -> None: ...

    @effect
    def blocking(self, event: _Happened) -> None: ...


def test_every_subscription_is_sound() -> None:
    assert violations(SUBSCRIPTIONS.values()) == []
    assert len(SUBSCRIPTIONS) == len(FOLLOWS) + len(SCHEDULED), "two subscriptions share a name"
    assert all(s.event is not None for s in FOLLOWS)
    assert all(s.event is None for s in SCHEDULED)


def unfollowed(found: Sequence[Source]) -> set[tuple[str, str, str]]:
    """Name the effects that no subscription leads to."""
    followed = {
        (s.use_case.__module__, s.use_case.__name__, method)
        for s in SUBSCRIPTIONS.values()
        for method in (s.method, s.given_up)
    }
    declared = {
        (source.module, node.name, part.name)
        for source in found
        if source.layer == "application"
        for node in source.classes()
        for part in node.body
        if isinstance(part, ast.AsyncFunctionDef) and "effect" in decorators(part)
    }
    return declared - followed


def test_every_effect_is_followed_by_something() -> None:
    assert unfollowed(sources()) == set()


def test_an_effect_that_nothing_leads_to_is_seen(tmp_path: Path) -> None:
    text = "class Work:\n    @effect\n    async def follow(self, event): ...\n    async def plain(self, event): ..."
    assert unfollowed(planted(tmp_path, application__sales__work=text)) == {
        ("application.sales.work", "Work", "follow")
    }


SOUND = Subscription("work.follow", _Happened, _Work, "follow")


def test_a_sound_subscription_passes() -> None:
    assert violations([replace(SOUND, given_up="lament")]) == []
    assert violations([SOUND, Subscription("work.tick", None, _Work, "tick")]) == []


@pytest.mark.parametrize(
    "unsound",
    [
        replace(SOUND, method="gone"),
        replace(SOUND, method="plain"),
        replace(SOUND, method="blocking"),
        replace(SOUND, method="tick"),
        replace(SOUND, event=None),
        replace(SOUND, event=Event),
        replace(SOUND, queue="nowhere"),
        replace(SOUND, given_up="gone"),
        replace(SOUND, given_up="plain"),
        replace(SOUND, given_up="tick"),
    ],
)
def test_an_unsound_subscription_is_seen(unsound: Subscription) -> None:
    assert len(violations([unsound])) == 1
