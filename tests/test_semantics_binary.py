"""Rule 10 and the binary losses; focal losses; where rules 6 to 9 meet single elements."""

from __future__ import annotations

import numpy as np
import pytest
from test_semantics_compare import agrees, calculate, no_negative_zeros, put, same

import xentropy

inf, nan = float("inf"), float("nan")
LOGITS = np.asarray([[1.0, -2.0, 0.0], [40.0, -40.0, 3.0], [-100.0, 100.0, 0.25]])
LABELS = np.asarray([[1.0, 0.0, 0.5], [1.0, 0.0, 0.25], [0.0, 1.0, 0.75]])
REDUCTIONS = ("none", "sum", "mean")
BCE, FOCAL = "binary_cross_entropy_with_logits", "sigmoid_focal_loss"


# 10. limits


def test_infinite_logits(backend):
    """(+inf, 1) and (-inf, 0) are 0 with gradient 0 in every argument; the opposite is +inf."""
    x, y = np.asarray([inf, -inf, inf, -inf]), np.asarray([1.0, 0.0, 0.0, 1.0])
    wrt, weight = "logits labels pos_weight", np.asarray([2.0, 3.0, 0.5, 4.0])
    value, by = agrees(backend, BCE, x, y, wrt=wrt, pos_weight=weight, reduction="none")
    same(value, [0.0, 0.0, inf, inf])
    same(by["logits"], [0.0, 0.0, 1.0, -4.0])
    same(by["labels"][:2], [0.0, 0.0])
    same(by["pos_weight"][:2], [0.0, 0.0])
    value, _ = agrees(backend, BCE, x[:2], y[:2], wrt="logits")
    same(value, 0.0)
    value, _ = agrees(backend, BCE, x[2:], y[2:], wrt="logits", reduction="sum")
    same(value, inf)


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0])
def test_focal_loss_at_infinite_logits(backend, gamma):
    x, y = np.asarray([inf, -inf, inf, -inf]), np.asarray([1.0, 0.0, 0.0, 1.0])
    value, by = agrees(
        backend, FOCAL, x, y, wrt="logits gamma", gamma=np.asarray(gamma), alpha=0.25, reduction="none"
    )
    same(value, [0.0, 0.0, inf, inf])
    same(by["logits"][:2], [0.0, 0.0])


def test_certain_probabilities(backend):
    """p = y in {0, 1} is 0, the opposite +inf; nothing is clipped."""
    p, y = np.asarray([1.0, 0.0, 0.0, 1.0, 1e-300, 0.5]), np.asarray([1.0, 0.0, 1.0, 0.0, 1.0, 0.5])
    value, by = agrees(backend, "binary_cross_entropy", p, y, wrt="probs labels", reduction="none")
    same(value[:4], [0.0, 0.0, inf, inf])
    same(by["labels"][:2], [0.0, 0.0])
    np.testing.assert_allclose(value[4], 300 * np.log(10), rtol=1e-14)


@pytest.mark.parametrize("value", [-0.1, 1.5, nan, inf, -inf])
def test_probabilities_outside_are_bad(backend, value):
    """An error that names the first one; NaN where that is asked, and that element only."""
    p, y = np.asarray([0.5, value, 0.25]), np.asarray([1.0, 0.0, 0.0])
    with pytest.raises(ValueError, match=rf"probs\[1\] is {value}, outside \[0, 1\]"):
        xentropy.binary_cross_entropy(put(backend, p), put(backend, y))
    agrees(
        backend,
        "binary_cross_entropy",
        p,
        y,
        wrt="probs labels",
        reduction="none",
        check_labels="nan",
    )


# values and gradients under every option


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_bce_from_logits(backend, reduction):
    options = {
        "pos_weight": np.asarray([0.5, 2.0, 1.0]),
        "label_smoothing": np.asarray(0.125),
        "sample_weight": np.asarray([[0.5], [1.0], [2.0]]),
        "where": np.asarray([[True, True, False], [True] * 3, [True] * 3]),
    }
    wrt = "logits labels pos_weight label_smoothing sample_weight"
    agrees(backend, BCE, LOGITS, LABELS, wrt=wrt, reduction=reduction, **options)
    agrees(backend, BCE, LOGITS, LABELS, wrt="logits labels", reduction=reduction)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_bce_from_probabilities(backend, reduction):
    p = np.asarray([[0.5, 1e-12, 0.25], [0.75, 0.125, 1.0 - 2.0**-40], [0.5, 0.5, 0.5]])
    options = {"label_smoothing": np.asarray(0.125), "sample_weight": np.asarray([[0.5], [1.0], [2.0]])}
    wrt = "probs labels label_smoothing sample_weight"
    agrees(backend, "binary_cross_entropy", p, LABELS, wrt=wrt, reduction=reduction, **options)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_sigmoid_focal_loss(backend, gamma):
    """With derivatives by gamma and alpha, which may be learned; alpha is not in the denominator."""
    options = {"gamma": np.asarray(gamma), "alpha": np.asarray(0.25), "sample_weight": np.asarray([[0.5, 2.0, 1.0]])}
    wrt = "logits gamma alpha sample_weight"
    value, _ = agrees(backend, FOCAL, LOGITS, LABELS, wrt=wrt, **options)
    if gamma == 0:
        alpha = 0.25 * LABELS + 0.75 * (1 - LABELS)
        plain, _ = calculate(backend, BCE, LOGITS, LABELS, reduction="none")
        weight = np.broadcast_to(options["sample_weight"], LABELS.shape)
        np.testing.assert_allclose(value, (alpha * plain * weight).sum() / weight.sum(), rtol=1e-14)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 3.0])
def test_softmax_focal_loss(backend, gamma):
    """Right at p = 1 too, where (1 - p)^gamma has a derivative for gamma = 0 and gamma >= 1."""
    logits = np.asarray([[1.0, 2.0, 0.5], [0.0, -inf, -inf], [30.0, 0.0, -inf]])
    options = {"gamma": np.asarray(gamma), "reduction": "none"}
    agrees(backend, "focal_loss", logits, np.asarray([2, 0, 0]), wrt="logits gamma", **options)
    soft = np.asarray([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])
    agrees(backend, "focal_loss", logits, soft, wrt="logits labels", label_smoothing=0.25, **options)
    if gamma == 0:
        plain, by = calculate(backend, "cross_entropy", logits, soft, wrt="logits", reduction="none")
        value, found = calculate(backend, "focal_loss", logits, soft, wrt="logits", **options)
        np.testing.assert_allclose(value, plain, rtol=1e-15)
        np.testing.assert_allclose(found["logits"], by["logits"], rtol=1e-14, atol=1e-300)


# elements that do not count, labels of every dtype, bad labels


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", [BCE, FOCAL, "binary_cross_entropy"])
def test_removed_elements(backend, name, reduction):
    """`where=False` and a weight of 0 hide whatever is there."""
    x, y = np.asarray([0.25, nan, 0.5, inf, 0.75]), np.asarray([1.0, 7.0, 0.5, nan, 0.0])
    options = {"sample_weight": np.asarray([1.0, 0.0, 2.0, 5.0, 0.0])}
    options["where"] = np.asarray([True, True, True, False, True])
    first = "probs" if name == "binary_cross_entropy" else "logits"
    wrt = f"{first} labels sample_weight"
    value, by = agrees(backend, name, x, y, wrt=wrt, reduction=reduction, **options)
    for n in wrt.split():
        same(by[n][[1, 3]], [0.0, 0.0])
    if reduction == "none":
        same(value[[1, 3, 4]], [0.0] * 3)


@pytest.mark.parametrize("name", [BCE, FOCAL, "binary_cross_entropy"])
def test_zeros_are_positive(backend, name):
    """Value and gradients of removed elements are +0.0, and not -0.0."""
    x, y = np.asarray([0.25, 0.5, 0.5, 0.75]), np.asarray([1.0, 1.0, 0.5, 0.0])
    options = {"sample_weight": np.asarray([1.0, 0.0, 2.0, 0.0]), "reduction": "none"}
    options["where"] = np.asarray([True, True, False, True])
    first = "probs" if name == "binary_cross_entropy" else "logits"
    value, by = calculate(backend, name, x, y, wrt=f"{first} labels sample_weight", **options)
    no_negative_zeros(value, "value")
    for n, gradient in by.items():
        no_negative_zeros(gradient, n)


@pytest.mark.parametrize("name", [BCE, FOCAL, "binary_cross_entropy"])
def test_nothing_to_average(backend, name):
    x, y = np.asarray([0.25, 0.5]), np.asarray([1.0, 0.0])
    first = "probs" if name == "binary_cross_entropy" else "logits"
    for options in ({"where": np.asarray([False, False])}, {"normalizer": 0.0}):
        value, by = agrees(backend, name, x, y, wrt=first, **options)
        same(value, 0.0)
        same(by[first], [0.0, 0.0])


@pytest.mark.parametrize("name", [BCE, FOCAL, "binary_cross_entropy"])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int64", "uint64"])
def test_integer_and_boolean_labels(backend, name, dtype):
    x, y = np.asarray([0.25, 0.5, 0.75]), np.asarray([1, 0, 1])
    first = "probs" if name == "binary_cross_entropy" else "logits"
    expected, by = calculate(backend, name, x, y.astype("float64"), wrt=first, reduction="none")
    value, found = calculate(backend, name, x, y.astype(dtype), wrt=first, reduction="none")
    same(value, expected)
    same(found[first], by[first])


@pytest.mark.parametrize("name", [BCE, FOCAL, "binary_cross_entropy"])
@pytest.mark.parametrize("label", [2, -1, 255, 1.5, -0.25, nan, inf])
def test_bad_binary_labels(backend, name, label):
    """An error that names the first; NaN in value and gradient where that is asked."""
    y = np.asarray([[1, 0], [label, 0]])
    if label == 255:
        y = y.astype("uint8")
    x = np.asarray([[0.5, 0.5], [0.5, 0.25]])
    function = getattr(xentropy, name)
    shown = label if isinstance(label, float) else int(label)
    with pytest.raises(ValueError, match=rf"labels\[1, 0\] is {shown}, outside \[0, 1\]"):
        function(put(backend, x), put(backend, y))
    first = "probs" if name == "binary_cross_entropy" else "logits"
    value, by = calculate(backend, name, x, y, wrt=first, reduction="none", check_labels="nan")
    assert np.isnan(value).tolist() == [[False, False], [True, False]]
    assert np.isnan(by[first]).tolist() == [[False, False], [True, False]]


def test_where_the_sigmoid_is_flat(backend):
    """Digits of the tails: losses of 1e-18 and gradients of 1e-44, and 1/2 at 0 in softplus."""
    x = np.asarray([40.0, -40.0, 100.0, -100.0, 0.0])
    agrees(backend, BCE, x, np.asarray([1.0, 0.0, 1.0, 0.0, 1.0]), wrt="logits", reduction="none")
    for name in ("sigmoid", "log_sigmoid", "softplus"):
        _, by = agrees(backend, name, np.asarray([*x, inf, -inf, 800.0]), wrt="x")
    assert by["x"][4] == 0.5


@pytest.mark.once
def test_an_infinite_weight_has_an_infinite_gradient():
    """dl/dx of label 1 is -pos_weight sigmoid(-x), on both sides of 0."""
    f = xentropy.value_and_grad(xentropy.binary_cross_entropy_with_logits)
    _, slope = f(np.asarray([-2.0, 2.0]), np.ones(2), pos_weight=np.asarray(np.inf))
    np.testing.assert_array_equal(slope, [-np.inf, -np.inf])
