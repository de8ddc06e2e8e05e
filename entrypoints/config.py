"""The settings of one installation, read once from the environment (`api.md`, part 5)."""

import base64
import binascii
import hashlib
import ipaddress
import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import platformdirs
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from application.mailing import MailAccount
from application.messaging.texting import TextingAccount
from domain.kernel import Invalid
from entrypoints.config_limits import Limit, Limits, StreamLimits, stream_limits
from entrypoints.config_mail import RESEND_API_URL, mail_account
from entrypoints.config_texting import TWILIO_API_URL, texting_accounts

CHECKOUT = Path(__file__).resolve().parent.parent
PROVIDERS = (
    "TWILIO", "ANDROID_GATEWAY", "RESEND", "SMTP", "STRIPE", "ANTHROPIC", "CALCOM", "NYLAS", "PLUSVIBE", "ELEVENLABS",
)  # fmt: skip
_SIZE = re.compile(r"(\d+)\s*(B|KB|MB|GB|KIB|MIB|GIB)?", re.IGNORECASE)
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
_HIDDEN = "(hidden)"


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
        read = _Environment(os.environ if environ is None else environ)
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
            limits=read.limits(),
            stream_limits=stream_limits(read.text),
            files_url=read.url("FILES_URL", f"file://{data_dir}/files", ("file", "s3")),
            log_level=log_level,
            secret_keys=read.secret_keys(data_dir if sandbox else None),
            sandbox_provider_url=read.url(
                "SANDBOX_PROVIDER_URL", f"http://127.0.0.1:{min(port + 1, 65535)}", ("http", "https")
            ).rstrip("/"),
            metrics_port=read.port("METRICS_PORT", port + 2 if port + 2 <= 65535 else 0, off=True),
            build=read.text("BUILD", _version()),
            provider_settings=tuple(f"RAPPORT_{name}" for name in sorted(read.providers())),
            calcom=read.calcom(),
            twilio_api_url=read.url("TWILIO_API_URL", TWILIO_API_URL, ("http", "https")).rstrip("/"),
            texting_accounts=texting_accounts(read.group),
            resend_api_url=read.url("RESEND_API_URL", RESEND_API_URL, ("http", "https")).rstrip("/"),
            mail_account=mail_account(read.group),
            otel_endpoint=read.collector(),
            anthropic=read.anthropic(),
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

    def settings_table(self) -> list[tuple[str, str, str]]:
        """List (variable, value, where it comes from) with secrets hidden, for `rapport config`."""
        return list(self.rows)


class _Environment:
    """Read `RAPPORT_…` variables, check them, and remember what was read for the settings table."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._given = {
            key.removeprefix("RAPPORT_"): value.strip()
            for key, value in environ.items()
            if key.startswith("RAPPORT_") and value.strip()
        }
        self._collector = environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip()
        self._rows: dict[str, tuple[str, str]] = {}

    def given(self, name: str) -> bool:
        return name in self._given

    def providers(self) -> list[str]:
        """Name what configures a provider; where a stand-in listens does not."""
        prefixes = tuple(f"{provider}_" for provider in PROVIDERS)
        return [name for name in self._given if name.startswith(prefixes) and not name.endswith("_API_URL")]

    def group(self, provider: str) -> dict[str, str]:
        """Give a provider's variables that are set, by what follows its name, in small letters."""
        names = [name for name in self.providers() if name.startswith(f"{provider}_")]
        return {name.removeprefix(f"{provider}_").lower(): self._given[name] for name in names}

    def _note(self, name: str, value: str) -> None:
        self._rows[name] = (value, "environment" if name in self._given else "default")

    def text(self, name: str, default: str) -> str:
        value = self._given.get(name, default)
        self._note(name, value)
        return value

    def port(self, name: str, default: int, *, off: bool = False) -> int:
        value = self.text(name, str(default))
        if not value.isascii() or not value.isdecimal() or not (0 if off else 1) <= int(value) <= 65535:
            raise Invalid(f"RAPPORT_{name} must be a port from 1 to 65535{', or 0 for off' if off else ''}.")
        return int(value)

    def flag(self, name: str, default: bool) -> bool:
        value = self.text(name, "1" if default else "0").lower()
        if value not in ("1", "true", "yes", "on", "0", "false", "no", "off"):
            raise Invalid(f"RAPPORT_{name} must be 1 or 0.")
        return value in ("1", "true", "yes", "on")

    def url(self, name: str, default: str, schemes: tuple[str, ...]) -> str:
        value = self._given.get(name, default)
        try:
            parts = urlsplit(value)
            port_is_sound = parts.port is None or parts.port > 0
        except ValueError:
            raise Invalid(f"RAPPORT_{name} is not an address that can be read.") from None
        if parts.scheme not in schemes or not (parts.netloc or parts.path.startswith("/")) or not port_is_sound:
            raise Invalid(
                f"RAPPORT_{name} must be an address that begins with {' or '.join(f'{s}://' for s in schemes)}."
            )
        self._note(name, re.sub(r"(://[^:/@]*:)[^@]*@", rf"\1{_HIDDEN}@", value))
        return value

    def databases(self, socket_dir: Path) -> tuple[str, str, str]:
        """Read the application's, the system's and the owner's URL; the owner's may be empty where none migrates."""
        names = ("DATABASE_URL", "SYSTEM_DATABASE_URL", "OWNER_DATABASE_URL")
        if not self.given("DATABASE_URL"):
            for name in names[1:]:
                if self.given(name):
                    raise Invalid(f"RAPPORT_{name} is set but RAPPORT_DATABASE_URL is not: set both or neither.")
            urls = [f"postgresql+asyncpg://rapport_{role}@/rapport?host={socket_dir}/postgres" for role in
                    ("app", "system", "owner")]  # fmt: skip
            for name, url in zip(names, urls, strict=True):
                self._note(name, url)
            return urls[0], urls[1], urls[2]
        if not self.given("SYSTEM_DATABASE_URL"):
            raise Invalid("RAPPORT_SYSTEM_DATABASE_URL must be set too when RAPPORT_DATABASE_URL is.")
        found = []
        for name in names:
            url = self._given.get(name, "")
            if url:
                url = self.url(name, "", ("postgresql+asyncpg", "postgresql", "postgres"))
                url = re.sub(r"^postgres(ql)?(\+asyncpg)?://", "postgresql+asyncpg://", url)
            else:
                self._note(name, "")
            found.append(url)
        return found[0], found[1], found[2]

    def calcom(self) -> Calcom:
        """Read the installation's calendar; a key without what it books is refused."""
        kind = self.text("CALCOM_EVENT_TYPE_ID", "")
        if kind and not re.fullmatch(r"[1-9][0-9]{0,9}", kind, re.ASCII):
            raise Invalid("RAPPORT_CALCOM_EVENT_TYPE_ID must be the number of an event type.")
        key = self.secret("CALCOM_API_KEY") or ""
        if key and not kind:
            raise Invalid("RAPPORT_CALCOM_EVENT_TYPE_ID must be set too when RAPPORT_CALCOM_API_KEY is.")
        return Calcom(
            api_url=self.url("CALCOM_API_URL", "https://api.cal.com", ("https", "http")).rstrip("/"),
            api_key=key,
            event_type_id=int(kind) if kind else None,
            webhook_secret=self.secret("CALCOM_WEBHOOK_SECRET") or "",
        )

    def collector(self) -> str:
        """Read where spans go, by our own variable or by OpenTelemetry's; nowhere when neither is set."""
        if not self.given("OTEL_ENDPOINT") and not self._collector:
            return self.text("OTEL_ENDPOINT", "")
        return self.url("OTEL_ENDPOINT", self._collector, ("http", "https"))

    def networks(self, name: str) -> tuple[str, ...]:
        values = self._list(name)
        for value in values:
            try:
                ipaddress.ip_network(value)
            except ValueError:
                raise Invalid(f"RAPPORT_{name}: {value} is not an address or network such as 10.0.0.0/8.") from None
        return values

    def origins(self, name: str) -> tuple[str, ...]:
        values = self._list(name)
        for value in values:
            if not re.fullmatch(r"https?://[^/\s?#@*]+", value):
                raise Invalid(f"RAPPORT_{name}: {value} is not an origin such as https://app.example.com.")
        return values

    def _list(self, name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.text(name, "").split(",") if part.strip())

    def secret(self, name: str) -> str | None:
        value = self._given.get(name)
        self._note(name, _HIDDEN if value else "")
        return value

    def size(self, name: str, default: str) -> int:
        found = _SIZE.fullmatch(self.text(name, default))
        if not found or int(found[1]) == 0:
            raise Invalid(f"RAPPORT_{name} must be a size such as 200MB.")
        return int(found[1]) * _UNITS[(found[2] or "").upper()]

    def limits(self) -> Limits:
        found: dict[str, Limit] = {}
        standard = Limits()
        for name in Limits.__dataclass_fields__:
            default: Limit = getattr(standard, name)
            variable = f"LIMIT_{name.upper()}"
            value = self.text(variable, f"{default.count}/{default.seconds}")
            if value == "0":
                found[name] = Limit(0, default.seconds)
            elif re.fullmatch(r"[1-9]\d{0,8}/[1-9]\d{0,6}", value, re.ASCII):
                count, seconds = value.split("/")
                found[name] = Limit(int(count), int(seconds))
            else:
                raise Invalid(f"RAPPORT_{variable} must be requests/seconds such as 100/60, or 0 for off.")
        return Limits(**found)

    def secret_keys(self, keep_in: Path | None) -> tuple[bytes, ...]:
        """Read the keys, base64 of 32 bytes or more each; without any, make and keep one in a sandbox's folder."""
        self._rows["SECRET_KEYS"] = (_HIDDEN, "environment")
        given = self._given.get("SECRET_KEYS")
        if given is None:
            if keep_in is None:
                raise Invalid("RAPPORT_SECRET_KEYS must be set outside the sandbox, e.g. to `openssl rand -base64 32`.")
            self._rows["SECRET_KEYS"] = (_HIDDEN, "data folder")
            given = _kept_secret(keep_in)
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

    def anthropic(self) -> Anthropic:
        standard = Anthropic()
        budget = self.text("ANTHROPIC_DAILY_BUDGET", str(standard.daily_budget))
        if not re.fullmatch(r"\d{1,6}", budget, re.ASCII):
            raise Invalid("RAPPORT_ANTHROPIC_DAILY_BUDGET must be whole dollars, or 0 for no limit.")
        return Anthropic(
            api_key=self.secret("ANTHROPIC_API_KEY"),
            model=self.text("ANTHROPIC_MODEL", standard.model),
            api_url=self.url("ANTHROPIC_API_URL", standard.api_url, ("http", "https")).rstrip("/"),
            daily_budget=int(budget),
        )

    def table(self) -> tuple[tuple[str, str, str], ...]:
        rows = [(f"RAPPORT_{name}", value, source) for name, (value, source) in self._rows.items()]
        unread = sorted(set(self.providers()) - set(self._rows))
        rows += [(f"RAPPORT_{name}", _HIDDEN, "environment") for name in unread]
        return tuple(rows)


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
