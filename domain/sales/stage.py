"""The steps of a pipeline."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from domain.kernel import Entity

Category = Literal["open", "won", "lost", "bogus"]


@dataclass(slots=True, kw_only=True)
class Stage(Entity):
    """Be one step of a pipeline; its category says whether a lead that stands here is still worked."""

    pipeline_id: UUID
    key: str
    name: str
    category: Category
    position: int
