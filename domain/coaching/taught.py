"""What an insight becomes when people make a lesson of it: general words only, nobody's name."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.coaching.finding import Category
from domain.coaching.lesson import LessonType
from domain.coaching.voices import Voices
from domain.messaging.reply_facts import WORD, name_words

_OF_RULES = {
    "after_a_no": LessonType.OBJECTION_HANDLING,
    "unanswered": LessonType.QUALIFICATION,
    "price_promise": LessonType.DOS_DONTS,
    "offered_times": LessonType.BOOKING,
}
_OF_CATEGORIES = {
    Category.COMPLIANCE: LessonType.COMPLIANCE,
    Category.ACCURACY: LessonType.DOS_DONTS,
    Category.TONE: LessonType.TONE,
    Category.GRAMMAR: LessonType.TONE,
    Category.STRATEGY: LessonType.FOLLOW_UP,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Hold what the latest evidence of an insight suggests, the names of those whom it concerns, and who said what.

    There are no `voices` where it was counted: nothing that a lead wrote is in its words.
    """

    suggestion: str | None
    suggested_text: str | None
    names: Sequence[str]
    voices: Voices | None = None

    @property
    def advice(self) -> str | None:
        """Give the suggestion as it may be taught."""
        text = self._nameless(self.suggestion)
        return text if text is None or self.voices is None or self.voices.may_be_advised(text) else None

    @property
    def wording(self) -> str | None:
        """Give the suggested text as it may be taught."""
        text = self._nameless(self.suggested_text)
        return text if text is None or self.voices is None or self.voices.may_be_sent(text) else None

    def _nameless(self, text: str | None) -> str | None:
        return None if text is None or name_words(self.names) & {*WORD.findall(text.lower())} else text


def lesson_type(rule: str, category: Category) -> LessonType:
    """Tell what a lesson made of a finding is about."""
    return _OF_RULES.get(rule, _OF_CATEGORIES[category])
