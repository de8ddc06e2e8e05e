"""The sandbox's post office: takes mail and keeps it in its own file, where it can be read like an inbox."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec

from adapters.email.sandbox_records import AcceptedMail, Submission, encode
from adapters.sms.sandbox_carrier import Expired
from adapters.sms.sandbox_faults import Faults
from adapters.sms.sandbox_journal import Journal
from domain.kernel import Email, Invalid, new_id

LONGEST_BODY = 200_000


class Mailbox:
    """Keep `mails.jsonl` in a folder that the carrier has locked; `now` tells business time."""

    def __init__(self, folder: Path, seed: str, now: Callable[[], datetime]) -> None:
        self.faults = Faults(seed)
        self._now = now
        self._journal = Journal(folder / "mails.jsonl", durable=True)
        self._accepted: list[AcceptedMail] = []
        self._by_key: dict[str, list[AcceptedMail]] = defaultdict(list)
        decoder = msgspec.json.Decoder(AcceptedMail)
        for line in self._journal.lines():
            self._remember(decoder.decode(line))

    async def close(self) -> None:
        """Keep what is waiting, then close the file."""
        await self._journal.close()

    async def accept(self, submission: Submission) -> AcceptedMail:
        """Take a mail, once it is on disk; the same key again is another mail.

        Raises `Invalid` for what no mail server takes, `Expired`, and OSError when it could not be kept.
        """
        _check(submission)
        if submission.give_up_at is not None and submission.give_up_at < datetime.now(UTC):
            raise Expired
        mail = AcceptedMail(
            id=new_id(),
            organization_id=submission.organization_id,
            to=submission.to,
            subject=submission.subject,
            body=submission.body,
            key=submission.key,
            accepted_at=self._now(),
        )
        await self._journal.append(encode(mail))
        self._remember(mail)
        return mail

    async def by_key(self, key: str) -> list[AcceptedMail]:
        """List every mail accepted with this key, also those just being written."""
        await self._journal.settle()
        return list(self._by_key.get(key, ()))

    def mails(self, organization: UUID | None, before: UUID | None, limit: int) -> list[AcceptedMail]:
        """List accepted mail newest first, from the one accepted before `before`."""
        found: list[AcceptedMail] = []
        started = before is None
        for mail in reversed(self._accepted):
            if not started:
                started = mail.id == before
            elif organization is None or mail.organization_id == organization:
                found.append(mail)
                if len(found) == limit:
                    break
        return found

    def _remember(self, mail: AcceptedMail) -> None:
        self._accepted.append(mail)
        self._by_key[mail.key].append(mail)


def _check(submission: Submission) -> None:
    try:
        Email(submission.to)
    except Invalid as refusal:
        raise Invalid(refusal.message, field="to") from None
    if submission.to.endswith(".invalid"):
        raise Invalid("Nothing is ever delivered below .invalid (RFC 2606).", field="to")
    if not submission.subject.strip() or any(character in submission.subject for character in "\r\n"):
        raise Invalid("A mail needs a subject of one line.", field="subject")
    if not submission.body.strip() or len(submission.body) > LONGEST_BODY:
        raise Invalid(f"A mail needs a body of at most {LONGEST_BODY:,} characters.", field="body")
