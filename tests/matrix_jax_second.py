"""Second derivatives of JAX, and finite differences of the first two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import matrix_check as check
import numpy as np
from backends import Backend
from jax.flatten_util import ravel_pytree
from jax.test_util import check_jvp, check_vjp
from matrix_cases import Case
from matrix_jax_call import function_of, leaves_of, quick

from xentropy._backends.switch import without_rules


def hessian(backend: Backend, case: Case) -> None:
    """With the rule, and with JAX's own derivative of the formula."""
    symmetric(case, whole(backend, case))
    with without_rules():
        whole(backend, case)


def whole(backend: Backend, case: Case) -> np.ndarray:
    """Of one long vector of everything, held against the truth along the direction."""
    f, leaves = function_of(backend, case)
    flat, apart = ravel_pytree(leaves)
    matrix = np.asarray(quick(jax.hessian(lambda x: f(*apart(x)).sum()))(flat), np.float64)
    step = np.concatenate([s.ravel() for s in check.direction(case).values()])
    moved = step != 0  # no derivative, an infinite one neither, is taken along what cannot be moved
    product = apart(jnp.asarray(matrix[:, moved] @ step[moved], case.dtype))
    check.check_curvature(case, dict(zip(check.wrt(case), product, strict=True)))
    return matrix


def symmetric(case: Case, matrix: np.ndarray) -> None:
    """Each number of a rule's second derivatives comes from two partials. Of those with respect to what cannot be
    moved, a label of 0 for one, only one is in the product above."""
    bar = 256 * check.eps(case) * np.maximum(1.0, np.abs(matrix).max())
    assert (np.abs(matrix - matrix.T) <= bar).all(), f"{case}: {np.argwhere(np.abs(matrix - matrix.T) > bar)}"


# ---------------------------------------------------------------------------------------------
# finite differences


def differences(backend: Backend, case: Case) -> None:
    """What `check_grads` of order 2 does in both modes, with each of its steps compiled as one program."""
    f, leaves = function_of(backend, case)
    masks = movable(case)
    away = [np.where(m, s, 0.0) for m, s in zip(masks, check.direction(case).values(), strict=True)]
    start = tuple(map(backend.asarray, away))

    def moved(*steps: Any) -> Any:
        """The case itself at `start`, whose tangents there are not 0."""
        return f(*(jnp.where(m, x + (s - a), x) for m, x, s, a in zip(masks, leaves, steps, start, strict=True)))

    checked(moved, quick(moved), start, 2)


def checked(f: Callable[..., Any], run: Callable[..., Any], xs: Any, order: int) -> None:
    """`run` is `f`, compiled. The differences are good to a few 1e-4 where the curvature is large."""

    def push(*both: Any) -> Any:
        return jax.jvp(f, both[: len(xs)], both[len(xs) :])

    def pull(*xs: Any) -> Any:
        value, back = jax.vjp(f, *xs)
        return back(value)

    f_jvp, f_vjp = quick(push), quick(lambda xs, cotangent: jax.vjp(f, *xs)[1](cotangent))
    bars = {"atol": 1e-3, "rtol": 1e-3}
    check_jvp(run, lambda xs, steps: f_jvp(*xs, *steps), xs, **bars)
    check_vjp(run, lambda *xs: (run(*xs), lambda cotangent: f_vjp(xs, cotangent)), xs, **bars)
    if order > 1:
        checked(push, f_jvp, (*xs, *xs), order - 1)
        checked(pull, lambda *xs: f_vjp(xs, run(*xs)), xs, order - 1)


STEP = 1e-3  # well above that of the differences


def movable(case: Case) -> list[np.ndarray]:
    """What a finite difference can follow: not an infinity, a row of NaN or a label of 0 or 1 (all of them stay
    where they are in `check.direction`), and not a number so near to the end of its range that the step leaves
    it, or that 1/x changes within the step."""
    out = []
    for (name, step), x in zip(check.direction(case).items(), leaves_of(case), strict=True):
        stuck = step == 0
        if name in ("probs", "y"):
            stuck |= (np.abs(x) < STEP) | (np.abs(1 - x) < STEP)
        out.append(~stuck)
    return out
