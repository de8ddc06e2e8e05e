"""One organisation with one of everything in it, and a valid request for every operation, made from the document."""

import copy
import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from domain.identity.role import Role
from tests.access.bodies import BODIES
from tests.access.described import Described, kinds, operations, resolved
from tests.access.makers import INSTEAD, MAKERS, notification
from tests.access.unused import NUMBERS, UNUSED
from tests.http.conftest import Client

Join = Callable[..., Awaitable[Client]]
Arrive = Callable[[dict[str, Any], str], Awaitable[None]]
"""How a lead's answer to a message comes in, where there is no worker, and where there is one."""
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
            return await notification(self, maker)
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
            return UNUSED[name](next(NUMBERS), self.marker)
        return await self._filled(item, ids)

    def table(self) -> bytes:
        """Write a small list of people to upload."""
        number = next(NUMBERS)
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
