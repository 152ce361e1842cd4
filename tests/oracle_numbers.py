"""Numbers of the reference: exact inputs, a value with its error bar, and how an answer is judged.

Everything is counted with mpmath at 60 digits or more. Each number carries the right-hand side of
the accuracy bar without its factor of 4 eps: `scale` = (1 + |d|) * (sum of the absolute terms).
An infinite scale marks a number that the rules leave open; it is never compared.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from mpmath import mp, mpf

DIGITS = 60
INF = mp.inf
NAN = mp.nan
ZERO = mpf(0)
ONE = mpf(1)


def sixty_digits(function):
    """Run a function at 60 digits, or at more when the caller already does."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        with mp.workdps(max(DIGITS, mp.dps)):
            return function(*args, **kwargs)

    return wrapper


@dataclass(frozen=True)
class Quantity:
    """One number and its error bar; sums add their bars, exact factors scale them."""

    value: mpf = ZERO
    scale: mpf = ZERO

    def __add__(self, other):
        return Quantity(self.value + other.value, self.scale + other.scale)

    def times(self, factor, slack=ONE):
        """Multiply by an exact factor; `slack` >= 1 widens the bar alone."""
        if factor == 1 and slack == 1:
            return self
        scale = ZERO if factor == 0 or self.scale == 0 else self.scale * (abs(factor) * slack)
        return Quantity(self.value * factor, scale)


NOTHING = Quantity()
NOT_A_NUMBER = Quantity(NAN, ZERO)
UNSPECIFIED = Quantity(NAN, INF)


def add_up(quantities):
    """Sum of quantities. An empty sum is 0, and infinities behave as in IEEE arithmetic."""
    quantities = list(quantities)
    value = mp.fsum([q.value for q in quantities])
    return Quantity(value, mp.fsum([q.scale for q in quantities]))


@dataclass(frozen=True)
class Reference:
    """Arrays (dtype object, of mpf) of the true values and of their bars without 4 eps."""

    value: np.ndarray
    scale: np.ndarray


def to_reference(quantities, shape):
    """A flat list of quantities as a Reference of the given shape."""
    value = np.empty(len(quantities), dtype=object)
    scale = np.empty(len(quantities), dtype=object)
    for place, quantity in enumerate(quantities):
        value[place] = quantity.value
        # A bar that is itself NaN belongs to a NaN or an infinity, which are compared as they are.
        scale[place] = ZERO if mp.isnan(quantity.scale) else quantity.scale
    return Reference(value.reshape(shape), scale.reshape(shape))


def exact_number(number):
    """One input number as mpf, without rounding it."""
    if isinstance(number, mpf):
        return number
    if isinstance(number, (bool, np.bool_, int, np.integer)):
        return mpf(int(number))
    return mpf(float(number))


def exact(array):
    """An array of any real dtype as an object array of mpf."""
    array = np.asarray(array)
    out = np.empty(array.size, dtype=object)
    for place, number in enumerate(array.reshape(-1).tolist() if array.dtype.kind in "fiub" else array.flat):
        out[place] = exact_number(number)
    return out.reshape(array.shape)


def finite(number):
    return not (mp.isnan(number) or mp.isinf(number))


def is_index_dtype(array):
    """Integer labels are class indices; every other dtype (object, bfloat16 too) is a distribution."""
    return np.asarray(array).dtype.kind in "iu"


# ---------------------------------------------------------------------------------------------
# judging an answer


def limits(dtype):
    """(smallest normal number, largest finite number) of a floating dtype, bfloat16 included."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        info = np.finfo(dtype)
    else:
        import ml_dtypes

        info = ml_dtypes.finfo(dtype)
    return mpf(float(info.smallest_normal)), mpf(float(info.max))


def one_error(computed, true, scale, eps, tiny, largest):
    """Error of one number in units of eps * scale; inf where no bar can excuse it."""
    if mp.isinf(scale):  # the rules leave this number open
        return ZERO
    if mp.isnan(true) or mp.isnan(computed):
        return ZERO if mp.isnan(true) and mp.isnan(computed) else INF
    if mp.isinf(true) or mp.isinf(computed):
        overflow = mp.isinf(computed) and abs(true) >= largest and (computed > 0) == (true > 0)
        return ZERO if computed == true or overflow else INF
    difference = abs(computed - true)
    if difference == 0:
        return ZERO
    if scale == 0:  # exact: a removed class, a removed row, a vanished term
        return INF
    if difference <= tiny:  # below the smallest normal number digits cannot be asked for
        return ZERO
    return difference / (eps * scale)


def pairs(computed, reference):
    computed = np.asarray(computed)
    if computed.shape != reference.value.shape:
        raise ValueError(f"the answer has shape {computed.shape}, the reference {reference.value.shape}")
    scale = np.broadcast_to(np.asarray(reference.scale, dtype=object), computed.shape)
    return zip(exact(computed).flat, reference.value.flat, scale.flat, strict=True)


@sixty_digits
def error(computed, reference, eps):
    """Worst error of a NumPy array in units of eps * scale. The bar of the design is 4.

    NaN matches NaN, an infinity the same infinity (or a truth beyond the dtype's range), a scale of
    0 asks for the exact number, and differences up to the smallest normal number do not count.
    """
    eps = exact_number(eps)
    tiny, largest = limits(np.asarray(computed).dtype)
    worst = ZERO
    for number, true, scale in pairs(computed, reference):
        worst = max(worst, one_error(number, true, exact_number(scale), eps, tiny, largest))
    return float(worst)


@sixty_digits
def digits(computed, reference):
    """Fewest right digits, relative, over the numbers whose truth is above the smallest normal one.

    inf when all are exact or none counts; 0.0 when an infinity or a NaN is in the wrong place.
    """
    tiny, largest = limits(np.asarray(computed).dtype)
    fewest = INF
    for number, true, scale in pairs(computed, reference):
        if mp.isinf(exact_number(scale)):
            continue
        if not finite(true) or not finite(number):
            if one_error(number, true, ONE, ONE, tiny, largest) != 0:
                return 0.0
        elif abs(true) > tiny and number != true:
            fewest = min(fewest, -mp.log10(abs(number - true) / abs(true)))
    return float(fewest)
