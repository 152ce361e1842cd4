"""Rules 11 and 13 where values are hidden. Hidden labels are in `test_label_policy_jax` and `..._torch`."""

from __future__ import annotations

import numpy as np
import pytest
from test_semantics_compare import calculate, put

import xentropy
from xentropy._backends.switch import without_rules

pytestmark = pytest.mark.compiler
inf, nan = float("inf"), float("nan")
LOGITS = np.asarray([[1.0, 2.0, -inf], [0.0, -1.0, 3.0], [nan, 0.0, 1.0], [0.5, 0.5, 0.0]])
LABELS = np.asarray([0, 2, -100, 1])
# torch's own modules, when they are first imported
TORCH_WARNS = "ignore:.*torch.jit.script:DeprecationWarning"


@pytest.mark.backends("jax")
def test_options_that_jit_hides(backend):
    """A temperature or softcap <= 0, or a smoothing outside [0, 1], is NaN."""
    import jax

    x, y = put(backend, LOGITS), put(backend, LABELS)
    bad = {"temperature": (-1.0, 0.0), "softcap": (0.0, -2.0), "label_smoothing": (-0.125, 1.5)}
    for name, value in ((name, value) for name, values in bad.items() for value in values):
        function = jax.jit(lambda x, t, name=name: xentropy.cross_entropy(x, y, ignore_index=-100, **{name: t}))
        assert np.isnan(function(x, put(backend, np.asarray(value))))


@pytest.mark.backends("jax")
def test_traced_options_do_not_recompile(backend):
    """One trace for all values, and their gradients are not dropped."""
    import jax

    x, y, traces = put(backend, LOGITS[:2]), put(backend, LABELS[:2]), []

    @jax.jit
    def gradients(*options):
        traces.append(1)
        names = ("label_smoothing", "z_loss", "gamma", "temperature")
        return jax.grad(
            lambda *given: xentropy.focal_loss(x, y, **dict(zip(names, given, strict=True))), argnums=(0, 1, 2, 3)
        )(*options)

    for values in ((0.1, 0.5, 1.0, 2.0), (0.2, 0.25, 2.0, 0.5)):
        found = gradients(*(put(backend, np.asarray(value)) for value in values))
        assert all(float(g) != 0 for g in found)
    assert len(traces) == 1


# 5. and 3., without rules: as compilers and transforms differentiate


@pytest.mark.backends(autodiff=True)
@pytest.mark.parametrize("special", [inf, nan, -inf])
@pytest.mark.parametrize("label", [0, 1])
def test_special_rows_without_rules(backend, special, label):
    logits, labels = np.asarray([[0.5, special, 1.0], [0.0, 1.0, 2.0]]), np.asarray([label, 2])
    value, by = calculate(backend, "cross_entropy", logits, labels, wrt="logits", reduction="none")
    with without_rules():
        plain, by_plain = calculate(backend, "cross_entropy", logits, labels, wrt="logits", reduction="none")
    np.testing.assert_allclose(plain, value, rtol=1e-14)
    np.testing.assert_allclose(by_plain["logits"], by["logits"], rtol=1e-14)


# 13. second order, of rows that rules 1 to 6 make special


@pytest.mark.filterwarnings(TORCH_WARNS)
@pytest.mark.backends(autodiff=True)
def test_hessian_of_special_rows(backend):
    """diag(p) - p p^T with zero rows and columns at a mask, and 0 in an ignored row that holds NaN."""
    x, y = put(backend, LOGITS[[0, 2]]), put(backend, LABELS[[0, 2]])

    def f(x):
        return xentropy.cross_entropy(x, y, ignore_index=-100, reduction="sum")

    if backend.option == "jax":
        import jax

        hessian = jax.hessian(f)(x)
    else:
        import torch

        hessian = torch.func.hessian(f)(x)
    p = np.exp([1.0, 2.0]) / np.exp([1.0, 2.0]).sum()
    expected = np.zeros((2, 3, 2, 3))
    expected[0, :2, 0, :2] = np.diag(p) - np.outer(p, p)
    np.testing.assert_allclose(backend.to_numpy(hessian), expected, rtol=1e-13, atol=1e-16)
