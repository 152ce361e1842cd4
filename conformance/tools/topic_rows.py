"""Rules 4 to 6: rows without classes, rows with NaN or +inf, and rows that do not count."""

from __future__ import annotations

import numpy as np
from book import BINARY, WIDE, Add, three_kinds
from shared_rows import (
    BCE,
    CLASSES,
    FROM_LOGITS,
    INF,
    LABELS,
    LOG_P,
    LOG_PROBS,
    LOG_Q,
    LOGITS,
    NAN,
    PAIRS,
    REDUCTIONS,
    SHARES,
    SOFT,
    VOID,
    P,
)

DEAD = [[-INF, -INF, -INF], [0.0, 1.0, 2.0]]
MIXED = [[-INF, 1.0, -INF], [0.0, 1.0, 2.0]]  # what is left of row 0 is where=False
SOME = [[True, False, True], [True, True, True]]
TORCH_EMPTY = "pytorch/pytorch#55056 pytorch/pytorch#49724 pytorch/pytorch#31829 pytorch/pytorch#25110"


def rule_4(add: Add) -> None:
    for f in FROM_LOGITS:
        for reduction in REDUCTIONS:
            three_kinds(add, "4", "every logit is -inf", f, DEAD, LABELS, reduction=reduction, reports=TORCH_EMPTY)
            three_kinds(add, "4", "where removes every class", f, LOGITS, LABELS, where=VOID, reduction=reduction)
            zeros = [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
            add("4", "where removes every class, labels 0", f, LOGITS, zeros, where=VOID, reduction=reduction)
        add("4", "where removes what -inf leaves", f, MIXED, LABELS, where=SOME, reduction="none")
        add("4", "with smoothing", f, DEAD, LABELS, label_smoothing=0.25, reduction="none")
        add(
            "4",
            "with smoothing, all where=False",
            f,
            LOGITS,
            LABELS,
            where=VOID,
            label_smoothing=0.25,
            reduction="none",
        )
        add("4", "weight 0 removes a row of -inf", f, DEAD, LABELS, sample_weight=[0.0, 0.5])
        add("4", "a void row under NaN", f, [[NAN, INF, 1.0], [0.0, 1.0, 2.0]], LABELS, where=VOID, reduction="none")
        for options in ({}, {"where": VOID}):
            x = LOGITS if options else DEAD
            about = "z term of a row without classes"
            add("4", about, f, x, [[0.0] * 3, [0.0, 1.0, 0.0]], z_loss=0.5, reduction="none", **options)
    keras = "keras-team/keras#21149 jax-ml/jax#20626"
    for f in ("softmax", "log_softmax"):
        add("4", "every logit is -inf", f, DEAD, reports=TORCH_EMPTY)
        add("4", "where removes every class", f, LOGITS, where=VOID, reports=keras)
        add("4", "where removes what -inf leaves", f, MIXED, where=SOME)
        add("4", "where removes every class of every row", f, LOGITS, where=[[False]], reports=keras)
    jax = "jax-ml/jax#6811 pytorch/pytorch#31829 pytorch/pytorch#49724"
    for keepdims in (False, True):
        add("4", "every term is -inf", "logsumexp", DEAD, keepdims=keepdims, reports=jax)
        add("4", "where removes every term", "logsumexp", LOGITS, where=VOID, keepdims=keepdims)
    add("4", "every term is -inf", "logsumexp", [-INF, -INF], reports=jax)
    add("4", "every weight is 0", "logsumexp", [1.0, 2.0], b=[0.0, 0.0], return_sign=True)
    for reduction in REDUCTIONS:
        add("4", "every logit is -inf", "entropy", DEAD, reduction=reduction)
        add("4", "where removes every class", "entropy", LOGITS, where=VOID, reduction=reduction)
        for f, a, b in (("kl_divergence", LOG_Q, P), ("js_divergence", LOG_P, LOG_Q)):
            add("4", "where removes every class", f, a, b, where=VOID, reduction=reduction)
    add("4", "where removes every class", "nll_loss", LOG_PROBS, LABELS, where=VOID, reduction="none")


def rule_5(add: Add) -> None:
    torch = "pytorch/pytorch#6864 pytorch/pytorch#106545"
    rows = {
        "NaN off the label": [[0.5, NAN, 1.0], [0.0, 1.0, 2.0]],
        "NaN on the label": [[NAN, 0.0, 1.0], [0.0, 1.0, 2.0]],
        "+inf off the label": [[0.5, INF, 1.0], [0.0, 1.0, 2.0]],
        "+inf on the label": [[INF, 0.0, 1.0], [0.0, 1.0, 2.0]],
        "two +inf": [[INF, 0.0, INF], [0.0, 1.0, 2.0]],
        "+inf and -inf": [[INF, 0.0, -INF], [0.0, 1.0, 2.0]],
        "NaN and -inf": [[1.0, NAN, -INF], [0.0, 1.0, 2.0]],
    }
    for about, x in rows.items():
        reports = torch if "+inf" in about else ""
        for f in FROM_LOGITS:
            for reduction in REDUCTIONS:
                add("5", about, f, x, LABELS, reduction=reduction, reports=reports)
            add("5", f"{about}; soft", f, x, SOFT, reduction="none", reports=reports)
        for f in ("softmax", "log_softmax", "logsumexp", "entropy"):
            options = {"reduction": "none"} if f == "entropy" else {}
            reports = "scipy/scipy#23225 " + torch if f.endswith("softmax") and "+inf" in about else reports
            add("5", about, f, x, reports=reports, **options)
    for f in FROM_LOGITS:
        x = rows["NaN off the label"]
        add("5", "NaN under smoothing", f, x, LABELS, label_smoothing=0.25, reduction="none")
        add("5", "NaN with a class weight of 0", f, x, LABELS, class_weight=[1.0, 0.0, 1.0], reduction="none")
        add("5", "+inf under a softcap", f, rows["+inf off the label"], LABELS, softcap=4.0, reduction="none")
        add("5", "labels 0 in a row of NaN", f, x, [[0.0] * 3, [0.0, 0.0, 1.0]], reduction="none")
    sign = "scipy/scipy#23548"
    add("5", "one +inf, with its sign", "logsumexp", [INF], return_sign=True, reports=sign)
    add("5", "+inf with a negative weight", "logsumexp", [INF, 1.0], b=[-2.0, 1.0], return_sign=True, reports=sign)
    add("5", "+inf with weights of both signs", "logsumexp", [INF, INF], b=[1.0, -1.0], return_sign=True)
    add("5", "NaN weight", "logsumexp", [1.0, 2.0], b=[1.0, NAN])


def rule_6(add: Add) -> None:
    poison = "pytorch/pytorch#11551 keras-team/tf-keras#734"
    for held in ([NAN, NAN, NAN], [-INF, -INF, -INF], [INF, 0.0, NAN], [25600.0, 0.0, -25600.0]):
        x = [held, [-2.0, 3.5, 3.25]]
        for f in FROM_LOGITS:
            for reduction in REDUCTIONS:
                about = f"an ignored row holds {held[0]}"
                add("6", about, f, x, [-100, 2], ignore_index=-100, reduction=reduction, reports=poison)
            about = f"a row of weight 0 holds {held[0]}"
            add("6", about, f, x, LABELS, sample_weight=[0.0, 0.5], reports=poison)
            add("6", f"{about}; soft", f, x, SOFT, sample_weight=[0.0, 0.5], reduction="none")
            add("6", f"{about}, a bad label", f, x, [-1, 2], sample_weight=[0.0, 0.5], reduction="sum")
            options = {"label_smoothing": 0.25, "z_loss": 0.5, "temperature": 0.5, "softcap": 8.0}
            about = f"an ignored row holds {held[0]}; every option"
            add("6", about, f, x, [-100, 2], ignore_index=-100, class_weight=CLASSES, **options)
    out = "pytorch/pytorch#192685 pytorch/pytorch#91383"
    for index in (-1, -100, 3, 255, 2**31, -(2**31) - 1):
        add("6", f"ignore_index {index}", "cross_entropy", LOGITS, [index, 1], ignore_index=index, reports=out)
        add("6", f"ignore_index {index}", "nll_loss", LOG_PROBS, [index, 1], ignore_index=index, reports=out)
    real = "pytorch/pytorch#63004"
    for f in (*FROM_LOGITS, "nll_loss"):
        x = LOG_PROBS if f == "nll_loss" else LOGITS
        for reduction in REDUCTIONS:
            about = "ignore_index is a class, and stays in the softmax"
            add("6", about, f, x, LABELS, ignore_index=0, reduction=reduction, reports=real)
        about = "an ignored entry of a sparse label"
        add("6", about, f, x, [[-1, 2], [1, 1]], label_probs=SHARES, ignore_index=-1, reduction="none")
        about = "a row whose entries are all ignored"
        add("6", about, f, x, [[-1, 2], [-1, -1]], label_probs=SHARES, ignore_index=-1)
        add(
            "6",
            "NaN in an ignored entry",
            f,
            x,
            [[-1, 2], [1, 0]],
            label_probs=[[NAN, 0.5], [0.5, 0.5]],
            ignore_index=-1,
        )
        add("6", "the derivative of a weight of 0", f, x, LABELS, sample_weight=[0.0, 0.5])
        add("6", "the derivative of a weight of 0; sparse", f, x, PAIRS, label_probs=SHARES, sample_weight=[0.0, 0.5])
    for f, a, b in (("kl_divergence", LOG_Q, P), ("js_divergence", LOG_P, LOG_Q), ("entropy", LOGITS, None)):
        for held in ([NAN, 1.0, 2.0], [INF, 1.0, 2.0]):
            args = ([held, a[1]], b) if b else ([held, a[1]],)
            for reduction in REDUCTIONS:
                about = f"a row of weight 0 holds {held[0]}"
                add("6", about, f, *args, sample_weight=[0.0, 0.5], reduction=reduction)
        args = (a, b) if b else (a,)
        add("6", "the derivative of a weight of 0", f, *args, sample_weight=[0.0, 0.5])
    for f in BINARY:
        x = [0.25, NAN, 0.75] if f == "binary_cross_entropy" else [1.5, NAN, -2.0]
        for reduction in REDUCTIONS:
            add("6", "an element of weight 0", f, x, [1, 0, 7], sample_weight=[0.5, 0.0, 0.0], reduction=reduction)
            add(
                "6",
                "an element under the mask",
                f,
                x,
                [1.0, NAN, 0.0],
                where=[True, False, True],
                reduction=reduction,
            )
        add(
            "6", "a mask that broadcasts", f, [x[:1] * 2, x[2:] * 2], [[1.0, 0.0], [0.5, 0.25]], where=[[True, False]]
        )
    infinite(add)
    mask = np.asarray([[True], [False]])
    add("6", "a mask of rows", BCE, LOGITS, [[1, 0, 1], [7, 7, 7]], where=mask, reduction="sum", dtypes=WIDE)


def infinite(add: Add) -> None:
    """A row that does not count, next to a row whose loss is infinite: no 0 times infinity."""
    masked = [[1.5, -INF, 0.25], [-2.0, 3.5, 3.25], [0.5, 0.25, -1.0]]
    where = [[True, False, True], [True, True, True], [True, True, True]]
    soft = [[0.25, 0.5, 0.25], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0]]
    for f in (*FROM_LOGITS, "nll_loss"):
        x = -abs(np.asarray(masked)) if f == "nll_loss" else masked
        for reduction in REDUCTIONS:
            cw = {"class_weight": CLASSES, "reduction": reduction}
            add("6", "a row of weight 0 whose loss is infinite", f, x, [1, 2, 0], sample_weight=[0.0, 0.5, 1.5], **cw)
            about = "an ignored row next to an infinite loss"
            add("6", about, f, x, [1, -1, 0], ignore_index=-1, sample_weight=[1.0, 0.5, 1.5], **cw)
            add("6", "no row has class 2, one loss is infinite", f, x, [1, 0, 0], **cw)
            add("3", "labels under a mask, one loss is infinite", f, x, soft, where=where, **cw)


def cases(add: Add) -> None:
    rule_4(add)
    rule_5(add)
    rule_6(add)
