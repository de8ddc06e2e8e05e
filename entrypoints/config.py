"""The settings of one installation, read once from the environment (`api.md`, part 5)."""

import base64
import binascii
import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Self

import platformdirs
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from application.mailing import MailAccount
from application.messaging.texting import TextingAccount
from domain.kernel import Invalid
from entrypoints.config_limits import Limits, StreamLimits, limits, stream_limits
from entrypoints.config_mail import RESEND_API_URL, mail_account
from entrypoints.config_reading import HIDDEN, Environment
from entrypoints.config_texting import TWILIO_API_URL, texting_accounts

CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Calcom:
    """Hold the installation's own calendar at Cal.com (`RAPPORT_CALCOM_…`); an organisation's own goes before it."""

    api_url: str
    api_key: str = field(repr=False)
    event_type_id: int | None
    webhook_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anthropic:
    """Hold how Claude models are reached; organisations may have keys and models of their own."""

    api_key: str | None = field(default=None, repr=False)
    model: str = "claude-sonnet-5-5"
    api_url: str = "https://api.anthropic.com"
    daily_budget: int = 20
    """Dollars an organisation may spend in a day, unless it says otherwise; 0 is no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Hold every setting, checked; `load` reads them, and nothing else reads `RAPPORT_…` variables of `api.md`."""

    data_dir: Path
    socket_dir: Path
    database_url: str = field(repr=False)
    system_database_url: str = field(repr=False)
    owner_database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    broker_url: str = field(repr=False)
    embedded_database: bool
    embedded_redis: bool
    host: str
    port: int
    public_url: str
    trusted_proxies: tuple[str, ...]
    cors_origins: tuple[str, ...]
    egress_allow: tuple[str, ...]
    cron_secret: str | None = field(repr=False)
    sandbox: bool
    sandbox_implied: bool
    registration_open: bool
    upload_max: int
    limits: Limits
    stream_limits: StreamLimits
    files_url: str
    log_level: str
    secret_keys: tuple[bytes, ...] = field(repr=False)
    sandbox_provider_url: str
    metrics_port: int
    build: str
    provider_settings: tuple[str, ...]
    calcom: Calcom
    twilio_api_url: str
    texting_accounts: tuple[TextingAccount, ...] = field(repr=False)
    resend_api_url: str
    mail_account: MailAccount | None = field(repr=False)
    otel_endpoint: str
    anthropic: Anthropic
    rows: tuple[tuple[str, str, str], ...] = field(repr=False, compare=False)

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read and check the environment (default: the process's own); an `Invalid` names the variable to mend."""
        read = Environment(os.environ if environ is None else environ)
        data_dir = Path(read.text("DATA_DIR", str(default_data_dir()))).expanduser().resolve()
        socket_dir = default_socket_dir(data_dir)
        host = read.text("HOST", "127.0.0.1")
        port = read.port("PORT", 8000)
        reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
        sandbox = read.flag("SANDBOX", not read.providers())

        app, system, owner = read.databases(socket_dir)
        embedded_redis = not read.given("REDIS_URL")
        redis = read.url("REDIS_URL", f"unix://{socket_dir}/valkey.sock?db=0", ("redis", "rediss", "unix"))
        broker_default = f"unix://{socket_dir}/valkey.sock?db=1" if embedded_redis else redis
        registration = read.text("REGISTRATION", "open" if sandbox else "closed")
        if registration not in ("open", "closed"):
            raise Invalid("RAPPORT_REGISTRATION must be open or closed.")
        log_level = read.text("LOG_LEVEL", "info").lower()
        if log_level not in ("debug", "info", "warning", "error"):
            raise Invalid("RAPPORT_LOG_LEVEL must be debug, info, warning or error.")

        return cls(
            data_dir=data_dir,
            socket_dir=socket_dir,
            database_url=app,
            system_database_url=system,
            owner_database_url=owner,
            redis_url=redis,
            broker_url=read.url("BROKER_URL", broker_default, ("redis", "rediss", "unix", "amqp", "amqps")),
            embedded_database=not read.given("DATABASE_URL"),
            embedded_redis=embedded_redis,
            host=host,
            port=port,
            public_url=read.url("PUBLIC_URL", f"http://{reachable}:{port}", ("http", "https")).rstrip("/"),
            trusted_proxies=read.networks("TRUSTED_PROXIES"),
            cors_origins=read.origins("CORS_ORIGINS"),
            egress_allow=read.networks("EGRESS_ALLOW"),
            cron_secret=read.secret("CRON_SECRET"),
            sandbox=sandbox,
            sandbox_implied=sandbox and not read.given("SANDBOX"),
            registration_open=registration == "open",
            upload_max=read.size("UPLOAD_MAX", "200MB"),
            limits=limits(read.text),
            stream_limits=stream_limits(read.text),
            files_url=read.url("FILES_URL", f"file://{data_dir}/files", ("file", "s3")),
            log_level=log_level,
            secret_keys=_secret_keys(read, data_dir if sandbox else None),
            sandbox_provider_url=read.url(
                "SANDBOX_PROVIDER_URL", f"http://127.0.0.1:{min(port + 1, 65535)}", ("http", "https")
            ).rstrip("/"),
            metrics_port=read.port("METRICS_PORT", port + 2 if port + 2 <= 65535 else 0, off=True),
            build=read.text("BUILD", _version()),
            provider_settings=tuple(f"RAPPORT_{name}" for name in sorted(read.providers())),
            calcom=_calcom(read),
            twilio_api_url=read.url("TWILIO_API_URL", TWILIO_API_URL, ("http", "https")).rstrip("/"),
            texting_accounts=texting_accounts(read.group),
            resend_api_url=read.url("RESEND_API_URL", RESEND_API_URL, ("http", "https")).rstrip("/"),
            mail_account=mail_account(read.group),
            otel_endpoint=read.collector(),
            anthropic=_anthropic(read),
            rows=read.table(),
        )

    def derived_key(self, purpose: str) -> bytes:
        """Derive 32 bytes for one purpose from the first secret key (HKDF-SHA256, RFC 5869)."""
        return self.derived_keys(purpose)[0]

    def derived_keys(self, purpose: str) -> tuple[bytes, ...]:
        """Derive 32 bytes for one purpose from each secret key: the first one's signs, all of them are believed."""
        return tuple(
            HKDF(SHA256(), length=32, salt=None, info=f"rapport/{purpose}".encode()).derive(key)
            for key in self.secret_keys
        )

    def metrics_port_of(self, part: str, number: int = 1) -> int:
        """Name the loopback metrics port of `api`, `relay`, `scheduler` or `worker` number 1…; 0 is off."""
        offset = {"api": 0, "relay": 1, "scheduler": 2, "worker": 2 + number}[part]
        port = self.metrics_port + offset
        return port if self.metrics_port and port <= 65535 else 0

    @property
    def accounts(self) -> tuple[str, ...]:
        """Name the installation's accounts as it is noted how they did; a sandbox uses none."""
        if self.sandbox:
            return ()
        named = [account.name for account in (*self.texting_accounts, self.mail_account) if account is not None]
        return (*named, "anthropic") if self.anthropic.api_key else tuple(named)

    def settings_table(self) -> list[tuple[str, str, str]]:
        """List (variable, value, where it comes from) with secrets hidden, for `rapport config`."""
        return list(self.rows)


def _calcom(read: Environment) -> Calcom:
    """Read the installation's calendar; a key without what it books is refused."""
    kind = read.text("CALCOM_EVENT_TYPE_ID", "")
    if kind and not re.fullmatch(r"[1-9][0-9]{0,9}", kind, re.ASCII):
        raise Invalid("RAPPORT_CALCOM_EVENT_TYPE_ID must be the number of an event type.")
    key = read.secret("CALCOM_API_KEY") or ""
    if key and not kind:
        raise Invalid("RAPPORT_CALCOM_EVENT_TYPE_ID must be set too when RAPPORT_CALCOM_API_KEY is.")
    return Calcom(
        api_url=read.url("CALCOM_API_URL", "https://api.cal.com", ("https", "http")).rstrip("/"),
        api_key=key,
        event_type_id=int(kind) if kind else None,
        webhook_secret=read.secret("CALCOM_WEBHOOK_SECRET") or "",
    )


def _anthropic(read: Environment) -> Anthropic:
    """Read how Claude models are reached."""
    standard = Anthropic()
    budget = read.text("ANTHROPIC_DAILY_BUDGET", str(standard.daily_budget))
    if not re.fullmatch(r"\d{1,6}", budget, re.ASCII):
        raise Invalid("RAPPORT_ANTHROPIC_DAILY_BUDGET must be whole dollars, or 0 for no limit.")
    return Anthropic(
        api_key=read.secret("ANTHROPIC_API_KEY"),
        model=read.text("ANTHROPIC_MODEL", standard.model),
        api_url=read.url("ANTHROPIC_API_URL", standard.api_url, ("http", "https")).rstrip("/"),
        daily_budget=int(budget),
    )


def default_data_dir() -> Path:
    """Name the data folder when `RAPPORT_DATA_DIR` is unset; never the same for two checkouts."""
    name = f"{CHECKOUT.name}-{_short_hash(CHECKOUT)}"
    if os.geteuid() == 0:
        return Path("/var/lib/rapport") / name
    if os.access(CHECKOUT, os.W_OK):
        return CHECKOUT / ".rapport"
    return platformdirs.user_state_path("rapport") / name


def default_socket_dir(data_dir: Path) -> Path:
    """Name the folder of the embedded servers' sockets; short, as a socket's path may hold 107 bytes (unix(7))."""
    mark = _short_hash(data_dir)
    if os.geteuid() == 0:
        return Path("/run/rapport") / mark if os.access("/run", os.W_OK) else Path(f"/tmp/rapport-0-{mark}")  # noqa: S108
    private = os.environ.get("XDG_RUNTIME_DIR", "")
    if private and len(os.fsencode(private)) <= 50 and os.access(private, os.W_OK):
        return Path(private) / f"rapport-{mark}"
    return Path(f"/tmp/rapport-{os.geteuid()}-{mark}")  # noqa: S108


def make_data_dir(data_dir: Path) -> None:
    """Make the data folder, private; root's lets others pass through, as PostgreSQL then runs as another user."""
    data_dir.mkdir(parents=True, exist_ok=True)
    if data_dir.stat().st_uid == os.geteuid():
        data_dir.chmod(0o711 if os.geteuid() == 0 else 0o700)


def _secret_keys(read: Environment, keep_in: Path | None) -> tuple[bytes, ...]:
    """Read the keys, base64 of 32 bytes or more each; without any, make and keep one in a sandbox's folder."""
    given = read.secret("SECRET_KEYS")
    if given is None:
        if keep_in is None:
            raise Invalid("RAPPORT_SECRET_KEYS must be set outside the sandbox, e.g. to `openssl rand -base64 32`.")
        given = _kept_secret(keep_in)
        read.note("SECRET_KEYS", HIDDEN, "data folder")
    keys = []
    for part in given.split(","):
        text = part.strip().rstrip("=").translate(str.maketrans("+/", "-_"))
        try:
            key = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) < 32:
            raise Invalid("RAPPORT_SECRET_KEYS must hold base64 of 32 bytes or more each, separated by commas.")
        keys.append(key)
    return tuple(keys)


def _kept_secret(data_dir: Path) -> str:
    kept = data_dir / "secret_keys"
    if not kept.exists():
        try:
            make_data_dir(data_dir)
            # Linked into place complete: of two processes that start at once the second finds the first one's key.
            with tempfile.NamedTemporaryFile("w", dir=data_dir, prefix="secret_keys.") as draft:
                draft.write(secrets.token_urlsafe(32))
                draft.flush()
                os.fsync(draft.fileno())
                try:
                    os.link(draft.name, kept)
                except FileExistsError:
                    return kept.read_text().strip()
        except OSError as error:
            raise Invalid(f"RAPPORT_DATA_DIR: nothing can be written to {data_dir} ({error.strerror}).") from None
    return kept.read_text().strip()


def _short_hash(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:10]


def _version() -> str:
    try:
        return metadata.version("rapport")
    except metadata.PackageNotFoundError:
        return "checkout"
