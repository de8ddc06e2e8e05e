"""Spans of what the house does, for whoever records them; while nobody does, a span is a look at one variable."""

from types import TracebackType
from typing import Literal, Protocol, Self

Kind = Literal["server", "consumer", "client", "internal"]


class Span(Protocol):
    """Be one piece of work in time; as a context manager it is what later spans within belong to."""

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; of an error only its type is kept, since its words may be personal."""
        ...

    def name(self, name: str) -> None:
        """Call it something else, once it is known what it was."""
        ...

    def note(self, **attributes: str | int) -> None:
        """Add what is known; never anything personal. A double underscore in a name stands for a dot."""
        ...

    def fail(self) -> None:
        """Mark it as failed."""
        ...

    def end(self) -> None:
        """End what was never entered: a span that nothing belongs to begins when it is made."""
        ...


class Recorder(Protocol):
    """Record spans somewhere."""

    def span(self, name: str, kind: Kind, parent: str | None, attributes: dict[str, str | int]) -> Span:
        """Make a span under `parent` (a W3C `traceparent`), or else under the one that it begins in."""
        ...

    def traceparent(self) -> str | None:
        """Write down the span that is under way, so that what follows from it can be told to belong to it."""
        ...


class _Nothing:
    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def name(self, name: str) -> None:
        """Do nothing."""

    def note(self, **attributes: str | int) -> None:
        """Do nothing."""

    def fail(self) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""


NOTHING: Span = _Nothing()
_recorder: Recorder | None = None


def record_with(recorder: Recorder | None) -> None:
    """Record this process's spans from now on, or no longer."""
    global _recorder
    _recorder = recorder


def span(name: str, kind: Kind = "internal", *, parent: str | None = None, **attributes: str | int) -> Span:
    """Make a span; a double underscore in an attribute's name stands for a dot."""
    return NOTHING if _recorder is None else _recorder.span(name, kind, parent, attributes)


def traceparent() -> str | None:
    """Tell what later work shall name as its parent; None while nothing is recorded."""
    return None if _recorder is None else _recorder.traceparent()
