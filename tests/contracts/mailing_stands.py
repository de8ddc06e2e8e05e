"""Providers of mail as the contract suite needs them: levers to make each misbehave, and a look into its books."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any, Protocol

import httpx
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from adapters.email.resend import ResendMailing
from adapters.email.sandbox import SandboxMailing
from adapters.email.smtp import SmtpMailing
from application.mailing import Mail, MailAccount, Mailing
from entrypoints.demo.house import free_port
from tests.contracts.node_stand_ins import node, packages, running, seed
from tests.contracts.sandbox_process import ProviderProcess, SandboxLevers
from tests.contracts.twilio_process import Line, LineLevers

SECONDS = 10.0
FROM = {"from_address": "office@bright.example", "from_name": 'Bright "Windows" <Ltd>'}


class Stand(Protocol):
    """Let a test make a provider misbehave and look into its books."""

    mailing: Mailing
    account: MailAccount

    def misbehave(self, fault: str) -> None:
        """Show a fault on the next mail."""
        ...

    def accepted(self, mail: Mail) -> int:
        """Count what was taken of a mail, known by the words of its body."""
        ...

    async def kill(self) -> None:
        """Take the provider away."""
        ...

    async def start(self) -> None:
        """Bring it back."""
        ...


class SandboxStand(SandboxLevers):
    """Be the stand of the sandbox's provider."""

    account = MailAccount("sandbox")

    def __init__(self, provider: ProviderProcess, mailing: Mailing) -> None:
        super().__init__(provider, "email")
        self.mailing = mailing

    def accepted(self, mail: Mail) -> int:
        return sum(taken["body"] == mail.body for taken in self._provider.lines("mails.jsonl"))


_RESEND_ANSWERS = {
    "rate_limited": (429, '{"name": "rate_limit_exceeded", "message": "Too many requests", "statusCode": 429}'),
    "server_error": (503, '{"name": "service_unavailable", "message": "Try again", "statusCode": 503}'),
}


class ResendStand(LineLevers):
    """Be the stand of Resend: `emulate`, and a line to it that can be cut."""

    account = MailAccount("resend", "tests", FROM, {"api_key": "re_test_0123456789"})

    def __init__(self, url: str, line: Line, mailing: Mailing) -> None:
        super().__init__(line, _RESEND_ANSWERS)
        self.mailing = mailing
        self._books = httpx.Client(base_url=url, headers={"Authorization": "Bearer re_test_0123456789"}, timeout=10)

    def accepted(self, mail: Mail) -> int:
        listed = self._books.get("/emails").raise_for_status().json()["data"]
        texts = [self._books.get(f"/emails/{one['id']}").raise_for_status().json()["text"] for one in listed]
        return texts.count(mail.body)

    def close(self) -> None:
        """Close the books."""
        self._books.close()


@contextmanager
def resend_process(folder: Path) -> Iterator[str]:
    """Run `emulate`; gives its address."""
    port = free_port()
    program = packages() / "node_modules" / "emulate" / "dist" / "index.js"
    content = {"resend": {"domains": [{"name": "bright.example", "region": "eu-west-1"}]}}
    command: list[str | Path] = [node(), program, "start", "-s", "resend", "-p", str(port)]
    with running([*command, "--seed", seed(folder, content)], port, folder / "emulate.log"):
        yield f"http://127.0.0.1:{port}"


class PostOffice:
    """Handle what aiosmtpd receives: keep it, or misbehave once."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.fault: str | None = None

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session, options
        if address.startswith("nobody@"):
            return "550 5.1.1 No such mailbox"
        if self.fault == "relay":
            self.fault = None
            return "554 5.7.1 Relay access denied"
        if address.startswith("full@"):
            return "452 4.2.2 Mailbox full"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        del session
        fault, self.fault = self.fault, None
        if fault == "rate_limited":
            return "451 4.7.1 Too many mails"
        if fault == "server_error":
            return "421 4.3.2 Going down"
        if fault == "unverified":
            return "554 Message rejected: Email address is not verified."
        if fault == "spam":
            return "554 5.7.1 This looks like spam"
        if fault != "timeout_before_accept":
            content = envelope.content
            assert content is not None
            # A server of seven bits hands over ASCII, as text.
            raw = content if isinstance(content, bytes) else content.encode("ascii")
            self.taken.append(message_from_bytes(raw, policy=default))
        if fault is not None:
            assert server.transport is not None
            server.transport.close()
        return "250 Taken"


class SmtpStand:
    """Be the stand of a mail server: aiosmtpd."""

    def __init__(self, port: int, *, seven_bits: bool) -> None:
        self.office = PostOffice()
        self._port = port
        self._seven_bits = seven_bits
        self.mailing: Mailing = SmtpMailing(total_seconds=SECONDS)
        self.account = MailAccount(
            "smtp",
            "tests",
            {**FROM, "host": "127.0.0.1", "port": port, "security": "none", "username": "office"},
            {"password": "secret"},
        )
        self._controller: Controller | None = None

    def misbehave(self, fault: str) -> None:
        self.office.fault = fault

    def accepted(self, mail: Mail) -> int:
        words = " ".join(mail.body.split())
        return sum(" ".join(taken.get_content().split()) == words for taken in self.office.taken)

    async def kill(self) -> None:
        assert self._controller is not None
        await asyncio.to_thread(self._controller.stop)
        self._controller = None

    async def start(self) -> None:
        def admit(server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: Any) -> AuthResult:
            del server, session, envelope, mechanism
            return AuthResult(success=login.password == b"secret", handled=False)

        self._controller = Controller(
            self.office,
            hostname="127.0.0.1",
            port=self._port,
            authenticator=admit,
            auth_require_tls=False,
            auth_required=True,
            decode_data=self._seven_bits,  # it neither says 8BITMIME nor takes what is not ASCII
            enable_SMTPUTF8=not self._seven_bits,
        )
        await asyncio.to_thread(self._controller.start)


@asynccontextmanager
async def sandbox_stand(provider: ProviderProcess) -> AsyncIterator[SandboxStand]:
    """Stand the sandbox up, without faults."""
    provider.http.delete("/faults").raise_for_status()
    async with httpx.AsyncClient() as client:
        yield SandboxStand(provider, SandboxMailing(client, provider.url, provider.token, total_seconds=1))


@asynccontextmanager
async def resend_stand(url: str) -> AsyncIterator[ResendStand]:
    """Stand Resend up."""
    async with Line(int(url.rpartition(":")[2])).open() as line, httpx.AsyncClient(trust_env=False) as client:
        stand = ResendStand(url, line, ResendMailing(client, line.url, total_seconds=SECONDS))
        yield stand
        stand.close()


@asynccontextmanager
async def smtp_stand(*, seven_bits: bool = False) -> AsyncIterator[SmtpStand]:
    """Stand a mail server up."""
    stand = SmtpStand(free_port(), seven_bits=seven_bits)
    await stand.start()
    yield stand
    await stand.kill()
