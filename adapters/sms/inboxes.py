"""What came in at each provider: Twilio can be asked, gateways and the sandbox bring again what they could not."""

from collections.abc import Mapping
from datetime import datetime

from adapters.sms.twilio import TwilioTexting
from application.messaging.reconciling import Listed
from application.messaging.texting import Price, TextingAccount
from domain.kernel import Phone


class ProviderInboxes:
    """Implement `Inbox`."""

    def __init__(self, twilio: TwilioTexting) -> None:
        self._twilio = twilio

    async def since(self, account: TextingAccount, to: Phone, at: datetime) -> Listed:
        """Ask Twilio."""
        if account.provider != "twilio":
            return Listed()
        return await self._twilio.inbox(account, to, at)

    async def prices(self, account: TextingAccount, since: datetime) -> Mapping[str, Price]:
        """Ask Twilio."""
        return await self._twilio.prices(account, since) if account.provider == "twilio" else {}
