"""schemathesis over the whole document, against real processes: promise 14 (ASVS 2.2.1, 16.5.1)."""

from collections import Counter, defaultdict
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi import checks

from tests.access.described import operations
from tests.access.world import STREAMS, kind_of
from tests.processes.besieged import Besieged
from tests.proofs import Note

LEFT_OUT = ("/sandbox/", "/cron/")
ENDS = frozenset({"signOut", "deleteOrganization"})
"""Asked by somebody new each time: they end who asks."""
HELD_TO = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
ORDER = {one.operation_id: number for number, one in enumerate(operations())}


class Fuzz:
    """Ask what schemathesis makes up, half of it against the document, and hold every answer to the document."""

    def __init__(self, house: Besieged, seed: int) -> None:
        self.house = house
        self.seed = seed
        self.statuses: Counter[int] = Counter()
        self.broken: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._session = requests.Session()
        self._session.trust_env = False
        document = httpx.get(f"{house.url}/api/v1/openapi.json", trust_env=False, timeout=30).json()
        document["paths"] = {
            path: item
            for path, item in document["paths"].items()
            if not path.removeprefix("/api/v1").startswith(LEFT_OUT)
        }
        schema: Any = schemathesis.openapi.from_dict(document)
        found = [result.ok() for result in schema.get_all_operations()]
        self.operations = sorted(found, key=lambda one: ORDER[one.definition.raw["operationId"]])

    def run(self, operation: Any, cases: int) -> None:
        """Ask one operation so many times."""
        made = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))

        @seeded(self.seed)
        @settings(
            max_examples=cases,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        @given(case=made, real=st.integers(0, 3))
        def ask(case: Any, real: int) -> None:
            self._ask(operation.definition.raw["operationId"], case, real)

        ask()

    def _ask(self, name: str, case: Any, real: int) -> None:
        self._put_ids(case, real)
        if name in STREAMS:
            case.query = {**(case.query or {}), "seconds": 0}
        signed = self.house.sign_up() if name in ENDS else self.house.owner
        answer = case.call(base_url=self.house.url, session=self._session, headers=signed, timeout=30)
        self.statuses[answer.status_code] += 1
        try:
            case.validate_response(answer, checks=HELD_TO)
        except (Failure, FailureGroup) as broken:
            for each in getattr(broken, "exceptions", [broken]):
                self.broken[name, each.title].append(
                    f"{each.message}\n{case.as_curl_command()}\n{answer.content[:300]!r}"
                )

    def _put_ids(self, case: Any, real: int) -> None:
        """Name things that are there: in the address mostly, in the body now and then."""
        ids = self.house.ids
        if real and isinstance(case.path_parameters, dict):
            case.path_parameters = {name: ids.get(name, value) for name, value in case.path_parameters.items()}
        if real > 1 and isinstance(case.body, dict):
            case.body = {
                name: ids[kind_of(name)] if isinstance(value, str) and kind_of(name) in ids else value
                for name, value in case.body.items()
            }

    def verdict(self) -> str:
        """Tell what was broken, each once."""
        return "\n\n".join(f"{name}: {title} ×{len(each)}\n{each[0]}" for (name, title), each in self.broken.items())


def _fuzzed(house: Besieged, cases: int, seed: int) -> Fuzz:
    fuzz = Fuzz(house, seed)
    for operation in fuzz.operations:
        fuzz.run(operation, cases)
    return fuzz


def test_ten_cases_an_operation_break_nothing(besieged: Besieged) -> None:
    fuzz = _fuzzed(besieged, 10, seed=1)
    assert not fuzz.broken, fuzz.verdict()
    assert fuzz.statuses[200] + fuzz.statuses[201] > 50
    assert fuzz.statuses[400] > 50
    assert besieged.is_well()


@pytest.mark.prove
def test_ten_thousand_cases_break_nothing(besieged: Besieged, proved: Note) -> None:
    fuzz, rounds = _fuzzed(besieged, 60, seed=20261121), 0
    while fuzz.statuses.total() < 10_000:
        rounds += 1
        again = _fuzzed(besieged, 20, seed=20261121 + rounds)
        fuzz.statuses += again.statuses
        fuzz.broken.update(again.broken)
    assert not fuzz.broken, fuzz.verdict()
    assert besieged.is_well()
    told = ", ".join(f"{count} × {status}" for status, count in sorted(fuzz.statuses.items()))
    proved(14, f"{fuzz.statuses.total()} cases over {len(fuzz.operations)} operations: 0 × 500 ({told})")
