"""What may import what: layers, vendors, and the borders between contexts."""

import ast
import sys
from collections.abc import Iterator, Sequence

from tests.architecture.sources import Source, fields_of, names_in

BELOW = {
    "domain": {"domain"},
    "application": {"application", "domain"},
    "adapters": {"adapters", "application", "domain"},
    "entrypoints": {"entrypoints", "adapters", "application", "domain"},
}
VENDORS = {"domain": frozenset[str](), "application": frozenset({"msgspec"})}
OURS = frozenset(BELOW)

# Pure values and functions of one context that others may use, each with its reason. Events and ids need no line here.
SHARED = {
    "domain.coaching.lesson.SAY": "the mark of a lesson's words for the lead is a constant",
    "domain.identity.role": "permissions and roles are the words in which every use case says who may call it",
    "domain.messaging.injection": "signs that a text speaks to machines are a function of the text",
    "domain.messaging.languages": "which language a text is in is a function of the text",
    "domain.messaging.opt_out": "what a text says of being texted is a function of the text",
    "domain.messaging.policy": "what a gate is asked and answers; no state, no entity",
    "domain.messaging.reply_contacts": "links and numbers that are not ours are found by a function of text",
    "domain.messaging.reply_facts": "what a text may rest on is a value",
    "domain.messaging.reply_money": "prices that are not ours are found by a function of text",
    "domain.messaging.segments": "counting a text's segments is arithmetic",
    "domain.messaging.spoken": "saying a time in a language's words is a function of the time",
    "domain.messaging.template": "filling in a wording is a function of text",
    "domain.messaging.window": "the hours of a day are a value",
    "domain.outreach.contact_status": "where outreach stands with a lead is a word that leads carry and figures count",
}


def layer_violations(found: Sequence[Source]) -> list[str]:
    """List imports that go upward, and vendors where none may be."""
    return sorted({line for source in found for line in _upward(source)})


def _upward(source: Source) -> Iterator[str]:
    for module, _, line in source.imports():
        top = module.partition(".")[0]
        if top in OURS:
            if top not in BELOW[source.layer]:
                yield f"{source.module}:{line} imports {module}: {source.layer} stands below {top}"
        elif source.layer in VENDORS and top not in sys.stdlib_module_names | VENDORS[source.layer]:
            yield f"{source.module}:{line} imports {module}: no such vendor in {source.layer}"


def context_violations(found: Sequence[Source]) -> list[str]:
    """List uses of another context's entities or use cases; its events, and what `SHARED` names, are free."""
    kinds = _Kinds({f"{source.module}.{node.name}": node for source in found for node in source.classes()})
    return sorted({line for source in found for line in _across(source, kinds)})


class _Kinds:
    """Know what kind of class a name is."""

    def __init__(self, classes: dict[str, ast.ClassDef]) -> None:
        self._classes = classes
        self.tops = {module for name in classes if (module := name.rpartition(".")[0]).count(".") == 1}

    def derives(self, module: str, name: str, ancestor: str) -> bool:
        """Tell whether a class derives from `Entity` or `Event`, through its own module's classes."""
        node = self._classes.get(f"{module}.{name}")
        bases = {base.id for base in node.bases if isinstance(base, ast.Name)} - {name} if node else set()
        return ancestor in bases or any(self.derives(module, base, ancestor) for base in bases)

    def is_event_or_carried(self, module: str, name: str) -> bool:
        """Tell whether a name is an event, or a value that an event of the same file carries."""
        if self.derives(module, name, "Event"):
            return True
        events = [
            node for full, node in self._classes.items()
            if full.rpartition(".")[0] == module and self.derives(module, node.name, "Event")
        ]  # fmt: skip
        carried = {part for node in events for hint in fields_of(node).values() for part in names_in(hint)}
        return name in carried and not self.derives(module, name, "Entity")


def _across(source: Source, kinds: _Kinds) -> Iterator[str]:
    if source.layer not in VENDORS or source.context is None:
        return
    for origin, imported, line in source.imports():
        module, name = origin, imported
        if imported is not None and (origin in VENDORS or f"{origin}.{imported}" in SHARED):
            module, name = f"{origin}.{imported}", None
        layer, _, rest = module.partition(".")
        if layer not in VENDORS or rest.partition(".")[0] in ("", source.context) or module in kinds.tops:
            continue
        if module in SHARED and not (name and kinds.derives(module, name, "Entity")):
            continue
        if layer == "domain" and name is not None and kinds.is_event_or_carried(module, name):
            continue
        yield f"{source.module}:{line} imports {name or module} of {module}: another context's own"
