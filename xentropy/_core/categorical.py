r"""The row rules of the categorical losses: sum over classes of w phi(n), with n = -log p.

phi is the identity for cross-entropy and (1 - e^-n)^gamma n for the focal loss. With w' = w phi'(n) and
W = sum w', the gradient with respect to the logits is (W p - w') / T: see `softmax.share`.
"""

from __future__ import annotations

from typing import Any

from .normalizers import lse_partials, row_shape
from .partial import lifted, lowered, quotient
from .rule import Local
from .softmax import INF, Row, heat, over, relative, row, share
from .target import (
    Entry,
    Labels,
    Uniform,
    by_class_weight,
    by_label,
    by_smoothing,
    fraction,
    given_entry,
    heard,
    kept_entries,
    uniform_part,
)
from .verbs import Array, Verbs


class CrossEntropy(Local):
    """(x, T, gamma, dense, probs, smoothing, class weight, index, where, live) -> loss, lse of each row.

    `live` marks the rows that count: the others are 0 in every output and derivative, whatever they hold.
    """

    separate = True

    axis: int

    def _read(self, v: Verbs, inputs: tuple[Any, ...]) -> tuple[Row, Labels, Entry, Uniform | None]:
        x, temperature, _, dense, probs, smoothing, class_weight, index, where, live = inputs
        if live is not None:  # before anything else: a removed row may hold NaN
            x = v.xp.where(live, x, 0.0)
            dense = None if dense is None else v.xp.where(live, dense, 0.0)
            probs = None if probs is None else v.xp.where(live, probs, 0.0)
        r = row(v, x, temperature, where, self.axis)
        labels = Labels(dense, index, probs, fraction(v, smoothing), class_weight)
        norm = r.log_norm(v)
        given = given_entry(v, labels, r.d, norm, where, self.axis)
        if smoothing is None:
            return r, labels, given, None
        return r, labels, given, uniform_part(v, labels, r.d, norm, given, self.axis)

    def value(self, v: Verbs, *inputs: Any) -> tuple[Array, ...]:
        gamma, live = inputs[2], inputs[-1]
        r, _, given, uniform = self._read(v, inputs)
        loss = 0.0 * r.rest  # a spoilt row is NaN even where nothing is asked of it
        for entry in _entries(given, uniform):
            value = phi(v, entry.surprisal, miss(v, r, entry, gamma), gamma)
            loss = loss + v.total(entry.weight * value, self.axis)
        lse = r.lse(v) + 0.0 * r.rest  # NaN in a spoilt row, for the z-loss
        return (loss, lse) if live is None else (v.xp.where(live, loss, 0.0), v.xp.where(live, lse, 0.0))

    def partials(self, v: Verbs, needs: list[bool], *inputs: Any) -> list[list[Any]]:
        temperature, gamma, probs = inputs[1], inputs[2], inputs[4]
        r, labels, given, uniform = self._read(v, inputs)
        entries = _entries(given, uniform)
        odds = [(e.surprisal, miss(v, r, e, gamma), gamma) for e in entries]
        slopes = [phi_slope(v, *o) for o in odds]
        asked = [(e.index, _times(heard(v, e), s)) for e, s in zip(entries, slopes, strict=True)]
        asked = [(index, over(lifted(v, amount), temperature)) for index, amount in asked]
        slope = share(v, r, sum(v.total(amount, self.axis) for _, amount in asked), asked)
        values = [phi(v, *o) for o in odds]
        out: list[Any] = [lowered(v, slope), None, None, None, None, None, None, None, None, None]
        if needs[1]:
            out[1] = heat(v, slope, r)
        if needs[2]:
            terms = zip(entries, odds, strict=True)
            out[2] = sum(v.total(e.weight * phi_by_gamma(v, *o), self.axis) for e, o in terms)
        if needs[3] or (needs[4] and probs is not None):
            out[3 if labels.index is None else 4] = by_label(v, labels, given, values, uniform, self.axis)
        if needs[5] and uniform is not None:
            out[5] = by_smoothing(v, labels, given, values, uniform, self.axis)
        if needs[6]:
            out[6] = by_class_weight(v, labels, given, values, uniform, r.d, self.axis)
        return [out, [*lse_partials(v, needs[1], r), *[None] * 8]]

    def anchor(self, v: Verbs, tangent: Array, *inputs: Any) -> tuple[Array, list[Any]]:
        r, *_ = self._read(v, inputs)
        tangent, off = relative(v, tangent, r, inputs[8])
        lost = r.maximum == -INF
        return tangent, [None, over(v.xp.where(lost, 0.0, off), inputs[1])]

    def support(self, v: Verbs, *inputs: Any) -> dict[int, Any]:
        return kept_entries(v, inputs[0], inputs[8], inputs[7], self.axis, 3)

    def live(self, *inputs: Any) -> Any:
        return inputs[9]

    def shapes(self, x: Array, *_: Any) -> list[tuple[int, ...]]:
        return [row_shape(x, self.axis)] * 2


def _times(x: Array, slope: Any) -> Array:
    return x if slope is None else x * slope


def _entries(given: Entry, uniform: Uniform | None) -> list[Entry]:
    return [given] if uniform is None else [given, uniform.entry]


def miss(v: Verbs, r: Row, entry: Entry, gamma: Any) -> Any:
    """1 - p of the classes of an entry, (1 + r - e^d) / (1 + r), and r / (1 + r) at the maximum: nothing
    cancels. None where gamma is None."""
    if gamma is None:
        return None
    d = r.d if entry.index is None else v.pick(r.d, entry.index, r.axis)
    others = 1.0 + (r.rest - v.xp.exp(d))
    if entry.index is None:
        return v.put(others, r.place, r.rest, r.axis) / (1.0 + r.rest)
    return v.xp.where(entry.index == r.place, r.rest, others) / (1.0 + r.rest)


def phi(v: Verbs, n: Array, miss: Any, gamma: Any) -> Array:
    """(1 - p)^gamma n, and n itself where gamma is None."""
    if gamma is None:
        return n
    xp = v.xp
    endless, certain = n == INF, miss == 0.0
    finite = xp.where(endless, 1.0, n)
    power = xp.exp(gamma * xp.log(xp.where(certain, 1.0, miss)))
    flat = gamma + 0.0 * finite == 0.0
    return xp.where(endless, n, xp.where(certain & ~flat, 0.0 * finite, finite * power))


def phi_slope(v: Verbs, n: Array, miss: Any, gamma: Any) -> Any:
    """(1 - p)^gamma (1 + gamma p n / (1 - p)); None stands for 1. At p = 1 it is 1 for gamma = 0, else 0."""
    if gamma is None:
        return None
    xp = v.xp
    certain = miss == 0.0
    safe, finite = xp.where(certain, 1.0, miss), xp.where(n == INF, 0.0, n)
    lift = 1.0 + gamma * xp.exp(-n) * xp.where(certain, 1.0, quotient(v, finite, safe))
    flat = xp.where(gamma + 0.0 * safe == 0.0, 1.0, 0.0 * safe)
    return xp.where(certain, flat, xp.exp(gamma * xp.log(safe))) * lift


def phi_by_gamma(v: Verbs, n: Array, miss: Any, gamma: Any) -> Array:
    """phi log(1 - p)."""
    certain = miss == 0.0
    log = v.xp.log(v.xp.where(certain, 1.0, miss))
    return v.xp.where(log == 0.0, 0.0 * log, n * v.xp.exp(gamma * log) * log)
