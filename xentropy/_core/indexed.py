r"""Cross-entropy of class indices and nothing else, the call that nearly all calls are.

With the names of `softmax` and y the label of a row, the loss is log1p(r) - d_y. Its gradient is
e^{d_j} / (1 + r), less 1 at y: there (e^{d_y} - 1 - r) / (1 + r). Special values need no
care of their own: what the rules ask of infinities and NaN is what the arithmetic makes of them.
"""

from __future__ import annotations

from math import prod
from typing import Any

from .labels import read_target
from .precision import kind, working_dtype
from .rule import Local
from .softmax import NAN
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
        return (self._reduced(v, loss, inputs[-1]),)

    __call__ = value  # 16-bit floats are promoted part by part

    def contract(
        self, v: Verbs, inputs: list[Any], needs: list[bool], cotangents: list[Any], table: Any
    ) -> list[Any]:
        [ct] = cotangents
        ct = ct if self.whole else v.xp.expand_dims(ct, axis=-1)
        return [v.scale(ct, table[0][0]), None, None, None, None]

    def push(self, v: Verbs, inputs: list[Any], tangents: list[Any]) -> list[Any]:
        [out] = super().push(v, inputs, tangents)
        return [v.xp.reshape(out, () if self.whole else inputs[0].shape[:-1])]

    def partials(self, v: Verbs, needs: list[bool], *inputs: Any) -> list[list[Any]]:
        return [[v.walk(_rows, True, *inputs)[1], None, None, None, None]]

    def record(self, v: Verbs, needs: list[bool], *inputs: Any) -> tuple[tuple[Array, ...], Any]:
        loss, slope = v.walk(_rows, True, *inputs)
        return (self._reduced(v, loss, inputs[-1]),), [[slope, None, None, None, None]]

    def anchor(self, v: Verbs, tangent: Array, *inputs: Any) -> tuple[Array, list[Any]]:
        x, _, live, bad, _ = inputs
        if live is not None:
            tangent = v.xp.where(live, tangent, 0.0)
        _, _, rest, _ = _relative(v, x, inputs[1], bad, -1)
        top = (x == v.xp.max(x, axis=-1, keepdims=True)) & (rest < 1.0)
        return tangent - v.total(v.xp.where(top, tangent, 0.0), -1), []

    def shapes(self, x: Array, *_: Any) -> list[tuple[int, ...]]:
        return [(1,) * x.ndim if self.whole else (*x.shape[:-1], 1)]

    def _reduced(self, v: Verbs, loss: Array, divisor: Any) -> Array:
        if not self.whole:
            return v.xp.reshape(loss, loss.shape[:-1])
        return v.sum(loss) if divisor is None else v.sum(loss) / divisor


def _relative(v: Verbs, x: Array, index: Array, bad: Any, axis: int) -> tuple[Array, ...]:
    """d at the index, e^d, r, and the place of the maximum if the library has looked for it."""
    maximum, place = v.peak(x, axis)
    d = v.make(v.xp.subtract, x, maximum)
    nought = maximum - maximum  # NaN where the maximum is not finite
    if bad is not None:
        nought = v.xp.where(bad, NAN, nought)
    if not v.differentiates:
        own, e = v.pick(d, index, axis), v.remake(v.xp.exp, d)
        return own, e, v.total_but_peak(e, place, nought, axis), place
    # the place of a maximum that is alone has no derivative, whose two halves would cancel: the tail is kept
    e = v.xp.exp(d)
    ones = v.xp.floor(e)
    alone = v.total(ones, axis) == 1.0
    others = v.xp.where(alone, 1.0 - ones, 1.0)
    rest = v.total(e * others, axis) - v.xp.where(alone, nought, 1.0)
    return v.pick(d * others, index, axis), e, rest + nought, place


def _rows(
    v: Verbs, steep: bool, axis: int, x: Array, index: Array, live: Any, bad: Any, divisor: Any
) -> tuple[Array, Any]:
    """The loss of each row and, if `steep`, its gradient over the divisor, for any part of the rows."""
    x = x if kind(x.dtype) == "float" else v.xp.astype(x, v.xp.float32)
    if live is not None:
        x = v.guard(x, live)
    own, e, rest, place = _relative(v, x, index, bad, axis)
    loss = v.xp.log1p(rest) - own
    loss = loss if live is None else v.keep(loss, live)
    if not steep:
        return loss, None
    one = 1.0 + rest
    own = (v.xp.exp(own) - 1.0) - rest  # at the maximum -r to its last digit
    e = v.put(v.restore_peak(e, place, axis), index, own, axis)
    slope = v.remake(v.xp.divide, e, one if divisor is None else one * divisor)
    return loss, slope if live is None else v.keep(slope, live)


ROWS, WHOLE = IndexLoss(False), IndexLoss(True)


def indexed(
    v: Verbs, logits: Array, labels: Array, *, ignore_index: int | None, policy: str, reduction: str
) -> tuple[Array, ...]:
    """Cross-entropy of class indices along the last axis, without any option that weights or moves a class."""
    if policy == "trust" and ignore_index is None:
        index, live, bad = v.peek(labels), None, None
        index = index if index.dtype == v.index_dtype() else v.xp.astype(index, v.index_dtype())
        index = v.xp.reshape(index, (*labels.shape, 1))
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
