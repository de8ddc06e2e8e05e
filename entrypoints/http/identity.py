"""Signing in and out, the own profile, organisations and their settings."""

from uuid import UUID

from litestar.datastructures import Cookie

from adapters.identity.jwt import LIFE_SECONDS
from application.identity.account_forms import (
    ChangeProfile,
    Provider,
    Register,
    SessionView,
    SetUp,
    SignedInView,
    SignIn,
    UserView,
)
from application.identity.accounts import Accounts, RegistrationPolicy
from application.identity.organizations import (
    ChangeOrganization,
    ChangeSettings,
    CreateOrganization,
    Organizations,
    OrganizationView,
    SettingsView,
)
from application.ports import Found, PageRequest
from entrypoints.config import Config
from entrypoints.http.auth import COOKIE, Caller
from entrypoints.http.limits import RateLimiter, admit_password
from entrypoints.http.operation import Answer, IfMatch, operation


def _cookie(config: Config, token: str) -> Cookie:
    return Cookie(
        key=COOKIE,
        value=token,
        max_age=LIFE_SECONDS if token else 0,
        path="/",
        httponly=True,
        secure=config.public_url.startswith("https://"),
        samesite="lax",
    )


def signed_in_answer(config: Config, view: SignedInView, status: int) -> Answer:
    """Answer a token, in the body and as the cookie."""
    return Answer(view, status, cookies=[_cookie(config, view.token)])


@operation("PUT", "/auth", "setUp", "Set the installation up", status=201, access="public", shows=SignedInView)
async def set_up(accounts: Accounts, body: SetUp, config: Config) -> Answer:
    """Makes the first owner and organisation; every later call is refused with SETUP_ALREADY_COMPLETED."""
    return signed_in_answer(config, await accounts.set_up(body), 201)


@operation(
    "POST", "/auth", "signIn", "Sign in", status=200, access="public", limits=(), keyed=False, shows=SignedInView
)
async def sign_in(accounts: Accounts, body: SignIn, config: Config, caller: Caller, limiter: RateLimiter) -> Answer:
    """Hands out a token for seven days, in the answer and as an HttpOnly cookie."""
    await limiter.admit("sign_in", f"address/{caller.address}", closed=True)
    await admit_password(limiter, body.email)
    return signed_in_answer(config, await accounts.sign_in(body), 200)


@operation("DELETE", "/auth", "signOut", "Sign out everywhere")
async def sign_out(accounts: Accounts, config: Config) -> Answer:
    """Ends every token of the account and clears the cookie."""
    await accounts.sign_out()
    return Answer(None, 204, cookies=[_cookie(config, "")])


@operation("POST", "/auth/register", "register", "Register", access="public", shows=SignedInView)
async def register(accounts: Accounts, body: Register, config: Config) -> Answer:
    """Makes an account with an organisation of its own, in sandbox mode or where registration is open."""
    return signed_in_answer(config, await accounts.register(body), 201)


@operation("GET", "/auth/session", "getSession", "Show who is signed in")
async def get_session(accounts: Accounts) -> SessionView:
    """Shows the person, the organisation and what the role permits."""
    return await accounts.session()


@operation(
    "GET", "/auth/providers", "listProviders", "List the ways of signing in", access="public", shows=list[Provider]
)
async def list_providers(registration: RegistrationPolicy) -> Answer:
    """Names the ways of signing in that this installation has."""
    name = "E-mail address and password"
    return Answer([Provider(id="credentials", name=name, registration_open=registration.is_open)])


@operation("GET", "/users/me", "getMe", "Show the own profile")
async def get_me(accounts: Accounts) -> UserView:
    """Shows the person as the own organisation knows them."""
    return await accounts.me()


@operation("PATCH", "/users/me", "changeMe", "Change the own profile", shows=UserView)
async def change_me(
    accounts: Accounts, body: ChangeProfile, version: IfMatch, config: Config, limiter: RateLimiter
) -> Answer:
    """Another password ends all tokens but the new one in the answer; the present one is asked for, and counted as at
    signing in."""
    if body.current_password is not None:
        await admit_password(limiter, (await accounts.me()).email)
    view = await accounts.change_profile(body, version)
    return Answer(view, cookies=[_cookie(config, view.token)] if isinstance(view.token, str) else ())


@operation("GET", "/organizations", "listOrganizations", "List the own organisations", shows=OrganizationView)
async def list_organizations(organizations: Organizations, page: PageRequest) -> Found:
    """Lists every organisation that the person belongs to, with the role there."""
    return await organizations.find(page)


@operation("POST", "/organizations", "createOrganization", "Create an organisation", access="newcomer")
async def create_organization(organizations: Organizations, body: CreateOrganization) -> OrganizationView:
    """Makes another organisation, owned by the person; sign in with its id to work in it."""
    return await organizations.create(body)


@operation("GET", "/organizations/{organization_id:uuid}", "getOrganization", "Show an organisation", access="of_path")
async def get_organization(organizations: Organizations, organization_id: UUID) -> OrganizationView:
    """Shows an organisation that the person belongs to."""
    return await organizations.get(organization_id)


@operation(
    "PATCH", "/organizations/{organization_id:uuid}", "changeOrganization", "Change an organisation", access="of_path"
)
async def change_organization(
    organizations: Organizations, organization_id: UUID, body: ChangeOrganization, version: IfMatch
) -> OrganizationView:
    """Changes what is named and leaves the rest."""
    return await organizations.change(organization_id, body, version)


@operation(
    "DELETE", "/organizations/{organization_id:uuid}", "deleteOrganization", "Close an organisation", access="of_path"
)
async def delete_organization(organizations: Organizations, organization_id: UUID) -> None:
    """Ends memberships and keys and cancels texts; the owner alone may do it. Thirty days later all is erased."""
    await organizations.delete(organization_id)


@operation("GET", "/settings/client", "getClientSettings", "Show the organisation's settings")
async def get_settings(organizations: Organizations) -> SettingsView:
    """Shows how the organisation presents itself, where it is, and the number it texts from."""
    return await organizations.settings()


@operation("PATCH", "/settings/client", "changeClientSettings", "Change the organisation's settings")
async def change_settings(organizations: Organizations, body: ChangeSettings, version: IfMatch) -> SettingsView:
    """Changes what is named and leaves the rest; `settings` is replaced whole."""
    return await organizations.change_settings(body, version)


ROUTES = (
    set_up,
    sign_in,
    sign_out,
    register,
    get_session,
    list_providers,
    get_me,
    change_me,
    list_organizations,
    create_organization,
    get_organization,
    change_organization,
    delete_organization,
    get_settings,
    change_settings,
)
