"""Routes of leads, contacts, stages, tags and notes."""

from uuid import UUID

from msgspec import Raw

from application.ports import Found, PageRequest
from application.sales.contacts import (
    ChangeContact,
    ContactDetail,
    ContactFilter,
    ContactItem,
    Contacts,
    ContactSearch,
    NewContact,
    Suggestion,
)
from application.sales.lead_forms import ChangeLead, LeadFilter, MoveLead, NewLead, SetManualMode
from application.sales.lead_tags import ApplyTag, LeadTags, TagOnLead
from application.sales.lead_views import LeadDetail, LeadItem, StageView, TagOfLead
from application.sales.leads import Leads
from application.sales.notes import Notes, NoteView, WriteNote
from application.sales.stages import Stages
from application.sales.tags import ChangeTag, NewTag, TagFilter, Tags, TagView
from entrypoints.http.operation import IfMatch, operation


@operation("GET", "/leads", "listLeads", "List or search leads", shows=LeadItem)
async def list_leads(leads: Leads, narrowed: LeadFilter, page: PageRequest) -> Found:
    """Sort by created, name, status, reply_date or stage. A search is best first unless a sort is named."""
    return await leads.find(narrowed, page)


@operation("POST", "/leads", "createLead", "Enter a lead", shows=LeadItem)
async def create_lead(leads: Leads, body: NewLead) -> Raw:
    """For the contact with `contact_id`, or for a new `contact`. One phone number stands in a dataset once."""
    return await leads.create(body)


@operation("GET", "/leads/{lead_id:uuid}", "showLead", "Show a lead", shows=LeadDetail)
async def show_lead(leads: Leads, lead_id: UUID) -> Raw:
    """With its conversation, its latest 50 activities and its tags in full."""
    return await leads.show(lead_id)


@operation("PATCH", "/leads/{lead_id:uuid}", "changeLead", "Change a lead", shows=LeadDetail)
async def change_lead(leads: Leads, lead_id: UUID, body: ChangeLead, version: IfMatch) -> Raw:
    """Names, e-mail and postcode are its contact's. Archiving and manual mode act on planned texts at once."""
    return await leads.change(lead_id, body, version)


@operation("DELETE", "/leads/{lead_id:uuid}", "discardLead", "Discard a lead")
async def discard_lead(leads: Leads, lead_id: UUID) -> None:
    """Softly: it goes to the stage BOGUS."""
    await leads.discard(lead_id)


@operation("PATCH", "/leads/{lead_id:uuid}/stage", "moveLead", "Move a lead to a stage", shows=LeadItem)
async def move_lead(leads: Leads, lead_id: UUID, body: MoveLead, version: IfMatch) -> Raw:
    """A lead that is not open any more gets no further texts."""
    return await leads.move(lead_id, body.stage, version)


@operation(
    "POST", "/leads/{lead_id:uuid}/archive", "archiveLead", "Archive a lead, or not", status=200, shows=LeadDetail
)
async def archive_lead(leads: Leads, lead_id: UUID) -> Raw:
    """Toggles; archiving cancels what is planned for it, for good."""
    return await leads.toggle_archived(lead_id)


@operation("POST", "/leads/{lead_id:uuid}/manual-mode", "setManualMode", "Take over", status=200, shows=LeadDetail)
async def set_manual_mode(leads: Leads, lead_id: UUID, body: SetManualMode) -> Raw:
    """While a person has the lead, what is planned for it waits."""
    return await leads.set_manual_mode(lead_id, body.enabled)


@operation("GET", "/leads/{lead_id:uuid}/tags", "listLeadTags", "List a lead's tags", shows=list[TagOfLead])
async def list_lead_tags(tags: LeadTags, lead_id: UUID) -> list[Raw]:
    """In the tags' order."""
    return await tags.find(lead_id)


@operation("POST", "/leads/{lead_id:uuid}/tags", "applyTag", "Tag a lead", shows=list[TagOfLead])
async def apply_tag(tags: LeadTags, lead_id: UUID, body: ApplyTag) -> list[Raw]:
    """`won` wins the lead; `dnc` loses it and ends all contact."""
    return await tags.apply(lead_id, body.tag_slug)


@operation("DELETE", "/leads/{lead_id:uuid}/tags", "removeTag", "Untag a lead", status=200, shows=list[TagOfLead])
async def remove_tag(tags: LeadTags, lead_id: UUID, narrowed: TagOnLead) -> list[Raw]:
    """Gives the tags that remain."""
    return await tags.remove(lead_id, narrowed.tag_slug)


@operation("GET", "/leads/{lead_id:uuid}/notes", "listLeadNotes", "List a lead's notes", shows=NoteView)
async def list_notes(notes: Notes, lead_id: UUID, page: PageRequest) -> Found:
    """Oldest first."""
    return await notes.find(lead_id, page)


@operation("POST", "/leads/{lead_id:uuid}/notes", "addLeadNote", "Write a note about a lead", shows=NoteView)
async def add_note(notes: Notes, lead_id: UUID, body: WriteNote) -> Raw:
    """In the caller's name."""
    return await notes.add(lead_id, body)


@operation("PATCH", "/leads/{lead_id:uuid}/notes/{note_id:uuid}", "editLeadNote", "Rewrite a note", shows=NoteView)
async def edit_note(notes: Notes, lead_id: UUID, note_id: UUID, body: WriteNote, version: IfMatch) -> Raw:
    """Only its author can."""
    return await notes.edit(lead_id, note_id, body, version)


@operation("DELETE", "/leads/{lead_id:uuid}/notes/{note_id:uuid}", "deleteLeadNote", "Delete a note")
async def delete_note(notes: Notes, lead_id: UUID, note_id: UUID) -> None:
    """Only its author can."""
    await notes.delete(lead_id, note_id)


@operation("GET", "/contacts", "listContacts", "List or search contacts", shows=ContactItem)
async def list_contacts(contacts: Contacts, narrowed: ContactFilter, page: PageRequest) -> Found:
    """Sort by created or name. A search is best first unless a sort is named."""
    return await contacts.find(narrowed, page)


@operation("POST", "/contacts", "createContact", "Enter a contact", shows=ContactDetail)
async def create_contact(contacts: Contacts, body: NewContact) -> Raw:
    """An e-mail address or a phone number is needed; numbers are read as the organisation's country writes them."""
    return await contacts.create(body)


@operation("GET", "/contacts/search", "searchContacts", "Search contacts", shows=ContactItem)
async def search_contacts(contacts: Contacts, narrowed: ContactSearch, page: PageRequest) -> Found:
    """By name, e-mail address or phone number, best first, at most 1,000."""
    return await contacts.find(ContactFilter(search=narrowed.q), page)


@operation("GET", "/contacts/suggest", "suggestContacts", "Complete what is typed", shows=list[Suggestion])
async def suggest_contacts(contacts: Contacts, narrowed: ContactSearch) -> list[Suggestion]:
    """The ten best by the beginning of a name, an e-mail address or a number."""
    return await contacts.suggest(narrowed.q)


@operation("GET", "/contacts/{contact_id:uuid}", "showContact", "Show a contact", shows=ContactDetail)
async def show_contact(contacts: Contacts, contact_id: UUID) -> Raw:
    """With the leads that the caller may see."""
    return await contacts.show(contact_id)


@operation("PATCH", "/contacts/{contact_id:uuid}", "changeContact", "Change a contact", shows=ContactDetail)
async def change_contact(contacts: Contacts, contact_id: UUID, body: ChangeContact, version: IfMatch) -> Raw:
    """Its leads follow; texts planned for an old number go to the new one."""
    return await contacts.change(contact_id, body, version)


@operation("DELETE", "/contacts/{contact_id:uuid}", "deleteContact", "Delete a contact")
async def delete_contact(contacts: Contacts, contact_id: UUID) -> None:
    """For good; refused while it has leads or conversations."""
    await contacts.delete(contact_id)


@operation("GET", "/pipeline/stages", "listStages", "List the stages of the pipeline", shows=list[StageView])
async def list_stages(stages: Stages) -> list[Raw]:
    """In order."""
    return await stages.find()


@operation("GET", "/tags", "listTags", "List tags", shows=TagView)
async def list_tags(tags: Tags, narrowed: TagFilter, page: PageRequest) -> Found:
    """Those in use; `active=all` shows the others too."""
    return await tags.find(narrowed, page)


@operation("POST", "/tags", "createTag", "Make a tag", shows=TagView)
async def create_tag(tags: Tags, body: NewTag) -> Raw:
    """A slug is made of a-z, 0-9 and hyphens, and stands once in an organisation."""
    return await tags.create(body)


@operation("PATCH", "/tags/{tag_id:uuid}", "changeTag", "Change a tag", shows=TagView)
async def change_tag(tags: Tags, tag_id: UUID, body: ChangeTag, version: IfMatch) -> Raw:
    """System tags cannot be changed."""
    return await tags.change(tag_id, body, version)


@operation("DELETE", "/tags/{tag_id:uuid}", "deleteTag", "Delete a tag")
async def delete_tag(tags: Tags, tag_id: UUID) -> None:
    """Refused while a lead has it; system tags cannot be deleted."""
    await tags.delete(tag_id)


ROUTES = (
    list_leads,
    create_lead,
    show_lead,
    change_lead,
    discard_lead,
    move_lead,
    archive_lead,
    set_manual_mode,
    list_lead_tags,
    apply_tag,
    remove_tag,
    list_notes,
    add_note,
    edit_note,
    delete_note,
    list_contacts,
    create_contact,
    search_contacts,
    suggest_contacts,
    show_contact,
    change_contact,
    delete_contact,
    list_stages,
    list_tags,
    create_tag,
    change_tag,
    delete_tag,
)
