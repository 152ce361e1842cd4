"""The rules of logsumexp, softmax and log_softmax."""

from __future__ import annotations

from typing import Any

from .partial import lifted, log1p, lowered
from .rule import Local, Rule, sum_to
from .softmax import INF, Row, bare, heat, log_sum_exp, over, relative, row, share
from .verbs import Array, Verbs


class LogSumExp(Local):
    """(x, T, where) -> lse of each row."""

    separate = True

    axis: int
    like_input: bool = True

    def value(self, v: Verbs, x: Array, temperature: Any, where: Any) -> tuple[Array, ...]:
        if temperature is None and where is None and not v.differentiates:
            maximum, _, rest = bare(v, x, self.axis, keep=False)
            return (log_sum_exp(v, maximum, rest),)
        return (row(v, x, temperature, where, self.axis, void=False).lse(v),)

    def partials(self, v: Verbs, needs: list[bool], x: Array, temperature: Any, where: Any) -> list[list[Any]]:
        r = row(v, x, temperature, where, self.axis, void=False)
        return [[*lse_partials(v, needs[1], r), None]]

    def anchor(self, v: Verbs, tangent: Array, *inputs: Any) -> tuple[Array, list[Any]]:
        x, temperature, where = inputs
        r = row(v, x, temperature, where, self.axis, void=False)
        tangent, off = relative(v, tangent, r, where)
        return tangent, [over(v.xp.where(r.maximum == -INF, 0.0, off), temperature)]

    def support(self, v: Verbs, *inputs: Any) -> dict[int, Any]:
        return {0: inputs[2]}

    def shapes(self, x: Array, *_: Any) -> list[tuple[int, ...]]:
        return [row_shape(x, self.axis)]


def lse_partials(v: Verbs, needs_temperature: bool, r: Row) -> list[Any]:
    """Those of the log-sum-exp with respect to x and T; 0 where no class is allowed."""
    xp = v.xp
    lost = r.maximum == -INF
    p = xp.where(lost, 0.0, r.probs(v, over(v.headroom, r.temperature)))
    by_t = None
    if needs_temperature:
        origin = xp.where(lost, 0.0, r.maximum)
        by_t = v.total(heat(v, p, r), r.axis) - origin / r.temperature / r.temperature
    return [lowered(v, p), by_t]


def row_shape(x: Array, axis: int) -> tuple[int, ...]:
    """The shape of a row quantity: the class axis has size 1."""
    return tuple(1 if i == axis % x.ndim else n for i, n in enumerate(x.shape))


class Softmax(Rule):
    """(x, T, where) -> the probabilities, or with `log` their logarithms."""

    separate = True

    axis: int
    log: bool
    like_input = True

    def value(self, v: Verbs, x: Array, temperature: Any, where: Any) -> tuple[Array, ...]:
        if temperature is None and where is None and not v.differentiates:
            if self.log:
                _, d, rest = bare(v, x, self.axis, keep=True)
                return (v.remake(v.xp.subtract, d, log1p(v, rest)),)

            def relative(base: Array, highest: bool = False) -> tuple[Array, Array]:
                e = v.shifted(v.xp.exp, x, base)
                return e, v.total(e, self.axis)

            e, total = v.based(relative, x, self.axis)
            return (v.remake(v.xp.divide, e, total),)
        r = row(v, x, temperature, where, self.axis)
        if self.log:
            out = r.d - r.log_norm(v)
            # a removed class is -inf whatever the others do: no derivative goes through it
            out = v.xp.where(out == -INF, -INF, out)
        else:
            out = r.probs(v)
        return (out if where is None else v.xp.where(where, out, -INF if self.log else 0.0),)

    def pull(self, v: Verbs, inputs: list[Any], needs: list[bool], cotangents: list[Any]) -> list[Any]:
        x, temperature, where = inputs
        r = row(v, x, temperature, where, self.axis)
        ct = lifted(v, v.xp.where(r.d == -INF, 0.0, cotangents[0]))
        if self.log:
            slope = -share(v, r, v.total(ct, self.axis), [(None, ct)])
        else:
            ct, _ = relative(v, ct, r, None)
            slope = self._spread(v, r, ct)
        if where is not None:
            slope = v.xp.where(where, slope, 0.0)
        slope = over(slope, temperature)
        by_t = sum_to(v, heat(v, slope, r), temperature.shape) if needs[1] else None
        return [lowered(v, slope), by_t, None]

    def push(self, v: Verbs, inputs: list[Any], tangents: list[Any]) -> list[Any]:
        x, temperature, where = inputs
        r = row(v, x, temperature, where, self.axis)
        move: Any = 0.0
        if tangents[0] is not None:
            move = over(relative(v, tangents[0], r, where)[0], temperature)
        if tangents[1] is not None:
            move = move - v.xp.where(r.d == -INF, 0.0, r.d) * (tangents[1] / temperature)
        if not self.log:
            return [self._spread(v, r, move)]
        out = move - v.total(r.probs(v) * move, self.axis)
        return [v.xp.where((r.d == -INF) & (r.rest == r.rest), 0.0, out)]

    def _spread(self, v: Verbs, r: Row, c: Array) -> Array:
        """p_j (c_j - sum_k p_k c_k): the Jacobian of the softmax, which is symmetric."""
        p = r.probs(v)
        return p * (c - v.total(p * c, self.axis))

    def shapes(self, x: Array, *_: Any) -> list[tuple[int, ...]]:
        return [x.shape]
