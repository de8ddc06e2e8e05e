"""What the sales context stands on."""

from dishka import AnyOf, Provider, Scope, provide

from adapters.persistence.outreach_of_lead import PostgresContactStatusRule, PostgresOutreachOfLead
from adapters.persistence.sales import PostgresLeads, PostgresMembers, PostgresStages
from adapters.persistence.sales_contacts import OrganizationPhones, PostgresContacts
from adapters.persistence.sales_search import Search
from adapters.persistence.sales_tags import PostgresNotes, PostgresTags
from application.sales.contacts import ContactReach, Contacts, ContactStore, ReadPhones
from application.sales.lead_ports import ContactStatusRule, LeadStore, Members, OutreachOfLead, StageStore
from application.sales.lead_tags import LeadTags, LeadTagStore
from application.sales.leads import Leads
from application.sales.notes import Notes, NoteStore
from application.sales.stages import Stages
from application.sales.tags import Tags, TagStore


class Sales(Provider):
    """Contacts, leads, and what they are marked and described with."""

    scope = Scope.REQUEST

    search = provide(Search)
    read_phones = provide(OrganizationPhones, provides=ReadPhones)
    contact_store = provide(PostgresContacts, provides=ContactStore)
    lead_store = provide(PostgresLeads, provides=LeadStore)
    stage_store = provide(PostgresStages, provides=StageStore)
    members = provide(PostgresMembers, provides=Members)
    tag_store = provide(PostgresTags, provides=AnyOf[TagStore, LeadTagStore])
    note_store = provide(PostgresNotes, provides=NoteStore)
    outreach = provide(PostgresOutreachOfLead, provides=AnyOf[OutreachOfLead, ContactReach])
    statuses = provide(PostgresContactStatusRule, provides=ContactStatusRule)

    contacts = provide(Contacts)
    leads = provide(Leads)
    lead_tags = provide(LeadTags)
    notes = provide(Notes)
    tags = provide(Tags)
    stages = provide(Stages)
