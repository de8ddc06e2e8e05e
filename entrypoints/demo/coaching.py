"""How the AI is taught in the demo: what the coach found, what a person makes of it, and what came of that."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import httpx

from entrypoints.demo.client import Client

APPROVED = 2
_NOTE = "It has worked well for us; make it a habit."
_LESSONS = (
    {
        "lesson_type": "objection_handling",
        "title": "Who hesitates is offered a call",
        "description": "Somebody who is not sure has a question that no text answers: offer two times for a call.",
        "reasoning": "A call takes five minutes and answers what holds them back.",
        "priority": 8,
        "accept_clash": True,
    },
    {
        "lesson_type": "objection_handling",
        "title": "They ask where we are",
        "description": "Say that we come to them.",
        "trigger": "They ask where we are",
        "correct_response": "We come to you at home, and the first visit is a look round.",
        "reasoning": "Who does not learn it does not ask again.",
        "priority": 9,
        "accept_clash": True,
    },
)
_PROMPT = "Answer the person's latest messages. Where they hesitate, make the next step a small one."
_SHOWN = 5
_CASES = 20
_LEFT_OPEN = "unanswered"


@dataclass(slots=True)
class Coaching:
    """Teach the AI between the first touch and the second, as a sales manager would; `tell` gets what is done."""

    client: Client
    tell: Callable[[str], None]

    def teach(self) -> None:
        """Approve insights, add lessons, and make a prompt live that was compared with the one before."""
        insights = self._insights("pending")
        self.tell(f"the coach waits with {len(insights)} insights")
        for insight in [one for one in insights if one["suggestion"]][:APPROVED]:
            body = {"learning_note": _NOTE, "accept_clash": True}
            self.client.call("POST", f"/coach/insights/{insight['id']}/agree", json=body)
            self.tell(f"a person agrees: {insight['suggestion']}")
        for lesson in _LESSONS:
            self.client.call("POST", "/coach/lessons", json=lesson)
            self.tell(f"and teaches: {lesson['title']}")
        self._keep_open_questions(insights)
        self.client.call("PUT", "/coach/prompts/reply", json={"system_prompt": _PROMPT})
        started = self.client.call("POST", "/coach/prompts/reply/evaluations", json={"cases": _CASES})
        self.client.finished(started["job_id"])
        found = self.client.call("GET", f"/coach/evaluations/{started['evaluation_id']}")
        counts = f"{found['better']} better, {found['same']} same, {found['worse']} worse"
        self.tell(f"past conversations answered with the draft: {found['outcome']} ({counts})")
        answer = self.client.answer("POST", "/coach/prompts/reply/make-live", json={})
        if answer.status_code == httpx.codes.CONFLICT:
            self.tell(f"the draft does not go live: {answer.json()['error']['message']}")
            return
        made = answer.json()["data"]
        self.tell(f"version {made['version']} of the prompt goes live with {made['lessons_included']} lessons")

    def _keep_open_questions(self, insights: Iterable[dict[str, Any]]) -> None:
        """Choose conversations in which the coach found a question left open, for drafts to be compared on."""
        found = [self.client.call("GET", f"/coach/insights/{i['id']}") for i in insights if i["rule"] == _LEFT_OPEN]
        threads = sorted({evidence["conversation_id"] for insight in found for evidence in insight["evidence"]})
        for thread in threads[:_CASES]:
            self.client.call("POST", "/coach/evaluation-cases", json={"conversation_id": thread})
        self.tell(f"{len(threads[:_CASES])} conversations with a question that was left open are kept to compare on")

    def report(self) -> Iterable[str]:
        """Show what was found, and what the lessons changed."""
        yield ""
        yield "What the coach found"
        for one in self._insights("all")[:_SHOWN]:
            yield f"  {one['affected_leads_count']:>5} leads  {one['severity']:<10} {one['title']} ({one['status']})"
        impact = self.client.call("GET", "/analytics/coach-impact")
        compared = impact["performance_improvement"]
        yield ""
        yield "What the lessons changed (simulated: docs/sandbox.md says how people take a text)"
        yield "                     leads  booked   rate  95 % interval"
        for title, group in (("without lessons", compared["baseline"]), ("with lessons", compared["current"])):
            yield f"  {title:<17} {group['leads']:>6} {group['booked']:>7} {_percent(group)}"
        sure = compared["confidence_level"]
        yield f"  {'':<17} {compared['reason'] or f'{sure} % sure that they differ (two-proportion z-test)'}"
        for lesson in impact["top_lessons"]:
            yield f"  {lesson['times_applied']:>5} times  {lesson['title']}"

    def _insights(self, status: str) -> list[dict[str, Any]]:
        found = self.client.every("/coach/insights", status=status)
        return sorted(found, key=lambda one: (-one["affected_leads_count"], one["rule"]))


def _percent(group: dict[str, Any]) -> str:
    if group["interval"] is None:
        return "     –"
    low, high = group["interval"]
    return f"{group['booking_rate']:>5} %  {low} to {high} %"
