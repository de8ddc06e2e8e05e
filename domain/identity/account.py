"""A person who signs in; one account, whatever organisations they belong to."""

from dataclasses import dataclass, field
from uuid import UUID

from domain.kernel import Email, Forbidden, Invalid, Phone, Refusal, new_id

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 256


class WrongCredentials(Refusal):
    """Refuse a sign-in, without telling which part was wrong."""

    code = "UNAUTHORIZED"


class SetUpAlready(Forbidden):
    """Refuse a second set-up of the installation."""

    code = "SETUP_ALREADY_COMPLETED"


@dataclass(slots=True, kw_only=True)
class Account:
    """Hold one person's sign-in; `token_version` rises when every token given out so far must end."""

    id: UUID = field(default_factory=new_id)
    email: Email
    password_hash: str | None
    first_name: str
    last_name: str | None = None
    phone: Phone | None = None
    avatar_url: str | None = None
    token_version: int = 1
    last_organization_id: UUID | None = None
    is_platform_admin: bool = False
    version: int = 1

    @property
    def name(self) -> str:
        """Give the whole name as one writes it."""
        return f"{self.first_name} {self.last_name}" if self.last_name else self.first_name

    def change_password(self, password_hash: str) -> None:
        """Take a new password, and end every token given out under the old one."""
        self.password_hash = password_hash
        self.end_tokens()

    def end_tokens(self) -> None:
        """End every token given out so far."""
        self.token_version += 1


def check_password(password: str, field: str = "password") -> str:
    """Give the password back, or refuse one that is too short or too long to hash in good time."""
    if len(password) < SHORTEST_PASSWORD:
        raise Invalid(f"A password has at least {SHORTEST_PASSWORD} characters.", field=field)
    if len(password) > LONGEST_PASSWORD:
        raise Invalid(f"A password has at most {LONGEST_PASSWORD} characters.", field=field)
    return password


def split_name(name: str) -> tuple[str, str | None]:
    """Split a whole name into the first and the rest."""
    first, _, last = " ".join(name.split()).partition(" ")
    if not first:
        raise Invalid("A name is needed.", field="name")
    return first, last or None
