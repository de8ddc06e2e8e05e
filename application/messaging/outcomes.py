"""What becomes of a ledger row by what the provider said of it."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from application.messaging.hand_overs import Claimed, Result
from application.messaging.texting import Receipt
from application.provider import ProviderError, Rejected, TooEarly, Unavailable, Unknown, Untried
from domain.messaging.message import Settled

LONGEST_WAIT: Final = timedelta(hours=1)  # whatever a provider says
MOST_ATTEMPTS: Final = 12


class Untold(ProviderError):
    """Say that whether a text was taken once nobody can ever tell, so that a person has to decide."""


Found = Sequence[Receipt] | ProviderError
Told = Receipt | ProviderError | None


def settled(row: Claimed, outcome: str, at: datetime) -> Settled:
    """Tell of one message's end."""
    return Settled(
        send_id=row.id,
        outcome=outcome,
        at=at,
        lead_id=row.lead_id,
        campaign_id=row.campaign_id,
        touch=row.touch,
        purpose=row.purpose.value,
        variant=row.variant,
    )


def of_hand_over(row: Claimed, told: Receipt | ProviderError, at: datetime, handed_at: datetime) -> Result:
    """Read what a hand-over came to; a text that was taken left when it was handed over, not when its batch ended."""
    match told:
        case Receipt():
            return _accepted(row, told, handed_at)
        case Rejected():
            outcome = "unreachable" if told.permanent else "rejected"
            return Result(
                id=row.id, state="rejected", error=told.reason, code=told.code, settled=settled(row, outcome, at)
            )
        case Unknown():
            return Result(id=row.id, state="unknown", error=told.reason)
        case Untold():
            return Result(id=row.id, state="parked", error=told.reason)
        case Unavailable() if row.attempts >= MOST_ATTEMPTS and not isinstance(told, Untried):
            return Result(id=row.id, state="parked", error=told.reason)
        case _:
            wait = getattr(told, "retry_after", None)
            seconds = min(wait, LONGEST_WAIT.total_seconds()) if wait is not None else min(2**row.attempts, 300)
            due_at, untried = at + timedelta(seconds=seconds), isinstance(told, Untried)
            return Result(id=row.id, state="planned", error=told.reason, due_at=due_at, untried=untried)


def of_question(row: Claimed, told: Receipt | ProviderError | None, at: datetime) -> Result | None:
    """Read what asking about a row that nobody knows about came to; None where it is to be asked about again."""
    match told:
        case Receipt():
            return _accepted(row, told, row.handed_at or at)
        case None if row.attempts >= MOST_ATTEMPTS:
            return Result(id=row.id, state="parked", error=f"Handed over {row.attempts} times and never taken.")
        case None:
            return Result(id=row.id, state="planned", due_at=at)
        case Rejected():
            return Result(id=row.id, state="parked", error=told.reason)
        case _:
            return None


def _accepted(row: Claimed, receipt: Receipt, at: datetime) -> Result:
    return Result(
        id=row.id,
        state="accepted",
        provider_id=receipt.provider_id,
        segments=receipt.segments,
        price=receipt.price,
        settled=settled(row, "accepted", at),
    )


def one_to_one(
    rows: Sequence[Claimed],
    found: Sequence[Found],
    known: Collection[str],
    leaving: Collection[str],
    wait: float,
) -> list[Told]:
    """Give each row a receipt that no other row has: `known` are those that are others'.

    Where a text to the same number is `leaving`, a receipt may be that one's: it is asked again after `wait` seconds.
    """
    taken = set(known)
    given: list[Told] = []
    for row, told in zip(rows, found, strict=True):
        if isinstance(told, ProviderError):
            given.append(told)
            continue
        free = next((one for one in told if one.provider_id not in taken), None)
        if free is not None and row.recipient in leaving:
            given.append(TooEarly(wait, "Another text to this number is on its way."))
            continue
        if free is not None:
            taken.add(free.provider_id)
        given.append(free)
    return given
