"""Whether Twilio would serve an account: asked for the account itself, and for the number that it is to text from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from adapters.egress.asking import asked
from application.provider import Rejected

_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class TwilioCheck:
    """Implement `ProviderChecks` for this one provider; `client` is shared and owned by the caller."""

    client: httpx.AsyncClient
    api_url: str
    seconds: float = _SECONDS

    async def check(self, provider: str, settings: Mapping[str, Any], credentials: Mapping[str, str]) -> None:
        """Fetch the account, which must be active, and its number, where one is named."""
        del provider
        sid, number = settings["account_sid"], settings.get("phone_number")
        account = await self._asked(sid, credentials, f"{sid}.json")
        if account.get("status", "active") != "active":
            raise Rejected("status", "Twilio has suspended or closed this account.", permanent=False)
        if number is None:
            return
        found = await self._asked(sid, credentials, f"{sid}/IncomingPhoneNumbers.json", PhoneNumber=number)
        if not found.get("incoming_phone_numbers"):
            raise Rejected("number", "This number is none of this Twilio account's.", permanent=False)

    async def _asked(self, sid: str, credentials: Mapping[str, str], path: str, **query: str) -> Mapping[str, Any]:
        return await asked(
            "Twilio",
            self.client.get(
                f"{self.api_url}/2010-04-01/Accounts/{path}", params=query, auth=(sid, credentials["auth_token"])
            ),
            self.seconds,
            refused="Twilio does not take this account SID and token.",
        )
