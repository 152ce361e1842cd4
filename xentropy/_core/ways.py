"""Other ways to what some verbs give. A backend makes them its verbs where they are the faster ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .labels import poison
from .verbs import Array, Verbs

FAR = 64.0  # nats: e^64 is within float32


class ByLabel:
    """Of class indices, for losses alone: relative to the label, whose logit is there without a pass over all."""

    def based(self, relative: Callable[..., Any], x: Array, axis: int) -> tuple[Any, ...]:
        found: tuple[Any, ...] = relative()
        return found

    def unless(self, near: Array, rows: Callable[..., Any], loss: Array, x: Array, index: Array) -> Array:
        """`loss` where `near`, a 0-d boolean, is true, or else as `mended` gives it."""
        raise NotImplementedError


def walk_by_label(
    v: Any, rows: Callable[..., Any], x: Array, index: Array, live: Any, bad: Any, divisor: Any
) -> tuple[Array, None]:
    """`walk` of those, where a pass over the logits takes longer than a test of the losses. What comes out large, or
    not as a number, is computed as usual after all."""
    loss, _ = rows(v, False, -1, x, index, live, None, None)  # of rows that do not count 0, which is near
    loss = v.unless(v.xp.max(loss) < FAR, rows, loss, x, index)
    return (loss if bad is None else loss * poison(v, bad, loss)), None


def mended(v: Verbs, loss: Array, usual: Array) -> Array:
    """The losses, those that are not near as usual."""
    return v.xp.where(loss < FAR, loss, usual)


# The next two are for where a comparison of each class with the label takes as long as its exponential: the 1 is left
# out that the maximum is, and by what it is larger than the class in question is put back.


def total_but_one_by_peak(
    v: Verbs, terms: Callable[..., Array], x: Array, top: Array, index: Array, own: Array, axis: int
) -> Array:
    """`total_but_one`."""
    return v.total_but_peak(terms(v, x, top), None, 0.0, axis)


def all_but_by_peak(
    v: Verbs, terms: Callable[..., Array], x: Array, base: Array, index: Array, axis: int
) -> tuple[Array, Array]:
    """`all_but`, where the base is the maximum."""
    e, own = terms(v, x, base), terms(v, v.pick(x, index, axis), base)
    return e, v.total_but_peak(e, None, 0.0, axis) + (1.0 - own)
