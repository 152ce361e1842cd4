"""Public bug reports, as close to their own numbers as a dtype allows; first the ones that are often met again."""

from __future__ import annotations

import numpy as np
from book import ALL, WIDE, Add
from shared_rows import BCE, BCE_OF_PROBS, INF, NAN, SIGMOID_FOCAL

NO_RAISE = {"check_labels": "nan"}
CE = "cross_entropy"


def stories(add: Add) -> None:
    """Five that most libraries have had."""
    masked = (
        "google-deepmind/optax#896 google-deepmind/optax#898 google-deepmind/optax#916 google-deepmind/optax#1762"
    )
    x = [[-INF, 1.0, 2.0], [0.5, -INF, 0.0]]
    for about, labels in (
        ("one-hot", [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),
        ("soft", [[0.0, 0.5, 0.5], [0.25, 0.0, 0.75]]),
    ):
        text = f"a masked action with label 0, {about}"
        add("2", text, CE, x, labels, reduction="none", reports=masked, dtypes=ALL, moved="all")
    bad = "google-deepmind/optax#1185 tensorflow/tensorflow#8484 keras-team/keras#23664 pytorch/pytorch#108148"
    x = [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]
    for label in (3, -1, 100, -100):
        text = f"label {label} of 3 classes is NaN, not a number"
        add("9", text, CE, x, [0, label, 2], reduction="none", reports=bad, dtypes=ALL, **NO_RAISE)
    formula = "google-deepmind/optax#1040 google-deepmind/optax#1041"
    labels = [[0.5, 0.5, 0.0], [0.25, 0.25, 0.5], [0.0, 0.0, 1.0]]
    text = "-sum y log p, not log sum y p"
    add("13", text, CE, x, labels, reduction="none", reports=formula, dtypes=ALL, moved="all")
    clip = "keras-team/keras#9664 tensorflow/tensorflow#41595 scikit-learn/scikit-learn#24315"
    text = "no epsilon: a wrong certainty costs infinitely much"
    add("10", text, BCE_OF_PROBS, [0.0, 1.0, 1.0, 0.0], [1, 0, 1, 0], reduction="none", reports=clip, dtypes=ALL)
    text = "no epsilon: small probabilities keep their gradient"
    p = [1e-8, 1e-12, 1e-30, 1.0 - 2.0**-24]
    add("10", text, BCE_OF_PROBS, p, [1, 1, 1, 0], reduction="none", reports=clip, dtypes=WIDE)
    stable = "tensorflow/tensorflow#10142 pytorch/pytorch#11752"
    for x in ([1000.0, 0.0, -1000.0], [-1000.0, -1000.0, -1001.0], [300.0, 301.0, 302.0]):
        text = "exp alone overflows or underflows"
        for f in ("softmax", "log_softmax", "logsumexp", "entropy"):
            add("14", text, f, x, reports=stable, dtypes=ALL)
        add("14", text, CE, x, np.asarray(1), reports=stable, dtypes=ALL)


def pytorch(add: Add) -> None:
    t = "pytorch/pytorch#"
    for about, logits, y in (
        ("-inf, 0", [-INF], [0.0]),
        ("+inf, 1", [INF, 1.0], [1.0, 0.0]),
        ("-inf, 0.9", [-INF], [0.90625]),
    ):
        add("10", f"BCE at ({about})", BCE, logits, y, reports=f"{t}49844 {t}102894 {t}135359", dtypes=ALL)
    add(
        "10",
        "pos_weight 1 at -120",
        BCE,
        [0.0, -120.0],
        [0.0, 1.0],
        pos_weight=[1.0, 1.0],
        reports=f"{t}13773",
        dtypes=ALL,
    )
    add(
        "6",
        "every label is -100",
        CE,
        np.zeros((10, 5)),
        [-100] * 10,
        ignore_index=-100,
        reports=f"{t}70348",
        dtypes=ALL,
    )
    add("6", "one row, ignored", CE, [[1.0, 2.0, 3.0]], [-1], ignore_index=-1, reports=f"{t}75181", dtypes=ALL)
    held = [[-INF] * 5, [0.5, 1.0, -0.5, 0.0, 2.0]]
    add("6", "an ignored row of -inf", CE, held, [-1, 3], ignore_index=-1, reports=f"{t}11551", dtypes=ALL)
    for row in ([1.0, 1.0, 1.0], [0.0, 1.0, 1.0], [-INF, 1.0, 1.0]):
        add("6", "ignore_index 0 is a class", CE, [row, row], [1, 2], ignore_index=0, reports=f"{t}63004", dtypes=ALL)
    options = {"class_weight": [0.2, 0.3], "label_smoothing": 0.125, "ignore_index": -100, "reports": f"{t}69339"}
    add("8", "weights, smoothing and an ignored row", CE, [[1.0, 2.0], [3.0, 0.4]], [-100, 1], dtypes=ALL, **options)
    x = [[0.1735, 0.2191], [-0.1377, 0.3467], [-0.2162, 0.2021], [-0.1177, 0.2157], [-0.1232, 0.2620]]
    options = {
        "class_weight": [1.0, 16.0],
        "label_smoothing": 0.125,
        "ignore_index": -1,
        "reports": f"{t}72056 {t}73205",
    }
    for reduction in ("none", "sum", "mean"):
        add("8", "smoothing skips ignored rows", CE, x, [0, -1, 0, 1, 0], reduction=reduction, dtypes=ALL, **options)
    x = [[1.0, 0.0, 0.0]] * 3
    options = {"class_weight": [1.0] * 3, "label_smoothing": 0.125, "ignore_index": -100, "reports": f"{t}91383"}
    add("8", "weights, smoothing and an ignored row; ones", CE, x, [0, 1, -100], dtypes=ALL, **options)
    x = [[0.5, -1.0], [2.0, 0.25]]
    for kind in ([0, 1], [[1.0, 0.0], [0.0, 1.0]]):
        about = "indices and one-hot rows under weights"
        add("7", about, CE, x, kind, class_weight=[4.0, 1.0], reports=f"{t}107680 {t}8062", dtypes=ALL)
    add("9", "a NaN logit stays NaN", CE, [[NAN, 0.0], [1.0, 2.0]], [0, 1], reduction="none", reports=f"{t}795")
    for x in ([0.0, INF], [0.0, INF, 0.0], [-INF, 0.0, INF], [0.0, -INF], [-INF, 0.0, -INF]):
        for f in ("softmax", "log_softmax"):
            add("5" if INF in x else "1", "one infinity", f, x, reports=f"{t}6864 scipy/scipy#23225", dtypes=ALL)
    add("2", "target 0 far out", "kl_divergence", [0.0, -700.0], [1.0, 0.0], reports=f"{t}89558", dtypes=ALL)
    q, p = np.log(np.asarray([[0.1132, 0.5477, 0.3390]])), [[0.1541, 0.0511, 0.0947]]
    add("13", "not a distribution: less than 0", "kl_divergence", q, p, reports=f"{t}60928", dtypes=ALL, moved="all")
    add("13", "two logits of 1e8", CE, [[1e8, 1e8]], [1], reports=f"{t}11752", dtypes=("bfloat16", *WIDE))


def jax_and_optax(add: Add) -> None:
    j, o = "jax-ml/jax#", "google-deepmind/optax#"
    add("2", "b with a 0", "logsumexp", [0.0, 0.0], b=[1.0, 0.0], reports=f"{j}22398", dtypes=ALL, moved="all")
    add("2", "b with a 0, three terms", "logsumexp", [0.0] * 3, b=[2.0, 0.0, 5.0], reports=f"{j}37633", dtypes=ALL)
    add("4", "-inf only", "logsumexp", [-INF, -INF], reports=f"{j}6811", dtypes=ALL)
    add("1", "a mask hides 100", "logsumexp", [0.0, 100.0], where=[True, False], reports=f"{j}23842", dtypes=ALL)
    for f in ("softmax", "log_softmax"):
        options = {"where": [True, True, False], "reports": f"{j}17117", "dtypes": ALL}
        add("1", "a mask hides 100", f, [1.0, 1.0, 100.0], **options)
        options = {"where": [True, False], "reports": f"{j}19490", "dtypes": ALL}
        add("1", "a mask hides 10000", f, [36.0, 10000.0], **options)
    x = [37.42994775023705, 0.0]
    add("accuracy", "a gradient of 5.6e-17", CE, [x], [0], reports=f"{j}40384", dtypes=WIDE)
    add("13", "the slope of log_sigmoid at 0", "log_sigmoid", [0.0], reports=f"{j}2140", dtypes=ALL)
    logits, labels = [[-INF, 0.0, 0.0]], [[0.0, 1.0, 0.0]]
    add("2", "the tangent at -inf", CE, logits, labels, reports=f"{o}1762", dtypes=ALL, moved="all")
    smooth = {"where": [[True, True, False, True]], "label_smoothing": 0.25, "reports": f"{o}1760", "dtypes": ALL}
    add("8", "masked classes get no mass", CE, [[0.5, 1.0, 2.0, -1.0]], [[1.0, 0.0, 0.0, 0.0]], **smooth)
    q = [0.5, 1.0, 2.0, -1.0]
    log_q = np.asarray(q) - np.log(np.exp(q).sum())
    add("2", "targets of 0", "kl_divergence", log_q, [0.0, 0.375, 0.625, 0.0], reports=f"{o}1786", dtypes=ALL)
    holes = [-0.5, -1.0, -INF, -2.0]
    add("2", "targets of 0 at -inf", "kl_divergence", holes, [0.5, 0.0, 0.0, 0.5], reports=f"{o}1786", dtypes=ALL)
    for gamma in (0.0, 0.5, 2.0):
        options = {"gamma": np.asarray(gamma), "reports": f"{o}1267 {o}1346", "dtypes": ALL}
        add("13", f"focal at 1000, gamma {gamma}", SIGMOID_FOCAL, [1000.0, -1000.0], [1.0, 0.0], **options)


def others(add: Add) -> None:
    s = "scipy/scipy#"
    add("5", "the sign of +inf", "logsumexp", [INF], return_sign=True, reports=f"{s}23548", dtypes=ALL)
    a, b = [3.06409428, 0.37251854, 3.87471931], [1.88190708, 2.84174795, -0.85016884]
    add("13", "the largest term is subtracted", "logsumexp", a, b=b, reports=f"{s}22903", dtypes=WIDE)
    k = "keras-team/keras#"
    add(
        "13",
        "large logits, label 0",
        BCE,
        [50.0, -50.0],
        [0.0, 1.0],
        reduction="none",
        reports=f"{k}9664",
        dtypes=ALL,
    )
    report = f"{k}15249 tensorflow/tensorflow#51675"
    p, y = [0.9999999, 0.9999999, 0.0000001], [0.0, 1.0, 0.0]
    add("10", "the numbers of the report", BCE_OF_PROBS, p, y, reduction="none", reports=report, dtypes=WIDE)
    about = "a class masked with -inf"
    x, keras = [[1.0, -INF, 0.0]], f"{k}21149 pytorch/xla#2553"
    add("1", about, CE, x, [0], reports=keras, dtypes=ALL)
    cap = {"softcap": np.asarray(30.0), "reports": "unslothai/unsloth#10616", "dtypes": ALL}
    add("11", "padding stays -inf under a softcap", CE, [[12.0, -3.0, 40.0, -INF, -INF]], [0], **cap)
    micro = {"normalizer": np.asarray(7.0), "ignore_index": -100, "dtypes": ALL}
    reports = "huggingface/transformers#34191 huggingface/transformers#38448 pytorch/torchtune#1917"
    x = [[0.5, 1.0], [2.0, -1.0], [0.0, 0.0]]
    add("7", "one denominator for all micro-batches", CE, x, [0, -100, 1], reports=reports, **micro)
    token = "linkedin/Liger-Kernel#678 linkedin/Liger-Kernel#968 linkedin/Liger-Kernel#1298"
    weights = {"sample_weight": [1.0, 0.5, 4.0], "reduction": "none", "reports": token, "dtypes": ALL}
    add("7", "each row has a weight of its own", CE, x, [0, 1, 1], **weights)
    zero = "tensorflow/tensorflow#1234 tensorflow/tensorflow#2327"
    add("2", "labels that are all 0", CE, x, np.zeros((3, 2)), reports=zero, dtypes=ALL)
    kornia = {"gamma": np.asarray(0.5), "reports": "kornia/kornia#918", "dtypes": ALL}
    add("13", "gamma 1/2 at +-100", SIGMOID_FOCAL, [[-100.0, -100.0, 100.0, 100.0]], [[0.0, 1.0, 0.0, 1.0]], **kornia)


def kernels(add: Add) -> None:
    """Of fused, sharded and compiled kernels: any implementation can be asked the same."""
    x = [[0.5, 1.25, -2.0, 0.75], [3.0, -1.5, 0.25, 2.0]]
    m = "NVIDIA/Megatron-LM#"
    shards = f"{m}737 {m}7464 {m}7452 {m}5522 {m}7466"
    for reduction in ("none", "mean"):
        about = "smoothing is over all classes, not over those of a shard"
        options = {"label_smoothing": 0.125, "reduction": reduction, "reports": shards, "dtypes": ALL}
        add("8", about, CE, x, [0, 3], **options)
    liger = "linkedin/Liger-Kernel#"
    about = "the gradient is not written over the logits"
    add("13", about, CE, x, [1, 0], reports=f"{liger}343 {liger}1251", dtypes=ALL)
    about = "the gradient of single losses is not 0"
    add("13", about, CE, x, [2, 1], reduction="none", reports="microsoft/DirectML#739", dtypes=ALL)
    x = [[0.0625, 0.9375, 0.0], [0.125, 0.75, 0.125]]
    options = {"reports": "tensorflow/tensorflow#57173", "dtypes": ALL, **NO_RAISE}
    add("9", "labels -56 and -47 of 3 classes", CE, x, [-56, -47], reduction="none", **options)


def cases(add: Add) -> None:
    stories(add)
    pytorch(add)
    jax_and_optax(add)
    others(add)
    kernels(add)
