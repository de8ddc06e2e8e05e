"""Each event is shown on the stream to whoever its lists show the thing to, or kept inside on purpose."""

import dataclasses

import entrypoints.subscriptions  # noqa: F401 - imports every context's events
from application.platform.shown_events import SHOWN
from domain.kernel import Event

KEPT_INSIDE = {
    "booking.reported": "what a calendar said; booking.made, moved and cancelled tell what came of it",
    "conversation.answer_due": "a step of the house's own",
    "conversation.review_due": "a step of the house's own",
    "conversation.person_awaited": "message.received tells of the text, notification.made whoever is told",
    "conversation.slot_accepted": "booking.made or failed tells what came of it",
    "dataset.removal_requested": "job.advanced and job.ended tell of it",
    "import.requested": "job.advanced and job.ended tell of it",
    "import.undo_requested": "job.advanced and job.ended tell of it",
    "message.recipient_refused": "contact.opted_out tells what came of it",
    "organization.created": "nobody follows an organisation that is not there yet",
    "personal_data.erased": "job.ended tells of it, to those who may know",
    "personal_data.erasure_requested": "job.advanced tells of it, to those who may know",
    "personal_data.export_requested": "job.advanced tells of it, to those who may know",
    "table_export.requested": "job.advanced and job.ended tell of it",
    "text.arrived": "what a provider brought; message.received tells what came of it",
    "prompt.evaluation_requested": "job.advanced and job.ended tell of it",
    "upload.received": "whoever sent the file has the answer",
}


def known() -> dict[str, type[Event]]:
    """Find every event of the domain by its type."""
    return {kind.type: kind for kind in Event.__subclasses__() if kind.__module__.startswith("domain.")}


def test_every_event_is_shown_or_kept_inside_for_a_reason() -> None:
    assert set(known()) - set(SHOWN) - set(KEPT_INSIDE) == set(), (
        "Give it a row in application/platform/shown_events.py."
    )
    assert set(SHOWN) <= set(known())
    assert set(KEPT_INSIDE) <= set(known())
    assert set(SHOWN) & set(KEPT_INSIDE) == set()


def test_nothing_personal_and_nothing_unknown_is_said() -> None:
    for kind, shown in SHOWN.items():
        event = known()[kind]
        assert set(shown.says) <= {field.name for field in dataclasses.fields(event)}, kind
        assert not set(shown.says) & event.personal, kind
