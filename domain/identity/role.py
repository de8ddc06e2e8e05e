"""Roles and what each may do; `api.md`, part 3."""

from enum import StrEnum


class Permission(StrEnum):
    """Name one thing that a person or a key may be allowed to do."""

    ORGANIZATION_READ = "organization:read"
    ORGANIZATION_WRITE = "organization:write"
    ORGANIZATION_DELETE = "organization:delete"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
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
    MESSAGES_READ = "messages:read"
    MESSAGES_SEND = "messages:send"
    CONSENT_WRITE = "consent:write"
    JOBS_READ = "jobs:read"
    JOBS_CANCEL = "jobs:cancel"
    SANDBOX = "sandbox"
    INSTALLATION = "installation"


class Role(StrEnum):
    """Name a person's place in an organisation."""

    OWNER = "owner"
    ADMIN = "admin"
    MANAGER = "manager"
    REP = "rep"
    READ_ONLY = "read_only"


_READS = frozenset(p for p in Permission if p.value.endswith(":read") and p is not Permission.USERS_READ)
_REP = _READS | {Permission.LEADS_WRITE, Permission.CONTACTS_WRITE, Permission.MESSAGES_SEND, Permission.CONSENT_WRITE}
_MANAGER = _REP | {
    Permission.DATASETS_WRITE,
    Permission.CAMPAIGNS_RUN,
    Permission.JOBS_CANCEL,
}
_ADMIN = frozenset(Permission) - {Permission.ORGANIZATION_DELETE, Permission.INSTALLATION}

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.OWNER: _ADMIN | {Permission.ORGANIZATION_DELETE},
    Role.ADMIN: _ADMIN,
    Role.MANAGER: _MANAGER,
    Role.REP: _REP,
    Role.READ_ONLY: _READS,
}
SEES_ALL_LEADS = frozenset({Role.OWNER, Role.ADMIN, Role.MANAGER, Role.READ_ONLY})
