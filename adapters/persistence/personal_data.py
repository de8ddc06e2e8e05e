"""Every place in which something personal lies: one page of tables, for giving out and for taking away."""

import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cryptography.fernet import InvalidToken, MultiFernet

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.erased_addresses import ErasedAddresses
from adapters.persistence.insight_counts import recount_insights
from application.platform.personal_data import Person
from domain.kernel import new_id

SECONDS = 110
"""How long one statement may take: events and raw notices are read through whole."""

_PERSON = """
SELECT id, concat_ws(' ', first_name, last_name) AS name, email, phone
FROM contacts WHERE organization_id = $1 AND id = $2
"""
_LEADS = "SELECT id FROM leads WHERE organization_id = $1 AND contact_id = $2"
_LOCKED = ("contacts", "leads", "sends", "conversations")
# $1 organisation, $2 contact, $3 its leads, $4 its addresses, $5 its conversations: what belongs to one person.
OF_A_PERSON: dict[str, str] = {
    "contacts": "id = $2",
    "leads": "contact_id = $2",
    "notes": "lead_id = ANY ($3)",
    "lead_tags": "lead_id = ANY ($3)",
    "enrolments": "lead_id = ANY ($3)",
    "touch_texts": "lead_id = ANY ($3)",
    "lead_progress": "lead_id = ANY ($3)",
    "bookings": "contact_id = $2 OR lead_id = ANY ($3)",
    "conversations": "contact_id = $2",
    "messages": "conversation_id = ANY ($5) OR lead_id = ANY ($3) OR recipient = ANY ($4) OR sender = ANY ($4)",
    "replies": "conversation_id = ANY ($5)",
    "reviews": "conversation_id = ANY ($5)",
    "reviewed_conversations": "conversation_id = ANY ($5)",
    "message_scores": "conversation_id = ANY ($5)",
    "insight_evidence": "conversation_id = ANY ($5) OR lead_id = ANY ($3)",
    "evaluation_cases": "conversation_id = ANY ($5)",
    "evaluation_answers": "case_id IN (SELECT id FROM evaluation_cases c"
    " WHERE c.organization_id = $1 AND c.conversation_id = ANY ($5))",
    "sends": "conversation_id = ANY ($5) OR lead_id = ANY ($3) OR recipient = ANY ($4)",
    "consents": "contact_id = $2 OR address = ANY ($4)",
    "suppressions": "address = ANY ($4)",
    "notifications": "contact_id = $2 OR lead_id = ANY ($3)",
    "mails": "to_address = ANY ($4)",
    "import_rows": "contact_id = $2 OR lead_id = ANY ($3)",
}
# So that each of the parameters has a type in every statement.
_GIVEN = "AND ($2::uuid, $3::uuid[], $4::text[], $5::uuid[]) IS NOT NULL"
# A text that told a colleague of the person is the colleague's: its number goes to nobody else, its words are emptied.
_LOCKED_ROWS = {table: OF_A_PERSON[table] for table in _LOCKED} | {"sends": f"{OF_A_PERSON['sends']} OR id = ANY ($6)"}
_DELETED = (
    "enrolments",
    "touch_texts",
    "bookings",
    "evaluation_answers",
    "evaluation_cases",
    "replies",
    "insight_evidence",
    "message_scores",
    "reviewed_conversations",
    "reviews",
    "sends",
    "messages",
    "conversations",
    "notes",
    "lead_tags",
    "notifications",
    "leads",
    "mails",
    "contacts",
)
_CANCEL = """
UPDATE sends SET state = 'cancelled', held = false
WHERE organization_id = $1 AND (lead_id = ANY ($2) OR recipient = ANY ($3) OR id = ANY ($4))
  AND state IN ('planned', 'claimed')
"""
_EMPTY_TEXTS = "UPDATE messages SET body = 'Erased.' WHERE organization_id = $1 AND id = ANY ($2)"
_SUPPRESS = """
INSERT INTO suppressions (organization_id, address, since, how, wording, consent_id)
SELECT $1, address, $3, 'erasure', NULL, $4 FROM unnest($2::text[]) AS address ON CONFLICT DO NOTHING
"""
_HASH = """
WITH gone AS (DELETE FROM suppressions WHERE organization_id = $1 AND address = ANY ($2) RETURNING *)
INSERT INTO suppressions (organization_id, address, since, how, wording, consent_id)
SELECT $1, named.hash, gone.since, gone.how, NULL, gone.consent_id
FROM gone JOIN unnest($2::text[], $3::text[]) AS named(address, hash) USING (address) ON CONFLICT DO NOTHING
"""
_CONSENTS = """
UPDATE consents SET contact_id = NULL, wording = NULL, source = NULL, message_id = NULL,
       address = coalesce((SELECT hash FROM unnest($3::text[], $4::text[]) AS n(address, hash)
                           WHERE n.address = consents.address), 'erased')
WHERE organization_id = $1 AND (contact_id = $2 OR address = ANY ($3))
"""
_UNDER_WAY = """
SELECT EXISTS (SELECT FROM sends WHERE organization_id = $1 AND (lead_id = ANY ($2) OR recipient = ANY ($3))
               AND state IN ('claimed', 'handed'))
    OR EXISTS (SELECT FROM jobs WHERE organization_id = $1 AND kind IN ('import', 'import_undo')
               AND status IN ('queued', 'running'))
"""
# Raw text names a person otherwise than by an id: by e-mail address, or by the last digits of the number.
_NAMED = "(lower({0}) LIKE $2::text OR regexp_replace({0}, '\\D', '', 'g') LIKE $3::text)"
_ROWS_NAMING = f"""
SELECT import_id, row FROM import_rows
WHERE organization_id = $1 AND cells IS NOT NULL AND {_NAMED.format("cells::text")}
"""  # noqa: S608 - our own words
_ROWS = """
UPDATE import_rows SET cells = NULL, lead_id = NULL, contact_id = NULL,
       reason = CASE WHEN reason IS NULL THEN NULL ELSE 'Erased.' END
WHERE organization_id = $1 AND (contact_id = $2 OR lead_id = ANY ($3)
   OR (import_id, row) IN (SELECT * FROM unnest($4::uuid[], $5::bigint[])))
"""
_FILES = """
SELECT DISTINCT u.file_key FROM uploads u
JOIN imports i ON i.organization_id = $1 AND i.upload_id = u.id
JOIN import_rows r ON r.organization_id = $1 AND r.import_id = i.id
WHERE u.organization_id = $1 AND (r.contact_id = $2 OR r.lead_id = ANY ($3)
   OR (r.import_id, r.row) IN (SELECT * FROM unnest($4::uuid[], $5::bigint[])))
"""
_OTHER_FILES = """
SELECT file_key FROM uploads u WHERE organization_id = $1 AND NOT EXISTS (
  SELECT FROM imports i JOIN import_rows r ON r.organization_id = $1 AND r.import_id = i.id
  WHERE i.organization_id = $1 AND i.upload_id = u.id)
"""
_FORGET_FILES = """
UPDATE uploads SET filename = 'erased.csv', shape = jsonb_set(shape, '{sample}', (
  SELECT coalesce(jsonb_agg('[]'::jsonb), '[]') FROM jsonb_array_elements(shape -> 'header')))
WHERE organization_id = $1 AND file_key = ANY ($2)
"""
_HAPPENED = f"""
SELECT jsonb_build_object('at', at, 'type', type, 'subject', subject, 'data', data, 'personal', personal) AS row
FROM events WHERE organization_id = $1
AND (subject = ANY ($4) OR personal IS NOT NULL AND {_NAMED.format("personal::text")}) ORDER BY id
"""  # noqa: S608 - our own words
# A calendar writes down whom a call is with under the lead's id, which may be all that it knows of them.
_TOLD_OF = f"({_NAMED.format('payload::text')} OR payload #>> '{{payload,metadata,lead_id}}' = ANY ($4::text[]))"
_RECEIVED = f"""
SELECT jsonb_build_object('kind', kind, 'received_at', received_at, 'payload', payload) AS row
FROM inbound WHERE organization_id = $1 AND {_TOLD_OF} ORDER BY id
"""  # noqa: S608 - our own words
_EVENTS = f"""
UPDATE events SET personal = NULL WHERE organization_id = $1 AND personal IS NOT NULL
AND (subject = ANY ($4) OR {_NAMED.format("personal::text")}) RETURNING id
"""  # noqa: S608 - our own words
_DELIVERIES = "DELETE FROM deliveries WHERE organization_id = $1 AND event_id = ANY ($2)"
_REASONS = f"""
UPDATE deliveries SET reason = 'Erased.' WHERE organization_id = $1 AND reason IS NOT NULL AND {_NAMED.format("reason")}
"""  # noqa: S608 - our own words
_INBOUND = f"""
UPDATE inbound SET payload = '{{}}' WHERE organization_id = $1 AND {_TOLD_OF}
"""  # noqa: S608 - our own words
_JOBS = f"""
UPDATE jobs SET result = result - 'errors', error = CASE WHEN error IS NULL THEN NULL ELSE 'Erased.' END
WHERE organization_id = $1 AND ({_NAMED.format("coalesce(result::text, '')")} OR {_NAMED.format("coalesce(error, '')")})
"""  # noqa: S608 - our own words
# What a program told in its own words may name somebody without saying whom.
_TOLD_NAMING = _NAMED.format("(n.title || ' ' || n.message || ' ' || n.data)")
_NOTIFICATIONS = f"""
DELETE FROM notifications n WHERE organization_id = $1 AND {_TOLD_NAMING}
"""  # noqa: S608 - our own words
_TOLD_BY_TEXT = f"""
SELECT s.id FROM notifications n JOIN sends s ON s.organization_id = $1 AND s.natural_key = 'notification:' || n.id
WHERE n.organization_id = $1 AND (n.contact_id = $4 OR n.lead_id = ANY ($5) OR {_TOLD_NAMING})
"""  # noqa: S608 - our own words
# What people taught the AI is theirs; an example of how it went may name whom it went so with.
_LESSONS = f"""
UPDATE lessons SET example_conversation = NULL
WHERE organization_id = $1 AND {_NAMED.format("example_conversation::text")}
"""  # noqa: S608 - our own words
_ANSWERS = "SELECT actor, route, key, answer FROM idempotency WHERE organization_id = $1 AND answer IS NOT NULL"
_FORGET_ANSWER = """
UPDATE idempotency SET status = 404, answer = $5
WHERE organization_id = $1 AND actor = $2 AND route = $3 AND key = $4
"""
_GONE = (
    b'{"error":{"code":"NOT_FOUND","message":"What this request made has been erased.","details":[],"request_id":""}}'
)


@dataclass(frozen=True, slots=True)
class _Traces:
    leads: list[UUID]
    conversations: list[UUID]
    addresses: list[str]
    email: str | None
    digits: str | None
    texts_to_colleagues: list[UUID]

    def of(self, person: Person, organization_id: UUID) -> tuple[Any, ...]:
        return (organization_id, person.id, self.leads, self.addresses, self.conversations)


class PostgresPersonalRecords:
    """Be the `PersonalRecords` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork, erased: ErasedAddresses, vault: MultiFernet) -> None:
        self._uow = uow
        self._erased = erased
        self._vault = vault

    async def person(self, contact_id: UUID) -> Person | None:
        """Tell who a contact is."""
        row = await self._uow.connection.fetchrow(_PERSON, self._uow.organization_id, contact_id)
        return None if row is None else Person(row["id"], row["name"], row["email"], row["phone"])

    async def collect(self, person: Person) -> AsyncIterator[bytes]:
        """Write one object: who it is about, then a list of rows for each table, then what happened."""
        traces = await self._traces(person)
        head = json.dumps({"contact_id": str(person.id), "name": person.name})
        yield f'{{"about":{head}'.encode()
        for table, condition in OF_A_PERSON.items():
            rows = await self._fetch(
                f"SELECT to_jsonb(t) - 'organization_id' - 'search_text' AS row FROM {table} t"  # noqa: S608
                f" WHERE t.organization_id = $1 AND ({condition}) {_GIVEN}",
                *traces.of(person, self._uow.organization_id),
            )
            yield f',\n"{table}":[{",".join(row["row"] for row in rows)}]'.encode()
        named = (self._uow.organization_id, traces.email, traces.digits)
        happened = await self._fetch(_HAPPENED, *named, await self._subjects(person, traces))
        yield f',\n"events":[{",".join(row["row"] for row in happened)}]'.encode()
        told = await self._fetch(_RECEIVED, *named, [str(lead) for lead in traces.leads])
        yield f',\n"received":[{",".join(row["row"] for row in told)}]}}\n'.encode()

    async def silence(self, person: Person) -> None:
        """Suppress every address, and cancel what has not been handed over."""
        traces = await self._locked(person)
        organization_id = self._uow.organization_id
        await self._execute(
            "DELETE FROM enrolments WHERE organization_id = $1 AND lead_id = ANY ($2)", organization_id, traces.leads
        )
        await self._cancel(traces)
        await self._execute(_SUPPRESS, organization_id, traces.addresses, self._uow.now(), new_id())

    async def under_way(self, person: Person) -> bool:
        """Tell whether a text to the person is being handed over, or an import is running."""
        traces = await self._traces(person)
        return bool(
            await self._uow.connection.fetchval(
                _UNDER_WAY, self._uow.organization_id, traces.leads, traces.addresses, timeout=SECONDS
            )
        )

    async def files_naming(self, person: Person) -> list[str]:
        """Name the stored files that rows about the person came from."""
        traces = await self._traces(person)
        organization_id = self._uow.organization_id
        naming = await self._rows_naming(traces)
        rows = await self._fetch(_FILES, organization_id, person.id, traces.leads, *naming)
        return [row["file_key"] for row in rows]

    async def other_uploads(self) -> list[str]:
        """Name the uploaded files of which no row was imported."""
        return [row["file_key"] for row in await self._fetch(_OTHER_FILES, self._uow.organization_id)]

    async def forget_files(self, keys: Iterable[str]) -> None:
        """Empty samples and names of uploads whose files are gone."""
        await self._execute(_FORGET_FILES, self._uow.organization_id, list(keys))

    async def erase(self, person: Person) -> dict[str, int]:
        """Remove or empty every row about a person, in the house's order of locks."""
        traces = await self._locked(person)
        organization_id = self._uow.organization_id
        named = (organization_id, traces.email, traces.digits)
        subjects = [*await self._subjects(person, traces), *traces.texts_to_colleagues]
        counts = {"import_rows": await self._import_rows(person, traces)}
        await self._cancel(traces)
        await self._execute(_EMPTY_TEXTS, organization_id, traces.texts_to_colleagues)
        for table in _DELETED:
            counts[table] = await self._execute(
                f"DELETE FROM {table} WHERE organization_id = $1 AND ({OF_A_PERSON[table]}) {_GIVEN}",  # noqa: S608
                *traces.of(person, organization_id),
            )
        await recount_insights(self._uow.connection, organization_id)
        hashes = await self._erased.hashes(traces.addresses)
        await self._execute(_HASH, organization_id, traces.addresses, hashes)
        counts["consents"] = await self._execute(_CONSENTS, organization_id, person.id, traces.addresses, hashes)
        events = [row["id"] for row in await self._fetch(_EVENTS, *named, subjects)]
        counts["events"] = len(events)
        # What waits to be worked off cannot be read any more; this erasure's own delivery has nothing personal.
        await self._execute(_DELIVERIES, organization_id, events)
        await self._execute(_REASONS, *named)
        counts["inbound"] = await self._execute(_INBOUND, *named, [str(lead) for lead in traces.leads])
        await self._execute(_JOBS, *named)
        counts["lessons"] = await self._execute(_LESSONS, *named)
        counts["notifications"] += await self._execute(_NOTIFICATIONS, *named)
        counts["answers"] = await self._forget_answers(person, traces)
        return counts

    async def _cancel(self, traces: _Traces) -> None:
        await self._execute(
            _CANCEL, self._uow.organization_id, traces.leads, traces.addresses, traces.texts_to_colleagues
        )

    async def _import_rows(self, person: Person, traces: _Traces) -> int:
        naming = await self._rows_naming(traces)
        return await self._execute(_ROWS, self._uow.organization_id, person.id, traces.leads, *naming)

    async def _rows_naming(self, traces: _Traces) -> tuple[list[UUID], list[int]]:
        rows = await self._fetch(_ROWS_NAMING, self._uow.organization_id, traces.email, traces.digits)
        return [row["import_id"] for row in rows], [row["row"] for row in rows]

    async def _forget_answers(self, person: Person, traces: _Traces) -> int:
        forgotten = 0
        ids = [str(i).encode() for i in (person.id, *traces.leads, *traces.conversations)]
        words = [*(address.encode() for address in traces.addresses), *ids]
        for row in await self._fetch(_ANSWERS, self._uow.organization_id):
            try:
                answer = self._vault.decrypt(row["answer"])
            except InvalidToken:
                answer = b"".join(words)
            if any(word in answer for word in words):
                which = (self._uow.organization_id, row["actor"], row["route"], row["key"])
                forgotten += await self._execute(_FORGET_ANSWER, *which, self._vault.encrypt(_GONE))
        return forgotten

    async def _locked(self, person: Person) -> _Traces:
        traces = await self._traces(person)
        for table, condition in _LOCKED_ROWS.items():
            await self._fetch(
                f"SELECT 1 FROM {table} WHERE organization_id = $1 AND ({condition}) {_GIVEN}"  # noqa: S608
                " AND $6::uuid[] IS NOT NULL ORDER BY id FOR UPDATE",
                *traces.of(person, self._uow.organization_id),
                traces.texts_to_colleagues,
            )
        return await self._traces(person)

    async def _traces(self, person: Person) -> _Traces:
        organization_id = self._uow.organization_id
        leads = [row["id"] for row in await self._fetch(_LEADS, organization_id, person.id)]
        threads = await self._fetch(
            "SELECT id FROM conversations WHERE organization_id = $1 AND contact_id = $2", organization_id, person.id
        )
        email = f"%{_escaped(person.email.lower())}%" if person.email else None
        digits = f"%{person.phone[-9:]}%" if person.phone else None
        told = await self._fetch(_TOLD_BY_TEXT, organization_id, email, digits, person.id, leads)
        return _Traces(
            leads,
            [row["id"] for row in threads],
            [address for address in (person.phone, person.email) if address],
            email,
            digits,
            [row["id"] for row in told],
        )

    async def _subjects(self, person: Person, traces: _Traces) -> list[UUID]:
        rows = await self._fetch(
            "SELECT id FROM messages WHERE organization_id = $1 AND conversation_id = ANY ($2)"
            " UNION ALL SELECT id FROM notes WHERE organization_id = $1 AND lead_id = ANY ($3)",
            self._uow.organization_id,
            traces.conversations,
            traces.leads,
        )
        return [person.id, *traces.leads, *traces.conversations, *(row["id"] for row in rows)]

    async def _fetch(self, statement: str, *values: Any) -> list[Any]:
        return list(await self._uow.connection.fetch(statement, *values, timeout=SECONDS))

    async def _execute(self, statement: str, *values: Any) -> int:
        done = await self._uow.connection.execute(statement, *values, timeout=SECONDS)
        return int(str(done).rpartition(" ")[2])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
