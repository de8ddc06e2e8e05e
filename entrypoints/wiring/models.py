"""Who does what can be asked of a model: rules, or the model."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol, TypeVar, cast

from entrypoints.config import Config

P = TypeVar("P")


class Model(Protocol):
    """Be what talks to a model, until it is closed."""

    async def close(self) -> None:
        """Close the connections."""
        ...


@asynccontextmanager
async def served(
    config: Config,
    rules: P,
    model: Callable[[str | None, str, str | None], Model],
    own_key: Callable[[P, Callable[[], P]], P],
) -> AsyncIterator[P]:
    """Give rules in a sandbox and a model elsewhere; where nobody asked for the sandbox, `own_key` chooses by access.

    `model` makes one of a key, a name and an address; its library is slow, and for those to load who have a model.
    """
    if config.sandbox and not config.sandbox_implied:
        yield rules
        return

    def opened() -> P:
        chosen = config.anthropic
        made = model(chosen.api_key, chosen.model, chosen.api_url)
        closing.push_async_callback(made.close)
        return cast("P", made)

    async with AsyncExitStack() as closing:
        yield own_key(rules, opened) if config.sandbox else opened()
