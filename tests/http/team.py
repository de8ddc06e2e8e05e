"""Teams: people invited and taken in as they are by hand, through the links."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from domain.kernel import new_id
from tests.http.conftest import PASSWORD, Client, OpenClient

Hire = Callable[..., Awaitable[Client]]


def address() -> str:
    """Make an e-mail address nobody has."""
    return f"somebody-{new_id().hex}@example.com"


def token_of(link: str) -> str:
    """Take the token out of a link."""
    return link.rpartition("/")[2]


def refused(answer: httpx.Response, status: int) -> str:
    """Check a refusal and give its code."""
    assert answer.status_code == status, answer.text
    code: str = answer.json()["error"]["code"]
    return code


async def invite(by: Client, role: str = "rep", **more: Any) -> dict[str, Any]:
    """Invite somebody; gives the user, the link and whether it was mailed."""
    body = {"email": address(), "first_name": "Rita", "last_name": "Reed", "role": role} | more
    answer = await by.post("/users", json=body)
    assert answer.status_code == 201, answer.text
    invited: dict[str, Any] = answer.json()["data"]
    return invited


async def accept(who: Client, link: str, password: str = PASSWORD, **more: Any) -> httpx.Response:
    """Accept by a link."""
    return await who.post(f"/invitations/{token_of(link)}/accept", json={"password": password} | more)


@pytest.fixture
def hire(open_client: OpenClient) -> Hire:
    """Make somebody a member through an invitation: `await hire(owner, "rep", permissions={…})`."""

    async def hired(by: Client, role: str = "rep", **more: Any) -> Client:
        invited = await invite(by, role, **more)
        member = await open_client()
        answer = await accept(member, invited["link"])
        assert answer.status_code == 200, answer.text
        member.cookies.clear()
        member.sign_in(answer.json()["data"])
        return member

    return hired
