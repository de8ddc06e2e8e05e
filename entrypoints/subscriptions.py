"""One page: which event is followed by what, and who is called when a schedule is due."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from adapters.queue.deliver import Subscription
from adapters.queue.relay import Route
from application.analytics.facts import COUNTED
from application.analytics.rollups import COUNT, Counting
from application.coaching.evaluations import Evaluations
from application.coaching.insight_counts import InsightCounts
from application.coaching.measuring import MEASURE, Measuring
from application.coaching.patterns import Patterns
from application.coaching.reviewed import DAILY, REVIEW, SWEEP
from application.coaching.reviews import Reviews
from application.identity.organization_erasure import ERASE, OrganizationErasure
from application.mails import MAILS, MailHandOver
from application.messaging.answering import ANSWER
from application.messaging.call_promises import CallPromises
from application.messaging.consent import Consents
from application.messaging.conversations import Conversations
from application.messaging.gate import SEND, SETTLE
from application.messaging.notices import Notices
from application.messaging.notification_mail import Digests
from application.messaging.notifying import DIGEST
from application.messaging.reconciling import RECONCILE, Reconciling
from application.messaging.replies import Replies
from application.messaging.sending import Sending
from application.messaging.touch_writing import WRITE, TouchWriting
from application.outreach.campaigns import PLAN
from application.outreach.dataset_removals import DatasetRemovals
from application.outreach.import_undo import ImportUndo
from application.outreach.imports import Imports
from application.outreach.planning import Planning
from application.platform.exports import FORGET, Exports
from application.platform.personal_data import EXPIRE, PersonalData
from application.scheduling.desk import CalendarDesk
from application.scheduling.effects import REMIND
from application.scheduling.effects import SETTLE as SETTLE_BOOKINGS
from application.scheduling.reminders import Reminders
from application.scheduling.reports import BookingReports
from domain.coaching.canary import CanaryDecided
from domain.coaching.evaluation import EvaluationRequested
from domain.coaching.insight import InsightRaised
from domain.coaching.review import ReviewDue
from domain.identity.membership import UserSuspended
from domain.identity.organization import OrganizationDeleted
from domain.messaging.conversation import PersonAwaited
from domain.messaging.message import (
    MailFailed,
    MessagePlanned,
    MessageReceived,
    MessagesSettled,
    RecipientRefused,
    TextArrived,
    TextingFailed,
)
from domain.messaging.reply import AiFailed, AnswerDue, HandedToPerson, LeadTurnedHot, SlotAccepted
from domain.outreach.campaign import CampaignCompleted
from domain.outreach.dataset import DatasetDeleted, DatasetRemovalRequested
from domain.outreach.lead_import import ImportEnded, ImportRequested, UndoRequested
from domain.platform.export import TableExportRequested
from domain.platform.job import JobEnded
from domain.platform.personal_data import ErasureRequested, ExportRequested
from domain.scheduling.booking import BookingCancelled, BookingFailed, BookingMade, BookingMoved
from domain.scheduling.report import BookingReported

FOLLOWS: tuple[Subscription, ...] = (
    Subscription("conversations.receive", TextArrived, Conversations, "receive", queue="replies"),
    Subscription("sending.send_one", MessagePlanned, Sending, "send_one", queue="replies", long=True),
    Subscription("replies.answer", AnswerDue, Replies, "answer", queue="answers", long=True, given_up="give_up"),
    Subscription("replies.book", SlotAccepted, CallPromises, "book", queue="answers", long=True, given_up="give_up"),
    Subscription("replies.call_failed", BookingFailed, CallPromises, "failed", queue="replies"),
    Subscription("consents.refused", RecipientRefused, Consents, "refused", queue="replies"),
    Subscription("planning.advance", MessagesSettled, Planning, "advance", queue="campaigns"),
    Subscription("bookings.follow", BookingReported, BookingReports, "follow"),
    Subscription("reviews.heard", MessageReceived, Reviews, "heard", queue="reviews"),
    Subscription("reviews.settled", MessagesSettled, Reviews, "settled", queue="reviews"),
    Subscription("reviews.review", ReviewDue, Reviews, "review", queue="reviews", long=True, given_up="give_up"),
    Subscription("insights.recount", DatasetDeleted, InsightCounts, "dataset_gone", queue="reviews"),
    Subscription("insights.recount_removed", JobEnded, InsightCounts, "job_ended", queue="reviews"),
    Subscription("notices.insight", InsightRaised, Notices, "insight"),
    Subscription("notices.hot", LeadTurnedHot, Notices, "hot"),
    Subscription("notices.handed_over", HandedToPerson, Notices, "handed_over"),
    Subscription("notices.awaited", PersonAwaited, Notices, "awaited"),
    Subscription("notices.booked", BookingMade, Notices, "booked"),
    Subscription("notices.moved", BookingMoved, Notices, "moved"),
    Subscription("notices.cancelled", BookingCancelled, Notices, "cancelled"),
    Subscription("notices.not_booked", BookingFailed, Notices, "not_booked"),
    Subscription("notices.texting_failed", TextingFailed, Notices, "texting_failed"),
    Subscription("notices.trial_ended", CanaryDecided, Notices, "trial_ended"),
    Subscription("notices.mail_failed", MailFailed, Notices, "mail_failed"),
    Subscription("notices.ai_failed", AiFailed, Notices, "ai_failed"),
    Subscription("notices.shut_out", UserSuspended, Notices, "shut_out"),
    Subscription("notices.campaign_finished", CampaignCompleted, Notices, "campaign_finished"),
    Subscription("notices.imported", ImportEnded, Notices, "imported"),
    Subscription("notices.job_ended", JobEnded, Notices, "job_ended"),
    Subscription("imports.run", ImportRequested, Imports, "run", queue="imports", long=True, given_up="give_up"),
    Subscription("imports.undo", UndoRequested, ImportUndo, "run", queue="imports", long=True, given_up="give_up"),
    Subscription(
        "datasets.remove",
        DatasetRemovalRequested,
        DatasetRemovals,
        "run",
        queue="imports",
        long=True,
        given_up="give_up",
    ),
    Subscription(
        "evaluations.run", EvaluationRequested, Evaluations, "run", queue="imports", long=True, given_up="give_up"
    ),
    Subscription(
        "personal_data.write", ExportRequested, PersonalData, "write", queue="imports", long=True,
        given_up="give_up_export",
    ),
    Subscription(
        "personal_data.remove", ErasureRequested, PersonalData, "remove", queue="imports", long=True,
        given_up="give_up_erasure",
    ),
    Subscription(
        "exports.write", TableExportRequested, Exports, "write", queue="imports", long=True, given_up="give_up"
    ),
    Subscription(
        "organization_erasure.silence", OrganizationDeleted, OrganizationErasure, "silence", queue="imports", long=True
    ),
)  # fmt: skip

# Their leases are short, so that a dead worker's campaigns stand still for seconds; taken up twice, they do no harm.
SCHEDULED: tuple[Subscription, ...] = (
    Subscription(PLAN, None, Planning, "plan", queue="campaigns", lease_seconds=5, long=True),
    Subscription(SEND, None, Sending, "send_due", queue="campaigns", lease_seconds=5, long=True),
    Subscription(SETTLE, None, Sending, "settle", queue="default", lease_seconds=5, long=True),
    Subscription(ANSWER, None, Replies, "begin_due", queue="default", lease_seconds=5, long=True),
    Subscription(WRITE, None, TouchWriting, "write_due", queue="touches", lease_seconds=5, long=True),
    Subscription(REVIEW, None, Reviews, "begin_due", queue="reviews", lease_seconds=10, long=True),
    Subscription(DAILY, None, Patterns, "detect_daily", queue="reviews", long=True),
    Subscription(SWEEP, None, Reviews, "sweep", queue="reviews", long=True),
    Subscription(RECONCILE, None, Reconciling, "run", queue="default", long=True),
    Subscription(FORGET, None, Exports, "forget", long=True),
    Subscription(EXPIRE, None, PersonalData, "expire", long=True),
    Subscription(ERASE, None, OrganizationErasure, "when_due", queue="imports", long=True),
    Subscription(SETTLE_BOOKINGS, None, CalendarDesk, "settle", queue="default", lease_seconds=5, long=True),
    Subscription(REMIND, None, Reminders, "remind", queue="default", long=True),
    Subscription(MEASURE, None, Measuring, "run", queue="default", long=True),
    Subscription(DIGEST, None, Digests, "gather"),
    Subscription(COUNT, None, Counting, "count", long=True),
    Subscription(MAILS, None, MailHandOver, "settle", queue="default", lease_seconds=5, long=True),
)

SUBSCRIPTIONS: Mapping[str, Subscription] = {s.name: s for s in (*FOLLOWS, *SCHEDULED)}

GATHERED: Mapping[str, str] = dict.fromkeys(COUNTED, COUNT)
"""Which events are worked off together, by a schedule that the relay sets: read from the log, not one by one."""


def _route(subscription: Subscription) -> Route:
    return Route(subscription.name, subscription.queue, subscription.lease_seconds)


def routes() -> Mapping[str, Sequence[Route]]:
    """Map each event's type to those who follow it."""
    found: defaultdict[str, list[Route]] = defaultdict(list)
    for subscription in FOLLOWS:
        assert subscription.event is not None
        found[subscription.event.type].append(_route(subscription))
    return found


def schedules() -> Mapping[str, Route]:
    """Map each schedule's name to who is called."""
    return {subscription.name: _route(subscription) for subscription in SCHEDULED}
