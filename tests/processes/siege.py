"""One house for everything that is thrown at the API from outside: real processes, an owner, one of everything."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from domain.identity.role import Role
from domain.kernel import new_id
from entrypoints.demo.house import House
from tests.access.world import World
from tests.http.conftest import PASSWORD, Client
from tests.processes.besieged import Besieged


async def _furnished(url: str) -> tuple[Client, dict[str, str]]:
    async with Client(base_url=f"{url}/api/v1", timeout=30, trust_env=False) as owner:
        email = "owner@example.com"
        body = {"email": email, "password": PASSWORD, "first_name": "Olga", "organization_name": "Besieged Ltd"}
        answer = await owner.put("/auth", json=body)
        assert answer.status_code == 201, answer.text
        owner.cookies.clear()
        owner.sign_in(answer.json()["data"])

        async def arrive(sent: dict[str, Any], text: str) -> None:
            body = {"from": sent["to"], "to": sent["from"], "body": text}
            answer = await owner.post("/sandbox/texts/inbound", json=body)
            assert answer.status_code == 202, answer.text
            path, until = f"/conversations/{sent['conversation_id']}", time.monotonic() + 30
            while not any(m["direction"] == "inbound" for m in (await owner.get(path)).json()["data"]["messages"]):
                assert time.monotonic() < until, "What came in did not arrive."
                await asyncio.sleep(0.1)

        world = World(owner, _take_in, f"Canary{new_id().hex[-12:]}", arrive)
        await world.furnish()
        return owner, world.ids


async def _take_in(owner: Client, role: Role) -> Client:
    body = {"email": f"{new_id().hex}@example.com", "first_name": "Rita", "role": role}
    invited = await owner.post("/users", json=body)
    assert invited.status_code == 201, invited.text
    token = invited.json()["data"]["link"].rpartition("/")[2]
    async with Client(base_url=owner.base_url, timeout=30, trust_env=False) as member:
        accepted = await member.post(f"/invitations/{token}/accept", json={"password": PASSWORD, "first_name": "Rita"})
        assert accepted.is_success, accepted.text
        member.sign_in(accepted.json()["data"])
        return member


@pytest.fixture(scope="package")
def besieged() -> Iterator[Besieged]:
    """Open the house."""
    with House("besieged", 1, None, keep=False) as house:
        owner, ids = asyncio.run(_furnished(house.url))
        signed = {"Authorization": owner.headers["authorization"]}
        yield Besieged(house.url, house.folder, signed, owner.email, ids)
