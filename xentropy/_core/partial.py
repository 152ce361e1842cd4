r"""The algebra of log-sum-exp: a pair (m, r) stands for m + log1p(r).

m is the largest term and r the sum of exp(term - m) over all the *other* terms: leaving the maximum
out is what keeps the digits of a confident prediction, where 1 + r rounds to 1. Merging is associative
and commutative with (-inf, 0) as its neutral element, so rows may be cut into tiles, blocks or shards
in any way and folded in any order.
"""

from __future__ import annotations

from typing import NamedTuple

from .verbs import Array, Verbs


class Partial(NamedTuple):
    maximum: Array
    rest: Array


def lift(v: Verbs, x: Array, axis: int) -> tuple[Array, Array]:
    """The place and the value of each row's maximum. The value is picked, not reduced, so that plain
    autodiff sends its derivative to that one place (a tie split over two would lose the tail)."""
    place = v.xp.argmax(x, axis=axis, keepdims=True)
    return place, v.pick(x, place, axis)


def merge(v: Verbs, one: Partial, other: Partial) -> Partial:
    """The partial of the union of two disjoint sets of terms."""
    xp = v.xp
    first = one.maximum >= other.maximum
    high, low = xp.where(first, one.maximum, other.maximum), xp.where(first, other.maximum, one.maximum)
    rest, more = xp.where(first, one.rest, other.rest), xp.where(first, other.rest, one.rest)
    nothing = low == -xp.inf  # the neutral element; also keeps -inf - -inf out
    gap = xp.where(nothing, 0.0, low) - xp.where(nothing, 0.0, high)
    return Partial(high, rest + xp.where(nothing, 0.0, (1.0 + more) * xp.exp(gap)))


def log1p(v: Verbs, x: Array) -> Array:
    """log1p of an argument of either sign, through a positive one: that of XLA in float64 is off by 120 ulp
    between -0.5 and 0."""
    negative = x < 0
    low = v.xp.where(negative, x, 0.0)
    return v.xp.where(negative, -v.xp.log1p(-low / (1.0 + low)), v.xp.log1p(v.xp.where(negative, 0.0, x)))


def finish(v: Verbs, part: Partial) -> Array:
    """m + log1p(r)."""
    return part.maximum + v.xp.log1p(part.rest)
