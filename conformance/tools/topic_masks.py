"""Rules 1 to 3: a mask is the removal of a class, 0 log 0 is 0, a positive target on a masked class is infinite."""

from __future__ import annotations

from book import Add, three_kinds
from shared_rows import (
    CLASSES,
    FROM_LOGITS,
    INF,
    LABELS,
    LOG_P,
    LOG_Q,
    LOGITS,
    MASKED,
    MASKED_LOG_PROBS,
    NAN,
    PAIRS,
    REDUCTIONS,
    ROWS,
    SHARES,
    WHERE,
    P,
)

HIDDEN = [[1.5, NAN, 0.25], [INF, 3.5, 3.25]]  # what stands at where=False must not matter
HUGE = [[1.5, 25600.0, 0.25], [3200.0, 3.5, 3.25]]
SOFT_MASKED = [[0.5, 0.0, 0.5], [0.0, 0.0, 1.0]]
THREE = {"where": WHERE}


def rule_1(add: Add) -> None:
    optax = "google-deepmind/optax#896 google-deepmind/optax#898 google-deepmind/optax#916"
    for f in FROM_LOGITS:
        for reduction in REDUCTIONS:
            about = "-inf off the label"
            three_kinds(add, "1", about, f, MASKED, LABELS, reduction=reduction, reports=optax, moved="all")
        about = "a class that where removes"
        three_kinds(add, "1", about, f, LOGITS, LABELS, reduction="none", moved="all", **THREE)
        add("1", "NaN and +inf where the mask is False", f, HIDDEN, LABELS, reduction="none", **THREE)
        add("1", "NaN and +inf where the mask is False; soft", f, HIDDEN, SOFT_MASKED, reduction="sum", **THREE)
        jax = "jax-ml/jax#17117 jax-ml/jax#19490 jax-ml/jax#16208"
        add("1", "large logits where the mask is False", f, HUGE, LABELS, reports=jax, reduction="none", **THREE)
        add("1", "one mask for all rows", f, LOGITS, LABELS, where=[[True, False, True]], reduction="none")
        add("1", "a mask of rows", f, LOGITS, LABELS, where=[[True], [False]], reduction="none")
        add("1", "-inf and where at once", f, MASKED, [0, 2], where=[[True, True, False], [True, False, True]])
        for left in (0, 1, 2):
            x = [[0.5 if j == left else -INF for j in range(3)]]
            add("1", f"class {left} is the only one", f, x, [left], reduction="none")
    tf = "tensorflow/tensorflow#11756 pytorch/xla#2553"
    add("1", "every other class is masked", "cross_entropy", [[1.0, -INF, 2.0, -INF, 0.5]], [2], reports=tf)
    nan_tangent = "google-deepmind/optax#1762"
    x, t = [[-INF, 0.0, 0.0]], [[0.0, 1.0, 0.0]]
    add("1", "the tangent at -inf with label 0", "cross_entropy", x, t, reports=nan_tangent, moved="all")
    for f in ("entropy", "softmax", "log_softmax", "logsumexp"):
        add("1", "-inf logits", f, MASKED)
        add("1", "where", f, LOGITS, **THREE)
        add("1", "NaN and +inf where the mask is False", f, HIDDEN, **THREE)
        add("1", "large numbers where the mask is False", f, HUGE, **THREE)
        add("1", "one mask for all rows", f, LOGITS, where=[[False, True, True]])
    jax = "jax-ml/jax#17117 jax-ml/jax#17070"
    for f in ("softmax", "log_softmax", "entropy"):
        add("1", "a large masked logit", f, [1.0, 1.0, 100.0], where=[True, True, False], reports=jax)
    jax = "jax-ml/jax#23842 jax-ml/jax#25791 jax-ml/jax#22398"
    add("1", "a large masked term", "logsumexp", [0.0, 100.0], where=[True, False], reports=jax)
    add("1", "a masked term next to ties", "logsumexp", [0.0, 0.0, 100.0], where=[True, True, False], reports=jax)
    add("1", "where in nll", "nll_loss", [[-0.5, NAN, -1.25], [INF, -0.125, -2.5]], LABELS, reduction="none", **THREE)
    for f, a, b in (("kl_divergence", LOG_Q, P), ("js_divergence", LOG_P, LOG_Q)):
        for reduction in REDUCTIONS:
            add("1", "where", f, a, b, reduction=reduction, **THREE)
        holes = [[a[0][0], NAN, a[0][2]], [INF, a[1][1], a[1][2]]]
        add("1", "NaN and +inf where the mask is False", f, holes, b, reduction="none", **THREE)


def rule_2(add: Add) -> None:
    report = "google-deepmind/optax#896 google-deepmind/optax#916"
    for f in FROM_LOGITS:
        for reduction in REDUCTIONS:
            add("2", "0 log 0", f, MASKED, SOFT_MASKED, reduction=reduction, reports=report, moved="all")
        add("2", "0 log 0 under a mask", f, LOGITS, SOFT_MASKED, reduction="none", moved="all", **THREE)
        add(
            "2", "a label of 0 at an allowed class", f, LOGITS, [[0.0, 1.0, 0.0], [0.25, 0.0, 0.75]], reduction="none"
        )
        add(
            "2", "a sparse probability of 0", f, MASKED, PAIRS, label_probs=[[1.0, 0.0], [0.5, 0.5]], reduction="none"
        )
        add("2", "a class weight of 0 is a label of 0", f, MASKED, [1, 2], class_weight=[1.0, 0.0, 0.5])
        weights = {"class_weight": [0.0, 2.0, 0.5]}
        add("2", "a class weight of 0 hides mass at -inf", f, MASKED, [[0.5, 0.0, 0.5], [0.75, 0.25, 0.0]], **weights)
        zeros = [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
        tf = "tensorflow/tensorflow#1234 tensorflow/tensorflow#2327"
        for reduction in REDUCTIONS:
            add("2", "a row of labels that are all 0", f, LOGITS, zeros, reduction=reduction, reports=tf, moved="all")
    for reduction in REDUCTIONS:
        add("2", "0 log 0 in nll", "nll_loss", MASKED_LOG_PROBS, SOFT_MASKED, reduction=reduction)
    report = "google-deepmind/optax#1786"
    log_q, p = [[-1.5, -0.5, -2.0], [-0.25, -INF, -1.75]], [[0.5, 0.5, 0.0], [0.75, 0.0, 0.25]]
    for reduction in REDUCTIONS:
        add("2", "p = 0, log q finite and -inf", "kl_divergence", log_q, p, reduction=reduction, reports=report)
    logs = [[-0.5, -1.0, -INF], [-0.25, -INF, -1.5]]
    torch = "pytorch/pytorch#89558 google-deepmind/optax#1786"
    add("2", "log p = -inf", "kl_divergence", log_q, logs, log_target=True, reduction="none", reports=torch)
    add("2", "log p = log q = -inf", "kl_divergence", [[0.0, -INF]], [[0.0, -INF]], log_target=True, reports=torch)
    add(
        "2",
        "p = 0 far in the tail of q",
        "kl_divergence",
        [[0.0, -700.0]],
        [[1.0, 0.0]],
        reports="pytorch/pytorch#89558",
    )
    add("2", "-inf on one side", "js_divergence", log_q, LOG_P, reduction="none")
    add("2", "-inf on both sides", "js_divergence", log_q, logs, reduction="none")
    add("2", "disjoint distributions", "js_divergence", [[0.0, -INF]], [[-INF, 0.0]])
    add("2", "a weight of 0 removes +inf", "logsumexp", [[1.0, INF, 2.0]], b=[[0.5, 0.0, 2.0]])
    add("2", "a weight of 0 removes NaN", "logsumexp", [[1.0, NAN, 2.0]], b=[[0.5, 0.0, 2.0]])
    add("2", "a weight of 0 at -inf", "logsumexp", [[1.0, -INF, 2.0]], b=[0.5, 0.0, 2.0])
    jax = "jax-ml/jax#22398 jax-ml/jax#37729 jax-ml/jax#37633"
    add("2", "the derivative at a weight of 0", "logsumexp", [0.0, 0.0, 0.0], b=[2.0, 0.0, 5.0], reports=jax)
    jax = "jax-ml/jax#5370"
    add("2", "the largest term has weight 0", "logsumexp", [-1000.0, -2.0], b=[1.0, 0.0], reports=jax)


def rule_3(add: Add) -> None:
    for f in FROM_LOGITS:
        for reduction in REDUCTIONS:
            three_kinds(add, "3", "the label is -inf", f, MASKED, [1, 2], reduction=reduction)
            three_kinds(add, "3", "where hides the label", f, LOGITS, [1, 2], reduction=reduction, **THREE)
        soft = [[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]]
        add("3", "some mass at -inf", f, MASKED, soft, reduction="none")
        add("3", "some mass under the mask does not count in W", f, LOGITS, soft, reduction="none", **THREE)
        negative = [[-1.0, -1.0, 2.0], [0.0, 1.0, 0.0]]
        add("3", "negative mass at -inf is -inf", f, MASKED, negative, reduction="none")
        add("3", "mass of both signs at -inf is NaN", f, [[0.0, -INF, -INF]], [[0.5, 1.0, -1.0]], reduction="none")
        add("3", "a sparse label at -inf", f, MASKED, PAIRS, label_probs=[[0.5, 0.5], [0.5, 0.5]], reduction="none")
        add("3", "the temperature divides the share", f, MASKED, [1, 2], temperature=2.0, reduction="none")
        add(
            "3",
            "class and sample weights",
            f,
            MASKED,
            [1, 2],
            class_weight=CLASSES,
            sample_weight=ROWS,
            reduction="sum",
        )
        add("3", "a softcap leaves -inf alone", f, MASKED, [1, 2], softcap=4.0, reduction="none")
    for reduction in REDUCTIONS:
        add("3", "the label's log-probability is -inf", "nll_loss", MASKED_LOG_PROBS, [1, 2], reduction=reduction)
    add("3", "mass at -inf", "nll_loss", MASKED_LOG_PROBS, PAIRS, label_probs=SHARES, reduction="none")
    log_q = [[-1.5, -0.5, -2.0], [-0.25, -INF, -1.75]]
    p = [[0.5, 0.5, 0.0], [0.75, 0.25, 0.0]]
    for reduction in REDUCTIONS:
        add("3", "p > 0 against log q = -inf", "kl_divergence", log_q, p, reduction=reduction)
    add("3", "p > 0 against -inf", "kl_divergence", log_q, LOG_P, log_target=True, reduction="none")
    add("3", "where removes the infinity", "kl_divergence", log_q, p, where=[[True] * 3, [True, False, True]])


def cases(add: Add) -> None:
    rule_1(add)
    rule_2(add)
    rule_3(add)
