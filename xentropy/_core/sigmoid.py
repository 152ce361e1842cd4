r"""The logistic function and its logarithms, and x log y.

Everything goes through e = exp(-|x|), which never overflows.
"""

from __future__ import annotations

from typing import Any

from .partial import exp_times, log1p
from .rule import Local
from .verbs import Array, Verbs


def sigmoid(v: Verbs, x: Array, weight: Any = 1.0) -> Array:
    """weight / (1 + exp -x)."""
    low = v.minus_abs(x)
    high = weight / (1.0 + v.xp.exp(low))
    return v.xp.where(x > 0, high, exp_times(v, low, high))


def softplus(v: Verbs, x: Array) -> Array:
    """log(1 + exp x)."""
    return v.xp.where(x > 0, x, 0.0) + log1p(v, v.xp.exp(v.minus_abs(x)))


class Elementwise(Local):
    """One output with the shape of the first input."""

    separate = True

    like_input = True

    def shapes(self, x: Array, *_: Any) -> list[tuple[int, ...]]:
        return [x.shape]


class Sigmoid(Elementwise):
    def value(self, v: Verbs, x: Array) -> tuple[Array, ...]:
        return (sigmoid(v, x),)

    def partials(self, v: Verbs, needs: list[bool], x: Array) -> list[list[Any]]:
        return [[sigmoid(v, x) * sigmoid(v, -x)]]


class Softplus(Elementwise):
    def value(self, v: Verbs, x: Array) -> tuple[Array, ...]:
        return (softplus(v, x),)

    def partials(self, v: Verbs, needs: list[bool], x: Array) -> list[list[Any]]:
        return [[sigmoid(v, x)]]


class LogSigmoid(Elementwise):
    def value(self, v: Verbs, x: Array) -> tuple[Array, ...]:
        return (-softplus(v, -x),)

    def partials(self, v: Verbs, needs: list[bool], x: Array) -> list[list[Any]]:
        return [[sigmoid(v, -x)]]


class XLogY(Elementwise):
    """x log y, 0 where x = 0, with log y as its derivative in x even there (0 at x = y = 0)."""

    def value(self, v: Verbs, x: Array, y: Array) -> tuple[Array, ...]:
        gone = (x == 0) & ~(y > 0)
        spoilt = v.xp.where(y != y, y, v.xp.where(gone, 0.0, x))
        return (spoilt * v.xp.log(v.xp.where(gone, 1.0, y)),)

    def partials(self, v: Verbs, needs: list[bool], x: Array, y: Array) -> list[list[Any]]:
        gone = (x == 0) & ~(y > 0)
        safe = v.xp.where(gone, 1.0, y)
        return [[v.xp.log(safe), v.xp.where(gone, 0.0, x) / safe]]

    def shapes(self, x: Array, *rest: Any) -> list[tuple[int, ...]]:
        return [tuple(m if n == 1 else n for n, m in zip(x.shape, rest[0].shape, strict=True))]
