"""What an undo leaves alone: a created lead stays when somebody wrote to it, wrote about it or worked on it."""

from enum import StrEnum


class Touch(StrEnum):
    """Name why a created lead stays (`api.md`, part 4); planned texts do not touch a lead, they are cancelled."""

    MESSAGE = "message"
    NOTE = "note"
    BOOKING = "booking"
    EDIT = "edit"
    CONTACT_EDIT = "contact_edit"


EXPLANATIONS: dict[Touch, str] = {
    Touch.MESSAGE: "A text was handed over, written by a person, or received.",
    Touch.NOTE: "Somebody wrote a note.",
    Touch.BOOKING: "A call was booked.",
    Touch.EDIT: "Somebody changed, moved, tagged or assigned the lead.",
    Touch.CONTACT_EDIT: "Somebody changed the contact that came with it.",
}
