"""Routes of the mail ledger, for administrators."""

from uuid import UUID

import msgspec

from application.mail_list import MailFilter, MailList, MailView
from application.ports import Found, PageRequest
from entrypoints.http.operation import operation


@operation("GET", "/mails", "listMails", "List mails", shows=MailView)
async def list_mails(mails: MailList, narrowed: MailFilter, page: PageRequest) -> Found:
    """Lists every mail that the house owed, newest first; `state=parked` those that wait for a person, since nobody can
    tell whether they left."""
    return await mails.find(narrowed, page)


@operation("POST", "/mails/{mail_id:uuid}/retry", "retryMail", "Send a parked mail again", status=200, shows=MailView)
async def retry_mail(mails: MailList, mail_id: UUID) -> msgspec.Raw:
    """Hands it over through whoever serves now, unless what it tells of has ended. It may then come twice."""
    return await mails.retry(mail_id)


@operation("POST", "/mails/{mail_id:uuid}/cancel", "cancelMail", "Give a parked mail up", status=200, shows=MailView)
async def cancel_mail(mails: MailList, mail_id: UUID) -> msgspec.Raw:
    """Ends it: it is not sent any more."""
    return await mails.cancel(mail_id)


ROUTES = (list_mails, retry_mail, cancel_mail)
