"""The losses, from arrays as the user gave them to a reduced value: a pipeline of rules.

softcap -> row rule (temperature, mask, target) -> z-loss -> bad labels -> weights -> reduction.
Everything differentiable goes through `v.apply`; what is only looked at (masks, counts) does not.
"""

from __future__ import annotations

from typing import Any

from .categorical import CrossEntropy
from .divergence import Entropy, NegativeLogLikelihood, RowLoss
from .elements import ElementLoss, Whole
from .indexed import indexed
from .labels import LOUD, Complaint, bad_probabilities, counted, poison, read_target, settle
from .normalizers import LogSumExp
from .precision import is_array, is_index, kind, working_dtype
from .reduce import Product, Softcap, ZLoss
from .rows import alive, class_counts, how_many, reduce
from .rule import differentiable
from .verbs import Array, Verbs
from .views import as_classes, as_mask, as_rows, as_scalar, leading, reshape, with_a_class, without


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
    n, classes = logits.ndim, logits.shape[axis]
    options = (label_probs, where, class_weight, sample_weight, label_smoothing, temperature, softcap, z_loss, gamma)
    bare = normalizer is None and not return_lse and all(x is None for x in options)
    if bare and classes and axis == n - 1 and is_index(v.peek(labels)):
        return indexed(v, logits, labels, ignore_index=ignore_index, policy=policy, reduction=reduction)
    if classes == 0:
        class_weight, where = None, v.peek(logits) == 0
        logits, labels, where = with_a_class(v, axis, logits, labels, where)
    where, sample_weight = as_mask(v, where, n), as_rows(v, sample_weight, n, axis)
    class_weight = as_classes(v, class_weight, n, axis)
    label_smoothing, z_loss, gamma = (as_scalar(v, x, n) for x in (label_smoothing, z_loss, gamma))
    temperature, softcap = as_rows(v, temperature, n, axis), as_scalar(v, softcap, n)
    target = read_target(v, labels, label_probs, classes, axis, ignore_index, policy, sample_weight)
    if softcap is not None:
        (logits,) = v.apply(Softcap(), logits, softcap, where)

    def inputs(live: Any) -> tuple[Any, ...]:
        return (
            *(logits, temperature, gamma, target.dense, target.probs, label_smoothing, class_weight),
            *(target.index, where, live),
        )

    rule = CrossEntropy(axis)
    live = alive(v, rule, inputs, sample_weight, target.live, target.wrong)
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
    n, classes = log_probs.ndim, log_probs.shape[axis]
    if classes == 0:
        class_weight, where = None, v.peek(log_probs) == 0
        log_probs, labels, where = with_a_class(v, axis, log_probs, labels, where)
    where, sample_weight = as_mask(v, where, n), as_rows(v, sample_weight, n, axis)
    class_weight, label_smoothing = as_classes(v, class_weight, n, axis), as_scalar(v, label_smoothing, n)
    target = read_target(v, labels, label_probs, classes, axis, ignore_index, policy, sample_weight)

    def inputs(live: Any) -> tuple[Any, ...]:
        return (log_probs, target.dense, target.probs, label_smoothing, class_weight, target.index, where, live)

    if target.bad is not None and v.differentiates:  # the gradient of a bad row is NaN everywhere
        bad = target.bad if where is None else target.bad & where
        (log_probs,) = v.apply(Product(), log_probs, poison(v, bad, log_probs))
    rule = NegativeLogLikelihood(axis)
    live = alive(v, rule, inputs, sample_weight, target.live, target.wrong)
    (loss,) = v.apply(rule, *inputs(live))
    if target.bad is not None:
        (loss,) = v.apply(Product(), loss, poison(v, target.bad, loss))
    counts = class_counts(v, log_probs, where, target, class_weight, axis, live, loss)
    return (reduce(v, loss, sample_weight, counts, live, normalizer, reduction, axis),)


def rows(
    v: Verbs,
    first: Array,
    second: Any,
    where: Any,
    sample_weight: Any,
    normalizer: Any,
    *,
    rule: RowLoss,
    axis: int,
    policy: str,
    reduction: str,
) -> tuple[Array, ...]:
    """Any `RowLoss` of one or two arrays."""
    if first.shape[axis] == 0:
        where = v.peek(first) == 0
        first, second, where = with_a_class(v, axis, first, second, where)
    where, sample_weight = as_mask(v, where, first.ndim), as_rows(v, sample_weight, first.ndim, axis)
    bad, wrong = bad_rows(v, second, where, sample_weight, rule, axis, policy)

    def inputs(live: Any) -> tuple[Any, ...]:
        return first, second, where, live

    live = alive(v, rule, inputs, sample_weight, None, wrong)
    (loss,) = v.apply(rule, *inputs(live))
    if bad is not None:
        (loss,) = v.apply(Product(), loss, poison(v, bad, loss))
    return (reduce(v, loss, sample_weight, None, live, normalizer, reduction, axis),)


def bad_rows(
    v: Verbs, second: Any, where: Any, sample_weight: Any, rule: RowLoss, axis: int, policy: str
) -> tuple[Any, Any]:
    """The rows to spoil, and those that would be but for a weight of 0; an error if the policy says so."""
    wrong = None if policy == "trust" else rule.bad(v, v.peek(second))
    if wrong is None:
        return None, None
    wrong = wrong if where is None else wrong & where
    bad = settle(v, policy, v.peek(second), counted(v, wrong, sample_weight), Complaint(rule.checks, rule.allowed))
    return v.xp.any(bad, axis=axis, keepdims=True), v.xp.any(wrong, axis=axis, keepdims=True)


def bad_elements(
    v: Verbs, x: Array, labels: Array, where: Any, sample_weight: Any, rule: ElementLoss, policy: str
) -> tuple[Any, Any]:
    """The same for elements."""
    bad = wrong = None
    for name, operand in zip(rule.checks, (labels, x), strict=False) if policy != "trust" else ():
        raw = v.peek(operand)
        if kind(raw.dtype) == "bool" or (v.visible(raw) and v.between(raw, 0, 1)):
            continue
        outside = bad_probabilities(v, raw)
        outside = outside if where is None else outside & where
        found = settle(v, policy, raw, counted(v, outside, sample_weight), Complaint(name, "[0, 1]"))
        bad, wrong = (found, outside) if bad is None else (bad | found, wrong | outside)
    return bad, wrong


def entropy(
    v: Verbs,
    logits: Array,
    where: Any,
    sample_weight: Any,
    temperature: Any,
    softcap: Any,
    normalizer: Any,
    *,
    axis: int,
    reduction: str,
) -> tuple[Array, ...]:
    n = logits.ndim
    if softcap is not None:
        (logits,) = v.apply(Softcap(), logits, as_scalar(v, softcap, n), as_mask(v, where, n))
    temperature = as_rows(v, temperature, n, axis)
    return rows(
        v, logits, temperature, where, sample_weight, normalizer,
        rule=Entropy(axis), axis=axis, policy="trust", reduction=reduction,
    )  # fmt: skip


def elements(
    v: Verbs,
    x: Array,
    labels: Array,
    where: Any,
    sample_weight: Any,
    normalizer: Any,
    *parameters: Any,
    rule: ElementLoss,
    policy: str,
    reduction: str,
) -> tuple[Array, ...]:
    """Any `ElementLoss`, with the parameters that it takes."""
    where, sample_weight = as_mask(v, where, x.ndim), leading(v, sample_weight, x.ndim)
    parameters = tuple(leading(v, parameter, x.ndim) for parameter in parameters)
    bad, wrong = bad_elements(v, x, labels, where, sample_weight, rule, policy)
    if not differentiable(v.peek(labels)):
        labels = v.xp.astype(labels, working_dtype(v, v.peek(x)))

    def inputs(live: Any) -> tuple[Any, ...]:
        return (x, labels, *parameters, live)

    # what is bad is still seen to be in the dtype that the rule computes in
    seen = all(operand.dtype in (x.dtype, working_dtype(v, v.peek(x))) for operand in (x, labels))
    spoil = bad is not None and policy not in LOUD and seen
    if reduction != "none" and sample_weight is normalizer is None and (bad is None or spoil):
        divisor = None
        if reduction == "mean":  # of nothing it is 0 over 1
            count = how_many(v, v.peek(x), where)
            divisor = v.xp.where(count == 0.0, 1.0, count) if is_array(count) else count or 1.0
        return (reshape(v, v.apply(Whole(rule, spoil), *inputs(where), divisor)[0], ()),)
    live = alive(v, rule, inputs, sample_weight, where, wrong)
    (loss,) = v.apply(rule, *inputs(live))
    if bad is not None:
        (loss,) = v.apply(Product(), loss, poison(v, bad, loss))
    return (reduce(v, loss, sample_weight, None, live, normalizer, reduction, None),)
