"""A call of the matrix as a function of JAX arrays, and what every runner does with one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import jax
import matrix_check as check
import numpy as np
import oracle
from backends import Backend
from matrix_cases import Case
from matrix_recorded import on
from mpmath import mpf
from oracle_numbers import exact, sixty_digits

import xentropy

Runner = Callable[[Backend, Case], None]

# XLA's optimizer takes most of the time here. Where the transform is what is tested it is left out; where the
# compiler is (cells marked `compiler`), it is what users get. These options are of a whole program.
QUICK = {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}


@cache
def quick_options() -> dict[str, Any]:
    """None if this XLA does not know them: they are for speed only."""
    try:
        jax.jit(lambda x: x, compiler_options=QUICK)(1.0)
    except jax.errors.JaxRuntimeError:
        return {}
    return QUICK


def quick(f: Callable[..., Any]) -> Callable[..., Any]:
    """Compiled as one program without optimization."""
    return jax.jit(f, compiler_options=quick_options())


def function_of(backend: Backend, case: Case) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """The case as a function of what is differentiated, in the order of `check.wrt`, and those arrays."""
    args, named, options = on(backend, case)
    places, names = case.places(), tuple(named)
    function = getattr(xentropy, case.function)

    def f(*leaves: Any) -> Any:
        whole = list(args)
        for place, leaf in zip(places, leaves, strict=False):
            whole[place] = leaf
        return function(*whole, **dict(zip(names, leaves[len(places) :], strict=True)), **options)

    return f, (*(args[i] for i in places), *named.values())


def every(leaves: Any) -> tuple[int, ...]:
    """The argnums of all of them."""
    return tuple(range(len(leaves)))


def summed(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *xs: f(*xs).sum()


def with_value(f: Callable[..., Any], leaves: Any) -> Callable[..., Any]:
    """The gradients of the sum, and the value."""

    def total(*xs: Any) -> tuple[Any, Any]:
        value = f(*xs)
        return value.sum(), value

    return jax.grad(total, every(leaves), has_aux=True)


# ---------------------------------------------------------------------------------------------
# other numbers in the same call


def changed(case: Case, how: str, change: Callable[[np.ndarray], np.ndarray]) -> Case:
    def to(x: np.ndarray) -> np.ndarray:
        return change(x).astype(x.dtype) if x.dtype.kind == "f" else x

    named = {n: to(x) for n, x in case.named.items()}
    return replace(case, name=f"{case}, {how}", args=tuple(map(to, case.args)), named=named)


def halved(case: Case) -> Case:
    """Half of everything, which no call refuses: the neighbour in a batch that must not be mixed up with it."""
    return changed(case, "halved", lambda x: x / 2)


def without_nan(case: Case) -> Case:
    """Something finite in the row of NaN; -inf stays."""
    return changed(case, "without NaN", lambda x: np.where(np.isnan(x), 0.5, x))


def stacked(backend: Backend, *cases: Case) -> tuple[Any, ...]:
    """The leaves of the cases along a new first axis."""
    rows = zip(*(leaves_of(case) for case in cases), strict=True)
    return tuple(backend.asarray(np.stack(row)) for row in rows)


def leaves_of(case: Case) -> list[np.ndarray]:
    return [*(case.args[i] for i in case.places()), *case.named.values()]


def along(backend: Backend, case: Case) -> tuple[Any, ...]:
    """`check.direction` as arrays."""
    return tuple(map(backend.asarray, check.direction(case).values()))


# ---------------------------------------------------------------------------------------------
# forward mode against the reference


@check.once
def slopes(case: Case) -> list[dict[str, Any]]:
    """The derivatives of each number of the value by itself."""
    shape, wrt = check.value(case).value.shape, check.wrt(case)
    if not shape:
        return [check.gradients(case)]
    ones = np.eye(int(np.prod(shape))).reshape(-1, *shape)
    return [oracle.gradient(case.function, wrt, *case.args, cotangent=c, **case.named, **case.options) for c in ones]


@sixty_digits
def check_tangent(case: Case, found: Any) -> None:
    """Each number of it is a derivative times the direction; the bars of its terms add up."""
    found = np.asarray(found)
    assert found.dtype.name == case.dtype
    assert found.shape == check.value(case).value.shape
    for number, slope in zip(exact(found).flat, slopes(case), strict=True):
        true = bar = mpf(0)
        for name, step in check.direction(case).items():
            rates = slope[name]
            for move, rate, size in zip(exact(step).flat, rates.value.flat, rates.scale.flat, strict=True):
                if move != 0:  # nothing goes through what is not moved, a derivative that is infinite among it
                    true, bar = true + rate * move, bar + size * abs(move)
        assert abs(number - true) <= 4 * check.eps(case) * bar, f"{case}: {found}, where {true} is right"
