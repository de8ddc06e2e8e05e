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
from tests.processes.office import ANY_TIME, Office, opened, wait_for

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
class Desk:
    """Hold the office, its carrier and its model."""

    office: Office
    twilio: TwilioProcess
    model: Model
    folder: Path

    def enter(self, products: Mapping[str, str]) -> str:
        """Import people by phone with what they asked about, at an hour at which all may be texted."""
        path = self.folder / "asked.csv"
        rows = [f"Ada,{phone},{product}\n" for phone, product in products.items()]
        path.write_text("Forename,Mobile No.,Product\n" + "".join(rows))
        name = next(iter(products))
        dataset_id = str(self.office.client.call("POST", "/datasets", json={"name": name})["id"])
        done = self.office.client.import_list(dataset_id, path)["result"]
        assert (done["imported"]["successful"], done["ineligible"]) == (len(products), 0)
        self.office.ask(_AWAKE)
        return dataset_id

    def write_to(self, dataset_id: str, a_minute: int = 6000) -> None:
        """Begin a campaign."""
        settings = {**ANY_TIME, "rate_limit_messages_per_minute": a_minute, "ai_response_delay_seconds": 0}
        self.office.client.call("POST", "/campaigns/start", json={"dataset_id": dataset_id, "settings": settings})

    def says(self, phone: str, text: str) -> None:
        """Let somebody write, by Twilio's signed call."""
        assert self.twilio.says(phone, text)

    def setting(self, **settings: Any) -> None:
        """Set how the AI answers."""
        self.office.client.call("PATCH", "/settings/client", json={"settings": settings})

    def outbound(self) -> list[dict[str, Any]]:
        """List all that Twilio took from us."""
        return [one for one in self.twilio.messages() if one["direction"].startswith("outbound")]

    def threads(self, phones: Sequence[str]) -> dict[str, Thread]:
        """Look at the threads of those who wrote."""
        said = defaultdict(list)
        for one in self.outbound():
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


@contextmanager
def opened_desk(folder: Path, seed: str) -> Iterator[Desk]:
    """Open one; its organisation has stored its own access to both."""
    port = free_port()
    twilio = TwilioProcess(folder, f"http://127.0.0.1:{port}/api/v1/webhooks/twilio/sms")
    twilio.start()
    try:
        with aimock(folder, [fixture(EVERY, proposal(GOOD))]) as url:
            settings = {"RAPPORT_SANDBOX": "", "RAPPORT_TWILIO_API_URL": twilio.url, "RAPPORT_ANTHROPIC_API_URL": url}
            with opened(folder, seed, port=port, settings=settings) as office:
                own = {"settings": dict(ACCOUNT.settings), "credentials": dict(ACCOUNT.credentials)}
                office.client.call("PUT", "/settings/integrations/twilio", json=own)
                body = {"credentials": {"api_key": "sk-ant-of-the-tests"}}
                office.client.call("PUT", "/settings/integrations/anthropic", json=body)
                desk = Desk(office, twilio, Model(url), folder)
                yield desk
                desk.model.close()
    finally:
        twilio.close()
