"""Python sources of a tree, parsed, for the guards; nothing is imported, so that planted code is judged alike."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
LAYERS = ("domain", "application", "adapters", "entrypoints")


@dataclass(frozen=True, slots=True)
class Source:
    """Hold one parsed module: `application.messaging.gate` and its tree."""

    module: str
    tree: ast.Module

    @property
    def layer(self) -> str:
        """Name its layer."""
        return self.module.partition(".")[0]

    @property
    def context(self) -> str | None:
        """Name its context; None for what every context shares."""
        parts = self.module.split(".")
        return parts[1] if len(parts) > 2 else None

    def imports(self) -> Iterator[tuple[str, str | None, int]]:
        """Give (module, name or None, line) of each import, relative ones resolved."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield alias.name, None, node.lineno
            elif isinstance(node, ast.ImportFrom):
                package = self.module.split(".")[: -node.level] if node.level else []
                origin = ".".join([*package, *([node.module] if node.module else [])])
                for alias in node.names:
                    yield origin, alias.name, node.lineno

    def classes(self) -> Iterator[ast.ClassDef]:
        """Give its classes."""
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef))


def sources(root: Path = CHECKOUT) -> list[Source]:
    """Parse every module of the four layers under a root."""
    found = []
    for layer in LAYERS:
        for path in sorted((root / layer).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found.append(Source(module, ast.parse(path.read_text(), str(path))))
    return found


def planted(root: Path, **files: str) -> list[Source]:
    """Write modules (`domain__sales__lead="…"`) under a root and parse them."""
    for name, text in files.items():
        path = root / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return sources(root)


def names_in(node: ast.AST | None) -> set[str]:
    """Collect the names in an annotation or expression, also those inside quotes."""
    found: set[str] = set()
    for part in ast.walk(node) if node is not None else ():
        if isinstance(part, ast.Name):
            found.add(part.id)
        elif isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value.isidentifier():
            found.add(part.value)
        elif isinstance(part, ast.Attribute):
            found.add(part.attr)
    return found


def fields_of(node: ast.ClassDef) -> dict[str, ast.expr]:
    """Give a class's annotated fields."""
    return {
        part.target.id: part.annotation
        for part in node.body
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
    }


def decorators(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Name what decorates a class or function."""
    return {
        name
        for decorator in node.decorator_list
        for name in names_in(decorator.func if isinstance(decorator, ast.Call) else decorator)
    }
