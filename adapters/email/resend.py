"""Mailing through Resend (resend.com), whose idempotency keys hold for 24 hours."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from adapters.egress.waits import retry_after
from adapters.email.words import from_name, refuse_unfit
from application.mailing import HandedMail, Mail, Receipt
from application.provider import ProviderError, Rejected, Unavailable, Unknown, Untried, Unusable

TOTAL_SECONDS: Final = 5.0
UNUSABLE_SECONDS: Final = 300.0
KEYS_HOLD: Final = timedelta(hours=20)
"""Four hours less than Resend says, so that what is handed over again is never a second mail."""
FORGETS_SECONDS: Final = 3600.0
_QUOTAS = frozenset({"daily_quota_exceeded", "monthly_quota_exceeded"})


@dataclass(frozen=True, slots=True)
class ResendMailing:
    """Implement `Mailing`; `client` is shared and owned by the caller, `total_seconds` limits a whole call."""

    client: httpx.AsyncClient
    base_url: str
    total_seconds: float = TOTAL_SECONDS

    async def send(self, mail: Mail) -> Receipt:
        """Hand over one mail; the same key again is the same mail."""
        refuse_unfit(mail)
        name, address = from_name(mail.account), mail.account.settings["from_address"]
        body = {
            "from": f'"{name}" <{address}>' if name else address,
            "to": [str(mail.to)],
            "subject": mail.subject,
            "text": mail.body,
        }
        if not mail.account.credentials["api_key"].isascii():
            raise Unusable(UNUSABLE_SECONDS, "Resend: the API key holds characters that no key has.")
        headers = {"Authorization": f"Bearer {mail.account.credentials['api_key']}", "Idempotency-Key": mail.key}
        try:
            async with asyncio.timeout(self.total_seconds):
                answer = await self.client.post(
                    f"{self.base_url}/emails", json=body, headers=headers, timeout=self.total_seconds
                )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unavailable(reason="Resend cannot be reached.") from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unknown(f"Resend did not answer ({type(error).__name__}).") from error
        said = _said(answer)
        if answer.is_success and isinstance(said.get("id"), str):
            return Receipt(said["id"])
        if answer.status_code == 409 and said.get("name") == "invalid_idempotent_request":
            if mail.is_doubtful:
                return Receipt(f"key:{mail.key}")  # taken before, in words that have changed since
            raise Untried(
                FORGETS_SECONDS, "Resend holds this mail's key for other words, until a day after it refused them."
            )
        raise _failure(answer, said)

    async def find(self, handed: HandedMail) -> Receipt | None:
        """Let it be handed over again while Resend knows the key of the first hand-over; later nobody can tell."""
        if datetime.now(UTC) - handed.at < KEYS_HOLD:
            return None
        raise Rejected(
            "stale", "Resend forgets keys after a day, so that nobody can tell whether it has this mail.", False
        )


def _said(answer: httpx.Response) -> dict[str, Any]:
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _failure(answer: httpx.Response, said: dict[str, Any]) -> ProviderError:
    status, name = answer.status_code, str(said.get("name") or answer.status_code)
    reason = f"Resend: {str(said.get('message') or 'it refused the mail.')[:300]}"
    if answer.is_success:
        return Unknown("Resend's answer cannot be read.")
    if status == 409:
        return Unknown(reason)  # another call with this key is under way
    if name in _QUOTAS or status in (401, 403, 404, 405) or answer.is_redirect:
        return Unusable(UNUSABLE_SECONDS, reason)
    if status in (408, 429, 503):
        return Unavailable(retry_after(answer.headers), reason)
    if 400 <= status < 500 and "`from`" in reason:
        return Unusable(UNUSABLE_SECONDS, reason)
    if 400 <= status < 500:
        return Rejected(name, reason, permanent="`to`" in reason)
    return Unknown(f"Resend answered {status}.")
