"""Rule 10: binary losses and elementwise functions at infinities, at exact matches, and in the tails."""

from __future__ import annotations

import numpy as np
from book import WIDE, Add
from shared_rows import BCE, BCE_OF_PROBS, INF, NAN, REDUCTIONS, SIGMOID_FOCAL

MARGINS = (1.0, 2.0, 5.0, 10.0, 16.5, 20.0, 30.0, 37.0, 50.0, 70.0, 80.0)
TORCH = "pytorch/pytorch#49844 pytorch/pytorch#102894 pytorch/pytorch#135359"
CLIPPED = (
    "keras-team/keras#9664 keras-team/keras#9247 keras-team/keras#377 keras-team/keras#15249 "
    "tensorflow/tensorflow#41595 tensorflow/tensorflow#51675 scikit-learn/scikit-learn#24315 "
    "scikit-learn/scikit-learn#24354"
)


def from_logits(add: Add) -> None:
    for reduction in REDUCTIONS:
        add("10", "infinite logits that match", BCE, [INF, -INF, 0.5], [1, 0, 1], reduction=reduction, reports=TORCH)
        add("10", "infinite logits that do not", BCE, [INF, -INF, 0.5], [0, 1, 1], reduction=reduction, reports=TORCH)
    for x in (INF, -INF):
        for y in (0.0, 1.0, 0.5, 0.875):
            add("10", f"logit {x}, label {y}", BCE, [x, 1.0], [y, 0.0], reduction="none", reports=TORCH)
            about = f"logit {x}, label {y}, options"
            options = {"pos_weight": [2.0, 0.5], "label_smoothing": 0.25, "reduction": "none"}
            add("10", about, BCE, [x, 1.0], [y, 0.0], reports=TORCH, **options)
    add("10", "pos_weight of 0 at -inf", BCE, [-INF, 1.0], [1.0, 1.0], pos_weight=[0.0, 2.0], reduction="none")
    add("10", "NaN logits", BCE, [NAN, 1.0, -2.0], [1, 0, 1], reduction="none")
    x = [[margin, -margin] for margin in MARGINS]
    for about, y in (("right", [1, 0]), ("wrong", [0, 1]), ("half", [0.5, 0.5]), ("soft", [0.875, 0.125])):
        labels = [y] * len(MARGINS)
        add("accuracy", f"logits up to 80, {about}", BCE, x, labels, reduction="none", moved="all")
        add("accuracy", f"logits up to 80, {about}; mean", BCE, x, labels, pos_weight=np.asarray(2.0))
    large = "pytorch/pytorch#13773"
    for size in (120.0, 1000.0, 16384.0):
        x = [size, -size, size, -size]
        add("10", f"logits of {size}", BCE, x, [1, 0, 0, 1], pos_weight=[1.0], reduction="none", reports=large)
        add("10", f"logits of {size}; soft", BCE, x, [0.75, 0.25, 0.25, 0.75], reduction="none")
    add("10", "a logit of 0 has gradient 1/2 - y", BCE, [0.0, 0.0, 0.0], [0, 1, 0.25], reduction="none", moved="all")
    tiny = [1e-30, -1e-30, 1e-8, -1e-8]
    add("accuracy", "logits near 0", BCE, tiny, [1, 0, 0, 1], reduction="none", dtypes=WIDE)
    add(
        "accuracy",
        "the optimum of a soft label",
        BCE,
        [1.0986122886681098, -1.0986122886681098],
        [0.75, 0.25],
        dtypes=WIDE,
    )


def from_probabilities(add: Add) -> None:
    f = BCE_OF_PROBS
    for reduction in REDUCTIONS:
        add("10", "p = y is 0", f, [0.0, 1.0, 0.5], [0, 1, 1], reduction=reduction, reports=CLIPPED)
        add("10", "p = 1 - y is infinite", f, [0.0, 1.0, 0.5], [1, 0, 1], reduction=reduction, reports=CLIPPED)
        add("10", "soft labels at the ends", f, [0.0, 1.0, 0.5], [0.5, 0.25, 1.0], reduction=reduction)
    report = "keras-team/keras#15249 tensorflow/tensorflow#51675"
    p = [0.9999999, 0.9999999, 0.0000001]
    add("10", "close to the ends, without an epsilon", f, p, [0, 1, 0], reduction="none", reports=report, dtypes=WIDE)
    tails = [1e-30, 1e-20, 1e-14, 1e-10, 1e-7, 1e-4]
    for y in (0.0, 1.0, 0.5):
        about = f"small probabilities, label {y}"
        add("accuracy", about, f, tails, [y] * 6, reduction="none", dtypes=WIDE, reports=CLIPPED, moved="all")
    near = [1 - 2.0**-k for k in (1, 4, 8, 11, 16, 20, 24)]
    for y in (0.0, 1.0, 0.5):
        about = f"probabilities close to 1, label {y}"
        add("accuracy", about, f, near, [y] * 7, reduction="none", dtypes=WIDE, reports=CLIPPED, moved="all")
    add(
        "10", "the gradient at p = 2^-14", f, [2.0**-14], [1.0], reports="keras-team/keras#9664 tensorflow/addons#693"
    )
    grid = [[k / 8] * 3 for k in range(9)]
    add("10", "eighths", f, grid, [[0.0, 0.25, 1.0]] * 9, reduction="none", moved="all")
    add(
        "10",
        "eighths, smoothed and weighted",
        f,
        grid,
        [[0.0, 0.25, 1.0]] * 9,
        label_smoothing=0.25,
        sample_weight=[[0.5, 1.0, 2.0]],
    )
    report = "scikit-learn/scikit-learn#24315 scikit-learn/scikit-learn#28851 scikit-learn/scikit-learn#17399"
    add(
        "10",
        "a certain prediction that is wrong",
        f,
        [1.0, 1.0, 0.0, 0.0],
        [1, 0, 0, 0],
        reduction="none",
        reports=report,
    )


def focal(add: Add) -> None:
    f = SIGMOID_FOCAL
    report = "google-deepmind/optax#1346 google-deepmind/optax#1267"
    kornia = "kornia/kornia#918 tensorflow/addons#693"
    x = [[margin, -margin] for margin in MARGINS]
    for gamma in (0.0, 0.5, 1.0, 2.0, 5.0):
        learned = {"gamma": np.asarray(gamma), "reduction": "none"}
        for about, y in (("right", [1, 0]), ("wrong", [0, 1]), ("soft", [0.75, 0.5])):
            labels = [y] * len(MARGINS)
            add("accuracy", f"gamma {gamma}, {about}", f, x, labels, dtypes=WIDE, reports=report, **learned)
        plain = {"gamma": gamma, "reduction": "none"}
        add(
            "10",
            f"gamma {gamma}, infinite logits that match",
            f,
            [INF, -INF, 0.5],
            [1, 0, 1],
            reports=report,
            **plain,
        )
        about = f"gamma {gamma}, infinite logits that do not"
        add("10", about, f, [INF, -INF, 0.5], [0, 1, 1], reports=report, **plain)
        add("10", f"gamma {gamma}, +-1000", f, [1000.0, -1000.0], [1, 0], reports=report, **plain)
        add("10", f"gamma {gamma}, +-100", f, [-100.0, -100.0, 100.0, 100.0], [0, 1, 0, 1], reports=kornia, **plain)
        points = [-3.0, -0.5, 0.0, 0.25, 2.0]
        for reduction in REDUCTIONS:
            options = {"gamma": np.asarray(gamma), "alpha": np.asarray(0.25), "reduction": reduction}
            add("13", f"gamma {gamma}, alpha 1/4", f, points, [1.0, 0.0, 0.5, 1.0, 0.0], moved="all", **options)
    for alpha in (0.0, 0.5, 1.0):
        add("13", f"alpha {alpha}", f, [-3.0, 0.5, 2.0], [1, 0, 1], alpha=alpha, gamma=2.0)
    add("13", "no alpha, integer labels", f, [-3.0, 0.5, 2.0], [1, 0, 1])
    add("5", "NaN logits", f, [NAN, 0.5, 2.0], [1, 0, 1], reduction="none")


def elementwise(add: Add) -> None:
    points = [-INF, -80.0, -40.0, -16.5, -5.0, -1.5, 0.0, 0.5, 5.0, 16.5, 40.0, 80.0, INF, NAN]
    kink = "jax-ml/jax#2140"
    for f in ("sigmoid", "log_sigmoid", "softplus"):
        add("10", "from -inf to +inf", f, points)
        add("13", "the derivative at 0", f, [0.0], reports=kink)
        add("accuracy", "near 0", f, [1e-30, -1e-30, 1e-8, -1e-8], dtypes=WIDE)
        add("accuracy", "far out", f, [[-700.0, -100.0], [100.0, 700.0]], dtypes=("float64",))
        add("15", "nothing", f, np.zeros((0, 3)))
    ends = "tensorflow/tensorflow#56873 tensorflow/tensorflow#119869 pytorch/pytorch#80770"
    add("2", "0 log 0 and 0 log y", "xlogy", [0.0, 0.0, 1.5, 2.0], [0.0, 2.0, 0.0, 0.75], reports=ends)
    add("2", "0 log y has a derivative", "xlogy", [0.0, 0.0, 0.0], [2.0, 0.5, 1.0], reports=ends)
    add("13", "broadcast", "xlogy", [[0.5], [2.0]], [[0.25, 3.0, 1.0]])


def cases(add: Add) -> None:
    from_logits(add)
    from_probabilities(add)
    focal(add)
    elementwise(add)
