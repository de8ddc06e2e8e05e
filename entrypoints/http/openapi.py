"""The OpenAPI 3.1 document, made of the same declarations that the routes are made of."""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from litestar.handlers import HTTPRouteHandler

from application.ports import PageRequest
from domain.kernel import Email, Money, Phone
from entrypoints.config import Config
from entrypoints.http.envelope import Pagination
from entrypoints.http.errors import STATUS
from entrypoints.http.operation import JSON, Operation

_REF = "#/components/schemas/{name}"
_PARAMETER = re.compile(r"\{(?P<name>\w+)(?::(?P<kind>\w+))?\}")
_KINDS = {
    "uuid": ({"type": "string", "format": "uuid"}, "01890a5d-ac96-774b-bcce-b302099a8057"),
    "int": ({"type": "integer"}, 1),
    "str": ({"type": "string"}, "text"),
}
_TAGS = {
    "auth": "Signing in", "users": "Signing in", "organizations": "Organisations", "settings": "Organisations",
    "health": "Operation", "cron": "Operation", "docs": "Operation", "openapi.json": "Operation",
    "openapi.yaml": "Operation", "sandbox": "Sandbox", "webhooks": "Webhooks",
}  # fmt: skip
_NEED_PROVIDERS = frozenset({"campaigns", "conversations", "datasets", "messages", "settings"})
_CODES: dict[int, list[str]] = {}
for _code, _status in STATUS.items():
    _CODES.setdefault(_status, []).append(_code)


class ProblemDetail(msgspec.Struct, frozen=True):
    """Name one field and what is wrong with it."""

    field: str
    message: str


class ProblemBody(msgspec.Struct, frozen=True):
    """Say what went wrong; `code` is for programs, `message` for people, `request_id` for asking us."""

    code: str
    message: str
    request_id: str
    details: list[ProblemDetail] | msgspec.UnsetType = msgspec.UNSET


class ProblemAnswer(msgspec.Struct, frozen=True):
    """Be the answer of every refusal."""

    error: ProblemBody


def operations_of(routes: Iterable[HTTPRouteHandler]) -> list[Operation]:
    """Pick the declarations out of the routes."""
    return [route.opt["operation"] for route in routes]


def document_of(config: Config, operations: Iterable[Operation]) -> dict[str, Any]:
    """Make the document."""
    declared = list(operations)
    schemas, components = _schemas(declared)
    paths: dict[str, dict[str, Any]] = {}
    for operation in declared:
        paths.setdefault(operation.template, {})[operation.method.lower()] = _operation(operation, schemas, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rapport",
            "version": config.build,
            "description": "One CRM back end: lead reactivation by text, sales, reception, hospitality, real estate.",
            "license": {"name": "Proprietary", "identifier": "LicenseRef-Proprietary"},
        },
        "servers": [{"url": config.public_url}],
        "tags": [{"name": name} for name in sorted({_tag(operation) for operation in declared})],
        "security": [{"bearer": []}, {"cookie": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {str(status): _problem(status) for status in sorted(_CODES)},
            "headers": _HEADERS,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "token"},
                "cron": {"type": "http", "scheme": "bearer", "description": "RAPPORT_CRON_SECRET"},
            },
        },
    }


_HEADERS: dict[str, Any] = {
    name: {"description": text, "schema": {"type": kind}}
    for name, text, kind in (
        ("X-Request-ID", "The request's id, yours if you gave one.", "string"),
        ("RateLimit-Limit", "How many requests the window allows.", "integer"),
        ("RateLimit-Remaining", "How many are left in it.", "integer"),
        ("RateLimit-Reset", "Seconds until it ends.", "integer"),
        ("Retry-After", "Seconds after which to try again.", "integer"),
        ("ETag", "The version, for If-Match.", "string"),
        ("Idempotency-Replayed", "`true` when this is the stored answer of an earlier request.", "string"),
    )
}


def _hook(kind: type) -> dict[str, Any]:
    if kind is Money:
        return {
            "type": "object",
            "properties": {"amount": {"type": "string"}, "currency": {"type": "string"}},
            "required": ["amount", "currency"],
        }
    if kind in (Phone, Email):
        return {"type": "string"}
    raise NotImplementedError  # msgspec's own sign of a hook for a type that it does not know


def _schemas(operations: list[Operation]) -> tuple[dict[Any, dict[str, Any]], dict[str, Any]]:
    kinds: list[Any] = [Pagination, ProblemAnswer, PageRequest]
    for operation in operations:
        named = (operation.body, operation.shows, operation.or_shows, operation.narrowed)
        kinds += [kind for kind in named if kind is not None]
        kinds += operation.also.values()
    unique = list(dict.fromkeys(kinds))
    found, components = msgspec.json.schema_components(unique, schema_hook=_hook, ref_template=_REF)
    return dict(zip(unique, found, strict=True)), components


def _tag(operation: Operation) -> str:
    first = operation.template.split("/")[3]
    return _TAGS.get(first, first.replace("-", " ").capitalize())


def _operation(operation: Operation, schemas: Mapping[Any, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": operation.operation_id,
        "summary": operation.summary,
        "tags": [_tag(operation)],
        "parameters": list(_parameters(operation, schemas, components)),
        "responses": _responses(operation, schemas, components),
    }
    if operation.description:
        made["description"] = operation.description
    if operation.access in ("public", "signed"):
        made["security"] = []
    elif operation.access == "cron":
        made["security"] = [{"cron": []}]
    if operation.body is not None:
        example = example_of(operation.body, schemas[operation.body], components)
        made["requestBody"] = {
            "required": not operation.body_optional,
            "content": {JSON: {"schema": schemas[operation.body], "example": example}},
        }
    elif operation.takes is not None:
        content = {
            kind: {"example": _made_up(said.get("schema", {}), components), **said}
            for kind, said in operation.takes.items()
        }
        made["requestBody"] = {"required": True, "content": content}
    return made


def _parameters(
    operation: Operation, schemas: Mapping[Any, Any], components: Mapping[str, Any]
) -> Iterable[dict[str, Any]]:
    for found in _PARAMETER.finditer(operation.path):
        schema, example = _KINDS.get(found["kind"] or "str", _KINDS["str"])
        yield {"name": found["name"], "in": "path", "required": True, "schema": schema, "example": example}
    for kind in ([operation.narrowed] if operation.narrowed else []) + ([PageRequest] if operation.paged else []):
        resolved = _resolve(schemas[kind], components)
        examples = getattr(kind, "example", {})
        for name, schema in resolved.get("properties", {}).items():
            shown = {"example": examples[name]} if name in examples else {}
            required = name in resolved.get("required", ())
            yield {"name": name, "in": "query", "required": required, "schema": schema, **shown}
    if operation.conditional:
        schema = {"type": "string", "pattern": '^(\\*|(W/)?"?[1-9][0-9]{0,8}"?)$'}
        text = "The version that the change was made from."
        yield {"name": "If-Match", "in": "header", "required": False, "schema": schema, "description": text}
    if operation.resumable:
        schema = {"type": "string", "pattern": "^[0-9]{1,18}$"}
        text = "The id of the last event that you have: the stream goes on after it."
        yield {"name": "Last-Event-ID", "in": "header", "required": False, "schema": schema, "description": text}
    if operation.keyed:
        schema = {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"}
        text = "Makes a repeated request have one effect, for 24 hours."
        yield {"name": "Idempotency-Key", "in": "header", "required": False, "schema": schema, "description": text}


def _responses(operation: Operation, schemas: Mapping[Any, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    said = HTTPStatus(operation.status).phrase
    success: dict[str, Any] = {"description": said, "headers": _header_refs(operation)}
    if operation.status != 204:
        success["content"] = _content(operation, schemas, components)
    responses = {str(operation.status): success}
    for status, shown in operation.also.items():
        schema = {"type": "object", "required": ["data"], "properties": {"data": schemas[shown]}}
        example = {"data": example_of(shown, schemas[shown], components)}
        said = HTTPStatus(status).phrase
        responses[str(status)] = {
            **success,
            "description": said,
            "content": {JSON: {"schema": schema, "example": example}},
        }
    for status in _refusals(operation):
        responses[str(status)] = {"$ref": f"#/components/responses/{status}"}
    if operation.operation_id == "getReadiness":
        # What is wrong stands where all being well does.
        responses["503"] = {**success, "description": HTTPStatus(503).phrase}
    return responses


def _header_refs(operation: Operation) -> dict[str, Any]:
    names = ["X-Request-ID"]
    if operation.limits:
        names += ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"]
    if operation.keyed:
        names.append("Idempotency-Replayed")
    if operation.conditional:
        names.append("ETag")
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _content(operation: Operation, schemas: Mapping[Any, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    if operation.media_type == "application/yaml":
        return {operation.media_type: {"example": {"openapi": "3.1.0"}}}
    if operation.media_type == "text/event-stream":
        return {operation.media_type: _EVENT}
    if operation.media_type != JSON:
        return {operation.media_type: {"schema": {"type": "string"}, "example": "…"}}
    if operation.shows is None:
        return {JSON: {"schema": {"type": "object"}, "example": {}}}
    shown = schemas[operation.shows]
    example = example_of(operation.shows, shown, components)
    if not operation.listed:
        single = {"type": "object", "required": ["data"], "properties": {"data": shown}}
        return {JSON: {"schema": single, "example": {"data": example}}}
    items = shown if operation.or_shows is None else {"anyOf": [shown, schemas[operation.or_shows]]}
    pagination = {"page": 1, "limit": 50, "total": 1, "total_pages": 1, "total_is_estimate": False,
                  "has_next": False, "next_cursor": None}  # fmt: skip
    schema: dict[str, Any] = {
        "type": "object",
        "required": ["data", "pagination"],
        "properties": {"data": {"type": "array", "items": items}, "pagination": schemas[Pagination]},
    }
    whole: dict[str, Any] = {"data": [example], "pagination": pagination}
    if operation.counts:
        schema["required"].append("summary")
        numbers = {name: {"type": "integer", "minimum": 0} for name in operation.counts}
        schema["properties"]["summary"] = {"type": "object", "properties": numbers, "required": list(numbers)}
        whole["summary"] = dict.fromkeys(operation.counts, 1)
    return {JSON: {"schema": schema, "example": whole}}


# Each event of a stream, as programs that read the document take it (docs/channels.md says what stands in `data`).
_EVENT = {
    "schema": {
        "type": "object",
        "required": ["event", "data"],
        "properties": {name: {"type": "string"} for name in ("id", "event", "data")},
    },
    "example": {
        "id": "4815",
        "event": "lead.moved",
        "data": '{"id":"01890a5d-ac96-774b-bcce-b302099a8057","type":"lead.moved","at":"2026-03-02T09:00:00Z",'
        '"subject_id":"01890a5d-ac96-774b-bcce-b302099a8057","lead_id":"01890a5d-ac96-774b-bcce-b302099a8057"}',
    },
}


def _refusals(operation: Operation) -> list[int]:
    refused = {400, 429, 500, 503}
    # A public body may hold what signs in; any body may name what is not there.
    if operation.access != "public" or operation.body is not None:
        refused |= {401, 403}
    # A webhook that has no secret to be signed with is not there.
    if "{" in operation.path or operation.body or operation.narrowed or operation.access == "signed":
        refused.add(404)
    if operation.method in ("POST", "PUT", "PATCH", "DELETE"):
        refused |= {403, 409}
        if operation.template.split("/")[3] in _NEED_PROVIDERS:
            refused |= {501, 502}
    if operation.method != "GET" or operation.raw:
        refused |= {413, 415}
    if operation.keyed:
        refused.add(422)
    return sorted(refused)


def _problem(status: int) -> dict[str, Any]:
    codes = _CODES[status]
    error: dict[str, Any] = {"code": codes[0], "message": "A sentence for a person.", "request_id": "01890a5d-ac96"}
    if status == 400:
        error["details"] = [{"field": "name", "message": "This field is required."}]
    names = ["X-Request-ID"]
    if status in (429, 503):
        names.append("Retry-After")
    return {
        "description": f"{HTTPStatus(status).phrase}: {', '.join(codes)}",
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
        "content": {JSON: {"schema": {"$ref": _REF.format(name="ProblemAnswer")}, "example": {"error": error}}},
    }


def _resolve(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    return schema if reference is None else components[reference.rsplit("/", 1)[1]]


def example_of(kind: Any, schema: Mapping[str, Any], components: Mapping[str, Any]) -> Any:
    """Take the example that a struct carries, or make one up from its schema."""
    example = getattr(kind, "example", None)
    return example if example is not None else _made_up(schema, components)


def _made_up(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Any:
    schema = _resolve(schema, components)
    for key in ("default", "const"):
        if key in schema:
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return _made_up(schema["anyOf"][0], components)
    kind = schema.get("type")
    if kind == "object":
        required = schema.get("required", ())
        return {name: _made_up(of, components) for name, of in schema.get("properties", {}).items() if name in required}
    if kind == "array":
        return [_made_up(schema["items"], components)] if "items" in schema else []
    texts = {"uuid": _KINDS["uuid"][1], "date-time": "2026-03-02T09:00:00Z", "date": "2026-03-02"}
    made: dict[str, Any] = {"string": texts.get(schema.get("format", ""), "text"), "integer": 1, "number": 1.5,
                            "boolean": True, "null": None}  # fmt: skip
    return made.get(str(kind), {})
