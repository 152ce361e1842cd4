"""Which rows count, by how much, and how they become one number."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from .labels import Target
from .precision import is_array, working_dtype
from .reduce import ClassMass, Mean, Product, Sum
from .rule import Rule
from .verbs import Array, Verbs
from .views import as_scalar, reshape, without


def alive(
    v: Verbs,
    rule: Rule,
    inputs: Callable[[Any], tuple[Any, ...]],
    sample_weight: Any,
    live: Any,
    wrong: Any,
) -> Any:
    """The rows that the rule is to look at; None for all. `live` are those that are not removed, `wrong`
    those with a bad label.

    Ignored rows are out, and rows of weight 0 whose loss is not finite: a weight of 0 must hide whatever
    such a row holds, while the derivative with respect to the weight of a sound row is its loss.
    """
    xp = v.xp
    if sample_weight is None or not is_array(sample_weight):
        return live
    zero = v.peek(sample_weight) == 0.0
    if v.visible(zero) and not bool(xp.any(zero)):
        return live
    loss = rule(v, *(v.peek(x) for x in inputs(live)))[0]
    sound = xp.isfinite(loss)
    if wrong is not None:
        sound = sound & ~wrong
    return ~zero | sound if live is None else live & (~zero | sound)


def class_counts(
    v: Verbs, x: Array, where: Any, target: Target, class_weight: Any, axis: int, live: Any, loss: Array
) -> Any:
    """What each row adds to the denominator of a mean with class weights; None without (1 a row)."""
    if class_weight is None:
        return None
    if target.wrong is not None:
        live = ~target.wrong if live is None else live & ~target.wrong
    given = target.dense if target.index is None else target.probs
    fixed = None if given is None else _removed(v, v.peek(x), where, v.peek(given), target.index, axis)
    return v.apply(ClassMass(axis), v.peek(loss), class_weight, given, target.index, fixed, live)[0]


def _removed(v: Verbs, x: Array, where: Any, given: Array, index: Any, axis: int) -> Array:
    """The entries whose class is removed: by `where`, or by a logit of -inf with nothing asked of it."""
    xp = v.xp
    lost = x == -xp.inf
    masked = None if where is None else xp.broadcast_to(~where, x.shape)
    if index is not None:
        lost = v.pick(lost, index, axis)
        masked = None if masked is None else v.pick(masked, index, axis)
    lost = lost & (given == 0.0)
    return lost if masked is None else lost | masked


def reduce(
    v: Verbs,
    loss: Array,
    sample_weight: Any,
    counts: Any,
    live: Any,
    normalizer: Any,
    reduction: str,
    axis: int | None,
) -> Array:
    """Rule 7. `counts` are the denominators of the rows (None: 1 each); `live` the rows that count."""
    raw = v.peek(loss)
    if sample_weight is not None:
        (loss,) = v.apply(Product(), loss, sample_weight)
    if reduction == "none":
        return loss if axis is None else reshape(v, loss, without(raw.shape, axis))
    if reduction == "sum":
        return reshape(v, v.apply(Sum(), loss)[0], ())
    if normalizer is not None:
        denominator = as_scalar(v, normalizer, raw.ndim)
    else:
        denominator = _denominator(v, raw, sample_weight, counts, live)
    return reshape(v, v.apply(Mean(normalizer is None), loss, denominator)[0], ())


def how_many(v: Verbs, x: Array, live: Any) -> Any:
    """How many elements of `x` are live."""
    if live is None:
        return v.count(prod(x.shape), x)
    return Sum()(v, v.xp.astype(v.xp.broadcast_to(live, x.shape), working_dtype(v, x)))[0]


def _denominator(v: Verbs, loss: Array, sample_weight: Any, counts: Any, live: Any) -> Any:
    xp = v.xp
    if sample_weight is None and counts is None:
        return how_many(v, loss, live)
    if counts is None:
        ones = xp.ones_like(loss)
        counts = ones if live is None else xp.where(live, ones, 0.0)
    if sample_weight is not None:
        (counts,) = v.apply(Product(), counts, sample_weight)
    return v.apply(Sum(), counts)[0]
