"""Let things happen to an organisation's leads as the contexts say so, and be counted as a worker counts."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from dishka import AsyncContainer

from adapters.persistence.database import Cause, Database, PostgresUnitOfWork
from adapters.queue.relay import Relay
from application.analytics.rollups import Counting
from application.ports import Actor
from domain.kernel import Event, new_id
from domain.messaging.message import MessageReceived, MessagesSettled, OptedOut, Settled
from domain.scheduling.booking import BookingMade
from entrypoints.config import Config
from tests.http.background import Deaf
from tests.http.conftest import Client

Happen = Callable[..., Awaitable[None]]


@pytest.fixture
async def happen(config: Config, house: AsyncContainer) -> AsyncIterator[Happen]:
    """Publish events in an organisation's log, have them stamped, and count them."""
    system = await Database.open(config.system_database_url, size=1)
    relay = Relay(system, Deaf(), {})

    async def happened(client: Client, *events: Event) -> None:
        context = {Actor: Actor.system(client.organization_id), Cause: Cause()}
        async with house(context) as scope:
            uow = await scope.get(PostgresUnitOfWork)
            async with uow:
                uow.publish(*events)
        await relay.run_once()
        async with house(context) as scope:
            await (await scope.get(Counting)).count()

    yield happened
    await system.close()


def text(lead_id: str, at: datetime, **more: Any) -> Settled:
    """Say that a lead's text was taken by a provider."""
    given: dict[str, Any] = {"purpose": "manual", "campaign_id": None, "touch": None} | more
    return Settled(send_id=new_id(), outcome="accepted", at=at, lead_id=UUID(lead_id), **given)


def touch(lead_id: str, at: datetime, campaign_id: UUID, name: str = "M1", variant: str = "A") -> Settled:
    """Say that a campaign's text was."""
    return text(lead_id, at, purpose="campaign", campaign_id=campaign_id, touch=name, variant=variant)


def settled(*texts: Settled) -> MessagesSettled:
    """Say so of a group."""
    return MessagesSettled(subject=new_id(), settled=texts)


def answered(lead_id: str) -> MessageReceived:
    """Say that a lead answered."""
    return MessageReceived(
        subject=new_id(), conversation_id=new_id(), contact_id=new_id(), lead_id=UUID(lead_id), reading="none"
    )


def booked(lead_id: str) -> BookingMade:
    """Say that a call with a lead stands in the calendar."""
    at = datetime.now(UTC) + timedelta(days=1)
    return BookingMade(subject=UUID(lead_id), booking_id=new_id(), start_at=at, end_at=at, zone="UTC", source="person")


def opted_out(lead_id: str) -> OptedOut:
    """Say that a lead wants no more texts."""
    return OptedOut(subject=new_id(), address="+447700900123", how="text", wording=None, lead_ids=(UUID(lead_id),))
