"""A dataset: a named list of old leads, from one upload or more."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from domain.kernel import Entity, Event, Invalid

LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetCreated(Event):
    """Say that a dataset was made; it has no leads yet."""

    type: ClassVar[str] = "dataset.created"
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetChanged(Event):
    """Say what of a dataset was changed, field by field."""

    type: ClassVar[str] = "dataset.changed"
    old: Mapping[str, Any]
    new: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetDeleted(Event):
    """Say that a dataset went, with its leads, conversations and messages; suppression and consent stay."""

    type: ClassVar[str] = "dataset.deleted"
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRemovalRequested(Event):
    """Say that what a deleted dataset held is to be removed, batch by batch; nobody sees the dataset any more."""

    type: ClassVar[str] = "dataset.removal_requested"
    job_id: UUID


@dataclass(slots=True, kw_only=True)
class Dataset(Entity):
    """Hold what a list is called and where it comes from; `campaign_status` is a copy that its campaign writes."""

    name: str
    name_key: str = ""
    description: str | None = None
    source: str | None = None
    upload_id: UUID | None = None
    campaign_status: str = "draft"
    campaign_start_date: datetime | None = None
    campaign_end_date: datetime | None = None
    created_by: UUID | None = None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None

    def __post_init__(self) -> None:
        self._check()

    def _check(self) -> None:
        self.name = " ".join(self.name.split())
        if not self.name:
            raise Invalid("Give the dataset a name.", field="name")
        if len(self.name) > LONGEST_NAME:
            raise Invalid(f"A dataset's name has at most {LONGEST_NAME} characters.", field="name")
        self.name_key = self.name.lower()
        start, end = self.campaign_start_date, self.campaign_end_date
        if start is not None and end is not None and end < start:
            raise Invalid("The campaign cannot end before it starts.", field="campaign_end_date")

    def created(self) -> DatasetCreated:
        """Tell of the making."""
        return DatasetCreated(subject=self.id, name=self.name)

    def change(self, values: Mapping[str, Any], at: datetime) -> DatasetChanged | None:
        """Take new values by field name; None when nothing is different."""
        before = {name: getattr(self, name) for name in values}
        for name, value in values.items():
            setattr(self, name, value)
        self._check()
        changed = [name for name, value in before.items() if getattr(self, name) != value]
        if not changed:
            return None
        self.updated_at = at
        return DatasetChanged(
            subject=self.id,
            old={name: before[name] for name in changed},
            new={name: getattr(self, name) for name in changed},
        )

    def fill_from(self, upload_id: UUID, at: datetime) -> None:
        """Note the upload that was last imported here."""
        self.upload_id, self.updated_at = upload_id, at

    def deleted(self) -> DatasetDeleted:
        """Tell of the end."""
        return DatasetDeleted(subject=self.id, name=self.name)

    def remove(self, job_id: UUID, at: datetime) -> DatasetRemovalRequested:
        """Hide it at once and have its rows removed in the background."""
        self.deleted_at = at
        return DatasetRemovalRequested(subject=self.id, job_id=job_id)
