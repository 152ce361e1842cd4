r"""log |sum_j b_j exp x_j| with its sign, for weights b of either sign.

With a the place of the largest |b_j| exp x_j and s_j = b_j exp(x_j) / (b_a exp x_a):

    log |S| = x_a + log |b_a| + log |1 + r|,   r = sum_{j != a} s_j,   sign S = sign(b_a) sign(1 + r)

A weight of 0 removes its term. Derivatives: s_j / (1 + r) with respect to x_j, and
exp(x_j - log |S|) sign S with respect to b_j, which has a value at b_j = 0 too.
"""

from __future__ import annotations

from typing import Any

from .normalizers import row_shape
from .partial import lift, signed_log1p
from .rule import Local
from .softmax import INF, NAN
from .verbs import Array, Verbs


class SignedLogSumExp(Local):
    """(x, b, where) -> (log |S|, sign S) of each row; the sign has no derivative."""

    separate = True

    axis: int
    like_input = True

    def _terms(self, v: Verbs, x: Array, b: Array, where: Any) -> tuple[Array, ...]:
        """x, the weights' logarithms, each s_j but the anchor's, r, and the anchor's log-term and place."""
        xp = v.xp
        kept = (b != 0) if where is None else (b != 0) & where
        size = xp.log(xp.where(kept, xp.abs(b), 1.0))
        raw, x = x, xp.where(kept, x, -INF)
        place, _ = lift(v, x + size, self.axis)
        x_a, size_a = v.pick(x, place, self.axis), v.pick(size, place, self.axis)
        lost = x_a == -INF
        gap = x - xp.where(lost, 0.0, x_a)
        ratio = xp.exp(gap + (size - size_a))
        sign_a = v.pick(_sign(v, b), place, self.axis)
        s = ratio * _sign(v, b) + self._idle(v, raw - xp.where(lost, 0.0, x_a) - size_a, b, where)
        s = v.drop(s * sign_a, place, self.axis)
        return gap, size_a, s, v.total(s, self.axis), x_a, place

    def _idle(self, v: Verbs, gap: Array, b: Array, where: Any) -> Array:
        """What the terms of weight 0 add: nothing, with the derivative that they have nevertheless."""
        xp = v.xp
        idle = (b == 0) & (gap < 80.0)  # far above, exp is not finite in float32
        idle = idle if where is None else idle & where
        return xp.where(idle, b, 0.0) * xp.exp(xp.where(idle, gap, -INF))

    def value(self, v: Verbs, x: Array, b: Array, where: Any) -> tuple[Array, ...]:
        xp = v.xp
        b = xp.broadcast_to(b, x.shape)
        _, size_a, _, rest, x_a, place = self._terms(v, x, b, where)
        sign_a = v.pick(_sign(v, b), place, self.axis)
        lost, infinite = x_a == -INF, x_a == INF
        log = xp.where(lost, -INF, xp.where(lost, 0.0, x_a) + size_a + _log_abs(v, rest))
        sign = xp.where(lost, 0.0, sign_a * _sign(v, 1.0 + rest))
        # one infinite term is the sum; infinite terms of both signs have none
        alone = infinite & self._one_sign(v, x, b, where, sign_a)
        return xp.where(alone, INF, log), xp.where(alone, sign_a, sign)

    def _one_sign(self, v: Verbs, x: Array, b: Array, where: Any, sign_a: Array) -> Array:
        against = (x == INF) & (_sign(v, b) == -sign_a) | ((x != x) & (b != 0))
        if where is not None:
            against = against & where
        return ~v.xp.any(against, axis=self.axis, keepdims=True)

    def partials(self, v: Verbs, needs: list[bool], x: Array, b: Array, where: Any) -> list[list[Any]]:
        xp = v.xp
        whole = xp.broadcast_to(b, x.shape)
        _, size_a, s, rest, x_a, place = self._terms(v, x, whole, where)
        lost = x_a == -INF
        # 1 / (1 + r) at the anchor itself, where s was left out
        by_x = xp.where(lost, 0.0, v.put(s, place, xp.ones_like(rest), self.axis) / (1.0 + rest))
        spoilt = xp.where(x_a == INF, NAN, xp.ones_like(x_a))  # as in `softmax.row`
        by_x = by_x * spoilt
        by_b = None
        if needs[1]:
            sign = v.pick(_sign(v, whole), place, self.axis) * _sign(v, 1.0 + rest)
            gone = lost | ((whole == 0) & ~xp.isfinite(x))
            gap = xp.where(gone, 0.0, x) - xp.where(lost, 0.0, x_a)
            by_b = xp.exp(gap - size_a - _log_abs(v, rest)) * sign * spoilt
            by_b = xp.where(gone if where is None else gone | ~where, 0.0, by_b)
        return [[by_x, by_b, None], [None, None, None]]

    def support(self, v: Verbs, *inputs: Any) -> dict[int, Any]:
        return {0: inputs[2]}

    def shapes(self, x: Array, *_: Any) -> list[tuple[int, ...]]:
        return [row_shape(x, self.axis)] * 2


def _sign(v: Verbs, x: Array) -> Array:
    """Without the boolean indexing that some libraries' own has, which no transform can follow."""
    return v.xp.where(x > 0, 1.0, v.xp.where(x < 0, -1.0, 0.0 * x))


def _log_abs(v: Verbs, rest: Array) -> Array:
    """log |1 + r|, to the last digit near r = 0 and near r = -2."""
    xp = v.xp
    below = rest < -1.0
    return signed_log1p(v, xp.where(below, -2.0 - rest, rest))
