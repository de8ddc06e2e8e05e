"""The coach over HTTP: insights listed, shown, viewed and dismissed, reviews on demand, and who sees what of them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from dishka import AsyncContainer

from adapters.ai.sandbox_reviewer import SandboxReviewer
from adapters.persistence.database import Cause
from application.coaching.insight_counts import InsightCounts
from application.coaching.reviewing import Review, ReviewTask
from application.coaching.reviews import Reviews
from application.messaging.notices import Notices
from application.ports import Actor
from domain.coaching.finding import Category, Severity
from domain.coaching.insight import InsightRaised
from domain.coaching.review import ReviewDue
from domain.identity.role import Role
from domain.kernel import new_id
from domain.outreach.dataset import DatasetDeleted
from tests.http.conftest import Client, Join, OpenHouse
from tests.http.sales_world import World, enter
from tests.http.team import refused

pytestmark = pytest.mark.anyio
NO_OPT_OUT = "Hi Jane, is the bay window still of interest?"


@dataclass
class Desk:
    """Be an organisation with threads to review."""

    owner: Client
    world: World
    house: AsyncContainer
    numbers: int = 0

    async def thread(self, *said: tuple[str, str, str], **lead: Any) -> dict[str, Any]:
        """Make a lead with a thread of (direction, category, text); gives the ids."""
        self.numbers += 1
        contact = {"first_name": "Jane", "phone_number": f"07700 900{self.numbers:03d}"}
        entered = await enter(self.owner, contact, **lead)
        thread = new_id()
        await self.world.fetch(
            "INSERT INTO conversations (organization_id, id, contact_id, lead_id, channel, address, message_count,"
            " started_at, last_message_at) VALUES ($1, $2, $3, $4, 'sms', $5, 1, business_now(), business_now())",
            thread, UUID(entered["contact"]["id"]), UUID(entered["id"]), entered["contact"]["phone_number"],
        )  # fmt: skip
        messages = [await self._say(thread, *one) for one in said]
        return {"lead_id": entered["id"], "conversation_id": str(thread), "messages": [str(m) for m in messages]}

    async def _say(self, thread: UUID, direction: str, category: str, text: str) -> UUID:
        message_id = new_id()
        await self.world.fetch(
            "INSERT INTO messages (organization_id, id, conversation_id, contact_id, lead_id, channel, direction,"
            " category, status, body, sender, recipient, created_at)"
            " SELECT $1, $2, id, contact_id, lead_id, 'sms', $4, $5, $6, $7, '', address, clock_timestamp()"
            " FROM conversations WHERE organization_id = $1 AND id = $3",
            message_id, thread, direction, category, "received" if direction == "inbound" else "sent", text,
        )  # fmt: skip
        if category == "m1":
            await self.world.fetch(
                "INSERT INTO sends (organization_id, id, natural_key, purpose, channel, state, lead_id, contact_id,"
                " conversation_id, recipient, sender, due_at, verdict, reasons, created_at)"
                " SELECT $1, $2, $4, 'campaign', 'sms', 'accepted', lead_id, contact_id, id, address, '', now(),"
                " 'allow', '[]', now() FROM conversations WHERE organization_id = $1 AND id = $3",
                message_id, thread, str(message_id),
            )  # fmt: skip
        return message_id

    async def faulty(self, **lead: Any) -> dict[str, Any]:
        """Make a thread whose campaign text names no way out, and review it."""
        made = await self.thread(("outbound", "m1", NO_OPT_OUT), ("inbound", "reply", "Hello"), **lead)
        await self.review(made)
        return made

    async def review(self, made: dict[str, Any]) -> None:
        """Review a thread as a worker does."""
        context = {Actor: Actor.system(self.owner.organization_id), Cause: Cause()}
        async with self.house(context) as scope:
            await (await scope.get(Reviews)).review(ReviewDue(subject=UUID(made["conversation_id"])))

    async def insights(self, client: Client | None = None, **params: str) -> list[dict[str, Any]]:
        """List insights."""
        answer = await (client or self.owner).get("/coach/insights", params=params)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]
        return found


@pytest.fixture
async def desk(owner: Client, house: AsyncContainer) -> Desk:
    """Make one."""
    return Desk(owner, World(house, owner.organization_id), house)


async def test_an_insight_is_listed_with_its_evidence_and_its_count(desk: Desk) -> None:
    await desk.faulty()
    latest = await desk.faulty()
    answer = await desk.owner.get("/coach/insights")
    [insight] = answer.json()["data"]
    assert answer.json()["summary"] == {"critical": 1, "urgent": 0, "warning": 0, "suggestion": 0, "info": 0}
    assert (insight["severity"], insight["category"], insight["status"]) == ("critical", "compliance", "pending")
    assert insight["affected_leads_count"] == 2
    assert insight["original_text"] == NO_OPT_OUT
    assert insight["suggested_text"] == f"{NO_OPT_OUT} Reply STOP to opt out."
    assert (insight["conversation_id"], insight["message_id"]) == (latest["conversation_id"], latest["messages"][0])
    shown = (await desk.owner.get(f"/coach/insights/{insight['id']}")).json()["data"]
    assert [(one["lead_id"], one["by"], one["words"]) for one in shown["evidence"]][:1] == [
        (latest["lead_id"], "campaign", NO_OPT_OUT)
    ]
    assert len(shown["evidence"]) == 2
    lead = (await desk.owner.get(f"/leads/{latest['lead_id']}")).json()["data"]
    assert [(one["id"], one["severity"], one["status"]) for one in lead["insights"]] == [
        (insight["id"], "critical", "pending")
    ]


async def test_a_repeated_request_for_a_review_asks_no_model_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await desk.thread(("outbound", "m1", NO_OPT_OUT), ("inbound", "reply", "Hello"))
    real, calls = SandboxReviewer.review, []

    async def review(self: SandboxReviewer, task: ReviewTask) -> Review:
        calls.append(task)
        return await real(self, task)

    monkeypatch.setattr(SandboxReviewer, "review", review)
    for path, body in (
        ("/coach/analyze-conversation", {"conversation_id": made["conversation_id"]}),
        ("/coach/analyze-message", {"message_id": made["messages"][0]}),
    ):
        calls.clear()
        first, again = [await desk.owner.post(path, json=body, headers={"Idempotency-Key": "once"}) for _ in range(2)]
        assert (first.status_code, again.json()) == (200, first.json())
        assert len(calls) == 1


async def test_insights_are_narrowed_and_walked(desk: Desk) -> None:
    made = await desk.thread(
        ("outbound", "m1", NO_OPT_OUT), ("inbound", "reply", "ok"), ("outbound", "ai_response", "It is £5!!!")
    )
    await desk.review(made)
    assert len(await desk.insights()) == 3
    assert [one["rule"] for one in await desk.insights(severity="warning")] == ["shouting"]
    assert [one["rule"] for one in await desk.insights(category="accuracy")] == ["price_promise"]
    assert len(await desk.insights(lead_id=made["lead_id"])) == 3
    assert await desk.insights(lead_id=str(new_id())) == []
    assert len(await desk.insights(conversation_id=made["conversation_id"])) == 3
    assert await desk.insights(dataset_id=str(new_id())) == []
    assert await desk.insights(status="dismissed") == []
    assert len(await desk.insights(status="all")) == 3
    first = await desk.owner.get("/coach/insights", params={"limit": "2"})
    cursor = first.json()["pagination"]["next_cursor"]
    second = await desk.owner.get("/coach/insights", params={"limit": "2", "cursor": cursor})
    ids = [one["id"] for page in (first, second) for one in page.json()["data"]]
    assert len(set(ids)) == 3
    narrowed = await desk.owner.get("/coach/insights", params={"severity": "warning"})
    assert narrowed.json()["summary"]["critical"] == 2, "the summary counts what the other filters leave"


@pytest.mark.parametrize("params", [{"status": "gone"}, {"severity": "dire"}, {"lead_id": "7"}, {"sort": "title"}])
async def test_a_list_says_what_it_cannot_be_narrowed_by(desk: Desk, params: dict[str, str]) -> None:
    assert refused(await desk.owner.get("/coach/insights", params=params), 400) == "VALIDATION_ERROR"


async def test_viewed_and_dismissed(desk: Desk, join: Join) -> None:
    made = await desk.faulty()
    [insight] = await desk.insights()
    path = f"/coach/insights/{insight['id']}"
    for _ in range(2):
        viewed = await desk.owner.post(f"{path}/view")
        assert (viewed.status_code, viewed.json()["data"]["status"]) == (200, "viewed"), viewed.text
    reader = await join(desk.owner, Role.READ_ONLY)
    assert (await reader.get(path)).status_code == 200
    assert refused(await reader.post(f"{path}/view"), 403) == "PERMISSION_DENIED"
    assert refused(await reader.post(f"{path}/dismiss", json={}), 403) == "PERMISSION_DENIED"
    stale = await desk.owner.post(f"{path}/dismiss", json={}, headers={"If-Match": '"1"'})
    assert refused(stale, 409) == "STALE_VERSION"
    assert refused(await desk.owner.post(f"{path}/dismiss", json={"reason": ""}), 400) == "VALIDATION_ERROR"
    dismissed = (await desk.owner.post(f"{path}/dismiss", json={"reason": "They know us."})).json()["data"]
    assert (dismissed["status"], dismissed["note"], dismissed["decided_by"]) == (
        "dismissed", "They know us.", str(desk.owner.user_id),
    )  # fmt: skip
    assert refused(await desk.owner.post(f"{path}/dismiss", json={}), 409) == "CONFLICT"
    await desk.review(made)
    assert await desk.insights() == []
    assert len(await desk.insights(status="dismissed")) == 1


async def test_another_organisations_insight_is_not_there(desk: Desk, stranger: Client) -> None:
    made = await desk.faulty()
    [insight] = await desk.insights()
    assert await desk.insights(stranger) == []
    assert refused(await stranger.get(f"/coach/insights/{insight['id']}"), 404) == "NOT_FOUND"
    for act in ("view", "dismiss"):
        assert refused(await stranger.post(f"/coach/insights/{insight['id']}/{act}", json={}), 404) == "NOT_FOUND"
    body = {"conversation_id": made["conversation_id"]}
    assert refused(await stranger.post("/coach/analyze-conversation", json=body), 404) == "NOT_FOUND"
    assert refused(await stranger.post("/coach/analyze-message", json={"message_id": made["messages"][0]}), 404)


async def test_whoever_sees_some_leads_sees_those_words_and_counts_only(desk: Desk, join: Join) -> None:
    dataset_id = await desk.world.dataset()
    rita = await join(desk.owner, Role.REP)
    others = await join(desk.owner, Role.REP)
    limited = await join(desk.owner, Role.ADMIN, dataset_ids=[dataset_id])
    theirs = await desk.faulty(assigned_to=str(others.user_id))
    hers = await desk.faulty(assigned_to=str(rita.user_id), dataset_id=str(dataset_id))
    await desk.faulty(assigned_to=str(others.user_id))
    [whole] = await desk.insights()
    assert whole["affected_leads_count"] == 3
    for who in (rita, limited):
        [seen] = await desk.insights(who)
        assert (seen["affected_leads_count"], seen["conversation_id"]) == (1, hers["conversation_id"])
        shown = (await who.get(f"/coach/insights/{seen['id']}")).json()["data"]
        assert [one["lead_id"] for one in shown["evidence"]] == [hers["lead_id"]]
        assert await desk.insights(who, lead_id=theirs["lead_id"]) == []
        part = await who.post(f"/coach/insights/{seen['id']}/dismiss", json={})
        assert refused(part, 403) == "PERMISSION_DENIED", "nobody decides about what they see a part of"
        body = {"conversation_id": theirs["conversation_id"]}
        assert refused(await who.post("/coach/analyze-conversation", json=body), 404) == "NOT_FOUND"
    blind = await join(desk.owner, Role.ADMIN, dataset_ids=[await desk.world.dataset()])
    assert await desk.insights(blind) == []
    assert (await blind.get("/coach/insights")).json()["summary"]["critical"] == 0
    assert refused(await blind.get(f"/coach/insights/{whole['id']}"), 404) == "NOT_FOUND"


async def test_a_review_on_demand(desk: Desk, join: Join) -> None:
    made = await desk.thread(
        ("outbound", "m1", f"{NO_OPT_OUT} Reply STOP to opt out."), ("inbound", "reply", "How much?"),
        ("outbound", "ai_response", "It is £5."),
    )  # fmt: skip
    answer = await desk.owner.post("/coach/analyze-message", json={"message_id": made["messages"][2]})
    assert answer.status_code == 200, answer.text
    shown = answer.json()["data"]
    assert (shown["status"], shown["score"], shown["message_scores"]) == ("done", 50, {made["messages"][2]: 50})
    [found] = shown["findings"]
    assert found["quotes"] == [{"message_id": made["messages"][2], "words": "£5"}]
    assert shown["insight_ids"] == [one["id"] for one in await desk.insights()]
    thread = (await desk.owner.get(f"/conversations/{made['conversation_id']}")).json()["data"]
    assert thread["quality_score"] == 50
    assert [(one["ai_generated"], one["ai_quality_score"]) for one in thread["messages"]] == [
        (False, None), (False, None), (True, 50),
    ]  # fmt: skip
    assert [one["id"] for one in thread["messages"][2]["insights"]] == shown["insight_ids"]
    whole = await desk.owner.post("/coach/analyze-conversation", json={"conversation_id": made["conversation_id"]})
    assert whole.json()["data"]["score"] == 50
    reader = await join(desk.owner, Role.READ_ONLY)
    body = {"conversation_id": made["conversation_id"]}
    assert refused(await reader.post("/coach/analyze-conversation", json=body), 403) == "PERMISSION_DENIED"
    assert refused(await desk.owner.post("/coach/analyze-conversation", json={}), 400) == "VALIDATION_ERROR"
    empty = await desk.thread(("inbound", "reply", "Hello"))
    body = {"conversation_id": empty["conversation_id"]}
    assert refused(await desk.owner.post("/coach/analyze-conversation", json=body), 409) == "CONFLICT"


async def test_without_a_model_reviews_are_not_configured(desk: Desk, open_house: OpenHouse) -> None:
    made = await desk.faulty()
    bare = await open_house(desk.owner, sandbox=False)
    answer = await bare.post("/coach/analyze-conversation", json={"conversation_id": made["conversation_id"]})
    assert refused(answer, 501) == "INTEGRATION_NOT_CONFIGURED"
    assert (await bare.get("/coach/insights")).status_code == 200


async def test_a_cron_of_somebody_elses_can_ask_for_reviews(desk: Desk) -> None:
    await desk.world.fetch(
        "INSERT INTO schedules (name, organization_id, next_due_at)"
        " VALUES ('coaching.sweep', $1, business_now() + interval '10 min') RETURNING name"
    )
    secret = {"Authorization": "Bearer cron-secret-of-the-tests"}
    answer = await desk.owner.get("/cron/coach-analysis", headers=secret)
    assert answer.status_code == 202, answer.text
    assert answer.json()["data"]["organizations"] >= 1
    [row] = await desk.world.fetch(
        "SELECT next_due_at <= business_now() AS is_due FROM schedules"
        " WHERE organization_id = $1 AND name = 'coaching.sweep'"
    )
    assert row["is_due"]


@pytest.mark.parametrize(("severity", "told"), [(Severity.CRITICAL, True), (Severity.URGENT, True),
                                                (Severity.WARNING, False)])  # fmt: skip
async def test_what_cannot_wait_is_told(desk: Desk, join: Join, severity: Severity, told: bool) -> None:
    rita = await join(desk.owner, Role.REP)
    made = await desk.faulty(assigned_to=str(rita.user_id))
    [insight] = await desk.insights()
    event = InsightRaised(
        subject=UUID(insight["id"]), severity=severity, category=Category.COMPLIANCE,
        conversation_id=UUID(made["conversation_id"]), lead_id=UUID(made["lead_id"]),
    )  # fmt: skip
    async with desk.house({Actor: Actor.system(desk.owner.organization_id), Cause: Cause()}) as scope:
        await (await scope.get(Notices)).insight(event)
    for who in (desk.owner, rita):
        shown = (await who.get("/notifications")).json()["data"]
        assert [one["title"] for one in shown] == (
            ["Sophie: The first campaign text does not say how to opt out"] if told else []
        )
        assert all(one["link"] == f"/coach/insights/{insight['id']}" for one in shown)


async def test_what_went_with_its_dataset_counts_no_more(desk: Desk) -> None:
    dataset_id = await desk.world.dataset()
    await desk.faulty(dataset_id=str(dataset_id))
    kept = await desk.faulty()
    made = await desk.thread(
        ("outbound", "m1", f"{NO_OPT_OUT} STOP to opt out."), ("inbound", "reply", "ok"),
        ("outbound", "human_manual", "Answer!!!"), dataset_id=str(dataset_id),
    )  # fmt: skip
    await desk.review(made)
    assert len(await desk.insights()) == 2
    assert (await desk.owner.delete(f"/datasets/{dataset_id}")).status_code == 204
    async with desk.house({Actor: Actor.system(desk.owner.organization_id), Cause: Cause()}) as scope:
        await (await scope.get(InsightCounts)).dataset_gone(DatasetDeleted(subject=dataset_id, name="Old"))
    [left] = await desk.insights()
    assert (left["rule"], left["affected_leads_count"]) == ("no_opt_out", 1)
    assert left["conversation_id"] == kept["conversation_id"]
