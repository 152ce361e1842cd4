"""Rule 4, its table cell by cell: rows in which no class is allowed. And rule 15: nothing at all."""

from __future__ import annotations

import numpy as np
import pytest
from test_semantics_compare import agrees, calculate, put, same

import xentropy

inf, nan = float("inf"), float("nan")

# name: logits, where, softmax, log_softmax, the gradient of a NaN row
ROWS = {
    "all where=False": ([1.0, nan, inf], [False] * 3, [0.0] * 3, [-inf] * 3, [0.0] * 3),
    "all -inf": ([-inf] * 3, [True] * 3, [nan] * 3, [nan] * 3, [nan] * 3),
    "some of each": ([-inf, 5.0, -inf], [True, False, True], [nan, 0.0, nan], [nan, -inf, nan], [nan, 0.0, nan]),
    "where=False and -inf": ([-inf, -inf, nan], [False] * 3, [0.0] * 3, [-inf] * 3, [0.0] * 3),
}
VOID = ["all where=False", "where=False and -inf"]
NOT_VOID = ["all -inf", "some of each"]


def row_of(name):
    logits, where, *expected = ROWS[name]
    return np.asarray([logits]), np.asarray([where]), *([x] for x in expected)


@pytest.mark.parametrize("name", ROWS)
def test_normalizers(backend, name):
    logits, where, softmax, log_softmax, _ = row_of(name)
    value, by = calculate(backend, "logsumexp", logits, wrt="x", where=where)
    same(value, [-inf])
    same(by["x"], [[0.0] * 3])
    value, by = agrees(backend, "softmax", logits, wrt="x", where=where)
    same(value, softmax)
    value, by = agrees(backend, "log_softmax", logits, wrt="x", where=where)
    same(value, log_softmax)


@pytest.mark.parametrize("name", ROWS)
def test_lse(backend, name):
    """The lse column, as `return_lse` gives it, and its gradient."""
    logits, where, *_ = row_of(name)
    x, mask = put(backend, logits), put(backend, where)

    def lse(x, labels):
        return xentropy.cross_entropy(x, labels, where=mask, z_loss=0.5, return_lse=True, reduction="none")[1]

    for labels in (put(backend, np.asarray([1])), put(backend, np.zeros((1, 3)))):
        value, gradient = xentropy.value_and_grad(lse)(x, labels)
        same(backend.to_numpy(value), [-inf])
        same(backend.to_numpy(gradient), [[0.0] * 3])


@pytest.mark.parametrize("reduction", ["none", "mean"])
@pytest.mark.parametrize("name", VOID)
def test_loss_of_a_row_without_classes(backend, name, reduction):
    """0 if t = 0, else +inf; its gradient and the z term are 0."""
    logits, where, *_ = row_of(name)
    shape = (1,) if reduction == "none" else ()
    z_loss, zero = np.asarray(0.5), [[0.0] * 3]
    options = {"where": where, "reduction": reduction, "z_loss": z_loss}
    value, by = agrees(backend, "cross_entropy", logits, np.zeros((1, 3)), wrt="logits labels z_loss", **options)
    same(value, np.zeros(shape))
    same(by["logits"], zero)
    same(by["labels"], zero)
    same(by["z_loss"], 0.0)
    weight = {"class_weight": np.zeros(3)}
    same(agrees(backend, "cross_entropy", logits, np.asarray([1]), **weight, **options)[0], np.zeros(shape))
    for labels in (np.asarray([1]), np.asarray([[0.5, 0.0, 0.25]])):
        value, by = agrees(backend, "cross_entropy", logits, labels, wrt="logits z_loss", **options)
        same(value, np.full(shape, inf))
        same(by["logits"], zero)
        same(by["z_loss"], 0.0)
    sparse = {"label_probs": np.asarray([[0.5, 0.0]])}
    value, by = agrees(backend, "cross_entropy", logits, np.asarray([[1, 0]]), wrt="logits", **sparse, **options)
    same(value, np.full(shape, inf))
    same(by["logits"], zero)


@pytest.mark.parametrize("reduction", ["none", "mean"])
@pytest.mark.parametrize("name", NOT_VOID)
def test_loss_of_a_row_of_minus_infinities(backend, name, reduction):
    """NaN, with and without a target; the gradient is 0 at `where=False` and the z term NaN."""
    logits, where, _, _, gradient = row_of(name)
    shape = (1,) if reduction == "none" else ()
    options = {"where": where, "reduction": reduction}
    for labels in (np.zeros((1, 3)), np.asarray([[0.5, 0.0, 0.5]]), np.asarray([0])):
        for z_loss in (np.asarray(0.0), np.asarray(0.5)):
            value, by = calculate(
                backend, "cross_entropy", logits, labels, wrt="logits z_loss", z_loss=z_loss, **options
            )
            same(value, np.full(shape, nan))
            same(by["logits"], gradient)
            assert np.isnan(by["z_loss"])


def test_a_row_of_minus_infinities_without_a_mask(backend):
    """The same where no `where` is given: NaN in this row only, and its log-sum-exp is -inf."""
    logits = np.asarray([[1.0, 2.0, 0.5], [-inf, -inf, -inf]])
    for labels in (np.asarray([1, 0]), np.asarray([[0.5, 0.5, 0.0], [0.0, 0.0, 0.0]])):
        value, by = agrees(backend, "cross_entropy", logits, labels, wrt="logits", reduction="none")
        assert np.isnan(value).tolist() == [False, True]
        assert np.isnan(by["logits"]).tolist() == [[False] * 3, [True] * 3]
    for name in ("softmax", "log_softmax"):
        value, _ = agrees(backend, name, logits, wrt="x")
        assert np.isnan(value).tolist() == [[False] * 3, [True] * 3]
    value, by = agrees(backend, "logsumexp", logits, wrt="x")
    same(value[1:], [-inf])
    same(by["x"][1], [0.0] * 3)
    assert np.isnan(calculate(backend, "entropy", logits)[0])


@pytest.mark.parametrize("name", ["cross_entropy", "focal_loss"])
def test_an_empty_row_among_others(backend, name):
    """The other rows and their gradients are as if it were alone."""
    logits = np.asarray([[1.0, 2.0, 0.5], [nan, 1.0, -inf], [0.0, 0.0, 3.0], [-inf, 1.0, -inf]])
    where = np.asarray([[True] * 3, [False] * 3, [True, True, False], [True, False, True]])
    options = {"where": where, "reduction": "none", "temperature": np.asarray([0.5, 2.0, 1.0, 1.0])}
    labels = np.asarray([[0.5, 0.5, 0.0], [0.0] * 3, [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    agrees(backend, name, logits, labels, wrt="logits labels", **options)
    agrees(backend, name, logits, np.asarray([1, 0, 0, 0]), wrt="logits temperature", **options)
    agrees(backend, name, logits[:3], labels[:3], wrt="logits", label_smoothing=0.5, where=where[:3])


def test_smoothing_without_classes(backend):
    """Rule 8: nothing is added if K = 0."""
    where = np.asarray([[False] * 3, [True] * 3])
    logits, labels = np.asarray([[1.0, 2.0, 0.5]] * 2), np.asarray([[0.0] * 3, [0.25, 0.25, 0.5]])
    value, _ = agrees(
        backend, "cross_entropy", logits, labels, wrt="logits", where=where, label_smoothing=0.5, reduction="none"
    )
    same(value[:1], [0.0])


# 15. nothing at all


@pytest.mark.parametrize("shape", [(0, 3), (0, 2, 3), (2, 0, 3)])
def test_no_rows(backend, shape):
    """Zero rows: `none` is empty, `sum` and `mean` are 0 with empty gradients; other derivatives are 0."""
    logits, integer = np.zeros(shape), np.zeros(shape[:-1], np.int64)
    weight, z_loss = np.asarray([1.0, 2.0, 3.0]), np.asarray(0.5)
    for labels in (integer, np.zeros(shape)):
        for reduction in ("none", "sum", "mean"):
            value, by = agrees(
                backend,
                "cross_entropy",
                logits,
                labels,
                wrt="logits class_weight z_loss",
                class_weight=weight,
                z_loss=z_loss,
                reduction=reduction,
            )
            same(value, np.zeros(shape[:-1] if reduction == "none" else ()))
            same(by["class_weight"], [0.0] * 3)
            same(by["z_loss"], 0.0)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_no_elements_of_other_losses(backend, reduction):
    empty = np.zeros((0, 3))
    expected = {"reduction": reduction, "wrt": "logits"}
    agrees(backend, "binary_cross_entropy_with_logits", empty, empty, **expected)
    agrees(backend, "sigmoid_focal_loss", empty, empty, **expected)
    agrees(backend, "entropy", empty, **expected)
    agrees(backend, "kl_divergence", empty, empty, reduction=reduction, wrt="log_q p")
    agrees(backend, "nll_loss", empty, np.zeros(0, np.int64), reduction=reduction, wrt="log_probs")


def test_no_classes(backend):
    """Zero classes: `logsumexp` is -inf, softmax is empty, the loss 0: its target is."""
    none = np.zeros((2, 0))
    value, by = agrees(backend, "logsumexp", none, wrt="x")
    same(value, [-inf, -inf])
    for name in ("softmax", "log_softmax"):
        agrees(backend, name, none, wrt="x")
    value, by = agrees(backend, "cross_entropy", none, none, wrt="logits", reduction="none")
    same(value, [0.0, 0.0])
    assert by["logits"].shape == (2, 0)


def test_no_classes_and_an_index(backend):
    """No index is in range: an error where it is seen, NaN where it is asked for."""
    logits, labels = put(backend, np.zeros((2, 0))), put(backend, np.zeros(2, np.int64))
    with pytest.raises(ValueError, match=r"labels\[0\] is 0, outside \[0, 0\)"):
        xentropy.cross_entropy(logits, labels)
    value = xentropy.cross_entropy(logits, labels, check_labels="nan", reduction="none")
    assert np.isnan(backend.to_numpy(value)).all()
