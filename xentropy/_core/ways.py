"""Other ways to what some verbs give. A backend makes them its verbs where they are the faster ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import add
from typing import Any

from .verbs import Array, Verbs

FAR = 64.0  # nats: e^64 is within float32


class ByLabel:
    """Of class indices, for losses alone: relative to the label, whose logit is there without a pass over all."""

    def based(self, relative: Callable[..., Any], x: Array, axis: int) -> tuple[Any, ...]:
        found: tuple[Any, ...] = relative()
        return found


def by_label(v: Any, rows: Callable[..., Any], x: Array, index: Array, live: Any) -> tuple[Array, Array]:
    """The losses by the verbs of a `ByLabel`, and whether all of them are near, a 0-d boolean: what is large, or not
    a number, is to be computed as usual after all."""
    loss, _ = rows(v, False, -1, x, index, live, None, None)  # of rows that do not count 0, which is near
    return loss, v.xp.max(loss) < FAR


def mended(v: Verbs, loss: Array, usual: Array) -> Array:
    """The losses, those that are not near as usual."""
    return v.xp.where(loss < FAR, loss, usual)


# The next two are for few classes, each for all rows at once, where a loop over rows is faster than a short sum.


def sum_but(v: Verbs, columns: Sequence[Array], index: Array) -> Array:
    """The sum of all columns but one in each row."""
    return reduce(add, [v.xp.where(index == k, 0.0, column) for k, column in enumerate(columns)])


def sum_at(v: Verbs, columns: Sequence[Array], index: Array) -> Array:
    """Each row's column at the index."""
    return reduce(add, [v.xp.where(index == k, column, 0.0) for k, column in enumerate(columns)])


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
