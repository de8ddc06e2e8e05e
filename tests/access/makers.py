"""What makes one of each thing that posting the document's example to its collection does not make."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from tests.access.unused import MAPPING, NUMBERS, UNUSED, working_hour
from tests.http.conftest import Client

if TYPE_CHECKING:
    from tests.access.world import World

Maker = Callable[["World"], Awaitable[str]]


async def _upload(world: "World") -> str:
    files = {"file": ("list.csv", world.table(), "text/csv")}
    answer = await world.owner.post("/datasets/upload", files=files)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["id"])


async def _started(world: "World") -> dict[str, str]:
    body = {"upload_id": await _upload(world), "dataset_id": await world.fresh("dataset_id"),
            "column_mapping": MAPPING}  # fmt: skip
    answer = await world.owner.post("/datasets/map-and-import", json=body)
    assert answer.status_code == 202, answer.text
    data: dict[str, str] = answer.json()["data"]
    return data


async def _import(world: "World") -> str:
    return (await _started(world))["import_id"]


async def _job(world: "World") -> str:
    return (await _started(world))["job_id"]


async def _lead(world: "World") -> str:
    return await lead_in(world, await world.need("dataset_id"))


async def lead_in(world: "World", dataset_id: str) -> str:
    """Enter a lead in a dataset; gives its id."""
    number = next(NUMBERS)
    contact = {"first_name": "Jane", "last_name": world.marker, "phone_number": f"+447400{number:06d}"}
    body = {"contact": contact, "dataset_id": dataset_id}
    answer = await world.owner.post("/leads", json=body)
    assert answer.status_code == 201, answer.text
    world.phone = contact["phone_number"]
    return str(answer.json()["data"]["id"])


async def _message(world: "World") -> str:
    body = {"lead_id": await world.fresh("lead_id"), "content": f"Hello from {world.marker}"}
    answer = await world.owner.post("/messages/send", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["id"])


async def _insight(world: "World") -> str:
    body = {"lead_id": await world.fresh("lead_id"), "content": f"{world.marker}!!!"}
    sent = await world.owner.post("/messages/send", json=body)
    assert sent.status_code == 201, sent.text
    answer = await world.owner.post("/coach/analyze-message", json={"message_id": sent.json()["data"]["id"]})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["data"]["insight_ids"][0])


async def _lead_who_wrote(world: "World") -> str:
    """Let a lead write; gives the conversation."""
    sent = (await world.owner.get(f"/messages/{await world.fresh('message_id')}")).json()["data"]
    await world.arrive(sent, f"How much is it, asks {world.marker}?")
    return str(sent["conversation_id"])


async def _case(world: "World") -> str:
    body = {"conversation_id": await _lead_who_wrote(world)}
    answer = await world.owner.post("/coach/evaluation-cases", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["id"])


async def _evaluation(world: "World") -> str:
    await _case(world)
    answer = await world.owner.post("/coach/prompts/reply/evaluations", json={})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["data"]["evaluation_id"])


async def _lesson(world: "World") -> str:
    body = {
        "lesson_type": "tone",
        "title": world.marker,
        "description": f"Be kind, {world.marker}.",
        "accept_clash": True,
    }
    answer = await world.owner.post("/coach/lessons", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["id"])


async def _user(world: "World") -> str:
    return str((await world.join()).user_id)


async def _invited(world: "World") -> dict[str, Any]:
    body = {"email": UNUSED["email"](next(NUMBERS), ""), "first_name": world.marker, "role": "rep"}
    answer = await world.owner.post("/users", json=body)
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def _invited_user(world: "World") -> str:
    return str((await _invited(world))["user"]["id"])


async def _link(world: "World") -> str:
    return str((await _invited(world))["link"]).rpartition("/")[2]


async def _key(world: "World") -> str:
    answer = await world.owner.post("/api-keys", json={"name": world.marker, "permissions": ["leads:read"]})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["api_key"]["id"])


async def _booking(world: "World") -> str:
    body = {"lead_id": await world.fresh("lead_id"), "start_time": working_hour(), "notes": world.marker}
    answer = await world.owner.post("/bookings", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["id"])


async def notification(world: "World", of: Client | None = None) -> str:
    """Notify somebody, the owner unless another one is named; gives the notification's id."""
    made = await world.owner.post("/api-keys", json={"name": "Program", "permissions": ["notifications:send"]})
    assert made.status_code == 201, made.text
    told = {"user_id": str((of or world.owner).user_id), "channels": ["in_app"], "title": world.marker, "message": "…"}
    headers = {"Authorization": f"Bearer {made.json()['data']['key']}"}
    answer = await world.owner.post("/notifications/send", json=told, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["id"])


async def _mail(world: "World") -> str:
    await _invited(world)
    answer = await world.owner.get("/mails")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["data"][0]["id"])


MAKERS: dict[str, Maker] = {
    "booking_id": _booking,
    "case_id": _case,
    "evaluation_id": _evaluation,
    "key_id": _key,
    "token": _link,
    "upload_id": _upload,
    "import_id": _import,
    "job_id": _job,
    "insight_id": _insight,
    "lead_id": _lead,
    "lesson_id": _lesson,
    "mail_id": _mail,
    "message_id": _message,
    "user_id": _user,
}
"""Things that posting the document's example to their collection does not make."""


async def _with_gateway(world: "World") -> str:
    user_id = await world.fresh("user_id")
    body = {"label": world.marker, "gateway_url": "https://gateway.example.com/3rdparty/v1", "username": "olga",
            "password": "the gateway's", "from_number": f"+447400{next(NUMBERS):06d}",
            "webhook_secret": "its-signing-key"}  # fmt: skip
    answer = await world.owner.post(f"/users/{user_id}/sms-gateway", json=body)
    assert answer.status_code == 201, answer.text
    return user_id


async def _provider(world: "World") -> str:
    body = {"settings": {"account_sid": "AC" + "0" * 32, "phone_number": f"+447400{next(NUMBERS):06d}"},
            "credentials": {"auth_token": world.marker}, "is_active": True}  # fmt: skip
    answer = await world.owner.put("/settings/integrations/twilio", json=body)
    assert answer.is_success, answer.text
    return "twilio"


async def _without_gateway(world: "World") -> str:
    return await world.fresh("user_id")


INSTEAD: dict[str, dict[str, Maker]] = {
    "sendInvitationAgain": {"user_id": _invited_user},
    "addSmsGateway": {"user_id": _without_gateway},
    "getSmsGateway": {"user_id": _with_gateway},
    "changeSmsGateway": {"user_id": _with_gateway},
    "removeSmsGateway": {"user_id": _with_gateway},
    "testSmsGateway": {"user_id": _with_gateway},
    "getIntegration": {"provider": _provider},
    "removeIntegration": {"provider": _provider},
    "testIntegration": {"provider": _provider},
}
"""Things in an address that must be in another state than `MAKERS` leaves them in, by operationId."""
