"""npm `emulate` as Twilio: a real process that nobody here wrote, with books, and people who write."""

import signal
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from application.messaging.texting import TextingAccount, account_of
from entrypoints.demo.house import free_port
from entrypoints.demo.stand_ins import node, packages, running, seed

SID, TOKEN, NUMBER = f"AC{'0' * 31}1", "a-token-for-the-emulator", "+15005550006"
ACCOUNT = account_of("twilio", {"account_sid": SID, "phone_number": NUMBER}, {"auth_token": TOKEN})


class TwilioEmulator:
    """Run `emulate` with one account and one number, as often as liked; its books are asked by its own API."""

    def __init__(self, folder: Path, sms_url: str, api_keys: Mapping[str, str] | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.account: TextingAccount = ACCOUNT
        self.http = httpx.Client(base_url=self.url, auth=(SID, TOKEN), timeout=10, trust_env=False)
        content = {
            "twilio": {
                "account": {"sid": SID, "auth_token": TOKEN, "friendly_name": "Rapport"},
                "api_keys": [{"sid": sid, "secret": secret} for sid, secret in (api_keys or {}).items()],
                "phone_numbers": [{"phone_number": NUMBER, "friendly_name": "Rapport", "sms_url": sms_url}],
            }
        }
        program = packages() / "node_modules" / "emulate" / "dist" / "index.js"
        command: list[str | Path] = [node()[0], program, "start", "-s", "twilio", "-p", str(self.port)]
        self._running = running([*command, "--seed", seed(folder, content)], self.port, folder / "emulate.log")

    def start(self) -> None:
        """Start it, with empty books."""
        self.process = self._running.__enter__()

    def close(self) -> None:
        """End it."""
        self._running.__exit__(None, None, None)
        self.http.close()

    def messages(self, **filters: str) -> list[dict[str, Any]]:
        """List what it has of messages, newest first."""
        found: dict[str, dict[str, Any]] = {}
        for page in count():
            params = {"PageSize": "1000", "Page": str(page), **filters}  # more than that it gives in no page
            told = self.http.get(f"/2010-04-01/Accounts/{SID}/Messages.json", params=params).raise_for_status().json()
            found |= {one["sid"]: one for one in told["messages"]}  # what came meanwhile shifts the pages
            if told["next_page_uri"] is None:
                break
        return list(found.values())

    def outbound(self) -> list[dict[str, Any]]:
        """List all that it took from us."""
        return [one for one in self.messages() if str(one["direction"]).startswith("outbound")]

    def says(self, sender: str, body: str) -> dict[str, Any]:
        """Let somebody write to the number; it calls the number's address, signed."""
        form = {"To": NUMBER, "From": sender, "Body": body}
        return dict(self.http.post("/_twilio/simulate/inbound-message", data=form).raise_for_status().json())

    def reports(self, sid: str, status: str) -> None:
        """Let a message come to a status; its callback is told, signed."""
        form = {"MessageSid": sid, "Status": status}
        self.http.post("/_twilio/simulate/message-status", data=form).raise_for_status()

    def freeze(self) -> None:
        """Stop it from running, while its socket still takes connections."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it run on."""
        self.process.send_signal(signal.SIGCONT)
