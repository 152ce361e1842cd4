"""How torch compiles a call. Under transforms rules are dropped there (pytorch#193279), so gradients are those of the
formula.

Code is generated ("inductor") for the calls in `INDUCTOR` only: a few seconds each, one for each kind of
arithmetic that is rewritten there (exp and log1p in rows, tanh, expm1, the sigmoid's family). For the others the
graph is taken apart into its operations, differentiated and run ("aot_eager"); in float64, whose graph is the same,
most of them run as they were traced ("eager").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import matrix_check as check
import numpy as np
import torch
from backends import Backend
from matrix_cases import Case
from matrix_recorded import hold, on
from matrix_torch_call import beside_others, differentiated, every, function_of, gradient_and_value, grown, summed
from torch._dynamo.utils import counters

import xentropy

INDUCTOR = {"bare", "bare rows", "probs", "indices", "learned", "focal", "js", "binary", "softplus"}
TAKEN_APART = {"indices", "binary"}  # with symbolic shapes, which take the compiler five times as long
QUICK = {"float32": "aot_eager", "float64": "eager"}


def compiled(f: Callable[..., Any], backend: str, **options: Any) -> Callable[..., Any]:
    """`f` compiled of its own, in one graph."""
    torch._dynamo.reset()
    counters.clear()
    return torch.compile(f, fullgraph=True, backend=backend, **options)


def in_one_graph() -> None:
    assert not counters["graph_break"]
    assert counters["stats"]["unique_graphs"] >= 1


def forward(backend: Backend, case: Case) -> None:
    f, leaves = function_of(backend, case)
    check.check_value(case, backend.to_numpy(compiled(f, QUICK[case.dtype])(*leaves)))
    in_one_graph()


def backward(backend: Backend, case: Case) -> None:
    f, leaves = function_of(backend, case)
    generated = case.name in INDUCTOR and case.dtype == "float32"
    value, gradients = differentiated(compiled(f, "inductor" if generated else "aot_eager"), grown(leaves))
    in_one_graph()
    hold(backend, case, value, gradients)


def func_grad(backend: Backend, case: Case) -> None:
    f, leaves = function_of(backend, case)
    gradients, value = compiled(gradient_and_value(f, leaves), QUICK[case.dtype])(*leaves)
    in_one_graph()
    hold(backend, case, value, gradients, plain=True)


def vmap_grad(backend: Backend, case: Case) -> None:
    f, leaves = function_of(backend, case)
    mapped = torch.func.vmap(torch.func.grad(summed(f), every(leaves)))
    gradients = compiled(mapped, QUICK[case.dtype])(*beside_others(leaves))
    in_one_graph()
    for k in (0, 2):
        hold(backend, case, f(*leaves), [g[k] for g in gradients], plain=True)


# ---------------------------------------------------------------------------------------------
# one graph for many shapes

SIZES = ((5, 4), (7, 6), (3, 3), (2, 2), (4, 40))  # rows and classes; the first is that of the case
BY_CLASS = ("class_weight", "pos_weight", "b")


def resized(case: Case, rows: int, classes: int) -> Case:
    """The case with its rows and classes repeated, or fewer of them."""

    def to(name: str, x: Any) -> Any:
        if not isinstance(x, np.ndarray) or x.ndim == 0:
            return x
        if x.dtype.kind == "i":  # class indices: those of classes that are gone are others
            return np.where(x == -100, x, x % classes)[np.arange(rows) % len(x)]
        if name in BY_CLASS:
            return x[np.arange(classes) % len(x)]
        x = x[np.arange(rows) % len(x)]
        return x if x.ndim == 1 or name == "label_probs" else x[:, np.arange(classes) % x.shape[1]]

    named, options = ({n: to(n, x) for n, x in group.items()} for group in (case.named, case.options))
    args = tuple(to("", x) for x in case.args)
    return replace(case, name=f"{case.name} {rows} x {classes}", args=args, named=named, options=options)


class Call(torch.nn.Module):
    """A call with everything that has a shape as an input."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.function = getattr(xentropy, case.function)
        self.options = {n: x for n, x in case.options.items() if not isinstance(x, np.ndarray)}

    def forward(self, args: list[Any], named: dict[str, Any]) -> Any:
        return self.function(*args, **named, **self.options)


def inputs(backend: Backend, case: Case) -> tuple[list[Any], dict[str, Any], list[Any]]:
    """Those of `Call`, and which of them are differentiated."""
    args, named, options = on(backend, case)
    leaves = [*(args[i] for i in case.places()), *named.values()]
    for x in leaves:
        x.requires_grad_()
    return args, named | {n: x for n, x in options.items() if isinstance(x, torch.Tensor)}, leaves


def at_sizes(backend: Backend, case: Case, call: Callable[..., Any], sizes: Any, *, plain: bool = False) -> None:
    for size in sizes:
        one = resized(case, *size)
        args, named, leaves = inputs(backend, one)
        value = call(args, named)
        hold(backend, one, value, torch.autograd.grad(value.sum(), leaves), plain=plain)


def dynamic(backend: Backend, case: Case) -> None:
    """Symbolic from the first call in float32, from the second in float64; nothing is compiled after that."""
    symbolic = case.dtype == "float32"
    quick = "aot_eager" if symbolic and case.name in TAKEN_APART else "eager"
    call = compiled(Call(case), quick, dynamic=True if symbolic else None)
    at_sizes(backend, case, call, SIZES[:2])
    with torch.compiler.set_stance("fail_on_recompile"):
        at_sizes(backend, case, call, SIZES[2:])
    in_one_graph()


def export(backend: Backend, case: Case) -> None:
    """With the number of rows left open; by symbolic execution in float32, by tracing in float64."""
    case = resized(case, 5, 4)
    args, named, _ = inputs(backend, case)

    def spec(name: str, x: Any) -> Any:
        return {0: torch.export.Dim.AUTO} if x.ndim and name not in BY_CLASS else None

    shapes = {"args": [spec("", x) for x in args], "named": {n: spec(n, x) for n, x in named.items()}}
    program = torch.export.export(Call(case), (args, named), dynamic_shapes=shapes, strict=case.dtype == "float32")
    at_sizes(backend, case, program.module(), ((5, 4), (8, 4), (2, 4)), plain=True)
