"""Other ways to what some verbs give. A backend makes them its verbs where they are the faster ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .verbs import Array, Verbs

FAR = 64.0  # nats: e^64 is within float32


def based_by_label(v: Verbs, relative: Callable[..., Any], x: Array, live: Any, axis: int) -> tuple[Any, ...]:
    """`based` of class indices, for losses alone, where a pass over the logits takes longer than a test of the
    losses: `relative()` is by the label, whose logit is there without one. A loss that comes out large, or not as a
    number, is taken relative to the maximum after all."""
    loss, *others = relative()

    def near() -> Array:
        return loss < FAR if live is None else (loss < FAR) | ~live

    def mended() -> Array:
        return v.xp.where(near(), loss, Verbs.based(v, relative, x, live, axis)[0])

    return v.unless(near(), loss, mended), *others


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
