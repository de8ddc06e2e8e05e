import base64
import hashlib
import hmac
import stat
from pathlib import Path

import pytest

from domain.kernel import Invalid
from entrypoints.config import Config, default_socket_dir
from entrypoints.config_limits import Limit

_KEY = base64.b64encode(bytes(range(32))).decode()


def _load(tmp_path: Path, **given: str) -> Config:
    return Config.load(
        {"RAPPORT_DATA_DIR": str(tmp_path)} | {f"RAPPORT_{name}": value for name, value in given.items()}
    )


def test_with_nothing_set_everything_is_embedded_and_local(tmp_path: Path) -> None:
    config = _load(tmp_path)
    assert (config.embedded_database, config.embedded_redis, config.sandbox, config.registration_open) == (True,) * 4
    assert config.database_url == f"postgresql+asyncpg://rapport_app@/rapport?host={config.socket_dir}/postgres"
    assert config.system_database_url.startswith("postgresql+asyncpg://rapport_system@")
    assert config.owner_database_url.startswith("postgresql+asyncpg://rapport_owner@")
    assert config.redis_url != config.broker_url
    assert (config.host, config.port, config.public_url) == ("127.0.0.1", 8000, "http://127.0.0.1:8000")
    assert (config.sandbox_provider_url, config.metrics_port) == ("http://127.0.0.1:8001", 8002)
    assert config.upload_max == 200_000_000
    assert config.limits.sign_in == Limit(5, 900)
    assert config.cron_secret is None


def test_the_sandboxs_key_is_kept_private_and_stays_the_same(tmp_path: Path) -> None:
    first, second = _load(tmp_path), _load(tmp_path)
    assert first.secret_keys == second.secret_keys
    assert len(first.secret_keys[0]) == 32
    assert stat.S_IMODE((tmp_path / "secret_keys").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_keys"]


def test_outside_the_sandbox_a_key_is_required(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="RAPPORT_SECRET_KEYS"):
        _load(tmp_path, SANDBOX="0")
    assert not (tmp_path / "secret_keys").exists()
    assert not _load(tmp_path, SANDBOX="0", SECRET_KEYS=_KEY).registration_open


def test_mail_leaves_through_resend_or_through_a_mail_server(tmp_path: Path) -> None:
    resend = {"RESEND_API_KEY": "re_0123456789", "RESEND_FROM_ADDRESS": "Office@Bright.example", "SECRET_KEYS": _KEY}
    config = _load(tmp_path, **resend)
    assert not config.sandbox
    assert config.mail_account is not None
    assert (config.mail_account.provider, config.mail_account.settings) == (
        "resend", {"from_address": "office@bright.example"},
    )  # fmt: skip
    assert "re_0123456789" not in repr(config)
    server = {"SMTP_HOST": "mail.example", "SMTP_FROM_ADDRESS": "office@bright.example", "SECRET_KEYS": _KEY}
    for more, name in (({}, "smtp:mail.example:587"), ({"SMTP_SECURITY": "tls"}, "smtp:mail.example:465")):
        served = _load(tmp_path, **server, **more).mail_account
        assert served is not None
        assert served.name == name
    assert _load(tmp_path, RESEND_API_URL="http://127.0.0.1:4008").mail_account is None
    login = {"SMTP_USERNAME": "office", "SMTP_PASSWORD": "smtp-hush"}
    assert "smtp-hush" not in repr(_load(tmp_path, **server, **login))


@pytest.mark.parametrize(
    "wrong",
    [
        {"SMTP_HOST": ""},
        {"SMTP_FROM_ADDRESS": "nobody"},
        {"SMTP_SECURITY": "some"},
        {"SMTP_PORT": "0"},
        {"SMTP_PORT": "mail"},
        {"SMTP_USERNAME": "office"},
        {"SMTP_HOSTNAME": "mail.example"},
        {"RESEND_API_KEY": "re_0123456789"},
        {"RESEND_FROM_ADDRESS": "office@bright.example"},
    ],
)
def test_mail_that_cannot_leave_is_refused_by_the_variables_name(tmp_path: Path, wrong: dict[str, str]) -> None:
    server = {"SMTP_HOST": "mail.example", "SMTP_FROM_ADDRESS": "office@bright.example", "SECRET_KEYS": _KEY}
    with pytest.raises(Invalid, match=r"RAPPORT_(SMTP|RESEND)_"):
        _load(tmp_path, **server | wrong)


def test_a_configured_provider_ends_the_sandbox_unless_it_is_asked_for(tmp_path: Path) -> None:
    twilio = {"TWILIO_ACCOUNT_SID": f"AC{'0' * 32}", "TWILIO_AUTH_TOKEN": "twilio-hush", "SECRET_KEYS": _KEY}
    assert not _load(tmp_path, **twilio).sandbox
    assert _load(tmp_path, **twilio, SANDBOX="1").sandbox
    alone = _load(tmp_path, TWILIO_API_URL="http://127.0.0.1:4013/")
    assert (alone.sandbox, alone.sandbox_implied, alone.twilio_api_url) == (True, True, "http://127.0.0.1:4013")


def test_a_texting_account_is_held_to_its_form(tmp_path: Path) -> None:
    twilio = {"TWILIO_ACCOUNT_SID": f"AC{'0' * 32}", "TWILIO_AUTH_TOKEN": "twilio-hush", "SECRET_KEYS": _KEY}
    [account] = _load(tmp_path, **twilio, TWILIO_PHONE_NUMBER="+442079460000").texting_accounts
    assert (account.name, account.settings["phone_number"]) == (f"twilio:AC{'0' * 32}", "+442079460000")
    for wrong in ({"TWILIO_ACCOUNT_SID": "AC1"}, {"TWILIO_AUTH_TOKEN": ""}, {"TWILIO_NUMBER": "+442079460000"}):
        with pytest.raises(Invalid, match="RAPPORT_TWILIO_") as raised:
            _load(tmp_path, **{**twilio, **wrong})
        assert "hush" not in raised.value.message
    phone = {"ANDROID_GATEWAY_URL": "https://phone.example.com/", "ANDROID_GATEWAY_USERNAME": "u"}
    [gateway] = _load(tmp_path, **phone, ANDROID_GATEWAY_PASSWORD="gateway-hush", SECRET_KEYS=_KEY).texting_accounts
    assert gateway.settings["gateway_url"] == "https://phone.example.com"


def test_derived_keys_differ_by_purpose_and_follow_rfc_5869(tmp_path: Path) -> None:
    config = _load(tmp_path, SECRET_KEYS=f"{_KEY},{base64.urlsafe_b64encode(bytes(40)).decode()}")
    assert config.secret_keys == (bytes(range(32)), bytes(40))
    assert len({config.derived_key("tokens"), config.derived_key("sandbox-webhooks"), config.secret_keys[0]}) == 3
    extracted = hmac.digest(bytes(32), bytes(range(32)), hashlib.sha256)
    assert config.derived_key("tokens") == hmac.digest(extracted, b"rapport/tokens\x01", hashlib.sha256)


def test_servers_of_ones_own_are_taken_in_the_forms_people_write(tmp_path: Path) -> None:
    config = _load(
        tmp_path,
        DATABASE_URL="postgres://app:pw@db/rapport",
        SYSTEM_DATABASE_URL="postgresql://system:pw@db/rapport",
        REDIS_URL="redis://cache:6379/0",
    )
    assert config.database_url == "postgresql+asyncpg://app:pw@db/rapport"
    assert config.system_database_url == "postgresql+asyncpg://system:pw@db/rapport"
    assert (config.owner_database_url, config.broker_url) == ("", "redis://cache:6379/0")
    assert (config.embedded_database, config.embedded_redis) == (False, False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "70000"), ("PORT", "0"), ("PORT", "eighty"), ("METRICS_PORT", "-1"), ("SANDBOX", "maybe"),
        ("DATABASE_URL", "mysql://db/rapport"), ("REDIS_URL", "cache:6379"), ("PUBLIC_URL", "crm.example.com"),
        ("TRUSTED_PROXIES", "10.0.0.0/99"), ("CORS_ORIGINS", "https://a.example/path"), ("CORS_ORIGINS", "*"),
        ("UPLOAD_MAX", "lots"), ("UPLOAD_MAX", "0"), ("LIMIT_SIGN_IN", "5"), ("LIMIT_API", "100/0"),
        ("LOG_LEVEL", "loud"), ("REGISTRATION", "perhaps"), ("SECRET_KEYS", "short"),
        ("SECRET_KEYS", f"{_KEY},c2hvcnQ="), ("FILES_URL", "ftp://files/x"), ("BROKER_URL", "kafka://broker"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_the_variables_name(tmp_path: Path, name: str, value: str) -> None:
    given = {name: value} | ({"SYSTEM_DATABASE_URL": value} if name == "DATABASE_URL" else {})
    with pytest.raises(Invalid, match=f"RAPPORT_{name}"):
        _load(tmp_path, **given)


def test_half_a_database_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="RAPPORT_SYSTEM_DATABASE_URL"):
        _load(tmp_path, DATABASE_URL="postgresql://app@db/rapport")
    with pytest.raises(Invalid, match="RAPPORT_OWNER_DATABASE_URL"):
        _load(tmp_path, OWNER_DATABASE_URL="postgresql://owner@db/rapport")


def test_limits_and_sizes_are_read(tmp_path: Path) -> None:
    config = _load(tmp_path, LIMIT_SIGN_IN="50/60", LIMIT_API="0", UPLOAD_MAX="2 MiB", METRICS_PORT="0")
    assert config.limits.sign_in == Limit(50, 60)
    assert config.limits.api.off
    assert not config.limits.uploads.off
    assert config.upload_max == 2 * 1024 * 1024
    assert config.metrics_port_of("relay") == 0


def test_every_process_has_a_metrics_port_of_its_own(tmp_path: Path) -> None:
    config = _load(tmp_path, PORT="9000")
    ports = [config.metrics_port_of(part) for part in ("api", "relay", "scheduler")]
    ports += [config.metrics_port_of("worker", number) for number in (1, 2, 3)]
    assert ports == [9002, 9003, 9004, 9005, 9006, 9007]


def test_the_settings_table_tells_sources_and_hides_secrets(tmp_path: Path) -> None:
    config = _load(
        tmp_path, SECRET_KEYS=_KEY, CRON_SECRET="cron-hush", TWILIO_AUTH_TOKEN="twilio-hush", SANDBOX="1",
        TWILIO_ACCOUNT_SID=f"AC{'0' * 32}",
        DATABASE_URL="postgresql://app:db-hush@db/rapport", SYSTEM_DATABASE_URL="postgresql://s:db-hush@db/rapport",
    )  # fmt: skip
    table = config.settings_table()
    sources = {name: source for name, _, source in table}
    assert (sources["RAPPORT_SANDBOX"], sources["RAPPORT_PORT"]) == ("environment", "default")
    everything = repr(table) + repr(config)
    assert "hush" not in everything
    assert _KEY not in everything
    assert "TWILIO_AUTH_TOKEN" in everything


def test_two_data_folders_have_sockets_apart_and_short(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100)
    first, second = default_socket_dir(deep / "a"), default_socket_dir(deep / "b")
    assert first != second
    assert len(str(first / "postgres" / ".s.PGSQL.5432.lock")) < 100


def test_a_calendar_needs_to_know_what_is_booked() -> None:
    key = {"RAPPORT_SECRET_KEYS": _KEY, "RAPPORT_CALCOM_API_KEY": "cal_live_0123456789"}
    with pytest.raises(Invalid, match="RAPPORT_CALCOM_EVENT_TYPE_ID must be set too"):
        Config.load(key)
    with pytest.raises(Invalid, match="must be the number"):
        Config.load(key | {"RAPPORT_CALCOM_EVENT_TYPE_ID": "intro"})
    config = Config.load(key | {"RAPPORT_CALCOM_EVENT_TYPE_ID": "123"})
    assert (config.sandbox, config.calcom.event_type_id, config.calcom.api_url) == (False, 123, "https://api.cal.com")
    assert "cal_live" not in repr(config)
    assert "cal_live" not in str(config.settings_table())
