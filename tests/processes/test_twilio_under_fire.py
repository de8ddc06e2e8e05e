"""Twilio that brings much at once, and that calls while the database stands still: nothing is lost, nothing is 429.

The account is the organisation's own, so that each call's proof is asked of the database too.
"""

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from twilio.request_validator import HMAC_SHA256, SIGNATURE_HEADER, SIGNATURE_SETTINGS_HEADER, RequestValidator

from domain.kernel import new_id
from entrypoints.config import Config
from tests.processes.inbound import P99_SECONDS, SENDER, Call, Route, flood, median_flood, stalled
from tests.processes.office import Office, opened
from tests.proofs import Note

PATH = "/api/v1/webhooks/twilio/sms"
NUMBER, SID = "+447400999111", f"AC{'c' * 32}"
TOKEN, SHARED_KEY = "the-token-under-fire", "the-shared-key-under-fire"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Open a house that Twilio calls, and that cannot call Twilio."""
    settings = {"RAPPORT_SANDBOX": "", "RAPPORT_TWILIO_API_URL": "http://127.0.0.1:9"}
    with opened(tmp_path_factory.mktemp("lists"), "twilio-calls", workers=1, settings=settings) as one:
        body = {
            "settings": {"account_sid": SID, "phone_number": NUMBER},
            "credentials": {"auth_token": TOKEN, "webhook_secret": SHARED_KEY},
        }
        one.client.call("PUT", "/settings/integrations/twilio", json=body)
        yield one


def signed(office: Office, count: int) -> list[Call]:
    """Sign so many texts to the organisation's number as Twilio does, by its old and its new scheme in turn."""
    url = f"{Config.load(office.house.environment).public_url}{PATH}"
    old, new = RequestValidator(TOKEN), RequestValidator(SHARED_KEY)
    made = []
    for n in range(count):
        sid = f"SM{new_id().hex}"
        form = {"AccountSid": SID, "MessageSid": sid, "From": SENDER, "To": NUMBER, "Body": "Hello", "NumMedia": "0"}
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if n % 2:
            headers[SIGNATURE_HEADER] = new.compute_signature(url, form, HMAC_SHA256)
            headers[SIGNATURE_SETTINGS_HEADER] = f"key=webhooks_sharedkey_1,algorithm={HMAC_SHA256}"
        else:
            headers[SIGNATURE_HEADER] = old.compute_signature(url, form)
        made.append(Call(sid, urlencode(form).encode(), headers))
    return made


TWILIO = Route(PATH, 200, signed)


def test_a_flood_of_texts_of_twilios_is_kept_and_so_is_what_comes_while_the_database_stands_still(
    office: Office,
) -> None:
    # How fast is the long proofs' to say: here others may be using the machine.
    print(flood(office, TWILIO, 100))
    assert stalled(office, TWILIO, 60, 1) <= 12


@pytest.mark.prove
@pytest.mark.alone
def test_a_thousand_texts_of_twilios_in_a_second(office: Office, proved: Note) -> None:
    seen = median_flood(office, TWILIO, 1000)
    assert seen["p99"] <= P99_SECONDS
    proved(
        9,
        "Twilio's route, both signature schemes, an organisation's own account: 1,000 texts in a second (x3),"
        f" answered in {seen['whole']:.1f} s: 0 × 429, 0 lost, 0 twice;"
        f" p50 {seen['p50'] * 1000:.0f} ms, p99 {seen['p99'] * 1000:.0f} ms (goal 250)",
    )


@pytest.mark.prove
@pytest.mark.alone
def test_a_thousand_texts_of_twilios_while_the_database_stands_still(office: Office, proved: Note) -> None:
    slowest = stalled(office, TWILIO, 1000, 5)
    assert slowest <= 12
    proved(
        9,
        "Twilio's route, database stalled 5 s under 1,000 signed texts: 1,000 × 200, 0 lost,"
        f" slowest answer {slowest:.1f} s",
    )
