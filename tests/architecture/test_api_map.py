"""`docs/api-map.tsv`: every endpoint of the five seeds, where it is here, and the test that proves it."""

import csv
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from entrypoints.http.openapi import operations_of
from entrypoints.http.routes import ROUTES

HOUSE = Path(__file__).parent.parent.parent
SEEDS = HOUSE.parent / "shared" / "spec" / "endpoints.tsv"
# A preflight is answered for every address and is no operation of its own.
PREFLIGHT = ("OPTIONS", "/api/v1/{any}")


@dataclass(frozen=True)
class Row:
    """Hold one line of the map."""

    seed: str
    method: str
    path: str
    our_method: str
    our_path: str
    test: str

    @property
    def done(self) -> bool:
        """Tell whether the line claims to be built."""
        return self.test != "todo"


def read_map(text: str) -> list[Row]:
    """Read the map, header first."""
    lines = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return [Row(**line) for line in lines]


def misplaced(rows: Iterable[Row], served: set[tuple[str, str]], channels: str) -> list[str]:
    """List the finished lines whose method and path nobody serves; channels are looked up by name in their page."""
    wrong = []
    for row in rows:
        ours = (row.our_method, row.our_path)
        there = row.our_path in channels if row.our_method in ("WS", "SSE") else ours in served or ours == PREFLIGHT
        if row.done and not there:
            wrong.append(f"{row.seed} {row.method} {row.path}: {' '.join(ours)} is not served")
    return wrong


def collected(nodes: Iterable[str]) -> set[str]:
    """Ask pytest which tests `make test` collects in the files of these nodes, without their parameters."""
    files = sorted({node.partition("::")[0] for node in nodes if (HOUSE / node.partition("::")[0]).is_file()})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-m", "not prove", *files]
    said = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=False).stdout
    return {line.partition("[")[0].strip() for line in said.splitlines() if "::" in line}


PLANTED = "tests/architecture/test_api_map.py::test_that_nobody_wrote"


@pytest.fixture(scope="module")
def found(rows: list[Row]) -> set[str]:
    """Collect once, which takes seconds: all that the map names, and a test that nobody wrote."""
    return collected({row.test for row in rows if row.done} | {PLANTED})


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Read the project's map."""
    return read_map((HOUSE / "docs" / "api-map.tsv").read_text())


def _served() -> set[tuple[str, str]]:
    return {(operation.method, operation.template) for operation in operations_of(ROUTES)}


def _channels() -> str:
    page = HOUSE / "docs" / "channels.md"
    return page.read_text() if page.exists() else ""


def test_every_endpoint_of_the_seeds_has_its_line(rows: list[Row]) -> None:
    assert len(rows) == 329
    assert len({(row.seed, row.method, row.path) for row in rows}) == len(rows)


@pytest.mark.skipif(not SEEDS.exists(), reason="the seeds' list lies beside the checkout only where it is built")
def test_the_lines_are_those_of_the_seeds(rows: list[Row]) -> None:
    wanted = [tuple(line.split("\t")[:3]) for line in SEEDS.read_text().splitlines()[1:]]
    assert [(row.seed, row.method, row.path) for row in rows] == wanted


def test_every_finished_line_is_served(rows: list[Row]) -> None:
    assert misplaced(rows, _served(), _channels()) == []


def test_every_finished_line_names_a_test_that_is_collected(rows: list[Row], found: set[str]) -> None:
    named = {row.test.partition("[")[0] for row in rows if row.done}
    assert named, "the map claims nothing"
    assert named - found == set()


def test_a_line_about_nothing_is_found() -> None:
    line = "002\tGET\t/api/leads\tGET\t/api/v1/nowhere\ttests/http/test_leads.py::test_x"
    planted = read_map(f"seed\tmethod\tpath\tour_method\tour_path\ttest\n{line}")
    assert misplaced(planted, _served(), "") == ["002 GET /api/leads: GET /api/v1/nowhere is not served"]
    channel = read_map(f"seed\tmethod\tpath\tour_method\tour_path\ttest\n{line.replace('GET', 'WS')}")
    assert len(misplaced(channel, _served(), "no such channel")) == 1


def test_a_test_that_does_not_exist_is_found(found: set[str]) -> None:
    assert PLANTED not in found
    assert "tests/architecture/test_api_map.py::test_every_finished_line_is_served" in found
