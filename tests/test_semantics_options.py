"""Rules 11 and 12: softcap, temperature, mask, in that order; the z-loss and the log-sum-exp that it squares."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
from test_semantics_compare import agrees, calculate, is_close, put, same

import xentropy

inf, nan = float("inf"), float("nan")
LOGITS = np.asarray([[1.0, 2.0, 0.5, -inf], [0.0, -1.0, 3.0, 8.0], [9.0, 0.0, 1.0, 2.0]])
LABELS = np.asarray([2, 0, 3])
SOFT = np.asarray([[0.5, 0.25, 0.25, 0.0], [0.0, 0.0, 1.0, 0.5], [0.25, 0.25, 0.25, 0.25]])
WHERE = np.asarray([[True] * 4, [True, True, True, False], [False, True, True, True]])


# 11. order


@pytest.mark.parametrize("temperature", [np.asarray(0.5), np.asarray([0.25, 1.0, 8.0]), np.asarray([2.0])])
def test_temperature(backend, temperature):
    """A number or an array that broadcasts to the rows; learned, so differentiated."""
    for labels in (LABELS, SOFT):
        agrees(
            backend,
            "cross_entropy",
            LOGITS,
            labels,
            wrt="logits temperature",
            temperature=temperature,
            label_smoothing=0.125,
            z_loss=0.25,
        )
    agrees(backend, "entropy", LOGITS, wrt="logits temperature", temperature=temperature)
    for name in ("softmax", "log_softmax"):
        agrees(backend, name, LOGITS, wrt="x temperature", temperature=temperature)


def test_large_logits_over_a_small_temperature(backend):
    """(x_j - x_a) / T keeps the digits that x_j / T loses."""
    logits = np.asarray([[10001.0, 10000.5, 9999.75], [-30000.0, -30001.5, -30000.25]])
    for dtype in ("float32", "float64"):
        agrees(backend, "cross_entropy", logits, np.asarray([1, 0]), wrt="logits", dtype=dtype, temperature=0.7)


@pytest.mark.parametrize("softcap", [np.asarray(1.0), np.asarray(30.0)])
def test_softcap(backend, softcap):
    """c tanh(x / c), before the temperature; its derivative keeps digits far out."""
    logits = np.where(LOGITS == 8.0, 10.0 * float(softcap), LOGITS)
    for labels in (LABELS, SOFT):
        agrees(
            backend,
            "cross_entropy",
            logits,
            labels,
            wrt="logits softcap temperature",
            softcap=softcap,
            temperature=np.asarray(0.25),
        )


def test_softcap_comes_before_temperature(backend):
    """By hand, at values where the other order differs."""
    logits, labels = np.asarray([[3.0, -1.0, 0.5]]), np.asarray([0])
    u = 2.0 * np.tanh(logits[0] / 2.0) / 0.25
    expected = np.log(np.exp(u).sum()) - u[0]
    value, _ = calculate(backend, "cross_entropy", logits, labels, softcap=2.0, temperature=0.25)
    np.testing.assert_allclose(value, expected, rtol=1e-12)


def test_a_mask_is_never_undone(backend):
    """-inf stays -inf under a softcap, NaN and +inf stay what they are, and a mask hides before and after."""
    logits = np.asarray([[1.0, -inf, 2.0], [1.0, nan, 2.0], [1.0, inf, 2.0]])
    labels = np.asarray([[0.5, 0.0, 0.5]] * 3)
    options = {"softcap": np.asarray(2.0), "reduction": "none", "wrt": "logits softcap"}
    value, by = agrees(backend, "cross_entropy", logits[:1], labels[:1], **options)
    same(by["logits"][:, 1], [0.0])
    value, _ = calculate(backend, "cross_entropy", logits, labels, softcap=2.0, reduction="none")
    assert np.isnan(value).tolist() == [False, True, True]
    where = np.asarray([[True, False, True]] * 3)
    value, by = agrees(backend, "cross_entropy", logits, labels, where=where, **options)
    assert np.isfinite(value).all()
    same(by["logits"][:, 1], [0.0] * 3)


@pytest.mark.parametrize("name", ["temperature", "softcap"])
@pytest.mark.parametrize("value", [0.0, -1.0, nan])
def test_options_out_of_range(backend, name, value):
    x, y = put(backend, LOGITS), put(backend, LABELS)
    for given in (value, put(backend, np.asarray(value))):
        with pytest.raises(ValueError, match=rf"{name}.* {value}.*\(0, inf\)"):
            xentropy.cross_entropy(x, y, **{name: given})


# 12. z-loss and lse


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_z_loss(backend, reduction):
    """z lse^2 a row, weighted by sample weights alone; denominators do not change."""
    options = {
        "class_weight": np.asarray([0.5, 2.0, 4.0, 0.25]),
        "sample_weight": np.asarray([0.5, 3.0, 1.0]),
        "reduction": reduction,
    }
    with_z, _ = agrees(
        backend,
        "cross_entropy",
        LOGITS,
        LABELS,
        wrt="logits z_loss sample_weight class_weight temperature softcap",
        z_loss=np.asarray(0.5),
        temperature=np.asarray([0.5, 1.0, 2.0]),
        softcap=np.asarray(4.0),
        **options,
    )
    plain, _ = calculate(
        backend,
        "cross_entropy",
        LOGITS,
        LABELS,
        temperature=np.asarray([0.5, 1.0, 2.0]),
        softcap=4.0,
        **options,
    )
    u = 4.0 * np.tanh(LOGITS / 4.0) / [[0.5], [1.0], [2.0]]
    u[LOGITS == -inf] = -inf
    extra = 0.5 * np.log(np.exp(u).sum(axis=1)) ** 2 * options["sample_weight"]
    below = (options["sample_weight"] * options["class_weight"][LABELS]).sum()
    expected = {"none": extra, "sum": extra.sum(), "mean": extra.sum() / below}[reduction]
    np.testing.assert_allclose(with_z - plain, expected, rtol=1e-12)


def test_z_loss_of_large_logits(backend):
    """The one thing that sees a constant shift."""
    agrees(backend, "cross_entropy", LOGITS + 1e4, LABELS, wrt="logits z_loss", z_loss=np.asarray(1e-4))


def lse_and_gradient(backend, x, *args, **options):
    def lse(x):
        return xentropy.cross_entropy(x, *args, return_lse=True, **options)[1]

    value, gradient = xentropy.value_and_grad(lse)(x)
    return backend.to_numpy(value), backend.to_numpy(gradient)


def test_lse_ignores_labels_and_weights(backend):
    """Raw and differentiable in every row, whatever the loss makes of it."""
    x, y = put(backend, LOGITS), put(backend, np.asarray([-100, 0, 3]))
    options = {
        "ignore_index": -100,
        "sample_weight": put(backend, np.asarray([1.0, 0.0, 2.0])),
        "class_weight": put(backend, np.asarray([0.0, 0.0, 1.0, 0.0])),
        "where": put(backend, WHERE),
        "z_loss": 0.5,
    }
    for reduction in ("none", "mean"):
        value, gradient = lse_and_gradient(backend, x, y, reduction=reduction, **options)
        is_close(value, oracle.logsumexp(LOGITS, where=WHERE), "lse")
        is_close(gradient, oracle.gradient("logsumexp", "x", LOGITS, where=WHERE)["x"], "gradient of lse")
    value, gradient = lse_and_gradient(backend, x, put(backend, np.asarray([77, -1, 0])), check_labels="nan")
    is_close(value, oracle.logsumexp(LOGITS), "lse of bad rows")
    is_close(gradient, oracle.gradient("logsumexp", "x", LOGITS)["x"], "gradient of lse of bad rows")


def test_lse_is_of_the_final_logits(backend):
    x, y = put(backend, LOGITS[1:]), put(backend, LABELS[1:])
    value, gradient = lse_and_gradient(backend, x, y, softcap=4.0, temperature=0.5)
    capped = 4.0 * np.tanh(LOGITS[1:] / 4.0)
    p = np.exp(capped / 0.5) / np.exp(capped / 0.5).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(value, np.log(np.exp(capped / 0.5).sum(axis=1)), rtol=1e-14)
    np.testing.assert_allclose(gradient, p / np.cosh(LOGITS[1:] / 4.0) ** 2 / 0.5, rtol=1e-12)


@pytest.mark.parametrize("spoilt", [nan, inf, -inf])
def test_an_unused_lse_does_not_reach_the_loss(backend, spoilt):
    """A removed row whose lse is not finite: the loss and its gradient are those without it."""
    logits = np.asarray([[1.0, 2.0, 0.0], [spoilt] * 3])
    x, y = put(backend, logits), put(backend, np.asarray([1, -100]))
    function = xentropy.value_and_grad(xentropy.cross_entropy)
    (loss, lse), gradient = function(x, y, ignore_index=-100, return_lse=True, z_loss=0.5)
    expected, by = calculate(backend, "cross_entropy", logits[:1], np.asarray([1]), wrt="logits", z_loss=0.5)
    np.testing.assert_allclose(backend.to_numpy(loss), expected, rtol=1e-15)
    np.testing.assert_allclose(backend.to_numpy(gradient)[:1], by["logits"], rtol=1e-15)
    same(backend.to_numpy(gradient)[1], np.zeros(3))
    same(backend.to_numpy(lse)[1:], [spoilt])
    weight = put(backend, np.asarray([1.0, 0.0]))
    (loss, lse), gradient = function(x, y, sample_weight=weight, return_lse=True, check_labels="nan")
    assert np.isfinite(backend.to_numpy(loss))
    same(backend.to_numpy(gradient)[1], np.zeros(3))


@pytest.mark.backends(autodiff=True)
def test_loss_and_lse_together(backend):
    """Both are used: the gradients add up."""
    x, y = put(backend, LOGITS), put(backend, LABELS)

    def both(x):
        loss, lse = xentropy.cross_entropy(x, y, return_lse=True, reduction="sum")
        return loss + lse.sum()

    _, gradient = xentropy.value_and_grad(both)(x)
    by_loss = oracle.gradient("cross_entropy", "logits", LOGITS, LABELS, reduction="sum")["logits"]
    by_lse = oracle.gradient("logsumexp", "x", LOGITS)["x"]
    total = oracle.Reference(by_loss.value + by_lse.value, by_loss.scale + by_lse.scale)
    is_close(backend.to_numpy(gradient), total, "gradient of loss + lse")
