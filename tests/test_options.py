"""Every loss with every option, alone and in pairs and all together, and every reduction, against the reference.

Gradients are taken with respect to everything that can have one: logits, labels, their probabilities, class and
sample weights (some of them 0), temperature, smoothing, softcap, z-loss, gamma and the normalizer.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import combinations, cycle

import numpy as np
import oracle
import pytest
from test_semantics_compare import agrees, calculate, put

import xentropy
from xentropy._backends.generic import Backend

rng = np.random.default_rng(5)
inf, nan = float("inf"), float("nan")
ROWS, CLASSES = 5, 4
X = rng.normal(size=(ROWS, CLASSES)) * 3
X[1, 2], X[3] = 30.0, [0.5, nan, 1.0, -inf]  # a confident row, and one that every case removes
INDEX = np.asarray([0, 2, 3, -100, 1])
SOFT = rng.dirichlet(np.ones(CLASSES), ROWS)
PAIRS, SHARES = np.asarray([[0, 1], [2, 2], [3, 0], [-100, -100], [1, 3]]), rng.random((ROWS, 2)) + 0.1
PROBS = rng.uniform(0.05, 0.95, X.shape)
WHERE = np.ones((ROWS, CLASSES), bool)
WHERE[0, 3] = WHERE[2, 1] = False

GENERAL = {
    "where": WHERE,
    "class_weight": np.asarray([0.5, 1.5, 1.0, 0.0]),
    "sample_weight": np.asarray([1.0, 2.0, 0.0, 0.0, 0.5]),
    "label_smoothing": np.asarray(0.125),
    "normalizer": np.asarray(2.5),
}
OF_LOGITS = GENERAL | {
    "temperature": np.asarray([1.0, 0.5, 2.0, 1.0, 0.75]),
    "softcap": np.asarray(20.0),
    "z_loss": np.asarray(0.0625),
}
ELEMENTWISE = {
    "where": WHERE,
    "sample_weight": np.asarray([1.0, 2.0, 0.0, 0.5])[None] * np.ones((ROWS, 1)),
    "normalizer": np.asarray(2.5),
}
SMOOTH = ELEMENTWISE | {"label_smoothing": np.asarray(0.125)}
LABELS = {"indices": INDEX, "distributions": SOFT, "pairs": PAIRS}
FIXED = {"where", "ignore_index"}  # have no derivative


def choices(names):
    """Each option alone, every two of them, and all."""
    return [(), *combinations(names, 1), *combinations(names, 2), tuple(names)]


def calls(name, options, kinds):
    """One call for each choice of options; reductions take turns, and a normalizer has none but the mean."""
    turns = cycle(["mean", "sum", "none"])
    for kind in kinds:
        for chosen in choices(options):
            reduction = "mean" if "normalizer" in chosen else next(turns)
            label = f"{name}-{kind}-{'+'.join(chosen) or 'plain'}-{reduction}"
            yield pytest.param(name, kind, {n: options[n] for n in chosen}, reduction, id=label)


CATEGORICAL = [
    *calls("cross_entropy", OF_LOGITS, LABELS),
    *calls("focal_loss", OF_LOGITS | {"gamma": np.asarray(1.5)}, ["indices", "distributions"]),
    *calls("nll_loss", GENERAL, LABELS),
]
BINARY = [
    *calls("binary_cross_entropy_with_logits", SMOOTH | {"pos_weight": np.asarray([0.5, 2.0, 1.0, 3.0])}, ["soft"]),
    *calls("binary_cross_entropy", SMOOTH, ["soft"]),
    *calls("sigmoid_focal_loss", ELEMENTWISE | dict(alpha=np.asarray(0.25), gamma=np.asarray(2.0)), ["soft"]),
]


def arguments(name, kind, options):
    """(x, labels, options): the fourth row is NaN, and removed by what the labels allow."""
    x, labels, options = X.copy(), LABELS[kind], dict(options)
    if name == "nll_loss":
        x = X - np.log(np.exp(X).sum(axis=-1, keepdims=True))
    if kind == "distributions":  # nothing on what `where` removes: an infinite mean has no derivative
        labels = SOFT * WHERE if "where" in options else SOFT
        options.setdefault("sample_weight", np.asarray([1.0, 1.0, 1.0, 0.0, 1.0]))
    else:
        options["ignore_index"] = -100
    if kind == "pairs":
        options["label_probs"] = SHARES
    return x, labels, options


def differentiable(name, labels, options):
    first = oracle.FUNCTIONS[name][1][0]
    return " ".join([first, *(["labels"] if labels.dtype.kind == "f" else []), *(set(options) - FIXED)])


@contextmanager
def unseen(monkeypatch):
    """As on an accelerator: no value may be looked at."""
    with monkeypatch.context() as patch:
        patch.setattr(Backend, "visible", lambda self, x: False)
        yield


@pytest.mark.backends("numpy", "array_api_strict:strictest", "torch")
@pytest.mark.parametrize(("name", "kind", "options", "reduction"), CATEGORICAL)
def test_categorical(backend, name, kind, options, reduction):
    x, labels, options = arguments(name, kind, options)
    agrees(backend, name, x, labels, wrt=differentiable(name, labels, options), reduction=reduction, **options)


@pytest.mark.backends("array_api_strict")
@pytest.mark.parametrize(("name", "kind", "options", "reduction"), CATEGORICAL[::5])
def test_categorical_unseen(backend, name, kind, options, reduction, monkeypatch):
    x, labels, options = arguments(name, kind, options)
    with unseen(monkeypatch):
        agrees(backend, name, x, labels, wrt=differentiable(name, labels, options), reduction=reduction, **options)


@pytest.mark.backends("numpy", "array_api_strict:strictest", "torch")
@pytest.mark.parametrize(("name", "kind", "options", "reduction"), BINARY)
def test_binary(backend, name, kind, options, reduction):
    x = np.where(np.isnan(X), 0.25, X) if name != "binary_cross_entropy" else PROBS
    agrees(backend, name, x, SOFT, wrt=differentiable(name, SOFT, options), reduction=reduction, **options)


@pytest.mark.backends("numpy", "array_api_strict", "torch")
@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("options", [{}, OF_LOGITS | {"normalizer": None}], ids=["plain", "all"])
def test_lse_is_returned_beside_the_loss(backend, kind, options):
    """The raw lse of every row; the loss and its gradients are those without it."""
    x, labels, options = arguments("cross_entropy", kind, options)
    names = [n for n in options if n not in FIXED | {"normalizer"}]
    value, gradients = calculate(backend, "cross_entropy", x, labels, wrt=" ".join(["logits", *names]), **options)
    f = xentropy.value_and_grad(xentropy.cross_entropy, 0, tuple(names))
    there = {n: put(backend, o) for n, o in options.items()}
    (loss, lse), (by_x, by_name) = f(put(backend, x), put(backend, labels), return_lse=True, **there)
    found = {"logits": by_x, **by_name, "loss": loss}
    for n, expected in {**gradients, "loss": value}.items():
        np.testing.assert_allclose(backend.to_numpy(found[n]), expected, rtol=1e-13, atol=1e-16)
    capped = x if options.get("softcap") is None else options["softcap"] * np.tanh(x / options["softcap"])
    heat = np.ones(ROWS) if options.get("temperature") is None else options["temperature"]
    expected = oracle.logsumexp(capped / heat[:, None], where=options.get("where"))
    assert oracle.error(backend.to_numpy(lse), expected, 64 * np.finfo(float).eps) <= 4
