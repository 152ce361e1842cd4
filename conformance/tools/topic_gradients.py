"""Rules 13 to 15: targets of every kind under drawn options; a shift of a row; nothing at all."""

from __future__ import annotations

from typing import Any

import numpy as np
from book import BINARY, WIDE, Add, three_kinds
from shared_rows import FROM_LOGITS, INF, LABELS, LOGITS, PAIRS, REDUCTIONS, SHARES, SOFT, dyadic, shares

CASES = 60  # of drawn options, for each of three losses


def drawn_options(rng: np.random.Generator, rows: int, classes: int, from_logits: bool) -> dict[str, Any]:
    """Each option with a chance of its own; learned ones are arrays."""

    def chance(p: float) -> bool:
        return bool(rng.random() < p)

    def eighths(low: int, high: int, *shape: int) -> np.ndarray:
        return np.asarray(rng.integers(low, high, shape) / 8)

    options: dict[str, Any] = {"reduction": REDUCTIONS[rng.integers(3)]}
    if chance(0.4):
        options["class_weight"] = eighths(0, 24, classes)
    if chance(0.4):
        options["sample_weight"] = eighths(0, 24, rows)
    if chance(0.4):
        options["label_smoothing"] = eighths(0, 8)
    if options["reduction"] == "mean" and chance(0.15):
        options["normalizer"] = eighths(4, 40)
    if from_logits:
        if chance(0.4):
            options["temperature"] = eighths(2, 24, rows) if chance(0.5) else eighths(2, 24)
        if chance(0.3):
            options["softcap"] = eighths(8, 64)
        if chance(0.3):
            options["z_loss"] = eighths(0, 8)
        if chance(0.15):
            options["return_lse"] = True
    return options


def combinations(add: Add) -> None:
    for f in ("cross_entropy", "focal_loss", "nll_loss"):
        for k in range(CASES):
            rng = np.random.default_rng(7000 + k)
            rows, classes = int(rng.integers(1, 5)), int(rng.integers(2, 6))
            x = rng.integers(-48, 49, (rows, classes)) / 8
            x = -abs(x) if f == "nll_loss" else x
            if rng.random() < 0.3:
                x[rng.random(x.shape) < 0.2] = -INF
            options = drawn_options(rng, rows, classes, f != "nll_loss")
            if f == "focal_loss":
                options["gamma"] = np.asarray(rng.integers(0, 9) / 2)
            if rng.random() < 0.4:
                options["where"] = rng.random(x.shape) < 0.8
            kind = ("integer", "soft", "sparse")[rng.integers(3)]
            labels: Any = rng.integers(0, classes, rows)
            if kind == "soft":
                labels = shares(7000 + k, (rows, classes))
            elif kind == "sparse":
                labels = rng.integers(0, classes, (rows, 2))
                options["label_probs"] = rng.integers(1, 9, (rows, 2)) / 8
            if kind != "soft" and rng.random() < 0.4:
                options["ignore_index"] = -1
                labels[rng.random(labels.shape) < 0.3] = -1
            moved = "all" if k % 2 else "first"
            add("13", f"drawn options, {kind} labels", f, x, labels, moved=moved, **options)


def binary_combinations(add: Add) -> None:
    for f in BINARY:
        for k in range(CASES // 2):
            rng = np.random.default_rng(7500 + k)
            shape = tuple(rng.integers(1, 5, rng.integers(1, 3)))
            x = rng.integers(0, 17, shape) / 16 if f == "binary_cross_entropy" else rng.integers(-64, 65, shape) / 8
            y = rng.integers(0, 9, shape) / 8
            options: dict[str, Any] = {"reduction": REDUCTIONS[rng.integers(3)]}
            if rng.random() < 0.5:
                options["sample_weight"] = rng.integers(0, 24, shape) / 8
            if rng.random() < 0.4:
                options["where"] = rng.random(shape) < 0.75
            if f == "sigmoid_focal_loss":
                options["gamma"] = np.asarray(rng.integers(0, 9) / 2)
                options["alpha"] = np.asarray(rng.integers(1, 8) / 8)
            elif rng.random() < 0.5:
                options["label_smoothing"] = np.asarray(rng.integers(0, 9) / 8)
            if f == "binary_cross_entropy_with_logits" and rng.random() < 0.5:
                options["pos_weight"] = rng.integers(0, 24, shape[-1:]) / 8
            add("13", "drawn options", f, x, y, moved="all" if k % 2 else "first", **options)


def targets(add: Add) -> None:
    for f in FROM_LOGITS:
        for reduction in REDUCTIONS:
            three_kinds(
                add, "13", "one target, three kinds of labels", f, LOGITS, LABELS, reduction=reduction, moved="all"
            )
            add("13", "a distribution", f, LOGITS, SOFT, reduction=reduction, moved="all")
            add("13", "sparse", f, LOGITS, PAIRS, label_probs=SHARES, reduction=reduction, moved="all")
        formula = "google-deepmind/optax#1040 google-deepmind/optax#1041"
        about = "the log stands inside the sum over classes"
        add("13", about, f, LOGITS, SOFT, reduction="none", reports=formula, dtypes=WIDE)
        add("13", "all classes in the support of a sparse label", f, LOGITS, [[0, 1, 2]] * 2, label_probs=SOFT)
    for gamma in (0.0, 0.5, 1.0, 2.0, 5.0):
        learned = {"gamma": np.asarray(gamma)}
        for reduction in REDUCTIONS:
            add("13", f"gamma {gamma}", "focal_loss", LOGITS, LABELS, reduction=reduction, moved="all", **learned)
            add("13", f"gamma {gamma}; soft", "focal_loss", LOGITS, SOFT, reduction=reduction, moved="all", **learned)
        x = [[1.0, -INF, -INF], [0.5, -1.0, -INF]]
        add("13", f"gamma {gamma}, p = 1", "focal_loss", x, [0, 1], reduction="none", **learned)
    for f in ("softmax", "log_softmax", "logsumexp"):
        for k in range(4):
            x = dyadic(7800 + k, (3, 2 + k))
            add("13", "plain", f, x)
            add("13", "plain, one axis", f, x[0])


def shifts(add: Add) -> None:
    """Rule 14: a constant added to a row. 2^k keeps the differences of dyadic logits exact."""
    base = np.asarray([[1.5, -0.75, 0.25], [-2.0, 3.5, 3.25]])
    big = "pytorch/pytorch#11752 tensorflow/tensorflow#10142"
    for shift in (1024.0, -1024.0, 8192.0, -8192.0, 2.0**20):
        x = base + shift
        for f in FROM_LOGITS:
            three_kinds(
                add, "14", f"a row shifted by {shift:g}", f, x, LABELS, reduction="none", dtypes=WIDE, reports=big
            )
            add("14", f"a row shifted by {shift:g}; soft", f, x, SOFT, dtypes=WIDE, reports=big)
        for f in ("softmax", "log_softmax", "logsumexp"):
            add("14", f"a row shifted by {shift:g}", f, x, dtypes=WIDE, reports=big)
        add("14", f"a row shifted by {shift:g}", "entropy", x, reduction="none", dtypes=WIDE)
    equal = "pytorch/pytorch#11752"
    add("14", "two equal logits of 1e8", "cross_entropy", [[1e8, 1e8]], [1], reports=equal, dtypes=WIDE)
    for size in (100.0, 1000.0, 10000.0, 60000.0):
        x = [[size, 0.0, -size], [-size, size, size]]
        for f in (*FROM_LOGITS, "softmax", "log_softmax", "logsumexp"):
            args = ([0, 1],) if f in FROM_LOGITS else ()
            dtypes = ("float16", *WIDE)
            add("14", f"exp overflows at {size:g}", f, x, *args, dtypes=dtypes, reports="tensorflow/tensorflow#10142")


def nothing(add: Add) -> None:
    empty = "pytorch/pytorch#51906 pytorch/pytorch#51910 scipy/scipy#20399"
    no_rows, no_labels = np.zeros((0, 3)), np.zeros(0, np.int64)
    for f in (*FROM_LOGITS, "nll_loss"):
        for reduction in REDUCTIONS:
            add("15", "no rows", f, no_rows, no_labels, reduction=reduction, reports=empty)
            add("15", "no rows; soft", f, no_rows, no_rows, reduction=reduction, reports=empty)
        options = {"class_weight": [1.0, 2.0, 0.5], "sample_weight": np.zeros(0), "label_smoothing": 0.25}
        add("15", "no rows, weights", f, no_rows, no_labels, reports=empty, **options)
        add("15", "no rows, three axes", f, np.zeros((2, 0, 3)), np.zeros((2, 0), np.int64), reduction="none")
    for f in ("entropy", "kl_divergence", "js_divergence", *BINARY):
        args = (no_rows,) if f == "entropy" else (no_rows, no_rows)
        for reduction in REDUCTIONS:
            add("15", "no rows", f, *args, reduction=reduction, reports=empty)
    for f in ("softmax", "log_softmax", "logsumexp"):
        add("15", "no rows", f, no_rows, reports=empty)
    add("15", "no classes", "logsumexp", np.zeros((2, 0)), reports="scipy/scipy#20399")
    add("15", "no classes, kept", "logsumexp", np.zeros((2, 0)), keepdims=True, reports="scipy/scipy#20399")
    for f in FROM_LOGITS:
        add(
            "13", "one class", f, [[1.5], [-2.0]], [0, 0], reduction="none", reports="scikit-learn/scikit-learn#18523"
        )


def cases(add: Add) -> None:
    targets(add)
    shifts(add)
    nothing(add)
    combinations(add)
    binary_combinations(add)
