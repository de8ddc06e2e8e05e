"""What two versions come to, and what is different between them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.coaching.prompt import PromptType, PromptVersion, Standing, TaughtLesson, changes_between, told
from domain.kernel import new_id

NOW = datetime(2027, 3, 22, 10, tzinfo=UTC)
MONEY, NAMES = new_id(), new_id()


def lesson(identifier: UUID, text: str) -> TaughtLesson:
    """Make a lesson as a version holds it."""
    return TaughtLesson(id=identifier, title="A lesson", text=text)


def version(number: int, days: int | None, *lessons: TaughtLesson) -> PromptVersion:
    """Make a version of so many days ago; None: it is yet to be made."""
    made_at = None if days is None else NOW - timedelta(days=days)
    return PromptVersion(number=number, system_prompt=f"Words {number}.", lessons=lessons, made_at=made_at)


OLD, EDITED, OTHER = lesson(MONEY, "Old words."), lesson(MONEY, "New words."), lesson(NAMES, "First names.")


@pytest.mark.parametrize(
    ("master", "own", "lessons"),
    [
        (version(1, 2, OLD, OTHER), version(1, 1, EDITED), ["New words."]),
        (version(2, 1, EDITED), version(1, 2, OLD, OTHER), ["New words."]),
        (version(1, 2, OLD), version(2, 1), []),
        (version(1, 2, OLD), version(0, None), ["Old words."]),
        (version(0, None), version(1, 2, OLD), ["Old words."]),
        (version(1, 1, OLD), version(2, None, EDITED), ["New words."]),
        (version(2, None), version(1, 1, OLD), []),
    ],
)
def test_lessons_are_told_as_the_version_that_was_made_last_has_them(
    master: PromptVersion, own: PromptVersion, lessons: list[str]
) -> None:
    said = told(Standing(master), PromptType.REPLY, Standing(own))
    assert [one.text for one in said.lessons] == lessons
    assert said.text == f"Words {master.number}.\n\nWords {own.number}."
    assert said.label == f"master-{master.number}/reply-{own.number}"


def chosen(made: PromptVersion, days: float | None) -> Standing:
    """Let people have chosen a version so many days ago; None: that was not kept."""
    return Standing(made, None if days is None else NOW - timedelta(days=days))


@pytest.mark.parametrize(
    ("master", "own", "lessons"),
    [
        pytest.param(
            chosen(version(1, 3, OLD), 3), chosen(version(1, 4, OTHER), 1), ["First names."], id="rolled back"
        ),
        pytest.param(chosen(version(1, 4, OTHER), 1), chosen(version(2, 3, OLD), 3), ["First names."], id="its master"),
        pytest.param(chosen(version(1, 3, OLD), 3), chosen(version(0, None), 1), ["Old words."], id="to the built-in"),
        pytest.param(chosen(version(0, None), 1), chosen(version(1, 3, OLD), 3), ["Old words."], id="master to it"),
        pytest.param(chosen(version(1, 3, OLD), 3), chosen(version(1, 4, OTHER), None), ["Old words."], id="not kept"),
        pytest.param(chosen(version(1, 3, OLD), 2), chosen(version(2, 1, OTHER), 2), ["First names."], id="at once"),
        pytest.param(
            chosen(version(1, 3, OLD), 1), chosen(version(3, None, OTHER), None), ["First names."], id="draft"
        ),
    ],
)
def test_lessons_follow_what_people_chose_later(master: Standing, own: Standing, lessons: list[str]) -> None:
    assert [one.text for one in told(master, PromptType.REPLY, own).lessons] == lessons


def test_a_lesson_whose_words_changed_is_named() -> None:
    found = changes_between(version(1, 2, OLD, OTHER), version(2, 1, EDITED, OTHER))
    assert (found.lessons_added, found.lessons_removed, found.lessons_changed) == ((), (), (EDITED,))
