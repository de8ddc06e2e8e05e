"""What of a review stands: only what can be shown in the messages' own words, and no more praise than rules allow."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from domain.coaching.faults import RULES, faults
from domain.coaching.finding import LONGEST_QUOTE, Finding, Quote, Severity, Thread
from domain.coaching.pattern import is_counted
from domain.coaching.voices import Voices, decides
from domain.messaging.injection import injection_signs
from domain.messaging.reply_facts import WORD, name_words

BEST = 100
COSTS: Mapping[Severity, int] = {
    Severity.CRITICAL: 50,
    Severity.URGENT: 30,
    Severity.WARNING: 15,
    Severity.SUGGESTION: 5,
    Severity.INFO: 0,
}
_LONGEST_TITLE = 120
_LONGEST_TEXT = 600
_LONGEST_RULE = 40


@dataclass(frozen=True, slots=True)
class Judged:
    """Hold what stands of a review."""

    scores: Mapping[UUID, int]
    score: int
    findings: Sequence[Finding]


def judge(thread: Thread, proposed: Sequence[Finding], scores: Mapping[UUID, int], score: int) -> Judged:
    """Keep the findings that hold, add those of the rules, and score.

    An AI message has 100 less what each finding that quotes it costs (`COSTS`: critical 50, urgent 30, warning 15,
    suggestion 5, info nothing), the conversation 100 less what the worst finding of each rule costs, neither below 0.
    A reviewer may score lower than that, never higher: nothing that a lead writes raises a score.
    """
    found = [*(_quoted(one, thread) for one in faults(thread)), *(standing(one, thread) for one in proposed)]
    findings = [one for one in found if one is not None]
    worst: dict[str, int] = {}
    for one in findings:
        worst[one.rule] = max(worst.get(one.rule, 0), COSTS[one.severity])
    return Judged(
        scores={
            message.id: min(_bounded(scores.get(message.id, BEST)), _left(findings, message.id))
            for message in thread.messages
            if message.by == "ai"
        },
        score=min(_bounded(score), max(BEST - sum(worst.values()), 0)),
        findings=findings,
    )


def standing(finding: Finding, thread: Thread) -> Finding | None:
    """Give what stands of a reviewer's finding, or None where it judges no words of ours, or its words are foreign.

    Words of ours have to be quoted, and every quote stands in its message word for word. The suggestion holds no link,
    number or amount that is not ours and no run of the lead's own words; title and rule neither, which may repeat what
    we said; and nothing speaks to machines or praises what people decide about: whoever reports that obeyed. A
    description, or a suggested text, that does is left out. Rules report under names of their own.
    """
    rule = re.sub(r"[^a-z0-9]+", "_", finding.rule.lower()).strip("_")[:_LONGEST_RULE] or "other"
    title, advice = finding.title[:_LONGEST_TEXT], finding.suggestion.strip()[:_LONGEST_TEXT]
    told = finding.description.strip()[:_LONGEST_TEXT]
    named, voices = f"{title}\n{finding.rule.replace('_', ' ')}", Voices.of(thread)
    if rule in RULES or is_counted(rule) or not WORD.search(title):
        return None
    if decides("\n".join((named, told, advice))) or any(injection_signs(text) for text in (title, told, advice)):
        return None
    if not voices.may_be_told(named) or not voices.may_be_advised(advice):
        return None
    quoted = _quoted(replace(finding, rule=rule, title=title, suggestion=advice), thread)
    if quoted is None or all(quote.message_id in _theirs(thread) for quote in quoted.quotes):
        return None
    return replace(
        quoted,
        title=_nameless(title, rule, thread)[:_LONGEST_TITLE],
        description=told if voices.may_be_told(told) else "",
    )


def _quoted(finding: Finding, thread: Thread) -> Finding | None:
    """Give a finding with the quotes that stand in their messages, ours last, and no suggested text that is foreign."""
    texts, theirs = {message.id: message.text for message in thread.messages}, _theirs(thread)
    stand = _first_of_each(quote for quote in finding.quotes if _is_in(quote, texts))
    quotes = tuple(sorted(stand, key=lambda quote: quote.message_id not in theirs))
    return replace(finding, suggested_text=_harmless(finding, thread), quotes=quotes) if quotes else None


def _theirs(thread: Thread) -> set[UUID]:
    return {message.id for message in thread.messages if message.by == "lead"}


def _is_in(quote: Quote, texts: Mapping[UUID, str]) -> bool:
    words = quote.words
    says = any(c.isalnum() for c in words)
    return says and len(words) <= LONGEST_QUOTE and words in texts.get(quote.message_id, "")


def _first_of_each(quotes: Iterable[Quote]) -> list[Quote]:
    found: dict[UUID, Quote] = {}
    for quote in quotes:
        found.setdefault(quote.message_id, quote)
    return list(found.values())


def _nameless(title: str, rule: str, thread: Thread) -> str:
    """Give a title that many conversations can share: one that names the lead, or quotes a number, becomes the rule."""
    if name_words(thread.names) & {*WORD.findall(title.lower())} or re.search(r"\d{4}|@", title):
        return rule.replace("_", " ").capitalize()
    return " ".join(title.split())


def _harmless(finding: Finding, thread: Thread) -> str | None:
    text = (finding.suggested_text or "").strip()
    sendable = text and len(text) <= 2 * _LONGEST_TEXT and Voices.of(thread).may_be_sent(text)
    return text if sendable else None


def _left(findings: Sequence[Finding], message_id: UUID) -> int:
    cost = sum(COSTS[one.severity] for one in findings if one.quotes_message(message_id))
    return max(BEST - cost, 0)


def _bounded(score: int) -> int:
    return min(max(score, 0), BEST)
