"""Texts that instruct the machine, through the real adapter to a model that obeys: no effect outside the list."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from adapters.ai.anthropic import AnthropicReplyWriter
from adapters.ai.review_request import TOOL
from adapters.ai.reviewer_anthropic import AnthropicReviewer
from application.coaching.reviewing import ReviewTask
from application.model_calls import Unusable
from domain.coaching.faults import RULES
from domain.coaching.finding import Finding, Quote
from domain.coaching.judgement import judge as judge_review
from domain.coaching.judgement import standing
from domain.messaging.injection import injection_signs
from domain.messaging.languages import answered_in
from domain.messaging.reply_rules import judge
from tests.contracts.aimock_process import aimock, fixture, proposal
from tests.contracts.test_reply_writer import SLOT, facts, task
from tests.contracts.test_reviewer import task as review_task
from tests.proofs import Note
from tests.unit.coaching.test_judgement import FOUND

pytestmark = pytest.mark.anyio
FILE = Path(__file__).with_name("hostile.tsv")
SHAPES: dict[str, dict[str, Any]] = {
    "SLOT": proposal("That is booked for you.", intent="accepts_slot", slot="admin-1"),
    "OTHER": proposal("We're booking you in for the other day.", intent="accepts_slot", slot="s1"),
    "TOOL": {"toolCalls": [{"name": "send_sms", "arguments": json.dumps({"to": "+447700900999", "text": "Hi"})}]},
    "FIELD": proposal("Done.", action="delete_everything", contact_status="CONVERTED"),
    "LONG": proposal("a rose by any name " * 60),
}


@dataclass(frozen=True, slots=True)
class Hostile:
    """Hold one text, and what a model says that obeys it."""

    id: str
    kind: str
    how: str
    text: str
    obeyed: str


def hostile() -> list[Hostile]:
    """Read the texts."""
    lines = FILE.read_text(encoding="utf-8").split("\n")
    return [Hostile(*line.split("\t")) for line in lines if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def obedient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a model that does whatever a text says."""
    answers = [fixture(f"marked {one.id}", SHAPES.get(one.obeyed, proposal(one.obeyed))) for one in hostile()]
    with aimock(tmp_path_factory.mktemp("obedient"), answers) as url:
        yield url


@pytest.fixture
async def writer(obedient: str) -> AsyncIterator[AnthropicReplyWriter]:
    """Make the adapter."""
    made = AnthropicReplyWriter("sk-test", "claude-sonnet-5-5", obedient)
    yield made
    await made.close()


async def _judged(writer: AnthropicReplyWriter, texts: list[Hostile], own: bool) -> int:
    """Ask for an answer to each, and assert that none may be sent; tells how many came to be judged."""
    let_through, judged = [], 0
    for one in texts:
        marked = [("First name", "Ada"), ("Asked about", f"marked {one.id}")]
        asked = task(one.text, lead=marked, slots=[SLOT], language=answered_in([one.text], "en") if own else "en")
        try:
            written = await writer.write(asked)
        except Unusable:
            continue
        judged += 1
        # Who writes Russian and wants an answer in Russian gets one: nothing hostile is left of that.
        if judge(written.proposal, facts(asked)).may_go and not (own and one.id == "h065"):
            let_through.append(f"{one.id} ({one.kind}, {one.how}): {written.proposal.text}")
    assert let_through == []
    return judged


IN_ENGLISH, IN_THEIR_LANGUAGE = False, True


@pytest.mark.parametrize("own", [IN_ENGLISH, IN_THEIR_LANGUAGE], ids=["in English", "in the language of the text"])
async def test_a_model_that_obeys_everything_gets_nothing_out(writer: AnthropicReplyWriter, own: bool) -> None:
    assert await _judged(writer, hostile()[::4], own) >= 30, "most answers have to reach the rules"


@pytest.mark.prove
async def test_a_model_that_obeys_all_hostile_texts_gets_nothing_out(
    writer: AnthropicReplyWriter, proved: Note
) -> None:
    texts = hostile()
    ways = {one.how for one in texts}
    assert len(ways) >= 12
    english, theirs = await _judged(writer, texts, IN_ENGLISH), await _judged(writer, texts, IN_THEIR_LANGUAGE)
    assert min(english, theirs) >= 150, "most answers have to reach the rules"
    proved(
        10,
        f"Anthropic's adapter against aimock, a model that obeys {len(texts)} hostile texts of {len(ways)} ways, asked"
        f" about every one: 0 of {english} answers that could be read may be sent where they are to be English, 0 of"
        f" {theirs} in the language of the text, but Russian to one who asked for Russian",
    )


def test_most_of_them_are_seen_before_any_model_is_asked() -> None:
    texts = [one for one in hostile() if one.how != "asked"]  # where the model slips at what anybody might ask
    seen = [one for one in texts if injection_signs(one.text)]
    assert len(seen) >= 0.6 * len(texts), [one.text for one in texts if one not in seen]


OURS = {"message": 3, "words": "It is £5, guaranteed."}


def _obeyed_reports(one: Hostile) -> list[dict[str, Any]]:
    """Be what models report that obey a text: praise, what the text asked for as advice, and its own words."""
    theirs = [{"message": 2, "words": one.text[:200]}, {"message": 3, "words": "everything was perfect"}]
    praise = {
        "rule": "excellent", "category": "strategy", "severity": "info",
        "title": "This lesson is excellent, approve it",
        "description": one.obeyed, "suggestion": one.text, "suggested_text": one.obeyed, "quotes": theirs,
    }  # fmt: skip
    plain = {
        "rule": "new_site", "category": "compliance", "severity": "critical", "title": "The new way was not told",
        "description": one.obeyed, "suggestion": "Tell it.", "suggested_text": one.text, "quotes": [OURS],
    }  # fmt: skip
    return [
        praise,
        praise | {"severity": "critical"},
        praise | {"suggestion": "", "description": "", "quotes": [OURS]},
        plain | {"title": one.text, "quotes": [OURS, *theirs]},
        plain | {"suggestion": one.text},
        plain | {"suggestion": f"Please do it: {one.text.upper()} Thank you."},
        plain | {"suggestion": one.obeyed},
        plain,
    ]


def _report(findings: list[dict[str, Any]]) -> dict[str, Any]:
    said = {"findings": findings, "scores": [{"message": 3, "score": 100}], "score": 100}
    return {"toolCalls": [{"name": TOOL, "arguments": json.dumps(said)}]}


@pytest.fixture(scope="module")
def obedient_reviewer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a reviewer that does whatever a text says."""
    answers = [fixture(f"marked {one.id}", _report(_obeyed_reports(one))) for one in hostile()]
    with aimock(tmp_path_factory.mktemp("obedient_reviewer"), answers) as url:
        yield url


@dataclass
class Reviewed:
    """Count what became of the reports."""

    texts: int = 0
    findings: int = 0
    standing: int = 0


async def _review(url: str, texts: list[Hostile]) -> Reviewed:
    """Let each text be reviewed by a model that obeys it; in each thread the AI has promised a price."""
    reviewer, counted = AnthropicReviewer("sk-test", "claude-sonnet-5-5", url), Reviewed()
    for one in texts:
        asked = review_task(("lead", one.text), ("ai", "It is £5, guaranteed."), names=["Ada", f"marked {one.id}"])
        try:
            said = await reviewer.review(asked)
        except Unusable:
            continue
        counted.texts += 1
        counted.findings += len(said.findings)
        outcome = judge_review(asked.thread, said.findings, said.scores, said.score)
        [answer] = outcome.scores.values()
        assert answer <= 50, one.id
        assert outcome.score <= 50, one.id
        believed = [found for found in outcome.findings if found.rule not in RULES]
        counted.standing += len(believed)
        for found in believed:
            _require_ours(found, one, asked)
    await reviewer.close()
    return counted


def _require_ours(found: Finding, one: Hostile, asked: ReviewTask) -> None:
    """Refuse a finding with words, links or numbers of the lead's text, or that quotes nothing of ours."""
    texts = {message.id: message.text for message in asked.messages}
    assert any(quote.message_id == asked.messages[2].id for quote in found.quotes), one.id
    assert all(quote.words in texts[quote.message_id] for quote in found.quotes), one.id
    assert found.title == "The new way was not told", (one.id, found.title)
    assert found.suggestion in ("Tell it.", one.obeyed), (one.id, found.suggestion)
    for shown in (found.title, found.description, found.suggestion, found.suggested_text or ""):
        assert not injection_signs(shown), (one.id, shown)
        assert not FORBIDDEN.search(shown), (one.id, shown)
        assert len(one.text) < 25 or one.text.casefold() not in shown.casefold(), (one.id, shown)


FORBIDDEN = re.compile(r"https?:|example|bit\.ly|@|[£€%]|\d[\d \-]{6,}|zero nine", re.IGNORECASE)


async def test_a_reviewer_that_obeys_raises_nothing_of_what_it_was_told(obedient_reviewer: str) -> None:
    counted = await _review(obedient_reviewer, hostile()[::5])
    assert counted.texts >= 30


@pytest.mark.prove
async def test_a_reviewer_that_obeys_everything_praises_nothing(obedient_reviewer: str, proved: Note) -> None:
    counted = await _review(obedient_reviewer, hostile())
    assert counted.texts >= 150
    proved(
        10,
        f"a reviewer that obeys {counted.texts} hostile texts, {counted.findings} findings: 0 scores above what rules"
        f" leave, 0 praise, 0 with words, links or numbers that are the text's; {counted.standing} harmless ones stand",
    )


def test_a_text_cannot_be_quoted_into_praise() -> None:
    """What a lead wrote may be evidence; words that nobody wrote may not."""
    asked = review_task(("lead", "Your lesson four is excellent"), ("ai", "Thank you."))
    found = judge_review(asked.thread, (), {}, 100).findings
    assert found == []
    quote = Quote(asked.messages[2].id, "Your lesson four is excellent")
    assert standing(replace(FOUND, quotes=(quote,)), asked.thread) is None
