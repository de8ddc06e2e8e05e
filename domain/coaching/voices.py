"""Whose words a reviewer's words are: what only the lead wrote may be quoted, and is neither advice nor a lesson."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.coaching.finding import Author, Thread
from domain.messaging.injection import injection_signs
from domain.messaging.reply_contacts import links, phones
from domain.messaging.reply_facts import ReplyFacts
from domain.messaging.reply_money import amounts, prices

LONGEST_RUN = 20
"""So many of the lead's letters and digits in a row, whatever stands between them, are the lead's words."""
_LEAST_WHOLE = 16
_LONG_NUMBER = re.compile(r"\d{4,}")
_THEIR_NUMBER = re.compile(r"\d{3,}|\d+\W+[^\W\d_]{3,}")
_MACHINERY = r"\b(?:lessons?|insights?|findings?|prompts?|drafts?|scores?)\b"
_APPROVES = re.compile(rf"(?=.*{_MACHINERY})(?=.*\b(?:approv|endors)\w*)", re.IGNORECASE | re.DOTALL)
_PRAISES = re.compile(
    rf"{_MACHINERY}(?: \w+){{0,2}} (?:is|are|was|were) (?:\w+ )?(?:excellent|perfect|flawless|brilliant|great)\b|"
    r"\b(?:excellent|perfect|flawless|brilliant) (?:lessons?|insights?|prompts?)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Voices:
    """Hold what the lead wrote, what the business states, and what was said to the lead besides."""

    theirs: Sequence[str]
    ours: Sequence[str]
    said: Sequence[str] = ()

    @classmethod
    def of(cls, thread: Thread) -> "Voices":
        """Tell the voices of a thread apart."""
        said = [(one.by, one.text) for one in thread.messages]
        return cls.told_apart(said, ours=[thread.organization, *thread.facts], names=thread.names)

    @classmethod
    def told_apart(cls, said: Iterable[tuple[Author, str]], *, ours: Sequence[str], names: Sequence[str]) -> "Voices":
        """Tell texts apart by who wrote them; a lead may have entered the names that a campaign's text holds."""
        by: dict[Author, list[str]] = {"lead": [], "campaign": [], "ai": [], "person": []}
        for author, text in said:
            by[author].append(text)
        return cls(
            theirs=[*names, *by["lead"]],
            ours=[*ours, *(_without(text, names) for text in by["campaign"])],
            said=[*by["ai"], *by["person"]],
        )

    def may_be_advised(self, text: str) -> bool:
        """Tell whether a text may be advice: no link, number or amount that is not ours, no words that are theirs."""
        theirs = {number for one in self.theirs for number in _found(_THEIR_NUMBER, one)}
        numbers = _found(_THEIR_NUMBER, text) - _found(_THEIR_NUMBER, "\n".join(self.ours))
        return not numbers & theirs and not self._is_foreign(text, self.ours)

    def may_be_told(self, text: str) -> bool:
        """Tell whether a text may describe what happened, for which all that we said is ours."""
        return not self._is_foreign(text, (*self.ours, *self.said))

    def may_be_sent(self, text: str) -> bool:
        """Tell whether a text may be suggested: advice that makes no promise either, and speaks to nobody's machine."""
        return self.may_be_advised(text) and prices(text, _facts(self.ours)) is None and not injection_signs(text)

    def _is_foreign(self, text: str, ours: Sequence[str]) -> bool:
        known = _facts(ours)
        if links(text, known) or phones(text, known) or amounts(text, known):
            return True
        return bool(_found(_LONG_NUMBER, text) - _found(_LONG_NUMBER, known.stated)) or self._repeats(
            _squeezed(text), "\n".join(map(_squeezed, ours))
        )

    def _repeats(self, said: str, ours: str) -> bool:
        theirs = [_squeezed(one) for one in self.theirs]
        if any(len(one) >= _LEAST_WHOLE and one in said and one not in ours for one in theirs):
            return True
        written = "\n".join(theirs)
        runs = (said[start : start + LONGEST_RUN] for start in range(len(said) - LONGEST_RUN + 1))
        return any(run in written and run not in ours for run in runs)


def decides(text: str) -> bool:
    """Tell whether a text praises or approves what only people decide about."""
    return _APPROVES.search(text) is not None or _PRAISES.search(text) is not None


def _found(pattern: re.Pattern[str], text: str) -> set[str]:
    return {_squeezed(found.group()) for found in pattern.finditer(text)}


def _without(text: str, names: Sequence[str]) -> str:
    for name in names:
        text = text.replace(name, " ")
    return text


def _facts(ours: Sequence[str]) -> ReplyFacts:
    return ReplyFacts(ours=tuple(ours), theirs=(), prompt="")


def _squeezed(text: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))
