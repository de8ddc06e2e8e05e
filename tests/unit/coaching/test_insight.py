"""What becomes of an insight, and when the same finding may come again."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.coaching.finding import Category, Severity
from domain.coaching.insight import QUIET, Decided, Insight, InsightStatus, fingerprint_of, may_be_raised
from domain.coaching.judgement import standing
from domain.coaching.review import put_off
from domain.kernel import Conflict, new_id
from tests.unit.coaching.test_judgement import AI, FOUND, LEAD, THREAD
from tests.unit.coaching.threads import START

WRITTEN = {AI.id: AI.at, LEAD.id: LEAD.at}
LATER = START + timedelta(days=1)


def insight(**more: Any) -> Insight:
    """Make a pending one."""
    values: dict[str, Any] = {
        "organization_id": new_id(),
        "rule": "ignored_worry",
        "fingerprint": "f",
        "title": "A worry was passed over",
        "category": Category.TONE,
        "severity": Severity.WARNING,
        "created_at": START,
        "raised_at": START,
    }
    return Insight(**values | more)


def test_it_is_viewed_once_and_decided_once() -> None:
    one = insight()
    one.view(START)
    one.view(LATER)
    assert (one.status, one.viewed_at) == (InsightStatus.VIEWED, START)
    told = one.decide(InsightStatus.DISMISSED, by=None, at=LATER, note="no", lead_id=None)
    assert (told.status, one.decided_at, one.note) == (InsightStatus.DISMISSED, LATER, "no")
    one.view(LATER)
    assert one.status is InsightStatus.DISMISSED
    with pytest.raises(Conflict):
        one.decide(InsightStatus.APPROVED_AND_LEARNED, by=None, at=LATER, note=None)


@pytest.mark.parametrize("title", ["a WORRY was passed over", "A worry, was passed over 3!", "Á worry was passed over"])
def test_equal_titles_are_one_finding(title: str) -> None:
    assert fingerprint_of("r", title) == fingerprint_of("r", "A worry was passed over")
    assert fingerprint_of("q", title) != fingerprint_of("r", title)
    assert fingerprint_of("r", "Something else") != fingerprint_of("r", title)


def decided(status: InsightStatus, **more: Any) -> Decided:
    """Make an earlier decision about the same, from other messages."""
    values: dict[str, Any] = {
        "status": status,
        "severity": Severity.WARNING,
        "at": START - timedelta(days=1),
        "holds": True,
        "message_ids": frozenset(),
    }
    return Decided(**values | more)


def quotes(*earlier: Decided, **change: Any) -> list[Any]:
    """Name the messages from which the finding may be raised."""
    return [quote.message_id for quote in may_be_raised(replace(FOUND, **change), earlier, WRITTEN, LATER)]


def test_what_nobody_decided_may_be_raised() -> None:
    assert quotes() == [AI.id, LEAD.id]


def test_what_was_taught_never_comes_again_while_its_lesson_is_active() -> None:
    taught = decided(InsightStatus.TAUGHT_SOPHIE, at=START - timedelta(days=400))
    assert quotes(taught, severity=Severity.CRITICAL) == []
    assert quotes(replace(taught, holds=False)) == [AI.id, LEAD.id]


def test_what_was_dismissed_rests_for_a_month_unless_it_is_worse() -> None:
    dismissed = decided(InsightStatus.DISMISSED)
    assert quotes(dismissed) == []
    assert quotes(dismissed, severity=Severity.URGENT) == [AI.id, LEAD.id]
    assert quotes(replace(dismissed, at=LATER - QUIET)) == [AI.id, LEAD.id]
    assert quotes(replace(dismissed, at=LATER - QUIET, message_ids=frozenset({AI.id}))) == [LEAD.id]
    assert quotes(replace(dismissed, message_ids=frozenset({AI.id, LEAD.id})), severity=Severity.CRITICAL) == []


def test_what_was_approved_comes_again_from_later_messages_only() -> None:
    assert quotes(decided(InsightStatus.APPROVED_AND_LEARNED)) == [AI.id, LEAD.id]
    assert quotes(decided(InsightStatus.APPROVED_AND_LEARNED, at=LEAD.at)) == [AI.id]
    assert quotes(decided(InsightStatus.APPROVED_AND_LEARNED, at=AI.at)) == []


@pytest.mark.parametrize("change", [{"severity": Severity.INFO}, {"is_pattern": True}], ids=repr)
def test_what_works_is_no_news_while_its_lesson_is_active(change: dict[str, Any]) -> None:
    approved = decided(InsightStatus.APPROVED_AND_LEARNED)
    assert quotes(approved, **change) == []
    assert quotes(replace(approved, holds=False), **change) == [AI.id, LEAD.id]


def test_a_fault_is_none_that_works_because_a_reviewer_called_its_rule_a_pattern() -> None:
    approved = decided(InsightStatus.APPROVED_AND_LEARNED)
    found = standing(replace(FOUND, rule="Pattern: pressure"), THREAD)
    assert found is not None
    assert found.rule == "pattern_pressure"
    assert quotes(approved, rule=found.rule) == [AI.id, LEAD.id]


def test_a_review_that_cannot_be_made_waits_longer_each_time() -> None:
    waits = [put_off(failures).total_seconds() / 60 for failures in range(8)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert put_off(0, 600.0) == timedelta(minutes=10)
