"""The document, and pages to read it on, without a word to anybody else's server."""

import asyncio
import importlib.util
import json
from collections.abc import AsyncIterator, Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from litestar import Request, Response
from litestar.response import Stream

from domain.kernel import NotFound
from entrypoints.http.operation import PREFIX, operation

_PIECE = 16 * 1024
_FILES = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
_START = f"""SwaggerUIBundle({{
  url: "{PREFIX}/openapi.json", dom_id: "#pages", deepLinking: true, validatorUrl: null, persistAuthorization: false,
  docExpansion: "none", filter: true, presets: [SwaggerUIBundle.presets.apis], layout: "BaseLayout"
}});
"""
_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Rapport: the API</title>
<link rel="stylesheet" href="{PREFIX}/docs/swagger-ui.css"><link rel="icon" href="{PREFIX}/docs/favicon-32x32.png">
</head>
<body>
<div id="pages"></div>
<script src="{PREFIX}/docs/swagger-ui-bundle.js"></script><script src="{PREFIX}/docs/start.js"></script>
</body>
</html>
"""
_POLICY = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "Cache-Control": "public, max-age=300",
}


@lru_cache
def _file(name: str) -> bytes:
    found = importlib.util.find_spec("swagger_ui")
    assert found is not None
    assert found.origin is not None
    return (Path(found.origin).parent / "static" / name).read_bytes()


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()


def _yaml(document: dict[str, Any]) -> bytes:
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    return text.encode()


async def _written(request: Request[Any, Any, Any], write: Callable[[dict[str, Any]], bytes]) -> bytes:
    """Write the document once for all who read it: in YAML that takes a second."""
    state = request.app.state
    written: dict[Any, asyncio.Future[bytes]] = state.setdefault("written", {})
    if write not in written:
        written[write] = asyncio.get_running_loop().run_in_executor(None, write, state.document)
    return await asyncio.shield(written[write])


def _in_pieces(document: bytes, media_type: str) -> Stream:
    """Hand over a piece once there is room for it, so that who reads slowly holds a piece and not the whole."""

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(document), _PIECE):
            yield document[start : start + _PIECE]

    return Stream(pieces, media_type=media_type, headers={"Content-Length": str(len(document))})


@operation(
    "GET",
    "/openapi.json",
    "getDocument",
    "Read the OpenAPI document as JSON",
    access="public",
)
async def get_json(request: Request[Any, Any, Any]) -> Stream:
    """Answers with the document itself, without an envelope."""
    return _in_pieces(await _written(request, _json), "application/json")


@operation(
    "GET",
    "/openapi.yaml",
    "getDocumentAsYaml",
    "Read the OpenAPI document as YAML",
    access="public",
    media_type="application/yaml",
)
async def get_yaml(request: Request[Any, Any, Any]) -> Stream:
    """Answers with the document itself, without an envelope."""
    return _in_pieces(await _written(request, _yaml), "application/yaml")


@operation("GET", "/docs", "showDocs", "Read the documentation", access="public", media_type="text/html")
async def show_docs() -> Response[str]:
    """Answers with a page that needs nothing from outside."""
    return Response(_PAGE, media_type="text/html", headers=_POLICY)


@operation(
    "GET",
    "/docs/{name:str}",
    "getDocsFile",
    "Read a file of the documentation's pages",
    access="public",
    limits=(),
    media_type="text/javascript",
)
async def get_docs_file(name: str) -> Response[bytes]:
    """Serves the few files that the page asks for."""
    if name == "start.js":
        return Response(_START.encode(), media_type="text/javascript", headers=_POLICY)
    if name not in _FILES:
        raise NotFound("There is nothing at this address.")
    return Response(await asyncio.to_thread(_file, name), media_type=_FILES[name], headers=_POLICY)


ROUTES = (get_json, get_yaml, show_docs, get_docs_file)
