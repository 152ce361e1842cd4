r"""Softmax relative to the row's maximum, and the normalizers.

With a the place of the maximum, d_j = (x_j - x_a) / T and r = sum_{j != a} exp d_j:

    lse = x_a / T + log1p(r)        p_j = exp(d_j) / (1 + r)        log p_j = d_j - log1p(r)

and a gradient of the kind W p_j - t_j, sum_j t_j = W, is at the maximum's own place
sum_{j != a} t_j - W r / (1 + r): nothing there is a difference of numbers near 1, so that a
confident row keeps the digits of its tail.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .partial import Partial, exp_times, finish, lift, log1p, lowered
from .precision import is_array
from .verbs import Array, Verbs

INF = float("inf")
NAN = float("nan")


class Row(NamedTuple):
    """Logits relative to their row's maximum. All but `d` keep the class axis with size 1."""

    d: Array  # (x_j - x_a) / T: 0 at a, -inf where a class is disallowed
    place: Array  # a
    rest: Array  # r
    maximum: Array  # x_a, not divided by T
    temperature: Any
    axis: int
    e: Any  # exp d; None where it is to be taken in halves

    def log_norm(self, v: Verbs) -> Array:
        """log1p(r): the log-sum-exp less the maximum."""
        return log1p(v, self.rest)

    def lse(self, v: Verbs) -> Array:
        """The log-sum-exp itself; infinite maxima are the answer already."""
        return log_sum_exp(
            v, self.maximum if self.temperature is None else self.maximum / self.temperature, self.rest
        )

    def probs(self, v: Verbs, times: Any = 1.0) -> Array:
        return exp_times(v, self.d, times / (1.0 + self.rest), self.e)


def log_sum_exp(v: Verbs, maximum: Array, rest: Array) -> Array:
    finite = finish(v, Partial(v.xp.where(maximum == -INF, 0.0, maximum), rest))
    return v.xp.where(maximum == -INF, -INF, v.xp.where(maximum == INF, INF, finite))


def bare(v: Verbs, x: Array, axis: int, *, keep: bool) -> tuple[Array, Array, Array]:
    """The maximum, d (if it is to be kept) and r of logits without a temperature or a mask. Special values need no
    care: where the maximum is not finite, the arithmetic makes all of the row NaN."""
    maximum, place = v.peak(x, axis)
    d = v.make(v.xp.subtract, x, maximum)
    e = v.make(v.xp.exp, d) if keep else v.remake(v.xp.exp, d)
    return maximum, d, v.total_but_peak(e, place, maximum - maximum, axis)


def row(v: Verbs, x: Array, temperature: Any, where: Any, axis: int, *, void: bool = True) -> Row:
    """The row, with the classes of `where=False` removed. With `void`, a row whose every logit is -inf
    is NaN throughout (its softmax has no value), unless `where` has removed all of its classes."""
    xp = v.xp
    if where is not None:
        x = xp.where(where, x, -INF)
    place, m = lift(v, x, axis)
    lost = m == -INF
    gap = v.make(xp.subtract, x, xp.where(lost, 0.0, m))
    spoilt = ~(m < INF)  # NaN or +inf somewhere in the row
    if is_array(temperature):
        spoilt = spoilt | ~(temperature > 0)
    if temperature is not None:
        gap = _cool(v, gap, temperature)
    d = v.put(gap, place, xp.where(lost, -INF, xp.zeros_like(m)), axis)
    e = v.make(xp.exp, d) if v.headroom == 1.0 else None
    rest = lowered(v, v.without(exp_times(v, d, v.headroom) if e is None else e, place, axis))
    if void:
        spoilt = spoilt | (lost if where is None else lost & xp.any(where, axis=axis, keepdims=True))
    # times NaN, not where(..., NaN): the derivative is NaN too, by whatever way it is taken; also at the maximum
    nan = NAN * xp.where(spoilt, m, 0.0)
    return Row(d, place, rest * xp.where(spoilt, nan, 1.0), m, temperature, axis, e)


def _cool(v: Verbs, gap: Array, temperature: Any) -> Array:
    """gap / T, where the derivative of an array T does not see the infinite gap of a disallowed class."""
    if not is_array(temperature):
        return v.remake(v.xp.divide, gap, temperature)
    allowed = gap != -INF
    finite = v.xp.where(allowed, gap, 0.0) / temperature
    return v.xp.where(allowed, finite, gap / v.constant(temperature))


def share(v: Verbs, row: Row, weight: Array, target: list[tuple[Any, Array]]) -> Array:
    """W p_j - t_j, the derivative with respect to d of W log1p(r) - sum_j t_j d_j.

    The target is a list of (index, amount) that add up; an index of None is one amount a class."""
    axis, one = row.axis, 1.0 + row.rest
    out = row.probs(v, weight)
    own = others = v.xp.zeros_like(row.rest)
    for index, amount in target:
        if index is None:
            out = out - amount
            own = own + v.pick(amount, row.place, axis)
            others = others + v.total(v.drop(amount + 0.0, row.place, axis), axis)
        else:
            out = v.deposit(out, index, -amount, axis)
            here = index == row.place
            own = own + v.total(v.xp.where(here, amount, 0.0), axis)
            others = others + v.total(v.xp.where(here, 0.0, amount), axis)
    # p_a is near 1 in the first of the two and near 0 in the second: neither cancels
    own_share = v.xp.where(row.rest < 1.0, others - weight * (row.rest / one), weight / one - own)
    return v.put(out, row.place, own_share, axis)


def relative(v: Verbs, tangent: Array, row: Row, where: Any) -> tuple[Array, Array]:
    """A tangent of the logits less that of a confident row's maximum, and what was taken off."""
    if where is not None:
        tangent = v.xp.where(where, tangent, 0.0)
    own = v.pick(tangent, row.place, row.axis)
    off = v.xp.where(row.rest < 1.0, own, 0.0)
    return v.put(tangent - off, row.place, own - off, row.axis), off


def heat(v: Verbs, slope: Array, row: Row) -> Array:
    """The derivative with respect to T, class by class, of what has the derivative `slope`, lifted, in x."""
    gone = (slope == 0.0) & (row.d == -INF)  # out of both factors: second derivatives go through each of them
    return -lowered(v, v.xp.where(gone, 0.0, slope) * v.xp.where(gone, 0.0, row.d))


def over(x: Any, temperature: Any) -> Any:
    """x / T, with no T meaning 1."""
    return x if temperature is None or x is None else x / temperature
