"""How numbers are written: hexadecimal floats, rounded to nearest, and bars that are never rounded down."""

from __future__ import annotations

from typing import Any

import numpy as np
from mpmath import mp, mpf

FLOATS = ("float16", "bfloat16", "float32", "float64")
LARGEST_INTEGER = 2**53  # what every JSON reader can hold


def short_hex(number: float) -> str:
    """float.hex without its trailing zeros; "nan", "inf" or "-inf"."""
    if not np.isfinite(number):
        return "nan" if np.isnan(number) else ("inf" if number > 0 else "-inf")
    if number == 0:
        return "0x0p+0"
    mantissa, exponent = float(number).hex().split("p")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}p{exponent}"


def nearest(number: mpf) -> float:
    """The float64 nearest to a number, subnormal ones included."""
    if mp.isnan(number) or mp.isinf(number):
        return float(number)
    # To integers of the smallest subnormal number first: mpmath rounds to 53 bits whatever the exponent.
    if 0 < abs(number) < mpf(2) ** -1022:
        return float(mp.nint(mp.ldexp(number, 1074))) * 2.0**-1074
    return float(number)


def round_up(scale: mpf) -> float:
    """Nine bits of a bar, never less than it; infinite where the rules leave a number open."""
    if mp.isinf(scale):
        return float("inf")
    if scale == 0:
        return 0.0
    mantissa, exponent = mp.frexp(scale)
    return max(float(mp.ldexp(mp.ceil(mantissa * 512), exponent - 9)), 5e-324)


def array_block(array: np.ndarray) -> dict[str, Any]:
    """An input as {"dtype", "shape", "data"}."""
    dtype = array.dtype.name
    if dtype in FLOATS:
        data: list[Any] = [short_hex(float(x)) for x in array.flat]
    elif dtype == "bool":
        data = [bool(x) for x in array.flat]
    else:
        data = [int(x) for x in array.flat]
        if any(abs(x) > LARGEST_INTEGER for x in data):
            raise ValueError(f"an integer of more than 53 bits: {data}")
    return {"dtype": dtype, "shape": list(array.shape), "data": data}


def number_block(value: np.ndarray, scale: np.ndarray, dtype: str) -> dict[str, Any]:
    """An expected array (dtype object, of mpf) with its bars."""
    return {
        "dtype": dtype,
        "shape": list(value.shape),
        "data": [short_hex(nearest(x)) for x in value.flat],
        "scale": [short_hex(round_up(x)) for x in scale.flat],
    }
