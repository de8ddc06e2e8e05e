"""Roles and what each may do; `api.md`, part 3."""

from collections.abc import Iterable, Mapping
from enum import StrEnum


class Permission(StrEnum):
    """Name one thing that a person or a key may be allowed to do."""

    ORGANIZATION_READ = "organization:read"
    ORGANIZATION_WRITE = "organization:write"
    ORGANIZATION_DELETE = "organization:delete"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    LOCATIONS_READ = "locations:read"
    LOCATIONS_WRITE = "locations:write"
    INTEGRATIONS_READ = "integrations:read"
    INTEGRATIONS_WRITE = "integrations:write"
    PERSONAL_DATA = "personal_data"
    DATASETS_READ = "datasets:read"
    DATASETS_WRITE = "datasets:write"
    DATASETS_DELETE = "datasets:delete"
    LEADS_READ = "leads:read"
    LEADS_WRITE = "leads:write"
    CONTACTS_READ = "contacts:read"
    CONTACTS_WRITE = "contacts:write"
    TAGS_READ = "tags:read"
    TAGS_WRITE = "tags:write"
    CAMPAIGNS_READ = "campaigns:read"
    CAMPAIGNS_RUN = "campaigns:run"
    BOOKINGS_READ = "bookings:read"
    BOOKINGS_WRITE = "bookings:write"
    MESSAGES_READ = "messages:read"
    MESSAGES_SEND = "messages:send"
    CONSENT_WRITE = "consent:write"
    COACH_READ = "coach:read"
    COACH_ANALYZE = "coach:analyze"
    LESSONS_WRITE = "lessons:write"
    PROMPTS_WRITE = "prompts:write"
    PROMPTS_PUBLISH = "prompts:publish"
    ANALYTICS_READ = "analytics:read"
    EXPORTS_CREATE = "exports:create"
    EVENTS_READ = "events:read"
    JOBS_READ = "jobs:read"
    JOBS_CANCEL = "jobs:cancel"
    NOTIFICATIONS_SEND = "notifications:send"
    SANDBOX = "sandbox"
    INSTALLATION = "installation"
    PLATFORM = "platform"


class Role(StrEnum):
    """Name a person's place in an organisation; `platform_admin` has none, and enters every one."""

    OWNER = "owner"
    ADMIN = "admin"
    MANAGER = "manager"
    REP = "rep"
    READ_ONLY = "read_only"
    PLATFORM_ADMIN = "platform_admin"


MEMBER_ROLES = tuple(role for role in Role if role is not Role.PLATFORM_ADMIN)
_OFFICE = frozenset({Permission.USERS_READ, Permission.KEYS_READ})
_READS = frozenset(p for p in Permission if p.value.endswith(":read")) - _OFFICE
_REP = _READS | {
    Permission.LEADS_WRITE,
    Permission.CONTACTS_WRITE,
    Permission.BOOKINGS_WRITE,
    Permission.MESSAGES_SEND,
    Permission.CONSENT_WRITE,
    Permission.COACH_ANALYZE,
    Permission.EXPORTS_CREATE,
}
_MANAGER = _REP | {
    Permission.DATASETS_WRITE,
    Permission.CAMPAIGNS_RUN,
    Permission.JOBS_CANCEL,
}
PLATFORM_PERMISSIONS = frozenset({Permission.INSTALLATION, Permission.PLATFORM})
OF_PROGRAMS_ONLY = frozenset({Permission.NOTIFICATIONS_SEND})
"""What no person may do; whoever may make keys may give it to one."""
_ADMIN = frozenset(Permission) - PLATFORM_PERMISSIONS - OF_PROGRAMS_ONLY - {Permission.ORGANIZATION_DELETE}
MANAGES_USERS = frozenset({Permission.USERS_READ, Permission.USERS_WRITE})
ADDED_BY: Mapping[str, frozenset[Permission]] = {
    "can_manage_users": MANAGES_USERS,
    "can_edit_lessons": frozenset({Permission.LESSONS_WRITE}),
    "can_push_to_live": frozenset({Permission.PROMPTS_PUBLISH}),
}
"""What each flag of a membership adds to any role."""
OF_PEOPLE_ONLY = PLATFORM_PERMISSIONS | MANAGES_USERS | {
    Permission.ORGANIZATION_DELETE, Permission.KEYS_READ, Permission.KEYS_WRITE, Permission.PERSONAL_DATA,
}  # fmt: skip
"""What no API key may hold: with it a key could make people, keys, or an end of everything."""

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.OWNER: _ADMIN | {Permission.ORGANIZATION_DELETE},
    Role.ADMIN: _ADMIN,
    Role.MANAGER: _MANAGER,
    Role.REP: _REP,
    Role.READ_ONLY: _READS,
    Role.PLATFORM_ADMIN: _ADMIN | PLATFORM_PERMISSIONS,
}
SEES_ALL_LEADS = frozenset(Role) - {Role.REP}


def permissions_of(
    role: Role,
    flags: Iterable[str] = (),
    *,
    is_platform_admin: bool = False,
    is_first_organization: bool = False,
) -> frozenset[Permission]:
    """Tell all that a role permits together with the flags, the account and the organisation it is held in."""
    permissions = PERMISSIONS[role].union(*(ADDED_BY[flag] for flag in flags))
    if is_platform_admin:
        permissions |= PLATFORM_PERMISSIONS
    if is_first_organization and role in (Role.OWNER, Role.ADMIN):
        permissions |= {Permission.INSTALLATION}
    return permissions
