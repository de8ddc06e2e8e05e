"""What is printed at the end: counts, one refusal explained, some conversations, and the proofs."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from domain.messaging.reply import Reason
from entrypoints.demo.books import Reply
from entrypoints.demo.calendar import local
from entrypoints.demo.client import Client
from entrypoints.demo.desk import Desk
from entrypoints.demo.proofs import TOUCHES


def report(desk: Desk, messages: Sequence[Mapping[str, Any]], replies: Sequence[Reply]) -> Iterable[str]:
    """Write the report, line by line; in the sandbox it is the same every time for one seed."""
    yield from _import(desk.imported)
    yield from _texts(desk, messages, replies)
    yield from _statuses(desk.client, desk.dataset_id)
    yield from desk.calls.report(messages)
    if desk.refused_message is not None:
        yield from _why(desk.client.call("GET", f"/messages/{desk.refused_message}/why"))
    yield from _conversations(desk, replies)


def _import(result: Mapping[str, Any]) -> Iterable[str]:
    counts = result["imported"]
    yield ""
    yield "Rows by outcome"
    yield f"  {counts['total_rows']:>5} rows"
    yield f"  {counts['successful']:>5} created, of which {result['ineligible']} cannot be texted"
    yield f"  {counts['duplicates']:>5} duplicates"
    yield f"  {counts['failed']:>5} failed"
    for reason, count in sorted(Counter(error["reason"] for error in result["errors"]).items()):
        yield f"        {count:>5} {reason}"


def _texts(desk: Desk, messages: Sequence[Mapping[str, Any]], replies: Sequence[Reply]) -> Iterable[str]:
    outgoing = [message for message in messages if message["direction"] == "outbound"]
    sent = Counter(message["message_category"] for message in outgoing if message["sent_at"] is not None)
    yield ""
    yield "Texts"
    for touch in TOUCHES:
        yield f"  {sent[touch]:>5} {touch.upper()} sent"
    yield f"  {sent['ai_response']:>5} answered by the AI"
    yield f"  {sent['human_manual']:>5} sent by a person"
    yield f"  {sent['opt_out_confirmation']:>5} confirmations of an opt-out"
    yield f"  {len(replies):>5} replies, of which {sum(reply.means_stop for reply in replies)} mean STOP"
    yield f"  {len({reply.sender for reply in replies if reply.means_stop}):>5} people opted out"
    delivered = Counter(message["status"] for message in outgoing if message["sent_at"] is not None)
    for status, count in sorted(delivered.items()):
        yield f"  {count:>5} {status}"
    rows = desk.client.call("GET", f"/campaigns/{desk.dataset_id}")["texts"]
    yield ""
    yield "Refused, cancelled and delayed, by reason"
    reasons: Counter[str] = Counter()
    for row in rows:
        if row["state"] in ("refused", "cancelled"):
            reasons[f"{row['state']}: {row['verdict_rule'] or 'answered, or stopped, before it was sent'}"] += row[
                "count"
            ]
        if row["delayed_by"] is not None:
            reasons[f"delayed: {row['delayed_by'].replace('_', ' ')}"] += row["count"]
    by_hand = sum(message["status"] == "refused" for message in outgoing if message["message_category"] not in TOUCHES)
    if by_hand:
        reasons["refused: a person's text to somebody who opted out"] += by_hand
    for reason, count in sorted(reasons.items()):
        yield f"  {count:>5} {reason}"


def _statuses(client: Client, dataset_id: str) -> Iterable[str]:
    found = Counter(lead["contact_status"] for lead in client.every("/leads", dataset_id=dataset_id))
    yield ""
    yield "Leads by status"
    for status, count in sorted(found.items()):
        yield f"  {count:>5} {status}"


def _why(told: Mapping[str, Any]) -> Iterable[str]:
    yield ""
    yield "Why a text was refused (GET /messages/…/why)"
    for reason in told["reasons"]:
        yield f"  {reason['outcome']:<8} {reason['rule']:<12} {reason['sentence']}"


def _conversations(desk: Desk, replies: Sequence[Reply]) -> Iterable[str]:
    for title, phone in _worth_showing(desk, replies):
        lead = next(iter(desk.client.every("/leads", dataset_id=desk.dataset_id, search=phone)), None)
        if lead is None:
            continue
        thread = next(iter(desk.client.every("/conversations", lead_id=lead["id"])))
        yield ""
        yield f"{title}: {lead['contact']['first_name']} {lead['contact']['last_name']} ({lead['contact_status']})"
        for message in desk.client.call("GET", f"/conversations/{thread['id']}")["messages"]:
            at = message["sent_at"] or message["created_at"]
            arrow = "→" if message["direction"] == "outbound" else "←"
            note = "" if message["status"] != "refused" else " [refused]"
            yield f"  {local(datetime.fromisoformat(at)):%a %d %b %H:%M} {arrow} {message['content']}{note}"


def _leads(desk: Desk, status: str) -> list[dict[str, Any]]:
    return list(desk.client.every("/leads", dataset_id=desk.dataset_id, status=status))


def _worth_showing(desk: Desk, replies: Sequence[Reply]) -> Iterable[tuple[str, str]]:
    stop = min((reply.sender for reply in replies if reply.means_stop), default=None)
    wrote = {reply.sender for reply in replies}
    held = min((hold.phone for hold in desk.taken if hold.until is None and hold.phone in wrote), default=None)
    back = min((hold.phone for hold in desk.taken if hold.until is not None and hold.phone not in wrote), default=None)
    by_ai = desk.calls.made_by_ai()
    booked = [lead["contact"]["phone_number"] for lead in _leads(desk, status="CALL_BOOKED") if lead["id"] in by_ai]
    asked = [lead["contact"]["phone_number"] for lead in _leads(desk, status="WARM")]
    left = [
        thread["contact"]["phone_number"]
        for thread in desk.client.every("/conversations")
        if thread["attention"] not in (None, Reason.CALL_CHANGE)
    ]
    for title, phone in (
        ("Booked a call with the AI", min(booked, default=None)),
        ("Asked the AI", min(asked, default=None)),
        ("Left to a person by the AI", min(left, default=None)),
        ("Wanted the call cancelled", min(desk.calls.cancelled, default=None)),
        ("Said STOP", stop),
        ("Answered by a person", held),
        ("Taken over and handed back", back),
    ):
        if phone is not None:
            yield title, phone
