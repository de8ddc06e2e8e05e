"""How use cases are written: a permission first, and no provider asked while a transaction is open."""

import ast
import copy
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from tests.architecture.sources import Source, decorators, fields_of, names_in

DECLARED = {"public", "effect", "within"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(slots=True)
class UseCases:
    """Be one class of the application that has an actor or a unit of work."""

    module: str
    node: ast.ClassDef
    ports: dict[str, set[str]] = field(default_factory=dict)
    methods: dict[str, Function] = field(default_factory=dict)


def use_case_classes(found: Sequence[Source]) -> list[UseCases]:
    """Find them: dataclasses with a field `actor` or `uow`."""
    made = []
    for source in found:
        if source.layer != "application":
            continue
        for node in source.classes():
            hints = {name: names_in(hint) for name, hint in fields_of(node).items()}
            if "dataclass" in decorators(node) and {"actor", "uow"} & set(hints):
                methods = {
                    part.name: part for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
                }
                made.append(UseCases(source.module, node, hints, methods))
    return made


def functions_with_units_of_work(found: Sequence[Source]) -> list[UseCases]:
    """Find functions that are handed a `uow`, each as a class whose fields are what it is handed."""
    made = []
    for source in found:
        for node in source.tree.body if source.layer == "application" else ():
            if isinstance(node, ast.AsyncFunctionDef) and any(one.arg == "uow" for one in node.args.args):
                hints = {one.arg: names_in(one.annotation) for one in node.args.args}
                method = _OfItself(hints).visit(copy.deepcopy(node))
                as_class = ast.ClassDef(node.name, [], [], [], [])
                made.append(UseCases(source.module, as_class, hints, {"__call__": method}))
    return made


class _OfItself(ast.NodeTransformer):
    """Read what a function is handed as `self.…`."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Read one name."""
        return ast.Attribute(ast.Name("self"), node.id) if node.id in self._names else node


def permission_violations(found: Sequence[Source]) -> list[str]:
    """List public async methods that neither begin with a permission nor say that they need none."""
    return [
        f"{use_cases.module}.{use_cases.node.name}.{name} neither begins with self.actor.require(…) nor is declared"
        for use_cases in use_case_classes(found)
        for name, method in use_cases.methods.items()
        if isinstance(method, ast.AsyncFunctionDef) and not name.startswith("_")
        if not decorators(method) & DECLARED and not _begins_with_permission(method)
    ]


def _begins_with_permission(method: Function) -> bool:
    body = method.body[1:] if ast.get_docstring(method) is not None else method.body
    match body:
        case [
            ast.Expr(
                ast.Call(ast.Attribute(ast.Attribute(ast.Name("self"), "actor"), "require"), args=[ast.Attribute()])
            ),
            *_,
        ]:
            return True
    return False


def unguarded_routes(found: Sequence[Source]) -> list[str]:
    """List routes that call what only an event or another use case may call."""
    reserved = {
        (use_cases.node.name, name): decorators(method) & {"effect", "within"}
        for use_cases in use_case_classes(found)
        for name, method in use_cases.methods.items()
    }
    made = []
    for source in found:
        if not source.module.startswith("entrypoints.http"):
            continue
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.AsyncFunctionDef):
                continue
            kinds = {argument.arg: names_in(argument.annotation) for argument in node.args.args}
            for called in ast.walk(node):
                match called:
                    case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                        if any(reserved.get((kind, attribute)) for kind in kinds.get(name, ())):
                            made.append(f"{source.module}.{node.name} calls {name}.{attribute}")
    return made


def provider_ports(found: Sequence[Source]) -> set[str]:
    """Name the ports that are marked as leaving the house."""
    return {
        node.name
        for source in found
        if source.layer == "application"
        for node in source.classes()
        if "provider_port" in decorators(node)
    }


def provider_calls_in_unit_of_work(found: Sequence[Source]) -> list[str]:
    """List uses of a provider port, direct or through the methods called there, inside an open unit of work."""
    ports = provider_ports(found)
    classes = {use_cases.node.name: use_cases for use_cases in use_case_classes(found)}
    made = set()
    for use_cases in [*classes.values(), *functions_with_units_of_work(found)]:
        for name, method in use_cases.methods.items():
            whole: list[ast.AST] = [method] if "within" in decorators(method) else []
            for block in [*whole, *_open_blocks(method)]:
                for what in _provider_uses(use_cases, block, ports, classes, {(use_cases.node.name, name)}):
                    made.add(f"{use_cases.module}.{use_cases.node.name}.{name} uses {what} inside a unit of work")
    return sorted(made)


def _open_blocks(method: Function) -> Iterator[ast.AST]:
    for node in ast.walk(method):
        if isinstance(node, ast.AsyncWith):
            for number, item in enumerate(node.items):
                if any(isinstance(part, ast.Attribute) and part.attr == "uow" for part in ast.walk(item.context_expr)):
                    yield ast.Module([*(ast.Expr(i.context_expr) for i in node.items[number + 1 :]), *node.body], [])


def _provider_uses(
    use_cases: UseCases,
    block: ast.AST,
    ports: set[str],
    classes: dict[str, UseCases],
    seen: set[tuple[str, str]],
) -> Iterator[str]:
    for node in ast.walk(block):
        match node:
            case ast.Attribute(value=ast.Name("self"), attr=attribute) if use_cases.ports.get(attribute, set()) & ports:
                yield f"self.{attribute}"
            case ast.Attribute(value=ast.Name("self"), attr=attribute) if attribute in use_cases.methods:
                yield from _followed(use_cases, attribute, ports, classes, seen)
            case ast.Attribute(value=ast.Attribute(value=ast.Name("self"), attr=name), attr=attribute):
                for kind in use_cases.ports.get(name, set()) & set(classes):
                    yield from _followed(classes[kind], attribute, ports, classes, seen)


def _followed(
    use_cases: UseCases, name: str, ports: set[str], classes: dict[str, UseCases], seen: set[tuple[str, str]]
) -> Iterator[str]:
    at = (use_cases.node.name, name)
    if at not in seen and name in use_cases.methods:
        for what in _provider_uses(use_cases, use_cases.methods[name], ports, classes, seen | {at}):
            yield f"{use_cases.node.name}.{name} → {what}"
