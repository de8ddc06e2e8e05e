"""Layers and contexts keep their borders, and the guards see those who do not."""

from pathlib import Path

import pytest

from tests.architecture.borders import SHARED, context_violations, layer_violations
from tests.architecture.sources import planted, sources

KERNEL = "class Entity: ...\nclass Event: ..."
EVENTS = """
from domain.kernel import Entity, Event
class Line: ...
class Written(Event):
    lines: tuple[Line, ...]
class Sent(Written): ...
class Conversation(Entity): ...
class Private: ...
"""


def test_every_layer_knows_only_those_below_it() -> None:
    assert layer_violations(sources()) == []


def test_no_context_uses_what_is_another_ones_own() -> None:
    assert context_violations(sources()) == []


def test_every_exception_is_one_that_exists_and_is_used() -> None:
    found = sources()
    known = {source.module for source in found}
    used = {
        module
        for source in found
        for origin, name, _ in source.imports()
        for module in (origin, f"{origin}.{name}")
        if module.split(".")[:2] != source.module.split(".")[:2]
    }
    gone = {name for name in SHARED if not known & {name, name.rpartition(".")[0]}}  # a module, or a name of one
    assert gone | (SHARED.keys() - used) == set()


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("domain__sales__lead", "import msgspec"),
        ("domain__sales__lead", "from application.ports import Actor"),
        ("application__sales__leads", "import sqlalchemy.ext.asyncio"),
        ("application__sales__leads", "from adapters.persistence import store"),
        ("application__sales__leads", "def late():\n    import httpx"),
        ("adapters__sms__twilio", "from entrypoints.config import Config"),
    ],
)
def test_an_import_that_goes_upward_or_to_a_vendor_is_seen(tmp_path: Path, where: str, text: str) -> None:
    found = layer_violations(planted(tmp_path, **{where: text}))
    assert len(found) == 1
    assert found[0].startswith(where.replace("__", "."))


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("domain__sales__lead", "from domain.messaging.message import Conversation"),
        ("domain__sales__lead", "from domain.messaging.message import Private"),
        ("domain__sales__lead", "import domain.messaging.message"),
        ("domain__sales__lead", "from domain import messaging"),
        ("application__sales__leads", "from application.messaging.gate import Gate"),
        ("application__sales__leads", "from application import messaging"),
        ("application__sales__leads", "from domain.messaging import message"),
        ("application__sales__leads", "from ..messaging.gate import Gate"),
    ],
)
def test_what_is_another_contexts_own_is_seen(tmp_path: Path, where: str, text: str) -> None:
    modules = {
        "domain__kernel": KERNEL,
        "domain__messaging__message": EVENTS,
        "application__messaging__gate": "class Gate: ...",
        where: text,
    }
    found = context_violations(planted(tmp_path, **modules))
    assert len(found) == 1
    assert found[0].startswith(where.replace("__", "."))


def test_events_what_they_carry_and_shared_values_are_free(tmp_path: Path) -> None:
    text = (
        "from domain.messaging.message import Line, Sent, Written\n"
        "from domain.messaging import window\n"
        "from domain.messaging.window import Window\n"
        "from application.ports import Actor\n"
    )
    modules = {
        "domain__kernel": KERNEL,
        "domain__messaging__message": EVENTS,
        "domain__messaging__window": "class Window: ...",
        "application__ports": "class Actor: ...",
        "application__sales__leads": text,
    }
    assert context_violations(planted(tmp_path, **modules)) == []


def test_an_entity_in_a_shared_file_is_not_shared(tmp_path: Path) -> None:
    modules = {
        "domain__messaging__window": "class Week(Entity): ...",
        "domain__sales__lead": "from domain.messaging.window import Week",
    }
    assert len(context_violations(planted(tmp_path, **modules))) == 1
