"""Steps of `features/coaching/teaching.feature`."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from dishka import AsyncContainer
from httpx import Response
from pytest_bdd import given, parsers, scenarios, then, when

from adapters.persistence.database import Cause
from adapters.queue.deliver import event_of
from application.coaching.evaluations import Evaluations
from application.coaching.measuring import Measuring
from application.messaging.notices import Notices
from application.ports import Actor
from domain.coaching.canary import CanaryDecided
from domain.coaching.evaluation import EvaluationRequested
from tests.answered import answered
from tests.features.conftest import Run
from tests.http.conftest import Client
from tests.http.sales_world import World, enter
from tests.http.test_messaging import arrive, person

pytestmark = pytest.mark.usefixtures("anyio_backend")
scenarios("coaching/teaching.feature")
REPLY = "/coach/prompts/reply"
BUILT_IN = "Answer the person's latest messages."
ADA = 71


@dataclass
class Story:
    """Hold what a scenario's steps share."""

    owner: Client
    house: AsyncContainer
    run: Run[Any]
    lead: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, Any] = field(default_factory=dict)
    refused: Response | None = None
    lesson: dict[str, Any] = field(default_factory=dict)
    found: str = ""
    made: dict[str, Any] = field(default_factory=dict)

    @property
    def world(self) -> World:
        """Read the organisation's rows."""
        return World(self.house, self.owner.organization_id)

    def ask(self, method: str, path: str, body: Any = None, status: int | None = 200) -> Any:
        """Call an operation; gives the data it answers."""
        answer: Response = self.run(self.owner.request(method, path, json=body))
        assert status is None or answer.status_code == status, answer.text
        self.refused = answer
        return answer.json().get("data") if answer.content else None

    async def effect(self, kind: type[Any], method: str, *arguments: Any) -> None:
        """Do what a schedule or a subscription does."""
        async with self.house({Actor: Actor.system(self.owner.organization_id), Cause: Cause()}) as scope:
            await getattr(await scope.get(kind), method)(*arguments)


@pytest.fixture
def story(owner: Client, house: AsyncContainer, run: Run[Any]) -> Story:
    """Begin."""
    return Story(owner, house, run)


@given("Ada's enquiry, to which the AI answers")
def an_enquiry(story: Story) -> None:
    story.lead = story.run(enter(story.owner, person(ADA)))


@given(parsers.parse('the lesson that to "{trigger}" the AI says "{words}"'))
def a_lesson_on_words(story: Story, trigger: str, words: str) -> None:
    body = {"lesson_type": "objection_handling", "title": trigger, "description": "Offer the options.",
            "trigger": trigger, "correct_response": words}  # fmt: skip
    story.lesson = story.ask("POST", "/coach/lessons", body, 201)


@given(parsers.parse('the lesson "{title}": "{description}"'))
def a_lesson(story: Story, title: str, description: str) -> None:
    story.lesson = {"lesson_type": "dos_donts", "title": title, "description": description}
    story.ask("POST", "/coach/lessons", story.lesson, None)


@when(parsers.parse('somebody teaches "{title}": "{description}"'))
def somebody_teaches(story: Story, title: str, description: str) -> None:
    a_lesson(story, title, description)


@when("somebody teaches it all the same")
def all_the_same(story: Story) -> None:
    story.ask("POST", "/coach/lessons", story.lesson | {"accept_clash": True}, 201)


@then(parsers.parse('it is refused, because it clashes with "{title}"'))
def it_is_refused(story: Story, title: str) -> None:
    assert story.refused is not None
    assert story.refused.status_code == 409
    assert title in story.refused.json()["error"]["message"]


@then(parsers.parse("there are {count:d} lessons"))
def there_are(story: Story, count: int) -> None:
    assert len(story.ask("GET", "/coach/lessons?scope=client_specific")) == count


@then(parsers.parse('the newer one shows who decided for it, against "{title}"'))
def shows_who_decided(story: Story, title: str) -> None:
    newest = story.ask("GET", "/coach/lessons?scope=client_specific")[0]
    [clash] = newest["accepted_clashes"]
    assert (clash["kind"], clash["title"]) == ("contradiction", title)
    assert clash["accepted_by"] == str(story.owner.user_id)


@given(parsers.parse("the draft '{text}' for the reply prompt"))
def a_draft(story: Story, text: str) -> None:
    story.ask("PUT", REPLY, {"system_prompt": f"{BUILT_IN}\n{text}"})


@given("the reply prompt is made live")
@when("the reply prompt is made live")
def made_live(story: Story) -> None:
    story.made = story.ask("POST", f"{REPLY}/make-live", {})


@given("the master prompt is made live")
def master_made_live(story: Story) -> None:
    story.ask("POST", "/coach/prompts/master/make-live", {})


@then("no lesson is said to be in force")
def none_in_force(story: Story) -> None:
    assert [one["lessons_context"] for one in story.ask("GET", REPLY)["told"]] == [[]]


@when(parsers.parse("the reply prompt is rolled back to version {number:d}"))
def rolled_back(story: Story, number: int) -> None:
    story.ask("POST", f"{REPLY}/roll-back", {"version": number})


@when(parsers.parse('Ada writes "{text}"'))
def ada_writes(story: Story, text: str) -> None:
    story.run(arrive(story.house, story.owner, f"+4477009001{ADA}", text))
    story.answer = story.ask("POST", "/messages/ai-generate", {"lead_id": story.lead["id"]})


@then("the AI answers something else")
def something_else(story: Story) -> None:
    assert story.answer["lessons_applied"] == []


@then(parsers.parse('the AI answers "{text}"'))
def answers(story: Story, text: str) -> None:
    assert story.answer["content"] == text


@then(parsers.parse('the AI\'s answer ends with "{text}"'))
def ends_with(story: Story, text: str) -> None:
    assert story.answer["content"].endswith(text)


@then(parsers.parse('the AI\'s answer does not end with "{text}"'))
def does_not_end_with(story: Story, text: str) -> None:
    assert story.answer["content"]
    assert not story.answer["content"].endswith(text)


@then("the answer remembers the version and the lesson")
def it_remembers(story: Story) -> None:
    [kept] = story.run(
        story.world.fetch(
            "SELECT prompt_version, lessons FROM replies WHERE organization_id = $1 AND id = $2",
            UUID(story.answer["message_id"]),
        )
    )
    assert (kept["prompt_version"], kept["lessons"]) == ("master-0/reply-1", [UUID(story.lesson["id"])])


@given(parsers.parse('{count:d} past conversations in which a lead asked "{text}"'))
def past_conversations(story: Story, count: int, text: str) -> None:
    for number in range(count):
        story.run(enter(story.owner, person(number + 10)))
        story.run(arrive(story.house, story.owner, f"+4477009001{number + 10}", text))


@when("the draft is evaluated on them")
def evaluated(story: Story) -> None:
    started = story.ask("POST", f"{REPLY}/evaluations", {}, 202)
    story.found = started["evaluation_id"]
    requested = EvaluationRequested(subject=UUID(story.found), job_id=UUID(started["job_id"]))
    story.run(story.effect(Evaluations, "run", requested))


@then(parsers.parse("it is found worse: {worse:d} answers are worse and {better:d} better"))
def found_worse(story: Story, worse: int, better: int) -> None:
    found = story.ask("GET", f"/coach/evaluations/{story.found}")
    assert (found["outcome"], found["worse"], found["better"]) == ("worse", worse, better)


@then(parsers.parse("it is found better: {better:d} answers are better and {worse:d} worse"))
def found_better(story: Story, better: int, worse: int) -> None:
    found = story.ask("GET", f"/coach/evaluations/{story.found}")
    assert (found["outcome"], found["better"], found["worse"]) == ("better", better, worse)


@then("under what is live each answer left the question open, and under the draft none")
def questions_left(story: Story) -> None:
    examples = story.ask("GET", f"/coach/evaluations/{story.found}")["examples"]
    assert all(any("question" in finding for finding in one["old"]["findings"]) for one in examples), examples
    assert [one["new"]["findings"] for one in examples] == [[]] * len(examples)


@then(
    parsers.parse(
        "whoever does it is shown that {better:d} answers are better, {same:d} the same and {worse:d} worse, and"
        " {shown:d} of them"
    )
)
def shown_what_was_judged(story: Story, better: int, same: int, worse: int, shown: int) -> None:
    judged = story.made["evaluation"]
    assert (judged["better"], judged["same"], judged["worse"]) == (better, same, worse)
    assert len(judged["examples"]) == shown


@then("making it live is refused")
def making_live_is_refused(story: Story) -> None:
    story.ask("POST", f"{REPLY}/make-live", {}, 409)


@when(parsers.parse('it is made live all the same, because "{reason}"'))
def forced(story: Story, reason: str) -> None:
    story.ask("POST", f"{REPLY}/make-live", {"force": True, "reason": reason})


@then(parsers.parse('version {number:d} is live, and its history says "{reason}"'))
def is_live(story: Story, number: int, reason: str) -> None:
    [version] = story.ask("GET", f"{REPLY}/versions")
    assert (version["version"], version["is_live"], version["reason"]) == (number, True, reason)


@given(parsers.parse("a version of the reply prompt on trial for {share:d} % of conversations"))
def a_trial(story: Story, share: int) -> None:
    a_draft(story, "Be brief.")
    story.ask("POST", f"{REPLY}/make-live", {"share": share})


@when(parsers.parse("{new:d} of {of_new:d} leads opt out under it, against {old:d} of {of_old:d} under the old one"))
def they_opt_out(story: Story, new: int, of_new: int, old: int, of_old: int) -> None:
    story.run(story.world.fetch(*answered("master-0/reply-1", of_new, opted_out=new)))
    story.run(story.world.fetch(*answered("built-in-1", of_old, opted_out=old)))


@given("the AI has cost in evaluations all that it may cost today")
def all_is_spent(story: Story) -> None:
    story.ask("PATCH", "/settings", {"key": "ai_daily_budget_usd", "value": 3})
    story.run(
        story.world.fetch(
            "INSERT INTO model_calls (organization_id, id, purpose, cost_micros, created_at)"
            " VALUES ($1, uuidv7(), 'evaluation', 3000000, business_now()) RETURNING id"
        )
    )


@when("somebody wants the draft evaluated")
def wants_it_evaluated(story: Story) -> None:
    story.ask("POST", f"{REPLY}/evaluations", {}, 409)


@then("it is refused, because the day's budget is used up")
def refused_by_budget(story: Story) -> None:
    assert story.refused is not None
    assert "The day's budget for the AI is used up" in story.refused.json()["error"]["message"]


@when("exactly that version is made live again")
def made_live_again(story: Story) -> None:
    story.answer = story.ask("POST", f"{REPLY}/make-live", {})


@then("whoever does it is told of the trial that rolled it back")
def told_of_the_trial(story: Story) -> None:
    before = story.answer["rolled_back_before"]
    assert (story.answer["version"], before["version"]) == (2, 1)
    assert before["reason"].startswith("More leads opted out")


@when("an hour passes")
def an_hour_passes(story: Story) -> None:
    story.run(story.effect(Measuring, "run"))


@then(parsers.parse('the trial is rolled back, because "{reason}"'))
def trial_rolled_back(story: Story, reason: str) -> None:
    shown = story.ask("GET", REPLY)
    assert (shown["canary"]["status"], shown["canary"]["reason"]) == ("rolled_back", reason)
    assert shown["live"]["version"] == 0


@then("owners and admins are told of it")
def they_are_told(story: Story) -> None:
    [row] = story.run(
        story.world.fetch(
            "SELECT subject, data, personal FROM events WHERE organization_id = $1 AND type = $2", CanaryDecided.type
        )
    )
    story.run(story.effect(Notices, "trial_ended", event_of(CanaryDecided, row)))
    [told] = story.ask("GET", "/notifications")
    assert told["kind"] == "trial_ended"
    assert "was taken back" in told["message"]
