"""The document describes every route, is OpenAPI 3.1, and can be read without a network."""

import re
from typing import Any

import msgspec
import pytest
import yaml
from litestar import Litestar
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.http.conftest import Client

pytestmark = pytest.mark.anyio
METHODS = ("get", "post", "put", "patch", "delete")


async def _document(client: Client) -> dict[str, Any]:
    answer = await client.get("/openapi.json")
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


def _operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, item[method]) for path, item in document["paths"].items() for method in METHODS if method in item
    ]


async def test_yaml_and_json_say_the_same(client: Client) -> None:
    answer = await client.get("/openapi.yaml")
    assert answer.headers["content-type"].startswith("application/yaml")
    assert yaml.safe_load(answer.text) == await _document(client)


async def test_every_route_stands_in_the_document(client: Client, app: Litestar) -> None:
    described = {(method.upper(), path) for method, path, _ in _operations(await _document(client))}
    served = {
        (method, route.path_format)
        for route in app.routes
        for method in getattr(route, "methods", ())
        if method != "OPTIONS"
    }
    assert described == served
    assert len(served) > 20


async def test_every_operation_has_its_name_summary_errors_and_an_example(client: Client) -> None:
    document = await _document(client)
    operations = _operations(document)
    names = [operation["operationId"] for *_, operation in operations]
    assert len(set(names)) == len(names)
    for method, path, operation in operations:
        where = f"{method} {path}"
        assert operation["summary"], where
        assert {"400", "500"} <= operation["responses"].keys(), where
        if "security" not in operation:
            assert {"401", "403", "429"} <= operation["responses"].keys(), where
        success = next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
        for content in [
            *success.get("content", {}).values(),
            *operation.get("requestBody", {}).get("content", {}).values(),
        ]:
            assert "example" in content or "examples" in content, where


async def test_every_reference_leads_somewhere_and_every_path_parameter_is_described(client: Client) -> None:
    document = await _document(client)
    text = msgspec.json.encode(document).decode()
    references = set(re.findall(r'"\$ref":"#/([^"]+)"', text))
    assert len(references) > 20
    for reference in references:
        found: Any = document
        for part in reference.split("/"):
            found = found[part]
    for method, path, operation in _operations(document):
        described = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
        assert described == set(re.findall(r"\{(\w+)\}", path)), f"{method} {path}"


async def test_the_document_is_openapi_3_1(client: Client) -> None:
    document = await _document(client)
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"].startswith("3.1")
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


async def test_the_pages_ask_nobody_else_for_anything(client: Client) -> None:
    page = await client.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    wanted = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(wanted) == 4
    for address in wanted:
        assert address.startswith("/api/v1/docs/")
        answer = await client.get(address.removeprefix("/api/v1"))
        assert answer.status_code == 200, address
        assert answer.content
    start = await client.get("/docs/start.js")
    assert '"/api/v1/openapi.json"' in start.text
    assert "http" not in start.text


async def test_no_file_but_the_pages_own_is_served(client: Client) -> None:
    for name in ("LICENSE", "..%2f..%2fcore.py", "swagger-ui.js"):
        assert (await client.get(f"/docs/{name}")).status_code == 404
