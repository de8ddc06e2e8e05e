"""Who holds a conversation, with the fencing number that drops what was written under an older hold."""

from dataclasses import dataclass
from enum import StrEnum

from domain.kernel import Conflict


class Holder(StrEnum):
    """Name who may speak for us in a conversation."""

    AI = "ai"
    PERSON = "person"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Turn:
    """Hold who has the conversation and the fencing number, which rises with every taking and never falls."""

    holder: Holder = Holder.NOBODY
    number: int = 0

    def take(self, holder: Holder) -> "Turn":
        """Give the conversation to a holder under a new number; the AI cannot take it from a person (`Conflict`)."""
        if holder is Holder.NOBODY:
            return self.release()
        if holder is Holder.AI and self.holder is Holder.PERSON:
            raise Conflict("A person holds this conversation; the AI has to wait until it is handed back.")
        return Turn(holder, self.number + 1)

    def release(self) -> "Turn":
        """Hand the conversation back to nobody under a new number, which drops what the holder still had under way."""
        return Turn(Holder.NOBODY, self.number + 1)

    def admits(self, number: int) -> bool:
        """Tell whether something written under this fencing number may still be sent."""
        return number == self.number


NOBODYS_TURN = Turn()
