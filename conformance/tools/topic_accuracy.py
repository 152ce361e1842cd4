"""Accuracy: confident rows, ties, large logits, many classes, 16-bit floats; value and gradient, tail included."""

from __future__ import annotations

import numpy as np
from book import ALL, WIDE, Add, one_hot
from shared_rows import FROM_LOGITS, INF, dyadic

MARGINS = (1.0, 2.0, 5.0, 10.0, 16.5, 20.0, 30.0, 37.0, 50.0, 70.0, 80.0)
TAIL = "scipy/scipy#19521 pytorch/pytorch#113708 scipy/scipy#18295 jax-ml/jax#40384 apple/ml-cross-entropy#14"


def confident(margin: float, seed: int, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Three equal rows whose maximum leads by `margin`, labelled at it, beside it, and at the far end."""
    rng = np.random.default_rng(seed)
    row = rng.normal(0, 3) - margin - np.sort(rng.uniform(0, 3, classes))
    top = seed % classes
    row = np.roll(row, seed)
    row[top] += margin
    return np.tile(row, (3, 1)), np.asarray([top, (top + 1) % classes, (top - 1) % classes])


def margins(add: Add) -> None:
    none = {"reduction": "none", "dtypes": WIDE, "reports": TAIL}
    for k, margin in enumerate(MARGINS):
        x, labels = confident(margin, 100 + k)
        about = f"a lead of {margin:g}"
        for f in FROM_LOGITS:
            add("accuracy", about, f, x, labels, **none)
            add("accuracy", f"{about}; one-hot", f, x, one_hot(labels, 4), **none)
            add("accuracy", f"{about}; soft", f, x, np.asarray([[0.5, 0.25, 0.125, 0.125]] * 3), **none)
            add("accuracy", f"{about}; smoothed", f, x, labels, label_smoothing=0.0625, **none)
            options = {"temperature": np.asarray([0.5, 1.0, 2.0]), "class_weight": [0.5, 1.0, 2.0, 0.25]}
            add("accuracy", f"{about}; mean, weights, temperature", f, x, labels, dtypes=WIDE, **options)
        pairs = np.stack([labels, (labels + 2) % 4], -1)
        probs = np.asarray([[0.75, 0.25]] * 3)
        add("accuracy", f"{about}; sparse", "cross_entropy", x, pairs, label_probs=probs, **none)
        add("accuracy", f"{about}; z-loss", "cross_entropy", x, labels, z_loss=2.0**-10, **none)
        for f in ("softmax", "log_softmax", "logsumexp"):
            add("accuracy", about, f, x[:1], dtypes=WIDE, reports=TAIL)
        zero = x[:1] - x[:1].max()
        add("accuracy", f"{about}, the maximum is 0", "logsumexp", zero, dtypes=WIDE, reports=TAIL)
        exact = [[0.0, -margin, -margin - 1.0], [margin, 0.0, 0.0]]
        add("accuracy", f"{about}, in 16 bits", "cross_entropy", exact, [0, 1], reduction="none")
        add("accuracy", f"{about}, in 16 bits", "log_softmax", exact, reports=TAIL)
    add("accuracy", "[0, -40]", "logsumexp", [0.0, -40.0], reports="scipy/scipy#18295", dtypes=ALL)
    eps = 2.0**-23
    add("accuracy", "the numbers of the report", "log_softmax", [1 - np.log(eps), 0.0], reports=TAIL, dtypes=WIDE)
    x = [[300.0, 0.0], [600.0, 0.0], [200.0, 0.0]]
    add("accuracy", "leads of hundreds", "cross_entropy", x, [0, 0, 1], reduction="none", dtypes=("float64",))
    add("accuracy", "a lead of 200, wrong label", "cross_entropy", [[200.0, 0.0, -5.0]], [1], dtypes=ALL)


def ties(add: Add) -> None:
    rows = {
        "four equal": [3.0, 3.0, 3.0, 3.0],
        "three equal and a tail": [3.0, 3.0, -5.0, 3.0],
        "equal at 1e4": [1e4, 1e4, 0.0, 1e4],
        "two equal, far tail": [0.0, -1.0, -40.0, 0.0],
        "all 0": [0.0, 0.0, 0.0, 0.0],
        "equal and -inf": [2.0, -INF, 2.0, -INF],
    }
    for about, row in rows.items():
        for f in FROM_LOGITS:
            add("accuracy", f"ties: {about}", f, [row, row], [0, 2 if row[2] != -INF else 0], reduction="none")
        for f in ("softmax", "log_softmax", "logsumexp", "entropy"):
            options = {"reduction": "none"} if f == "entropy" else {}
            add("accuracy", f"ties: {about}", f, [row], **options)
    for x, y, z in ((2.0, 2.0, 1.0), (20.0, 20.0, 0.0)):
        add("accuracy", "a tie of two labels", "cross_entropy", [[x, y, z]], [[0.5, 0.5, 0.0]], reduction="none")


def rests(add: Add) -> None:
    """r, the sum of the others relative to the maximum, on both sides of 1."""
    for rest in (0.5, 0.999, 1.0, 1.001, 2.0, 16.0):
        x = np.full((2, 17), np.log(rest / 16))
        x[:, 5] = 0.0
        about = f"the others sum to {rest} of the maximum"
        add("accuracy", about, "cross_entropy", x, [5, 7], reduction="none", dtypes=WIDE)
        add("accuracy", about, "log_softmax", x[:1], dtypes=WIDE)
        add("accuracy", about, "entropy", x[:1], dtypes=WIDE)


def sizes(add: Add) -> None:
    rng = np.random.default_rng(8)
    for k, n in enumerate((2, 3, 10, 64, 129, 257, 300)):
        rows = 2 if n < 128 else 1
        x, labels = dyadic(800 + k, (rows, n)), rng.integers(0, n, rows)
        moved = "" if n > 64 else None
        dtypes = ALL if n < 64 else WIDE if n < 200 else ("float32",) if n < 300 else ("float16", "bfloat16")
        for f in FROM_LOGITS:
            add("accuracy", f"{n} classes", f, x, labels, reduction="none", moved=moved, dtypes=dtypes)
        for f in ("softmax", "log_softmax", "logsumexp"):
            add("accuracy", f"{n} classes", f, x[:1], moved="", dtypes=dtypes)
        half = ("float16", "bfloat16", "float32") if n < 200 else ("float16", "bfloat16")
        reports = "pytorch/pytorch#85791 jax-ml/jax#40409 jax-ml/jax#40598"
        flat = np.zeros((1, n))
        add("accuracy", f"{n} equal classes", "cross_entropy", flat, [n - 1], moved="", dtypes=half, reports=reports)
        add("accuracy", f"{n} equal classes", "logsumexp", flat, moved="", dtypes=half)
    for k, size in enumerate((2.0**-30, 2.0**-8, 2.0**-4, 2.0, 16.0, 256.0, 2048.0)):
        x = dyadic(900 + k, (3, 4), 1.0) * size
        dtypes = WIDE if size < 2.0**-10 else ALL
        add("accuracy", f"logits of size {size:g}", "cross_entropy", x, [0, 3, 1], reduction="none", dtypes=dtypes)
        add("accuracy", f"logits of size {size:g}", "entropy", x, reduction="none", dtypes=dtypes)
    large = 1e4 + dyadic(950, (3, 4))
    for f in FROM_LOGITS:
        add("accuracy", "logits around 1e4", f, large, [0, 3, 1], reduction="none", dtypes=WIDE)
        cold = {"temperature": np.asarray([0.0625, 0.5, 100.0])}
        add(
            "accuracy", "logits around 1e4, a temperature", f, large, [0, 3, 1], reduction="none", dtypes=WIDE, **cold
        )
    for t in (2.0**-7, 0.0625, 100.0, 1024.0):
        x = dyadic(960, (3, 4), 1.0)
        learned = {"temperature": np.asarray(t)}
        add("accuracy", f"a temperature of {t:g}", "cross_entropy", x, [0, 3, 1], dtypes=WIDE, **learned)
    for k, size in enumerate((1.0, 4.0, 10.0, 31.0)):
        x = dyadic(970 + k, (3, 4), size)
        learned = {"softcap": np.asarray(1.0)}
        about = f"{size:g} times the softcap"  # 1 - tanh^2 is 0 at 10
        add("accuracy", about, "cross_entropy", x, [0, 3, 1], reduction="none", dtypes=WIDE, **learned)
        add("accuracy", about, "entropy", x, reduction="none", dtypes=WIDE, **learned)


def half_precision(add: Add) -> None:
    reports = "pytorch/pytorch#85791 pytorch/pytorch#29429"
    for dtypes, size in ((("float16",), 40000.0), (("bfloat16",), 1e6)):
        x = [[size, -20000.0, 0.0]] * 4
        for reduction in ("sum", "mean"):
            about = "losses whose sum float16 does not hold"
            add("accuracy", about, "cross_entropy", x, [1] * 4, reduction=reduction, dtypes=dtypes, reports=reports)
    x = dyadic(990, (40, 2))
    for reduction in ("sum", "mean"):
        about = "a sum of 40 rows"
        labels = np.arange(40) % 2
        add("accuracy", about, "cross_entropy", x, labels, reduction=reduction, dtypes=ALL, moved="", reports=reports)
    for f in ("cross_entropy", "focal_loss"):
        x = [[8.0, 7.9375, 0.0], [-3.0, -3.0625, -2.9375]]
        add("accuracy", "close logits in 16 bits", f, x, [0, 1], reduction="none", dtypes=ALL)
        add("accuracy", "close logits in 16 bits; lse", f, x, [0, 1], return_lse=True, reduction="none", dtypes=ALL)


def cases(add: Add) -> None:
    margins(add)
    ties(add)
    rests(add)
    sizes(add)
    half_precision(add)
