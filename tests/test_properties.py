"""What must hold for every input: laws of the cross-entropy, and of the partials it is folded from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from backends import Backend
from hypothesis import given, strategies as st

import xentropy
from xentropy._backends import backend_of
from xentropy._core.partial import Partial, finish, lift, merge

EPS = float(np.finfo(np.float64).eps)
INF = float("inf")


@st.composite
def rows(draw: Any, masked: bool = False, least: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Logits (3, C) at one of many scales and integer labels; a mask (-inf) spares the labels."""
    classes = draw(st.sampled_from([n for n in (1, 2, 5) if n >= least]))  # few shapes: each is compiled once
    scale = draw(st.sampled_from([1e-8, 1e-2, 1.0, 10.0, 1e3]))
    flat = draw(st.lists(st.integers(-8000, 8000), min_size=3 * classes, max_size=3 * classes))
    logits = np.asarray(flat, float).reshape(3, classes) / 1000 * scale
    labels = np.asarray(draw(st.lists(st.integers(0, classes - 1), min_size=3, max_size=3)))
    if masked:
        bits = draw(st.lists(st.booleans(), min_size=3 * classes, max_size=3 * classes))
        logits[np.reshape(bits, logits.shape) & (np.arange(classes) != labels[:, None])] = -INF
    return logits, labels


def solve(backend: Backend, logits: np.ndarray, labels: np.ndarray, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    """The rows' losses and their gradient with respect to the logits."""
    arrays = {k: backend.asarray(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    f = xentropy.value_and_grad(xentropy.cross_entropy)
    value, gradient = f(backend.asarray(logits), backend.asarray(labels), reduction="none", **arrays)
    return backend.to_numpy(value), backend.to_numpy(gradient)


def bar(logits: np.ndarray, ulps: float = 16.0) -> np.ndarray:
    """How far two roundings of a row's loss may lie apart."""
    finite = np.where(np.isfinite(logits), logits, 0.0)
    return ulps * EPS * (1 + abs(finite).max(axis=-1, initial=0.0)) * (1 + np.ptp(finite, axis=-1))


def close(one: np.ndarray, other: np.ndarray, bars: np.ndarray) -> bool:
    return bool((abs(one - other) <= bars.reshape(-1, *[1] * (one.ndim - 1))).all())


@given(rows(), st.integers(-1000, 1000))
def test_shift(backend: Backend, case: Any, shift: int) -> None:
    """A constant added to a row changes loss and gradient by rounding only."""
    logits, labels = case
    moved = logits + shift
    for one, other in zip(solve(backend, logits, labels), solve(backend, moved, labels), strict=True):
        assert close(one, other, bar(logits) + bar(moved))


@given(rows(masked=True), st.randoms(use_true_random=False))
def test_permutation(backend: Backend, case: Any, random: Any) -> None:
    """Classes in another order have the same loss, and their gradients move with them."""
    logits, labels = case
    order = list(range(logits.shape[1]))
    random.shuffle(order)
    loss, slope = solve(backend, logits, labels)
    other, other_slope = solve(backend, logits[:, order], np.argsort(order)[labels])
    assert close(loss, other, bar(logits))
    assert close(slope[:, order], other_slope, bar(logits))


@given(rows(masked=True), st.sampled_from([{}, {"label_smoothing": 0.125}, {"z_loss": 0.25, "temperature": 0.5}]))
def test_kinds_of_labels(backend: Backend, case: Any, options: dict[str, Any]) -> None:
    """Integer, one-hot and sparse labels are one thing."""
    logits, labels = case
    one_hot = np.eye(logits.shape[1])[labels]
    weights = np.linspace(0.5, 2.0, logits.shape[1])
    answers = [
        solve(backend, logits, labels, class_weight=weights, **options),
        solve(backend, logits, one_hot, class_weight=weights, **options),
        solve(backend, logits, labels[:, None], label_probs=np.ones((3, 1)), class_weight=weights, **options),
    ]
    for answer in answers[1:]:
        for one, other in zip(answers[0], answer, strict=True):
            assert close(one, other, bar(logits) * (1 + bar(logits) / EPS if "z_loss" in options else 1))


@given(rows(least=3), st.booleans(), st.sampled_from([0.0, 0.125]))
def test_mask_removes_the_class(backend: Backend, case: Any, minus_infinity: bool, smoothing: float) -> None:
    """A masked class changes nothing but its own gradient, which is exactly 0."""
    logits, labels = case
    gone = logits.shape[1] - 1
    labels = labels % gone
    removed = solve(backend, logits[:, :gone], labels, label_smoothing=smoothing)
    logits[:, gone] = -INF if minus_infinity else [np.nan, INF, 1e300]
    options = {} if minus_infinity else {"where": np.arange(gone + 1) != gone}
    loss, slope = solve(backend, logits, labels, label_smoothing=smoothing, **options)
    assert close(loss, removed[0], bar(logits[:, :gone]))
    assert close(slope[:, :gone], removed[1], bar(logits[:, :gone]))
    assert (slope[:, gone] == 0).all()


@given(rows(masked=True, least=1))
def test_never_negative(backend: Backend, case: Any) -> None:
    loss, _ = solve(backend, *case)
    assert (loss >= 0).all()
    assert not np.signbit(loss).any()


terms = st.floats(-700, 700) | st.just(-INF)


def to_float(backend: Backend, part: Partial) -> tuple[float, float]:
    return float(backend.to_numpy(part.maximum)[0]), float(backend.to_numpy(part.rest)[0])


def partial_of(backend: Backend, x: list[float]) -> tuple[Any, Partial]:
    zero = backend.asarray(np.zeros(1))
    v = backend_of(zero)
    part = Partial(zero - INF, zero)
    for term in x:
        part = merge(v, part, Partial(backend.asarray(np.asarray([term])), zero))
    return v, part


def same(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Two maxima and rests. A term d below the maximum is e^d to d * eps, however many gaps d is the sum of, and
    1400 is the widest."""
    return one[0] == other[0] and abs(one[1] - other[1]) <= (64 + 1400) * EPS * max(one[1], other[1])


@given(st.lists(terms, max_size=5), st.lists(terms, max_size=5), st.lists(terms, min_size=1, max_size=5))
def test_partials(backend: Backend, a: list[float], b: list[float], c: list[float]) -> None:
    """Merging is associative and commutative, (-inf, 0) is neutral, and the whole row is any fold of its parts."""
    (v, x), (_, y), (_, z) = (partial_of(backend, terms) for terms in (a, b, c))
    neutral, whole = partial_of(backend, [])[1], merge(v, merge(v, x, y), z)
    assert same(to_float(backend, whole), to_float(backend, merge(v, x, merge(v, y, z))))
    assert same(to_float(backend, merge(v, x, y)), to_float(backend, merge(v, y, x)))
    assert to_float(backend, merge(v, x, neutral)) == to_float(backend, x) == to_float(backend, merge(v, neutral, x))
    row = backend.asarray(np.asarray(a + b + c))
    expected = float(backend.to_numpy(xentropy.logsumexp(row)))
    assert backend.to_numpy(finish(v, whole))[0] == pytest.approx(expected, rel=64 * EPS, abs=64 * EPS)
    assert backend.to_numpy(lift(v, row, 0)[1])[0] == to_float(backend, whole)[0]
