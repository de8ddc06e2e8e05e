"""Every use case asks for a permission, none asks a provider inside a transaction, and the guards see who does."""

from pathlib import Path

import pytest

from tests.architecture.sources import planted, sources
from tests.architecture.use_cases import (
    permission_violations,
    provider_calls_in_unit_of_work,
    provider_ports,
    unguarded_routes,
    use_case_classes,
)

PORTS = """
@provider_port
class Texting(Protocol):
    async def send(self, text): ...

@dataclass(frozen=True)
class Consents:
    uow: UnitOfWork
    texting: Texting
    @within
    async def confirm(self): ...
    async def _tell(self):
        await self.texting.send("STOP")
"""
LEADS = """
@dataclass(frozen=True)
class Leads:
    actor: Actor
    uow: UnitOfWork
    texting: Texting
    consents: Consents
    async def move(self, identifier):
        \"\"\"Move one.\"\"\"
{body}
    async def _deeper(self):
        return await self._deepest()
    async def _deepest(self):
        return await self.texting.send("hello")
"""
PERMISSION = "        self.actor.require(Permission.LEADS_WRITE)\n"


def test_every_use_case_begins_with_a_permission_or_says_that_it_needs_none() -> None:
    assert len(use_case_classes(sources())) > 10
    assert permission_violations(sources()) == []


def test_no_route_calls_what_only_events_and_use_cases_may() -> None:
    assert unguarded_routes(sources()) == []


def test_no_provider_is_asked_while_a_unit_of_work_is_open() -> None:
    assert "Texting" in provider_ports(sources())
    assert provider_calls_in_unit_of_work(sources()) == []


@pytest.mark.parametrize(
    "body",
    [
        "        return 1",
        "        async with self.uow:\n            self.actor.require(Permission.LEADS_WRITE)",
        "        if identifier:\n            self.actor.require(Permission.LEADS_WRITE)",
        "        self.actor.require(identifier)",
        "        self.other.require(Permission.LEADS_WRITE)",
    ],
)
def test_a_use_case_without_a_permission_is_seen(tmp_path: Path, body: str) -> None:
    found = permission_violations(planted(tmp_path, application__sales__leads=LEADS.format(body=body)))
    assert [line.split()[0] for line in found] == ["application.sales.leads.Leads.move"]


@pytest.mark.parametrize("mark", ["public", "effect", "within"])
def test_what_is_declared_needs_no_permission(tmp_path: Path, mark: str) -> None:
    declared = LEADS.format(body="        return 1").replace("    async def move", f"    @{mark}\n    async def move")
    assert permission_violations(planted(tmp_path, application__sales__leads=declared)) == []


@pytest.mark.parametrize(
    "body",
    [
        "        async with self.uow:\n            await self.texting.send('hello')",
        "        async with self.uow.reading():\n            told = await self.texting.send('hello')",
        "        async with self.uow:\n            await gather(*(self.texting.send(t) for t in identifier))",
        "        async with self.uow:\n            await self._deepest()",
        "        async with self.uow:\n            await self._deeper()",
        "        async with self.uow:\n            await self.consents._tell()",
        "        async with self.uow, self.texting.opened():\n            pass",
    ],
)
def test_a_provider_asked_inside_a_unit_of_work_is_seen(tmp_path: Path, body: str) -> None:
    found = planted(
        tmp_path, application__messaging__texting=PORTS, application__sales__leads=LEADS.format(body=PERMISSION + body)
    )
    lines = provider_calls_in_unit_of_work(found)
    assert lines
    assert all(line.startswith("application.sales.leads.Leads.move uses ") for line in lines)


def test_a_provider_asked_in_what_runs_inside_anothers_unit_of_work_is_seen(tmp_path: Path) -> None:
    inside = PORTS.replace("confirm(self): ...", "confirm(self):\n        await self.texting.send('STOP')")
    lines = provider_calls_in_unit_of_work(planted(tmp_path, application__messaging__texting=inside))
    assert lines == ["application.messaging.texting.Consents.confirm uses self.texting inside a unit of work"]


FUNCTION = """
async def tell(uow: UnitOfWork, texting: Texting, consents: Consents) -> None:
    async with uow:
        {inside}
    await texting.send("hello")
"""


@pytest.mark.parametrize("inside", ["await texting.send('hello')", "await consents._tell()"])
def test_a_provider_asked_inside_a_unit_of_work_that_a_function_is_handed_is_seen(tmp_path: Path, inside: str) -> None:
    module = PORTS + FUNCTION.format(inside=inside)
    lines = provider_calls_in_unit_of_work(planted(tmp_path, application__messaging__texting=module))
    assert lines
    assert all(line.startswith("application.messaging.texting.tell.__call__ uses ") for line in lines)
    right = PORTS + FUNCTION.format(inside="pass")
    assert provider_calls_in_unit_of_work(planted(tmp_path, application__messaging__texting=right)) == []


def test_a_provider_asked_between_two_units_of_work_is_right(tmp_path: Path) -> None:
    body = (
        PERMISSION + "        async with self.uow:\n            pass\n"
        "        await self.texting.send('hello')\n        async with self.uow:\n            pass"
    )
    found = planted(tmp_path, application__messaging__texting=PORTS, application__sales__leads=LEADS.format(body=body))
    assert provider_calls_in_unit_of_work(found) == []


@pytest.mark.parametrize("mark", ["effect", "within"])
def test_a_route_to_what_is_not_a_persons_is_seen(tmp_path: Path, mark: str) -> None:
    declared = LEADS.format(body="        return 1").replace("    async def move", f"    @{mark}\n    async def move")
    route = "async def move_lead(leads: Leads, lead_id: UUID) -> None:\n    await leads.move(lead_id)"
    found = planted(tmp_path, application__sales__leads=declared, entrypoints__http__sales=route)
    assert unguarded_routes(found) == ["entrypoints.http.sales.move_lead calls leads.move"]
