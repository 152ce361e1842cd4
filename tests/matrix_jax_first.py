"""First derivatives of JAX, one call after the other as in a notebook: each step is compiled by itself."""

from __future__ import annotations

from typing import Any

import jax
import matrix_check as check
import numpy as np
import oracle
import pytest
from backends import Backend
from matrix_cases import Case
from matrix_jax_call import (
    along,
    check_tangent,
    every,
    function_of,
    quick,
    summed,
    with_value,
    without_nan,
)
from matrix_recorded import hold, on

import xentropy


def grad(backend: Backend, case: Case) -> None:
    f, leaves = function_of(backend, case)
    gradients, value = with_value(f, leaves)(*leaves)
    hold(backend, case, value, gradients)


def jvp(backend: Backend, case: Case) -> None:
    value, tangent = forward(backend, case)[0]
    check.check_value(case, value)
    check_tangent(case, tangent)


def vjp(backend: Backend, case: Case) -> None:
    """With ones, and with another cotangent for each number of the value."""
    f, leaves = function_of(backend, case)
    cotangent = np.asarray(np.random.default_rng(5).normal(size=check.value(case).value.shape)).astype(case.dtype)

    def both(xs: Any, other: Any) -> Any:
        value, pull = jax.vjp(f, *xs)
        return value, pull(jax.numpy.ones_like(value)), pull(other)

    value, gradients, others = quick(both)(leaves, backend.asarray(cotangent))
    hold(backend, case, value, gradients)
    truth = oracle.gradient(
        case.function, check.wrt(case), *case.args, cotangent=cotangent, **case.named, **case.options
    )
    for found, (name, true) in zip(others, truth.items(), strict=True):
        assert oracle.error(np.asarray(found), true, check.eps(case)) <= 4, f"{case}, {name}: {found}"


def linearize(backend: Backend, case: Case) -> None:
    value, tangent = forward(backend, case)[1]
    check.check_value(case, value)
    check_tangent(case, tangent)


_known: dict[Any, Any] = {}


def forward(backend: Backend, case: Case) -> Any:
    """What jvp and linearize find, compiled together, which takes half of the time."""
    key = case.name, case.dtype
    if key not in _known:
        f, leaves = function_of(backend, case)

        def both(xs: Any, steps: Any) -> Any:
            value, push = jax.linearize(f, *xs)
            return jax.jvp(f, xs, steps), (value, push(*steps))

        _known[key] = quick(both)(leaves, along(backend, case))
    return _known[key]


def float0_labels(backend: Backend, case: Case) -> None:
    """Integer labels may be differentiated with respect to: their derivative has the dtype of no number."""
    args, named, options = on(backend, case)
    whole = [i for i in range(len(args)) if i not in case.places()]
    function = getattr(xentropy, case.function)

    def f(*xs: Any) -> Any:
        return function(*xs[: len(args)], **dict(zip(named, xs[len(args) :], strict=True)), **options)

    xs = (*args, *named.values())
    moves = list(along(backend, case))
    for i in whole:
        moves.insert(i, np.zeros(args[i].shape, jax.dtypes.float0))

    def both(*xs: Any) -> Any:
        gradients = jax.grad(summed(f), every(xs), allow_int=True)(*xs)
        return gradients, jax.jvp(f, xs, tuple(moves))

    gradients, (value, tangent) = quick(both)(*xs)
    for i in whole:
        assert gradients[i].dtype == jax.dtypes.float0
        assert gradients[i].shape == args[i].shape
    hold(backend, case, value, [g for i, g in enumerate(gradients) if i not in whole])
    check_tangent(case, tangent)


# ---------------------------------------------------------------------------------------------
# settings of JAX


def x64_off(backend: Backend, case: Case) -> None:
    """The default of JAX: there is no float64 and no int64, and class indices are int32."""
    with jax.enable_x64(False):
        args, *_ = on(backend, case)
        assert {a.dtype.name for a in args} <= {"float32", "int32"}
        f, leaves = function_of(backend, case)
        gradients, value = quick(with_value(f, leaves))(*leaves)
        hold(backend, case, value, gradients)


def strict_promotion(backend: Backend, case: Case) -> None:
    """No two dtypes meet by themselves, JAX raises where they would; options of another dtype are not refused."""
    with jax.numpy_dtype_promotion("strict"):
        with pytest.raises(ValueError, match="no available implicit dtype promotion"):
            jax.numpy.ones(1, "float32") + jax.numpy.ones(1, "float64")
        f, leaves = function_of(backend, case)
        mixed = (*leaves[: len(case.places())], *map(backend.asarray, in_other_dtype(case)))
        (gradients, value), other = quick(lambda xs, ys: (with_value(f, leaves)(*xs), f(*ys)))(leaves, mixed)
        hold(backend, case, value, gradients)
        check.check_value(case, other)


def in_other_dtype(case: Case) -> list[np.ndarray]:
    """The named options in double or single precision, whichever they are not, where that rounds nothing."""
    other = {"float32": "float64", "float64": "float32"}[case.dtype]
    return [x.astype(other) if np.array_equal(x.astype(other), x) else x for x in case.named.values()]


def debug_nans(backend: Backend, case: Case) -> None:
    """No NaN comes out of what is compiled, what the forward pass keeps for the other among it."""
    case = without_nan(case)
    f, leaves = function_of(backend, case)
    with jax.debug_nans(True):
        (gradients, value), _ = quick(lambda *xs: (with_value(f, xs)(*xs), jax.vjp(f, *xs)))(*leaves)
        hold(backend, case, value, gradients)
