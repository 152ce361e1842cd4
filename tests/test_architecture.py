"""The picture of the three layers, held by reading the sources: imports only point down.

    public        xentropy/*.py, compat/           signatures, docstrings, checks
    _backends     and distributed/                 one library each, no formula
    _core                                          formulas, no library

The checkers take source text, so that each of them is shown a text that it must refuse.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "xentropy"
LINES = 250

LIBRARIES = {
    "array_api_compat",
    "array_api_extra",
    "array_api_strict",
    "cupy",
    "dask",
    "jax",
    "jaxlib",
    "ml_dtypes",
    "numpy",
    "scipy",
    "tensorflow",
    "torch",
}
LIBRARY_WORD = re.compile(rf"(?<![a-z])({'|'.join(sorted(LIBRARIES))})(?![a-z])", re.IGNORECASE)

ELEMENTARY = {"cosh", "exp", "exp2", "expm1", "log", "log10", "log1p", "log2", "logaddexp", "sinh", "tanh"}
FORMULAS = ELEMENTARY | {"log_softmax", "logsumexp", "sigmoid", "softmax", "softplus"}

CORE, BACKENDS, PUBLIC = range(3)
NAMES = ("_core", "_backends", "the public modules")

Check = Callable[[PurePosixPath, ast.Module], Iterator[str]]


def layer(parts: tuple[str, ...]) -> int:
    """The layer of a module or file, from its path below the package."""
    return {"_core": CORE, "_backends": BACKENDS, "distributed": BACKENDS}.get((*parts, "")[0], PUBLIC)


def imports(path: PurePosixPath, tree: ast.Module) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Line and dotted name of everything imported, relative imports resolved; `path` is below the package."""
    package = ("xentropy", *path.parent.parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, tuple(alias.name.split("."))) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else ()
            base += tuple(node.module.split(".")) if node.module else ()
            yield from ((node.lineno, (*base, alias.name)) for alias in node.names)


def imports_point_down(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    here = layer(path.parts)
    for line, (top, *rest) in imports(path, tree):
        if top == "xentropy" and layer(tuple(rest)) > here:
            yield f"line {line}: {NAMES[here]} imports {'.'.join((top, *rest))}"


def imports_no_library(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    """Libraries belong to the backends; `__main__` asks which ones are there."""
    if layer(path.parts) != BACKENDS and path.name != "__main__.py":
        for line, (top, *_) in imports(path, tree):
            if top in LIBRARIES:
                yield f"line {line}: imports {top}"


def names_no_library(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    """The core has no word of a library in its identifiers and strings."""
    if layer(path.parts) == CORE:
        for line, word in words(tree):
            if found := LIBRARY_WORD.search(word):
                yield f"line {line}: the core names {found[0]}"


def words(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every identifier and every string that is not a docstring."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        for field in ("id", "attr", "arg", "name", "asname", "module"):
            if isinstance(word := getattr(node, field, None), str):
                yield getattr(node, "lineno", 0), word
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def holds_no_formula(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    """Only the core computes. The public modules may call what the core names after a public function."""
    if layer(path.parts) == CORE or "kernels" in path.parts:
        return
    forbidden = FORMULAS if layer(path.parts) == BACKENDS else ELEMENTARY
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in forbidden:
            yield f"line {node.lineno}: uses .{node.attr}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in forbidden:
            yield f"line {node.lineno}: calls {node.func.id}"
    for line, (*_, name) in imports(path, tree):
        if name in ELEMENTARY:
            yield f"line {line}: imports {name}"


def lists_what_is_public(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    """`__all__` of a public module is what it defines."""
    if layer(path.parts) != PUBLIC or path.name.startswith("_"):
        return
    listed: set[str] | None = None
    functions, values = set(), set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            functions.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {target.id for target in targets if isinstance(target, ast.Name)}
            values |= names
            if "__all__" in names and node.value is not None:
                listed = set(ast.literal_eval(node.value))
    if listed is None:
        yield "has no __all__"
        return
    if functions - listed:
        yield f"defines but does not list {sorted(functions - listed)}"
    if listed - functions - values:
        yield f"lists but does not define {sorted(listed - functions - values)}"


CHECKS: tuple[Check, ...] = (
    imports_point_down,
    imports_no_library,
    names_no_library,
    holds_no_formula,
    lists_what_is_public,
)
FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_layers(check: Check) -> None:
    found = []
    for file in FILES:
        path = PurePosixPath(file.relative_to(PACKAGE).as_posix())
        found += [f"xentropy/{path}: {text}" for text in check(path, ast.parse(file.read_text("utf-8")))]
    assert found == []


def test_there_are_files_in_every_layer() -> None:
    assert {layer(file.relative_to(PACKAGE).parts) for file in FILES} == {CORE, BACKENDS, PUBLIC}


def test_files_are_short() -> None:
    files = [file for folder in ("xentropy", "examples") for file in (ROOT / folder).rglob("*.py")]
    lines = {str(file.relative_to(ROOT)): len(file.read_text("utf-8").splitlines()) for file in files}
    assert {name: n for name, n in lines.items() if n > LINES} == {}


@pytest.mark.parametrize(
    ("check", "path", "source", "said"),
    [
        (
            imports_point_down,
            "_core/a.py",
            "from .._backends import numpy",
            "_core imports xentropy._backends",
        ),
        (imports_point_down, "_core/a.py", "from xentropy import softmax", "_core imports xentropy.softmax"),
        (imports_point_down, "_core/a.py", "def f():\n    import xentropy", "line 2: _core imports xentropy"),
        (imports_point_down, "_core/a.py", "from ..binary import f", "_core imports xentropy.binary.f"),
        (imports_point_down, "_backends/a.py", "from .. import binary", "_backends imports xentropy.binary"),
        (imports_point_down, "_backends/k/a.py", "from ...binary import f", "imports xentropy.binary.f"),
        (imports_point_down, "distributed/a.py", "import xentropy.binary", "imports xentropy.binary"),
        (imports_no_library, "_core/a.py", "import numpy as np", "imports numpy"),
        (imports_no_library, "_core/a.py", "if True:\n    from torch.nn import x", "line 2: imports torch"),
        (imports_no_library, "binary.py", "import array_api_compat", "imports array_api_compat"),
        (names_no_library, "_core/a.py", "def f(jax_mode): ...", "names jax"),
        (names_no_library, "_core/a.py", "x = v.torch", "names torch"),
        (names_no_library, "_core/a.py", "if v.name == 'CuPy': ...", "names CuPy"),
        (names_no_library, "_core/a.py", "def dask(): ...", "names dask"),
        (names_no_library, "_core/a.py", "x = f'on {y} numpy'", "names numpy"),
        (holds_no_formula, "_backends/a.py", "y = xp.exp(x)", "uses .exp"),
        (holds_no_formula, "_backends/a.py", "f = torch.special.logsumexp", "uses .logsumexp"),
        (holds_no_formula, "_backends/a.py", "y = softmax(x)", "calls softmax"),
        (holds_no_formula, "binary.py", "y = -x.log()", "uses .log"),
        (holds_no_formula, "binary.py", "from math import log1p", "imports log1p"),
        (lists_what_is_public, "binary.py", "def f(): ...", "no __all__"),
        (lists_what_is_public, "binary.py", "__all__ = []\ndef f(): ...", "does not list ['f']"),
        (lists_what_is_public, "binary.py", "__all__ = ['g']", "does not define ['g']"),
        (lists_what_is_public, "compat/a.py", "from x import f\n__all__ = ['f']", "does not define ['f']"),
    ],
)
def test_a_violation_is_found(check: Check, path: str, source: str, said: str) -> None:
    assert any(said in text for text in check(PurePosixPath(path), ast.parse(source)))


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (
            "_core/a.py",
            '"""As numpy does."""\nfrom .b import f  # torch\nfrom xentropy._core import c\ny = xp.exp(x)',
        ),
        ("_core/a.py", "from __future__ import annotations\nfrom math import log2"),
        ("_backends/a.py", "import torch\nfrom .._core.rule import Rule\nfrom . import generic"),
        (
            "binary.py",
            "from . import _backends\n__all__ = ['f']\ndef f(): ...\ndef _g(): ...\ny = core.softmax(x)",
        ),
        ("capabilities.py", "__all__ = ['SEMANTICS']\nSEMANTICS = '1'"),
        ("__main__.py", "import numpy"),
    ],
)
def test_what_is_allowed_passes(path: str, source: str) -> None:
    tree = ast.parse(source)
    assert [text for check in CHECKS for text in check(PurePosixPath(path), tree)] == []
