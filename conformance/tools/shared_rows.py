"""Rows that several topics use. All numbers are exact in every dtype, 16-bit ones included."""

from __future__ import annotations

import numpy as np

INF, NAN = float("inf"), float("nan")

LOGITS = [[1.5, -0.75, 0.25], [-2.0, 3.5, 3.25]]
LABELS = [0, 2]
SOFT = [[0.5, 0.25, 0.25], [0.0, 0.125, 0.875]]
PAIRS, SHARES = [[0, 2], [1, 1]], [[0.75, 0.25], [0.5, 0.25]]
MASKED = [[1.5, -INF, 0.25], [-INF, 3.5, 3.25]]
WHERE = [[True, False, True], [False, True, True]]
VOID = [[False, False, False], [True, True, True]]
CLASSES = [0.5, 2.0, 0.25]
ROWS = [1.5, 0.5]
LOG_PROBS = [[-0.5, -2.0, -1.25], [-0.125, -3.5, -2.5]]
MASKED_LOG_PROBS = [[-0.5, -INF, -1.25], [-INF, -0.125, -2.5]]
LOG_Q = [[-1.5, -0.5, -2.0], [-0.25, -1.0, -1.75]]
P = [[0.5, 0.375, 0.125], [0.75, 0.0625, 0.1875]]
LOG_P = [[-0.75, -1.25, -1.5], [-0.5, -2.0, -1.25]]
REDUCTIONS = ("none", "sum", "mean")
FROM_LOGITS = ("cross_entropy", "focal_loss")
BCE, BCE_OF_PROBS, SIGMOID_FOCAL = "binary_cross_entropy_with_logits", "binary_cross_entropy", "sigmoid_focal_loss"


def dyadic(seed: int, shape: tuple[int, ...], size: float = 4.0) -> np.ndarray:
    """Random multiples of 1/8 up to a size below 32: 8 bits, which bfloat16 holds."""
    steps = int(size * 8)
    return np.random.default_rng(seed).integers(-steps, steps + 1, shape) / 8


def shares(seed: int, shape: tuple[int, ...], parts: int = 16) -> np.ndarray:
    """Random distributions over the last axis in parts of 1/16."""
    rng = np.random.default_rng(seed)
    classes = shape[-1]
    return rng.multinomial(parts, np.full(classes, 1 / classes), shape[:-1]) / parts


def of(*names: str) -> dict[str, object]:
    """Options by their names here: what a call of the random topic may take."""
    known = {"class_weight": CLASSES, "sample_weight": ROWS, "where": WHERE}
    return {name: known[name] for name in names}
