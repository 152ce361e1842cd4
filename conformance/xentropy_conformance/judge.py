"""Whether a number is right: its error counted in bars, of which one is 4 eps times the scale of the case.

The scale is the size of the terms that the number is a sum of, and comes with the case. NaN agrees with NaN, an
infinity with the same infinity. A scale of 0 asks for the exact number, a scale of inf for nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

ULP_PER_BAR = 4.0  # one ulp here is eps * scale
INF = float("inf")


class Format(NamedTuple):
    """A binary floating-point format."""

    digits: int  # bits of the significand, the hidden one among them
    low: int  # exponent of the smallest normal number
    high: int  # exponent of the largest power of two

    @property
    def eps(self) -> float:
        return 2.0 ** (1 - self.digits)

    @property
    def tiny(self) -> float:
        return 2.0**self.low

    @property
    def largest(self) -> float:
        return (2.0 - self.eps) * 2.0**self.high


FORMATS = {
    "float16": Format(11, -14, 15),
    "bfloat16": Format(8, -126, 127),
    "float32": Format(24, -126, 127),
    "float64": Format(53, -1022, 1023),
}


def doubles(texts: list[Any]) -> np.ndarray:
    """The numbers of a file: hexadecimal floats, "nan" and the infinities."""
    return np.asarray([float.fromhex(x) if isinstance(x, str) else float(x) for x in texts], dtype=np.float64)


def judge(expected: dict[str, Any], computed: np.ndarray, eps_dtype: str) -> float:
    """The worst error of an array in bars; at most 1 agrees. inf where no bar can excuse it, a wrong shape too."""
    if tuple(computed.shape) != tuple(expected["shape"]):
        return INF
    return float(np.max(errors(expected, computed, eps_dtype), initial=0.0))


def errors(expected: dict[str, Any], computed: np.ndarray, eps_dtype: str) -> np.ndarray:
    """The error of every number in bars, flat. `computed` has its own dtype, whose rounding is allowed for."""
    result = FORMATS.get(str(computed.dtype), FORMATS["float64"])
    given = computed.astype(np.float64).reshape(-1)
    truth, scale = doubles(expected["data"]), doubles(expected["scale"])
    with np.errstate(all="ignore"):
        distance = np.abs(given - truth)
        over = np.maximum(distance - half_ulp(given, result) - half_ulp(truth, FORMATS["float64"]), 0.0)
        bars = over / (ULP_PER_BAR * FORMATS[eps_dtype].eps * scale)
        # nothing else is asked below the smallest normal number: no digits are left there
        bars = np.where((distance <= result.tiny) | (over == 0.0), 0.0, bars)
        bars = np.where(scale == 0.0, np.where(over == 0.0, 0.0, INF), bars)
        bars = np.where((scale == 0.0) & (truth == 0.0) & (given != 0.0), INF, bars)
    overflow = np.isinf(given) & (np.abs(truth) >= result.largest) & ((given > 0) == (truth > 0))
    special = np.isnan(given) | np.isnan(truth) | np.isinf(given) | np.isinf(truth)
    same = (np.isnan(given) & np.isnan(truth)) | (given == truth) | overflow
    bars = np.where(special, np.where(same, 0.0, INF), bars)
    return np.asarray(np.where(np.isinf(scale), 0.0, bars))


def half_ulp(x: np.ndarray, format_: Format) -> np.ndarray:
    """Half the distance to the next number of a format: what rounding to it may have done."""
    exponent = np.maximum(np.frexp(x)[1] - 1, format_.low)
    return np.asarray(np.ldexp(0.5, exponent - (format_.digits - 1)))


def loosened(expected: dict[str, Any], axis: int) -> dict[str, Any]:
    """What automatic differentiation of a right formula can promise: 4 bars of the largest number of each row.

    Exact zeros stay exact: a mask is a mask.
    """
    shape = tuple(expected["shape"])
    scale, truth = doubles(expected["scale"]).reshape(shape), doubles(expected["data"]).reshape(shape)
    size = np.where(np.isfinite(truth) & np.isfinite(scale), np.maximum(scale, np.abs(truth)), 0.0)
    if size.ndim:
        place = axis if -size.ndim <= axis < size.ndim else -1
        size = np.broadcast_to(size.max(axis=place, keepdims=True, initial=0.0), shape)
    wide = np.where((scale == 0.0) | np.isinf(scale), scale, ULP_PER_BAR * size)
    return {**expected, "scale": [float(x).hex() for x in wide.reshape(-1)]}
