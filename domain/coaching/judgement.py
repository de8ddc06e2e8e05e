"""What of a review stands: only what can be shown in the messages' own words, and no more praise than rules allow."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from domain.coaching.faults import RULES, faults
from domain.coaching.finding import LONGEST_QUOTE, Finding, Quote, Severity, Thread
from domain.messaging.injection import injection_signs
from domain.messaging.reply_contacts import links, phones
from domain.messaging.reply_facts import WORD, ReplyFacts, name_words
from domain.messaging.reply_money import prices

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
    by_rules = faults(thread)
    found = [*by_rules, *(one for one in proposed if one.rule not in RULES)]
    findings = [stands for one in found if (stands := standing(one, thread)) is not None]
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
    """Give a finding with the quotes that stand in their messages word for word, or None where none does.

    What we wrote is quoted last. Nor does one stand that speaks to the machine or the reader instead of describing; a
    suggested text that holds a price, link or number which is not ours is left out.
    """
    texts = {message.id: message.text for message in thread.messages}
    theirs = {message.id for message in thread.messages if message.by == "lead"}
    stand = _first_of_each(quote for quote in finding.quotes if _is_in(quote, texts))
    quotes = tuple(sorted(stand, key=lambda quote: quote.message_id not in theirs))
    spoken = (finding.title, finding.description, finding.suggestion)
    if not quotes or not WORD.search(finding.title) or any(injection_signs(text) for text in spoken):
        return None
    rule = re.sub(r"[^a-z0-9]+", "_", finding.rule.lower()).strip("_")[:_LONGEST_RULE] or "other"
    return replace(
        finding,
        rule=rule,
        title=_nameless(finding.title, rule, thread)[:_LONGEST_TITLE],
        description=finding.description.strip()[:_LONGEST_TEXT],
        suggestion=finding.suggestion.strip()[:_LONGEST_TEXT],
        suggested_text=_harmless(finding, thread),
        quotes=quotes,
    )


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
    ours = [thread.organization, *thread.facts, *(m.text for m in thread.messages if m.by == "campaign")]
    known = ReplyFacts(ours=ours, theirs=(), prompt="")
    if not text or len(text) > 2 * _LONGEST_TEXT or injection_signs(text):
        return None
    return None if prices(text, known) or links(text, known) or phones(text, known) else text


def _left(findings: Sequence[Finding], message_id: UUID) -> int:
    cost = sum(COSTS[one.severity] for one in findings if one.quotes_message(message_id))
    return max(BEST - cost, 0)


def _bounded(score: int) -> int:
    return min(max(score, 0), BEST)
