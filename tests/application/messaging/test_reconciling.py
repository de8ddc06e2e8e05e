"""What was missed: asked for since the last whole list, for the organisation's own numbers, each text by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from application.messaging.hand_overs import AccountBook
from application.messaging.inbound import IncomingText, Notice
from application.messaging.reconciling import OVERLAP, Listed, Reconciling
from application.messaging.texting import Price, TextingAccount, TextingAccounts, account_of
from application.provider import Unavailable
from domain.kernel import Phone, new_id
from tests.application.conftest import Tenant
from tests.application.messaging.test_sick_provider import planned

pytestmark = pytest.mark.anyio
HOUSE = account_of("twilio", {"account_sid": "AC1", "phone_number": "+442079460999"}, {"auth_token": "t"})


class _Book:
    async def accounts(self) -> TextingAccounts:
        return TextingAccounts((HOUSE,))


@dataclass
class _Inbox:
    """List what it was given, and remember what it was asked; a `trouble` is raised."""

    texts: Sequence[IncomingText] = ()
    whole: bool = True
    trouble: bool = False
    asked: list[tuple[Phone, datetime]] = field(default_factory=list)
    billed: dict[str, Price] = field(default_factory=dict)
    asked_for_prices: list[datetime] = field(default_factory=list)

    async def since(self, account: TextingAccount, to: Phone, at: datetime) -> Listed:
        assert account is HOUSE
        self.asked.append((to, at))
        if self.trouble:
            raise Unavailable
        return Listed(self.texts, self.whole)

    async def prices(self, account: TextingAccount, since: datetime) -> dict[str, Price]:
        assert account is HOUSE
        self.asked_for_prices.append(since)
        return self.billed


async def use_number(tenant: Tenant) -> str:
    number = f"+4474{new_id().int % 10**8:08d}"
    await tenant.execute("INSERT INTO routes VALUES ('twilio', $2, $1)", number)
    return number


def text(to: str, body: str = "Hello", sid: str | None = None) -> IncomingText:
    sid = sid or f"SM{new_id().hex}"
    notice = Notice(provider="twilio", account="AC1", external_id=sid, kind="text", payload={"Body": body})
    at = datetime.fromisoformat("2026-03-02T09:00:00+00:00")
    return IncomingText(notice=notice, sender="+447400123456", recipient=to, body=body, media=(), at=at)


async def reconcile(tenant: Tenant, inbox: _Inbox) -> None:
    async with tenant.use(Reconciling, tenant.system()) as reconciling:
        told = replace(reconciling, book=cast("AccountBook", _Book()), inbox=inbox)
        await told.run()


async def bodies(tenant: Tenant) -> list[str]:
    async with tenant.sql() as connection:
        rows = await connection.fetch("SELECT personal->>'body' AS body FROM events WHERE type = 'text.arrived'")
    return sorted(row["body"] for row in rows)


async def test_texts_to_the_numbers_of_others_are_not_taken_in(tenant: Tenant) -> None:
    inbox = _Inbox([text("+442079460999", "for another")])
    await reconcile(tenant, inbox)
    assert inbox.asked == []
    number = await use_number(tenant)
    inbox.texts = [text("+442079460999", "for another"), text(number, "for us")]
    await reconcile(tenant, inbox)
    assert [to for to, _ in inbox.asked] == [number]
    assert await bodies(tenant) == ["for us"]


async def test_it_is_asked_since_the_last_list_that_was_whole_however_long_ago(tenant: Tenant) -> None:
    await use_number(tenant)
    inbox = _Inbox()
    await reconcile(tenant, inbox)
    first = await _mark(tenant)
    async with tenant.sql() as connection:
        await connection.execute("UPDATE inbox_marks SET listed_until = listed_until - interval '5 days'")
    for told in (_Inbox(trouble=True), _Inbox(whole=False)):
        await reconcile(tenant, told)
        assert [at for _, at in told.asked] == [first - timedelta(days=5) - OVERLAP]
    assert await _mark(tenant) == first - timedelta(days=5)
    await reconcile(tenant, inbox)
    assert inbox.asked[-1][1] == first - timedelta(days=5) - OVERLAP
    assert await _mark(tenant) > first


async def test_a_text_that_cannot_be_stored_keeps_no_other_out_and_is_asked_for_again(tenant: Tenant) -> None:
    number = await use_number(tenant)
    inbox = _Inbox([text(number, "one"), text(number, "two", sid="SM\x00"), text(number, "three")])
    with pytest.raises(Exception, match="byte"):
        await reconcile(tenant, inbox)
    assert await bodies(tenant) == ["one", "three"]
    assert await _mark(tenant) is None


async def _mark(tenant: Tenant) -> Any:
    return await tenant.value("SELECT listed_until FROM inbox_marks WHERE organization_id = $1")


async def test_what_texts_cost_is_asked_for_until_it_is_known(tenant: Tenant) -> None:
    await planned(tenant, 2)
    async with tenant.sql() as connection:
        await connection.execute(
            "UPDATE sends SET state = 'accepted', provider = 'twilio:AC1' WHERE organization_id = $1",
            tenant.organization_id,
        )
        await connection.execute(
            "UPDATE messages SET status = 'sent', sent_at = now(), provider_id = 'SM-' || recipient"
            " WHERE organization_id = $1",
            tenant.organization_id,
        )
    inbox = _Inbox()
    await reconcile(tenant, inbox)
    assert len(inbox.asked_for_prices) == 1
    inbox.billed = {f"SM-+44740000000{n}": Price(Decimal("0.0079"), "USD") for n in range(2)}
    await reconcile(tenant, inbox)
    await reconcile(tenant, inbox)
    assert len(inbox.asked_for_prices) == 2, "nobody is asked for what is known"
    shown = "SELECT array_agg(price::text || price_currency) FROM messages WHERE organization_id = $1"
    assert await tenant.value(shown) == ["0.0079USD"] * 2


async def test_organisations_that_share_an_account_each_have_what_it_tells_them(tenant: Tenant) -> None:
    other = replace(tenant, organization_id=new_id())
    await other.execute(
        "INSERT INTO organizations (organization_id, id, name, created_at) VALUES ($1, $1, 'Other', now())"
    )
    for one in (tenant, other):
        number = await use_number(one)
        await reconcile(one, _Inbox([text(number, "Hello", "SM-shared")]))
        assert await bodies(one) == ["Hello"]


@pytest.mark.parametrize(
    ("amount", "currency", "read"),
    [
        ("-0.00750", "USD", Price(Decimal("0.00750"), "USD")),
        ("0.04", "GBP", Price(Decimal("0.04"), "GBP")),
        (None, "USD", None),
        ("", "USD", None),
        ("free", "USD", None),
        ("NaN", "USD", None),
        ("-Infinity", "USD", None),
        ("1e9", "USD", None),
        ("0.04", "", None),
        ("0.04", "pounds", None),
    ],
)
def test_a_price_is_read_as_told(amount: str | None, currency: str, read: Price | None) -> None:
    assert Price.told(amount, currency) == read
