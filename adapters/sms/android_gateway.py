"""SMS Gateway for Android (sms-gate.app): for now only whether one answers; texting through it comes later."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.egress.guarded import Egress
from application.provider import Rejected, Unavailable


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
