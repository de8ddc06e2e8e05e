"""What every way of mailing refuses, and how a sender is written."""

from application.mailing import Mail, MailAccount
from application.provider import Rejected

LONGEST_BODY = 200_000


def refuse_unfit(mail: Mail) -> None:
    """Refuse (`Rejected`) what no mail should be, before anybody is called."""
    if not mail.subject.strip() or any(character in mail.subject for character in "\r\n"):
        raise Rejected("subject", "A mail needs a subject of one line.", False)
    if not mail.body.strip() or len(mail.body) > LONGEST_BODY:
        raise Rejected("body", f"A mail needs a body of at most {LONGEST_BODY:,} characters.", False)
    if mail.to.endswith(".invalid"):
        raise Rejected("to", "Nothing is ever delivered below .invalid (RFC 2606).", True)


def from_name(account: MailAccount) -> str:
    """Give the sender's name without what would end it in a header."""
    name = str(account.settings.get("from_name") or "")
    return " ".join("".join(character for character in name if character not in '"<>\\').split())
