r"""The element rules of the binary losses.

    l = w1 softplus(-x) + w0 softplus(x) = (w1 + w0) log1p(exp -|x|) + w |x|,   w1 = pos_weight y,  w0 = 1 - y
    dl/dx = w0 sigmoid(x) - w1 sigmoid(-x)

with w the weight of the label that the sign of x speaks against, and never sigmoid(x) - y, which is 0 for a confident
prediction. A term whose weight is 0 where its logarithm is infinite is gone, from the value and all derivatives.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .elements import ElementLoss
from .partial import exp_times, expm1, log1p, quotient, signed_log1p
from .sigmoid import sigmoid, softplus
from .softmax import INF
from .target import fraction
from .verbs import Array, Verbs


def _term(v: Verbs, weight: Array, n: Array) -> tuple[Array, Array]:
    """The weight and the surprisal, both 0 where the term is gone. Compilers join numbers faster than masks."""
    where, endless, unwanted = v.xp.where, n == INF, weight == 0.0
    return (
        where(endless, where(unwanted, 0.0, weight), weight),
        where(unwanted, where(endless, 0.0, n), n),
    )


def _smooth(v: Verbs, y: Array, smoothing: Any) -> Array:
    if smoothing is None:
        return y
    smoothing = fraction(v, smoothing)
    return y * (1.0 - smoothing) + 0.5 * smoothing


class Read(NamedTuple):
    """Logits or probabilities, smoothed labels, the weights of label 1 and label 0."""

    x: Array
    y: Array
    w1: Array
    w0: Array
    # of logits
    both: Any = None  # w1 + w0
    wrong: Any = None  # the weight of the label that the sign of x speaks against
    gap: Any = None  # |x|; both are 0 where that label's term is gone
    low: Any = None  # -|x|
    e: Any = None  # its exponential


class BinaryCrossEntropy(ElementLoss):
    """(logits or probabilities, labels, pos_weight, smoothing, live) -> loss of each element."""

    from_probs: bool = False

    @property
    def checks(self) -> tuple[str, ...]:
        return ("labels", "probs") if self.from_probs else ("labels",)

    def _read(self, v: Verbs, inputs: tuple[Any, ...]) -> Read:
        x, y = self._clean(v, inputs)
        y = _smooth(v, y, inputs[3])
        w1, w0 = (y if inputs[2] is None else y * inputs[2]), 1.0 - y
        if self.from_probs:
            return Read(x, y, w1, w0)
        low = v.minus_abs(x)
        wrong, gap = v.xp.where(x > 0, w0, w1), -low
        if not v.all_finite(x):
            wrong, gap = _term(v, wrong, gap)
        both = 1.0 if inputs[2] is None else w1 + w0
        return Read(x, y, w1, w0, both, wrong, gap, low, v.xp.exp(low))

    def _surprisals(self, v: Verbs, read: Read) -> tuple[Array, Array]:
        """Those of label 1 and of label 0, 0 where the term is gone."""
        xp, x, w1, w0 = v.xp, read.x, read.w1, read.w0
        if not self.from_probs:
            n, up = log1p(v, read.e), x > 0
            return n + xp.where(up, 0.0, read.gap), n + xp.where(up, read.gap, 0.0)
        # the logarithm of 0 is cleaned before and after: its derivative is infinite too
        never, always = (x == 0) & (w1 == 0.0), (x == 1) & (w0 == 0.0)
        return -xp.log(xp.where(never, 1.0, x)), -signed_log1p(v, -xp.where(always, 0.0, x))

    def _loss(self, v: Verbs, read: Read) -> Array:
        if self.from_probs:
            n1, n0 = self._surprisals(v, read)
            (w1, n1), (w0, n0) = _term(v, read.w1, n1), _term(v, read.w0, n0)
            return w1 * n1 + w0 * n0
        return read.both * log1p(v, read.e) + read.wrong * read.gap

    def value(self, v: Verbs, *inputs: Any) -> tuple[Array, ...]:
        return self._done(v, self._loss(v, self._read(v, inputs)), inputs)

    def with_slope(self, v: Verbs, *inputs: Any) -> tuple[Array, Array]:
        read = self._read(v, inputs)
        return self._done(v, self._loss(v, read), inputs)[0], self._by_x(v, read)

    def _by_x(self, v: Verbs, read: Read) -> Array:
        xp, x, w1, w0 = v.xp, read.x, read.w1, read.w0
        if self.from_probs:
            # only at an exact match: elsewhere a weight of 0 has a derivative, which second order goes through
            always, never = (w0 == 0.0) & (x == 1), (w1 == 0.0) & (x == 0)
            by_0 = xp.where(always, 0.0, w0) / (1.0 - xp.where(always, 0.0, x))
            return by_0 - xp.where(never, 0.0, w1) / xp.where(never, 1.0, x)
        up, high = x > 0, 1.0 / (1.0 + read.e)
        near = read.wrong * high
        far = exp_times(v, read.low, xp.where(up, w1, w0) * high, read.e)  # not w1 + w0 - wrong: inf - inf
        return xp.where(up, near - far, far - near)

    def partials(self, v: Verbs, needs: list[bool], *inputs: Any) -> list[list[Any]]:
        xp = v.xp
        pos_weight, smoothing = inputs[2], fraction(v, inputs[3])
        read = self._read(v, inputs)
        by_x = self._by_x(v, read)
        if not any(needs[1:4]):
            return [[by_x, None, None, None, None]]
        y, (n1, n0) = read.y, self._surprisals(v, read)
        by_smoothed = (n1 if pos_weight is None else pos_weight * n1) - n0
        by_y = by_smoothed
        if smoothing is not None:  # by 1 it takes the label away, whatever the label costs
            away = 0.0 * y + smoothing == 1.0
            by_y = (1.0 - smoothing) * xp.where(away & ~xp.isfinite(by_smoothed), 0.0, by_smoothed)
        out = [by_x, by_y, None, None, None]
        if needs[2]:
            out[2] = y * n1  # where y is 0 and n1 infinite, n1 is 0 by now
        if needs[3]:
            out[3] = (0.5 - self._clean(v, inputs)[1]) * by_smoothed
        return [out]


class SigmoidFocal(ElementLoss):
    """(logits, labels, alpha, gamma, live) -> alpha_t (1 - p_t)^gamma BCE of each element, with
    1 - p_t = (1 - y) sigmoid(x) + y sigmoid(-x) and alpha_t = alpha y + (1 - alpha)(1 - y)."""

    def _read(self, v: Verbs, inputs: tuple[Any, ...]) -> tuple[Array, ...]:
        """Cross-entropy, what it is in multiples of 1 - p_t, the logarithm of 1 - p_t (0 where that is -inf) and its
        power, alpha_t, x and y."""
        xp = v.xp
        x, y = self._clean(v, inputs)
        alpha, gamma = inputs[2], inputs[3]
        w1, n1 = _term(v, y, softplus(v, -x))
        w0, n0 = _term(v, 1.0 - y, softplus(v, x))
        loss = w1 * n1 + w0 * n0
        miss = (1.0 - y) * sigmoid(v, x) + y * sigmoid(v, -x)
        log, tiny = self._log_miss(v, x, y, miss)
        odds = xp.where(tiny, 1.0, quotient(v, xp.where(loss == INF, 0.0, loss), xp.where(tiny, 1.0, miss)))
        endless = log == -INF
        certain = xp.where(gamma + 0.0 * miss == 0.0, 1.0, 0.0 * miss)
        log = xp.where(endless, 0.0, log)
        power = xp.where(endless, certain, xp.exp(gamma * log))
        share = 1.0 if alpha is None else alpha * y + (1.0 - alpha) * (1.0 - y)
        return loss, odds, log, power, share, x, y

    def _log_miss(self, v: Verbs, x: Array, y: Array, miss: Array) -> tuple[Array, Array]:
        """log(1 - p_t) and where 1 - p_t itself is subnormal or 0. With e = exp(-|x|) and a hard label that is
        right, it is log(e / (1 + e)), of which e may have no digits left."""
        xp = v.xp
        low = v.minus_abs(x)
        wrong, right = xp.where(x > 0, 1.0 - y, y), xp.where(x > 0, y, 1.0 - y)
        e = xp.exp(low)
        hard = (wrong == 0.0) & (miss < 2.0**-20)
        tiny = hard & (e < 4.0 * float(xp.finfo(x.dtype).smallest_normal))
        seen = hard & ~tiny  # the share of the wrong label, 0, by its derivative
        share = wrong * xp.where(seen, xp.exp(xp.where(seen, -low, 0.0)), 0.0)
        far = xp.log(xp.where(hard, right + share, 1.0)) + low - log1p(v, e)
        return xp.where(hard, far, xp.log(xp.where(hard, 1.0, miss))), tiny

    def value(self, v: Verbs, *inputs: Any) -> tuple[Array, ...]:
        loss, _, _, power, share, *_ = self._read(v, inputs)
        return self._done(v, share * (power * loss), inputs)

    def partials(self, v: Verbs, needs: list[bool], *inputs: Any) -> list[list[Any]]:
        xp = v.xp
        alpha, gamma = inputs[2], inputs[3]
        loss, odds, log, power, share, x, y = self._read(v, inputs)
        up, down = sigmoid(v, x), sigmoid(v, -x)
        bend = gamma * odds  # d(miss^gamma) loss = power bend d(miss)
        slope = (1.0 - y) * up - y * down
        by_x = share * power * (slope + bend * (1.0 - 2.0 * y) * (up * down))
        e = xp.exp(v.minus_abs(x))
        swing = expm1(v, v.minus_abs(x)) / (1.0 + e)  # sigmoid(-|x|) - sigmoid(|x|)
        none = (loss == 0.0) & (power == 0.0)  # an infinite x among them: out of the product, not after it alone
        by_y = share * power * (bend * xp.where(x > 0, swing, -swing) - xp.where(none, 0.0, x))
        if alpha is not None:
            by_y = by_y + (2.0 * alpha - 1.0) * power * loss
        by_y = xp.where(none, 0.0, by_y)
        out = [by_x, by_y, None, None, None]
        if needs[2]:
            out[2] = (2.0 * y - 1.0) * power * loss
        if needs[3]:
            out[3] = xp.where((loss == 0.0) | (log == 0.0), 0.0, share * power * loss * log)
        return [out]
