"""What is asked for and shown of notifications."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from application.ports import Command, Filter, View
from domain.messaging.notification import Kind, Priority, Way

Ways = list[Literal["in_app", "email", "sms"]]


class NotificationFilter(Filter, frozen=True):
    """Narrow the list; what was put away is shown only when it is asked for."""

    unread: bool | None = None
    archived: bool = False


class NotificationView(View, frozen=True):
    """Show what the person was told; `link` leads to a page of the front end."""

    id: UUID
    kind: Kind
    priority: Priority
    title: str
    message: str
    link: str | None
    data: dict[str, Any]
    lead_id: UUID | None
    read_at: datetime | None
    archived_at: datetime | None
    created_at: datetime
    version: int
    example: ClassVar[dict[str, Any]] = {
        "id": "01890a5d-ac96-774b-bcce-b302099a8057", "kind": "lead_hot", "priority": "immediate",
        "title": "Ada Lovelace wants to go on", "message": "Ada Lovelace answered and wants to go on now.",
        "link": "/leads/01890a5d-ac96-774b-bcce-b302099a8058",
        "data": {"conversation_id": "01890a5d-ac96-774b-bcce-b302099a8059"},
        "lead_id": "01890a5d-ac96-774b-bcce-b302099a8058", "read_at": None, "archived_at": None,
        "created_at": "2027-03-22T10:15:00Z", "version": 1,
    }  # fmt: skip


class MarkNotification(Command, frozen=True):
    """Mark a notification as read or put away, or take that back."""

    read: bool | UnsetType = UNSET
    archived: bool | UnsetType = UNSET
    example: ClassVar[dict[str, Any]] = {"read": True}


class ReadAllView(View, frozen=True):
    """Tell how many were unread until now."""

    marked: int
    example: ClassVar[dict[str, Any]] = {"marked": 3}


class ChannelsIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Name the ways of each priority; those that are left out stay."""

    immediate: Ways | UnsetType = UNSET
    normal: Ways | UnsetType = UNSET
    low: Ways | UnsetType = UNSET


class ChangePreferences(Command, frozen=True):
    """Ask to be told otherwise; `muted` names what of not at all, a null zone is the organisation's."""

    channels: ChannelsIn | UnsetType = UNSET
    muted: list[Kind] | UnsetType = UNSET
    digest_hour: Annotated[int, Meta(ge=0, le=23)] | UnsetType = UNSET
    time_zone: str | UnsetType | None = UNSET
    example: ClassVar[dict[str, Any]] = {"channels": {"normal": ["in_app"]}, "muted": ["import_finished"]}


class PreferencesView(View, frozen=True):
    """Show how the person is told; the digest of what is low comes once a day at `digest_hour`."""

    channels: dict[Priority, list[Way]]
    muted: list[Kind]
    digest_hour: int
    time_zone: str | None
    version: int
    example: ClassVar[dict[str, Any]] = {
        "channels": {"immediate": ["in_app", "email"], "normal": ["in_app", "email"], "low": ["in_app", "email"]},
        "muted": [], "digest_hour": 8, "time_zone": None, "version": 0,
    }  # fmt: skip


class SendNotification(Command, frozen=True):
    """Tell somebody something by those of the channels that they chose for the priority; `link` is a page's path."""

    user_id: UUID
    channels: Annotated[Ways, Meta(min_length=1, max_length=3)]
    title: Annotated[str, Meta(min_length=1, max_length=200)]
    message: Annotated[str, Meta(min_length=1, max_length=2000)]
    priority: Literal["immediate", "normal", "low"] = "normal"
    link: Annotated[str, Meta(max_length=500, pattern=r"^/(?!/)[^\s\\]*$")] | None = None
    data: dict[str, Any] = {}
    example: ClassVar[dict[str, Any]] = {
        "user_id": "01890a5d-ac96-774b-bcce-b302099a8057", "channels": ["in_app", "email"], "priority": "normal",
        "title": "The price list is new", "message": "Prices for sash windows changed today.", "link": "/prices",
    }  # fmt: skip


class SentNotificationView(View, frozen=True):
    """Tell by which channels it leaves; none where the person wants nothing of the kind."""

    id: UUID | None
    channels: list[Way]
    example: ClassVar[dict[str, Any]] = {
        "id": "01890a5d-ac96-774b-bcce-b302099a8057", "channels": ["in_app", "email"],
    }  # fmt: skip
