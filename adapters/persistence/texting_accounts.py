"""Through whom an organisation texts: its own providers, the installation's, its users' gateways, or the sandbox."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.integration_notes import note, note_installation
from application.identity.secrets import Secrets
from application.messaging.reconciling import AT_FIRST, OVERLAP, Gap
from application.messaging.texting import Price, TextingAccount, TextingAccounts, account_of
from application.provider import Unavailable
from domain.identity.integration import Provider
from domain.kernel import Phone

SANDBOX = TextingAccount("sandbox")
_PROVIDERS = (Provider.TWILIO.value, Provider.ANDROID_GATEWAY.value)
_KNOWN = """
SELECT provider, settings, credentials, is_active, NULL::uuid AS owner_id FROM integrations
WHERE organization_id = $1 AND credentials IS NOT NULL
UNION ALL
SELECT 'android_gateway', jsonb_build_object('gateway_url', gateway_url, 'username', username, 'phone_number',
       from_number), password, is_active, account_id
FROM sms_gateways WHERE organization_id = $1
"""
# Real people would be texted at night by a clock that was moved to noon.
_AHEAD = "SELECT business_now() > clock_timestamp() + interval '1 minute'"
_GAP = """
SELECT clock_timestamp() AS until,
       coalesce((SELECT listed_until - $4::interval FROM inbox_marks WHERE organization_id = $1 AND account = $2),
                clock_timestamp() - $5::interval) AS since,
       ARRAY(SELECT address FROM routes WHERE organization_id = $1 AND provider = $3 ORDER BY address) AS numbers
"""
_LISTED = """
INSERT INTO inbox_marks (organization_id, account, listed_until) VALUES ($1, $2, $3)
ON CONFLICT (organization_id, account) DO UPDATE SET listed_until = excluded.listed_until
WHERE inbox_marks.listed_until < excluded.listed_until
"""


_RECENT = """m.organization_id = $1 AND m.created_at > business_now() - interval '2 days'
  AND m.direction = 'outbound' AND m.provider_id IS NOT NULL AND m.price IS NULL"""
_UNPRICED = f"""
SELECT min(m.sent_at) FROM messages m JOIN sends s ON s.organization_id = $1 AND s.id = m.id
WHERE {_RECENT} AND s.provider = $2 AND m.sent_at > business_now() - interval '1 day'
"""  # noqa: S608 - our own words
_PRICE = f"""
UPDATE messages m SET price = t.price, price_currency = t.currency
FROM unnest($2::text[], $3::numeric[], $4::text[]) AS t(provider_id, price, currency)
WHERE {_RECENT} AND m.provider_id = t.provider_id
"""  # noqa: S608 - our own words


@dataclass(frozen=True, slots=True)
class InstallationTexting:
    """Hold what the environment configures for everybody. An `implied` sandbox ends for who stores a provider.

    `beside_stand_in` serves always too, but texts go by a stored Twilio: what answers as Twilio is on this machine.
    """

    accounts: tuple[TextingAccount, ...] = ()
    sandbox: Literal["off", "implied", "always", "beside_stand_in"] = "off"


def in_order(own: Iterable[TextingAccount], others: Iterable[TextingAccount]) -> tuple[TextingAccount, ...]:
    """Order accounts by preference: an organisation's own before the installation's, the one that names another as its
    fallback first, and a second one only where it is so named."""
    mine, theirs = {a.provider: a for a in own}, {a.provider: a for a in others}
    served = mine or theirs
    pool = theirs | mine
    candidates = [served[name] for name in _PROVIDERS if name in served]
    if not candidates:
        return ()
    named = [a for a in candidates if a.settings.get("fallback") in pool]
    first = (named or candidates)[0]
    second = pool.get(first.settings.get("fallback", ""))
    return (first,) if second is None or second.provider == first.provider else (first, second)


class PostgresSeen:
    """Be `Seen` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def gap(self, account: TextingAccount) -> Gap:
        """Look at the mark, and at the numbers whose texts would have come to the organisation."""
        row = await self._uow.connection.fetchrow(
            _GAP, self._uow.organization_id, account.name, account.provider, OVERLAP, AT_FIRST
        )
        return Gap(tuple(Phone(number) for number in row["numbers"]), row["since"], row["until"])

    async def listed(self, account: TextingAccount, until: datetime) -> None:
        """Move the mark."""
        await self._uow.connection.execute(_LISTED, self._uow.organization_id, account.name, until)

    async def unpriced_since(self, account: TextingAccount) -> datetime | None:
        """Look at the last day; what has no price then never has one."""
        since: datetime | None = await self._uow.connection.fetchval(_UNPRICED, self._uow.organization_id, account.name)
        return since

    async def price(self, prices: Mapping[str, Price]) -> None:
        """Write them on the messages."""
        await self._uow.connection.execute(
            _PRICE,
            self._uow.organization_id,
            list(prices),
            [price.amount for price in prices.values()],
            [price.currency for price in prices.values()],
        )


class PostgresAccountBook:
    """Be the `AccountBook` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork, secrets: Secrets, installation: InstallationTexting) -> None:
        self._uow = uow
        self._secrets = secrets
        self._installation = installation
        self._integrations: frozenset[str] = frozenset()

    async def accounts(self) -> TextingAccounts:
        """Read and open them; one whose key is gone is none."""
        if self._installation.sandbox == "always":
            return TextingAccounts((SANDBOX,))
        rows = await self._uow.connection.fetch(_KNOWN, self._uow.organization_id)
        if self._installation.sandbox == "beside_stand_in":  # a gateway would reach real people
            rows = [row for row in rows if row["provider"] == Provider.TWILIO]
        known = [
            (row, account_of(row["provider"], msgspec.json.decode(row["settings"]), credentials, row["owner_id"]))
            for row in rows
            if row["provider"] in _PROVIDERS and (credentials := self._secrets.open(row["credentials"])) is not None
        ]
        integrations = [account for row, account in known if row["owner_id"] is None and row["is_active"]]
        own = tuple(account for row, account in known if row["owner_id"] is not None and row["is_active"])
        self._integrations = frozenset(account.name for account in integrations)
        preferred = in_order(integrations, self._installation.accounts)
        if self._installation.sandbox in ("implied", "beside_stand_in"):
            stored = any(row["is_active"] for row in rows if row["owner_id"] is None)
            if not stored or await self._uow.connection.fetchval(_AHEAD):
                preferred, own = () if stored else (SANDBOX,), ()
        everyone = [account for _, account in known] + list(self._installation.accounts)
        if self._installation.sandbox != "off":
            everyone.append(SANDBOX)
        used = {account.name for account in (*preferred, *own)}
        former = {account.name: account for account in everyone if account.name not in used}
        return TextingAccounts(preferred, own, tuple(former.values()))

    async def note(self, used: Collection[str], failed: Mapping[str, Unavailable]) -> frozenset[str]:
        """Write of the organisation's own integrations and of the installation's that they serve, or why not."""
        told: dict[str, str | None] = {**dict.fromkeys(used), **{name: why.reason for name, why in failed.items()}}
        everybodys = {one.name for one in self._installation.accounts} - self._integrations
        for name in sorted(told.keys() & everybodys - {name for name, why in failed.items() if why.sender_only}):
            await note_installation(self._uow, name, told[name])
        ours = sorted(told.keys() & self._integrations)
        fresh = [name for name in ours if await note(self._uow, name.partition(":")[0], told[name])]
        return frozenset(fresh)
