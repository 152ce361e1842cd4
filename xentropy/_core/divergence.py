r"""Row rules that take distributions: negative log-likelihood, entropy, and the two divergences.

The first two share their target and softmax code with cross-entropy. In KL and JS a class with p = 0
adds nothing to the value, whatever the other distribution says of it.
"""

from __future__ import annotations

from typing import Any

from .normalizers import row_shape
from .partial import expm1, lifted, lowered, signed_log1p
from .rule import Local
from .softmax import INF, heat, over, relative, row
from .target import Labels, by_class_weight, by_label, by_smoothing, fraction, given_entry, kept_entries, uniform_part
from .verbs import Array, Verbs


class RowLoss(Local):
    """One loss a row. The last two inputs are `where` and `live`: the classes and the rows that count."""

    separate = True

    axis: int
    checks = ""  # the name of the second input, for a message about what is bad of it
    allowed = ""

    def bad(self, v: Verbs, second: Any) -> Any:
        """Where the second input holds what no distribution does; None if anything goes."""
        return None

    def support(self, v: Verbs, *inputs: Any) -> dict[int, Any]:
        return {0: inputs[-2], 1: inputs[-2]}

    def live(self, *inputs: Any) -> Any:
        return inputs[-1]

    def shapes(self, x: Array, *_: Any) -> list[tuple[int, ...]]:
        return [row_shape(x, self.axis)]

    def _clean(self, v: Verbs, where: Any, live: Any, fill: float, *arrays: Any) -> list[Any]:
        """The arrays with `fill` in removed classes and 0 in removed rows: what is there is never read."""
        if where is not None:
            arrays = tuple(v.xp.where(where, x, fill) for x in arrays)
        return [x if live is None else v.xp.where(live, x, 0.0) for x in arrays]

    def _sum(self, v: Verbs, terms: Array, live: Any) -> Array:
        out = v.total(terms, self.axis)
        return out if live is None else v.xp.where(live, out, 0.0)


class NegativeLogLikelihood(RowLoss):
    """(log_probs, dense, probs, smoothing, class weight, index, where, live) -> loss of each row."""

    axis: int

    def support(self, v: Verbs, *inputs: Any) -> dict[int, Any]:
        return kept_entries(v, inputs[0], inputs[6], inputs[5], self.axis, 1)

    def _read(self, v: Verbs, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        x, dense, probs, smoothing, class_weight, index, where, live = inputs
        (x,) = self._clean(v, where, live, -INF, x)
        if live is not None:
            dense = None if dense is None else v.xp.where(live, dense, 0.0)
            probs = None if probs is None else v.xp.where(live, probs, 0.0)
        labels = Labels(dense, index, probs, fraction(v, smoothing), class_weight)
        given = given_entry(v, labels, x, None, where, self.axis)
        return labels, given, None if smoothing is None else uniform_part(v, labels, x, None, given, self.axis)

    def value(self, v: Verbs, *inputs: Any) -> tuple[Array, ...]:
        _, given, uniform = self._read(v, inputs)
        loss = v.total(given.weight * given.surprisal, self.axis)
        if uniform is not None:
            loss = loss + v.total(uniform.entry.weight * uniform.entry.surprisal, self.axis)
        return (loss if inputs[-1] is None else v.xp.where(inputs[-1], loss, 0.0),)

    def partials(self, v: Verbs, needs: list[bool], *inputs: Any) -> list[list[Any]]:
        labels, given, uniform = self._read(v, inputs)
        values = [given.surprisal] if uniform is None else [given.surprisal, uniform.entry.surprisal]
        out: list[Any] = [None] * 8
        if needs[0]:
            if given.index is None:
                out[0] = -given.weight
            else:
                out[0] = v.deposit(v.xp.zeros_like(inputs[0]), given.index, -given.weight, self.axis)
            if uniform is not None:
                out[0] = out[0] - uniform.entry.weight
        if needs[1] or needs[2]:
            out[1 if given.index is None else 2] = by_label(v, labels, given, values, uniform, self.axis)
        if needs[3] and uniform is not None:
            out[3] = by_smoothing(v, labels, given, values, uniform, self.axis)
        if needs[4]:
            out[4] = by_class_weight(v, labels, given, values, uniform, inputs[0], self.axis)
        return [out]


class Entropy(RowLoss):
    """(x, T, where, live) -> -sum p log p of each row's softmax."""

    axis: int

    def support(self, v: Verbs, *inputs: Any) -> dict[int, Any]:
        return {0: inputs[2]}

    def _read(self, v: Verbs, inputs: tuple[Any, ...]) -> tuple[Any, Array, Array]:
        x, temperature, where, live = inputs
        if live is not None:
            x = v.xp.where(live, x, 0.0)
        r = row(v, x, temperature, where, self.axis)
        allowed = r.d != -INF
        return r, v.xp.where(allowed, r.d, 0.0), v.xp.where(allowed, r.probs(v), 0.0)

    def value(self, v: Verbs, *inputs: Any) -> tuple[Array, ...]:
        r, d, p = self._read(v, inputs)
        cost, level = r.log_norm(v) - d, 0.0
        if v.differentiates:  # sum p = 1: what all classes cost alike has no derivative, not one of rounding errors
            level = v.constant(v.total(p * cost, self.axis))
        out = level + v.total(p * (cost - level), self.axis) + 0.0 * r.rest
        return (out if inputs[-1] is None else v.xp.where(inputs[-1], out, 0.0),)

    def partials(self, v: Verbs, needs: list[bool], *inputs: Any) -> list[list[Any]]:
        r, d, p = self._read(v, inputs)
        slope = -p * (d - v.total(p * d, self.axis)) + 0.0 * r.rest
        slope = over(lifted(v, slope), inputs[1])
        return [[lowered(v, slope), heat(v, slope, r) if needs[1] else None, None, None]]

    def anchor(self, v: Verbs, tangent: Array, *inputs: Any) -> tuple[Array, list[Any]]:
        r, *_ = self._read(v, inputs)
        return relative(v, tangent, r, inputs[2])[0], []


class KLDivergence(RowLoss):
    """(log_q, p or log p, where, live) -> sum p (log p - log q) of each row."""

    axis: int
    log_target: bool
    checks = "p"
    allowed = "the finite numbers from 0"

    def bad(self, v: Verbs, second: Any) -> Any:
        return None if self.log_target else ~((second >= 0) & v.xp.isfinite(second))

    def _read(self, v: Verbs, inputs: tuple[Any, ...]) -> tuple[Array, Array, Array]:
        """p, log p - log q and where p is 0; p = 1, log 1 - 0 stands in there."""
        xp = v.xp
        log_q, target, where, live = inputs
        (log_q,) = self._clean(v, where, live, 0.0, log_q)
        (target,) = self._clean(v, where, live, -INF if self.log_target else 0.0, target)
        zero = target == (-INF if self.log_target else 0.0)
        safe = xp.where(zero, 0.0 if self.log_target else 1.0, target)
        p, log_p = (xp.exp(safe), safe) if self.log_target else (safe, xp.log(safe))
        return p, log_p - xp.where(zero, 0.0, log_q), zero

    def value(self, v: Verbs, *inputs: Any) -> tuple[Array, ...]:
        xp = v.xp
        p, gap, zero = self._read(v, inputs)
        terms = xp.where(zero, 0.0, p * gap)
        if not self.log_target:  # 0, and as steep at 0 as p log p is
            steep = zero & self._possible(v, inputs)
            terms = terms - xp.where(steep, xp.sqrt(xp.where(steep, inputs[1], 1.0)), 0.0)
        return (self._sum(v, terms, inputs[-1]),)

    def _possible(self, v: Verbs, inputs: tuple[Any, ...]) -> Array:
        """The classes that are neither removed nor impossible on the side of q."""
        log_q, _, where, live = inputs
        possible = log_q != -INF
        possible = possible if where is None else possible & where
        return possible if live is None else possible & live

    def partials(self, v: Verbs, needs: list[bool], *inputs: Any) -> list[list[Any]]:
        xp = v.xp
        p, gap, zero = self._read(v, inputs)
        by_p = gap + 1.0
        if self.log_target:
            return [[xp.where(zero, 0.0, -p), xp.where(zero, 0.0, p * by_p), None, None]]
        # the limit log p -> -inf, unless the class is impossible on both sides; -p and -log q stay in sight of
        # second order
        log_q, target, *_ = inputs
        steep = zero & self._possible(v, inputs)
        idle = zero & ~steep
        by_p = xp.where(steep, -INF - xp.where(steep, log_q, 0.0), by_p)
        return [[xp.where(steep, -target, xp.where(idle, 0.0, -p)), xp.where(idle, 0.0, by_p), None, None]]


class JSDivergence(RowLoss):
    """(log_p, log_q, where, live) -> (KL(p, m) + KL(q, m)) / 2 of each row, with m = (p + q) / 2."""

    axis: int

    def _halves(self, v: Verbs, inputs: tuple[Any, ...]) -> list[Array]:
        """p log(p / m) / 2 and q log(q / m) / 2, which are the derivatives too."""
        xp = v.xp
        log_p, log_q, where, live = inputs
        log_p, log_q = self._clean(v, where, live, -INF, log_p, log_q)
        out = []
        for one, other in ((log_p, log_q), (log_q, log_p)):
            zero = one == -INF
            safe = xp.where(zero, 0.0, one)
            gap = xp.where(zero, 0.0, other) - safe
            # log(one / m) = -log((1 + e^gap) / 2), without the cancellation near gap = 0
            big = gap > 0
            low = xp.where(big, -gap, gap)
            ratio = -(xp.where(big, gap, 0.0) + signed_log1p(v, 0.5 * expm1(v, low)))
            out.append(xp.where(zero, 0.0, 0.5 * xp.exp(safe) * ratio))
        return out

    def value(self, v: Verbs, *inputs: Any) -> tuple[Array, ...]:
        one, other = self._halves(v, inputs)
        return (self._sum(v, one + other, inputs[-1]),)

    def partials(self, v: Verbs, needs: list[bool], *inputs: Any) -> list[list[Any]]:
        one, other = self._halves(v, inputs)
        return [[one, other, None, None]]
