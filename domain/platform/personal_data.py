"""What is asked about a person's data: all of it given out, or all of it taken away."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from domain.kernel import Event, Invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequested(Event):
    """Say that everything known of a contact is to be written to a file; `subject` is the contact."""

    type: ClassVar[str] = "personal_data.export_requested"
    job_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureRequested(Event):
    """Say that everything known of a contact is to go; `subject` is the contact."""

    type: ClassVar[str] = "personal_data.erasure_requested"
    job_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonErased(Event):
    """Say that nothing is known of a contact any more; the counts are of rows removed or emptied, by their table."""

    type: ClassVar[str] = "personal_data.erased"
    counts: dict[str, int]


def check_confirmation(given: str, known: tuple[str | None, ...]) -> None:
    """Refuse an erasure unless it names the person by e-mail address, phone number or whole name."""
    wanted = given.strip().casefold()
    if not wanted or wanted not in {name.strip().casefold() for name in known if name}:
        raise Invalid("Name the person: the e-mail address, the phone number or the whole name.", field="confirm")
