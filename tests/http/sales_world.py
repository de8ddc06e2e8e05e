"""Rows that the sales tests need and other contexts make: written as the organisation, in a real unit of work."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from dishka import AsyncContainer

from adapters.persistence.database import Cause, PostgresUnitOfWork
from application.ports import Actor
from domain.kernel import new_id
from tests.http.conftest import Client

JANE = {"first_name": "Jane", "last_name": "Smith", "email": "jane@example.com", "phone_number": "07700 900123"}


async def enter(client: Client, contact: dict[str, Any] | None = None, **lead: Any) -> dict[str, Any]:
    """Enter a lead over HTTP; gives it as it was answered."""
    answer = await client.post("/leads", json={"contact": contact or JANE, **lead})
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def names(client: Client, query: str) -> list[str]:
    """List leads; gives first names in order."""
    answer = await client.get(f"/leads{query}")
    assert answer.status_code == 200, answer.text
    return [item["contact"]["first_name"] for item in answer.json()["data"]]


async def types(client: Client, lead: dict[str, Any]) -> list[str]:
    """Give what happened to a lead, latest first."""
    answer = await client.get(f"/leads/{lead['id']}")
    return [activity["type"] for activity in answer.json()["data"]["activities"]]


@dataclass(frozen=True)
class World:
    """Write and read rows of one organisation."""

    house: AsyncContainer
    organization_id: UUID

    async def fetch(self, sql: str, *arguments: Any) -> Sequence[Any]:
        """Run a statement whose first parameter is the organisation."""
        context = {Actor: Actor.system(self.organization_id), Cause: Cause()}
        async with self.house(context) as scope:
            uow = await scope.get(PostgresUnitOfWork)
            async with uow:
                rows: Sequence[Any] = await uow.connection.fetch(sql, self.organization_id, *arguments)
                return rows

    async def dataset(self) -> UUID:
        """Make a dataset."""
        identifier = new_id()
        await self.fetch(
            "INSERT INTO datasets (organization_id, id, name, created_at, updated_at)"
            " VALUES ($1, $2, 'Old', now(), now())",
            identifier,
        )
        return identifier

    async def plan_text(self, lead: dict[str, Any], dataset_id: UUID, state: str = "planned") -> UUID:
        """Enrol a lead in its dataset's campaign and plan its next text; gives the ledger row's id."""
        campaign, thread, send = new_id(), new_id(), new_id()
        number = lead["contact"]["phone_number"]
        contact, lead_id = UUID(lead["contact"]["id"]), UUID(lead["id"])
        await self.fetch(
            "INSERT INTO campaigns (organization_id, id, dataset_id, status, seed, settings)"
            " VALUES ($1, $2, $3, 'active', 1, '{}')",
            campaign,
            dataset_id,
        )
        await self.fetch(
            "INSERT INTO enrolments (organization_id, campaign_id, lead_id, touch, due_at)"
            " VALUES ($1, $2, $3, 'M2', now() + interval '1 day')",
            campaign,
            lead_id,
        )
        await self.fetch(
            "INSERT INTO conversations (organization_id, id, contact_id, lead_id, channel, address, message_count,"
            " started_at, last_message_at) VALUES ($1, $2, $3, $4, 'sms', $5, 1, now(), now())",
            thread,
            contact,
            lead_id,
            number,
        )
        await self.fetch(
            "INSERT INTO messages (organization_id, id, conversation_id, contact_id, lead_id, channel, direction,"
            " category, status, body, sender, recipient, created_at) VALUES"
            " ($1, $2, $3, $4, $5, 'sms', 'outbound', 'campaign', 'pending', 'Hello', '+442079460000', $6, now())",
            send,
            thread,
            contact,
            lead_id,
            number,
        )
        await self.fetch(
            "INSERT INTO sends (organization_id, id, natural_key, purpose, channel, state, campaign_id, touch, lead_id,"
            " contact_id, conversation_id, recipient, sender, due_at, verdict, reasons, batch, lease_until, created_at)"
            " VALUES ($1, $2, $3, 'campaign', 'sms', $4, $5, 'M1', $6, $7, $8, $9, '+442079460000', now(), 'allow',"
            " '[]',"
            " CASE WHEN $4 = 'planned' THEN NULL ELSE uuidv7() END,"
            " CASE WHEN $4 = 'planned' THEN NULL ELSE now() + interval '1 minute' END, now())",
            send,
            f"test:{send}",
            state,
            campaign,
            lead_id,
            contact,
            thread,
            number,
        )
        return send

    async def text(self, send: UUID) -> dict[str, Any]:
        """Tell how a ledger row and its message stand."""
        (row,) = await self.fetch(
            "SELECT s.state, s.held, s.batch, s.recipient, m.status, m.recipient AS told FROM sends s"
            " JOIN messages m ON m.organization_id = $1 AND m.id = s.id WHERE s.organization_id = $1 AND s.id = $2",
            send,
        )
        return dict(row.items())

    async def touches(self, lead: dict[str, Any]) -> list[bool]:
        """Give, of each of the lead's enrolments, whether it is held."""
        rows = await self.fetch(
            "SELECT held FROM enrolments WHERE organization_id = $1 AND lead_id = $2", UUID(lead["id"])
        )
        return [row["held"] for row in rows]

    async def status(self, lead: dict[str, Any], contact_status: str) -> None:
        """Set a lead's outreach status as outreach does: without raising its version."""
        await self.fetch(
            "UPDATE leads SET contact_status = $3 WHERE organization_id = $1 AND id = $2",
            UUID(lead["id"]),
            contact_status,
        )


@pytest.fixture
def world(house: AsyncContainer, owner: Client) -> World:
    """Write rows of the owner's organisation."""
    return World(house, owner.organization_id)
