"""Every derivative of every function: right, the same on every library, with its rule and without.

What compositions of a library make of them is in `test_matrix.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import oracle
import pytest
from backends import Backend
from derivative_cases import CASES, MASKED, Case

import xentropy
from xentropy._backends.switch import without_rules

EPS = float(np.finfo(np.float64).eps)
BAR = 4.0


def on(backend: Backend, case: Case) -> tuple[list[Any], dict[str, Any], dict[str, Any]]:
    args = [backend.asarray(a) for a in case.args]
    named = {n: backend.asarray(a) for n, a in case.named.items()}
    options = {n: backend.asarray(a) if isinstance(a, np.ndarray) else a for n, a in case.options.items()}
    return args, named, options


def gradients(backend: Backend, case: Case) -> dict[str, np.ndarray]:
    """By the names of the arguments."""
    args, named, options = on(backend, case)
    places, names = case.wrt()
    f = getattr(xentropy, case.function)
    _, (by_place, by_name) = xentropy.value_and_grad(f, places, names)(*args, **named, **options)
    positional = oracle.FUNCTIONS[case.function][1]
    found = dict(zip([positional[i] for i in places], by_place, strict=True)) | by_name
    return {name: backend.to_numpy(g) for name, g in found.items()}


def expected(case: Case) -> Any:
    places, names = case.wrt()
    wrt = [oracle.FUNCTIONS[case.function][1][i] for i in places] + list(names)
    return oracle.gradient(case.function, wrt, *case.args, **case.named, **case.options)


@pytest.mark.parametrize("case", [*CASES, *MASKED], ids=str)
def test_gradient_of_every_argument(backend: Backend, case: Case) -> None:
    found, truth = gradients(backend, case), expected(case)
    assert found.keys() == truth.keys()
    worst = {name: oracle.error(g, truth[name], EPS) for name, g in found.items()}
    assert max(worst.values()) <= BAR, worst


@pytest.mark.backends(autodiff=True)
@pytest.mark.parametrize("case", [*CASES, *MASKED], ids=str)
def test_plain_autodiff_without_the_rules(backend: Backend, case: Case) -> None:
    with without_rules():
        found = gradients(backend, case)
    for name, truth in expected(case).items():
        size = max(map(float, np.ravel(truth.scale)))  # of the largest: not every element has its own digits
        value = np.asarray(truth.value, dtype=np.float64)
        np.testing.assert_allclose(found[name], value, rtol=1e-12, atol=16 * EPS * size, err_msg=name)


# raised by torch's own checker, from inside its vmap
@pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")
@pytest.mark.backends("torch")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_torch_first_and_second_order_in_every_mode(backend: Backend, case: Case) -> None:
    from torch.autograd import gradcheck, gradgradcheck

    args, named, options = on(backend, case)
    places, names = case.wrt()
    leaves = [args[i].clone().requires_grad_() for i in places] + [named[n].clone().requires_grad_() for n in names]
    f = getattr(xentropy, case.function)

    def call(*xs: Any) -> Any:
        for i, value in zip(places, xs, strict=False):
            args[i] = value
        return f(*args, **dict(zip(names, xs[len(places) :], strict=True)), **options)

    assert gradcheck(call, leaves, check_forward_ad=True, check_batched_grad=True, check_batched_forward_grad=True)
    assert gradgradcheck(call, leaves, check_fwd_over_rev=True)


@pytest.mark.backends("torch")
@pytest.mark.parametrize("case", [*CASES, *MASKED], ids=str)
def test_torch_transforms_do_not_change_a_gradient(backend: Backend, case: Case) -> None:
    import torch

    args, named, options = on(backend, case)
    places, _ = case.wrt()
    f = getattr(xentropy, case.function)
    gradient = torch.func.grad(lambda *xs: f(*xs, **named, **options).sum(), places)
    leaves = [a.clone().requires_grad_() if i in places else a for i, a in enumerate(args)]
    eager = torch.autograd.grad(f(*leaves, **named, **options).sum(), [leaves[i] for i in places])
    stacked = [torch.stack([a, a]) for a in args]
    mapped = torch.func.vmap(gradient)(*stacked)
    for one, functional, many in zip(eager, gradient(*args), mapped, strict=True):
        torch.testing.assert_close(functional, one, rtol=1e-12, atol=1e-15, equal_nan=True)
        torch.testing.assert_close(many[1], one, rtol=1e-12, atol=1e-15, equal_nan=True)


def test_a_weight_of_zero_can_come_back(backend: Backend) -> None:
    """d/db of log sum b exp x is exp(x - lse) at b = 0 too; what is infinite there is out altogether."""
    x, b = np.asarray([[0.5, -1.0, 2.0, -np.inf, np.inf]]), np.asarray([1.0, 0.0, 0.5, 0.0, 0.0])
    f = xentropy.value_and_grad(xentropy.logsumexp, 0, "b")
    _, (by_x, by_name) = f(backend.asarray(x), b=backend.asarray(b))
    whole = np.exp(0.5) + 0.5 * np.exp(2.0)
    truth = [np.exp(0.5) / whole, np.exp(-1.0) / whole, np.exp(2.0) / whole, 0.0, 0.0]
    np.testing.assert_allclose(backend.to_numpy(by_name["b"]), truth, rtol=1e-14)
    np.testing.assert_allclose(backend.to_numpy(by_x), [[truth[0], 0.0, 0.5 * truth[2], 0.0, 0.0]], rtol=1e-14)


# torch.func imports modules that warn of their own use of torch.jit
@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
@pytest.mark.backends(autodiff=True)
def test_mixed_second_derivatives_at_a_binary_label_of_0_or_1(backend: Backend) -> None:
    """d2/dy dw is softplus(-x) and d2/dy dp is -1/p - 1/(1 - p), at the ends of the labels' range too; where p = y
    the infinite one of the two has vanished."""
    x, p, y = np.asarray([0.5, -2.0]), np.asarray([0.25, 0.75, 0.0, 1.0]), np.asarray([0.0, 1.0, 0.0, 1.0])
    w = np.asarray([0.5, 1.5])

    def of_logits(y: Any, w: Any) -> Any:
        f = xentropy.binary_cross_entropy_with_logits
        return f(backend.asarray(x), y, pos_weight=w, reduction="sum")

    def of_probs(y: Any, p: Any) -> Any:
        return xentropy.binary_cross_entropy(p, y, reduction="sum")

    np.testing.assert_allclose(mixed(backend, of_logits, y[:2], w), np.diag(np.log1p(np.exp(-x))), rtol=1e-14)
    inside = p[:2]
    expected = np.diag([*(-1 / inside - 1 / (1 - inside)), -1.0, -1.0])
    np.testing.assert_allclose(mixed(backend, of_probs, y, p), expected, rtol=1e-14)


def mixed(backend: Backend, f: Any, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """d2f / d(first) d(second)."""
    if backend.option == "jax":
        from jax import hessian
    else:
        from torch.func import hessian
    return backend.to_numpy(hessian(f, (0, 1))(backend.asarray(first), backend.asarray(second))[0][1])
