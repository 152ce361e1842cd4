"""The calls on NumPy arrays: ours, and those of SciPy and scikit-learn. Each takes a batch and gives what is timed.

Losses are means over the rows that count. What a call returns is compared with its counterpart before it is timed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from batches import IGNORED, Batch
from scipy import special

import xentropy

Call = Callable[[], Any]


def forward(b: Batch) -> Call:
    x, y, options = b.x, b.y, b.options
    return lambda: xentropy.cross_entropy(x, y, **options)


def both(b: Batch) -> Call:
    x, y, f = b.x, b.y, xentropy.value_and_grad(partial(xentropy.cross_entropy, **b.options))
    return lambda: f(x, y)


def of_rows(f: Callable[..., Any]) -> Callable[[Batch], Call]:
    return lambda b: partial(f, b.x, axis=-1)


logsumexp, scipy_logsumexp = of_rows(xentropy.logsumexp), of_rows(special.logsumexp)
log_softmax, scipy_log_softmax = of_rows(xentropy.log_softmax), of_rows(special.log_softmax)
softmax, scipy_softmax = of_rows(xentropy.softmax), of_rows(special.softmax)


def binary_forward(b: Batch) -> Call:
    x, y = b.x, b.y
    return lambda: xentropy.binary_cross_entropy_with_logits(x, y)


def binary_both(b: Batch) -> Call:
    x, y, f = b.x, b.y, xentropy.value_and_grad(xentropy.binary_cross_entropy_with_logits)
    return lambda: f(x, y)


def scipy_forward(b: Batch) -> Call:
    x, y, rows = b.x, b.y, np.arange(b.rows)

    def every_row() -> Any:
        return -special.log_softmax(x, axis=-1)[rows, y].mean()

    def kept_rows() -> Any:
        kept = np.flatnonzero(y != IGNORED)
        return -special.log_softmax(x, axis=-1)[kept, y[kept]].mean()

    return kept_rows if b.ignored else every_row


def sklearn_forward(b: Batch) -> Call:
    """From probabilities that are there already: the softmax is not timed, and clipped ones are not the same loss."""
    from sklearn.metrics import log_loss

    y, p, labels = b.y, special.softmax(b.x, axis=-1), np.arange(b.classes or 2)
    return lambda: log_loss(y, p, labels=labels)
