"""Users, and the invitations by which they come."""

from typing import Any
from uuid import UUID

from litestar import Request

from adapters.persistence.database import Cause
from application.identity.account_forms import SignedInView
from application.identity.invitations import AcceptInvitation, Invitations, InvitationView, InvitedView, InviteUser
from application.identity.team import ColleagueView, TeamFilter, TeamMemberView
from application.identity.users import ChangeUser, Users
from application.ports import Actor, Found, PageRequest
from entrypoints.config import Config
from entrypoints.http.auth import Caller
from entrypoints.http.identity import signed_in_answer
from entrypoints.http.limits import RateLimiter, admit_password
from entrypoints.http.operation import Answer, IfMatch, operation


@operation("GET", "/users", "listUsers", "List users", shows=TeamMemberView, or_shows=ColleagueView)
async def list_users(users: Users, narrowed: TeamFilter, page: PageRequest) -> Found:
    """`active=true` gives everybody who signs in the ids, names and roles of those who are active; all else is for
    those who manage users."""
    return await users.find(narrowed, page)


@operation("POST", "/users", "inviteUser", "Invite a user")
async def invite_user(invitations: Invitations, body: InviteUser) -> InvitedView:
    """Mails a link that is good once and for 24 hours, and shows it here, this once."""
    return await invitations.invite(body)


@operation("GET", "/users/{user_id:uuid}", "getUser", "Show a user")
async def get_user(users: Users, user_id: UUID) -> TeamMemberView:
    """Shows role, status, narrowing and, until it is accepted, the invitation."""
    return await users.get(user_id)


@operation("PATCH", "/users/{user_id:uuid}", "changeUser", "Change a user")
async def change_user(users: Users, user_id: UUID, body: ChangeUser, version: IfMatch) -> TeamMemberView:
    """Holds from the person's next request on. Nobody gives what they do not have, changes their own role, or takes
    the last owner away."""
    return await users.change(user_id, body, version)


@operation("DELETE", "/users/{user_id:uuid}", "suspendUser", "Suspend a user")
async def suspend_user(users: Users, user_id: UUID) -> None:
    """Ends the person's access; what they did and what is assigned to them stays. Takes an invitation back that was
    never accepted."""
    await users.remove(user_id)


@operation("POST", "/users/{user_id:uuid}/invitation", "sendInvitationAgain", "Send an invitation anew")
async def send_invitation_again(invitations: Invitations, user_id: UUID) -> InvitedView:
    """Makes another link, good for 24 hours; the old one ends."""
    return await invitations.send_again(user_id)


@operation("GET", "/invitations/{token:str}", "getInvitation", "Show an invitation", access="public")
async def get_invitation(invitations: Invitations, token: str) -> InvitationView:
    """Tells whoever holds the link where it leads; a link that is unknown, used or too old is a 404."""
    return await invitations.show(token)


@operation(
    "POST",
    "/invitations/{token:str}/accept",
    "acceptInvitation",
    "Accept an invitation",
    status=200,
    access="public",
    limits=(),
    keyed=False,
    shows=SignedInView,
)
async def accept_invitation(
    invitations: Invitations,
    token: str,
    body: AcceptInvitation,
    request: Request[Any, Any, Any],
    caller: Caller,
    limiter: RateLimiter,
    config: Config,
) -> Answer:
    """Sets the password, or asks for the present one where the e-mail address has an account; then signs in. Limited
    as signing in is; needs no Idempotency-Key, since the link works once."""
    await limiter.admit("sign_in", f"address/{caller.address}", closed=True)
    invitee = await invitations.look_up(token)
    await admit_password(limiter, invitee.email)
    context = {Actor: Actor(invitee.organization_id, invitee.account_id), Cause: Cause()}
    async with request.app.state.container(context) as scope:
        view = await (await scope.get(Invitations)).accept(token, body)
    return signed_in_answer(config, view, 200)


ROUTES = (
    list_users,
    invite_user,
    get_user,
    change_user,
    suspend_user,
    send_invitation_again,
    get_invitation,
    accept_invitation,
)
