"""Providers of texts as the contract suite needs them: levers to make each misbehave, and a look into its books."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol
from urllib.parse import parse_qs

import httpx
from twilio.request_validator import RequestValidator

from adapters.sms.sandbox import SandboxTexting, sandbox_session
from adapters.sms.twilio import TwilioTexting
from application.messaging.texting import Receipt, Text, Texting, TextingAccount
from domain.kernel import Phone
from tests.contracts.sandbox_process import ProviderProcess, Receiver, SandboxLevers, eventually
from tests.contracts.twilio_process import ACCOUNT, NUMBER, TOKEN, Line, LineLevers, TwilioProcess

SECONDS = 0.7


class Stand(Protocol):
    """Let a test make a provider misbehave and look into its books."""

    texting: Texting
    account: TextingAccount
    sender: Phone
    unreachable: Phone

    def misbehave(self, fault: str) -> None:
        """Show a fault on the next text."""
        ...

    def accepted(self, text: Text) -> int:
        """Count what was taken of a text."""
        ...

    def reported(self, text: Text, receipt: Receipt) -> list[str]:
        """Let it be delivered, and give the statuses that were called back."""
        ...

    async def kill(self) -> None:
        """Take the provider away."""
        ...

    async def start(self) -> None:
        """Bring it back."""
        ...

    def freeze(self) -> None:
        """Stop the provider from running, while its socket still takes connections."""
        ...

    def thaw(self) -> None:
        """Let the provider run on."""
        ...


class SandboxStand(SandboxLevers):
    """Be the stand of the sandbox's provider."""

    account = TextingAccount("sandbox")
    sender = Phone("+442079460001")
    unreachable = Phone("+442079460002")

    def __init__(self, provider: ProviderProcess, receiver: Receiver, texting: Texting) -> None:
        self.texting = texting
        super().__init__(provider, "sms")
        self.receiver = receiver

    def accepted(self, text: Text) -> int:
        return sum(line["key"] == text.key for line in self._provider.lines("texts.jsonl"))

    def reported(self, text: Text, receipt: Receipt) -> list[str]:
        path = f"/status?key={text.key}"
        eventually(lambda: len(self.receiver.bodies(path)) == 3)
        bodies = self.receiver.bodies(path)
        assert {(body["key"], body["text_id"]) for body in bodies} == {(text.key, receipt.provider_id)}
        return [body["status"] for body in bodies]


_ANSWERS = {
    "rate_limited": (429, '{"code": 20429, "message": "Too Many Requests", "status": 429}'),
    "server_error": (503, '{"code": 20503, "message": "Service Unavailable", "status": 503}'),
}


class TwilioStand(LineLevers):
    """Be the stand of Twilio: `emulate`, and a line to it that can be cut."""

    account = ACCOUNT
    sender = Phone(NUMBER)
    unreachable = Phone("+15005550001")

    def __init__(self, provider: TwilioProcess, receiver: Receiver, line: Line, texting: Texting) -> None:
        super().__init__(line, _ANSWERS)
        self.provider, self.receiver, self.texting = provider, receiver, texting

    def accepted(self, text: Text) -> int:
        return sum(message["body"] == text.body for message in self.provider.messages(To=str(text.to)))

    def reported(self, text: Text, receipt: Receipt) -> list[str]:
        for status in ("sent", "delivered"):
            self.provider.reports(receipt.provider_id, status)
        path = text.callback_url.removeprefix(self.receiver.url)
        calls = [(headers, body) for called, headers, body in self.receiver.calls if called == path]
        forms = [{name: value for name, [value] in parse_qs(body.decode()).items()} for _, body in calls]
        for (headers, _), form in zip(calls, forms, strict=True):
            signature = headers["x-twilio-signature"]
            assert RequestValidator(TOKEN).validate(text.callback_url, form, signature)
        return [form["MessageStatus"] for form in forms if form["MessageSid"] == receipt.provider_id]

    def freeze(self) -> None:
        self.provider.freeze()

    def thaw(self) -> None:
        self.provider.thaw()


@asynccontextmanager
async def twilio_stand(provider: TwilioProcess, receiver: Receiver) -> AsyncIterator[TwilioStand]:
    """Stand Twilio up."""
    async with Line(provider.port).open() as line, httpx.AsyncClient(trust_env=False) as client:
        yield TwilioStand(provider, receiver, line, TwilioTexting(client, line.url, total_seconds=SECONDS))


@asynccontextmanager
async def sandbox_stand(provider: ProviderProcess, receiver: Receiver) -> AsyncIterator[SandboxStand]:
    """Stand the sandbox's provider up, without faults."""
    provider.http.delete("/faults").raise_for_status()
    receiver.status = 200
    async with sandbox_session() as session:
        texting = SandboxTexting(session, provider.url, provider.token, total_seconds=SECONDS)
        yield SandboxStand(provider, receiver, texting)
