"""Work in the background asks identity what whoever asked for it may do and see by now."""

from uuid import UUID

from adapters.persistence.identity import Admissions
from application.ports import Actor


class SightOfMembers:
    """Be platform's `Sight`."""

    def __init__(self, actor: Actor, admissions: Admissions) -> None:
        self._organization_id = actor.organization_id
        self._admissions = admissions

    async def of(self, maker_id: UUID, *, by_key: bool) -> Actor | None:
        """Look them up as at the door."""
        if by_key:
            key = await self._admissions.named_key(maker_id)
            return None if key is None or key.organization_id != self._organization_id else key.actor()
        admission = await self._admissions.find(maker_id, self._organization_id)
        return None if admission is None else admission.actor(maker_id, self._organization_id)
