"""Rules 8, 11 and 12: label smoothing; softcap, temperature and mask in their order; z-loss and lse."""

from __future__ import annotations

import numpy as np
from book import WIDE, Add, three_kinds
from shared_rows import (
    BCE,
    BCE_OF_PROBS,
    CLASSES,
    FROM_LOGITS,
    INF,
    LABELS,
    LOG_PROBS,
    LOGITS,
    MASKED,
    NAN,
    PAIRS,
    REDUCTIONS,
    ROWS,
    SHARES,
    SOFT,
    VOID,
    WHERE,
    dyadic,
)

BOTH = {"class_weight": CLASSES, "sample_weight": ROWS}


def rule_8(add: Add) -> None:
    masked = "google-deepmind/optax#1760"
    sparse = "google-deepmind/optax#1486 keras-team/keras#23487 pytorch/pytorch#148884"
    for f in (*FROM_LOGITS, "nll_loss"):
        x = LOG_PROBS if f == "nll_loss" else LOGITS
        for eps in (0.125, 0.5, 1.0):
            about = f"smoothing by {eps}"
            three_kinds(add, "8", about, f, x, LABELS, label_smoothing=eps, reduction="none", reports=sparse)
        for reduction in REDUCTIONS:
            learned = {"label_smoothing": np.asarray(0.25), "reduction": reduction}
            add("8", "learned smoothing", f, x, LABELS, moved="all", **learned)
            add("8", "learned smoothing; soft", f, x, SOFT, moved="all", **learned)
            about = "smoothing only over what where allows"
            add("8", about, f, x, LABELS, where=WHERE, reports=masked, **learned)
            weighted = "pytorch/pytorch#104776"
            add("8", "class weights meet smoothing", f, x, LABELS, reports=weighted, moved="all", **BOTH, **learned)
            crash = "pytorch/pytorch#69339 pytorch/pytorch#72056 pytorch/pytorch#91383 pytorch/pytorch#73205"
            ignored = {"ignore_index": -100, "reports": crash, **learned}
            add("8", "an ignored row is not smoothed", f, x, [-100, 1], **ignored)
            add("8", "an ignored row is not smoothed; weights", f, x, [-100, 1], class_weight=CLASSES, **ignored)
            add("8", "where and class weights", f, x, SOFT, where=WHERE, class_weight=CLASSES, **learned)
        add("8", "smoothing of 0 has a derivative", f, x, LABELS, label_smoothing=np.asarray(0.0), reduction="none")
        add("8", "sparse entries", f, x, PAIRS, label_probs=SHARES, label_smoothing=np.asarray(0.25), moved="all")
        mass = [[2.0, 1.0, 1.0], [0.0, 0.25, 0.25]]
        add("8", "the mass of a row stays", f, x, mass, label_smoothing=0.25, reduction="none")
        add("8", "mass under the mask is not spread", f, x, SOFT, where=[[True, True, False]], label_smoothing=0.5)
        add("8", "where removes every class", f, x, [[0.0] * 3, [0.0, 1.0, 0.0]], where=VOID, label_smoothing=0.5)
    for f in FROM_LOGITS:
        three_kinds(add, "8", "nothing goes to -inf", f, MASKED, LABELS, label_smoothing=0.125, reduction="none")
        add("8", "the label is -inf", f, MASKED, [1, 2], label_smoothing=0.125, reduction="none")
        add("8", "smoothing by 1 removes a label at -inf", f, MASKED, [1, 2], label_smoothing=1.0, reduction="none")
        about = "a confident row under smoothing"
        add("8", about, f, [[20.0, 0.0, -1.0], [0.0, 30.0, 1.0]], [0, 1], label_smoothing=0.0625, reduction="none")
    bce = "pytorch/pytorch#91545"
    for f, x in ((BCE, [1.5, -0.5, 20.0, -20.0]), (BCE_OF_PROBS, [0.75, 0.25, 1.0, 0.0])):
        for reduction in REDUCTIONS:
            learned = {"label_smoothing": np.asarray(0.25), "reduction": reduction, "reports": bce}
            add("8", "y (1 - eps) + eps / 2", f, x, [1, 0, 1, 0], **learned)
            add("8", "y (1 - eps) + eps / 2; soft", f, x[:2], [0.25, 0.75], moved="all", **learned)
        add("8", "smoothing by 1", f, x[:2], [1, 0], label_smoothing=1.0, reduction="none")


def rule_11(add: Add) -> None:
    pad = "unslothai/unsloth#10616"
    for f in (*FROM_LOGITS, "entropy"):
        args = (LABELS,) if f in FROM_LOGITS else ()
        for t in (0.5, 2.0, 0.0625):
            add("11", f"temperature {t}", f, LOGITS, *args, temperature=t, reduction="none")
        for reduction in REDUCTIONS:
            learned = {"temperature": np.asarray(0.75), "softcap": np.asarray(4.0), "reduction": reduction}
            add("11", "softcap, then temperature, learned", f, LOGITS, *args, moved="all", **learned)
            add("11", "a mask is never undone", f, MASKED, *args, reports=pad, **learned)
            rows = {"temperature": [0.5, 2.0], "reduction": reduction}
            add("11", "a temperature for each row", f, LOGITS, *args, moved="all", **rows)
            add("11", "a temperature for each row, a mask", f, LOGITS, *args, where=WHERE, **rows)
        for cap in (1.0, 4.0, 30.0):
            x = [[0.5, -8.0, 3.0], [40.0, 1.0, -INF]]
            softcap = np.asarray(cap)
            add("11", f"softcap {cap}", f, x, *args, softcap=softcap, reduction="none", reports=pad, dtypes=WIDE)
        add(
            "11",
            "far above the cap",
            f,
            [[40.0, 1.0, -30.0]],
            *(a[:1] for a in args),
            softcap=np.asarray(4.0),
            dtypes=WIDE,
        )
        cold = {"temperature": 0.75, "reduction": "none", "dtypes": WIDE}
        add("11", "cold and large", f, [[10000.0, 9999.0, 9998.5]], *(a[:1] for a in args), **cold)
    for f in FROM_LOGITS:
        options = {"temperature": 0.5, "softcap": 4.0, "where": WHERE, "label_smoothing": 0.25, "z_loss": 0.125}
        for reduction in REDUCTIONS:
            add("11", "every option", f, LOGITS, LABELS, reduction=reduction, **BOTH, **options)
            add("11", "every option; soft", f, LOGITS, SOFT, reduction=reduction, **BOTH, **options)
    for f in ("softmax", "log_softmax"):
        for t in (0.5, 2.0):
            add("11", f"temperature {t}", f, LOGITS, temperature=t)
        add("11", "a temperature for each row", f, LOGITS, temperature=[0.5, 2.0])
        add("11", "a learned temperature, -inf", f, MASKED, temperature=np.asarray(0.75))
        add("11", "a temperature and a mask", f, LOGITS, temperature=[0.5, 2.0], where=WHERE)


def rule_12(add: Add) -> None:
    learned = {"z_loss": np.asarray(0.125)}
    for f in FROM_LOGITS:
        for reduction in REDUCTIONS:
            add("12", "z-loss", f, LOGITS, LABELS, reduction=reduction, moved="all", **learned)
            add("12", "only sample weights weigh it", f, LOGITS, LABELS, reduction=reduction, **BOTH, **learned)
            options = {"temperature": 0.5, "softcap": 4.0, "reduction": reduction}
            add("12", "of the final logits", f, LOGITS, SOFT, **options, **learned)
            add("12", "an ignored row", f, LOGITS, [-100, 1], ignore_index=-100, reduction=reduction, **learned)
            add("12", "of the allowed classes", f, MASKED, LABELS, reduction=reduction, **learned)
        add(
            "12",
            "no class: no z term",
            f,
            LOGITS,
            [[0.0] * 3, [0.0, 1.0, 0.0]],
            where=VOID,
            reduction="none",
            **learned,
        )
        add("12", "z-loss of 0 has a derivative", f, LOGITS, LABELS, z_loss=np.asarray(0.0), reduction="none")
        add("12", "labels 0", f, LOGITS, [[0.0] * 3, [0.0, 0.0, 1.0]], reduction="none", **learned)
        add("12", "lse is 0", f, [[-0.6875, -0.6875]], [0], reduction="none", **learned)
        add("12", "smoothing and z-loss", f, LOGITS, LABELS, label_smoothing=0.25, **learned)
        pair = {"return_lse": True, "reduction": "none"}
        add("12", "with lse", f, LOGITS, LABELS, **pair)
        add("12", "lse of the final logits", f, LOGITS, LABELS, temperature=0.5, softcap=4.0, where=WHERE, **pair)
        about = "lse ignores labels and weights"
        add("12", about, f, LOGITS, [-100, 1], ignore_index=-100, sample_weight=[1.0, 0.0], **pair)
        add(
            "12",
            "lse of rows of NaN, +inf, -inf",
            f,
            [[NAN, 0.0], [INF, 0.0], [-INF, -INF], [1.0, 2.0]],
            [0] * 4,
            **pair,
        )
        add("12", "lse of a row without classes", f, LOGITS, LABELS, where=VOID, z_loss=0.5, **pair)
        add("12", "lse next to a mean", f, dyadic(4, (3, 5)), [0, 4, 2], return_lse=True, **learned)
        add("12", "lse of three axes", f, dyadic(5, (2, 3, 2)), [[0, 1], [2, 0]], axis=1, return_lse=True, **learned)


def cases(add: Add) -> None:
    rule_8(add)
    rule_11(add)
    rule_12(add)
