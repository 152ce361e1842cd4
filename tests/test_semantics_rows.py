"""Rule 6: rows that do not count, whatever they hold."""

from __future__ import annotations

import numpy as np
import pytest
from test_semantics_compare import agrees, calculate, no_negative_zeros, put, same

import xentropy

inf, nan = float("inf"), float("nan")
REDUCTIONS = ("none", "sum", "mean")
# the last three rows hold what must not be seen
LOGITS = np.asarray([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0], [nan, 1.0, inf], [-inf, -inf, -inf], [0.0, -inf, 1.0]])
WEIGHT = np.asarray([0.5, 2.0, 1.0])
SCALARS = {"temperature": np.asarray(0.5), "label_smoothing": np.asarray(0.25), "z_loss": np.asarray(0.125)}


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_ignored_rows(backend, reduction):
    """0 in the value and in every derivative."""
    labels = np.asarray([2, 0, -100, -100, -100])
    wrt = "logits class_weight sample_weight temperature label_smoothing z_loss"
    weight = np.asarray([1.0, 3.0, 5.0, 2.0, 0.0])
    options = {"class_weight": WEIGHT, "sample_weight": weight, **SCALARS}
    value, by = agrees(
        backend, "cross_entropy", LOGITS, labels, wrt=wrt, ignore_index=-100, reduction=reduction, **options
    )
    same(by["logits"][2:], np.zeros((3, 3)))
    same(by["sample_weight"][2:], np.zeros(3))
    if reduction == "none":
        same(value[2:], np.zeros(3))


@pytest.mark.parametrize("ignored", [-100, -1, 0, 1, 255])
def test_any_number_can_be_ignored(backend, ignored):
    """A class index too: then its rows are gone."""
    labels = np.asarray([2, 0, ignored, ignored, 1])
    agrees(backend, "cross_entropy", LOGITS, labels, wrt="logits", ignore_index=ignored)


def test_without_ignored_rows_nothing_changes(backend):
    labels = np.asarray([2, 0])
    expected, by = calculate(backend, "cross_entropy", LOGITS[:2], labels, wrt="logits")
    value, found = agrees(backend, "cross_entropy", LOGITS[:2], labels, wrt="logits", ignore_index=-100)
    same(value, expected)
    same(found["logits"], by["logits"])


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("kind", ["integer", "soft", "sparse"])
def test_rows_of_weight_zero(backend, kind, reduction):
    """0 in the value and in the derivatives by logits, labels and class weights: NaN, -inf and bad labels too."""
    labels = {
        "integer": np.asarray([2, 0, 1, -1, 7]),
        "soft": np.asarray([[0.5, 0.5, 0.0], [1.0, 0, 0], [nan, 0, 0], [0, inf, 0], [nan, nan, nan]]),
        "sparse": np.asarray([[2, 0], [0, 1], [5, -1], [0, 1], [1, 1]]),
    }[kind]
    options = {"class_weight": WEIGHT, "sample_weight": np.asarray([0.5, 2.0, 0.0, 0.0, 0.0])}
    wrt = "logits class_weight sample_weight"
    if kind == "soft":
        wrt += " labels"
    if kind == "sparse":
        wrt += " label_probs"
        options["label_probs"] = np.asarray([[0.5, 0.5], [1.0, 0.0], [0.5, 0.5], [nan, 1.0], [inf, nan]])
    value, by = agrees(backend, "cross_entropy", LOGITS, labels, wrt=wrt, reduction=reduction, **options)
    for n in wrt.split():
        if n not in ("class_weight", "sample_weight"):
            same(by[n][2:], np.zeros_like(by[n][2:]))
    same(by["sample_weight"][2:], np.zeros(3))
    if reduction == "none":
        same(value[2:], np.zeros(3))


def test_derivative_by_a_weight_of_zero(backend):
    """The row's loss where finite: people learn weights from 0."""
    logits, labels = np.zeros((3, 2)), np.asarray([0, 1, 0])
    weight = np.asarray([0.0, 0.0, 1.0])
    options = {"wrt": "sample_weight logits", "sample_weight": weight}
    value, by = agrees(backend, "cross_entropy", logits, labels, reduction="sum", **options)
    np.testing.assert_allclose(value, np.log(2), rtol=1e-15)
    np.testing.assert_allclose(by["sample_weight"], [np.log(2)] * 3, rtol=1e-15)
    same(by["logits"][:2], np.zeros((2, 2)))
    # in a mean: (l_i - mean) / 1, with a second sort of row
    logits[0, 0] = 1.0
    _, by = agrees(backend, "cross_entropy", logits, labels, **options)
    np.testing.assert_allclose(
        by["sample_weight"], [np.log1p(np.exp(-1)) - np.log(2), 0.0, 0.0], rtol=1e-14, atol=1e-16
    )


def test_infinite_loss_of_weight_zero(backend):
    """Its derivative by the weight is 0, through the denominator of a mean too."""
    labels = np.asarray([2, 1])
    for reduction in REDUCTIONS:
        _, by = agrees(
            backend,
            "cross_entropy",
            LOGITS[[0, 4]],
            labels,
            wrt="sample_weight logits",
            sample_weight=np.asarray([2.0, 0.0]),
            reduction=reduction,
        )
        same(by["sample_weight"][1:], [0.0])


@pytest.mark.parametrize("check_labels", ["auto", "raise", "nan"])
def test_padding_is_never_checked(backend, check_labels):
    """Label -1 with weight 0, and ignored rows, under every policy."""
    labels = np.asarray([2, 0, -1, 3, 100])
    value, by = agrees(
        backend,
        "cross_entropy",
        LOGITS,
        labels,
        wrt="logits",
        sample_weight=np.asarray([1.0, 1.0, 0.0, 0.0, 1.0]),
        ignore_index=100,
        check_labels=check_labels,
    )
    expected, _ = calculate(backend, "cross_entropy", LOGITS[:2], labels[:2])
    np.testing.assert_allclose(value, expected, rtol=1e-15)
    same(by["logits"][2:], np.zeros((3, 3)))


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_weights_broadcast_to_the_rows(backend, reduction):
    """0-d, and size 1 along an axis; a zero of them takes out all of its rows."""
    logits = np.concatenate([LOGITS[None, :2], LOGITS[None, 2:4]])
    labels = np.asarray([[2, 0], [5, -1]])
    for weight in (np.asarray([[2.0], [0.0]]), np.asarray([[2.0, 0.5], [0.0, 0.0]])):
        agrees(
            backend,
            "cross_entropy",
            logits,
            labels,
            wrt="logits sample_weight",
            sample_weight=weight,
            reduction=reduction,
        )
    for weight in (np.asarray(2.0), np.asarray([[2.0, 0.0]])):
        agrees(
            backend,
            "cross_entropy",
            logits[:1],
            labels[:1],
            wrt="logits sample_weight",
            sample_weight=weight,
            reduction=reduction,
        )


def test_one_weight_of_zero_for_all_rows(backend):
    """0-d and 0: a mean over nothing."""
    value, by = agrees(
        backend,
        "cross_entropy",
        LOGITS,
        np.asarray([2, 0, 1, -1, 7]),
        wrt="logits sample_weight",
        sample_weight=np.asarray(0.0),
    )
    same(value, 0.0)
    same(by["logits"], np.zeros((5, 3)))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64", "bool"])
def test_integer_and_boolean_weights(backend, dtype):
    labels, weight = np.asarray([2, 0, 1]), np.asarray([1, 1, 0]).astype(dtype)
    x = [put(backend, LOGITS[:3]), put(backend, labels)]
    value = xentropy.cross_entropy(*x, sample_weight=put(backend, weight))
    expected, _ = calculate(backend, "cross_entropy", LOGITS[:2], labels[:2])
    np.testing.assert_allclose(backend.to_numpy(value), expected, rtol=1e-15)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_nan_weights_give_nan(backend, reduction):
    """And the row of a NaN weight is the only one that is spoilt."""
    value, _ = calculate(
        backend,
        "cross_entropy",
        LOGITS[:2],
        np.asarray([2, 0]),
        sample_weight=np.asarray([nan, 1.0]),
        reduction=reduction,
    )
    assert np.isnan(value).tolist() == ([True, False] if reduction == "none" else True)
    value, _ = calculate(
        backend,
        "cross_entropy",
        LOGITS[:2],
        np.asarray([2, 0]),
        class_weight=np.asarray([1.0, 1.0, nan]),
        reduction=reduction,
    )
    assert np.isnan(value).tolist() == ([True, False] if reduction == "none" else True)


@pytest.mark.parametrize("kind", ["integer", "soft", "sparse"])
def test_zeros_are_positive(backend, kind):
    """Value and gradients of removed rows and of removed classes are +0.0, and not -0.0."""
    labels = {"integer": np.asarray([2, 0, 1, -1, 2]), "soft": np.eye(3)[[2, 0, 1, 0, 2]]}
    labels["sparse"] = labels["integer"][:, None]
    options = {"label_probs": np.ones((5, 1))} if kind == "sparse" else {}
    options["sample_weight"] = np.asarray([0.5, 2.0, 0.0, 0.0, 0.0])
    if kind != "soft":
        options["ignore_index"] = 2
    options["where"] = np.asarray([[True, False, True]] + [[True] * 3] * 4)
    wrt = "logits class_weight sample_weight" + {"soft": " labels", "sparse": " label_probs"}.get(kind, "")
    for reduction in REDUCTIONS:
        options.update(class_weight=WEIGHT, reduction=reduction)
        value, by = calculate(backend, "cross_entropy", LOGITS, labels[kind], wrt=wrt, **options)
        no_negative_zeros(value, reduction)
        for n in wrt.split():
            no_negative_zeros(by[n], f"{reduction}, by {n}")
