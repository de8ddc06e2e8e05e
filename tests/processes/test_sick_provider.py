"""A provider that hangs or refuses slows its own work only: it is left alone, and everything else goes on."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.processes.office import Office, frozen, opened, wait_for
from tests.processes.parts import ports_in_a_row
from tests.processes.test_flood import listed, p95, timed
from tests.proofs import Note

SLOWER_AT_MOST = 1.10
_OPEN = re.compile(r'^rapport_breaker_open\{provider="sandbox"\} 1\.0$', re.MULTILINE)
_REFUSED = re.compile(r'^rapport_provider_seconds_count\{[^}]*outcome="unavailable"[^}]*\} (\d+)', re.MULTILINE)


class Ward:
    """Watch a worker's metrics, and make the provider ill."""

    def __init__(self, office: Office, metrics_port: int) -> None:
        self.office = office
        self._url = f"http://127.0.0.1:{metrics_port + 3}/metrics"

    def metrics(self) -> str:
        """Read what the worker says of itself."""
        return httpx.get(self._url, trust_env=False, timeout=10).text

    def is_left_alone(self) -> bool:
        """Tell whether the worker takes the provider for down."""
        return bool(_OPEN.search(self.metrics()))

    def refusals(self) -> int:
        """Count the calls that the provider refused."""
        return sum(int(count) for count in _REFUSED.findall(self.metrics()))

    @contextmanager
    def hung(self) -> Iterator[None]:
        """Let the provider hang."""
        with frozen(self.office.house, "sandbox_provider"):
            yield

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Let the provider refuse whatever it is asked."""
        fault = {"capability": "sms", "fault": "server_error", "probability": 1.0}
        self.office.client.call("POST", "/sandbox/faults", json=fault)
        yield
        self.office.client.call("DELETE", "/sandbox/faults")


@contextmanager
def ward(folder: Path) -> Iterator[Ward]:
    """Open an office with one worker, whose metrics can be read."""
    port = ports_in_a_row(4)
    with opened(folder, "sick", workers=1, settings={"RAPPORT_METRICS_PORT": str(port)}) as office:
        yield Ward(office, port)


def due(office: Office) -> int:
    """Count the texts that were due a second ago, or put off because they could not be handed over."""
    return int(
        office.ask(
            "SELECT count(*) FROM sends WHERE state = 'planned' AND NOT held"
            " AND (due_at < business_now() - interval '1 second' OR error IS NOT NULL)"
        )[0][0]
    )


def test_a_provider_that_is_down_is_left_alone_and_texts_go_on_when_it_is_well(tmp_path: Path) -> None:
    with ward(tmp_path) as sick:
        office = sick.office
        with sick.hung():
            lists = [office.start(150)]
            wait_for(sick.is_left_alone, 60, "a provider that hangs is left alone", 0.1)
        office.all_accepted(lists[0][0], 150, 120)
        before = sick.refusals()
        with sick.refusing():
            lists.append(office.start(500))
            wait_for(sick.is_left_alone, 60, "a provider that refuses is left alone", 0.1)
            wait_for(lambda: due(office) > 200, 60, "many wait", 0.1)
            assert sick.refusals() - before < 100, "it is not asked by every row"
        office.all_accepted(lists[1][0], 500, 120)
        for _, phones in lists:
            office.assert_each_got_one(phones)


@pytest.mark.prove
@pytest.mark.alone
def test_a_sick_provider_leaves_other_routes_their_speed(tmp_path: Path, proved: Note) -> None:
    seen: dict[str, list[float]] = {"well": [], "hung": [], "refusing": []}
    with ward(tmp_path) as sick:
        office = sick.office
        office.start(24_000)
        for _ in range(3):
            wait_for(lambda: office.books.count() > 0 and due(office) == 0, 120, "all that is due is sent", 0.2)
            seen["well"] += timed(lambda: listed(office), 60)
            for name, ill in (("hung", sick.hung), ("refusing", sick.refusing)):
                with ill():
                    wait_for(sick.is_left_alone, 30, f"a provider that is {name} is left alone", 0.1)
                    seen[name] += timed(lambda: listed(office), 60)
                wait_for(lambda: due(office) == 0, 120, "what waited goes out", 0.2)
    well, hung, refusing = (p95(seen[name]) for name in ("well", "hung", "refusing"))
    assert max(hung, refusing) <= well * SLOWER_AT_MOST
    proved(
        11,
        f"amid a campaign of 100 texts a second, GET /leads p95 {well * 1000:.1f} ms; while the provider hangs"
        f" {hung * 1000:.1f} ms, while it refuses {refusing * 1000:.1f} ms (x3, {len(seen['well'])} requests each)",
    )
