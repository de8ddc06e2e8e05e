"""An office whose texts leave by Twilio and are answered by a model: both of them processes that others wrote."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from entrypoints.demo.house import free_port
from tests.contracts.aimock_process import EVERY, GOOD, Model, aimock, fixture, proposal
from tests.contracts.twilio_process import ACCOUNT, TwilioProcess
from tests.processes.office import Office, opened, wait_for

_AWAKE = """
UPDATE contacts
SET zones = ARRAY['Etc/GMT' || to_char(extract(hour FROM business_now() AT TIME ZONE 'UTC') - 13, 'FMSG90')]
RETURNING id
"""  # where it is about one o'clock: nobody's hours are asked after here
_WAITING = """
SELECT (SELECT count(*) FROM conversations WHERE unanswered_id IS NOT NULL)
     + (SELECT count(*) FROM sends WHERE state NOT IN ('accepted', 'rejected', 'refused', 'cancelled', 'parked')
        AND purpose = 'reply')
"""


@dataclass(frozen=True)
class Thread:
    """Hold how it stands with one lead: who has the turn, why a person has to answer, what the AI said at Twilio."""

    holder: str
    attention: str | None
    waits: bool
    said: Sequence[str]


@dataclass(frozen=True)
class Answered:
    """Hold the office and its carrier; whoever answers there is nobody's to command."""

    office: Office
    twilio: TwilioProcess

    def enter(self, products: Mapping[str, str]) -> str:
        """Import people by phone with what they asked about, at an hour at which all may be texted."""
        dataset_id = self.office.imported(list(products), products)
        self.office.ask(_AWAKE)
        return dataset_id

    def write_to(self, dataset_id: str, a_minute: int = 6000) -> None:
        """Begin a campaign."""
        self.office.begin(dataset_id, rate_limit_messages_per_minute=a_minute, ai_response_delay_seconds=0)

    def says(self, phone: str, text: str) -> None:
        """Let somebody write, by Twilio's signed call."""
        assert self.twilio.says(phone, text)

    def setting(self, **settings: Any) -> None:
        """Set how the AI answers."""
        self.office.client.call("PATCH", "/settings/client", json={"settings": settings})

    def threads(self, phones: Sequence[str]) -> dict[str, Thread]:
        """Look at the threads of those who wrote."""
        said = defaultdict(list)
        for one in self.twilio.outbound():
            if not one["body"].startswith("Hi "):
                said[one["to"]].append(one["body"])
        rows = self.office.ask(
            "SELECT address, turn_holder, attention, unanswered_id IS NOT NULL FROM conversations"
            " WHERE address = ANY ($1) AND unread_count > 0",
            list(phones),
        )
        return {address: Thread(holder, why, waits, said[address]) for address, holder, why, waits in rows}

    def settled(self, phones: Sequence[str], seconds: float) -> dict[str, Thread]:
        """Wait until everybody who wrote was answered or has a person to answer them."""
        wait_for(
            lambda: len(self.threads(phones)) == len(phones) and self.office.ask(_WAITING)[0][0] == 0,
            seconds,
            "every text has its end",
            0.2,
        )
        return self.threads(phones)


@dataclass(frozen=True)
class Desk(Answered):
    """Hold the model too, `aimock`."""

    model: Model


@contextmanager
def opened_office(folder: Path, seed: str, model_url: str) -> Iterator[Answered]:
    """Open one; its organisation has stored its own access to both."""
    port = free_port()
    twilio = TwilioProcess(folder, f"http://127.0.0.1:{port}/api/v1/webhooks/twilio/sms")
    twilio.start()
    settings = {
        "RAPPORT_SANDBOX": "",
        "RAPPORT_TWILIO_API_URL": twilio.url,
        "RAPPORT_ANTHROPIC_API_URL": model_url,
    }
    try:
        with opened(folder, seed, port=port, settings=settings) as office:
            own = {"settings": dict(ACCOUNT.settings), "credentials": dict(ACCOUNT.credentials)}
            office.client.call("PUT", "/settings/integrations/twilio", json=own)
            body = {"credentials": {"api_key": "sk-ant-of-the-tests"}}
            office.client.call("PUT", "/settings/integrations/anthropic", json=body)
            yield Answered(office, twilio)
    finally:
        twilio.close()


@contextmanager
def opened_desk(folder: Path, seed: str) -> Iterator[Desk]:
    """Open one whose model is `aimock`."""
    with aimock(folder, [fixture(EVERY, proposal(GOOD))]) as url, opened_office(folder, seed, url) as there:
        model = Model(url)
        try:
            yield Desk(there.office, there.twilio, model)
        finally:
            model.close()
