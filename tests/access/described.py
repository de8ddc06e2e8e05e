"""What the OpenAPI document says of every operation, and the table of who may do it."""

import re
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from entrypoints.config import Config
from entrypoints.http.openapi import document_of, operations_of
from entrypoints.http.routes import ROUTES, SANDBOX_ROUTES

TABLE = Path(__file__).with_name("permissions.tsv")
CALLERS = ("owner", "admin", "manager", "rep", "read_only", "nobody", "key")
METHODS = ("get", "post", "put", "patch", "delete")
PREFIX = "/api/v1"
_ORDER = {"get": 0, "post": 1, "put": 1, "patch": 2, "delete": 3}


@dataclass(frozen=True)
class Described:
    """Hold one operation as the document describes it; `path` is relative to `/api/v1`."""

    operation_id: str
    method: str
    path: str
    said: dict[str, Any]

    def __str__(self) -> str:
        return self.operation_id

    @property
    def path_ids(self) -> list[str]:
        """Name the parameters in the address that are ids."""
        return [p["name"] for p in self.said["parameters"] if p["in"] == "path" and p["schema"].get("format") == "uuid"]

    @property
    def path_names(self) -> list[str]:
        """Name all parameters in the address."""
        return [p["name"] for p in self.said["parameters"] if p["in"] == "path"]

    @property
    def query(self) -> dict[str, dict[str, Any]]:
        """Give the parameters of the query by name."""
        return {p["name"]: p for p in self.said["parameters"] if p["in"] == "query"}

    @property
    def content(self) -> dict[str, Any]:
        """Give the body's content map, empty where no body is taken."""
        content: dict[str, Any] = self.said.get("requestBody", {}).get("content", {})
        return content

    @property
    def json_body(self) -> dict[str, Any] | None:
        """Give the schema of the JSON body, references resolved at its top."""
        shown = self.content.get("application/json")
        return resolved(shown["schema"]) if shown and "schema" in shown and self.access != "signed" else None

    @property
    def example(self) -> Any:
        """Give the example of the JSON body."""
        return self.content.get("application/json", {}).get("example")

    @property
    def success(self) -> int:
        """Tell the status of an answer that went well."""
        return next(int(status) for status in self.said["responses"] if status.startswith("2"))

    @property
    def access(self) -> str:
        """Tell who is let in: `member`, `public`, `signed` or `cron`."""
        if self.path.startswith("/webhooks/"):
            return "signed"
        security = self.said.get("security")
        return "member" if security is None else "public" if not security else next(iter(security[0]))


@cache
def document() -> dict[str, Any]:
    """Make the document of a sandbox, as the routes declare it."""
    config = Config.load({"RAPPORT_DATA_DIR": tempfile.gettempdir(), "RAPPORT_SANDBOX": "1",
                          "RAPPORT_SECRET_KEYS": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="})  # fmt: skip
    return document_of(config, operations_of((*ROUTES, *SANDBOX_ROUTES)))


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference into the document."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    found: dict[str, Any] = document()["components"]["schemas"][reference.rsplit("/", 1)[1]]
    return found


def kinds(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """List the forms that a value may have, references resolved."""
    schema = resolved(schema)
    return [form for option in schema["anyOf"] for form in kinds(option)] if "anyOf" in schema else [schema]


@cache
def operations() -> tuple[Described, ...]:
    """List every operation: what reads first, then what makes and changes, then what removes, the whole last."""
    found = [
        Described(item["operationId"], method, path.removeprefix(PREFIX), item)
        for path, methods in document()["paths"].items()
        for method, item in methods.items()
        if method in METHODS
    ]
    return tuple(sorted(found, key=lambda one: (_ends_everything(one), _ORDER[one.method], -one.path.count("/"))))


def _ends_everything(one: Described) -> bool:
    return one.method == "delete" and re.fullmatch(r"/auth|/organizations/\{\w+\}", one.path) is not None


def wire(one: Described) -> str:
    """Name an operation as it goes over the wire."""
    return f"{one.method.upper()} {one.path}"


def rows() -> dict[str, dict[str, str]]:
    """Read the table, by operation."""
    header, *lines = [line.split("\t") for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    return {cells[0]: dict(zip(header, cells, strict=True)) for cells in lines}
