r"""What a row's labels ask for: weighted entries, whatever form the labels came in.

A target is a list of entries (index, weight w, surprisal n = -log p): a dense one for a distribution,
a sparse one for class indices (k of them a row), and one more for the uniform part of label smoothing.
Every categorical loss is sum w phi(n) for some phi of the surprisal. An entry whose weight is 0 at a
disallowed class is gone, from the value and from every derivative: 0 log 0 = 0.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .precision import is_array
from .softmax import INF
from .verbs import Array, Verbs


class Labels(NamedTuple):
    """The labels of all rows, and what weights them. Absent parts are None."""

    dense: Any = None  # one weight a class
    index: Any = None  # or class indices, k a row along the class axis, all in range
    probs: Any = None  # and their weights; None is 1
    smoothing: Any = None
    class_weight: Any = None  # 1 along every axis but the class axis


class Entry(NamedTuple):
    index: Any  # None for one entry a class
    given: Any  # the label as given (t0): 1.0 for a plain class index
    factor: Any  # what multiplies it: (1 - eps) cw
    weight: Array  # their product, 0 where gone
    surprisal: Array  # 0 where gone
    kept: Any  # False where the class is removed by `where`; None for all True
    gone: Array


def fraction(v: Verbs, x: Any) -> Any:
    """An array in [0, 1] as it is, NaN outside; Python numbers were looked at before."""
    return v.xp.where((x >= 0) & (x <= 1), x, float("nan")) if is_array(x) else x


def surprisal(v: Verbs, d: Array, log_norm: Any, kept: Any) -> Array:
    """log1p(r) - d, and +inf, with no derivative at all, at a class that `where` removes."""
    own = d if kept is None else v.xp.where(kept, d, 0.0)
    n = -own if log_norm is None else log_norm - own
    return n if kept is None else v.xp.where(kept, n, INF)


def given_entry(v: Verbs, labels: Labels, d: Array, log_norm: Any, where: Any, axis: int) -> Entry:
    """The entry of the labels as given, over d of `softmax.row`, or over log-probabilities with no norm."""
    xp = v.xp
    cw, kept = labels.class_weight, where
    if labels.index is None:
        given, n_d = labels.dense, d
    else:
        n_d = v.pick(d, labels.index, axis)
        given = xp.ones_like(n_d) if labels.probs is None else labels.probs
        if cw is not None:
            cw = v.pick(xp.broadcast_to(cw, d.shape), labels.index, axis)
        if kept is not None:
            kept = v.pick(xp.broadcast_to(kept, d.shape), labels.index, axis)
    factor = None if labels.smoothing is None else 1.0 - labels.smoothing
    if kept is not None:  # what is asked of a removed class counts in the value only, and in its class weight
        given = xp.where(kept, given, v.constant(given))
        factor = xp.where(kept, factor, v.constant(factor)) if is_array(factor) else factor
    factor = cw if factor is None else factor if cw is None else factor * cw
    weight = given if factor is None else given * factor
    if log_norm is None:  # of log-probabilities, nothing that has no weight is read: an index is its one-hot row
        gone = (weight == 0.0) & ~xp.isfinite(n_d)
    else:  # in a row that is NaN throughout nothing is gone
        gone = (weight == 0.0) & (n_d == -INF) & (log_norm == log_norm)
    n = surprisal(v, xp.where(gone, 0.0, n_d), log_norm, kept)
    weight, n = xp.where(gone, 0.0, weight), xp.where(gone, 0.0, n)
    return Entry(labels.index, given, factor, weight, n, kept, gone)


def kept_entries(v: Verbs, x: Array, where: Any, index: Any, axis: int, dense: int) -> dict[int, Any]:
    """Where logits and labels count, by their numbers among the inputs of a rule: x is the first, and `dense` the
    number of labels a class, after which come the probabilities of sparse labels."""
    if where is None:
        return {}
    if index is None:
        return {0: where, dense: where}
    return {0: where, dense + 1: v.pick(v.xp.broadcast_to(where, x.shape), index, axis)}


class Uniform(NamedTuple):
    """The uniform part: `each` = eps sum(t0) / K, times the class weight, on every allowed class."""

    entry: Entry
    mass: Array  # sum(t0), over the classes that `where` keeps
    counted: Array  # the labels that the mass counts
    classes: Array  # K, never 0


def uniform_part(v: Verbs, labels: Labels, d: Array, log_norm: Any, given: Entry, axis: int) -> Uniform:
    xp = v.xp
    allowed = d != -INF
    classes = v.total(xp.astype(allowed, d.dtype), axis)
    classes = xp.where(classes == 0.0, 1.0, classes)
    if given.index is None:
        reachable = allowed
    else:
        reachable = v.pick(xp.astype(allowed, d.dtype), given.index, axis) != 0.0
    counted = reachable | (given.given != 0.0)
    if given.kept is not None:
        counted = counted & given.kept
    mass = v.total(xp.where(counted, given.given, 0.0), axis)
    each = labels.smoothing * mass / classes
    cw = labels.class_weight
    weight = xp.where(allowed, each if cw is None else each * cw, 0.0)
    # a class with no share left (class weight or mass 0) is gone only if it is disallowed, as ever
    n = xp.where(allowed, surprisal(v, xp.where(allowed, d, 0.0), log_norm, None), 0.0)
    return Uniform(Entry(None, each, cw, weight, n, None, ~allowed), mass, counted, classes)


def heard(v: Verbs, entry: Entry) -> Array:
    """The weights that count in W: not those at a class removed by `where`."""
    return entry.weight if entry.kept is None else v.xp.where(entry.kept, entry.weight, 0.0)


def by_label(v: Verbs, labels: Labels, given: Entry, values: list[Array], uniform: Any, axis: int) -> Array:
    """d/dt0: cw phi, through the entry itself and through the mass that smoothing spreads."""
    out = values[0] if given.factor is None else values[0] * given.factor
    out = v.xp.where(given.gone if given.kept is None else given.gone | ~given.kept, 0.0, out)
    if uniform is None:
        return out
    spread = labels.smoothing * _mean_over_allowed(v, labels, values, uniform, axis)
    return out + v.xp.where(uniform.counted, spread, 0.0)


def by_smoothing(v: Verbs, labels: Labels, given: Entry, values: list[Array], uniform: Any, axis: int) -> Array:
    """d/d eps: what the uniform part would cost less what the given labels cost."""
    cw = labels.class_weight
    if cw is not None and given.index is not None:
        cw = v.pick(v.xp.broadcast_to(cw, uniform.entry.gone.shape), given.index, axis)
    whole = given.given if cw is None else given.given * cw
    lost = _cost(v, given, whole, values[0])
    lost = v.total(lost if given.kept is None else v.xp.where(given.kept, lost, 0.0), axis)
    return uniform.mass * _mean_over_allowed(v, labels, values, uniform, axis) - lost


def by_class_weight(
    v: Verbs, labels: Labels, given: Entry, values: list[Array], uniform: Any, like: Array, axis: int
) -> Array:
    """d/d cw_j: t_j phi_j."""
    whole = given.given if labels.smoothing is None else given.given * (1.0 - labels.smoothing)
    out = _cost(v, given, whole, values[0])
    if given.index is not None:
        out = v.deposit(v.xp.zeros_like(like), given.index, out, axis)
    if uniform is not None:
        out = out + v.xp.where(uniform.entry.gone, 0.0, uniform.entry.given * values[1])
    return out


def _cost(v: Verbs, given: Entry, whole: Array, value: Array) -> Array:
    """The product, and 0 where nothing is asked of what is not finite. Of a finite value even a label of 0 stays
    in: its own derivative is that value, and second order goes through it."""
    return v.xp.where(given.gone | ((whole == 0.0) & ~v.xp.isfinite(value)), 0.0, whole * value)


def _mean_over_allowed(v: Verbs, labels: Labels, values: list[Array], uniform: Any, axis: int) -> Array:
    each = values[1] if labels.class_weight is None else values[1] * labels.class_weight
    return v.total(v.xp.where(uniform.entry.gone, 0.0, each), axis) / uniform.classes
