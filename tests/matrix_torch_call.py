"""A call of the matrix as a function of torch tensors, and what every runner does with one."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from backends import Backend
from matrix_cases import Case
from matrix_recorded import on

import xentropy
from xentropy._backends.switch import without_rules

with warnings.catch_warnings():  # modules of torch that warn of their own use of torch.jit as they are imported
    warnings.simplefilter("ignore", DeprecationWarning)
    import torch._decomp.decompositions_for_jvp
    import torch.utils.mkldnn

Runner = Callable[[Backend, Case], None]


def function_of(backend: Backend, case: Case) -> tuple[Callable[..., Any], tuple[torch.Tensor, ...]]:
    """The case as a function of what is differentiated, in the order of `check.wrt`, and those tensors."""
    args, named, options = on(backend, case)
    places, names = case.places(), tuple(named)
    function = getattr(xentropy, case.function)

    def f(*leaves: Any) -> Any:
        whole = list(args)
        for place, leaf in zip(places, leaves, strict=False):
            whole[place] = leaf
        return function(*whole, **dict(zip(names, leaves[len(places) :], strict=True)), **options)

    return f, (*(args[i] for i in places), *named.values())


def summed(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *xs: f(*xs).sum()


def gradient_and_value(f: Callable[..., Any], leaves: tuple[Any, ...]) -> Callable[..., Any]:
    def total(*xs: Any) -> tuple[Any, Any]:
        value = f(*xs)
        return value.sum(), value

    return torch.func.grad(total, every(leaves), has_aux=True)


def every(leaves: tuple[Any, ...]) -> tuple[int, ...]:
    """The argnums of all of them."""
    return tuple(range(len(leaves)))


def grown(leaves: tuple[torch.Tensor, ...]) -> list[torch.Tensor]:
    """Copies that take a gradient."""
    return [x.detach().clone().requires_grad_() for x in leaves]


def differentiated(f: Callable[..., Any], leaves: Any) -> tuple[Any, tuple[Any, ...]]:
    value = f(*leaves)
    return value, torch.autograd.grad(value.sum(), leaves)


def beside_others(leaves: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """Stacked with something else between two copies: what one holds must not reach the other."""
    return tuple(torch.stack([x, x / 2, x]) for x in leaves)


def both_ways(runner: Callable[..., None]) -> Runner:
    """With the rule, and with torch's own derivative of the formula."""

    @wraps(runner)
    def run(backend: Backend, case: Case) -> None:
        runner(backend, case, plain=False)
        with without_rules():
            runner(backend, case, plain=True)

    return run
