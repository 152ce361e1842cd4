"""Rule 9: bad labels, where their values can be seen and where they cannot be."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from test_semantics_compare import agrees, calculate, put, same

import xentropy

inf, nan = float("inf"), float("nan")
LOGITS = np.asarray([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0], [4.0, 0.0, 1.0], [0.5, 0.5, 0.0]])
GOOD = np.asarray([2, 0, 1, 1])
BAD = {
    "too large": (np.asarray([2, 3, 1, 7]), {}, r"labels\[1\] is 3, outside \[0, 3\)"),
    "negative": (np.asarray([2, -1, 1, -100]), {}, r"labels\[1\] is -1, outside \[0, 3\)"),
    "uint8": (np.asarray([2, 255, 1, 255], np.uint8), {}, r"labels\[1\] is 255, outside \[0, 3\)"),
    "NaN distribution": (
        np.asarray([[0.5, 0.5, 0.0], [0.0, nan, 0.0], [1.0, 0.0, 0.0], [nan, nan, nan]]),
        {},
        r"labels\[1, 1\] is nan, outside the finite numbers",
    ),
    "infinite distribution": (
        np.asarray([[0.5, 0.5, 0.0], [0.0, 0.0, inf], [1.0, 0.0, 0.0], [-inf, 0.0, 0.0]]),
        {},
        r"labels\[1, 2\] is inf, outside the finite numbers",
    ),
    "sparse index": (
        np.asarray([[2, 9], [0, 3], [1, -1], [-5, 0]]),
        {"label_probs": np.asarray([[1.0, 0.0], [0.5, 0.5], [1.0, 0.0], [0.5, 0.5]])},
        r"labels\[1, 1\] is 3, outside \[0, 3\)",
    ),
    "sparse probability": (
        np.asarray([[2, 0], [0, 1], [1, 2], [1, 0]]),
        {"label_probs": np.asarray([[1.0, 0.0], [0.5, nan], [1.0, 0.0], [inf, 0.5]])},
        r"label_probs\[1, 1\] is nan, outside the finite numbers",
    ),
}
LOSSES = ["cross_entropy", "focal_loss", "nll_loss"]


def call(backend, name, labels, more, **options):
    more = {n: put(backend, x) for n, x in more.items()}
    return getattr(xentropy, name)(put(backend, -abs(LOGITS)), put(backend, labels), **more, **options)


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("name", LOSSES)
def test_they_raise_where_they_are_seen(backend, name, case):
    """By default and on demand, with the first value, its position, and what is allowed."""
    labels, more, text = BAD[case]
    for options in ({}, {"check_labels": "auto"}, {"check_labels": "raise"}):
        with pytest.raises(ValueError, match=text):
            call(backend, name, labels, more, **options)


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("name", LOSSES)
def test_they_give_nan_on_demand(backend, name, case):
    """NaN in the value and in the gradient of the bad rows, and of no other row."""
    labels, more, _ = BAD[case]
    first = "log_probs" if name == "nll_loss" else "logits"
    options = {**more, "check_labels": "nan", "reduction": "none"}
    if name == "nll_loss":
        value, by = calculate(backend, name, -abs(LOGITS), labels, wrt=first, **options)
        assert np.isnan(by[first]).any(axis=1).tolist() == [False, True, False, True]
    else:
        value, by = agrees(backend, name, LOGITS, labels, wrt=first, **options)
        assert np.isnan(by[first]).all(axis=1).tolist() == [False, True, False, True]
        assert np.isnan(by[first]).any(axis=1).tolist() == [False, True, False, True]
    assert np.isnan(value).tolist() == [False, True, False, True]


def test_nan_under_every_option(backend):
    """A mask, smoothing and weights do not make a bad row finite; 0 at its `where=False` places."""
    where = np.asarray([[True] * 3, [True, False, True], [True] * 3, [False] * 3])
    labels = np.asarray([2, 1, -1, 5])
    labels[1] = 77
    options = {"where": where, "label_smoothing": 1.0, "z_loss": 0.5, "check_labels": "nan"}
    options["class_weight"] = np.zeros(3)
    value, by = agrees(backend, "cross_entropy", LOGITS, labels, wrt="logits", reduction="none", **options)
    assert np.isnan(value).tolist() == [False, True, True, True]
    same(by["logits"][~where], np.zeros(4))
    assert np.isnan(by["logits"][1:][where[1:]]).all()


@pytest.mark.parametrize("kind", ["integer", "soft", "sparse"])
def test_trust(backend, kind):
    """No check: the same result for good labels, ignored ones among them."""
    labels = {"integer": GOOD, "soft": np.eye(3)[GOOD], "sparse": GOOD[:, None]}[kind]
    options = {"label_probs": np.full((4, 1), 0.5)} if kind == "sparse" else {}
    if kind != "soft":
        labels = labels.copy()
        labels[2] = -100
        options["ignore_index"] = -100
    for reduction in ("none", "mean"):
        agrees(
            backend,
            "cross_entropy",
            LOGITS,
            labels,
            wrt="logits",
            check_labels="trust",
            reduction=reduction,
            **options,
        )


def test_trusted_labels_stay_in_bounds(backend):
    """What a bad label gives is not said; memory that is not ours is not read: no error but a clean one."""
    for label in (3, -1, 10**9, -(10**9)):
        with contextlib.suppress(IndexError, RuntimeError, ValueError):
            value = call(backend, "cross_entropy", np.asarray([2, label, 1, 1]), {}, check_labels="trust")
            assert backend.to_numpy(value).shape == ()


# where the default comes from


def test_context_manager(backend):
    """The default within a block; a call's own word goes first; blocks nest and end with errors."""
    bad = np.asarray([2, 3, 1, 1])
    with xentropy.label_policy("nan"):
        assert np.isnan(backend.to_numpy(call(backend, "cross_entropy", bad, {})))
        with pytest.raises(ValueError, match=r"labels\[1\] is 3"):
            call(backend, "cross_entropy", bad, {}, check_labels="raise")
        with pytest.raises(ZeroDivisionError), xentropy.label_policy("raise"):
            raise ZeroDivisionError
        assert np.isnan(backend.to_numpy(call(backend, "cross_entropy", bad, {})))
        with xentropy.label_policy("auto"), pytest.raises(ValueError, match=r"labels\[1\] is 3"):
            call(backend, "cross_entropy", bad, {})
    with pytest.raises(ValueError, match=r"labels\[1\] is 3"):
        call(backend, "cross_entropy", bad, {})


def test_environment_variable(backend, monkeypatch):
    """The default outside of any block."""
    bad = np.asarray([2, 3, 1, 1])
    monkeypatch.setattr("xentropy._policy.ENVIRONMENT", "nan")
    assert np.isnan(backend.to_numpy(call(backend, "cross_entropy", bad, {})))
    with xentropy.label_policy("raise"), pytest.raises(ValueError, match=r"labels\[1\] is 3"):
        call(backend, "cross_entropy", bad, {})
    monkeypatch.setattr("xentropy._policy.ENVIRONMENT", "perhaps")
    with pytest.raises(ValueError, match="'perhaps'"):
        call(backend, "cross_entropy", bad, {})
    monkeypatch.setattr("xentropy._policy.ENVIRONMENT", "auto")
    with pytest.raises(ValueError, match=r"labels\[1\] is 3"):
        call(backend, "cross_entropy", bad, {})


def test_the_policy_reaches_every_loss(backend):
    """Binary losses and divergences too."""
    x, y = put(backend, np.asarray([0.5, 0.25])), put(backend, np.asarray([1.0, 2.0]))
    for name in ("binary_cross_entropy_with_logits", "binary_cross_entropy", "sigmoid_focal_loss"):
        with pytest.raises(ValueError, match=r"labels\[1\] is 2"):
            getattr(xentropy, name)(x, y)
        with xentropy.label_policy("nan"):
            value = getattr(xentropy, name)(x, y, reduction="none")
        assert np.isnan(backend.to_numpy(value)).tolist() == [False, True]


@pytest.mark.backends("numpy", "torch", "strict")
@pytest.mark.parametrize("wrong", [1 + 1e-12, -1e-60])
def test_what_the_dtype_of_the_logits_does_not_show(backend, wrong):
    """A label just outside is bad in its own dtype, whatever the reduction."""
    x, y = put(backend, np.zeros(4, np.float32)), put(backend, np.asarray([0.0, 1.0, 0.5, wrong]))
    for reduction in ("none", "sum", "mean"):
        value = xentropy.binary_cross_entropy_with_logits(x, y, reduction=reduction, check_labels="nan")
        assert np.isnan(backend.to_numpy(value)).any()


@pytest.mark.backends("numpy", "torch", "strict")
def test_checkify_is_of_jax(backend):
    with pytest.raises(ValueError, match="check_labels='checkify'"):
        call(backend, "cross_entropy", GOOD, {}, check_labels="checkify")


def test_nothing_changes_when_it_raises(backend):
    """The arguments of a failed call are as they were."""
    x, y = put(backend, LOGITS), put(backend, np.asarray([2, 3, 1, 1]))
    with pytest.raises(ValueError, match="labels"):
        xentropy.value_and_grad(xentropy.cross_entropy)(x, y)
    same(backend.to_numpy(x), LOGITS)
    assert backend.to_numpy(y).tolist() == [2, 3, 1, 1]
    _, by = agrees(backend, "cross_entropy", LOGITS, GOOD, wrt="logits")
    assert np.isfinite(by["logits"]).all()


@pytest.mark.backends("numpy")
@pytest.mark.parametrize("width", [2, 4, 8])
def test_labels_in_another_byte_order(backend, width):
    """One that its bytes would make a class the other way round is none."""
    x, order = np.zeros((300, 3)), f">i{width}"
    assert np.allclose(xentropy.cross_entropy(x, np.full(300, 2, order)), np.log(3))
    bad = np.asarray([0] * 299 + [1 << 8 * (width - 1)]).astype(order)
    with pytest.raises(ValueError, match=rf"labels\[299\] is {bad[-1]}, outside \[0, 3\)"):
        xentropy.cross_entropy(x, bad)
