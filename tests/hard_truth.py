"""The truth about the hard cases, and how an answer is judged by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import oracle
from hard_cases import CASES, INF
from oracle_numbers import Reference, exact, limits, sixty_digits


@dataclass(frozen=True)
class Truth:
    """A reference that can be judged fast: the reference's own judge sees the 64 worst places alone."""

    reference: Reference

    @cached_property
    def high(self) -> np.ndarray:
        return self.reference.value.astype(float)

    @cached_property
    def low(self) -> np.ndarray:
        """What double precision has lost of the true values."""
        with np.errstate(all="ignore"):
            return np.asarray(self.reference.value - exact(self.high)).astype(float)

    @cached_property
    def scale(self) -> np.ndarray:
        return self.reference.scale.astype(float)

    def of_rows(self, rows: np.ndarray) -> Truth:
        part = Truth(Reference(self.reference.value[rows], self.reference.scale[rows]))
        vars(part).update(high=self.high[rows], low=self.low[rows], scale=self.scale[rows])
        return part

    def distance(self, computed: np.ndarray) -> np.ndarray:
        """The absolute error: 0 where infinities or NaNs are the same, infinite where they are not."""
        computed, low = computed.astype(float), np.where(np.isfinite(self.high), self.low, 0.0)
        with np.errstate(all="ignore"):
            gap = abs((computed - self.high) - low)
        same = (computed == self.high) | (np.isnan(computed) & np.isnan(self.high))
        return np.where(np.isnan(gap), np.where(same, 0.0, INF), gap)

    def error(self, computed: np.ndarray, eps: float) -> float:
        """In units of eps and the scale; the bar is 4."""
        return self._judge(oracle.error, computed, self.scale, eps)

    def digits(self, computed: np.ndarray) -> float:
        """The fewest right digits of a normal number."""
        size, tiny = abs(self.high), float(limits(computed.dtype)[0])
        return self._judge(oracle.digits, computed, np.where(size > tiny, size, INF))

    def _judge(self, judge: Callable[..., float], computed: np.ndarray, unit: np.ndarray, *options: Any) -> float:
        assert computed.shape == self.reference.value.shape
        if computed.size <= 4096:
            return judge(computed, self.reference, *options)
        with np.errstate(all="ignore"):
            worst = self.distance(computed) / unit
        places = np.argsort(np.where(np.isnan(worst), 0.0, worst), axis=None)[-64:]
        value, scale = (a.reshape(-1)[places] for a in (self.reference.value, self.reference.scale))
        return judge(computed.reshape(-1)[places], Reference(value, scale), *options)


def truth(name: str, dtype: str) -> tuple[Truth, dict[str, Truth]]:
    """Value and gradients of a case, once for all backends; once for all dtypes where nothing is rounded."""
    same = all((a == b).all() for a, b in zip(CASES[name].args, CASES[name].rounded(dtype)[0], strict=True))
    return _truth(name, "float64" if same and not CASES[name].options.keys() - {"reduction"} else dtype)


@cache
@sixty_digits
def _truth(name: str, dtype: str) -> tuple[Truth, dict[str, Truth]]:
    case = CASES[name]
    args, options = case.rounded(dtype)
    problem = oracle.PROBLEMS[case.function](*args, **options)  # one softmax for value and gradients
    return Truth(problem.value()), {wrt: Truth(problem.gradient(wrt)) for wrt in case.wrt}
