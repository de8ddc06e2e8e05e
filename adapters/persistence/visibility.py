"""Which leads an actor may see: written once, for hand-written SQL and for listings alike (`api.md`, part 3)."""

from typing import Any

from application.ports import Actor
from domain.identity.role import SEES_ALL_LEADS

_LEADING = ", ".join(f"'{role}'" for role in sorted(SEES_ALL_LEADS))
SHOWN = f"""
(m.dataset_ids IS NULL OR l.dataset_id = ANY (m.dataset_ids))
AND (m.role IN ({_LEADING}) OR m.can_view_all_leads OR l.assigned_to IS NULL OR l.assigned_to = m.account_id)
"""
"""That the lead `l` may be seen by the membership `m`: the same rule where nobody of these is the actor."""


class LeadVisibility:
    """Narrow to leads assigned to the actor or to nobody, and to the datasets the actor is limited to."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor

    def scope(self) -> dict[str, Any]:
        """Give the hidden filters for `Finder.find`: `visible_to` and `visible_datasets`, where they narrow."""
        found: dict[str, Any] = {}
        if not self._actor.sees_all_leads:
            found["visible_to"] = self._actor.user_id
        if self._actor.dataset_ids is not None:
            found["visible_datasets"] = sorted(self._actor.dataset_ids)
        return found

    def sql(self, alias: str, first: int) -> tuple[str, list[Any]]:
        """Give a condition on the leads table's alias and its parameters, numbered from `$first`."""
        conditions: list[str] = ["true"]
        parameters: list[Any] = []
        if not self._actor.sees_all_leads:
            conditions.append(f"({alias}.assigned_to IS NULL OR {alias}.assigned_to = ${first})")
            parameters.append(self._actor.user_id)
        if self._actor.dataset_ids is not None:
            conditions.append(f"{alias}.dataset_id = ANY (${first + len(parameters)})")
            parameters.append(sorted(self._actor.dataset_ids))
        return " AND ".join(conditions), parameters
