"""Who wrote a message, as the coach tells them apart."""

from domain.coaching.finding import Author

_OURS: dict[str, Author] = {"ai_response": "ai", "human_manual": "person"}


def author_of(direction: str, category: str) -> Author:
    """Tell who wrote it; what leaves by itself (touches, reminders, notifications) is a campaign's."""
    return "lead" if direction == "inbound" else _OURS.get(category, "campaign")
