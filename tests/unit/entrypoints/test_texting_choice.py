"""Whom texts go by, as the environment says: nobody real, where a sandbox was asked for."""

from pathlib import Path

import pytest

from entrypoints.config import Config
from entrypoints.wiring.texting import installed_texting

_TWILIO = {
    "RAPPORT_TWILIO_ACCOUNT_SID": f"AC{'0' * 32}",
    "RAPPORT_TWILIO_AUTH_TOKEN": "twilio-hush",
    "RAPPORT_SECRET_KEYS": "A" * 43 + "=",
}


@pytest.mark.parametrize(
    ("environment", "sandbox", "accounts"),
    [
        ({}, "implied", 0),
        ({"RAPPORT_TWILIO_API_URL": "http://127.0.0.1:4013"}, "implied", 0),
        (_TWILIO, "off", 1),
        ({"RAPPORT_SANDBOX": "1"}, "always", 0),
        ({"RAPPORT_SANDBOX": "1", **_TWILIO}, "always", 0),
        ({"RAPPORT_SANDBOX": "1", "RAPPORT_TWILIO_API_URL": "http://127.0.0.1:4013"}, "beside_stand_in", 0),
        ({"RAPPORT_SANDBOX": "1", "RAPPORT_TWILIO_API_URL": "http://[::1]:4013", **_TWILIO}, "beside_stand_in", 0),
        ({"RAPPORT_SANDBOX": "1", "RAPPORT_TWILIO_API_URL": "http://localhost:4013"}, "beside_stand_in", 0),
        ({"RAPPORT_SANDBOX": "1", "RAPPORT_TWILIO_API_URL": "https://api.dublin.ie1.twilio.com"}, "always", 0),
        ({"RAPPORT_SANDBOX": "1", "RAPPORT_TWILIO_API_URL": "http://127.0.0.1.twilio.example"}, "always", 0),
        ({"RAPPORT_SANDBOX": "1", "RAPPORT_TWILIO_API_URL": "http://192.168.0.2:4013"}, "always", 0),
    ],
)
def test_texts_go_by_a_stand_in_only_where_it_is_on_this_machine(
    tmp_path: Path, environment: dict[str, str], sandbox: str, accounts: int
) -> None:
    chosen = installed_texting(Config.load({"RAPPORT_DATA_DIR": str(tmp_path), **environment}))
    assert (chosen.sandbox, len(chosen.accounts)) == (sandbox, accounts)
