"""Laws of the cross-entropy, of xentropy on every library that is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from backends import Backend, numpy_dtype
from drawing import PARTS, ROWS, arrays, close, like, one_hot, rows, solve
from hypothesis import given, strategies as st

import xentropy

INF = float("inf")
DATA = st.data()
EVERY = {"label_smoothing": 0.125, "temperature": 0.5, "softcap": 30.0, "z_loss": 0.25}
PAIR = {"temperature": 2.0, "softcap": 4.0}
OPTIONS = st.sampled_from([{}, {"label_smoothing": 1.0}, PAIR, {"z_loss": 0.25}, EVERY])  # few: each is compiled


@given(DATA)
def test_shift(backend: Backend, data: Any) -> None:
    """A constant added to a row changes its loss and gradient by rounding only."""
    logits, labels = data.draw(rows(backend))
    moved = logits + data.draw(st.integers(-1024, 1024).map(float))
    answers = solve(backend, logits, labels), solve(backend, moved, labels)
    assert close(*answers, backend.to_numpy(logits), ulps=32)


@given(DATA, OPTIONS)
def test_permutation(backend: Backend, data: Any, options: dict[str, Any]) -> None:
    """Classes in another order: the same loss, and the gradient in that order."""
    logits, labels = data.draw(rows(backend))
    order = np.asarray(data.draw(st.permutations(range(logits.shape[1]))))
    numbers = backend.to_numpy(logits)
    weights = np.asarray([data.draw(PARTS) for _ in order])
    loss, slope = solve(backend, logits, labels, class_weight=like(backend, logits, weights), **options)
    other = solve(
        backend,
        like(backend, logits, numbers[:, order]),
        backend.asarray(np.argsort(order)[backend.to_numpy(labels)]),
        class_weight=like(backend, logits, weights[order]),
        **options,
    )
    assert close((loss, slope[:, order]), other, numbers, ulps=64)


@given(DATA, OPTIONS, st.sampled_from(["none", "sum", "mean"]))
def test_kinds_of_labels(backend: Backend, data: Any, options: dict[str, Any], reduction: str) -> None:
    """Integer, one-hot and sparse labels are one thing, weights, options and all."""
    logits, labels = data.draw(rows(backend))
    options = {
        "reduction": reduction,
        "class_weight": like(backend, logits, np.linspace(0.5, 2.0, logits.shape[1])),
        "sample_weight": like(backend, logits, [0.0, 1.5, 0.25]),
        **options,
    }
    index = solve(backend, logits, labels, **options)
    soft = solve(backend, logits, one_hot(backend, logits, labels), **options)
    ones = like(backend, logits, np.ones((ROWS, 1)))
    sparse = solve(backend, logits, labels[:, None], label_probs=ones, **options)
    for other in (soft, sparse):
        assert close(index, other, backend.to_numpy(logits), ulps=64)


@given(DATA, OPTIONS, st.sampled_from(["-inf", "where", "both"]))
def test_mask_is_removal(backend: Backend, data: Any, options: dict[str, Any], kind: str) -> None:
    """A masked class changes nothing but its own gradient, which is exactly 0, whatever its logit is."""
    logits, labels = data.draw(rows(backend, least=5))
    numbers, gone = backend.to_numpy(logits).copy(), logits.shape[1] - 1
    labels = backend.asarray(backend.to_numpy(labels) % gone)
    removed = solve(backend, like(backend, logits, numbers[:, :gone]), labels, **options)
    numbers[:, gone] = -INF if kind == "-inf" else [np.nan, INF, -INF]
    where = {} if kind == "-inf" else {"where": backend.asarray(np.tile(np.arange(gone + 1) != gone, (ROWS, 1)))}
    if kind == "both":
        numbers[:, gone] = -INF
    loss, slope = solve(backend, like(backend, logits, numbers), labels, **where, **options)
    assert close((loss, slope[:, :gone]), removed, numbers[:, :gone], ulps=64)
    assert (slope[:, gone] == 0).all()


@given(DATA, st.sampled_from([2.0, 8.0, 0.25]), st.sampled_from(["class_weight", "sample_weight"]))
def test_weights_scale(backend: Backend, data: Any, factor: float, name: str) -> None:
    """A sum is linear in its weights; a mean does not see a common factor. Powers of 2: not by a bit."""
    logits, labels = data.draw(rows(backend))
    count = logits.shape[1] if name == "class_weight" else ROWS
    numbers = np.asarray(data.draw(st.lists(PARTS.filter(bool), min_size=count, max_size=count)))
    for reduction, ratio in (("none", factor), ("sum", factor), ("mean", 1.0)):
        one = solve(backend, logits, labels, reduction=reduction, **{name: like(backend, logits, numbers)})
        other = solve(backend, logits, labels, reduction=reduction, **{name: like(backend, logits, numbers * factor)})
        assert all((ratio * a == b).all() for a, b in zip(one, other, strict=True))


@given(DATA)
def test_weights_repeat(backend: Backend, data: Any) -> None:
    """A row of weight 2 is that row twice."""
    logits, labels = data.draw(rows(backend))
    numbers, indices = backend.to_numpy(logits), backend.to_numpy(labels)
    weights = like(backend, logits, [2.0, 1.0, 1.0])
    twice = like(backend, logits, numbers[[0, 0, 1, 2]]), backend.asarray(indices[[0, 0, 1, 2]])
    for reduction in ("sum", "mean"):
        value, _ = solve(backend, logits, labels, sample_weight=weights, reduction=reduction)
        assert close((value,), solve(backend, *twice, reduction=reduction)[:1], numbers)


@given(DATA, st.sampled_from([0.0, 0.5, 2.0]))
def test_binary_is_two_classes(backend: Backend, data: Any, smoothing: float) -> None:
    """The binary loss of x is the categorical one of (0, x)."""
    x = data.draw(arrays(backend, "float64", (ROWS,), st.integers(-64, 64).map(lambda k: k / 8)))
    y = data.draw(arrays(backend, "int64", (ROWS,), st.integers(0, 1)))
    options = {"label_smoothing": smoothing / 4, "reduction": "none"}
    f = xentropy.value_and_grad(xentropy.binary_cross_entropy_with_logits)
    loss, slope = (backend.to_numpy(part) for part in f(x, y, **options))
    pair = like(backend, x, np.stack([np.zeros(ROWS), backend.to_numpy(x)], axis=-1))
    other, slopes = solve(backend, pair, y, **options)
    assert close((loss, slope), (other, slopes[:, 1]), backend.to_numpy(x))


HALVES = ("float16", "bfloat16")


@pytest.mark.backends(lambda backend: set(HALVES) & set(backend.dtypes))
@pytest.mark.parametrize("dtype", HALVES)
def test_16_bits(backend: Backend, dtype: str) -> None:
    """More classes, and more rows, than float16 can count: sums are held in float32."""
    if dtype not in backend.dtypes:  # CuPy has no bfloat16
        return
    many = 2**17
    wide, tall = (backend.asarray(np.zeros(shape, numpy_dtype(dtype))) for shape in ((1, many), (many, 2)))
    for x, reduction, truth in ((wide, "none", 17), (tall, "mean", 1), (tall, "sum", many)):
        labels = backend.asarray(np.zeros(x.shape[0], np.int64))
        loss, slope = solve(backend, x, labels, reduction=reduction)
        assert loss.reshape(()) == pytest.approx(truth * np.log(2), rel=1e-6)
        assert np.isfinite(slope.astype(float)).all()
