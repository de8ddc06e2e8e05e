"""An event as it is shown while it happens: ids and types, to those whose lists would show the thing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import Any
from uuid import UUID

import msgspec

from application.ports import Actor
from domain.identity.role import Permission


class About(Enum):
    """Name what decides who may see an event, beside the permission."""

    ORGANIZATION = "organization"
    LEAD = "lead"  # the subject
    THREAD = "thread"  # the lead that the event, or the message it is about, names; none is nobody's
    MESSAGES = "messages"  # the same, message by message of a group
    CONTACT = "contact"  # the contact's leads; without any, nobody's but the limited ones'
    DATASET = "dataset"  # the one that the event names, else the subject
    JOB = "job"
    LOCATION = "location"
    PERSON = "person"  # the one that the event names


@dataclass(frozen=True, slots=True)
class Shown:
    """Say who may see events of a type, what is said of them beside their subject, and their name on the wire."""

    type: str
    permission: Permission
    about: About
    says: tuple[str, ...] = ()
    name: str | None = None


@dataclass(frozen=True, slots=True)
class LeadFacts:
    """Tell what decides who may see a lead now."""

    assigned_to: UUID | None
    dataset_id: UUID | None


@dataclass(frozen=True)
class Happened:
    """Be one event of the log; `named` are the leads it is about, `leads` what is known of those that still stand.

    `maker` is who started the job or entered the contact that it is about, `whose` the dataset or person that it
    names. Where the message or contact is gone, nobody can tell whose lead's it was.
    """

    position: int
    id: UUID
    shown: Shown
    subject: UUID
    at: datetime
    data: Mapping[str, Any]
    named: Sequence[UUID | None] = ()
    leads: Mapping[UUID, LeadFacts] = field(default_factory=dict)
    maker: UUID | None = None
    whose: UUID | None = None
    is_gone: bool = False

    @property
    def name(self) -> str:
        """Name it on the wire."""
        return self.shown.name or self.shown.type

    @cached_property
    def whole(self) -> bytes:
        """Write it for those who may see all of it: once, however many they are."""
        return self.written(self.data.get("settled", ()))

    def written(self, settled: Sequence[Mapping[str, Any]]) -> bytes:
        """Write it, with these of its group's messages."""
        said: dict[str, Any] = {"id": self.id, "type": self.shown.type, "at": self.at, "subject_id": self.subject}
        if self.shown.about in (About.LEAD, About.THREAD):
            said["lead_id"] = next(iter(self.named), None)
        if self.shown.about is About.MESSAGES:
            said["messages"] = [
                {"message_id": one["send_id"], "lead_id": one["lead_id"], "outcome": one["outcome"]} for one in settled
            ]
        return msgspec.json.encode(said | {name: self.data.get(name) for name in self.shown.says})


def shown_to(actor: Actor, event: Happened, dataset_id: UUID | None = None) -> bytes | None:
    """Write an event for somebody, or give None where they may not see it, or it lies outside of the one dataset."""
    if event.shown.permission not in actor.permissions:
        return None
    sight = _Sight(actor, actor.dataset_ids if dataset_id is None else frozenset({dataset_id}))
    if event.shown.about is About.MESSAGES:
        settled = [
            one for one, lead in zip(event.data["settled"], event.named, strict=True) if sight.of_lead(event, lead)
        ]
        return event.whole if len(settled) == len(event.named) else event.written(settled) if settled else None
    return event.whole if sight.of(event, narrowed=dataset_id is not None) else None


@dataclass(frozen=True, slots=True)
class _Sight:
    """Know what somebody's lists show, in these datasets or in all."""

    actor: Actor
    datasets: frozenset[UUID] | None

    def of_lead(self, event: Happened, lead_id: UUID | None) -> bool:
        if lead_id is None:
            return self.datasets is None
        facts = event.leads.get(lead_id)
        if facts is None:  # it is gone
            return self.actor.sees_all_leads and self.datasets is None
        theirs = self.actor.sees_all_leads or facts.assigned_to in (None, self.actor.user_id)
        return theirs and (self.datasets is None or facts.dataset_id in self.datasets)

    def of(self, event: Happened, *, narrowed: bool) -> bool:
        if event.is_gone:
            return self.actor.sees_all_leads and self.datasets is None
        match event.shown.about:
            case About.LEAD | About.THREAD:
                return self.of_lead(event, next(iter(event.named), None))
            case About.CONTACT:
                made = self.datasets is None or (not narrowed and self._made(event))
                return any(self.of_lead(event, one) for one in event.leads) if event.leads else made
            case About.DATASET:
                return self.datasets is None or event.whose in self.datasets
            case About.JOB:
                return not narrowed and (self.datasets is None or self._made(event))
            case About.PERSON:
                return not narrowed and event.whose == self.actor.user_id
            case About.LOCATION:
                allowed = self.actor.location_ids
                return not narrowed and (allowed is None or event.subject in allowed)
            case _:
                return not narrowed

    def _made(self, event: Happened) -> bool:
        return event.maker is not None and event.maker == self.actor.id
