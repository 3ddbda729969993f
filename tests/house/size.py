"""Measures Python sources: length of bodies, nesting, parameters, and what they must not hold."""

import ast
import io
import re
import tokenize
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_BODY, MAX_NESTING, MAX_PARAMETERS, MAX_POSITIONAL, MAX_FILE = 50, 3, 7, 2, 400

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SCOPES = (*_FUNCTIONS, ast.ClassDef, ast.Lambda)
_BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)
_BROAD = {"Exception", "BaseException"}
_CALLED_BY_PYTHON = re.compile(r"__(?!init__|new__|call__)\w+__$")
_UNSAFE_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
_UNSAFE_CALLS = {"eval", "exec"}
_UNSAFE_OPTIONS = {("allow_pickle", True), ("shell", True), ("safe_mode", False), ("weights_only", False)}
_PROMISES = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


@dataclass(frozen=True)
class Function:
    """One function of a source: where, how long its body is without docstring, and its shape."""

    name: str
    line: int
    body: int
    nesting: int
    parameters: int
    positional: int
    public: bool
    empty: bool


def functions(source: str) -> list[Function]:
    """Return every function and method of the source, nested ones too."""
    return list(_walk(ast.parse(source), owner=None, public=True))


def faults(path: Path, exported: Collection[str] | None = None) -> list[str]:
    """Return a sentence for each rule that the file breaks, with its place.

    `exported` are the names that the room shows to others: only they must take their options by keyword. None means
    every name without a leading underscore.
    """
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    found = [*_function_faults(functions(source), exported), *_tree_faults(tree), *_comment_faults(source)]
    lines = len(source.splitlines())
    if lines > MAX_FILE:
        found.append((1, f"the file has {lines} lines, at most {MAX_FILE} are allowed"))
    return [f"{path}:{line}: {what}" for line, what in sorted(found)]


def _walk(node: ast.AST, *, owner: ast.ClassDef | None, public: bool) -> Iterator[Function]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _FUNCTIONS):
            yield _measured(child, owner=owner, public=public)
            yield from _walk(child, owner=None, public=False)
        elif isinstance(child, ast.ClassDef):
            yield from _walk(child, owner=child, public=public and not child.name.startswith("_"))
        else:
            yield from _walk(child, owner=owner, public=public)


def _measured(node: ast.FunctionDef | ast.AsyncFunctionDef, *, owner: ast.ClassDef | None, public: bool) -> Function:
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    bound = owner is not None and "staticmethod" not in _decorators(node)
    positional = len(node.args.posonlyargs) + len(node.args.args) - bound
    others = len(node.args.kwonlyargs) + (node.args.vararg is not None) + (node.args.kwarg is not None)
    return Function(
        name=f"{owner.name}.{node.name}" if owner else node.name,
        line=node.lineno,
        body=node.body[-1].end_lineno - body[0].lineno + 1 if body else 0,
        nesting=max((_depth(statement) for statement in body), default=0),
        parameters=positional + others,
        positional=positional,
        public=public and (not node.name.startswith("_") or node.name.startswith("__")),
        empty=all(_says_nothing(statement) for statement in body) and not _is_abstract(node, owner),
    )


def _depth(node: ast.AST) -> int:
    """Return how many blocks lie in each other; an `elif` is as deep as its `if`, an inner function starts anew."""
    if isinstance(node, _SCOPES):
        return 0
    children = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.If) and len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        children.remove(node.orelse[0])
        return max(1 + max(map(_depth, children), default=0), _depth(node.orelse[0]))
    return isinstance(node, _BLOCKS) + max(map(_depth, children), default=0)


def _decorators(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    return {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}


def _says_nothing(statement: ast.stmt) -> bool:
    constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return constant or isinstance(statement, ast.Pass)


def _is_abstract(node: ast.FunctionDef | ast.AsyncFunctionDef, owner: ast.ClassDef | None) -> bool:
    """Say whether an empty body is a statement: of a protocol, or of a class that overrides a method to do nothing."""
    derived = owner is not None and bool(owner.bases)
    return derived or bool(_decorators(node) & {"abstractmethod", "overload"})


def _function_faults(measured: list[Function], exported: Collection[str] | None) -> Iterator[tuple[int, str]]:
    for function in measured:
        for wrong, what in (
            (function.body > MAX_BODY, f"has a body of {function.body} lines, at most {MAX_BODY}"),
            (function.nesting > MAX_NESTING, f"nests {function.nesting} deep, at most {MAX_NESTING}"),
            (function.parameters > MAX_PARAMETERS, f"takes {function.parameters} parameters, at most {MAX_PARAMETERS}"),
            (_too_positional(function, exported), f"takes {function.positional} by position, at most {MAX_POSITIONAL}"),
            (function.empty, "has an empty body"),
        ):
            if wrong:
                yield function.line, f"{function.name} {what}"


def _too_positional(function: Function, exported: Collection[str] | None) -> bool:
    outer, _, inner = function.name.rpartition(".")
    shown = function.public and (exported is None or (outer or inner) in exported)
    return shown and function.positional > MAX_POSITIONAL and not _CALLED_BY_PYTHON.match(inner)


def _tree_faults(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            yield node.lineno, "assert: python -O removes it; raise an error instead"
        elif isinstance(node, ast.ExceptHandler) and _swallows(node):
            yield node.lineno, "a broad except that does not raise"
        elif isinstance(node, ast.Call):
            yield from _call_faults(node)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((node.lineno, f"imports {name}") for name in _imported(node) & _UNSAFE_MODULES)


def _swallows(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    broad = any(kind is None or ast.unparse(kind).rpartition(".")[2] in _BROAD for kind in kinds)
    return broad and not any(isinstance(node, ast.Raise) for node in ast.walk(handler))


def _call_faults(call: ast.Call) -> Iterator[tuple[int, str]]:
    if isinstance(call.func, ast.Name) and call.func.id in _UNSAFE_CALLS:
        yield call.lineno, f"calls {call.func.id}"
    for option in call.keywords:
        if isinstance(option.value, ast.Constant) and (option.arg, option.value.value) in _UNSAFE_OPTIONS:
            yield call.lineno, f"passes {option.arg}={option.value.value}"


def _imported(node: ast.Import | ast.ImportFrom) -> set[str]:
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
    return {name.partition(".")[0] for name in names}


def _comment_faults(source: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        found = _PROMISES.search(token.string) if token.type in (tokenize.COMMENT, tokenize.STRING) else None
        if found:
            yield token.start[0], f"{found[0]}: do it, or write an issue"
