"""What Twilio's error codes and statuses mean to us (https://www.twilio.com/docs/api/errors)."""

from collections.abc import Mapping
from typing import Final

from domain.messaging.message import MessageStatus

PERMANENT: Final = frozenset({21211, 21217, 21614, 21635, 30005, 30006})
"""No number, none that takes texts, unknown at its network, a landline."""
OPTED_OUT: Final = 21610
UNVERIFIED: Final = 21608
TRIAL: Final = "Twilio: a trial account texts only numbers that were verified there; this one was not (error 21608)."
UNFIT: Final = frozenset({21606, 21703})
"""What says that the number, or none of the messaging service's, can text to this recipient."""
SENDERS: Final = frozenset({21659, 21660, 21701, 21705, 21712})
"""What says that the number, or the messaging service, is none that this account can text from."""
MENDED_BY_PEOPLE: Final = frozenset({20003, 20005, 20006, 20008, 30002}) | SENDERS
"""What says nothing of the text, but that the account, its credentials or its number must be mended."""
QUEUE_OF_NUMBER: Final = 21611
LATER: Final = frozenset({14107, 20429, QUEUE_OF_NUMBER, 30001, 63038})
"""Too many at once, a queue that is full, a day's allowance used up."""
STATUSES: Final[Mapping[str, MessageStatus]] = {
    "sent": MessageStatus.SENT,
    "delivered": MessageStatus.DELIVERED,
    "read": MessageStatus.DELIVERED,
    "undelivered": MessageStatus.FAILED,
    "failed": MessageStatus.FAILED,
    "canceled": MessageStatus.FAILED,
}
"""What moves a message on; all else (accepted, queued, sending) is on its way."""
