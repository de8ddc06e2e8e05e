"""What every implementation of the port `Mailing` must do, whoever the provider is."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from adapters.email.none import NoMailing
from adapters.email.resend import ResendMailing
from application.mailing import HandedMail, Mail, Receipt
from application.provider import Rejected, Unavailable, Unknown, Untried, Unusable
from domain.kernel import Email, new_id
from entrypoints.demo.house import free_port
from tests.contracts.mailing_stands import (
    ResendStand,
    SandboxStand,
    SmtpStand,
    Stand,
    resend_process,
    resend_stand,
    sandbox_stand,
    smtp_stand,
)
from tests.contracts.node_stand_ins import node, packages, running, spec
from tests.contracts.sandbox_process import ProviderProcess, sandbox_provider
from tests.contracts.test_texting_shape import PRISM

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")]


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    """Run the sandbox provider."""
    with sandbox_provider(tmp_path_factory.mktemp("provider")) as made:
        yield made


@pytest.fixture(scope="module")
def resend_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run `emulate`."""
    with resend_process(tmp_path_factory.mktemp("resend")) as url:
        yield url


@pytest.fixture
async def resend(resend_url: str) -> AsyncIterator[ResendStand]:
    """Stand Resend up."""
    async with resend_stand(resend_url) as stand:
        yield stand


@pytest.fixture
async def smtp() -> AsyncIterator[SmtpStand]:
    """Stand a mail server up."""
    async with smtp_stand() as stand:
        yield stand


@pytest.fixture
async def sandbox(provider: ProviderProcess) -> AsyncIterator[SandboxStand]:
    """Stand the sandbox up."""
    async with sandbox_stand(provider) as stand:
        yield stand


@pytest.fixture(params=["sandbox", "resend", "smtp"])
async def stand(request: pytest.FixtureRequest) -> AsyncIterator[Stand]:
    """Stand an adapter and its provider up, without faults."""
    if request.param == "sandbox":
        async with sandbox_stand(request.getfixturevalue("provider")) as sandboxed:
            yield sandboxed
    elif request.param == "resend":
        async with resend_stand(request.getfixturevalue("resend_url")) as resent:
            yield resent
    else:
        async with smtp_stand() as served:
            yield served


def written(stand: Stand) -> Mail:
    """Write a mail to somebody, with a key and words of its own."""
    key = str(new_id())
    return Mail(
        organization_id=new_id(),
        to=Email("rita@bright.example"),
        subject="Olga Owner invites you to Bright Windows – ¡hola!",
        body=f"Hello,\n\nhttp://127.0.0.1/invitations/…\n\nYours, {key}\n",
        key=key,
        account=stand.account,
    )


def handed(mail: Mail, ago: timedelta = timedelta()) -> HandedMail:
    """Say that a mail was handed over."""
    return HandedMail(mail.key, datetime.now(UTC) - ago, mail.account)


async def settled(stand: Stand, mail: Mail) -> Receipt | None:
    """Do what the hand-over does with a mail that nobody knows of; None where it is parked."""
    try:
        found = await stand.mailing.find(handed(mail))
    except Rejected:
        return None
    return found or await stand.mailing.send(mail)


async def test_a_mail_is_accepted(stand: Stand) -> None:
    mail = written(stand)
    receipt = await stand.mailing.send(mail)
    assert receipt.provider_id
    assert stand.accepted(mail) == 1


@pytest.mark.parametrize("fault", ["timeout_after_accept", "timeout_before_accept"])
async def test_no_answer_is_unknown_and_settled_without_a_second_mail(stand: Stand, fault: str) -> None:
    mail = written(stand)
    stand.misbehave(fault)
    with pytest.raises(Unknown):
        await stand.mailing.send(mail)
    receipt = await settled(stand, mail)
    if receipt is not None:
        assert stand.accepted(mail) == 1
    else:  # nobody can be asked, so that it may be missing and is never doubled
        assert stand.accepted(mail) == (1 if fault == "timeout_after_accept" else 0)


@pytest.mark.parametrize("fault", ["rate_limited", "server_error"])
async def test_a_provider_that_declines_is_unavailable(stand: Stand, fault: str) -> None:
    mail = written(stand)
    stand.misbehave(fault)
    with pytest.raises(Unavailable) as raised:
        await stand.mailing.send(mail)
    assert not isinstance(raised.value, Unusable)
    assert stand.accepted(mail) == 0
    await stand.mailing.send(mail)
    assert stand.accepted(mail) == 1


@pytest.mark.parametrize(
    ("change", "permanent"),
    [
        ({"to": Email("rita@nowhere.invalid")}, True),
        ({"subject": "Hello\r\nBcc: everybody@example.com"}, False),
        ({"subject": " "}, False),
        ({"body": ""}, False),
    ],
)
async def test_what_a_provider_never_takes_is_rejected(
    stand: Stand, change: dict[str, Email | str], permanent: bool
) -> None:
    mail = replace(written(stand), **change)  # type: ignore[arg-type]
    with pytest.raises(Rejected) as raised:
        await stand.mailing.send(mail)
    assert raised.value.permanent is permanent
    assert raised.value.reason.endswith((".", ")."))
    assert stand.accepted(mail) == 0


async def test_a_dead_provider_is_unavailable_and_comes_back(stand: Stand) -> None:
    mail = written(stand)
    await stand.kill()
    try:
        with pytest.raises(Unavailable):
            await stand.mailing.send(mail)
    finally:
        await stand.start()
    await stand.mailing.send(mail)
    assert stand.accepted(mail) == 1


async def test_the_sandbox_finds_by_key_and_takes_the_same_key_twice(sandbox: SandboxStand) -> None:
    mail = written(sandbox)
    assert await sandbox.mailing.find(handed(mail)) is None
    receipt = await sandbox.mailing.send(mail)
    assert await sandbox.mailing.find(handed(mail)) == receipt
    await sandbox.kill()
    try:
        with pytest.raises(Unavailable):
            await sandbox.mailing.find(handed(mail))
    finally:
        await sandbox.start()
    assert await sandbox.mailing.find(handed(mail)) == receipt
    assert (await sandbox.mailing.send(mail)).provider_id != receipt.provider_id
    assert sandbox.accepted(mail) == 2


async def test_a_frozen_provider_does_not_take_on_waking_what_was_given_up(sandbox: SandboxStand) -> None:
    mail = written(sandbox)
    await sandbox.mailing.find(handed(mail))
    sandbox.freeze()
    try:
        with pytest.raises(Unknown):
            await sandbox.mailing.send(mail)
        with pytest.raises(Unavailable):
            await sandbox.mailing.find(handed(mail))
    finally:
        sandbox.thaw()
    assert await sandbox.mailing.find(handed(mail)) is None
    assert sandbox.accepted(mail) == 0


async def test_resend_takes_a_key_once_whatever_the_words(resend: ResendStand) -> None:
    mail = written(resend)
    first = await resend.mailing.send(mail)
    assert await resend.mailing.send(mail) == first
    assert resend.accepted(mail) == 1
    other = replace(mail, body=f"Other words. {mail.key}")
    with pytest.raises(Untried, match="other words"):
        await resend.mailing.send(other)
    other = replace(other, is_doubtful=True)
    assert (await resend.mailing.send(other)).provider_id
    assert resend.accepted(other) == 0
    assert await resend.mailing.find(handed(mail)) is None
    with pytest.raises(Rejected, match="after a day"):
        await resend.mailing.find(handed(mail, timedelta(hours=21)))


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, '{"name": "missing_api_key", "message": "Missing API key"}', Unusable),
        (403, '{"name": "invalid_api_key", "message": "API key is invalid"}', Unusable),
        (403, '{"name": "validation_error", "message": "The bright.example domain is not verified"}', Unusable),
        (429, '{"name": "daily_quota_exceeded", "message": "You have reached your daily quota"}', Unusable),
        (404, "<html>nothing here</html>", Unusable),
        (422, '{"name": "validation_error", "message": "Invalid `to` field."}', Rejected),
        (422, '{"name": "validation_error", "message": "Invalid `from` field."}', Unusable),
        (409, '{"name": "concurrent_idempotent_requests", "message": "Under way"}', Unknown),
        (500, '{"name": "application_error", "message": "Oops"}', Unknown),
        (200, "<html>ok</html>", Unknown),
        (200, "[]", Unknown),
    ],
)
async def test_resends_refusals_are_told_apart(
    resend: ResendStand, status: int, body: str, kind: type[Exception]
) -> None:
    mail = written(resend)
    resend.line.answers(status, body)
    with pytest.raises(kind) as raised:
        await resend.mailing.send(mail)
    assert type(raised.value) is kind
    assert "re_test" not in str(raised.value)


async def test_a_key_that_no_header_takes_is_told_before_anybody_is_called(resend: ResendStand) -> None:
    account = replace(resend.account, credentials={"api_key": "“re_test_0123456789”"})
    with pytest.raises(Unusable):
        await resend.mailing.send(replace(written(resend), account=account))


async def test_a_mail_server_gets_a_whole_mail(smtp: SmtpStand) -> None:
    mail = written(smtp)
    receipt = await smtp.mailing.send(mail)
    [taken] = smtp.office.taken
    assert taken["message-id"] == receipt.provider_id == f"<{mail.key}@bright.example>"
    assert taken["from"].addresses[0].addr_spec == "office@bright.example"
    assert taken["from"].addresses[0].display_name == "Bright Windows Ltd"
    assert (taken["to"], taken["subject"]) == ("rita@bright.example", mail.subject)
    assert taken["auto-submitted"] == "auto-generated"
    assert taken["date"].datetime - datetime.now(UTC) < timedelta(minutes=1)
    with pytest.raises(Rejected, match="cannot be asked"):
        await smtp.mailing.find(handed(mail))


async def test_a_mail_servers_refusals_are_told_apart(smtp: SmtpStand) -> None:
    mail = written(smtp)
    with pytest.raises(Rejected) as raised:
        await smtp.mailing.send(replace(mail, to=Email("nobody@bright.example")))
    assert raised.value.permanent
    with pytest.raises(Unavailable) as full:
        await smtp.mailing.send(replace(mail, to=Email("full@bright.example")))
    assert not isinstance(full.value, Unusable)
    smtp.misbehave("spam")
    with pytest.raises(Rejected) as spam:
        await smtp.mailing.send(mail)
    assert not spam.value.permanent
    for fault in ("relay", "unverified"):
        smtp.misbehave(fault)
        with pytest.raises(Unusable):
            await smtp.mailing.send(mail)
    with pytest.raises(Rejected, match="ASCII"):
        await smtp.mailing.send(replace(mail, to=Email("jörg@bright.example")))
    wrong = replace(mail.account, credentials={"password": "wrong"})
    unencrypted = replace(mail.account, settings={**mail.account.settings, "security": "starttls"})
    for account in (wrong, unencrypted):
        with pytest.raises(Unusable) as unusable:
            await smtp.mailing.send(replace(mail, account=account))
        assert "wrong" not in str(unusable.value)
    assert smtp.office.taken == []


async def test_our_calls_fit_resends_own_description(tmp_path: Path, sandbox: SandboxStand) -> None:
    port = free_port()
    command: list[str | Path] = [
        node(), packages() / PRISM, "mock", "-h", "127.0.0.1", "-p", str(port), spec("resend.json"),
    ]  # fmt: skip
    answers: list[httpx.Response] = []

    async def remember(response: httpx.Response) -> None:
        answers.append(response)

    with running(command, port, tmp_path / "prism.log"):
        async with httpx.AsyncClient(event_hooks={"response": [remember]}, trust_env=False) as client:
            mailing = ResendMailing(client, f"http://127.0.0.1:{port}", total_seconds=30)
            mail = replace(written(sandbox), account=ResendStand.account)
            receipt = await mailing.send(mail)
    assert receipt.provider_id
    [answer] = answers
    assert answer.status_code == 200
    assert answer.headers.get("sl-violations") is None


async def test_without_a_provider_nothing_is_taken(sandbox: SandboxStand) -> None:
    mail = written(sandbox)
    with pytest.raises(Unavailable) as raised:
        await NoMailing().send(mail)
    assert raised.value.retry_after
    assert await NoMailing().find(handed(mail)) is None


@pytest.mark.parametrize("seven_bits", [False, True])
async def test_what_is_not_ascii_arrives_intact(seven_bits: bool) -> None:
    async with smtp_stand(seven_bits=seven_bits) as stand:
        mail = replace(
            written(stand),
            subject="Su llamada con Cañón & Söhne: el miércoles – ¿de acuerdo? 👍",
            body="¡Hola, Zoë!\n\n.Ein Punkt am Anfang, Żółć, 東京 и всё.\n" + "ñ" * 1200 + "\n=20 stays =20\n",
        )
        await stand.mailing.send(mail)
        [taken] = stand.office.taken
    assert str(taken["Subject"]) == mail.subject
    assert taken.get_content().replace("\r\n", "\n") == mail.body
    assert taken["Content-Transfer-Encoding"] in ("quoted-printable", "base64")
