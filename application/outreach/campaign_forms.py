"""What people ask of campaigns, and how settings change by it."""

from dataclasses import replace
from datetime import time
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

import msgspec

from application.ports import Command
from domain.kernel import Invalid
from domain.messaging.window import EVERY_DAY, Weekday, Window
from domain.outreach.campaign import (
    CampaignSettings,
    TextFrom,
    Touch,
    TouchPlan,
    Variant,
)

DayName = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
MessageText = Annotated[str, msgspec.Meta(min_length=1, max_length=1600)]


class ScheduleIn(Command, frozen=True):
    """Say when texts may go out, in the recipient's zone: `start` and `end` as HH:MM, or whole hours."""

    start: str | None = None
    end: str | None = None
    hours_start: Annotated[int, msgspec.Meta(ge=0, le=24)] | None = None
    hours_end: Annotated[int, msgspec.Meta(ge=0, le=24)] | None = None
    days: list[DayName] | None = None


class VariantIn(Command, frozen=True):
    """Hold one wording and its weight; from `prompt` the AI writes it, and `template` is sent where it writes none."""

    template: MessageText
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=50)] = "A"
    weight: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 100
    text_from: TextFrom = TextFrom.TEMPLATE


class TouchIn(Command, frozen=True):
    """Plan one touch: hours after the previous one, and its wordings (ours, when none are given)."""

    touch: Literal["M1", "M2", "M3"]
    delay_hours: Annotated[int, msgspec.Meta(ge=0, le=8760)] | None = None
    variants: Annotated[list[VariantIn], msgspec.Meta(min_length=1, max_length=20)] | None = None


class SettingsIn(Command, frozen=True):
    """Change a campaign's settings; what is left out stays as it is."""

    m1_delay_hours: Annotated[int, msgspec.Meta(ge=0, le=8760)] | None = None
    m2_delay_hours: Annotated[int, msgspec.Meta(ge=0, le=8760)] | None = None
    m3_delay_hours: Annotated[int, msgspec.Meta(ge=0, le=8760)] | None = None
    ai_response_delay_seconds: Annotated[int, msgspec.Meta(ge=0, le=86_400)] | None = None
    rate_limit_messages_per_minute: Annotated[int, msgspec.Meta(ge=1, le=6000)] | None = None
    schedule: ScheduleIn | None = None
    touches: Annotated[list[TouchIn], msgspec.Meta(min_length=1, max_length=3)] | None = None
    example: ClassVar[dict[str, Any]] = {
        "rate_limit_messages_per_minute": 60,
        "schedule": {"start": "10:00", "end": "18:30"},
    }


class StartCampaign(Command, frozen=True):
    """Start the campaign of a dataset."""

    dataset_id: UUID
    settings: SettingsIn | None = None
    example: ClassVar[dict[str, Any]] = {
        "dataset_id": "01890a5d-aa00-7d10-8f2e-1a2b3c4d5e6f",
        "settings": {"m2_delay_hours": 48, "rate_limit_messages_per_minute": 30, "schedule": {"start": "09:00"}},
    }


class OfDataset(Command, frozen=True):
    """Name the dataset whose campaign is meant."""

    dataset_id: UUID
    example: ClassVar[dict[str, Any]] = {"dataset_id": "01890a5d-aa00-7d10-8f2e-1a2b3c4d5e6f"}


class PreviewText(Command, frozen=True):
    """Ask what a lead would get; `template` tries a wording that is not saved."""

    dataset_id: UUID
    lead_id: UUID
    touch: Literal["M1", "M2", "M3"] = "M1"
    template: MessageText | None = None
    example: ClassVar[dict[str, Any]] = {
        "dataset_id": "01890a5d-aa00-7d10-8f2e-1a2b3c4d5e6f",
        "lead_id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "touch": "M1",
    }


def changed(settings: CampaignSettings, asked: SettingsIn) -> CampaignSettings:
    """Apply what was asked to settings, checking every rule; delays by name and by `touches` mean the same."""
    plans = {plan.touch: plan for plan in settings.touches}
    if asked.touches is not None:
        plans = {Touch(t.touch): _plan(t, settings) for t in asked.touches}
        if len(plans) < len(asked.touches):
            raise Invalid("Each touch stands once.", field="touches")
    delays = {Touch.M1: asked.m1_delay_hours, Touch.M2: asked.m2_delay_hours, Touch.M3: asked.m3_delay_hours}
    for touch, delay in delays.items():
        if delay is not None:
            if touch not in plans:
                raise Invalid(f"This campaign has no {touch.value}.", field=f"{touch.value.lower()}_delay_hours")
            plans[touch] = replace(plans[touch], delay_hours=delay)
    return CampaignSettings(
        touches=tuple(plans[touch] for touch in Touch if touch in plans),
        window=settings.window if asked.schedule is None else _window(settings.window, asked.schedule),
        rate_per_minute=asked.rate_limit_messages_per_minute or settings.rate_per_minute,
        ai_response_delay_seconds=settings.ai_response_delay_seconds
        if asked.ai_response_delay_seconds is None
        else asked.ai_response_delay_seconds,
    )


def _plan(asked: TouchIn, settings: CampaignSettings) -> TouchPlan:
    touch = Touch(asked.touch)
    present = settings.plan(touch) or CampaignSettings().plan(touch)
    assert present is not None
    variants = present.variants
    if asked.variants is not None:
        variants = tuple(Variant(v.name, v.weight, v.template, v.text_from) for v in asked.variants)
    return TouchPlan(touch, present.delay_hours if asked.delay_hours is None else asked.delay_hours, variants)


def _window(present: Window, asked: ScheduleIn) -> Window:
    start = _hour(asked.start, asked.hours_start, present.start, "schedule.start")
    end = _hour(asked.end, asked.hours_end, present.end, "schedule.end")
    days = present.days
    if asked.days is not None:
        days = frozenset(Weekday[day.upper()] for day in asked.days)
    return Window(start, end, days or EVERY_DAY)


def _hour(text: str | None, hour: int | None, present: time, field: str) -> time:
    if text is not None and hour is not None:
        raise Invalid("Give the time once: as HH:MM or as a whole hour.", field=field)
    if hour is not None:
        return time(hour % 24)
    if text is None:
        return present
    try:
        found = time.fromisoformat("00:00" if text == "24:00" else text)
    except ValueError:
        raise Invalid("A time is HH:MM, such as 09:00.", field=field) from None
    if len(text) != 5 or found.tzinfo is not None:
        raise Invalid("A time is HH:MM, such as 09:00.", field=field)
    return found
