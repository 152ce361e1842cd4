"""Rule 7: none, sum and mean, their denominators, and means over nothing. Rule 14: invariance."""

from __future__ import annotations

import numpy as np
import pytest
from test_semantics_compare import agrees, calculate, put, same

import xentropy

inf, nan = float("inf"), float("nan")
REDUCTIONS = ("none", "sum", "mean")
LOGITS = np.asarray([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0], [4.0, 0.0, 1.0]])
INTEGER = np.asarray([2, 0, 1])
SOFT = np.asarray([[0.5, 0.25, 0.5], [1.0, 0.0, 0.0], [0.25, -0.5, 1.5]])
CLASS_WEIGHT, SAMPLE_WEIGHT = np.asarray([0.5, 2.0, 4.0]), np.asarray([0.25, 3.0, 1.0])


def test_reductions_by_hand(backend):
    """sw_i l_i; their sum; and the sum over sum sw_i c_i with c_i the class weight of the label."""
    rows = np.log(np.exp(LOGITS).sum(axis=1)) - LOGITS[[0, 1, 2], INTEGER]
    weighted = rows * CLASS_WEIGHT[INTEGER] * SAMPLE_WEIGHT
    expected = {
        "none": weighted,
        "sum": weighted.sum(),
        "mean": weighted.sum() / (SAMPLE_WEIGHT * CLASS_WEIGHT[INTEGER]).sum(),
    }
    for reduction in REDUCTIONS:
        value, _ = calculate(
            backend,
            "cross_entropy",
            LOGITS,
            INTEGER,
            class_weight=CLASS_WEIGHT,
            sample_weight=SAMPLE_WEIGHT,
            reduction=reduction,
        )
        np.testing.assert_allclose(value, expected[reduction], rtol=1e-13)


@pytest.mark.parametrize("weights", ["", "class", "sample", "class sample"])
@pytest.mark.parametrize("kind", ["integer", "soft", "sparse"])
def test_means(backend, kind, weights):
    """The denominator moves with the weights always, and with the labels through class weights."""
    wrt, options, labels = "logits", {}, INTEGER
    if kind == "soft":
        wrt, labels = wrt + " labels", SOFT
    if kind == "sparse":
        wrt, labels = wrt + " label_probs", np.asarray([[2, 2], [0, 1], [1, 0]])
        options["label_probs"] = np.asarray([[0.5, 0.25], [1.0, -0.5], [0.0, 1.0]])
    if "class" in weights:
        wrt, options = wrt + " class_weight", {**options, "class_weight": CLASS_WEIGHT}
    if "sample" in weights:
        wrt, options = wrt + " sample_weight", {**options, "sample_weight": SAMPLE_WEIGHT}
    agrees(backend, "cross_entropy", LOGITS, labels, wrt=wrt, label_smoothing=0.25, z_loss=0.5, **options)


@pytest.mark.parametrize("kind", ["integer", "soft"])
def test_normalizer(backend, kind):
    """It replaces the denominator: two micro-batches add up to the whole."""
    labels = INTEGER if kind == "integer" else SOFT
    options = {"class_weight": CLASS_WEIGHT, "sample_weight": SAMPLE_WEIGHT, "normalizer": np.asarray(3.5)}
    wrt = "logits normalizer class_weight sample_weight" + (" labels" if kind == "soft" else "")
    whole, by = agrees(backend, "cross_entropy", LOGITS, labels, wrt=wrt, **options)
    parts = []
    for part in (slice(0, 1), slice(1, 3)):
        options["sample_weight"] = SAMPLE_WEIGHT[part]
        parts.append(calculate(backend, "cross_entropy", LOGITS[part], labels[part], wrt="logits", **options))
    np.testing.assert_allclose(parts[0][0] + parts[1][0], whole, rtol=1e-14)
    joined = np.concatenate([parts[0][1]["logits"], parts[1][1]["logits"]])
    np.testing.assert_allclose(joined, by["logits"], rtol=1e-14)
    options.update(sample_weight=SAMPLE_WEIGHT, normalizer=3.5)
    np.testing.assert_allclose(calculate(backend, "cross_entropy", LOGITS, labels, **options)[0], whole)


NOTHING = {
    "no rows": (LOGITS[:0], INTEGER[:0], {}),
    "all ignored": (LOGITS * nan, INTEGER * 0 - 1, {"ignore_index": -1}),
    "all of weight 0": (LOGITS, INTEGER, {"sample_weight": np.zeros(3)}),
    "weights that cancel": (LOGITS[:2], INTEGER[:2], {"sample_weight": np.asarray([1.0, -1.0])}),
    "class weights of 0": (LOGITS, INTEGER, {"class_weight": np.zeros(3)}),
    "normalizer 0": (LOGITS, INTEGER, {"normalizer": np.asarray(0.0)}),
    "infinite loss over 0": (np.asarray([[0.0, -inf]]), np.asarray([1]), {"normalizer": np.asarray(0.0)}),
}


@pytest.mark.parametrize("case", NOTHING)
def test_mean_over_nothing(backend, case):
    """0 with gradient 0, by whatever argument but a weight that was 0."""
    logits, labels, options = NOTHING[case]
    wrt = " ".join(["logits", *(n for n in options if n not in ("ignore_index",))])
    value, by = agrees(backend, "cross_entropy", logits, labels, wrt=wrt, **options)
    same(value, 0.0)
    for gradient in by.values():
        same(gradient, np.zeros(gradient.shape))


def test_nan_over_nothing_is_nan(backend):
    """A denominator of 0 with a NaN in the numerator."""
    logits = np.asarray([[1.0, 2.0, nan], [0.0, 1.0, 2.0]])
    value, by = agrees(backend, "cross_entropy", logits, INTEGER[:2], wrt="logits", normalizer=0.0)
    assert np.isnan(value)
    assert np.isnan(by["logits"]).all(axis=1).tolist() == [True, False]
    same(by["logits"][1], np.zeros(3))


def test_bad_rows_in_a_denominator(backend):
    """They count 0 with class weights, 1 without; never do they reach the gradients of other rows."""
    labels = np.asarray([2, 0, 9])
    for options in ({}, {"class_weight": CLASS_WEIGHT}):
        value, by = agrees(backend, "cross_entropy", LOGITS, labels, wrt="logits", check_labels="nan", **options)
        assert np.isnan(value)
        assert np.isnan(by["logits"]).tolist() == [[False] * 3, [False] * 3, [True] * 3]
        count = 1 / 3 if not options else CLASS_WEIGHT[2] / (CLASS_WEIGHT[2] + CLASS_WEIGHT[0])
        p = np.exp(LOGITS[0]) / np.exp(LOGITS[0]).sum()
        np.testing.assert_allclose(by["logits"][0], (p - [0, 0, 1]) * count, rtol=1e-13)


@pytest.mark.parametrize("spoilt", ["logit", "label"])
def test_a_nan_row_spoils_no_other_derivative(backend, spoilt):
    """Through the denominator of a mean too: by the weights and the labels of the other rows."""
    logits, labels = LOGITS.copy(), SOFT.copy()
    (logits if spoilt == "logit" else labels)[2, 1] = nan
    options = {"class_weight": CLASS_WEIGHT, "sample_weight": SAMPLE_WEIGHT, "check_labels": "nan"}
    value, by = calculate(backend, "cross_entropy", logits, labels, wrt="logits labels sample_weight", **options)
    assert np.isnan(value)
    assert np.isnan(by["logits"]).all(axis=1).tolist() == [False, False, True]
    for gradient in by.values():
        assert np.isfinite(gradient[:2]).all()


@pytest.mark.parametrize("name", ["focal_loss", "nll_loss", "entropy", "kl_divergence", "js_divergence"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_other_losses_reduce_alike(backend, name, reduction):
    args = {
        "focal_loss": (LOGITS, INTEGER),
        "nll_loss": (-abs(LOGITS), INTEGER),
        "entropy": (LOGITS,),
        "kl_divergence": (-abs(LOGITS), abs(SOFT)),
        "js_divergence": (-abs(LOGITS), -1 - abs(SOFT)),
    }[name]
    first = {"nll_loss": "log_probs", "kl_divergence": "log_q p", "js_divergence": "log_p log_q"}
    wrt = first.get(name, "logits") + " sample_weight"
    for weight in (SAMPLE_WEIGHT, np.asarray([0.0, 2.0, 0.0])):
        agrees(backend, name, *args, wrt=wrt, sample_weight=weight, reduction=reduction)


# 14. invariance


def test_a_constant_changes_nothing(backend):
    """An exact shift of a row: the same bits. One that rounds the logits: what the rounding does."""
    labels = np.asarray([0, 1, 2])
    logits = np.asarray([[1.0, 2.5, 0.25], [0.0, -40.0, 3.0], [4.0, 0.0, -inf]])
    labels[2] = 1
    options = {"reduction": "none", "label_smoothing": 0.25}
    expected, by = calculate(backend, "cross_entropy", logits, labels, wrt="logits", **options)
    for shift in (2.0, -64.0, 1024.0):
        value, found = calculate(backend, "cross_entropy", logits + shift, labels, wrt="logits", **options)
        same(value, expected)
        same(found["logits"], by["logits"])
    agrees(backend, "cross_entropy", logits + 1e10, labels, wrt="logits", dtype="float32", **options)


@pytest.mark.backends("numpy")
def test_rows_do_not_know_each_other(backend):
    """`none` is bitwise the same for a row alone and in any company, of more classes than are turned."""
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(0, 5, (64, 300)), rng.integers(0, 300, 64)
    whole, by = calculate(backend, "cross_entropy", logits, labels, wrt="logits", reduction="none")
    for i in (0, 17, 63):
        one = slice(i, i + 1)
        value, found = calculate(backend, "cross_entropy", logits[one], labels[one], wrt="logits", reduction="none")
        same(value, whole[one])
        same(found["logits"], by["logits"][one])
    for stacked in (logits.reshape(4, 16, 300), logits.reshape(16, 4, 300)):
        value, _ = calculate(backend, "cross_entropy", stacked, labels.reshape(stacked.shape[:2]), reduction="none")
        same(value.reshape(-1), whole)


def test_permutations(backend):
    """Classes and rows in another order: to 4 ulp."""
    order, rows = [2, 0, 1], [1, 2, 0]
    value, by = calculate(backend, "cross_entropy", LOGITS, SOFT, wrt="logits", reduction="none")
    moved = LOGITS[rows][:, order], SOFT[rows][:, order]
    found, by_moved = calculate(backend, "cross_entropy", *moved, wrt="logits", reduction="none")
    np.testing.assert_allclose(found, value[rows], rtol=1e-15)
    np.testing.assert_allclose(by_moved["logits"], by["logits"][rows][:, order], rtol=1e-14, atol=1e-16)


def test_sums_of_many_rows(backend):
    """A sum in one tree: 40000 equal losses in float32 lose no more than a few ulp."""
    logits, labels = np.zeros((40000, 2)), np.zeros(40000, np.int64)
    x = put(backend, logits.astype("float32")), put(backend, labels)
    for reduction, expected in (("sum", 40000 * np.log(2)), ("mean", np.log(2))):
        value = float(backend.to_numpy(xentropy.cross_entropy(*x, reduction=reduction)))
        assert abs(value / expected - 1) < 4 * 2.0**-23
