r"""The algebra of log-sum-exp: a pair (m, r) stands for m + log1p(r).

m is the largest term and r the sum of exp(term - m) over all the *other* terms: leaving the maximum
out is what keeps the digits of a confident prediction, where 1 + r rounds to 1. Merging is associative
and commutative with (-inf, 0) as its neutral element, so rows may be cut into tiles, blocks or shards
in any way and folded in any order.
"""

from __future__ import annotations

from math import log2
from typing import Any, NamedTuple

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
    """log1p of finite numbers from 0 on. By way of the logarithm, log u + (x - (u - 1)) / u with u = 1 + x, where the
    second term is what the first sum has lost: as exact as the logarithm is, and two roundings."""
    if not v.log_is_faster(x):
        return v.xp.log1p(x)
    u = 1.0 + x
    gained = v.remake(v.xp.divide, v.remake(v.xp.subtract, u - 1.0, x), u)
    return v.remake(v.xp.subtract, v.remake(v.xp.log, u), gained)


def signed_log1p(v: Verbs, x: Array) -> Array:
    """log1p of an argument of either sign: that of XLA in float64 is off by 120 ulp between -0.5 and 0."""
    xp = v.xp
    low, middle = x < -0.5, (x >= -0.5) & (x < 0)
    far = xp.log(1.0 + xp.where(low, x, 0.0))  # the sum is exact
    m = xp.where(middle, x, 0.0)
    near = -log1p(v, -m / (1.0 + m))
    return xp.where(low, far, xp.where(middle, near, log1p(v, xp.where(low | middle, 0.0, x))))


def expm1(v: Verbs, x: Array) -> Array:
    """expm1 of x <= 0: that of torch's compiler is exp(x) - 1, and autodiff of others loses what is far
    from 0. Taylor's series as a product, whose 15 factors reach float64 at -0.5."""
    near = x > -0.5
    small, tail = v.xp.where(near, x, 0.0), 1.0
    for n in range(15, 1, -1):
        tail = 1.0 + small * tail / n
    return v.xp.where(near, small * tail, v.xp.exp(x) - 1.0)


def quotient(v: Verbs, x: Array, y: Array) -> Array:
    """x / y for y up to 1. Both are scaled by a power of two where the square of y, which the derivative divides by,
    would be lost."""
    digits = -int(log2(float(v.xp.finfo(y.dtype).smallest_normal)))
    scale = v.xp.where(y < 2.0 ** (-4 * digits // 9), 2.0 ** (digits // 2), v.xp.ones_like(y))
    return (x * scale) / (y * scale)


def exp_times(v: Verbs, d: Array, factor: Any, e: Any = None) -> Array:
    """factor e^d, where e^d may be there already. Where subnormal numbers are flushed to 0, e^d is taken in two
    halves around the factor, so that a product above the smallest normal number is not lost with an exponential
    below it."""
    if v.headroom == 1.0:
        return factor * (v.xp.exp(d) if e is None else e)
    half = v.xp.exp(0.5 * d)
    return (factor * half) * half


def lifted(v: Verbs, x: Any) -> Any:
    """x times the headroom; `lowered` undoes it. Exact: a power of two."""
    return x if v.headroom == 1.0 else x * v.headroom


def lowered(v: Verbs, x: Any) -> Any:
    return x if v.headroom == 1.0 else x / v.headroom


def finish(v: Verbs, part: Partial) -> Array:
    """m + log1p(r)."""
    return part.maximum + log1p(v, part.rest)
