"""The losses, from arrays as the user gave them to a reduced value: a pipeline of rules.

softcap -> row rule (temperature, mask, target) -> z-loss -> bad labels -> weights -> reduction.
Everything differentiable goes through `v.apply`; what is only looked at (masks, counts) does not.
"""

from __future__ import annotations

from typing import Any

from .binary import BinaryCrossEntropy, SigmoidFocal
from .categorical import CrossEntropy
from .divergence import Entropy, JSDivergence, KLDivergence, NegativeLogLikelihood
from .labels import Complaint, bad_probabilities, counted, poison, read_target, settle
from .normalizers import LogSumExp
from .precision import working_dtype
from .reduce import Product, Softcap, ZLoss
from .rows import alive, class_counts, reduce
from .rule import Rule, differentiable
from .verbs import Array, Verbs
from .views import as_classes, as_mask, as_rows, as_scalar, leading, reshape, without


def cross_entropy(
    v: Verbs,
    logits: Array,
    labels: Array,
    label_probs: Any,
    where: Any,
    class_weight: Any,
    sample_weight: Any,
    label_smoothing: Any,
    temperature: Any,
    softcap: Any,
    z_loss: Any,
    gamma: Any,
    normalizer: Any,
    *,
    axis: int,
    ignore_index: int | None,
    policy: str,
    reduction: str,
    return_lse: bool,
) -> tuple[Array, ...]:
    """Cross-entropy and, with a gamma, the softmax focal loss; lse is that of the logits as they end up."""
    n = logits.ndim
    where, sample_weight = as_mask(v, where, n), as_rows(v, sample_weight, n, axis)
    class_weight = as_classes(v, class_weight, n, axis)
    label_smoothing, z_loss, gamma = (as_scalar(v, x, n) for x in (label_smoothing, z_loss, gamma))
    temperature, softcap = as_rows(v, temperature, n, axis), as_scalar(v, softcap, n)
    target = read_target(v, labels, label_probs, logits.shape[axis], axis, ignore_index, policy, sample_weight)
    if softcap is not None:
        (logits,) = v.apply(Softcap(), logits, softcap, where)

    def inputs(live: Any) -> tuple[Any, ...]:
        return (
            *(logits, temperature, gamma, target.dense, target.probs, label_smoothing, class_weight),
            *(target.index, where, live),
        )

    rule = CrossEntropy(axis)
    live = alive(v, rule, inputs, target, sample_weight)
    loss, lse = v.apply(rule, *inputs(live))
    if z_loss is not None:
        (loss,) = v.apply(ZLoss(), loss, lse, z_loss)
    if target.bad is not None:
        (loss,) = v.apply(Product(), loss, poison(v, target.bad, loss))
    counts = class_counts(v, logits, where, target, class_weight, axis, live, loss)
    value = reduce(v, loss, sample_weight, counts, live, normalizer, reduction, axis)
    if not return_lse:
        return (value,)
    # apart from the loss: that of a removed row is still wanted, and must not reach the loss's gradient
    (lse,) = v.apply(LogSumExp(axis, like_input=False), logits, temperature, where)
    return value, reshape(v, lse, without(lse.shape, axis))


def nll_loss(
    v: Verbs,
    log_probs: Array,
    labels: Array,
    label_probs: Any,
    where: Any,
    class_weight: Any,
    sample_weight: Any,
    label_smoothing: Any,
    normalizer: Any,
    *,
    axis: int,
    ignore_index: int | None,
    policy: str,
    reduction: str,
) -> tuple[Array, ...]:
    """Cross-entropy of log-probabilities."""
    n = log_probs.ndim
    where, sample_weight = as_mask(v, where, n), as_rows(v, sample_weight, n, axis)
    class_weight, label_smoothing = as_classes(v, class_weight, n, axis), as_scalar(v, label_smoothing, n)
    target = read_target(v, labels, label_probs, log_probs.shape[axis], axis, ignore_index, policy, sample_weight)

    def inputs(live: Any) -> tuple[Any, ...]:
        return (log_probs, target.dense, target.probs, label_smoothing, class_weight, target.index, where, live)

    rule = NegativeLogLikelihood(axis)
    live = alive(v, rule, inputs, target, sample_weight)
    (loss,) = v.apply(rule, *inputs(live))
    if target.bad is not None:
        (loss,) = v.apply(Product(), loss, poison(v, target.bad, loss))
    counts = class_counts(v, log_probs, where, target, class_weight, axis, live, loss)
    return (reduce(v, loss, sample_weight, counts, live, normalizer, reduction, axis),)


def divergence(
    v: Verbs,
    first: Array,
    second: Any,
    where: Any,
    sample_weight: Any,
    temperature: Any,
    softcap: Any,
    normalizer: Any,
    *,
    kind: str,
    axis: int,
    policy: str,
    reduction: str,
) -> tuple[Array, ...]:
    """Losses of whole distributions: `kl`, `kl_log`, `js`, and the `entropy` of logits."""
    n = first.ndim
    where, sample_weight = as_mask(v, where, n), as_rows(v, sample_weight, n, axis)
    bad = None
    if kind == "entropy":
        temperature, softcap = as_rows(v, temperature, n, axis), as_scalar(v, softcap, n)
        if softcap is not None:
            (first,) = v.apply(Softcap(), first, softcap, where)
        rule: Rule = Entropy(axis)
        arrays: tuple[Any, ...] = (first, temperature)
    else:
        rule = JSDivergence(axis) if kind == "js" else KLDivergence(axis, kind == "kl_log")
        arrays = (first, second)
        if kind == "kl" and policy != "trust":
            raw = v.peek(second)
            bad = ~((raw >= 0) & v.xp.isfinite(raw))
            if where is not None:
                bad = bad & where
            bad = counted(v, bad, sample_weight)
            bad = settle(v, policy, raw, bad, Complaint("p", "the finite numbers from 0"))
            bad = v.xp.any(bad, axis=axis, keepdims=True)

    def inputs(live: Any) -> tuple[Any, ...]:
        return (*arrays, where, live)

    live = alive(v, rule, inputs, None, sample_weight)
    (loss,) = v.apply(rule, *inputs(live))
    if bad is not None:
        (loss,) = v.apply(Product(), loss, poison(v, bad, loss))
    return (reduce(v, loss, sample_weight, None, live, normalizer, reduction, axis),)


def binary(
    v: Verbs,
    x: Array,
    labels: Array,
    where: Any,
    sample_weight: Any,
    pos_weight: Any,
    label_smoothing: Any,
    alpha: Any,
    gamma: Any,
    normalizer: Any,
    *,
    kind: str,
    policy: str,
    reduction: str,
) -> tuple[Array, ...]:
    """Losses of single elements: `logits`, `probs` and `focal`."""
    n = x.ndim
    where, sample_weight = as_mask(v, where, n), leading(v, sample_weight, n)
    pos_weight, label_smoothing = leading(v, pos_weight, n), as_scalar(v, label_smoothing, n)
    alpha, gamma = as_scalar(v, alpha, n), as_scalar(v, gamma, n)
    bad = None
    if policy != "trust":
        bad = _bad_elements(v, labels, where, sample_weight, policy, "labels")
        if kind == "probs":
            bad = bad | _bad_elements(v, x, where, sample_weight, policy, "probs")
    if not differentiable(v.peek(labels)):
        labels = v.xp.astype(labels, working_dtype(v, v.peek(x)))
    rule: Rule = SigmoidFocal() if kind == "focal" else BinaryCrossEntropy(kind == "probs")
    options = (alpha, gamma) if kind == "focal" else (pos_weight, label_smoothing)

    def inputs(live: Any) -> tuple[Any, ...]:
        return (x, labels, *options, live)

    live = alive(v, rule, inputs, None, sample_weight, where)
    (loss,) = v.apply(rule, *inputs(live))
    if bad is not None:
        (loss,) = v.apply(Product(), loss, poison(v, bad, loss))
    return (reduce(v, loss, sample_weight, None, live, normalizer, reduction, None),)


def _bad_elements(v: Verbs, x: Array, where: Any, sample_weight: Any, policy: str, name: str) -> Any:
    raw = v.peek(x)
    bad = bad_probabilities(v, raw)
    if where is not None:
        bad = bad & where
    return settle(v, policy, raw, counted(v, bad, sample_weight), Complaint(name, "[0, 1]"))
