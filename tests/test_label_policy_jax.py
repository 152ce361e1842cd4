"""Rule 9 where JAX hides the values of labels: under its compiler, its maps, its loops and its derivatives."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import numpy as np
import pytest
from backends import Backend
from label_ways_jax import (
    CLASSES,
    MODES,
    SMOOTHING,
    WAYS,
    all_ways,
    bad_values,
    compiled,
    complaint,
    logits,
    loss,
    raises,
    total,
    width,
)

import xentropy

pytestmark = pytest.mark.backends("jax")

# ---------------------------------------------------------------------------------------------
# NaN


@pytest.mark.parametrize(("dtype", "x64"), MODES)
def test_bad_rows_are_nan(backend: Backend, dtype: str, x64: bool) -> None:
    """By default: the loss and the gradient of the bad rows, and of no other."""
    bad = bad_values(dtype)
    labels = np.asarray([2, *bad, 0, 1], dtype)
    spoilt = [False, *(True for _ in bad), False, False]
    with width(x64):
        found = all_ways()(backend.asarray(logits(len(labels))), backend.asarray(labels))
    assert len(found) == len(SMOOTHING) * len(WAYS)
    for name, (value, gradient) in found.items():
        assert np.isnan(value).tolist() == spoilt, name
        assert np.isnan(gradient).all(axis=1).tolist() == spoilt, name
        assert np.isnan(gradient).any(axis=1).tolist() == spoilt, name


def test_what_is_excused_is_not_bad(backend: Backend) -> None:
    """An ignored label, and one in a row of weight 0: nothing of them is NaN, nor of the other rows' gradients."""
    x, y = backend.asarray(logits(4)), backend.asarray(np.asarray([2, -100, 7, 3]))
    for name, (value, gradient) in all_ways(ignore_index=-100)(x, y).items():
        assert np.isnan(value).tolist() == [False, False, True, True], name
        assert np.isnan(gradient).any(axis=1).tolist() == [False, False, True, True], name
        assert (value[1], *gradient[1]) == (0, 0, 0, 0), name
    weights = backend.asarray(np.asarray([1.0, 1.0, 0.0, 1.0], "float32"))
    for options in ({}, {"sample_weight": weights}):
        value, gradient = compiled(ignore_index=-100, reduction="mean", **options)(x, y)
        assert np.isnan(value)
        assert np.isnan(gradient).any(axis=1).tolist() == [False, False, not options, True]


OTHERS = {
    "nll": ("nll_loss", -abs(logits(3)), np.asarray([2, 3, 1]), {}),
    "focal": ("focal_loss", logits(3), np.asarray([2, -1, 1]), {}),
    "sparse": (
        "cross_entropy",
        logits(3),
        np.asarray([[2, 9], [0, 3], [1, 0]]),
        {"label_probs": np.eye(3, 2)[[0, 1, 0]]},
    ),
    "soft": ("cross_entropy", logits(3), np.asarray([[0.5, 0.5, 0], [0, np.nan, 1], [1, 0, 0]]), {}),
    "kl": ("kl_divergence", -abs(logits(3)), np.asarray([[0.5, 0.5, 0], [0, -0.5, 1], [1, 0, 0]]), {}),
    "binary": ("binary_cross_entropy_with_logits", logits(3)[:, :1], np.asarray([[1], [2], [0]]), {}),
    "probs": ("binary_cross_entropy", np.asarray([[0.5], [1.5], [0.25]]), np.asarray([[1.0], [1.0], [0.0]]), {}),
    "sigmoid focal": ("sigmoid_focal_loss", logits(3)[:, :1], np.asarray([[1.0], [-0.5], [0.0]]), {}),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_losses(backend: Backend, name: str) -> None:
    """The second row of each is bad."""
    import jax
    from matrix_jax_call import quick

    function, x, y, options = OTHERS[name]
    x, y = backend.asarray(x.astype("float32")), backend.asarray(y if y.dtype.kind == "i" else y.astype("float32"))
    options = {n: backend.asarray(a.astype("float32")) for n, a in options.items()}

    def f(x: Any, **more: Any) -> Any:
        return getattr(xentropy, function)(x, y, reduction="none", **options, **more)

    value, gradient = quick(lambda x: (f(x), jax.grad(lambda x: f(x).sum())(x)))(x)
    assert np.isnan(value).reshape(3, -1).any(axis=1).tolist() == [False, True, False]
    assert np.isnan(gradient).any(axis=1).tolist() == [False, True, False]
    raises(r"(labels|label_probs|p|probs)\[1.* outside ", quick(lambda x: f(x, check_labels="raise")), x)


# ---------------------------------------------------------------------------------------------
# errors at run time


@pytest.mark.parametrize("smoothing", SMOOTHING)
@pytest.mark.parametrize(("dtype", "x64"), MODES)
def test_each_value_is_named(backend: Backend, dtype: str, x64: bool, smoothing: float) -> None:
    """One program; the first bad label, where it is, and what there is instead."""
    good = np.asarray([0, 1, 2, 0], dtype)
    with width(x64):
        x, run = backend.asarray(logits(4)), compiled(check_labels="raise", label_smoothing=smoothing)
        for place, value in enumerate(bad_values(dtype)):
            labels = good.copy()
            labels[place % 4 :] = value
            raises(complaint(value, f"[{place % 4}]"), run, x, backend.asarray(labels))
        value, gradient = run(x, backend.asarray(good))
    assert np.isfinite(value).all()
    assert np.isfinite(gradient).all()


def batches(backend: Backend) -> tuple[Any, Any, Any]:
    """Two batches of rows, their good labels, and labels of which one is bad."""
    good = np.asarray([[2, 0, 1], [1, 1, 0]])
    bad = good.copy()
    bad[1, 2] = 7
    return tuple(map(backend.asarray, (logits(6).reshape(2, 3, CLASSES), good, bad)))


@pytest.mark.parametrize("smoothing", SMOOTHING)
@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("part", ["value", "gradient"])
def test_raising_in_every_way(backend: Backend, name: str, part: str, smoothing: float) -> None:
    """Of a program that returns the value, or the gradient alone: the check is in both. In a map or a loop the
    position is the one that its body sees."""
    from matrix_jax_call import quick

    x, good, bad = batches(backend)
    if name not in ("vmap", "scan"):
        x, good, bad = x[1], good[1], bad[1]
    f = partial(total if name in ("vmap", "scan") else loss, label_smoothing=smoothing)

    def run(policy: str) -> Any:
        checked = partial(f, check_labels=policy)
        return quick(lambda x, y: WAYS[name](checked, x, y)[part == "gradient"])

    raising = run("raise")
    raises(complaint(7, "[2]"), raising, x, bad)
    np.testing.assert_array_equal(raising(x, good), run("trust")(x, good))


def test_checkify(backend: Backend) -> None:
    """An error that is a value, and not raised by itself; none where all are good or excused."""
    import jax
    from jax.experimental import checkify
    from matrix_jax_call import quick

    x, good, bad = batches(backend)
    text = re.escape(f"labels: 7 at flat position 2 is outside [0, {CLASSES})")

    def f(x: Any, y: Any) -> Any:
        return total(x, y, check_labels="checkify", ignore_index=1)

    ways = {
        "jit": (jax.jit(f), False),
        "grad": (jax.grad(f), False),
        "jit(grad)": (jax.jit(jax.grad(f)), False),
        "vmap": (jax.vmap(f), True),
        "vmap(grad)": (jax.vmap(jax.grad(f)), True),
        "scan": (lambda x, y: jax.lax.scan(lambda carry, row: (carry, f(*row)), None, (x, y))[1], True),
        "checkpoint": (jax.grad(jax.checkpoint(f)), False),
    }
    for name, (way, whole) in ways.items():
        run = quick(checkify.checkify(way))
        x_here, good_here, bad_here = (x, good, bad) if whole else (x[1], good[1], bad[1])
        error, _ = run(x_here, bad_here)
        with pytest.raises(checkify.JaxRuntimeError, match=text):
            error.throw()
        error, value = run(x_here, good_here)
        assert error.get() is None, name
        assert np.isfinite(value).all(), name


def test_eager_calls_raise_before_any_work(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the values are there to be looked at, also under grad and value_and_grad alone."""
    import jax

    from xentropy._backends.jax import BACKEND

    def refuse(*_: Any) -> None:
        raise AssertionError("computed")

    monkeypatch.setattr(BACKEND, "run", refuse)
    x, y = backend.asarray(logits(3)), backend.asarray(np.asarray([0, 7, 1], "int8"))
    for f in (loss, jax.grad(total), xentropy.value_and_grad(loss)):
        with pytest.raises(ValueError, match=complaint(7, "[1]")):
            f(x, y)
    with pytest.raises(ValueError, match=complaint(7, "[1]")):
        loss(x, y, check_labels="raise")


def test_eager_calls_that_hide_values(backend: Backend) -> None:
    import jax

    x, y = backend.asarray(logits(3)), backend.asarray(np.asarray([0, 7, 1], "int8"))
    for f in (jax.vmap(loss), jax.checkpoint(loss)):
        assert np.isnan(f(x, y)).tolist() == [False, True, False]
    raises(complaint(7, ""), jax.vmap(jax.grad(lambda x, y: loss(x, y, check_labels="raise"))), x, y)
