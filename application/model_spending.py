"""What asking models may cost an organisation in a day, and what it has cost beside answers and reviews."""

from typing import Literal, Protocol

SPENT = "The day's budget for the AI is used up; it is new at midnight on the organisation's clock."
Purpose = Literal["evaluation", "preview", "lesson_check", "patterns", "touch"]


class Spending(Protocol):
    """Keep the books of models, within the open unit of work."""

    async def is_spent(self) -> bool:
        """Tell whether the day's budget is used up, by whatever models were asked for."""
        ...

    async def note(self, purpose: Purpose, cost_micros: int) -> None:
        """Count what a call has cost that no answer and no review holds."""
        ...
