"""What a label means: which indices are in range, which rows count, and which labels are bad."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .precision import dtype_name, is_array, is_index, kind
from .verbs import Array, Verbs
from .views import move_axis, select

POLICIES = ("auto", "raise", "nan", "trust", "checkify")
LOUD = ("raise", "checkify")


class Indices(NamedTuple):
    index: Array  # in range, in the library's index dtype
    bad: Any  # neither a class nor ignored; None when trusted
    ignored: Any  # equal to ignore_index; None without one


def class_indices(v: Verbs, labels: Array, classes: int, ignore_index: int | None, trust: bool) -> Indices:
    """Safe class indices: that of a bad label is the first class or the last. The labels are widened to the widest
    signed integers before any comparison: a uint8 holds neither 300 nor -1, and compares wrongly with both in some
    libraries. Unsigned labels too large for that wrap to negative ones, which are out of range as well."""
    xp = v.xp
    wide = xp.astype(labels, v.index_dtype())
    ignored = None
    if ignore_index is not None:
        held = wrapped(labels.dtype, dtype_name(v.index_dtype()), ignore_index)
        ignored = xp.zeros_like(wide, dtype=xp.bool) if held is None else wide == held
    if trust:
        return Indices(wide if ignored is None else xp.where(~ignored, wide, 0), None, ignored)
    index = v.clip(wide, 0, classes - 1) if classes else xp.zeros_like(wide)
    bad = index != wide if classes else xp.ones_like(wide, dtype=xp.bool)
    return Indices(index, bad if ignored is None else bad & ~ignored, ignored)


def wrapped(dtype: Any, wide: str, value: int) -> int | None:
    """`value` as it looks after the widening, or None if the labels' dtype cannot hold it."""
    bits = int("".join(c for c in dtype_name(dtype) if c.isdigit()))
    signed = kind(dtype) == "int"
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if not low <= value <= high:
        return None
    width = int("".join(c for c in wide if c.isdigit()))
    return value - (1 << width) if value >= 1 << width - 1 else value


def bad_weights(v: Verbs, probs: Array) -> Array:
    """Soft labels may be negative or above 1, not NaN or infinite."""
    return ~v.xp.isfinite(probs)


def bad_probabilities(v: Verbs, y: Array) -> Array:
    """Outside [0, 1], or NaN."""
    if is_index(y):
        return ~((y == 0) | (y == 1))
    return v.clip(y, 0.0, 1.0) != y


def poison(v: Verbs, bad: Array, like: Array) -> Array:
    """A factor of NaN in the bad rows and 1 elsewhere: a product spoils value and derivative alike."""
    return v.xp.where(bad, float("nan"), v.xp.ones_like(v.peek(like)))


class Complaint(NamedTuple):
    """The text about the first bad label, made when one is found: in the host's memory, by any namespace."""

    name: str
    bounds: Any  # in words, or the number of classes: a symbol under a compiler, which a text would fix

    @property
    def allowed(self) -> str:
        return self.bounds if isinstance(self.bounds, str) else f"[0, {self.bounds})"

    def __call__(self, xp: Any, labels: Array, bad: Array) -> str:
        flat = int(xp.argmax(xp.astype(xp.reshape(bad, (-1,)), xp.int32)))
        count = int(xp.sum(xp.astype(bad, xp.int32)))
        value = xp.reshape(xp.broadcast_to(labels, bad.shape), (-1,))[flat]
        place: list[int] = []
        for size in reversed(bad.shape):
            flat, remainder = divmod(flat, size)
            place.insert(0, remainder)
        where = f"[{', '.join(map(str, place))}]" if place else ""
        # not int(value), which torch refuses for the large ones of uint64
        shown = value.item() if hasattr(value, "item") else int(value) if is_index(value) else float(value)
        more = f"; {count} values are bad in all" if count > 1 else ""
        return (
            f"{self.name}{where} is {shown}, outside {self.allowed}{more} "
            f"({self.name} of shape {tuple(bad.shape)} and dtype {dtype_name(labels.dtype)})"
        )


def settle(
    v: Verbs,
    policy: str,
    labels: Array,
    bad: Array,
    complaint: Complaint,
    given: Callable[[Array], Array] | None = None,
) -> Any:
    """What becomes of the bad labels: an error, now or at run time, or the rows to spoil. `given` undoes
    what was done to the shape of the labels, for the message."""
    if policy not in LOUD:
        return bad
    as_given = bad if given is None else given(bad)
    report = v.raise_at_run_time if policy == "raise" else v.checkify
    found = report(as_given, labels, complaint)
    # what comes back stands for the check having been made: it is used, or a compiler would drop the check
    return bad & v.xp.any(found)


def counted(v: Verbs, bad: Array, sample_weight: Any) -> Array:
    """A row of weight 0 is never checked: label -1 with weight 0 is the common padding."""
    if sample_weight is None or not is_array(sample_weight):
        return bad
    return bad & (v.peek(sample_weight) != 0.0)


class Target(NamedTuple):
    """Labels in the form that the row rules take, and the rows that they spoil or take out."""

    dense: Any = None
    probs: Any = None
    index: Any = None
    bad: Any = None  # rows to spoil
    wrong: Any = None  # the same, with those of weight 0
    live: Any = None  # rows that are not ignored, or None


def read_target(
    v: Verbs,
    labels: Array,
    label_probs: Any,
    classes: int,
    axis: int,
    ignore_index: int | None,
    policy: str,
    sample_weight: Any,
) -> Target:
    """Distributions, class indices and sparse distributions, along the class axis."""
    xp, raw, trust = v.xp, v.peek(labels), policy == "trust"
    complaint = Complaint("labels", classes)
    if not is_index(raw):
        if trust:
            return Target(dense=labels)
        bad = bad_weights(v, raw)
        wrong = xp.any(bad, axis=axis, keepdims=True)
        bad = settle(v, policy, raw, counted(v, bad, sample_weight), Complaint("labels", "the finite numbers"))
        return Target(dense=labels, bad=xp.any(bad, axis=axis, keepdims=True), wrong=wrong)
    index, bad, ignored = class_indices(v, raw, classes, ignore_index, trust)
    if label_probs is None:
        index = xp.expand_dims(index, axis=axis)
        live = None if ignored is None else ~xp.expand_dims(ignored, axis=axis)
        if trust:
            return Target(index=index, live=live)
        wrong = xp.expand_dims(bad, axis=axis)
        bad = counted(v, wrong, sample_weight)
        bad = settle(v, policy, raw, bad, complaint, lambda m: xp.squeeze(m, axis=axis))
        return Target(index=index, bad=bad, wrong=wrong, live=live)
    index = v.move(index, -1, axis)
    ignored = None if ignored is None else v.move(ignored, -1, axis)
    probs = move_axis(v, label_probs, -1, axis)
    live = None if ignored is None else ~xp.all(ignored, axis=axis, keepdims=True)
    if trust:
        return Target(probs=probs if ignored is None else select(v, probs, ~ignored), index=index, live=live)
    weights = v.peek(probs)
    outside = v.move(bad, -1, axis)
    unused = outside & (weights == 0.0)
    infinite = bad_weights(v, weights) if ignored is None else bad_weights(v, weights) & ~ignored
    wrong = xp.any((outside & ~unused) | infinite, axis=axis, keepdims=True)

    def given(m: Array) -> Array:
        return v.move(m, axis, -1)

    bad = settle(v, policy, raw, counted(v, outside & ~unused, sample_weight), complaint, given)
    infinite = counted(v, infinite, sample_weight)
    weights = given(weights)
    infinite = settle(v, policy, weights, infinite, Complaint("label_probs", "the finite numbers"), given)
    probs = select(v, probs, ~unused if ignored is None else ~(unused | ignored))
    bad = xp.any(bad | infinite, axis=axis, keepdims=True)
    return Target(probs=probs, index=index, bad=bad, wrong=wrong, live=live)


def inspect(
    v: Verbs,
    labels: Array,
    label_probs: Any,
    classes: int,
    axis: int,
    ignore_index: int | None,
    sample_weight: Any,
) -> str:
    """Look at labels that are there to be looked at: raise for a bad one, or return the policy that the
    rest of the way needs, "trust" where all are in range and "nan" where a weight of 0 excuses one."""
    inside = not is_index(labels)
    if not inside and 0 not in labels.shape:
        inside = v.in_range(labels, classes)
        if not inside and ignore_index is not None and label_probs is None:
            inside = v.in_range(class_indices(v, labels, classes, ignore_index, True).index, classes)
        if inside and label_probs is None:
            return "trust"
    target = read_target(v, labels, label_probs, classes, axis, ignore_index, "raise", sample_weight)
    # an entry out of range may be excused (probability 0) and is not to be gathered at
    return "nan" if bool(v.xp.any(target.wrong)) or not (inside or label_probs is None) else "trust"
