"""Divergences, entropy and normalizers: what their formulas cancel, and signed weights."""

from __future__ import annotations

import numpy as np
from book import WIDE, Add
from shared_rows import INF, LOG_P, LOG_Q, REDUCTIONS, ROWS, P, dyadic, shares


def log_softmax(x: np.ndarray) -> np.ndarray:
    """For inputs alone: they are rounded, and then taken as exact."""
    d = x - x.max(axis=-1, keepdims=True)
    return d - np.log(np.exp(d).sum(axis=-1, keepdims=True))


def near(seed: int, size: float) -> tuple[np.ndarray, np.ndarray]:
    """Two distributions whose logits differ by about `size`, as log-probabilities."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 2, (2, 4))
    return log_softmax(x), log_softmax(x + size * rng.normal(0, 1, x.shape))


def divergences(add: Add) -> None:
    negative = "pytorch/pytorch#80488 pytorch/pytorch#60928 pytorch/pytorch#51716"
    for k, size in enumerate((1.0, 0.25, 1e-2, 1e-3, 1e-5)):
        log_p, log_q = near(30 + k, size)
        for reduction in ("none", "mean"):
            options = {"reduction": reduction, "reports": negative, "dtypes": WIDE}
            about = f"distributions that differ by {size}"
            add("accuracy", about, "kl_divergence", log_q, np.exp(log_p), moved="all", **options)
            add("accuracy", about, "kl_divergence", log_q, log_p, log_target=True, moved="all", **options)
            add("accuracy", about, "js_divergence", log_p, log_q, moved="all", **options)
    for k in range(4):
        p = shares(40 + k, (3, 4))
        q = -abs(dyadic(50 + k, (3, 4))) - 0.125
        logs = -abs(dyadic(60 + k, (3, 4))) - 0.125
        for reduction in REDUCTIONS:
            about = "dyadic numbers"
            add("13", about, "kl_divergence", q, p, reduction=reduction, sample_weight=[0.5, 2.0, 1.0])
            add("13", about, "kl_divergence", q, logs, log_target=True, reduction=reduction, moved="all")
            add(
                "13", about, "js_divergence", logs, q, reduction=reduction, sample_weight=[0.5, 2.0, 1.0], moved="all"
            )
    add(
        "13",
        "equal distributions",
        "kl_divergence",
        LOG_Q,
        LOG_Q,
        log_target=True,
        reduction="none",
        reports=negative,
    )
    add("13", "equal distributions", "js_divergence", LOG_Q, LOG_Q, reduction="none", reports=negative)
    add("13", "equal probabilities", "kl_divergence", np.log(np.asarray(P)), P, reduction="none", dtypes=WIDE)
    x = np.asarray([[1.0, 2.0, 3.0], [5.0, 5.0, 5.0]])
    y = np.asarray([[8.0, 10.0, 6.0], [5.0, 5.0, 5.0]])
    about = "the numbers of the report"
    options = {"reduction": "none", "dtypes": WIDE}
    add("13", about, "kl_divergence", log_softmax(x), np.exp(log_softmax(x)), reports=negative, **options)
    add("13", about, "kl_divergence", log_softmax(x), log_softmax(y), log_target=True, reports=negative, **options)
    sums = "the classes of a row are summed, not averaged"
    add("7", sums, "kl_divergence", [[-1.0] * 8, [-2.0] * 8], np.full((2, 8), 0.125))
    add("7", sums, "js_divergence", [[-1.0] * 8, [-2.0] * 8], np.log(np.full((2, 8), 0.125)), dtypes=WIDE)
    add("accuracy", "p in a far tail", "kl_divergence", [[-1.0, -60.0, 0.0]], [[1e-30, 1.0, 1e-7]], dtypes=WIDE)
    add("accuracy", "disjoint, nearly", "js_divergence", [[0.0, -60.0]], [[-60.0, 0.0]], reduction="none")
    add("2", "p = 0 and 1", "kl_divergence", [[-0.5, -1.0]], [[0.0, 1.0]], reduction="none")


def entropies(add: Add) -> None:
    for margin in (1.0, 5.0, 16.5, 20.0, 37.0, 40.0, 80.0):
        x = [[margin, 0.0, -1.0], [0.0, margin, margin], [-margin, -margin, 0.0]]
        for reduction in REDUCTIONS:
            dtypes = WIDE if reduction == "sum" else ("float16", "bfloat16", *WIDE)
            add("accuracy", f"confident by {margin}", "entropy", x, reduction=reduction, dtypes=dtypes)
        learned = {"temperature": [0.5, 1.0, 4.0], "sample_weight": [0.5, 1.0, 2.0]}
        add("accuracy", f"confident by {margin}; temperature", "entropy", x, moved="all", dtypes=WIDE, **learned)
    for n in (2, 3, 10, 64):
        add("13", f"{n} equal classes", "entropy", np.zeros((2, n)), reduction="none")
        add("13", f"{n} classes", "entropy", dyadic(70 + n, (2, n)), sample_weight=ROWS)
    add("13", "one class", "entropy", [[1.5], [-2.0]], reduction="none")


def signed_sums(add: Add) -> None:
    f = "logsumexp"
    scipy = "scipy/scipy#22903"
    a, b = [3.06409428, 0.37251854, 3.87471931], [1.88190708, 2.84174795, -0.85016884]
    for sign in (False, True):
        add("13", "the largest term is subtracted", f, a, b=b, return_sign=sign, reports=scipy, dtypes=WIDE)
        add("13", "a sum below 0", f, [1.0, 3.0], b=[0.5, -1.0], return_sign=sign)
        add("13", "a sum of 0", f, [1.0, 1.0], b=[1.0, -1.0], return_sign=sign)
        add("13", "positive weights", f, [[1.0, 2.0, 0.5], [0.0, -3.0, 4.0]], b=[[0.5, 2.0, 1.0]], return_sign=sign)
        add("13", "weights of rows", f, [[1.0, 2.0, 0.5], [0.0, -3.0, 4.0]], b=[[0.5], [2.0]], return_sign=sign)
    for k in range(6):
        x, b = dyadic(80 + k, (3, 4), 2.0), dyadic(90 + k, (3, 4), 2.0)
        add("13", "weights of both signs", f, x, b=b, return_sign=True, moved="all")
        add("13", "weights of both signs, a mask", f, x, b=b, where=abs(b) > 0.5, return_sign=True)
        add("13", "positive weights", f, x, b=abs(b) + 0.125, keepdims=True, moved="all")
    add("13", "-inf with weights", f, [-INF, 1.0, 2.0], b=[2.0, -0.5, 1.0], return_sign=True)


def cases(add: Add) -> None:
    divergences(add)
    entropies(add)
    signed_sums(add)
    for f, args in (("js_divergence", (LOG_P, LOG_Q)), ("kl_divergence", (LOG_Q, P))):
        add("13", "no batch", f, *(np.asarray(x)[0] for x in args), reduction="none")
