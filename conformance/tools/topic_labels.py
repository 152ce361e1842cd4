"""Rule 9: bad labels never give a finite loss; and integer labels of every width."""

from __future__ import annotations

import numpy as np
from book import Add
from shared_rows import (
    BCE,
    BCE_OF_PROBS,
    CLASSES,
    FROM_LOGITS,
    INF,
    LABELS,
    LOG_PROBS,
    LOGITS,
    NAN,
    REDUCTIONS,
    SHARES,
    SIGMOID_FOCAL,
    VOID,
    WHERE,
)

RANGE = (
    "google-deepmind/optax#1185 tensorflow/tensorflow#126005 tensorflow/tensorflow#8484 tensorflow/tensorflow#10268 "
    "tensorflow/tensorflow#56979 pytorch/pytorch#40858 pytorch/pytorch#43840 pytorch/pytorch#49882 "
    "pytorch/pytorch#106467 pytorch/pytorch#108148 pytorch/pytorch#12670 keras-team/keras#23664 "
    "pytorch/pytorch#18014 pytorch/pytorch#21825 pytorch/pytorch#44355"
)
NO_RAISE = {"check_labels": "nan"}


def indices(add: Add) -> None:
    for f in (*FROM_LOGITS, "nll_loss"):
        x = LOG_PROBS if f == "nll_loss" else LOGITS
        for label in (3, -1, -3, -4, -100, 255, 2**31, 2**31 - 1, -(2**31), 2**40):
            add("9", f"label {label} of 3 classes", f, x, [label, 2], reduction="none", reports=RANGE, **NO_RAISE)
        for label in (3, -1):
            for reduction in ("sum", "mean"):
                add(
                    "9",
                    f"label {label}; {reduction}",
                    f,
                    x,
                    [label, 2],
                    reduction=reduction,
                    reports=RANGE,
                    **NO_RAISE,
                )
            options = {"class_weight": CLASSES, "label_smoothing": 0.25}
            add(
                "9",
                f"label {label} under weights and smoothing",
                f,
                x,
                [label, 2],
                reduction="none",
                **options,
                **NO_RAISE,
            )
            weights = {"class_weight": CLASSES, "sample_weight": [1.5, 0.5]}
            add("9", f"label {label} in a weighted mean", f, x, [label, 2], **weights, **NO_RAISE)
            add("9", f"label {label} under a mask", f, x, [label, 2], where=WHERE, reduction="none", **NO_RAISE)
            add(
                "9",
                f"label {label} in a row without classes",
                f,
                x,
                [label, 2],
                where=VOID,
                reduction="none",
                **NO_RAISE,
            )
            add("9", f"label {label} next to ignore_index", f, x, [label, -100], ignore_index=-100, **NO_RAISE)
            add("9", f"label {label}, class weights 0", f, x, [label, 2], class_weight=[0.0] * 3, **NO_RAISE)
        add(
            "9",
            "bad only where the weight is 0",
            f,
            x,
            [-1, 2],
            sample_weight=[0.0, 1.0],
            reduction="none",
            **NO_RAISE,
        )
        add("9", "every label is bad", f, x, [7, -7], **NO_RAISE)
    mixed = [[1.5, -0.75], [-2.0, 3.5], [0.25, 0.5], [1.0, 1.0]]
    for f in FROM_LOGITS:
        add(
            "9",
            "bad labels leave other rows alone",
            f,
            mixed,
            [0, 2, 1, -1],
            reduction="none",
            reports=RANGE,
            **NO_RAISE,
        )
        options = {"z_loss": 0.5, "label_smoothing": 1.0, "class_weight": [0.0, 0.0]}
        about = "no option makes a bad row finite"
        add("9", about, f, mixed, [0, 2, 1, -1], reduction="none", **options, **NO_RAISE)
        add("9", "lse of a bad row", f, mixed, [0, 2, 1, -1], reduction="none", return_lse=True, **NO_RAISE)


def distributions(add: Add) -> None:
    rows = {
        "NaN": [[NAN, 0.0, 1.0], [0.0, 0.0, 1.0]],
        "+inf": [[INF, 0.0, 1.0], [0.0, 0.0, 1.0]],
        "-inf": [[0.5, -INF, 1.0], [0.0, 0.0, 1.0]],
        "only NaN": [[NAN, NAN, NAN], [0.0, 0.0, 1.0]],
    }
    for f in (*FROM_LOGITS, "nll_loss"):
        x = LOG_PROBS if f == "nll_loss" else LOGITS
        for name, soft in rows.items():
            for reduction in REDUCTIONS:
                add("9", f"a distribution with {name}", f, x, soft, reduction=reduction, **NO_RAISE)
            add("9", f"{name} under a mask", f, x, soft, where=WHERE, reduction="none", **NO_RAISE)
        sparse = {
            "an index outside": ([[0, 3], [1, 1]], SHARES),
            "a negative index": ([[0, -1], [1, 1]], SHARES),
            "a NaN probability": ([[0, 2], [1, 1]], [[0.75, NAN], [0.5, 0.25]]),
            "an infinite probability": ([[0, 2], [1, 1]], [[INF, 0.25], [0.5, 0.25]]),
            "an index outside with probability 0": ([[0, 3], [1, 1]], [[0.75, 0.0], [0.5, 0.25]]),
        }
        for about, (index, probs) in sparse.items():
            add("9", f"sparse: {about}", f, x, index, label_probs=probs, reduction="none", **NO_RAISE)
            add("9", f"sparse: {about}; mean", f, x, index, label_probs=probs, class_weight=CLASSES, **NO_RAISE)
        good = [[2.0, -1.0, 0.5], [-0.5, 1.0, 0.0]]
        add("9", "negative and large class probabilities are linear", f, x, good, reduction="none")
    for f in (BCE, SIGMOID_FOCAL, BCE_OF_PROBS):
        x = [0.5, 0.25, 0.75] if f == BCE_OF_PROBS else [0.5, -1.5, 2.0]
        for bad in (2.0, -0.5, NAN, INF, 1.125):
            for reduction in REDUCTIONS:
                about = f"the binary label {bad}"
                report = "keras-team/keras#4744 " if bad == -0.5 else ""
                add("9", about, f, x, [bad, 0.0, 1.0], reduction=reduction, reports=report, **NO_RAISE)
        for bad in (2, -1, 100):
            add("9", f"the binary label {bad}", f, x, [1, bad, 0], reduction="none", **NO_RAISE)
        add(
            "9",
            "a bad label under the mask",
            f,
            x,
            [1.0, 7.0, 0.0],
            where=[True, False, True],
            reduction="none",
            **NO_RAISE,
        )
        add("9", "bool labels", f, x, np.asarray([True, False, True]), reduction="none")
    for bad in (-0.5, 1.5, NAN, INF, -INF):
        about = f"the probability {bad}"
        report = "keras-team/keras#4744"
        add("9", about, BCE_OF_PROBS, [bad, 0.25], [0, 1], reduction="none", reports=report, **NO_RAISE)
    negative = [[-0.25, 0.75, 0.5], [0.5, 0.25, 0.25]]
    report = "pytorch/pytorch#69230"
    add("9", "a negative p", "kl_divergence", LOG_PROBS, negative, reduction="none", reports=report, **NO_RAISE)


def widths(add: Add) -> None:
    small = "pytorch/pytorch#45540 pytorch/pytorch#59765"
    for dtype in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"):
        labels = np.asarray(LABELS, dtype=dtype)
        for f in (*FROM_LOGITS, "nll_loss"):
            x = LOG_PROBS if f == "nll_loss" else LOGITS
            add("9", f"{dtype} labels", f, x, labels, reduction="none", reports=small)
        largest = np.asarray([min(np.iinfo(dtype).max, 2**53), 2], dtype=dtype)
        about = f"the largest {dtype} is no class"
        add("9", about, "cross_entropy", LOGITS, largest, reduction="none", reports=RANGE, **NO_RAISE)
        add("9", f"{dtype}, ignored", "cross_entropy", LOGITS, largest, ignore_index=int(largest[0]))
    wide, wider = np.zeros((1, 300)), np.zeros((2, 258))
    wide[0, 299], wider[0, 3] = 3.0, 2.0
    about = "a uint8 label of 300 classes"
    add("9", about, "cross_entropy", wide, np.asarray([255], np.uint8), reduction="none", dtypes=("float32",))
    about = "ignore_index -100 is not the uint8 156"
    label = np.asarray([156], np.uint8)
    add("9", about, "cross_entropy", wide, label, ignore_index=-100, dtypes=("float32",), moved="")
    about = "an ignore_index that the labels' dtype cannot hold"
    add("9", about, "cross_entropy", LOGITS, np.asarray([0, 2], np.uint8), ignore_index=-1, reduction="none")
    about = "ignore_index 257 is not 256, which it would round to in 16 bits"
    add("9", about, "cross_entropy", wider, np.asarray([256, 257]), ignore_index=257, dtypes=("bfloat16",), moved="")
    for dtype in ("int8", "int32", "uint8"):
        y = np.asarray([1, 0, 1], dtype=dtype)
        add("9", f"{dtype} labels", BCE, [0.5, -1.5, 2.0], y, reduction="none")
        add("9", f"{dtype} labels", SIGMOID_FOCAL, [0.5, -1.5, 2.0], y, reduction="none")


def cases(add: Add) -> None:
    indices(add)
    distributions(add)
    widths(add)
