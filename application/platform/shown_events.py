"""One page: which events people are shown as they happen (`docs/channels.md`); what stands nowhere here is not."""

from collections.abc import Mapping

from application.platform.happened import About, Shown
from domain.coaching.canary import CanaryDecided
from domain.coaching.evaluation import EvaluationEnded
from domain.coaching.insight import InsightDecided, InsightRaised
from domain.coaching.lesson import LessonArchived, LessonChanged, LessonLearned
from domain.coaching.prompt import PromptChanged, PromptMadeLive, PromptRolledBack
from domain.identity.api_key import ApiKeyChanged, ApiKeyCreated, ApiKeyRevoked
from domain.identity.brand import BrandChanged, BrandCreated, BrandDeleted
from domain.identity.email_account import EmailAccountAdded, EmailAccountAssigned, EmailAccountRemoved
from domain.identity.integration import IntegrationChanged, IntegrationRemoved
from domain.identity.location import LocationChanged, LocationCreated, LocationDeleted
from domain.identity.membership import (
    InvitationWithdrawn,
    UserChanged,
    UserInvited,
    UserJoined,
    UserReactivated,
    UserSuspended,
)
from domain.identity.organization import OrganizationChanged, OrganizationDeleted
from domain.identity.role import Permission
from domain.identity.sms_gateway import SmsGatewayAdded, SmsGatewayChanged, SmsGatewayRemoved
from domain.kernel import Event
from domain.messaging.conversation import TurnChanged
from domain.messaging.message import (
    MailFailed,
    MessagePlanned,
    MessageReceived,
    MessagesSettled,
    OptedIn,
    OptedOut,
    TextingFailed,
)
from domain.messaging.notification import NotificationMade
from domain.messaging.reply import AiFailed, HandedToPerson, LeadTurnedHot
from domain.outreach.campaign import CampaignCompleted, CampaignPaused, CampaignResumed, CampaignStarted
from domain.outreach.dataset import DatasetChanged, DatasetCreated, DatasetDeleted
from domain.outreach.lead_import import ImportEnded, ImportUndone, LeadsImported, LeadsRemoved
from domain.platform.job import JobAdvanced, JobEnded
from domain.sales.contact import ContactChanged, ContactCreated, ContactDeleted
from domain.sales.lead import (
    ContactStatusSet,
    LeadArchived,
    LeadAssigned,
    LeadChanged,
    LeadCreated,
    LeadMoved,
    LeadUnarchived,
    ManualModeSet,
)
from domain.sales.note import NoteAdded, NoteDeleted, NoteEdited
from domain.sales.tag import TagApplied, TagChanged, TagCreated, TagDeleted, TagRemoved
from domain.scheduling.booking import BookingCancelled, BookingFailed, BookingMade, BookingMoved

COMMUNICATION = "communication:new"
"""What 001 calls a message that came in or went out."""


def _shown(
    permission: Permission, about: About, *events: type[Event], says: tuple[str, ...] = (), name: str | None = None
) -> tuple[Shown, ...]:
    return tuple(Shown(event.type, permission, about, says, name) for event in events)


_ROWS = (
    *_shown(Permission.LEADS_READ, About.LEAD, LeadCreated, says=("contact_id", "dataset_id")),
    *_shown(
        Permission.LEADS_READ, About.LEAD, LeadMoved, LeadChanged, LeadArchived, LeadUnarchived, LeadAssigned,
        ManualModeSet, ContactStatusSet,
    ),
    *_shown(Permission.LEADS_READ, About.LEAD, TagApplied, TagRemoved, says=("tag_id",)),
    *_shown(Permission.LEADS_READ, About.LEAD, NoteAdded, NoteEdited, NoteDeleted, says=("note_id",)),
    *_shown(Permission.LEADS_READ, About.LEAD, LeadTurnedHot, says=("conversation_id",)),
    *_shown(
        Permission.CONTACTS_READ, About.CONTACT, ContactCreated, ContactChanged, ContactDeleted, OptedOut, OptedIn
    ),
    *_shown(
        Permission.MESSAGES_READ, About.THREAD, MessageReceived, says=("conversation_id", "contact_id"),
        name=COMMUNICATION,
    ),
    *_shown(Permission.MESSAGES_READ, About.MESSAGES, MessagesSettled, name=COMMUNICATION),
    *_shown(Permission.MESSAGES_READ, About.THREAD, MessagePlanned, TurnChanged),
    *_shown(Permission.MESSAGES_READ, About.THREAD, HandedToPerson, says=("contact_id",)),
    *_shown(Permission.COACH_READ, About.THREAD, InsightRaised, says=("severity", "category", "conversation_id")),
    *_shown(Permission.COACH_READ, About.THREAD, InsightDecided, says=("status", "lesson_id")),
    *_shown(
        Permission.BOOKINGS_READ, About.LEAD, BookingMade, BookingMoved, BookingCancelled, BookingFailed,
        says=("booking_id",),
    ),
    *_shown(Permission.DATASETS_READ, About.DATASET, DatasetCreated, DatasetChanged, DatasetDeleted),
    *_shown(Permission.DATASETS_READ, About.DATASET, LeadsImported, LeadsRemoved, says=("import_id",)),
    *_shown(Permission.DATASETS_READ, About.DATASET, ImportEnded, ImportUndone, says=("dataset_id",)),
    *_shown(
        Permission.CAMPAIGNS_READ, About.DATASET, CampaignStarted, CampaignPaused, CampaignResumed, CampaignCompleted,
        says=("dataset_id",),
    ),
    *_shown(Permission.JOBS_READ, About.JOB, JobAdvanced, says=("kind", "done", "total")),
    *_shown(Permission.JOBS_READ, About.JOB, JobEnded, says=("kind", "status")),
    *_shown(Permission.ORGANIZATION_READ, About.PERSON, NotificationMade, says=("kind",)),
    *_shown(Permission.COACH_READ, About.ORGANIZATION, LessonLearned, LessonChanged, LessonArchived),
    *_shown(Permission.COACH_READ, About.ORGANIZATION, PromptChanged, says=("prompt_type",)),
    *_shown(
        Permission.COACH_READ, About.ORGANIZATION, PromptMadeLive, PromptRolledBack, says=("prompt_type", "number")
    ),
    *_shown(Permission.COACH_READ, About.ORGANIZATION, EvaluationEnded, says=("prompt_type", "outcome")),
    *_shown(Permission.COACH_READ, About.ORGANIZATION, CanaryDecided, says=("prompt_type", "number", "status")),
    *_shown(Permission.TAGS_READ, About.ORGANIZATION, TagCreated, TagChanged, TagDeleted),
    *_shown(
        Permission.LOCATIONS_READ, About.LOCATION, BrandCreated, BrandChanged, BrandDeleted, LocationCreated,
        LocationChanged, LocationDeleted,
    ),
    *_shown(Permission.ORGANIZATION_READ, About.ORGANIZATION, OrganizationChanged, OrganizationDeleted),
    *_shown(
        Permission.USERS_READ, About.ORGANIZATION, UserInvited, InvitationWithdrawn, UserJoined, UserChanged,
        UserSuspended, UserReactivated,
    ),
    *_shown(Permission.KEYS_READ, About.ORGANIZATION, ApiKeyCreated, ApiKeyChanged, ApiKeyRevoked),
    *_shown(
        Permission.INTEGRATIONS_READ, About.ORGANIZATION, IntegrationChanged, IntegrationRemoved, TextingFailed,
        MailFailed, AiFailed,
        says=("provider",),
    ),
    *_shown(
        Permission.INTEGRATIONS_WRITE, About.ORGANIZATION, SmsGatewayAdded, SmsGatewayChanged, SmsGatewayRemoved,
        EmailAccountAdded, EmailAccountAssigned, EmailAccountRemoved,
    ),
)  # fmt: skip
SHOWN: Mapping[str, Shown] = {row.type: row for row in _ROWS}
OF_CONVERSATIONS = frozenset(row.type for row in _ROWS if row.permission is Permission.MESSAGES_READ)
"""What `/conversations/stream` carries; calls will too."""
