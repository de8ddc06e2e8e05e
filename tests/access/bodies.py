"""Bodies of requests that the document's example does not give."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from tests.access.makers import lead_in
from tests.access.unused import MAPPING, working_hour
from tests.http.conftest import PASSWORD, Client

if TYPE_CHECKING:
    from tests.access.world import World


async def _sign_in(world: "World", _: Client) -> dict[str, Any]:
    return {"email": world.owner.email, "password": PASSWORD}


async def _poor_set_up(_: "World", __: Client) -> dict[str, Any]:
    # The installation that the tests share is nobody's.
    return {"email": "first@example.com", "password": "short", "first_name": "A", "organization_name": "A"}


async def _import_body(world: "World", _: Client) -> dict[str, Any]:
    return {"upload_id": await world.fresh("upload_id"), "dataset_id": await world.need("dataset_id"),
            "column_mapping": MAPPING}  # fmt: skip


async def _of_running_campaign(world: "World", client: Client) -> dict[str, Any]:
    body = await _start(world, client)
    answer = await world.owner.post("/campaigns/start", json=body)
    assert answer.is_success, answer.text
    return body


async def _of_paused_campaign(world: "World", client: Client) -> dict[str, Any]:
    body = await _of_running_campaign(world, client)
    answer = await world.owner.post("/campaigns/pause", json=body)
    assert answer.is_success, answer.text
    return body


async def _start(world: "World", _: Client) -> dict[str, Any]:
    dataset_id = await world.fresh("dataset_id")
    await lead_in(world, dataset_id)
    return {"dataset_id": dataset_id}


async def _preview(world: "World", _: Client) -> dict[str, Any]:
    return {"dataset_id": await world.need("dataset_id"), "lead_id": await world.need("lead_id"), "touch": "M1"}


async def _to_number(world: "World", _: Client) -> dict[str, Any]:
    await world.fresh("lead_id")
    return {"to": world.phone, "channel": "sms", "body": f"Hello from {world.marker}"}


async def _to_lead(world: "World", _: Client) -> dict[str, Any]:
    return {"lead_id": await world.fresh("lead_id"), "content": f"Hello from {world.marker}"}


async def _written_to(world: "World", _: Client) -> dict[str, Any]:
    body = {"lead_id": await world.fresh("lead_id"), "content": f"Hello from {world.marker}"}
    await world.owner.post("/messages/send", json=body)
    return body


async def _draft(world: "World", client: Client) -> dict[str, Any]:
    return {"lead_id": (await _written_to(world, client))["lead_id"]}


async def _call(world: "World", _: Client) -> dict[str, Any]:
    return {"lead_id": await world.fresh("lead_id"), "start_time": working_hour()}


async def _other_time(_: "World", __: Client) -> dict[str, Any]:
    return {"start_time": working_hour()}


async def _confirmed(world: "World", _: Client) -> dict[str, Any]:
    return {"confirm": f"{world.marker} Smith"}


BODIES: dict[str, Callable[["World", Client], Awaitable[dict[str, Any]]]] = {
    "signIn": _sign_in,
    "setUp": _poor_set_up,
    "importUpload": _import_body,
    "startCampaign": _start,
    "pauseCampaign": _of_running_campaign,
    "resumeCampaign": _of_paused_campaign,
    "previewText": _preview,
    "sendTo": _to_number,
    "sendMessage": _to_lead,
    "generateReply": _draft,
    "previewPrompt": _draft,
    "sendReply": _written_to,
    "eraseContact": _confirmed,
    "bookCall": _call,
    "moveBooking": _other_time,
}
"""Bodies that the document's example does not give, even with real ids in it."""
