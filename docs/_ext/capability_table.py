"""The tables of what works where, made from `xentropy.capabilities()` when the pages are built.

``{capability-matrix}`` has one table for each set of compositions, with a column for each library and kind of
device; ``{capability-overview}`` has one row for each of those.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, ClassVar

from docutils import nodes
from sphinx.util.docutils import SphinxDirective
from tables import Cell, paragraph, table

import xentropy

NAMES = {
    "numpy": "NumPy", "torch": "PyTorch", "jax": "JAX", "cupy": "CuPy", "dask": "Dask",
    "array_api_strict": "array-api-strict",
}  # fmt: skip
DEVICES = {"cpu": "CPU", "cuda": "CUDA"}
WORDS = {"rule": "rule", "formula": "formula", "": "value only"}
MEANINGS = {
    "rule": "the derivative as it is written here",
    "formula": "the library's own derivative of the formula",
    "value only": "no derivative is taken",
    "not run": "written by the same rules, not tested there yet",
}
# the modules of the functions that have a derivative
DIFFERENTIABLE = ("normalizers", "elementwise", "categorical", "divergences", "binary")
NOT_RUN = "not run"


def library(capability: Any) -> str:
    return NAMES.get(capability.library, capability.library)


def device(capability: Any) -> str:
    return DEVICES.get(capability.device, capability.device)


def functions() -> int:
    """How many public functions have derivatives."""
    return sum(len(import_module(f"xentropy.{name}").__all__) for name in DIFFERENTIABLE)


def tests(capabilities: Any) -> int:
    """How many combinations of composition, function and dtype are run."""
    return sum(
        (len(composition.functions) or functions()) * len(composition.dtypes)
        for capability in capabilities
        if capability.tested
        for composition in capability.compositions
    )


def families() -> list[list[Any]]:
    """Capabilities with the same compositions, those with most of them first."""
    found: dict[Any, list[Any]] = {}
    for capability in xentropy.capabilities():
        found.setdefault(capability.compositions, []).append(capability)
    return [found[compositions] for compositions in sorted(found, key=len, reverse=True)]


def row_name(composition: Any) -> Cell:
    limits = []
    if composition.functions:
        limits.append(f"{', '.join(composition.functions)} only")
    if set(composition.dtypes) != {"float32", "float64"}:
        limits.append(f"{', '.join(composition.dtypes)} only")
    return Cell(composition.name, "; ".join(limits), code=True)


def cell(capability: Any, composition: Any) -> Cell:
    word = WORDS.get(composition.derivative, composition.derivative)
    classes = ("cell", f"cell-{word.replace(' ', '-')}")
    return Cell(word, "", classes) if capability.tested else Cell(word, NOT_RUN, (*classes, "cell-not-run"))


def matrix(family: list[Any]) -> nodes.table:
    caption = " and ".join([", ".join(names[:-1]), names[-1]] if len(names := titles(family)) > 1 else names)
    head = [Cell("composition"), *(Cell(library(c), device(c), column_classes(c)) for c in family)]
    rows = [[row_name(one), *(cell(c, one) for c in family)] for one in family[0].compositions]
    return table(caption, head, rows, [2, *[1] * len(family)], "capability", f"capability-{len(family)}")


def titles(family: list[Any]) -> list[str]:
    return list(dict.fromkeys(map(library, family)))


def column_classes(capability: Any) -> tuple[str, ...]:
    return () if capability.tested else ("head-not-run",)


def legend() -> nodes.bullet_list:
    out = nodes.bullet_list(classes=["capability-legend"])
    for word, meaning in MEANINGS.items():
        swatch = nodes.inline(word, word, classes=["cell", f"cell-{word.replace(' ', '-')}"])
        out += nodes.list_item("", paragraph(swatch, f" {meaning}"))
    return out


class CapabilityMatrix(SphinxDirective):
    """Compositions by libraries."""

    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        capabilities = xentropy.capabilities()
        count, untested = tests(capabilities), [c for c in capabilities if not c.tested]
        text = (
            f"A cell that was run is a test of each of the {functions()} functions, in float32 and in float64, "
            f"unless its row says less: {count} tests in all."
        )
        if untested:
            names = ", ".join(f"{library(c)} on {device(c)}" for c in untested)
            text += f" Not run yet, for want of the device or the library: {names}."
        return [legend(), *map(matrix, families()), paragraph(text, classes=["capability-count"])]


class CapabilityOverview(SphinxDirective):
    """Libraries by what else is known of them."""

    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        heads = [Cell(title) for title in ("library", "derivatives by", "compiler", "a bad label", "16-bit floats")]
        rows = [self.row_of(capability) for capability in xentropy.capabilities()]
        return [table("", heads, rows, [4, 4, 4, 3, 3], "capability-overview")]

    def row_of(self, c: Any) -> list[Cell]:
        by = {"autodiff": "the library", "recorded": "value_and_grad"}.get(c.gradient, c.gradient)
        bad = {"raise": "raises", "nan": "NaN"}.get(c.bad_labels, c.bad_labels)
        note = device(c) if c.tested else f"{device(c)}, {NOT_RUN}"
        half, *more = c.half or ("none",)
        return [
            Cell(library(c), note, column_classes(c)), Cell(by, "twice" if c.second_order else "once"),
            Cell(c.compiled or "none"), Cell(bad), Cell(half, ", ".join(more)),
        ]  # fmt: skip


def setup(app: Any) -> dict[str, Any]:
    app.add_directive("capability-matrix", CapabilityMatrix)
    app.add_directive("capability-overview", CapabilityOverview)
    return {"version": xentropy.__version__, "parallel_read_safe": True}
