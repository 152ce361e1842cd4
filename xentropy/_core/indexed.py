r"""Cross-entropy of class indices and nothing else, the call that nearly all calls are.

Left out of the sum is the label y here, not the maximum: its place is known. With q = sum_{j != y} exp d_j, and d
relative to the maximum, any base near it, or for a loss that is not large the label,

    loss = log1p(q e^{-d_y})        gradient: e^{d_j} / (q + e^{d_y}), and at y -q / (q + e^{d_y})

Nothing there is a difference of numbers near 1. Special values need no care of their own: what the rules ask of
infinities and NaN is what the arithmetic makes of them.
"""

from __future__ import annotations

from math import log, prod
from typing import Any

from .labels import poison, read_target
from .partial import log1p
from .precision import kind, promote, working_dtype
from .rule import Local
from .verbs import Array, Verbs


class IndexLoss(Local):
    """(x, index, live, bad, divisor) -> loss of each row, or with `whole` their sum over the divisor.

    Classes are last; index, live and bad keep that axis with size 1. Rows that are not `live` are 0, `bad` ones
    NaN. The divisor, if any, is 0-d and is not differentiated.
    """

    whole: bool
    records = True

    def value(self, v: Verbs, *inputs: Any) -> tuple[Array, ...]:
        loss, _ = v.walk(_rows, False, *inputs)
        return (self._reduced(v, loss, *inputs[3:]),)

    __call__ = value  # 16-bit floats are promoted part by part

    def pull(self, v: Verbs, inputs: list[Any], needs: list[bool], cotangents: list[Any]) -> list[Any]:
        return [v.walk(_rows, True, *inputs, self._of_rows(v, cotangents))[1], None, None, None, None]

    def contract(
        self, v: Verbs, inputs: list[Any], needs: list[bool], cotangents: list[Any], table: Any
    ) -> list[Any]:
        return [v.scale(self._of_rows(v, cotangents), table[0][0]), None, None, None, None]

    def _of_rows(self, v: Verbs, cotangents: list[Any]) -> Array:
        [ct] = cotangents
        return ct if self.whole else v.xp.expand_dims(ct, axis=-1)

    def push(self, v: Verbs, inputs: list[Any], tangents: list[Any]) -> list[Any]:
        _, moved = self.ahead(v, inputs, tangents)
        return moved

    def ahead(self, v: Verbs, inputs: Any, tangents: Any) -> tuple[tuple[Array, ...], list[Any]]:
        outputs, [[slope, *_]] = self.record(v, [], *inputs)
        _, index, live, *_ = inputs
        [tangent] = promote(v, tangents[:1], slope.dtype)
        tangent = tangent if live is None else v.xp.where(live, tangent, 0.0)
        out = v.contract(slope, tangent, index, -1)
        return outputs, [v.sum(out) if self.whole else v.xp.reshape(out, inputs[0].shape[:-1])]

    def partials(self, v: Verbs, needs: list[bool], *inputs: Any) -> list[list[Any]]:
        return [[v.walk(_rows, True, *inputs)[1], None, None, None, None]]

    def record(self, v: Verbs, needs: list[bool], *inputs: Any) -> tuple[tuple[Array, ...], Any]:
        loss, slope = v.walk(_rows, True, *inputs)
        return (self._reduced(v, loss, *inputs[3:]),), [[slope, None, None, None, None]]

    def _reduced(self, v: Verbs, loss: Array, bad: Any, divisor: Any) -> Array:
        loss = loss if bad is None else loss * poison(v, bad, loss)
        if not self.whole:
            return v.xp.reshape(loss, loss.shape[:-1])
        return v.sum(loss) if divisor is None else v.sum(loss) / divisor


def _rows(
    v: Verbs, steep: bool, axis: int, x: Array, index: Array, live: Any, bad: Any, divisor: Any, ct: Any = None
) -> tuple[Array, Any]:
    """The loss of each row, also of a bad one, and, if `steep`, its gradient over the divisor, times a cotangent if
    there is one, for any part of the rows."""
    xp = v.xp
    x = x if kind(x.dtype) == "float" else xp.astype(x, xp.float32)
    if live is not None and (steep or v.differentiates):  # of a rule, only the derivative is differentiated again
        x = v.guard(x, live)
    index = v.spot(x, index, axis)

    def relative(base: Any = None, highest: bool = False) -> tuple[Any, ...]:
        """The loss, and what the slope is made of: the exponentials, e^{d_y} and q. Without a base, relative to the
        label."""
        if v.differentiates:  # a gather has a scatter for its derivative, which no compiler fuses
            label = v.total(xp.where(v.places(x, index, axis), x, 0.0), axis)
        else:
            label = v.pick(x, index, axis)
        if base is None:
            rest = v.total_but(_relative, x, label, index, axis)
            return log1p(v, rest) + 0.0 * label, None, None, None  # NaN, which is mended, if that is infinite
        own = label - base
        if steep:
            e, rest = v.all_but(_relative, x, base, index, axis)
            e_y = xp.exp(own)
            return _loss_from_top(v, own, rest + (e_y - 1.0)) if highest else _loss(v, own, rest), e, e_y, rest
        if highest:
            return _loss_from_top(v, own, v.total_but_one(_relative, x, base, index, own, axis)), None, None, None
        return _loss(v, own, v.total_but(_relative, x, base, index, axis)), None, None, None

    loss, e, e_y, rest = v.based(relative, x, axis)
    loss = loss if live is None else v.keep(loss, live)
    if not steep:
        return loss, None
    rest = rest if bad is None else rest * poison(v, bad, rest)
    whole = rest + e_y
    slope = v.put(e, index, -rest, axis)
    if ct is None:
        slope = v.remake(xp.divide, slope, v.wide(whole if divisor is None else whole * divisor))
    else:
        slope = v.remake(xp.multiply, slope, v.wide((ct if divisor is None else ct / divisor) / whole))
    return loss, slope if live is None else v.keep(slope, live)


def _loss_from_top(v: Verbs, own: Array, tail: Array) -> Array:
    """Of a row relative to its maximum, in fewer calls: the tail is the sum of all terms but a 1."""
    return log1p(v, tail) - own


def _loss(v: Verbs, own: Array, rest: Array) -> Array:
    if v.differentiates:  # where the sum is NaN, so is the derivative of all that follows
        own = own * (1.0 + 0.0 * v.constant(rest))
    # a part of d_y is left out of the exponent where that makes it so large that the 1 does not count
    far = log(float(v.xp.finfo(own.dtype).eps)) - 2.0
    beyond = own <= far  # not NaN, which stays in both factors
    near, left = v.xp.where(beyond, far, own), v.xp.where(beyond, own - far, 0.0)
    return log1p(v, rest * v.xp.exp(-near)) - left


def _relative(v: Verbs, x: Array, base: Array) -> Array:
    """exp d."""
    return v.shifted(v.xp.exp, x, base)


ROWS, WHOLE = IndexLoss(False), IndexLoss(True)


def indexed(
    v: Verbs, logits: Array, labels: Array, *, ignore_index: int | None, policy: str, reduction: str
) -> tuple[Array, ...]:
    """Cross-entropy of class indices along the last axis, without any option that weights or moves a class."""
    if policy == "trust" and ignore_index is None:
        index, live, bad = v.peek(labels), None, None
        index = index if index.dtype == v.index_dtype() else v.xp.astype(index, v.index_dtype())
        index = index[..., None]
    else:
        target = read_target(v, labels, None, logits.shape[-1], logits.ndim - 1, ignore_index, policy, None)
        index, live, bad = target.index, target.live, target.bad
    divisor = None
    if reduction == "mean":  # the rows that count; 1 where there is none, and their sum is 0
        if live is None:
            divisor = v.count(prod(labels.shape) or 1, v.peek(logits))
        else:
            count = v.sum(v.xp.astype(live, working_dtype(v, v.peek(logits))))
            divisor = v.xp.where(count == 0.0, 1.0, count)
    return v.apply(ROWS if reduction == "none" else WHOLE, logits, index, live, bad, divisor)
