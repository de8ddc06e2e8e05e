"""An office that texts by Twilio, which is npm's `emulate`, over a line that loses answers."""

import re
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from urllib.parse import parse_qs

from anyio.from_thread import start_blocking_portal

from entrypoints.demo.house import free_port
from tests.contracts.twilio_process import ACCOUNT, Line, TwilioProcess
from tests.processes.office import Office, opened, wait_for

# `emulate` answers 403 to more than 5,000 calls an hour under one access, whatever Twilio does: each key has its own.
KEYS = {f"SK{number:032d}": f"a-secret-for-key-{number}" for number in range(8)}
ENDS = frozenset({"accepted", "rejected", "refused", "cancelled", "parked"})
_ACCESS = re.compile(rb"(\r\nauthorization: basic )[^\r\n]+", re.IGNORECASE)


class LossyLine(Line):
    """Lose the next answers to texts that Twilio took, and note when it took each touch, and what it refused."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.to_lose = 0
        self.taken: list[tuple[str, datetime]] = []
        self.refused: list[bytes] = []
        self._keys = cycle(b64encode(f"{sid}:{secret}".encode()) for sid, secret in KEYS.items())

    def count(self) -> int:
        """Count the touches that Twilio took."""
        return len(self.taken)

    def lose(self, answers: int) -> None:
        """Lose so many more."""
        self.to_lose += answers

    def _fault_of(self, request: bytes, /) -> str | None:
        if self.to_lose and request.startswith(b"POST "):
            self.to_lose -= 1
            return "after"
        return super()._fault_of(request)

    def _onward(self, request: bytes, /) -> bytes:
        return _ACCESS.sub(lambda told: told[1] + next(self._keys), request, count=1)

    def _carried(self, request: bytes, answer: bytes, /) -> None:
        status = answer[9:12]
        if status >= b"400":
            self.refused.append(answer)
        if request.startswith(b"POST ") and status == b"201":
            form = parse_qs(request.partition(b"\r\n\r\n")[2].decode())
            if form["Body"][0].startswith("Hi "):
                self.taken.append((form["To"][0], datetime.now(UTC)))


@dataclass(frozen=True)
class Switchboard:
    """Hold an office that texts by Twilio, Twilio itself, and the line between them."""

    office: Office
    twilio: TwilioProcess
    line: LossyLine

    def texted(self, phones: list[str]) -> list[tuple[str, str]]:
        """List the touches to some people in Twilio's own list, by recipient and its id."""
        wanted = set(phones)
        outbound = [one for one in self.twilio.outbound() if one["body"].startswith("Hi ")]
        return [(one["to"], one["sid"]) for one in outbound if one["to"] in wanted]

    def settled(self, dataset_id: str, seconds: float, holds: Callable[[dict[str, int]], bool]) -> float:
        """Wait until no text is under way and the states are as wanted; tells how many seconds that took."""

        def ended() -> bool:
            states = self.office.states(dataset_id)
            return states.keys() <= ENDS and holds(states)

        return wait_for(ended, seconds, "every text has its end", 0.2)

    def note_commits(self) -> None:
        """Let PostgreSQL remember when each transaction was committed, from its next start on: at once."""
        self.office.ask("ALTER SYSTEM SET track_commit_timestamp = on")
        self.office.house.kill("postgres")
        time.sleep(0.1)
        wait_for(self.office.is_ready, 60, "the house is ready again", 0.05)


@contextmanager
def opened_switchboard(folder: Path, seed: str) -> Iterator[Switchboard]:
    """Run `emulate`, and a house whose organisation has stored it as its Twilio."""
    port = free_port()
    twilio = TwilioProcess(folder, f"http://127.0.0.1:{port}/api/v1/webhooks/twilio/sms", KEYS)
    twilio.start()
    line = LossyLine(twilio.port)
    settings = {"RAPPORT_SANDBOX": "", "RAPPORT_TWILIO_API_URL": line.url}
    try:
        with (
            start_blocking_portal() as portal,
            portal.wrap_async_context_manager(line.open()),
            opened(folder, seed, port=port, settings=settings) as office,
        ):
            body = {"settings": dict(ACCOUNT.settings), "credentials": dict(ACCOUNT.credentials)}
            office.client.call("PUT", "/settings/integrations/twilio", json=body)
            yield Switchboard(office, twilio, line)
    finally:
        twilio.close()
