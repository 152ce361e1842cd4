"""Second derivatives where something is exactly 0: a label, a weight, a smoothing; and where logits are tied.

There the first derivative is what the class costs, and the second goes through it: a rule that takes a product
with 0 for nothing loses it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import oracle
import pytest
from backends import Backend
from matrix_cases import Case, scalar
from matrix_check import STEP, wrt
from oracle_numbers import exact, sixty_digits

import xentropy

rng = np.random.default_rng(11)
X = np.round(rng.normal(size=(3, 4)), 3)
HOT = np.asarray([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.5, 0.0, 0.5, 0.0]])
TIED = np.asarray([[0.0, 1.0, 1.0, -2.0], [2.0, 2.0, 2.0, 2.0], [0.5, -1.0, 0.25, 0.5]])
LOGS = X - np.log(np.exp(X).sum(-1, keepdims=True))
WEIGHTS, SOME = np.asarray([0.75, 1.5, 1.0, 0.5]), np.asarray([0.0, 1.5, 1.0, 0.0])
PAIRS, SHARES = np.asarray([[0, 1], [2, 2], [3, 1]]), np.asarray([[1.0, 0.0], [0.5, 0.5], [0.0, 0.0]])
SMOOTH, NONE = {"label_smoothing": scalar(0.125)}, {"label_smoothing": scalar(0.0)}
CASES = [
    Case("labels", "cross_entropy", (X, HOT), {"class_weight": WEIGHTS, **SMOOTH, "z_loss": scalar(0.0)}),
    Case("smoothing", "cross_entropy", (X, HOT), {"class_weight": WEIGHTS, **NONE}),
    Case("class weights", "cross_entropy", (X, HOT), {"class_weight": SOME, **SMOOTH}),
    Case(
        "row weights", "cross_entropy", (X, HOT), {"class_weight": WEIGHTS, "sample_weight": np.asarray([1.0, 0, 2])}
    ),
    Case("shares", "cross_entropy", (X, PAIRS), {"label_probs": SHARES, "class_weight": WEIGHTS, **SMOOTH}),
    Case("focal", "focal_loss", (X, HOT), {"class_weight": WEIGHTS, "gamma": scalar(2.0), **SMOOTH}),
    Case("no focus", "focal_loss", (X, HOT), {"class_weight": WEIGHTS, "gamma": scalar(0.0)}),
    Case("log-probabilities", "nll_loss", (LOGS, HOT), {"class_weight": SOME, **SMOOTH}),
    Case("terms", "logsumexp", (X,), {"b": SOME}),
    Case("ties", "cross_entropy", (TIED, np.asarray([1, 3, 0]))),
    Case("tied distributions", "cross_entropy", (TIED, HOT)),
    Case("certain", "sigmoid_focal_loss", (np.asarray([100.0, -100.0, 60.0, -2.0]), np.asarray([1, 0, 1, 0]))),
    Case("x log y", "xlogy", (HOT[0], X[0] ** 2)),
]


def hessian(backend: Backend, f: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
    if backend.option == "jax":
        from jax import hessian
        from matrix_jax_call import quick

        return backend.to_numpy(quick(hessian(f))(x))
    from torch.func import hessian

    return backend.to_numpy(hessian(f)(backend.asarray(x)))


def of_a_vector(backend: Backend, case: Case) -> tuple[Callable[[Any], Any], np.ndarray]:
    """The sum of the value as a function of one long vector, and the vector."""
    leaves = [*(case.args[i] for i in case.places()), *case.named.values()]
    ends = np.cumsum([x.size for x in leaves]).tolist()

    def f(flat: Any) -> Any:
        parts = [flat[e - x.size : e].reshape(x.shape) for x, e in zip(leaves, ends, strict=True)]
        args = [parts.pop(0) if i in case.places() else backend.asarray(a) for i, a in enumerate(case.args)]
        return getattr(xentropy, case.function)(*args, **dict(zip(case.named, parts, strict=True))).sum()

    return f, np.concatenate([x.ravel() for x in leaves])


@sixty_digits
def row(case: Case, along: np.ndarray) -> np.ndarray:
    """The Hessian times a direction, by differences of the reference's gradients on both sides."""

    def gradient(sign: int) -> np.ndarray:
        start, moved = 0, []
        for name in wrt(case):
            x = dict(zip(oracle.FUNCTIONS[case.function][1], case.args, strict=True), **case.named)[name]
            moved.append(exact(x) + sign * STEP * exact(along[start : start + x.size].reshape(x.shape)))
            start += x.size
        args = [moved.pop(0) if i in case.places() else a for i, a in enumerate(case.args)]
        found = oracle.gradient(case.function, wrt(case), *args, **dict(zip(case.named, moved, strict=True)))
        return np.concatenate([g.value.ravel() for g in found.values()])

    return np.asarray((gradient(1) - gradient(-1)) / (2 * STEP), dtype=float)


# torch.func imports modules that warn of their own use of torch.jit
@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
@pytest.mark.backends(autodiff=True)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_where_something_is_0(backend: Backend, case: Case) -> None:
    f, x = of_a_vector(backend, case)
    matrix = hessian(backend, f, x)
    along = np.random.default_rng(13).normal(size=x.size)
    np.testing.assert_allclose(matrix @ along, row(case, along), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(matrix, matrix.T, rtol=1e-12, atol=1e-12)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
@pytest.mark.backends(autodiff=True)
def test_of_a_divergence_at_probability_0(backend: Backend) -> None:
    """d2/dp dlog q is -1 where a class can come back, 0 where it is impossible on both sides. (The derivative in p
    alone is infinite there.)"""
    log_q, p = np.asarray([[-0.5, -1.0, -np.inf, -2.0]]), np.asarray([[0.5, 0.0, 0.0, 0.5]])

    def f(flat: Any) -> Any:
        return xentropy.kl_divergence(flat[:4].reshape(1, 4), flat[4:].reshape(1, 4))

    matrix = hessian(backend, f, np.concatenate([log_q, p], axis=1).ravel())
    np.testing.assert_allclose(matrix[:4, 4:], -np.diag([1.0, 1.0, 0.0, 1.0]))
    np.testing.assert_allclose(matrix[4:, :4], -np.diag([1.0, 1.0, 0.0, 1.0]))


@pytest.mark.backends(autodiff=True)
def test_backwards_twice_past_ignored_rows(backend: Backend) -> None:
    """The Hessian of a row's loss is diag(p) - p p^T; that of an ignored row is 0, whatever its logits are."""
    x = np.concatenate([X, [[np.nan, 1.0, 2.0, 0.5], [np.inf, 0.0, -np.inf, 1.0]]])
    y, c = backend.asarray(np.asarray([0, 3, 1, -100, -100])), np.random.default_rng(17).normal(size=x.shape)
    p = np.exp(X) / np.exp(X).sum(-1, keepdims=True)
    true = np.zeros_like(x)
    true[:3] = p * (c[:3] - (p * c[:3]).sum(-1, keepdims=True)) / 3

    def f(x: Any) -> Any:
        return xentropy.cross_entropy(x, y, ignore_index=-100)

    if backend.option == "jax":
        import jax

        found = jax.jit(jax.grad(lambda x: (jax.grad(f)(x) * c).sum()))(x)
    else:
        import torch

        leaf = backend.asarray(x).requires_grad_()
        [slope] = torch.autograd.grad(f(leaf), leaf, create_graph=True)
        [found] = torch.autograd.grad((slope * backend.asarray(c)).sum(), leaf)
    np.testing.assert_allclose(backend.to_numpy(found), true, rtol=1e-12, atol=1e-15)
