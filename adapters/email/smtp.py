"""Mailing through a mail server, by SMTP: it knows no keys and answers no questions."""

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from typing import Any, Final

import aiosmtplib

from adapters.email.words import from_name, refuse_unfit
from application.mailing import HandedMail, Mail, MailAccount, Receipt
from application.provider import ProviderError, Rejected, Unavailable, Unknown, Unusable

TOTAL_SECONDS: Final = 60.0  # servers greet late, and filter before they say that they took a mail
UNUSABLE_SECONDS: Final = 300.0
# A server that does not say 8BITMIME may cut the eighth bit off, so that nobody could read what is left.
_SEVEN_BITS: Final = SMTP.clone(cte_type="7bit")
_UNREACHABLE = "The mail server cannot be reached."
_NO_SUCH_BOX = frozenset({550, 551, 553})
_OF_US = frozenset({530, 535, 538})
_OF_US_IN_WORDS = re.compile(r"relay|authenticat|not verified|sender", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SmtpMailing:
    """Implement `Mailing`; a connection a mail, `total_seconds` for all of it."""

    total_seconds: float = TOTAL_SECONDS

    async def send(self, mail: Mail) -> Receipt:
        """Hand over one mail; until its words are being sent it certainly was not taken."""
        refuse_unfit(mail)
        if not mail.to.isascii():
            raise Rejected("to", "A mail server takes addresses of ASCII characters only.", True)
        message = _written(mail)
        client = _client(mail.account, self.total_seconds)
        words_are_under_way = False
        try:
            async with asyncio.timeout(self.total_seconds):
                await client.connect()
                await client.mail(str(mail.account.settings["from_address"]))
                await client.rcpt(str(mail.to))
                words_are_under_way = True
                await client.data(message.as_bytes(policy=_SEVEN_BITS))
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise _failure(error, words_are_under_way) from error
        finally:
            client.close()
        return Receipt(str(message["Message-ID"]))

    async def find(self, handed: HandedMail) -> Receipt | None:
        """Know nothing, ever."""
        raise Rejected("smtp", f"A mail server cannot be asked whether it has {handed.key}.", False)


def _client(account: MailAccount, seconds: float) -> aiosmtplib.SMTP:
    settings: dict[str, Any] = dict(account.settings)
    security = settings["security"]
    return aiosmtplib.SMTP(
        hostname=settings["host"],
        port=int(settings["port"]),
        username=settings.get("username"),
        password=account.credentials.get("password"),
        use_tls=security == "tls",
        start_tls=security == "starttls",
        timeout=seconds,
    )


def _written(mail: Mail) -> EmailMessage:
    address = str(mail.account.settings["from_address"])
    message = EmailMessage(policy=_SEVEN_BITS)
    message["From"] = formataddr((from_name(mail.account), address))
    message["To"] = str(mail.to)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{mail.key}@{address.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.body)
    return message


def _failure(error: Exception, words_are_under_way: bool) -> ProviderError:
    match error:
        case aiosmtplib.SMTPAuthenticationError() | aiosmtplib.SMTPNotSupported():
            return Unusable(UNUSABLE_SECONDS, f"The mail server does not take the login: {_line(error)}")
        case aiosmtplib.SMTPSenderRefused() if error.code >= 500:
            return Unusable(UNUSABLE_SECONDS, f"The mail server does not take the sender: {_line(error)}")
        case aiosmtplib.SMTPRecipientRefused() | aiosmtplib.SMTPDataError() if error.code >= 500 and _is_of_us(error):
            return Unusable(UNUSABLE_SECONDS, f"The mail server takes nothing from here: {_line(error)}")
        case aiosmtplib.SMTPRecipientRefused() | aiosmtplib.SMTPDataError() if error.code >= 500:
            return Rejected(str(error.code), f"The mail server: {_line(error)}", error.code in _NO_SUCH_BOX)
        case aiosmtplib.SMTPResponseException() if error.code >= 400:
            return Unavailable(reason=f"The mail server: {_line(error)}")
    if type(error) is aiosmtplib.SMTPException:  # such as that it knows no STARTTLS
        return Unusable(UNUSABLE_SECONDS, f"The mail server cannot be used as it is set: {_line(error)}")
    if words_are_under_way:
        return Unknown(f"The mail server did not answer ({type(error).__name__}).")
    return Unavailable(reason=_UNREACHABLE)


def _is_of_us(error: aiosmtplib.SMTPResponseException) -> bool:
    """Tell whether a refusal is of whoever sends, so that the mail is as good as before."""
    return error.code in _OF_US or bool(_OF_US_IN_WORDS.search(error.message))


def _line(error: Exception) -> str:
    said = error.message if isinstance(error, aiosmtplib.SMTPResponseException) else str(error)
    return " ".join(said.split())[:300]
