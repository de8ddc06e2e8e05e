"""SMS Gateway for Android (sms-gate.app): a phone that texts, reached at an address that an organisation gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import httpx

from adapters.egress.guarded import Egress
from adapters.egress.waits import retry_after
from adapters.sms.places import Places
from adapters.sms.reasons import without_numbers
from application.messaging.texting import Receipt, Text
from application.provider import ProviderError, Rejected, Unavailable, Unknown, Unusable

TOTAL_SECONDS: Final = 5.0
VALID_SECONDS: Final = 3600  # a phone that is off would text in the night when it is on again
UNUSABLE_SECONDS: Final = 300.0


class GatewayTexting:
    """Implement `Texting`; the ledger's id is the message's id there, so that nothing can be taken twice."""

    def __init__(self, egress: Egress, total_seconds: float = TOTAL_SECONDS) -> None:
        self._egress = egress
        self._seconds = total_seconds
        self._places = Places("the gateway", total_seconds)

    async def send(self, text: Text) -> Receipt:
        """Hand over one text; a gateway that has it already took it before."""
        message = {
            "id": text.key,
            "phoneNumbers": [str(text.to)],
            "textMessage": {"text": text.body},
            "ttl": VALID_SECONDS,
            "withDeliveryReport": True,
        }
        try:
            async with self._places.of(text):
                answer = await self._egress.post(
                    _address(text, "messages"), message, auth=_login(text), seconds=self._seconds
                )
        except Rejected as error:
            raise Unusable(UNUSABLE_SECONDS, error.reason) from None
        except TimeoutError:
            raise Unknown("The gateway did not say whether it took it.") from None
        if answer.status_code in (200, 201, 202, 409):
            return Receipt(text.key)
        raise _failure(answer)

    async def find(self, text: Text, since: datetime) -> list[Receipt]:
        """Ask by our own id."""
        del since
        try:
            async with self._places.of(text):
                answer = await self._egress.get(_address(text, f"messages/{text.key}"), auth=_login(text))
        except Rejected as error:
            raise Unavailable(UNUSABLE_SECONDS, error.reason) from None
        except TimeoutError:
            raise Unavailable(reason="The gateway cannot be asked just now.") from None
        if answer.status_code == 404 and _speaks_json(answer):
            return []
        if answer.status_code != 200:
            raise Unavailable(reason=f"The gateway answers with the status {answer.status_code}.")
        return [Receipt(text.key)]


@dataclass(frozen=True, slots=True)
class AndroidGatewayCheck:
    """Implement `ProviderChecks` for this one provider."""

    egress: Egress

    async def check(self, provider: str, settings: Mapping[str, Any], credentials: Mapping[str, str]) -> None:
        """Ask for the gateway's webhooks: a question that needs the login and changes nothing."""
        del provider
        answer = await self.egress.get(
            f"{settings['gateway_url']}/webhooks", auth=(settings["username"], credentials["password"])
        )
        if answer.status_code in (401, 403):
            raise Rejected(str(answer.status_code), "The gateway does not take this user name and password.", True)
        if answer.is_redirect:
            raise Rejected(str(answer.status_code), "The gateway sends us elsewhere; give its own address.", True)
        if answer.status_code == 404:
            raise Rejected("404", "There is no gateway at this address.", True)
        if answer.status_code != 200:
            raise Unavailable(reason=f"The gateway answers with the status {answer.status_code}.")


def _address(text: Text, path: str) -> str:
    return f"{text.account.settings['gateway_url']}/{path}"


def _login(text: Text) -> tuple[str, str]:
    return str(text.account.settings["username"]), text.account.credentials["password"]


def _speaks_json(answer: httpx.Response) -> bool:
    """Tell the gateway's own "no such message" from a proxy's page, which proves nothing."""
    return str(answer.headers.get("content-type", "")).startswith("application/json")


def _failure(answer: httpx.Response) -> ProviderError:
    status = answer.status_code
    if status in (429, 503):
        return Unavailable(retry_after(answer.headers), "The gateway's queue is full.")
    if status in (401, 403):
        return Unusable(UNUSABLE_SECONDS, "The gateway does not take this user name and password.")
    if status == 404 or answer.is_redirect:
        return Unusable(UNUSABLE_SECONDS, "There is no gateway at this address.")
    if 400 <= status < 500:
        return Rejected(str(status), _said(answer), False)
    return Unknown(f"The gateway answered {status}.")


def _said(answer: httpx.Response) -> str:
    try:
        told = answer.json()
    except ValueError:
        told = None
    message = told.get("message") if isinstance(told, dict) else None
    return f"The gateway: {without_numbers(str(message or 'it refused the text.'))}"
