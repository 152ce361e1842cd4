"""Labels of every kind: integer = one-hot = sparse, every width and sign, and label smoothing (rule 8)."""

from __future__ import annotations

import numpy as np
import pytest
from backends import INTEGERS
from test_semantics_compare import agrees, calculate, put, same

import xentropy

inf, nan = float("inf"), float("nan")
LOGITS = np.asarray([[1.0, 2.0, 0.5, -3.0], [0.0, -1.0, 3.0, -inf], [9.0, 0.0, 1.0, 2.0]])
LABELS = np.asarray([2, 0, 3])
WHERE = np.asarray([[True, True, True, False], [True] * 4, [True, False, True, True]])
OPTIONS = {
    "plain": {},
    "class weights": {"class_weight": np.asarray([0.5, 2.0, 4.0, 0.25])},
    "sample weights": {"sample_weight": np.asarray([0.5, 0.0, 3.0])},
    "smoothing": {"label_smoothing": np.asarray(0.25)},
    "mask": {"where": WHERE, "label_smoothing": 0.5},
    "temperature": {"temperature": np.asarray([0.5, 1.0, 4.0])},
    "softcap": {"softcap": np.asarray(2.0)},
    "z": {"z_loss": np.asarray(0.5)},
    "all": {
        "class_weight": np.asarray([0.5, 2.0, 4.0, 0.25]),
        "sample_weight": np.asarray([0.5, 1.0, 3.0]),
        "label_smoothing": np.asarray(0.25),
        "where": WHERE,
        "temperature": np.asarray([0.5, 1.0, 4.0]),
        "softcap": np.asarray(2.0),
        "z_loss": np.asarray(0.5),
    },
}
SPARSE = np.asarray([[2, 2, 0], [0, 1, 1], [1, 3, 3]])
PROBS = np.asarray([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.0, 0.25, 0.75]])


@pytest.mark.parametrize(("case", "reduction"), [*((c, "mean") for c in OPTIONS), ("all", "none"), ("all", "sum")])
def test_integer_is_one_hot_is_sparse(backend, case, reduction):
    """The same value, and the same derivative in every argument."""
    options = {**OPTIONS[case], "reduction": reduction}
    wrt = " ".join(["logits", *(n for n, x in OPTIONS[case].items() if isinstance(x, np.ndarray) and n != "where")])
    value, by = agrees(backend, "cross_entropy", LOGITS, LABELS, wrt=wrt, **options)
    others = [(np.eye(4)[LABELS], {}), (SPARSE, {"label_probs": PROBS})]
    if case in ("plain", "all"):
        others.append((LABELS[:, None], {"label_probs": np.ones((3, 1))}))
    for labels, more in others:
        found, by_found = calculate(backend, "cross_entropy", LOGITS, labels, wrt=wrt, **options, **more)
        np.testing.assert_allclose(found, value, rtol=1e-14)
        for n in wrt.split():
            np.testing.assert_allclose(by_found[n], by[n], rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", ["nll_loss", "focal_loss"])
def test_other_losses_read_labels_alike(backend, name):
    first = "log_probs" if name == "nll_loss" else "logits"
    logits = np.where(LOGITS == -inf, -9.0, -abs(LOGITS)) if name == "nll_loss" else LOGITS
    options = {"class_weight": np.asarray([0.5, 2.0, 4.0, 0.25]), "label_smoothing": np.asarray(0.25)}
    wrt = f"{first} class_weight label_smoothing"
    agrees(backend, name, logits, LABELS, wrt=wrt, **options)
    agrees(backend, name, logits, np.eye(4)[LABELS], wrt=wrt + " labels", **options)
    agrees(backend, name, logits, SPARSE, wrt=wrt + " label_probs", label_probs=PROBS, **options)


# integers of every width and sign


@pytest.mark.parametrize("dtype", INTEGERS)
def test_labels_of_every_integer_dtype(backend, dtype):
    """C = 300 fits no int8 and no uint8: 127, 200 and 255 are classes, -100 + 256 = 156 is another one."""
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, (4, 300))
    labels = np.asarray([0, 100, 127, 5]) if dtype == "int8" else np.asarray([0, 156, 200, 255])
    agrees(backend, "cross_entropy", logits, labels.astype(dtype), wrt="logits", reduction="none")
    for ignored in (-100, -(2**70)):  # what the dtype cannot hold matches nothing
        value, by = agrees(
            backend,
            "cross_entropy",
            logits,
            labels.astype(dtype),
            wrt="logits",
            reduction="none",
            ignore_index=ignored,
        )
        assert (value > 0).all()
        assert abs(by["logits"]).max(axis=1).min() > 0


@pytest.mark.parametrize("dtype", INTEGERS)
def test_extreme_labels_never_wrap(backend, dtype):
    """The largest and the smallest number of each dtype are bad, or ignored when that is asked."""
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    extremes = [x for x in (low, high) if x != 0]
    logits, labels = np.asarray([[1.0, 2.0, 3.0]] * 3), np.asarray([1, *extremes, 2][:3], dtype)
    options = {"wrt": "logits", "reduction": "none"}
    value, _ = agrees(backend, "cross_entropy", logits, labels, check_labels="nan", **options)
    assert np.isnan(value).tolist() == [int(x) in extremes for x in labels]
    for ignored in extremes:
        value, by = agrees(
            backend, "cross_entropy", logits, labels, ignore_index=ignored, check_labels="nan", **options
        )
        here = labels.tolist().index(ignored)
        same(value[here], 0.0)
        same(by["logits"][here], np.zeros(3))


@pytest.mark.parametrize(("dtype", "label"), [("uint64", 2**64 - 100), ("uint32", 2**32 - 100), ("uint8", 156)])
def test_an_ignore_index_is_compared_as_a_number(backend, dtype, label):
    """-100 is not the number that it wraps to; that number itself is."""
    logits, labels = np.asarray([[1.0, 2.0]] * 2), np.asarray([1, label], dtype)
    x = put(backend, logits), put(backend, labels)
    with pytest.raises(ValueError, match=rf"labels\[1\] is {label}, outside \[0, 2\)"):
        xentropy.cross_entropy(*x, ignore_index=-100)
    value = xentropy.cross_entropy(*x, ignore_index=label, reduction="none")
    same(backend.to_numpy(value)[1:], [0.0])


# distributions


def test_soft_labels_are_linear(backend):
    """Negative and large probabilities are accepted; rows need not sum to 1."""
    labels = np.asarray([[0.5, -1.0, 3.0, 0.0], [0.0, 0.0, 0.0, 0.0], [2.0, 2.0, 2.0, -6.0]])
    options = {"class_weight": np.asarray([0.5, 2.0, 4.0, 0.25]), "label_smoothing": np.asarray(0.25)}
    for reduction in ("none", "mean"):
        agrees(
            backend,
            "cross_entropy",
            LOGITS,
            labels,
            wrt="logits labels class_weight label_smoothing",
            reduction=reduction,
            **options,
        )


def test_sparse_entries(backend):
    """Duplicates add; an entry of probability 0 is never bad; `ignore_index` removes an entry, or the row."""
    labels = np.asarray([[2, 2, 1], [-7, 1, 99], [-100, 0, -100], [-100, -100, -100]])
    probs = np.asarray([[0.25, 0.5, 0.25], [0.0, 1.0, 0.0], [nan, 0.5, 7.0], [0.5, nan, inf]])
    logits = np.asarray([[1.0, 2.0, 0.5]] * 3 + [[nan, inf, 0.0]])
    for reduction in ("none", "mean"):
        value, by = agrees(
            backend,
            "cross_entropy",
            logits,
            labels,
            wrt="logits label_probs class_weight",
            label_probs=probs,
            ignore_index=-100,
            class_weight=np.asarray([1.0, 2.0, 3.0]),
            label_smoothing=0.25,
            reduction=reduction,
        )
        same(by["logits"][3], np.zeros(3))
        same(by["label_probs"][3], np.zeros(3))
    assert np.isfinite(value)


def test_no_sparse_entries(backend):
    """k = 0: nothing is asked of a row, so its loss is 0."""
    value, by = agrees(
        backend,
        "cross_entropy",
        LOGITS,
        np.zeros((3, 0), np.int64),
        wrt="logits label_probs",
        label_probs=np.zeros((3, 0)),
        reduction="none",
    )
    same(value, np.zeros(3))
    same(by["logits"], np.zeros((3, 4)))


# 8. label smoothing


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 1.0])
def test_smoothing(backend, epsilon):
    """(1 - eps) t0 + eps sum(t0) / K on the allowed classes, by hand and by the reference."""
    t0, K = np.eye(4)[LABELS], np.asarray([[4], [3], [4]])
    t = ((1 - epsilon) * t0 + epsilon / K) * (LOGITS != -inf)
    value, by = agrees(
        backend,
        "cross_entropy",
        LOGITS,
        LABELS,
        wrt="logits label_smoothing",
        label_smoothing=np.asarray(epsilon),
        reduction="sum",
    )
    expected, by_hand = calculate(backend, "cross_entropy", LOGITS, t, wrt="logits", reduction="sum")
    np.testing.assert_allclose(value, expected, rtol=1e-14)
    np.testing.assert_allclose(by["logits"], by_hand["logits"], rtol=1e-13, atol=1e-15)


def test_smoothing_counts_what_is_kept(backend):
    """sum(t0) runs over the classes that `where` keeps; the share does not count in a mean's denominator."""
    where, labels = np.asarray([[True, True, False]]), np.asarray([[0.5, 0.25, 0.0]])
    logits = np.asarray([[1.0, 0.0, 5.0]])
    weight = np.asarray([1.0, 3.0, 7.0])
    value, _ = agrees(
        backend,
        "cross_entropy",
        logits,
        labels,
        wrt="logits labels class_weight",
        where=where,
        label_smoothing=0.5,
        class_weight=weight,
    )
    t = 0.5 * labels[0, :2] + 0.5 * 0.75 / 2
    surprisal = np.log1p(np.exp([-1.0, 1.0]))
    np.testing.assert_allclose(value, (weight[:2] * t * surprisal).sum() / (0.5 + 0.75), rtol=1e-14)
