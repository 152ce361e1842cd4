"""Axes, leading dimensions, 0-d batches, memory layouts, dtypes and devices."""

from __future__ import annotations

import numpy as np
import pytest
from test_semantics_compare import SIXTEEN_BITS, agrees, calculate, put, rounded, same

import xentropy

inf = float("inf")
RNG = np.random.default_rng(7)
LOGITS = RNG.normal(0, 3, (2, 3, 4))
SOFT = RNG.uniform(0, 1, (2, 3, 4))
WEIGHTS = RNG.uniform(0.5, 2, 4)


def labels_of(kind, axis):
    """Labels for `LOGITS` with the classes along `axis`, and the options that go with them."""
    rows, classes = np.delete(LOGITS.shape, axis), LOGITS.shape[axis]
    if kind == "soft":
        return SOFT, {}
    if kind == "integer":
        return np.arange(rows.prod()).reshape(rows) % classes, {}
    labels = np.arange(rows.prod() * 2).reshape(*rows, 2) % classes
    return labels, {"label_probs": SOFT.reshape(-1)[: labels.size].reshape(labels.shape)}


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("kind", ["integer", "soft", "sparse"])
def test_the_class_axis_is_anywhere(backend, axis, kind):
    labels, options = labels_of(kind, axis % 3)
    rows = tuple(np.delete(LOGITS.shape, axis % 3))
    where = np.arange(24).reshape(2, 3, 4) % 7 != 3
    options.update(class_weight=np.linspace(0.5, 2, LOGITS.shape[axis]), axis=axis, where=where)
    options.update(temperature=np.linspace(0.5, 2, rows[-1]), sample_weight=np.linspace(1, 2, rows[0])[:, None])
    agrees(backend, "cross_entropy", LOGITS, labels, wrt="logits temperature", label_smoothing=0.25, **options)


@pytest.mark.parametrize("axis", [0, -2])
def test_the_axis_of_other_functions(backend, axis):
    rows = tuple(np.delete(LOGITS.shape, axis % 3))
    for name in ("logsumexp", "softmax", "log_softmax"):
        agrees(backend, name, LOGITS, wrt="x", axis=axis)
    value, _ = agrees(backend, "logsumexp", LOGITS, wrt="x", axis=axis, keepdims=True)
    assert value.shape[axis] == 1
    agrees(backend, "entropy", LOGITS, wrt="logits", axis=axis, reduction="none")
    agrees(backend, "kl_divergence", -abs(LOGITS), SOFT, wrt="log_q p", axis=axis)
    agrees(backend, "js_divergence", -abs(LOGITS), -SOFT, wrt="log_p log_q", axis=axis)
    labels = np.zeros(rows, np.int64)
    agrees(backend, "nll_loss", -abs(LOGITS), labels, wrt="log_probs", axis=axis, reduction="none")
    agrees(backend, "focal_loss", LOGITS, labels, wrt="logits", axis=axis)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_one_row_without_a_batch(backend, reduction):
    """(C,) logits and a 0-d label: every result is 0-d."""
    x = np.asarray([1.0, 2.0, 0.5])
    for labels in (np.asarray(2), np.asarray([0.5, 0.25, 0.25])):
        value, _ = agrees(
            backend,
            "cross_entropy",
            x,
            labels,
            wrt="logits sample_weight temperature",
            sample_weight=np.asarray(2.0),
            temperature=np.asarray(0.5),
            reduction=reduction,
        )
        assert value.shape == ()
    options = {"label_probs": np.asarray([0.5, 0.25]), "reduction": reduction}
    agrees(backend, "cross_entropy", x, np.asarray([2, 0]), wrt="logits label_probs", **options)
    agrees(backend, "logsumexp", x, wrt="x")
    x, y = np.asarray(0.5), np.asarray(0.25)
    agrees(backend, "binary_cross_entropy_with_logits", x, y, wrt="logits labels", reduction=reduction)


LAYOUTS = {
    "transposed": lambda x: np.ascontiguousarray(x.T).T,
    "strided": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "reversed": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "broadcast": lambda x: np.broadcast_to(x[:1], x.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_memory_layouts(backend, layout):
    """Arrays that are not contiguous mean what their contiguous copies do."""
    change = LAYOUTS[layout]
    x, y, labels = change(LOGITS), change(SOFT), change(labels_of("integer", 2)[0])
    options = {"reduction": "none", "wrt": "logits", "class_weight": np.repeat(WEIGHTS, 2)[::2]}
    for given, plain in ((labels, labels.copy()), (y, y.copy())):
        value, by = calculate(backend, "cross_entropy", x, given, **options)
        expected, by_plain = calculate(backend, "cross_entropy", x.copy(), plain, **options)
        np.testing.assert_allclose(value, expected, rtol=1e-15)
        np.testing.assert_allclose(by["logits"], by_plain["logits"], rtol=1e-15)


# dtypes


def floats(backend):
    return [name for name in ("float16", "bfloat16", "float32", "float64") if name in backend.dtypes]


def test_every_floating_dtype(backend):
    """Losses of 16-bit logits are float32, gradients have the dtype of what they are the gradient of."""
    for dtype in floats(backend):
        options = {"dtype": dtype, "class_weight": WEIGHTS, "label_smoothing": 0.25}
        options.update(wrt="logits class_weight temperature", temperature=np.asarray(0.5), z_loss=0.25)
        value, _ = agrees(backend, "cross_entropy", LOGITS, labels_of("integer", 2)[0], **options)
        assert value.dtype == ("float32" if dtype in SIXTEEN_BITS else dtype)
        agrees(backend, "cross_entropy", LOGITS, SOFT, **{**options, "wrt": "logits labels"})


def test_normalizers_keep_the_dtype(backend):
    for dtype in floats(backend):
        for name in ("logsumexp", "softmax", "log_softmax", "sigmoid", "log_sigmoid", "softplus"):
            agrees(backend, name, LOGITS, wrt="x", dtype=dtype)


def test_other_losses_of_every_dtype(backend):
    for dtype in floats(backend):
        labels = labels_of("integer", 2)[0]
        agrees(backend, "focal_loss", LOGITS, labels, wrt="logits", dtype=dtype)
        agrees(backend, "nll_loss", -abs(LOGITS), labels, wrt="log_probs", dtype=dtype)
        agrees(backend, "entropy", LOGITS, wrt="logits", dtype=dtype)
        agrees(backend, "kl_divergence", -abs(LOGITS), SOFT, wrt="log_q p", dtype=dtype)
        agrees(backend, "js_divergence", -abs(LOGITS), -SOFT, wrt="log_p log_q", dtype=dtype)
        agrees(backend, "binary_cross_entropy_with_logits", LOGITS, SOFT, wrt="logits labels", dtype=dtype)
        agrees(backend, "binary_cross_entropy", SOFT, SOFT[::-1], wrt="probs labels", dtype=dtype)
        agrees(backend, "sigmoid_focal_loss", LOGITS, SOFT, wrt="logits labels", dtype=dtype)


def test_lse_of_sixteen_bits(backend):
    """lse is float32 like the loss."""
    for dtype in floats(backend):
        x = put(backend, rounded(LOGITS, dtype))
        _, lse = xentropy.cross_entropy(x, put(backend, labels_of("integer", 2)[0]), return_lse=True)
        assert str(lse.dtype).endswith("float32" if dtype in SIXTEEN_BITS else dtype)


def test_sums_of_sixteen_bits(backend):
    """Accumulated in float32: 3000 equal classes, where a float16 sum stops at 2048."""
    for dtype in floats(backend):
        x = put(backend, rounded(np.zeros((2, 3000)), dtype))
        value = xentropy.cross_entropy(x, put(backend, np.asarray([0, 2999])), reduction="none")
        np.testing.assert_allclose(backend.to_numpy(value), [np.log(3000)] * 2, rtol=1e-6)


def test_weights_of_another_dtype(backend):
    """float32 labels and weights beside 16-bit logits: each gradient in its own dtype."""
    for dtype in floats(backend):
        agrees(
            backend,
            "cross_entropy",
            LOGITS,
            SOFT.astype("float32"),
            wrt="logits labels class_weight",
            dtype=dtype,
            class_weight=WEIGHTS.astype("float32"),
        )


def test_large_numbers_of_sixteen_bits(backend):
    """float16 ends at 65504: the loss, in float32, does not overflow."""
    for dtype in floats(backend):
        logits = np.asarray([[60000.0, -60000.0], [-60000.0, -inf]])
        value, _ = agrees(
            backend, "cross_entropy", logits, np.asarray([1, 0]), wrt="logits", dtype=dtype, reduction="none"
        )
        assert value[0] > 1.1e5
        same(value[1:], [0.0])
