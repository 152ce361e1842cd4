"""Entropy, divergences, log-likelihoods and weighted log-sum-exp: special values and their derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from test_semantics_compare import agrees, calculate, put, same

import xentropy

inf, nan = float("inf"), float("nan")
LOG_Q = np.log(np.asarray([[0.5, 0.25, 0.25], [0.125, 0.125, 0.75]]))
P = np.asarray([[0.25, 0.25, 0.5], [0.5, 0.5, 0.0]])
WHERE = np.asarray([[True, False, True], [True, True, True]])


# KL


@pytest.mark.parametrize("log_target", [False, True])
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_kl(backend, reduction, log_target):
    options = {"log_target": log_target, "reduction": reduction, "where": WHERE}
    options["sample_weight"] = np.asarray([0.5, 2.0])
    p = np.log(np.where(P == 0, 1e-9, P)) if log_target else P
    agrees(backend, "kl_divergence", LOG_Q, p, wrt="log_q p sample_weight", **options)


def test_kl_by_hand(backend):
    value, _ = calculate(backend, "kl_divergence", LOG_Q, P, reduction="none")
    np.testing.assert_allclose(value[0], 0.25 * np.log(0.5) + 0.5 * np.log(2), rtol=1e-14)
    np.testing.assert_allclose(value[1], np.log(4), rtol=1e-14)


def test_kl_where_a_probability_is_zero(backend):
    """p = 0 adds 0 whatever log q is; the derivative by p is the limit, -inf, or 0 where log q = -inf too."""
    log_q, p = np.asarray([[0.0, -inf, -1.0]]), np.asarray([[1.0, 0.0, 0.0]])
    value, by = agrees(backend, "kl_divergence", log_q, p, wrt="log_q p", reduction="none")
    same(value, [0.0])
    same(by["p"][:, 1:], [[0.0, -inf]])
    value, _ = calculate(backend, "kl_divergence", np.asarray([[0.0, nan, inf]]), p, reduction="none")
    same(value, [0.0])
    agrees(backend, "kl_divergence", log_q, np.asarray([[0.0, -inf, -inf]]), wrt="log_q p", log_target=True)


def test_kl_of_the_impossible(backend):
    """p > 0 against log q = -inf is +inf, in either form of p."""
    log_q, p = np.asarray([[-inf, 0.0], [-0.5, -1.0]]), np.asarray([[0.5, 0.5], [0.5, 0.5]])
    value, _ = agrees(backend, "kl_divergence", log_q, p, wrt="log_q p", reduction="none")
    same(value[:1], [inf])
    value, _ = agrees(backend, "kl_divergence", log_q, np.log(p), wrt="log_q p", reduction="none", log_target=True)
    same(value[:1], [inf])


@pytest.mark.parametrize("bad", [-0.5, nan, inf])
def test_bad_probabilities_of_kl(backend, bad):
    p = np.asarray([[0.25, 0.25, 0.5], [0.5, bad, 0.0]])
    with pytest.raises(ValueError, match=rf"p\[1, 1\] is {bad}, outside the finite numbers from 0"):
        xentropy.kl_divergence(put(backend, LOG_Q), put(backend, p))
    value, by = calculate(backend, "kl_divergence", LOG_Q, p, wrt="log_q", reduction="none", check_labels="nan")
    assert np.isnan(value).tolist() == [False, True]
    assert np.isnan(by["log_q"]).any(axis=1).tolist() == [False, True]
    weight = np.asarray([1.0, 0.0])
    value, by = calculate(backend, "kl_divergence", LOG_Q, p, wrt="log_q p", sample_weight=weight)
    assert np.isfinite(value)
    same(by["log_q"][1], np.zeros(3))
    same(by["p"][1], np.zeros(3))


# JS


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_js(backend, reduction):
    log_p = np.asarray([[-0.5, -inf, -1.0], [-2.0, -0.25, -inf]])
    log_q = np.asarray([[-1.5, -2.0, -inf], [-0.5, -1.0, -inf]])
    options = {"sample_weight": np.asarray([0.5, 2.0]), "reduction": reduction}
    for more in ({}, {"where": WHERE}):
        agrees(backend, "js_divergence", log_p, log_q, wrt="log_p log_q sample_weight", **options, **more)


def test_js_limits(backend):
    """log 2 for distributions that share nothing, 0 for equal ones."""
    one, other = np.asarray([[0.0, -inf]]), np.asarray([[-inf, 0.0]])
    value, _ = agrees(backend, "js_divergence", one, other, wrt="log_p log_q")
    np.testing.assert_allclose(value, np.log(2), rtol=1e-15)
    value, _ = agrees(backend, "js_divergence", LOG_Q, LOG_Q, wrt="log_p log_q")
    assert abs(value) < 1e-15


# entropy


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_entropy(backend, reduction):
    """Masked classes add 0; the rows of rule 4 are NaN or 0; confident rows keep their digits."""
    logits = np.asarray([[0.0, 0.0, -inf], [0.0, -40.0, -inf], [5.0, -inf, -inf], [1.0, 2.0, 3.0]])
    where = np.asarray([[True] * 3, [True] * 3, [True] * 3, [True, False, True]])
    options = {"temperature": np.asarray([0.5, 1.0, 2.0, 4.0]), "softcap": np.asarray(50.0), "where": where}
    options["sample_weight"] = np.asarray([1.0, 2.0, 3.0, 0.5])
    wrt = "logits temperature softcap sample_weight"
    value, _ = agrees(backend, "entropy", logits, wrt=wrt, reduction=reduction, **options)
    assert (value >= 0).all()


def test_entropy_of_rows_without_classes(backend):
    logits = np.asarray([[1.0, nan], [-inf, -inf], [nan, 1.0], [inf, 1.0]])
    where = np.asarray([[False, False]] + [[True, True]] * 3)
    value, by = calculate(backend, "entropy", logits, wrt="logits", where=where, reduction="none")
    same(value, [0.0, nan, nan, nan])
    same(by["logits"][0], [0.0, 0.0])
    assert np.isnan(by["logits"][1:]).all()


# negative log-likelihood


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_nll_of_special_log_probabilities(backend, reduction):
    """A class of weight 0 is never read; a target on -inf is +inf; masks and removed rows as ever."""
    log_probs = np.asarray([[-1.0, nan, inf], [-inf, -0.5, -1.0], [-2.0, -inf, -0.5], [nan, nan, nan]])
    labels = np.asarray([0, 1, 2, -100])
    options = {"ignore_index": -100, "reduction": reduction}
    value, by = agrees(backend, "nll_loss", log_probs, labels, wrt="log_probs", **options)
    assert np.isfinite(value).all()
    same(by["log_probs"][3], np.zeros(3))
    value, _ = agrees(backend, "nll_loss", log_probs, np.asarray([0, 0, 2, -100]), wrt="log_probs", **options)
    assert (np.atleast_1d(value)[1 if reduction == "none" else 0]) == inf


# log-sum-exp with weights


def test_weighted_logsumexp(backend):
    """b of either sign; b = 0 removes a term whatever x holds there."""
    x = np.asarray([[1.0, nan, 2.0], [-inf, 3.0, inf], [0.0, 1.0, 2.0]])
    b = np.asarray([[0.5, 0.0, 2.0], [1.0, 3.0, 0.0], [0.0, 0.0, 0.0]])
    value, by = agrees(backend, "logsumexp", x, wrt="x", b=b)
    same(value[2:], [-inf])
    same(by["x"][b == 0], np.zeros((b == 0).sum()))
    agrees(backend, "logsumexp", x[:1, ::2], wrt="x b", b=np.asarray([0.5, 2.0]))


def test_signed_logsumexp(backend):
    """Without `return_sign` the logarithm of a negative sum is NaN."""
    x, b = np.asarray([[0.0, 1.0], [1.0, 0.0]]), np.asarray([1.0, -2.0])
    value, sign = xentropy.logsumexp(put(backend, x), b=put(backend, b), return_sign=True)
    same(backend.to_numpy(sign), [-1.0, 1.0])
    expected = np.log([2 * np.e - 1, np.e - 2])
    np.testing.assert_allclose(backend.to_numpy(value), expected, rtol=1e-13)
    value, _ = calculate(backend, "logsumexp", x, b=b)
    assert np.isnan(value).tolist() == [True, False]


def test_xlogy(backend):
    x, y = np.asarray([0.0, 0.0, 2.0, 0.5, 1.0]), np.asarray([0.0, 3.0, 1.0, 0.25, 0.0])
    value, by = agrees(backend, "xlogy", x, y, wrt="x y")
    same(value[[0, 1, 4]], [0.0, 0.0, -inf])
    same(by["y"][:2], [0.0, 0.0])
