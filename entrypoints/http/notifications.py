"""Routes of notifications."""

from uuid import UUID

import msgspec

from application.messaging.notification_forms import (
    ChangePreferences,
    MarkNotification,
    NotificationFilter,
    NotificationView,
    PreferencesView,
    ReadAllView,
    SendNotification,
    SentNotificationView,
)
from application.messaging.notifications import Notifications
from application.ports import Found, PageRequest
from entrypoints.http.operation import IfMatch, operation


@operation("GET", "/notifications", "listNotifications", "List your notifications", shows=NotificationView)
async def list_notifications(notifications: Notifications, narrowed: NotificationFilter, page: PageRequest) -> Found:
    """Your own, the latest first; `unread=true` for what you have not read, `archived=true` for what you put away."""
    return await notifications.find(narrowed, page)


@operation(
    "PATCH",
    "/notifications/{notification_id:uuid}",
    "changeNotification",
    "Mark a notification as read or put it away",
    shows=NotificationView,
)
async def change_notification(
    notifications: Notifications, notification_id: UUID, body: MarkNotification, version: IfMatch
) -> msgspec.Raw:
    """`false` takes it back; another person's is a 404."""
    return await notifications.mark(notification_id, body, version)


@operation("POST", "/notifications/read-all", "readAllNotifications", "Mark all your notifications as read", status=200)
async def read_all_notifications(notifications: Notifications) -> ReadAllView:
    """Tells how many were unread."""
    return await notifications.read_all()


@operation("GET", "/users/me/notification-preferences", "getNotificationPreferences", "Show how you are told of things")
async def get_preferences(notifications: Notifications) -> PreferencesView:
    """Version 0 is the house's own: on screen and by mail, what is low once a day."""
    return await notifications.preferences()


@operation(
    "PATCH", "/users/me/notification-preferences", "changeNotificationPreferences", "Choose how you are told of things"
)
async def change_preferences(
    notifications: Notifications, body: ChangePreferences, version: IfMatch
) -> PreferencesView:
    """Channels by priority, kinds to hear nothing of, and the hour of the digest; what is not named stays."""
    return await notifications.set_preferences(body, version)


@operation("POST", "/notifications/send", "sendNotification", "Tell a user something, as a program")
async def send_notification(notifications: Notifications, body: SendNotification) -> SentNotificationView:
    """For API keys with `notifications:send`, which no person has. Leaves by those of the channels that the person
    chose for the priority; an Idempotency-Key keeps it from being told twice."""
    return await notifications.send(body)


ROUTES = (
    list_notifications,
    change_notification,
    read_all_notifications,
    get_preferences,
    change_preferences,
    send_notification,
)
