"""Whether Cal.com would serve a key: asked whose it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from adapters.egress.asking import asked

_SECONDS: Final = 10.0
_VERSION: Final = "2024-06-14"


@dataclass(frozen=True, slots=True)
class CalcomCheck:
    """Implement `ProviderChecks` for this one provider; `client` is shared and owned by the caller."""

    client: httpx.AsyncClient
    api_url: str
    seconds: float = _SECONDS

    async def check(self, provider: str, settings: Mapping[str, Any], credentials: Mapping[str, str]) -> None:
        """Ask who the key's owner is, and for the kind of event, where one is named."""
        del provider
        await self._asked("/me", credentials, "Cal.com does not take this API key.")
        kind = settings.get("event_type_id")
        if kind is not None:
            await self._asked(f"/event-types/{kind}", credentials, "Cal.com knows no such event type of this key's.")

    async def _asked(self, path: str, credentials: Mapping[str, str], refused: str) -> None:
        headers = {"authorization": f"Bearer {credentials['api_key']}", "cal-api-version": _VERSION}
        await asked("Cal.com", self.client.get(f"{self.api_url}/v2{path}", headers=headers), self.seconds, refused)
