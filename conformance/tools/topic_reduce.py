"""Rule 7: weights, reductions, the normalizer; and the class axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from book import BINARY, WIDE, Add, three_kinds
from shared_rows import (
    BCE,
    CLASSES,
    FROM_LOGITS,
    LABELS,
    LOG_P,
    LOG_PROBS,
    LOG_Q,
    LOGITS,
    PAIRS,
    REDUCTIONS,
    ROWS,
    SHARES,
    SOFT,
    P,
    dyadic,
    shares,
)

CATEGORICAL = (*FROM_LOGITS, "nll_loss")


def first_of(f: str) -> list[list[float]]:
    return LOG_PROBS if f == "nll_loss" else LOGITS


def weights(add: Add) -> None:
    weighted_mean = "pytorch/pytorch#8062 pytorch/pytorch#65329 pytorch/pytorch#50528 pytorch/pytorch#25571"
    one_hot = "pytorch/pytorch#107680"
    both = {"class_weight": CLASSES, "sample_weight": ROWS}
    for f in CATEGORICAL:
        x = first_of(f)
        for reduction in REDUCTIONS:
            three_kinds(
                add, "7", "class weights", f, x, LABELS, class_weight=CLASSES, reduction=reduction, reports=one_hot
            )
            three_kinds(add, "7", "sample weights", f, x, LABELS, sample_weight=ROWS, reduction=reduction)
            three_kinds(add, "7", "both weights", f, x, LABELS, reduction=reduction, moved="all", **both)
            add("7", "both weights; soft", f, x, SOFT, reduction=reduction, moved="all", **both)
            add("7", "both; sparse", f, x, PAIRS, label_probs=SHARES, reduction=reduction, moved="all", **both)
            add("7", "plain", f, x, LABELS, reduction=reduction)
        add("7", "one row: the class weight cancels", f, x[:1], [1], class_weight=CLASSES, reports=weighted_mean)
        for size in (0.125, 1.0, 64.0):
            cw = np.asarray(CLASSES) * size
            add("7", f"class weights times {size}", f, x, LABELS, class_weight=cw, reports=weighted_mean)
        add("7", "a 0-d sample weight", f, x, LABELS, sample_weight=np.asarray(2.0), reduction="sum")
        add("7", "negative weights", f, x, LABELS, sample_weight=[2.0, -0.5])
        add("7", "labels that do not sum to 1", f, x, [[2.0, 0.5, 0.0], [0.25, 0.0, 0.0]], class_weight=CLASSES)
        add("7", "negative labels", f, x, [[1.5, -0.5, 0.0], [0.25, 0.5, 0.25]], class_weight=CLASSES)
        add("7", "duplicate sparse entries add up", f, x, [[2, 2], [1, 1]], label_probs=SHARES, class_weight=CLASSES)
        entry = {"label_probs": [[1.0, 0.0], [0.5, 0.5]]}
        add("7", "an entry of probability 0 with a bad index", f, x, [[0, 9], [1, 2]], class_weight=CLASSES, **entry)


def empty_means(add: Add) -> None:
    ignored = "pytorch/pytorch#70348 pytorch/pytorch#116349 pytorch/pytorch#75181"
    for f in CATEGORICAL:
        x = first_of(f)
        for reduction in REDUCTIONS:
            about = "every row is ignored"
            add("7", about, f, x, [-100, -100], ignore_index=-100, reduction=reduction, reports=ignored)
            add("7", "every weight is 0", f, x, LABELS, sample_weight=[0.0, 0.0], reduction=reduction)
            add("7", "every class weight is 0", f, x, LABELS, class_weight=[0.0] * 3, reduction=reduction)
        add("7", "the class weights of the labels are 0", f, x, LABELS, class_weight=[0.0, 1.0, 0.0])
        add("7", "weights that cancel", f, x, LABELS, sample_weight=[1.0, -1.0])
        add("7", "a normalizer of 0", f, x, LABELS, normalizer=np.asarray(0.0))
    for f, args in (("entropy", (LOGITS,)), ("kl_divergence", (LOG_Q, P)), ("js_divergence", (LOG_P, LOG_Q))):
        add("7", "every weight is 0", f, *args, sample_weight=[0.0, 0.0])
    for f in BINARY:
        x = [0.25, 0.75]
        add("7", "every weight is 0", f, x, [1, 0], sample_weight=[0.0, 0.0])
        add("7", "nothing under the mask", f, x, [1, 0], where=[False, False])
    add(
        "7",
        "ignored rows do not count in the mean",
        "cross_entropy",
        [[0.5, 1.0]] * 4,
        [0, -1, -1, 1],
        ignore_index=-1,
    )


def normalizers(add: Add) -> None:
    micro = "huggingface/transformers#34191 huggingface/transformers#35203 pytorch/torchtune#1875"
    for f in CATEGORICAL:
        x = first_of(f)
        for n in (0.5, 8.0):
            add("7", f"a normalizer of {n}", f, x, LABELS, normalizer=np.asarray(n), reports=micro)
        add("7", "a normalizer and weights", f, x, LABELS, class_weight=CLASSES, sample_weight=ROWS, normalizer=8.0)
        add("7", "a normalizer and ignored rows", f, x, [-100, 1], ignore_index=-100, normalizer=4.0)
    for f, args in (("entropy", (LOGITS,)), ("kl_divergence", (LOG_Q, P)), ("js_divergence", (LOG_P, LOG_Q))):
        add("7", "a normalizer", f, *args, sample_weight=ROWS, normalizer=np.asarray(8.0))
        for reduction in REDUCTIONS:
            add("7", "sample weights", f, *args, sample_weight=ROWS, reduction=reduction, moved="all")
            add("7", "plain", f, *args, reduction=reduction)
    for f in BINARY:
        x, y = np.asarray([[0.25, 0.75], [0.125, 0.875]]), [[0.25, 1.0], [0.0, 0.5]]
        x = x if f == "binary_cross_entropy" else 4 * x - 2
        add("7", "a normalizer", f, x, y, normalizer=np.asarray(8.0))
        for reduction in REDUCTIONS:
            add(
                "7",
                "sample weights",
                f,
                x,
                y,
                sample_weight=[[1.5, 0.5], [2.0, 0.25]],
                reduction=reduction,
                moved="all",
            )
            add("7", "weights of rows", f, x, y, sample_weight=[[1.5], [0.5]], reduction=reduction)
            add("7", "plain", f, x, y, reduction=reduction, moved="all")
    for pos_weight in ([0.5, 2.0], [[0.5], [2.0]], np.asarray(3.0)):
        x, y = [[1.5, -0.5], [3.0, -2.0]], [[0.25, 1.0], [0.0, 0.5]]
        for reduction in REDUCTIONS:
            add("7", "pos_weight is not in the denominator", BCE, x, y, pos_weight=pos_weight, reduction=reduction)


def axes(add: Add) -> None:
    """Three axes, every one of them the class axis."""
    axis_ignored = "keras-team/keras#21097 pytorch/pytorch#29754"
    x, q = dyadic(1, (2, 3, 4)), -abs(dyadic(2, (2, 3, 4))) - 0.125
    for axis in (0, 1, 2, -2):
        n = x.shape[axis]
        rows = tuple(np.delete(x.shape, axis))
        rng = np.random.default_rng(axis + 10)
        labels = rng.integers(0, n, rows)
        soft = np.moveaxis(shares(axis + 20, (*rows, n)), -1, axis)
        mask = rng.random(x.shape) < 0.75
        cw = rng.integers(1, 16, n) / 8
        sw = rng.integers(0, 16, rows) / 8
        for f in CATEGORICAL:
            a = q if f == "nll_loss" else x
            common: dict[str, Any] = {"axis": axis, "reports": axis_ignored}
            add("7", f"axis {axis}", f, a, labels, reduction="none", **common)
            add("7", f"axis {axis}; soft, weights", f, a, soft, class_weight=cw, sample_weight=sw, **common)
        pairs, parts = rng.integers(0, n, (*rows, 2)), rng.integers(1, 8, (*rows, 2)) / 8
        add("7", f"axis {axis}; sparse", "cross_entropy", x, pairs, label_probs=parts, axis=axis, dtypes=WIDE)
        t = rng.integers(1, 16, rows) / 8
        options: dict[str, Any] = {"where": mask, "label_smoothing": 0.25, "temperature": t, "axis": axis}
        add(
            "7",
            f"axis {axis}; mask, temperature",
            "cross_entropy",
            x,
            labels,
            reduction="none",
            dtypes=WIDE,
            **options,
        )
        for f in ("logsumexp", "softmax", "log_softmax"):
            add("7", f"axis {axis}", f, x, axis=axis)
            add("7", f"axis {axis}, a mask", f, x, axis=axis, where=mask, dtypes=WIDE)
        for f, args in (("entropy", (x,)), ("kl_divergence", (q, soft)), ("js_divergence", (q, q[::-1]))):
            add("7", f"axis {axis}", f, *args, axis=axis, reduction="none")
            add("7", f"axis {axis}, weights", f, *args, axis=axis, sample_weight=sw, where=mask, dtypes=WIDE)
        add(
            "7",
            f"axis {axis}, kept",
            "logsumexp",
            x,
            axis=axis,
            keepdims=True,
            b=dyadic(3, (2, 3, 4)),
            return_sign=True,
        )
    square, labels = dyadic(4, (3, 3)), np.asarray([2, 0, 1])
    for reduction in REDUCTIONS:
        for f in CATEGORICAL:
            a = -abs(square) if f == "nll_loss" else square
            add("7", "a square, axis 0", f, a, labels, axis=0, reduction=reduction, reports=axis_ignored)
    for f in CATEGORICAL:
        a = q[0, 0] if f == "nll_loss" else x[0, 0]
        add("7", "one row without a batch", f, a, np.asarray(2), reduction="none")
        add("7", "one row without a batch; mean", f, a, np.asarray(1), class_weight=[0.5, 1.0, 2.0, 0.25])


def cases(add: Add) -> None:
    weights(add)
    empty_means(add)
    normalizers(add)
    axes(add)
