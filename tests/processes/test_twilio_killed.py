"""Workers killed, and Twilio's answers lost, amid campaigns by the real adapter: counted in `emulate`'s own list."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from application.messaging.conversations import CONFIRMATION
from entrypoints.demo.house import free_port
from tests.contracts.twilio_process import ACCOUNT, Line, TwilioProcess
from tests.processes.office import Office, opened, wait_for
from tests.proofs import Note

RECIPIENTS = 300
SETTLED_SECONDS = 120
STOPS = 12
ENDS = frozenset({"accepted", "rejected", "refused", "cancelled", "parked"})
_HANDED = """
SELECT recipient, handed_machine_at FROM sends
WHERE touch = 'M1' AND handed_machine_at IS NOT NULL AND recipient = ANY($1::text[])
"""


class LossyLine(Line):
    """Lose the answers to texts that Twilio took; `to_lose` of the next ones."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.to_lose = 0

    def _fault_of(self, request: bytes, /) -> str | None:
        if self.to_lose and request.startswith(b"POST "):
            self.to_lose -= 1
            return "after"
        return super()._fault_of(request)


@dataclass(frozen=True)
class Switchboard:
    """Hold an office that texts by Twilio, Twilio itself, and the line between them."""

    office: Office
    twilio: TwilioProcess
    line: LossyLine

    def taken(self) -> list[dict[str, Any]]:
        """List the campaigns' texts that Twilio took."""
        return [one for one in self.twilio.outbound() if one["body"].startswith("Hi ")]

    def kill_after(self, texts: int) -> None:
        """Kill the busier worker once Twilio took so many more."""
        goal = len(self.taken()) + texts
        wait_for(lambda: len(self.taken()) >= goal, SETTLED_SECONDS, "texts go out", 0.1)
        self.office.kill_busier_worker()

    def settled(self, dataset_id: str, accepted: int) -> float:
        """Wait until so many were accepted and nothing is under way; tells how many seconds that took."""

        def ended() -> bool:
            states = self.office.states(dataset_id)
            return states.get("accepted", 0) >= accepted and states.keys() <= ENDS

        return wait_for(ended, SETTLED_SECONDS, "every text has its end", 0.2)


@pytest.fixture(scope="module")
def switchboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Switchboard]:
    """Run `emulate`, and a house whose organisation has stored it as its Twilio."""
    port, folder = free_port(), tmp_path_factory.mktemp("twilio")
    twilio = TwilioProcess(folder, f"http://127.0.0.1:{port}/api/v1/webhooks/twilio/sms")
    twilio.start()
    line = LossyLine(twilio.port)
    settings = {"RAPPORT_SANDBOX": "", "RAPPORT_TWILIO_API_URL": line.url}
    try:
        with (
            start_blocking_portal() as portal,
            portal.wrap_async_context_manager(line.open()),
            opened(folder, "twilio-killed", port=port, settings=settings) as office,
        ):
            body = {"settings": dict(ACCOUNT.settings), "credentials": dict(ACCOUNT.credentials)}
            office.client.call("PUT", "/settings/integrations/twilio", json=body)
            yield Switchboard(office, twilio, line)
    finally:
        twilio.close()


@pytest.mark.prove
def test_nobody_is_texted_twice_by_twilio_when_workers_are_killed_and_answers_lost(
    switchboard: Switchboard, proved: Note
) -> None:
    office, line, dice = switchboard.office, switchboard.line, random.Random(1)
    dataset_id, phones = office.start(RECIPIENTS)
    for _ in range(3):
        line.to_lose += 4
        switchboard.kill_after(dice.randrange(30, 80))
    seconds = switchboard.settled(dataset_id, RECIPIENTS)
    lost = 12 - line.to_lose
    assert lost > 0
    assert office.states(dataset_id) == {"accepted": RECIPIENTS}
    wanted = set(phones)
    taken = [one for one in switchboard.taken() if one["to"] in wanted]
    assert Counter(one["to"] for one in taken) == Counter(phones)
    ours = office.client.every("/messages", direction="outbound", category="m1")
    assert {one["provider_id"] for one in ours if one["to"] in wanted} == {one["sid"] for one in taken}
    proved(
        1,
        f"Twilio's adapter against `emulate`: {RECIPIENTS} texts, worker killed x3, {lost} answers lost after"
        f" Twilio took the text: each recipient once in Twilio's own list, 0 lost, settled {seconds:.0f} s after",
    )


@pytest.mark.prove
def test_who_says_stop_by_twilios_signed_call_amid_a_campaign_gets_nothing_more(
    switchboard: Switchboard, proved: Note
) -> None:
    office = switchboard.office
    phones = office.phones(RECIPIENTS // 2)
    dataset_id = office.imported(phones)
    leads = {
        lead["contact"]["phone_number"]: lead["id"] for lead in office.client.every("/leads", dataset_id=dataset_id)
    }
    office.begin(dataset_id, rate_limit_messages_per_minute=240)
    stopped: dict[str, datetime] = {}
    for number in range(STOPS):
        if number == STOPS // 3:
            switchboard.kill_after(1)
        texted = {one["to"] for one in switchboard.taken()} | stopped.keys()
        phone = next(phone for phone in reversed(phones) if phone not in texted)
        switchboard.twilio.says(phone, "STOP")
        _wait_until_opted_out(office, leads[phone])
        [[stopped[phone]]] = office.ask("SELECT clock_timestamp()")
    assert len({one["to"] for one in switchboard.taken()} & leads.keys()) < len(phones) - STOPS, "the campaign was over"
    switchboard.settled(dataset_id, len(phones) - STOPS)
    confirmed = [one["to"] for one in switchboard.twilio.outbound() if one["body"] == CONFIRMATION]
    assert sorted(confirmed) == sorted(stopped)
    counted = Counter(one["to"] for one in switchboard.twilio.outbound() if one["body"] != CONFIRMATION)
    assert {phone: counted[phone] for phone in phones if phone not in stopped and counted[phone] != 1} == {}
    handed = {phone: at for phone, at in office.ask(_HANDED, list(stopped)) if counted[phone]}
    assert {phone for phone in stopped if counted[phone]} == handed.keys()
    assert [phone for phone, at in handed.items() if at > stopped[phone]] == []
    assert max(counted[phone] for phone in stopped) <= 1
    assert len(handed) <= STOPS // 2, "too late to prove anything"
    proved(
        2,
        f"Twilio's adapter against `emulate`: {STOPS} STOPs by signed calls amid {len(phones)} texts, worker killed x1:"
        f" nothing after a STOP was known but its one confirmation ({len(handed)} texts were under way), each of the"
        " others texted once",
    )


def _wait_until_opted_out(office: Office, lead_id: str) -> None:
    wait_for(
        lambda: office.client.call("GET", f"/leads/{lead_id}")["contact_status"] == "OPTED_OUT",
        SETTLED_SECONDS,
        "STOP is known",
        0.05,
    )
