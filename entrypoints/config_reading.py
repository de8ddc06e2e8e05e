"""How variables of the environment are read: each kind of value is checked, and what was read is remembered."""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from domain.kernel import Invalid

PROVIDERS = (
    "TWILIO", "ANDROID_GATEWAY", "RESEND", "SMTP", "STRIPE", "ANTHROPIC", "CALCOM", "NYLAS", "PLUSVIBE", "ELEVENLABS",
)  # fmt: skip
_SIZE = re.compile(r"(\d+)\s*(B|KB|MB|GB|KIB|MIB|GIB)?", re.IGNORECASE)
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
HIDDEN = "(hidden)"


def on_this_machine(url: str) -> bool:
    """Tell whether an address is a loopback one, so that whoever answers there runs on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Environment:
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
        """Tell whether a variable is set."""
        return name in self._given

    def providers(self) -> list[str]:
        """Name what configures a provider; where a stand-in listens does not."""
        prefixes = tuple(f"{provider}_" for provider in PROVIDERS)
        return [name for name in self._given if name.startswith(prefixes) and not name.endswith("_API_URL")]

    def group(self, provider: str) -> dict[str, str]:
        """Give a provider's variables that are set, by what follows its name, in small letters."""
        names = [name for name in self.providers() if name.startswith(f"{provider}_")]
        return {name.removeprefix(f"{provider}_").lower(): self._given[name] for name in names}

    def note(self, name: str, value: str, source: str | None = None) -> None:
        """Remember what was read, and where it comes from: the environment or the default, where nothing is said."""
        self._rows[name] = (value, source or ("environment" if name in self._given else "default"))

    def text(self, name: str, default: str) -> str:
        """Read any text."""
        value = self._given.get(name, default)
        self.note(name, value)
        return value

    def port(self, name: str, default: int, *, off: bool = False) -> int:
        """Read a port; 0 only where it may be off."""
        value = self.text(name, str(default))
        if not value.isascii() or not value.isdecimal() or not (0 if off else 1) <= int(value) <= 65535:
            raise Invalid(f"RAPPORT_{name} must be a port from 1 to 65535{', or 0 for off' if off else ''}.")
        return int(value)

    def flag(self, name: str, default: bool) -> bool:
        """Read a yes or no."""
        value = self.text(name, "1" if default else "0").lower()
        if value not in ("1", "true", "yes", "on", "0", "false", "no", "off"):
            raise Invalid(f"RAPPORT_{name} must be 1 or 0.")
        return value in ("1", "true", "yes", "on")

    def url(self, name: str, default: str, schemes: tuple[str, ...]) -> str:
        """Read an address of one of some schemes; a password in it is remembered as hidden."""
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
        self.note(name, re.sub(r"(://[^:/@]*:)[^@]*@", rf"\1{HIDDEN}@", value))
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
                self.note(name, url)
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
                self.note(name, "")
            found.append(url)
        return found[0], found[1], found[2]

    def collector(self) -> str:
        """Read where spans go, by our own variable or by OpenTelemetry's; nowhere when neither is set."""
        if not self.given("OTEL_ENDPOINT") and not self._collector:
            return self.text("OTEL_ENDPOINT", "")
        return self.url("OTEL_ENDPOINT", self._collector, ("http", "https"))

    def networks(self, name: str) -> tuple[str, ...]:
        """Read addresses and networks, separated by commas."""
        values = self._list(name)
        for value in values:
            try:
                ipaddress.ip_network(value)
            except ValueError:
                raise Invalid(f"RAPPORT_{name}: {value} is not an address or network such as 10.0.0.0/8.") from None
        return values

    def origins(self, name: str) -> tuple[str, ...]:
        """Read origins of pages, separated by commas."""
        values = self._list(name)
        for value in values:
            if not re.fullmatch(r"https?://[^/\s?#@*]+", value):
                raise Invalid(f"RAPPORT_{name}: {value} is not an origin such as https://app.example.com.")
        return values

    def _list(self, name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.text(name, "").split(",") if part.strip())

    def secret(self, name: str) -> str | None:
        """Read what nobody is shown."""
        value = self._given.get(name)
        self.note(name, HIDDEN if value else "")
        return value

    def size(self, name: str, default: str) -> int:
        """Read a number of bytes."""
        found = _SIZE.fullmatch(self.text(name, default))
        if not found or int(found[1]) == 0:
            raise Invalid(f"RAPPORT_{name} must be a size such as 200MB.")
        return int(found[1]) * _UNITS[(found[2] or "").upper()]

    def table(self) -> tuple[tuple[str, str, str], ...]:
        """List what was read, and providers' variables that were not."""
        rows = [(f"RAPPORT_{name}", value, source) for name, (value, source) in self._rows.items()]
        unread = sorted(set(self.providers()) - set(self._rows))
        rows += [(f"RAPPORT_{name}", HIDDEN, "environment") for name in unread]
        return tuple(rows)
