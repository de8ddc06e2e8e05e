"""The levers of the sandbox's provider process, over HTTP."""

from datetime import datetime
from typing import Any

import httpx
import msgspec

from application.platform.sandbox import (
    ProviderState,
    SandboxMailItem,
    SandboxMailView,
    SandboxTextsView,
    SandboxTextView,
    SetFault,
)
from application.provider import Unavailable
from domain.kernel import Invalid, Phone


class HttpSandboxProvider:
    """Be the application's `SandboxProvider` and `SandboxMailbox`; `client` is shared and owned by the caller."""

    def __init__(self, client: httpx.AsyncClient, base_url: str, token: str) -> None:
        self._client = client
        self._base_url = base_url
        self._headers = {"authorization": f"Bearer {token}"}

    async def _call(self, method: str, path: str, **options: Any) -> Any:
        try:
            answer = await self._client.request(
                method, f"{self._base_url}{path}", headers=self._headers, timeout=5, **options
            )
        except httpx.HTTPError as error:
            raise Unavailable(reason="The sandbox's provider does not answer.") from error
        if 400 <= answer.status_code < 500:
            raise Invalid(answer.json().get("message", "The sandbox's provider refused this."))
        answer.raise_for_status()
        return answer.json() if answer.content else None

    async def texts(self, organization_id: str, cursor: str | None, limit: int) -> SandboxTextsView:
        """List what it accepted of an organisation."""
        asked = {"organization_id": organization_id, "limit": limit} | ({"before": cursor} if cursor else {})
        found = await self._call("GET", "/texts", params=asked)
        return SandboxTextsView(
            texts=msgspec.convert(found["data"], list[SandboxTextView]), next_cursor=found["next_cursor"]
        )

    async def mails(self, organization_id: str, cursor: str | None, limit: int) -> SandboxMailView:
        """List what mail it accepted of an organisation."""
        asked = {"organization_id": organization_id, "limit": limit} | ({"before": cursor} if cursor else {})
        found = await self._call("GET", "/mails", params=asked)
        return SandboxMailView(
            mails=msgspec.convert(found["data"], list[SandboxMailItem]), next_cursor=found["next_cursor"]
        )

    async def inbound(self, sender: Phone, to: Phone, body: str) -> str:
        """Let it bring a text to us."""
        said = await self._call("POST", "/inbound", json={"from": sender, "to": to, "body": body})
        return str(said["id"])

    async def move_clock(self, ahead_seconds: float) -> None:
        """Set how far its clock is ahead of real time."""
        await self._call("POST", "/clock", json={"offset_seconds": ahead_seconds})

    async def state(self) -> ProviderState:
        """Ask what it owes."""
        found = await self._call("GET", "/state")
        told = msgspec.convert(found, _State, strict=False)
        return ProviderState(told.next_due_at, told.pending + told.in_flight)

    async def fault(self, asked: SetFault | None) -> list[dict[str, Any]]:
        """Set a fault, or clear all."""
        if asked is None:
            await self._call("DELETE", "/faults")
        else:
            body = {"capability": asked.capability, "fault": asked.fault}
            chance = {"probability": asked.probability} if asked.next is None else {"next": asked.next}
            await self._call("POST", "/faults", json=body | chance)
        found = await self._call("GET", "/faults")
        return list(found["data"])


class _State(msgspec.Struct):
    next_due_at: datetime | None = None
    pending: int = 0
    in_flight: int = 0
