"""An installation outside the sandbox, whose texts leave through a Twilio that remembers what it was asked."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qs

import httpx
from dishka import AsyncContainer, Provider, Scope, provide
from twilio.request_validator import RequestValidator

from adapters.sms.breakers import Breakers
from adapters.sms.routing import RoutedTexting
from adapters.sms.twilio import TwilioTexting
from application.messaging.texting import Texting
from domain.kernel import new_id
from entrypoints.config import Config
from entrypoints.container import container
from entrypoints.http.app import create_app
from tests.conftest import LIMITS_OFF
from tests.http.conftest import BASE, Client

HOUSE_SID, HOUSE_TOKEN = f"AC{'a' * 32}", "the-token-of-the-house"
SMS, STATUS = "/webhooks/twilio/sms", "/webhooks/twilio/status"


@dataclass
class FakeTwilio:
    """Answer as Twilio's API does; `refuses` are the errors of the next calls, by status and code."""

    sent: list[dict[str, str]] = field(default_factory=list)
    refuses: list[tuple[int, int]] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Be the transport's handler."""
        if self.refuses:
            status, code = self.refuses.pop(0)
            return httpx.Response(status, json={"code": code, "message": f"No ({code}).", "status": status})
        form = {name: value for name, [value] in parse_qs(request.content.decode()).items()}
        self.sent.append({**form, "path": request.url.path, "authorization": request.headers["authorization"]})
        return httpx.Response(201, json={"sid": f"SM{new_id().hex}", "num_segments": "2", "status": "queued"})


class _Calls(Provider):
    def __init__(self, twilio: FakeTwilio) -> None:
        super().__init__()
        self._twilio = twilio

    @provide(scope=Scope.APP)
    async def texting(self, breakers: Breakers) -> AsyncIterator[Texting]:
        async with httpx.AsyncClient(transport=httpx.MockTransport(self._twilio)) as client:
            yield RoutedTexting({"twilio": TwilioTexting(client, "https://api.twilio.com")}, breakers)


@dataclass(frozen=True)
class TwilioHouse:
    """Hold the installation: `client` is nobody's, `of` gives one that stands for somebody."""

    config: Config
    container: AsyncContainer
    client: Client
    twilio: FakeTwilio
    _open: Callable[[], Client]

    def of(self, somebody: Client) -> Client:
        """Call this installation as somebody who signed in at another one on the same database."""
        client = self._open()
        client.headers.update({k: v for k, v in somebody.headers.items() if k.lower() == "authorization"})
        return client

    async def call(
        self, path: str, form: dict[str, str], token: str = HOUSE_TOKEN, *, algorithm: str | None = None
    ) -> httpx.Response:
        """Call a webhook as Twilio does, signed."""
        url = f"{self.config.public_url}/api/v1{path}"
        signature = RequestValidator(token).compute_signature(url, form, algorithm)
        headers = {"X-Twilio-Signature": signature}
        if algorithm is not None:
            headers["X-Twilio-Webhooks-Signature-Settings"] = f"key=webhooks_sharedkey_1,algorithm={algorithm}"
        return await self.client.post(path, data=form, headers=headers)


def form(to: str, body: str = "Hello", **other: str) -> dict[str, str]:
    """Write what Twilio posts for a text that came in."""
    sid = f"SM{new_id().hex}"
    return {"AccountSid": HOUSE_SID, "MessageSid": sid, "From": "+447700900150", "To": to, "Body": body, **other}


@asynccontextmanager
async def twilio_house(config: Config, *overrides: Provider, **settings: str) -> AsyncIterator[TwilioHouse]:
    """Open one on the database that is there."""
    twilio = FakeTwilio()
    environment = {
        "RAPPORT_DATA_DIR": str(config.data_dir),
        "RAPPORT_SANDBOX": "0",
        "RAPPORT_PUBLIC_URL": "https://crm.example.com",
        "RAPPORT_METRICS_PORT": "0",
        "RAPPORT_SECRET_KEYS": ",".join(base64.b64encode(key).decode() for key in config.secret_keys),
        "RAPPORT_TWILIO_ACCOUNT_SID": HOUSE_SID,
        "RAPPORT_TWILIO_AUTH_TOKEN": HOUSE_TOKEN,
        **LIMITS_OFF,
        **settings,
    }
    outside = Config.load({name: value for name, value in environment.items() if value})
    opened = container(outside, *(overrides or (_Calls(twilio),)))
    app = create_app(outside, opened)

    def client() -> Client:
        transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
        return Client(transport=transport, base_url=BASE)

    try:
        yield TwilioHouse(outside, opened, client(), twilio, client)
    finally:
        await opened.close()


def told(row: Any) -> dict[str, Any]:
    """Read a stored payload."""
    read: dict[str, Any] = json.loads(row["payload"])
    return read
