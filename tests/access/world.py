"""One organisation with one of everything in it, and a valid request for every operation, made from the document."""

import copy
import itertools
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from domain.identity.role import Role
from tests.access.described import Described, kinds, operations, resolved
from tests.http.conftest import PASSWORD, Client

Join = Callable[..., Awaitable[Client]]
Arrive = Callable[[dict[str, Any], str], Awaitable[None]]
"""How a lead's answer to a message comes in, where there is no worker, and where there is one."""
Maker = Callable[["World"], Awaitable[str]]
_NUMBERS = itertools.count(1)
_HOURS = itertools.count()
_MAPPING = {"first_name": "First", "last_name": "Last", "phone_number": "Mobile", "email": "Mail"}
ALIASES = {"assigned_to": "user_id", "allowed_dataset_ids": "dataset_id", "assigned_location_ids": "location_id"}
"""Fields and parameters that hold ids under another name than addresses do."""


_FORM = "application/x-www-form-urlencoded"


class World:
    """Be one organisation; `ids` holds one of each thing by the name that addresses give it, `fresh` makes another.

    Every text of a person in it holds `marker`, which is nowhere else.
    """

    def __init__(self, owner: Client, join: Join, marker: str, arrive: Arrive) -> None:
        self.owner = owner
        self.arrive = arrive
        self.marker = marker
        self.members: dict[str, Client] = {"owner": owner}
        self.phone = ""
        self._join = join
        self.ids: dict[str, str] = {"organization_id": str(owner.organization_id)}

    async def furnish(self) -> None:
        """Make one of everything that an address can name."""
        for one in operations():
            for name in one.path_ids:
                await self.need(name)
        answer = await self.owner.post("/campaigns/start", json={"dataset_id": self.ids["dataset_id"]})
        assert answer.is_success, answer.text

    async def people(self) -> None:
        """Let one person of each role join."""
        for role in ("admin", "manager", "rep", "read_only"):
            self.members[role] = await self._join(self.owner, Role(role))

    async def need(self, name: str) -> str:
        """Give the id of the one thing of this kind, made when first asked for."""
        name = kind_of(name)
        if name not in self.ids:
            self.ids[name] = await self.fresh(name)
        return self.ids[name]

    async def fresh(self, name: str, maker: Client | None = None) -> str:
        """Make another thing of a kind: by its row in `MAKERS`, or by posting the example to where the kind is listed.

        The latter may be done by somebody else than the owner.
        """
        name = kind_of(name)
        if name == "notification_id":
            return await _notification(self, maker)
        if name in MAKERS:
            return await MAKERS[name](self)
        makes = _maker_of(name)
        assert makes is not None, f"Nothing in the document makes a {name}; give it a row in MAKERS."
        answer = await self.ask(makes, maker)
        assert answer.is_success, f"{makes}: {answer.text}"
        return str(answer.json()["data"]["id"])

    async def join(self) -> Client:
        """Make another member, a rep."""
        return await self._join(self.owner, Role.REP)

    async def ask(
        self, one: Described, client: Client | None = None, ids: dict[str, str] | None = None, **changed: Any
    ) -> httpx.Response:
        """Send the valid request of an operation, as the owner unless somebody else is named."""
        client = client or self.owner
        answer = await client.request(one.method, **(await self.request(one, client, ids) | changed))
        client.cookies.clear()
        return answer

    async def request(self, one: Described, client: Client, ids: dict[str, str] | None = None) -> dict[str, Any]:
        """Make the valid request of an operation: `url`, and `json`, `data`, `files`, `params` where it takes them."""
        given = {name: await self.need(name) for name in one.path_names if name.endswith(("_id", *MAKERS))}
        for name, make in INSTEAD.get(one.operation_id, {}).items():
            given[name] = await make(self)
        given |= ids or {}
        texts = {p["name"]: p["example"] for p in one.said["parameters"] if p["in"] == "path" and "example" in p}
        made: dict[str, Any] = {"url": one.path.format(**texts | TEXTS | given)}
        params = {name: p["example"] for name, p in one.query.items() if p["required"] and "example" in p}
        params |= {"seconds": 0} if one.operation_id in STREAMS else {}
        if params:
            made["params"] = params
        if "multipart/form-data" in one.content:
            made["files"] = {"file": ("list.csv", self.table(), "text/csv")}
        elif _FORM in one.content:
            made["data"] = one.content[_FORM]["example"]
        elif one.operation_id in BODIES:
            made["json"] = await BODIES[one.operation_id](self, client)
        elif one.json_body is not None:
            made["json"] = await self._filled(copy.deepcopy(one.example), ids or {})
        return made

    async def _filled(self, value: Any, ids: dict[str, str]) -> Any:
        """Put real ids, and values that nobody used yet, into an example."""
        if isinstance(value, list):
            return [await self._filled(item, ids) for item in value]
        if not isinstance(value, dict):
            return value
        return {name: await self._value(name, item, ids) for name, item in value.items()}

    async def _value(self, name: str, item: Any, ids: dict[str, str]) -> Any:
        if name.endswith(("_id", "_ids")) or name in ALIASES:
            known = ids.get(kind_of(name)) or await self.need(name)
            return [known] if isinstance(item, list) else known
        if name in UNUSED and isinstance(item, str):
            return UNUSED[name](next(_NUMBERS), self.marker)
        return await self._filled(item, ids)

    def table(self) -> bytes:
        """Write a small list of people to upload."""
        number = next(_NUMBERS)
        return f"First,Last,Mobile,Mail\r\nAnn,{self.marker},07400 {number:06d},a{number}@example.com\r\n".encode()


def _maker_of(name: str) -> Described | None:
    """Find what posts to the collection in which an id stands."""
    for one in operations():
        collection, found, _ = one.path.partition(f"/{{{name}}}")
        if found:
            for other in operations():
                if (other.method, other.path) == ("post", collection):
                    return other
    return None


async def _upload(world: World) -> str:
    files = {"file": ("list.csv", world.table(), "text/csv")}
    answer = await world.owner.post("/datasets/upload", files=files)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["id"])


async def _started(world: World) -> dict[str, str]:
    body = {"upload_id": await _upload(world), "dataset_id": await world.fresh("dataset_id"),
            "column_mapping": _MAPPING}  # fmt: skip
    answer = await world.owner.post("/datasets/map-and-import", json=body)
    assert answer.status_code == 202, answer.text
    data: dict[str, str] = answer.json()["data"]
    return data


async def _import(world: World) -> str:
    return (await _started(world))["import_id"]


async def _job(world: World) -> str:
    return (await _started(world))["job_id"]


async def _lead(world: World) -> str:
    return await _lead_in(world, await world.need("dataset_id"))


async def _lead_in(world: World, dataset_id: str) -> str:
    number = next(_NUMBERS)
    contact = {"first_name": "Jane", "last_name": world.marker, "phone_number": f"+447400{number:06d}"}
    body = {"contact": contact, "dataset_id": dataset_id}
    answer = await world.owner.post("/leads", json=body)
    assert answer.status_code == 201, answer.text
    world.phone = contact["phone_number"]
    return str(answer.json()["data"]["id"])


async def _message(world: World) -> str:
    body = {"lead_id": await world.fresh("lead_id"), "content": f"Hello from {world.marker}"}
    answer = await world.owner.post("/messages/send", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["id"])


async def _insight(world: World) -> str:
    body = {"lead_id": await world.fresh("lead_id"), "content": f"{world.marker}!!!"}
    sent = await world.owner.post("/messages/send", json=body)
    assert sent.status_code == 201, sent.text
    answer = await world.owner.post("/coach/analyze-message", json={"message_id": sent.json()["data"]["id"]})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["data"]["insight_ids"][0])


async def _lead_who_wrote(world: World) -> str:
    """Let a lead write; gives the conversation."""
    sent = (await world.owner.get(f"/messages/{await world.fresh('message_id')}")).json()["data"]
    await world.arrive(sent, f"How much is it, asks {world.marker}?")
    return str(sent["conversation_id"])


async def _case(world: World) -> str:
    body = {"conversation_id": await _lead_who_wrote(world)}
    answer = await world.owner.post("/coach/evaluation-cases", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["id"])


async def _evaluation(world: World) -> str:
    await _case(world)
    answer = await world.owner.post("/coach/prompts/reply/evaluations", json={})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["data"]["evaluation_id"])


async def _lesson(world: World) -> str:
    body = {
        "lesson_type": "tone",
        "title": world.marker,
        "description": f"Be kind, {world.marker}.",
        "accept_clash": True,
    }
    answer = await world.owner.post("/coach/lessons", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["id"])


async def _user(world: World) -> str:
    return str((await world.join()).user_id)


async def _invited(world: World) -> dict[str, Any]:
    body = {"email": UNUSED["email"](next(_NUMBERS), ""), "first_name": world.marker, "role": "rep"}
    answer = await world.owner.post("/users", json=body)
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def _invited_user(world: World) -> str:
    return str((await _invited(world))["user"]["id"])


async def _link(world: World) -> str:
    return str((await _invited(world))["link"]).rpartition("/")[2]


async def _key(world: World) -> str:
    answer = await world.owner.post("/api-keys", json={"name": world.marker, "permissions": ["leads:read"]})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["api_key"]["id"])


def _working_hour() -> str:
    """Name an hour of a working day to come that nobody asked for yet."""
    weeks, number = divmod(next(_HOURS), 20)
    days, hour = divmod(number, 4)
    today = datetime.now(UTC).date()
    day = today + timedelta(days=7 - today.weekday() + days, weeks=weeks)
    return f"{day}T{(10, 11, 14, 15)[hour]}:00:00Z"


async def _booking(world: World) -> str:
    body = {"lead_id": await world.fresh("lead_id"), "start_time": _working_hour(), "notes": world.marker}
    answer = await world.owner.post("/bookings", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["id"])


async def _notification(world: World, of: Client | None = None) -> str:
    made = await world.owner.post("/api-keys", json={"name": "Program", "permissions": ["notifications:send"]})
    assert made.status_code == 201, made.text
    told = {"user_id": str((of or world.owner).user_id), "channels": ["in_app"], "title": world.marker, "message": "…"}
    headers = {"Authorization": f"Bearer {made.json()['data']['key']}"}
    answer = await world.owner.post("/notifications/send", json=told, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["id"])


async def _mail(world: World) -> str:
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


async def _with_gateway(world: World) -> str:
    user_id = await world.fresh("user_id")
    body = {"label": world.marker, "gateway_url": "https://gateway.example.com/3rdparty/v1", "username": "olga",
            "password": "the gateway's", "from_number": f"+447400{next(_NUMBERS):06d}",
            "webhook_secret": "its-signing-key"}  # fmt: skip
    answer = await world.owner.post(f"/users/{user_id}/sms-gateway", json=body)
    assert answer.status_code == 201, answer.text
    return user_id


async def _provider(world: World) -> str:
    body = {"settings": {"account_sid": "AC" + "0" * 32, "phone_number": f"+447400{next(_NUMBERS):06d}"},
            "credentials": {"auth_token": world.marker}, "is_active": True}  # fmt: skip
    answer = await world.owner.put("/settings/integrations/twilio", json=body)
    assert answer.is_success, answer.text
    return "twilio"


async def _without_gateway(world: World) -> str:
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

STREAMS = ("streamEvents", "streamConversations")
"""What goes on until the caller leaves, unless asked for what was missed alone."""

TEXTS = {
    "link": "signed-by-nobody",
    "name": "start.js",
    "job": "send-m1",
    "provider": "twilio",
    "prompt_type": "reply",
    "number": "0",
}
"""Path parameters that are no ids."""

UNUSED: dict[str, Callable[[int, str], str]] = {
    "email": lambda number, _: f"person{number}@example.com",
    "phone_number": lambda number, _: f"+447400{number:06d}",
    "from_number": lambda number, _: f"+447400{number:06d}",
    "email_address": lambda number, _: f"sender{number}@example.com",
    "slug": lambda number, _: f"slug-{number}",
    "name": lambda number, marker: f"{marker} {number}",
    "first_name": lambda _, marker: marker,
    "body": lambda number, marker: f"{marker} {number}",
}
"""Values that must be, or had better be, new each time."""


async def _sign_in(world: World, _: Client) -> dict[str, Any]:
    return {"email": world.owner.email, "password": PASSWORD}


async def _poor_set_up(_: World, __: Client) -> dict[str, Any]:
    # The installation that the tests share is nobody's.
    return {"email": "first@example.com", "password": "short", "first_name": "A", "organization_name": "A"}


async def _import_body(world: World, _: Client) -> dict[str, Any]:
    return {"upload_id": await world.fresh("upload_id"), "dataset_id": await world.need("dataset_id"),
            "column_mapping": _MAPPING}  # fmt: skip


async def _of_running_campaign(world: World, client: Client) -> dict[str, Any]:
    body = await _start(world, client)
    answer = await world.owner.post("/campaigns/start", json=body)
    assert answer.is_success, answer.text
    return body


async def _of_paused_campaign(world: World, client: Client) -> dict[str, Any]:
    body = await _of_running_campaign(world, client)
    answer = await world.owner.post("/campaigns/pause", json=body)
    assert answer.is_success, answer.text
    return body


async def _start(world: World, _: Client) -> dict[str, Any]:
    dataset_id = await world.fresh("dataset_id")
    await _lead_in(world, dataset_id)
    return {"dataset_id": dataset_id}


async def _preview(world: World, _: Client) -> dict[str, Any]:
    return {"dataset_id": await world.need("dataset_id"), "lead_id": await world.need("lead_id"), "touch": "M1"}


async def _to_number(world: World, _: Client) -> dict[str, Any]:
    await world.fresh("lead_id")
    return {"to": world.phone, "channel": "sms", "body": f"Hello from {world.marker}"}


async def _to_lead(world: World, _: Client) -> dict[str, Any]:
    return {"lead_id": await world.fresh("lead_id"), "content": f"Hello from {world.marker}"}


async def _written_to(world: World, _: Client) -> dict[str, Any]:
    body = {"lead_id": await world.fresh("lead_id"), "content": f"Hello from {world.marker}"}
    await world.owner.post("/messages/send", json=body)
    return body


async def _draft(world: World, client: Client) -> dict[str, Any]:
    return {"lead_id": (await _written_to(world, client))["lead_id"]}


async def _call(world: World, _: Client) -> dict[str, Any]:
    return {"lead_id": await world.fresh("lead_id"), "start_time": _working_hour()}


async def _other_time(_: World, __: Client) -> dict[str, Any]:
    return {"start_time": _working_hour()}


async def _confirmed(world: World, _: Client) -> dict[str, Any]:
    return {"confirm": f"{world.marker} Smith"}


BODIES: dict[str, Callable[[World, Client], Awaitable[dict[str, Any]]]] = {
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


def id_fields(schema: dict[str, Any], path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], bool]]:
    """List the places of a body that hold ids, as (names on the way, whether it is a list of ids)."""
    found = []
    for name, of in resolved(schema).get("properties", {}).items():
        for form in kinds(of):
            if form.get("format") == "uuid":
                found.append(((*path, name), False))
            elif form.get("type") == "array" and any(i.get("format") == "uuid" for i in kinds(form.get("items", {}))):
                found.append(((*path, name), True))
            elif form.get("type") == "object" and "properties" in form:
                found += id_fields(form, (*path, name))
    return found


def kind_of(name: str) -> str:
    """Tell the kind of thing that a field or parameter holds the id of."""
    return re.sub(r"_ids$", "_id", ALIASES.get(name, name))
