"""The source inside a TorchScript archive: which operators and functions it calls, without compiling it."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Collection, Iterator

from AIImagingLogic.models.safety.limits import limit
from AIImagingLogic.models.safety.refusals import UntrustedModel
from AIImagingLogic.records.resources import load_resource

# What TorchScript calls when it loads or drops an object, before anyone calls the network.
_HOOKS = ("__setstate__", "__getstate__", "__del__", "__init_subclass__", "__torch_function__")
_PLAIN = (
    *(ast.Module, ast.FunctionDef, ast.arguments, ast.arg, ast.keyword, ast.expr_context),
    *(ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr, ast.Return, ast.If, ast.For, ast.While, ast.Pass, ast.Assert),
    *(ast.Break, ast.Continue, ast.Name, ast.Attribute, ast.Call, ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.Set),
    *(ast.Subscript, ast.Slice, ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Starred, ast.ClassDef),
    *(ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.With, ast.withitem),
)
_BASES = {"Module", "NamedTuple", "Enum", "Interface", "ModuleInterface"}


def refuse_other_calls(sources: dict[str, bytes], known: Collection[str], place: str) -> None:
    """Refuse a program that uses anything but allowed operators and its own functions.

    Parameters
    ----------
    sources : dict of str to bytes
        Files of the archive's ``code`` folder, by name.
    known : Collection of str
        Names of every operator of this PyTorch: a method of such a name would be the operator.
    place : str
        Name of the file, for messages.

    Raises
    ------
    UntrustedModel
        An operator, function or statement outside the allow-list; it is named.
    """
    trees = {name: _parsed(source, f"{place}/{name}") for name, source in sources.items()}
    own = {node.name for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    rules = load_resource("models_safety/script_operators.json")
    # Operators of one name may exist in several places; a name that is not allowed is refused wherever it is used.
    operators = {*rules["aten"], *rules["prim"]}
    check = _Check(operators, set(known) - operators, own, set(rules["builtins"]), set(rules["prim"]))
    for name, tree in trees.items():
        check.file(tree, f"{place}/{name}")


class _Check:
    def __init__(
        self, operators: set[str], refused: set[str], own: set[str], builtins: set[str], primitives: set[str]
    ) -> None:
        self._operators = operators
        self._refused = refused
        self._own = own
        self._builtins = builtins
        self._primitives = primitives

    def file(self, tree: ast.Module, place: str) -> None:
        local = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        local |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        for node, inside in _walked(tree):
            if problem := self._problem(node, inside, local):
                line = getattr(node, "lineno", 0)
                raise UntrustedModel(f"{place} line {line}", problem)

    def _problem(self, node: ast.AST, inside: ast.AST | None, local: set[str]) -> str:
        if not isinstance(node, _PLAIN):
            return f"a statement that networks do not need ({type(node).__name__})"
        if isinstance(node, ast.ClassDef):
            bases = {base.id if isinstance(base, ast.Name) else "" for base in node.bases}
            return "" if bases <= _BASES and not node.decorator_list else "a class of an unknown kind"
        if isinstance(node, ast.FunctionDef):
            return self._function_problem(node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self._name_problem(node.func.id, node, local)
        # `a.b.c` is looked at once, at its end.
        if isinstance(node, ast.Attribute) and not isinstance(inside, ast.Attribute):
            return self._chain_problem(node, isinstance(inside, ast.Call) and inside.func is node)
        return ""

    def _function_problem(self, node: ast.FunctionDef) -> str:
        if node.name in _HOOKS:
            return f"a function that runs at loading ({node.name})"
        if node.decorator_list:
            return "a decorated function"
        for default in (*node.args.defaults, *(default for default in node.args.kw_defaults if default)):
            # Defaults are computed while the file is loaded.
            if any(isinstance(part, (ast.Call, ast.Attribute)) for part in ast.walk(default)):
                return f"a default value that is computed at loading (of {node.name})"
        return ""

    def _name_problem(self, name: str, node: ast.Call, local: set[str]) -> str:
        if name in ("getattr", "hasattr"):
            wanted = node.args[1] if len(node.args) > 1 else None
            if not isinstance(wanted, ast.Constant) or not isinstance(wanted.value, str):
                return "an attribute by a name that is computed"
            return f"the operator {wanted.value}" if wanted.value in self._refused else ""
        return "" if name in self._builtins or name in local or name in self._own else f"the function {name}"

    def _chain_problem(self, node: ast.Attribute, called: bool) -> str:
        parts = _chain(node)
        full = ".".join(parts)
        root = parts[0]
        if root == "torch":
            allowed = len(parts) == 2 and parts[1] in self._operators
            return "" if allowed else f"the operator {full}"
        if root == "ops":
            names = {"aten": self._operators, "prim": self._primitives}.get(parts[1], set())
            return "" if len(parts) == 3 and parts[2] in names else f"the operator {full}"
        if root == "__torch__":
            return f"a class of another library ({full})" if "classes" in parts[:4] else ""
        for name in parts[1:]:
            if name in self._refused or name in _HOOKS:
                return f"the operator {name}"
        if called and parts[-1] not in self._operators and parts[-1] not in self._own:
            return f"the method {parts[-1]}"
        return ""


def _chain(node: ast.expr) -> list[str]:
    """Return the names of ``a.b.c``; the first is empty when it is not a plain name."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    names.append(node.id if isinstance(node, ast.Name) else "")
    return names[::-1]


def _walked(tree: ast.Module) -> Iterator[tuple[ast.AST, ast.AST | None]]:
    todo: list[tuple[ast.AST, ast.AST | None]] = [(tree, None)]
    while todo:
        node, inside = todo.pop()
        yield node, inside
        todo.extend((child, node) for child in ast.iter_child_nodes(node))


def _parsed(source: bytes, place: str) -> ast.Module:
    if len(source) > limit("script_source_bytes"):
        raise UntrustedModel(place, f"source of {len(source)} bytes")
    try:
        text = source.decode("utf-8")
        # What two parsers could read in two ways is not in honest files.
        if any(character < " " and character != "\n" for character in text):
            raise UntrustedModel(place, "control characters in its source")
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if _strange(token):
                raise UntrustedModel(place, f"source that can be read in two ways: {token.string[:40]!r}")
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError) as error:
        raise UntrustedModel(place, f"source that cannot be read ({type(error).__name__})") from error


def _strange(token: tokenize.TokenInfo) -> bool:
    if token.type == tokenize.STRING:
        return token.string[0] not in "'\"" or token.string[:3] in ("'''", '"""')
    if token.type == tokenize.COMMENT:
        return "type:" in token.string
    return token.type == tokenize.NAME and not token.string.isascii()
