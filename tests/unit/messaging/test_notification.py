"""How a person is told: ways, what is muted, and when the digest comes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel import Invalid, new_id
from domain.messaging.notification import PRIORITIES, Kind, Notification, Preferences, Priority, Way

ZONES = ("Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "UTC")
ORDINARY = datetime(2027, 3, 1, tzinfo=UTC)


@given(
    now=st.integers(-1_700_000, 2_000_000).map(lambda minutes: ORDINARY + timedelta(minutes=minutes)),
    hour=st.integers(0, 23),
    zone=st.sampled_from(ZONES),
)
def test_the_next_digest_is_within_a_day_at_the_persons_hour(now: datetime, hour: int, zone: str) -> None:
    chosen = Preferences(account_id=new_id(), digest_hour=hour, time_zone=zone)
    due = chosen.next_digest(now, "Europe/Berlin")
    assert now < due <= now + timedelta(hours=26)
    local = due.astimezone(ZoneInfo(zone))
    # Where clocks jump over the hour, it comes as much later as they jump.
    assert (local.hour, local.minute) == (hour, 0) or local.hour - hour in (0, 1)


def test_without_a_zone_of_their_own_the_organisations_counts() -> None:
    due = Preferences(account_id=new_id()).next_digest(ORDINARY, "America/New_York")
    assert due == datetime(2027, 3, 1, 13, tzinfo=UTC)


def test_only_what_is_immediate_is_texted() -> None:
    chosen = Preferences(account_id=new_id())
    chosen.choose(Priority.IMMEDIATE, frozenset({Way.SMS}))
    assert chosen.ways_for(Kind.LEAD_HOT, Priority.IMMEDIATE) == {Way.SMS}
    assert chosen.ways_for(Kind.IMPORT_FINISHED, Priority.LOW) == {Way.IN_APP, Way.EMAIL}
    for priority in (Priority.NORMAL, Priority.LOW):
        with pytest.raises(Invalid):
            chosen.choose(priority, frozenset({Way.SMS}))


def test_one_persons_choice_is_not_anothers() -> None:
    mine, yours = Preferences(account_id=new_id()), Preferences(account_id=new_id())
    mine.choose(Priority.LOW, frozenset())
    assert yours.ways[Priority.LOW] == {Way.IN_APP, Way.EMAIL}


def test_every_kind_that_an_event_brings_has_a_priority() -> None:
    assert set(PRIORITIES) == set(Kind) - {Kind.MESSAGE}


def test_the_first_reading_stays_until_it_is_taken_back() -> None:
    told = Notification(
        organization_id=new_id(), account_id=new_id(), source=new_id(), kind=Kind.LEAD_HOT,
        priority=Priority.IMMEDIATE, title="Hot", message="Now.", created_at=ORDINARY,
    )  # fmt: skip
    told.mark(read=True, archived=None, at=ORDINARY)
    told.mark(read=True, archived=True, at=ORDINARY + timedelta(hours=1))
    assert (told.read_at, told.archived_at) == (ORDINARY, ORDINARY + timedelta(hours=1))
    told.mark(read=False, archived=None, at=ORDINARY)
    assert (told.read_at, told.archived_at) == (None, ORDINARY + timedelta(hours=1))
