"""Whatever `rapport doctor` can find has been wrong here once; and it keeps quiet while nothing is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import redis.asyncio as redis
from alembic import command

from adapters.persistence.database import connect_arguments
from adapters.persistence.migrations.newest import newest_revision
from adapters.persistence.migrations.run import alembic_config
from adapters.queue.signs import at_work
from application.mailing import MailAccount
from application.messaging.texting import account_of
from domain.kernel import first_id, new_id
from entrypoints.config import Config
from entrypoints.demo.house import free_port
from entrypoints.doctor import database, machine, servers, work
from entrypoints.doctor.__main__ import CHECKS, examine
from entrypoints.servers import create_database, drop_database

pytestmark = pytest.mark.anyio
_DATABASE = "doctored"
_KEYS = [bytes([number]) * 32 for number in range(5)]
# What needs processes; test_several_machines.py shows the doctor with all of them running.
_ALONE = [check for check in CHECKS if check[1] not in (servers.parts, servers.sandbox_provider)]


@pytest.fixture(scope="module")
async def own(config: Config) -> AsyncIterator[Config]:
    """Migrate a database of the patient's own."""
    create_database(config, _DATABASE)
    urls = {
        name: getattr(config, name).replace("@/rapport?", f"@/{_DATABASE}?")
        for name in ("database_url", "system_database_url", "owner_database_url")
    }
    patient = replace(config, **urls)
    await asyncio.to_thread(command.upgrade, alembic_config(patient.owner_database_url), "head")
    yield patient
    drop_database(config, _DATABASE)


@pytest.fixture
async def superuser(own: Config) -> AsyncIterator[Any]:
    """Connect as the superuser, whom no key, check or policy binds, so that anything can be made wrong."""
    url = own.database_url.replace("rapport_app@", "postgres@")
    connection = await asyncpg.connect(**connect_arguments(url))
    await connection.execute("SET session_replication_role = replica")
    yield connection
    await connection.execute("TRUNCATE outbox, schedules, deliveries, sends, mails, inbound")
    await connection.close()


async def only(check: Callable[[Config], Awaitable[list[str]]], config: Config) -> str:
    """Give the one sentence that a check finds."""
    [sentence] = await check(config)
    return sentence


async def test_nothing_is_said_of_a_sound_installation(own: Config, superuser: Any) -> None:
    assert await examine(own, _ALONE) == []


async def test_a_check_that_cannot_be_made_is_a_finding_itself(own: Config) -> None:
    nowhere = replace(own, system_database_url="postgresql+asyncpg://rapport_system@127.0.0.1:1/rapport")
    found = await examine(nowhere, _ALONE)
    assert "RAPPORT_SYSTEM_DATABASE_URL: PostgreSQL lets nobody in (ConnectionRefusedError)." in found
    assert "It cannot be told how the indexes stand: no answer (ConnectionRefusedError)." in found
    away = replace(own, database_url="postgresql+asyncpg://rapport_app@127.0.0.1:1/rapport")
    assert "RAPPORT_DATABASE_URL: PostgreSQL lets nobody in (ConnectionRefusedError)." in await examine(away, _ALONE)


async def test_a_sandbox_beside_a_provider_is_found(environment: dict[str, str]) -> None:
    account = {"ACCOUNT_SID": f"AC{'0' * 32}", "AUTH_TOKEN": "1" * 32, "PHONE_NUMBER": "+442079460001"}
    config = Config.load(environment | {f"RAPPORT_TWILIO_{name}": value for name, value in account.items()})
    assert "RAPPORT_SANDBOX=1 stands beside RAPPORT_TWILIO_ACCOUNT_SID" in await only(machine.settings, config)


async def test_keys_that_ought_to_be_gone_are_found(own: Config) -> None:
    assert await machine.settings(replace(own, secret_keys=tuple(_KEYS[:3]))) == []
    assert "holds 4 keys" in await only(machine.settings, replace(own, secret_keys=tuple(_KEYS[:4])))
    assert "the same key twice" in await only(machine.settings, replace(own, secret_keys=(_KEYS[0], _KEYS[0])))


async def test_a_disk_that_is_nearly_full_is_found(own: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "LEAST_FREE", 10**18)
    assert "GB left of" in await only(machine.disks, own)


async def test_a_place_where_no_file_can_be_kept_is_found(own: Config, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "nothing can be kept there" in await only(machine.files, replace(own, files_url=f"file://{tmp_path}/file/x"))
    assert await machine.files(replace(own, files_url=f"file://{tmp_path}/new")) == []
    assert not await asyncio.to_thread(lambda: list(tmp_path.rglob("doctor/*")))


async def test_a_bucket_that_does_not_answer_is_found(own: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.setenv(name, "some")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    found = await only(machine.files, replace(own, files_url="s3://bucket/x"))
    assert found == "RAPPORT_FILES_URL: The file store cannot be reached."


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("postgres", ["signs in as postgres", "bypasses row-level security"]),
        ("rapport_owner", ["signs in as rapport_owner", "owner"]),
        ("rapport_system", ["signs in as rapport_system"]),
    ],
)
async def test_an_application_role_with_too_many_rights_is_found(own: Config, user: str, words: list[str]) -> None:
    found = await database.application_role(
        replace(own, database_url=own.database_url.replace("rapport_app@", f"{user}@"))
    )
    assert len(found) == len(words)
    assert all(word in sentence for word, sentence in zip(words, found, strict=True))


async def test_a_role_that_bypasses_or_joined_the_owner_is_found(own: Config, superuser: Any) -> None:
    for wrong, right, words in (
        ("ALTER ROLE rapport_app BYPASSRLS", "ALTER ROLE rapport_app NOBYPASSRLS", "bypasses"),
        ("GRANT rapport_owner TO rapport_app", "REVOKE rapport_owner FROM rapport_app", "member of that role"),
    ):
        await superuser.execute(wrong)
        try:
            assert words in await only(database.application_role, own)
        finally:
            await superuser.execute(right)
    await superuser.execute("ALTER ROLE rapport_system BYPASSRLS")
    try:
        assert "rapport_system bypasses" in await only(database.system_role, own)
    finally:
        await superuser.execute("ALTER ROLE rapport_system NOBYPASSRLS")


async def test_a_server_that_is_too_old_is_found(own: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "OLDEST_SERVER", 990_000)
    assert "is too old" in await only(database.system_role, own)


@pytest.mark.parametrize("seconds", [-30, 30])
async def test_clocks_that_differ_are_found(own: Config, seconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Wrong":
            real = datetime.now(tz or UTC) + timedelta(seconds=seconds)
            return cls.fromtimestamp(real.timestamp(), tz)

    monkeypatch.setattr(database, "datetime", Wrong)
    found = await only(database.clocks, own)
    assert any(f"are {said} s apart" in found for said in ("29.9", "30.0", "30.1"))


async def test_tables_of_another_revision_are_found(own: Config, config: Config, superuser: Any) -> None:
    await superuser.execute("UPDATE alembic_version SET version_num = '0000'")
    assert "at revision 0000" in await only(database.migrations, own)
    await superuser.execute("UPDATE alembic_version SET version_num = $1", newest_revision())
    assert await database.migrations(own) == []
    create_database(config, "empty")
    try:
        empty = replace(own, system_database_url=own.system_database_url.replace(_DATABASE, "empty"))
        assert "at revision none" in await only(database.migrations, empty)
    finally:
        drop_database(config, "empty")


async def test_a_tenants_table_that_lies_open_is_found(own: Config, superuser: Any) -> None:
    for what, back in (("NO FORCE", "FORCE"), ("DISABLE", "ENABLE")):
        await superuser.execute(f"ALTER TABLE tags {what} ROW LEVEL SECURITY")
        assert await only(database.tenancy, own) == "Row-level security is not enabled and forced on the table tags."
        await superuser.execute(f"ALTER TABLE tags {back} ROW LEVEL SECURITY")


async def test_missing_and_broken_indexes_are_found(own: Config, superuser: Any) -> None:
    made = await superuser.fetchval("SELECT pg_get_indexdef('ix_deliveries_due'::regclass)")
    await superuser.execute("DROP INDEX ix_deliveries_due")
    assert "The index ix_deliveries_due is missing" in await only(database.indexes, own)
    await superuser.execute(made)
    await superuser.execute("ALTER TABLE sends DROP CONSTRAINT uq_sends_organization_id_natural_key")
    assert "uq_sends_organization_id_natural_key is missing" in await only(database.indexes, own)
    await superuser.execute(
        "ALTER TABLE sends ADD CONSTRAINT uq_sends_organization_id_natural_key UNIQUE (organization_id, natural_key)"
    )
    for _ in range(2):
        await _owed(superuser, parked="clock_timestamp()")
    with pytest.raises(asyncpg.UniqueViolationError):
        await superuser.execute("CREATE UNIQUE INDEX CONCURRENTLY broken ON deliveries (subscription)")
    assert "The index broken of deliveries is invalid" in await only(database.indexes, own)
    await superuser.execute("DROP INDEX broken")


async def test_a_missing_partition_of_the_event_log_is_found(own: Config, superuser: Any) -> None:
    month = await superuser.fetchval("SELECT to_char(now() + interval '1 month', 'YYYYMM')")
    await superuser.execute(f"ALTER TABLE events_{month} RENAME TO elsewhere")
    assert "Next month's partition" in await only(database.partitions, own)
    await superuser.execute(f"ALTER TABLE elsewhere RENAME TO events_{month}")


@asynccontextmanager
async def _redis_with(config: Config, **settings: str) -> AsyncIterator[None]:
    async with redis.Redis.from_url(config.redis_url) as client:
        names = [name.replace("_", "-") for name in settings]
        before = {name: str((await client.config_get(name))[name]) for name in names}
        for name, value in zip(names, settings.values(), strict=True):
            await client.config_set(name, value)
        try:
            yield
        finally:
            for name, value in before.items():
                await client.config_set(name, value)


async def test_a_redis_that_forgets_is_found(own: Config) -> None:
    async with _redis_with(own, appendonly="no"):
        assert "keeps no append-only file" in await only(servers.redis_server, own)
    async with _redis_with(own, maxmemory_policy="allkeys-lru"):
        assert "throws away what it was given when it is full (allkeys-lru)" in await only(servers.redis_server, own)
    async with _redis_with(own, maxmemory="1mb"):
        assert "of its maxmemory" in await only(servers.redis_server, own)


async def test_a_queue_that_does_not_answer_is_found(own: Config) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    away = replace(own, redis_url=f"redis://{nowhere}", broker_url=f"amqp://{nowhere}")
    assert await servers.redis_server(away) == ["RAPPORT_REDIS_URL: Redis does not answer (ConnectionError)."]
    assert "RabbitMQ does not answer" in await only(servers.broker, away)
    apart = replace(own, broker_url=f"redis://{nowhere}")
    assert await only(servers.redis_server, apart) == "RAPPORT_BROKER_URL: Redis does not answer (ConnectionError)."


async def test_a_kind_of_part_that_is_not_at_work_is_found(own: Config) -> None:
    async with redis.Redis.from_url(own.redis_url) as client, AsyncExitStack() as stack:
        for part in ("relay", "worker"):
            await stack.enter_async_context(at_work(client, part))
        await asyncio.sleep(0.2)
        assert await only(servers.parts, own) == "No scheduler is at work: start one (`rapport scheduler`)."


async def test_a_sandbox_without_its_provider_is_found(own: Config) -> None:
    alone = replace(own, sandbox_provider_url=f"http://127.0.0.1:{free_port()}")
    assert "does not answer (ConnectError)" in await only(servers.sandbox_provider, alone)
    assert await servers.sandbox_provider(replace(alone, sandbox=False)) == []


async def _owed(superuser: Any, *, due: str = "clock_timestamp()", parked: str = "NULL", failures: int = 0) -> None:
    await superuser.execute(
        "INSERT INTO deliveries (id, organization_id, subscription, queue, due_at, parked_at, failures)"
        f" VALUES ($1, $2, 'door.open', 'default', {due}, {parked}, {failures})",
        new_id(),
        new_id(),
    )


async def test_late_and_failing_work_is_found(own: Config, superuser: Any) -> None:
    await _owed(superuser)
    assert await work.queues(own) == []
    await _owed(superuser, due="clock_timestamp() - interval '90 seconds'")
    assert "1 deliveries of the queue default are overdue, the oldest by 90 s" in await only(work.queues, own)
    await superuser.execute("TRUNCATE deliveries")
    await _owed(superuser, failures=4)
    assert "have failed up to 4 times" in await only(work.queues, own)
    await superuser.execute("TRUNCATE deliveries")
    assert await work.parked(own) == []
    await _owed(superuser, parked="'2026-01-02 03:04:05Z'")
    sentence = await only(work.parked, own)
    assert "1 deliveries to door.open failed for good, the first on 02 January 2026 at 03:04 UTC" in sentence
    assert await work.queues(own) == []


async def test_events_and_schedules_that_nobody_takes_are_found(own: Config, superuser: Any) -> None:
    await superuser.execute(
        "INSERT INTO outbox (organization_id, event_id, type, at) VALUES ($1, $1, 'x', now() - interval '2 min')",
        new_id(),
    )
    assert "does a relay run?" in await only(work.queues, own)
    await superuser.execute("TRUNCATE outbox")
    await superuser.execute(
        "INSERT INTO schedules (name, organization_id, next_due_at) VALUES ('s', $1, now() - interval '2 min')",
        new_id(),
    )
    assert "does a scheduler run?" in await only(work.queues, own)


async def test_an_account_that_takes_texts_and_tells_nothing_is_named(own: Config, superuser: Any) -> None:
    organization_id = new_id()
    await superuser.execute("INSERT INTO schedules (name, organization_id) VALUES ('s', $1)", organization_id)

    async def handed(count: int, provider: str, ago: str) -> None:
        await superuser.execute(
            "INSERT INTO sends (organization_id, id, natural_key, purpose, channel, state, contact_id, conversation_id,"
            " recipient, sender, due_at, verdict, reasons, provider, handed_machine_at, created_at)"
            " SELECT $1, uuidv7(), uuidv7()::text, 'campaign', 'sms', 'accepted', $1, $1, '', '', now(), 'allow', '[]',"
            " $3, clock_timestamp() - $4::text::interval, now() FROM generate_series(1, $2::int)",
            organization_id,
            count,
            provider,
            ago,
        )

    async def told(provider: str, kind: str, ago: timedelta) -> None:
        await superuser.execute(
            "INSERT INTO inbound (id, provider, account, external_id, organization_id, kind, payload)"
            " VALUES ($1, $2, '', $3, $4, $5, '{}')",
            first_id(datetime.now(UTC) - ago),
            provider,
            str(new_id()),
            organization_id,
            kind,
        )

    await handed(4, "twilio:AC1", "1 hour")
    await handed(9, "twilio:AC1", "7 hours")
    await handed(9, "twilio:AC1", "1 minute")
    await handed(9, "sandbox", "1 hour")
    assert await work.silence(own) == [], "four texts say nothing"
    await handed(1, "twilio:AC1", "2 hours")
    await told("twilio", "text", timedelta(hours=1))  # which we may have asked for ourselves
    await told("twilio", "status", timedelta(hours=7))
    await told("android_gateway", "status", timedelta(hours=1, seconds=2))  # an id is of its millisecond
    sentence = await only(work.silence, own)
    assert f"The account twilio:AC1 of organisation {organization_id} has taken 5 texts in 6 hours" in sentence
    await told("twilio", "status", timedelta(hours=1, seconds=1))
    assert await work.silence(own) == []


async def test_an_account_of_the_installation_that_is_refused_is_found_until_it_serves(
    own: Config, superuser: Any
) -> None:
    own = replace(
        own,
        sandbox=False,
        texting_accounts=(account_of("twilio", {"account_sid": "AC1"}, {}),),
        mail_account=MailAccount("resend", "2"),
        anthropic=replace(own.anthropic, api_key="key"),
    )
    assert await work.accounts(own) == []
    await superuser.execute(
        "INSERT INTO installation_accounts (name, failing_since, noted_at, error)"
        " VALUES ('anthropic', '2027-03-22T10:00:00Z', now(), 'The model refuses the access (401).'),"
        " ('twilio:AC1', NULL, now(), 'It is over.'),"
        " ('resend:1', '2027-03-22T10:00:00Z', now(), 'That was the key before this one.')"
    )
    assert await only(work.accounts, own) == (
        "The installation's account anthropic has been refused since 22 March 2027 at 10:00 UTC:"
        " The model refuses the access (401)."
    )
    without = replace(own, anthropic=replace(own.anthropic, api_key=None))
    assert await work.accounts(without) == [], "who has no key any more is refused nothing"
    assert await work.accounts(replace(own, sandbox=True)) == []
    await superuser.execute("TRUNCATE installation_accounts")


async def test_mails_that_wait_for_a_person_are_counted(own: Config, superuser: Any) -> None:
    organization_id = new_id()
    await superuser.execute("INSERT INTO schedules (name, organization_id) VALUES ('s', $1)", organization_id)
    for state in ("parked", "parked", "unknown", "accepted"):
        await superuser.execute(
            "INSERT INTO mails (organization_id, id, kind, subject, to_address, state, reason, created_at)"
            " VALUES ($1, $2, 'invitation', $2, 'a@b.example', $3, 'The account is gone.', now())",
            organization_id,
            new_id(),
            state,
        )
    assert (await only(work.ledger, own)).startswith("2 mails wait for a person")


@pytest.mark.parametrize(
    ("state", "since", "words"),
    [
        ("claimed", "2 min", "1 texts are held by workers"),
        ("handed", "2 min", "1 texts are held by workers"),
        ("unknown", "20 min", "Of 1 texts nobody has known for over 15 minutes"),
        ("parked", "1 sec", "1 texts wait for a person"),
    ],
)
async def test_texts_that_are_not_settled_are_found(
    own: Config, superuser: Any, state: str, since: str, words: str
) -> None:
    organization_id = new_id()
    await superuser.execute("INSERT INTO schedules (name, organization_id) VALUES ('s', $1)", organization_id)
    insert = (
        "INSERT INTO sends (organization_id, id, natural_key, purpose, channel, state, contact_id, conversation_id,"
        " recipient, sender, due_at, verdict, reasons, lease_until, handed_machine_at, created_at)"
        " VALUES ($1, $2, 'key', 'campaign', 'sms', $3, $2, $2, '', '', now(), 'allow', '[]',"
        " clock_timestamp() - $4::text::interval, clock_timestamp() - $4::text::interval, now())"
    )
    await superuser.execute(insert, organization_id, new_id(), state, "0 sec")
    if state != "parked":
        assert await work.ledger(own) == []
        await superuser.execute("TRUNCATE sends")
        await superuser.execute(insert, organization_id, new_id(), state, since)
    assert words in await only(work.ledger, own)
