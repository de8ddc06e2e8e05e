"""API keys."""

from uuid import UUID

import msgspec
from msgspec.structs import replace

from adapters.persistence.database import PostgresUnitOfWork
from application.identity.api_keys import ApiKeyFilter, ApiKeys, ApiKeyView, ChangeApiKey, NewApiKey, NewApiKeyView
from application.ports import Found, PageRequest
from entrypoints.http.envelope import encode_answer
from entrypoints.http.operation import IfMatch, operation


@operation("GET", "/api-keys", "listApiKeys", "List API keys", shows=ApiKeyView)
async def list_api_keys(keys: ApiKeys, narrowed: ApiKeyFilter, page: PageRequest) -> Found:
    """Lists keys by their beginnings, newest first; those that ended are asked for by `active`."""
    return await keys.find(narrowed, page)


@operation("POST", "/api-keys", "createApiKey", "Make an API key")
async def create_api_key(keys: ApiKeys, body: NewApiKey, uow: PostgresUnitOfWork) -> NewApiKeyView:
    """Shows the key once. It can do and see no more than whoever makes it, and never what only people may do."""
    made = await keys.create(body)
    # What a repeated request is answered is stored for a day: the key is not.
    await uow.finish(201, encode_answer(replace(made, key=None)))
    return made


@operation("GET", "/api-keys/{key_id:uuid}", "getApiKey", "Show an API key", shows=ApiKeyView)
async def get_api_key(keys: ApiKeys, key_id: UUID) -> msgspec.Raw:
    """Shows what a key permits, and when it was used last, to the hour."""
    return await keys.get(key_id)


@operation("PATCH", "/api-keys/{key_id:uuid}", "changeApiKey", "Change an API key", shows=ApiKeyView)
async def change_api_key(keys: ApiKeys, key_id: UUID, body: ChangeApiKey, version: IfMatch) -> msgspec.Raw:
    """Changes what is named and leaves the rest; the key's next request is held to it."""
    return await keys.change(key_id, body, version)


@operation("DELETE", "/api-keys/{key_id:uuid}", "revokeApiKey", "Revoke an API key")
async def revoke_api_key(keys: ApiKeys, key_id: UUID) -> None:
    """Ends a key for good, at its next request."""
    await keys.revoke(key_id)


ROUTES = (list_api_keys, create_api_key, get_api_key, change_api_key, revoke_api_key)
