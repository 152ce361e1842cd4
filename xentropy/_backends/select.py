"""`numpy.where` without a branch a number, which a processor guesses wrong half of the time: 4 ns against 0.5."""

from __future__ import annotations

from typing import Any

import numpy as np

SHORT = 1 << 12  # numbers, below which a call costs more than its branches
_BITS = {
    np.dtype(np.float32): np.dtype(np.int32), np.dtype(np.float64): np.dtype(np.int64),
    np.dtype(np.int32): np.dtype(np.int32), np.dtype(np.int64): np.dtype(np.int64),
}  # fmt: skip


def where(condition: Any, x: Any, y: Any) -> Any:
    """x where the condition is true, else y: its bits, so that NaN and -0.0 stay what they are."""
    dtype = x.dtype if type(x) is np.ndarray else getattr(y, "dtype", None)
    bits = _BITS.get(dtype)
    if bits is None or getattr(condition, "size", 0) < SHORT or condition.dtype != bool:
        return np.where(condition, x, y)
    number = int if dtype == bits else float
    if any(type(z) is not number and getattr(z, "dtype", None) != dtype for z in (x, y)):
        return np.where(condition, x, y)
    mask = _mask(condition, bits)
    first, second = (np.asarray(z, dtype).view(bits) for z in (x, y))
    if type(y) is number and y == 0:
        return _both(mask, first).view(dtype)
    out = _both(first ^ second, mask)
    out ^= second
    return out.view(dtype)


def keep(x: Any, live: Any) -> Any:
    """x, which is written to, with 0 in the rows that are not live, be the rows of x last or first."""
    bits = _BITS.get(x.dtype)
    if live.shape[-1] < x.shape[-1]:
        x[~live[..., 0]] = 0.0
    elif bits is None or x.size < SHORT:
        np.copyto(x, 0.0, where=~live)
    else:
        _both(x.view(bits), _mask(live, bits))
    return x


def _mask(condition: Any, bits: Any) -> Any:
    """All bits or none."""
    return np.negative(condition.view(np.int8)).astype(bits)


def _both(owned: Any, other: Any) -> Any:
    """The bits that both have, in the memory of the first if they fit."""
    fits = owned.ndim and np.broadcast(owned, other).shape == owned.shape
    return np.bitwise_and(owned, other, out=owned if fits else None)


class _Namespace:
    where = staticmethod(where)

    def __getattr__(self, name: str) -> Any:
        found = getattr(np, name)
        setattr(self, name, found)
        return found


NAMESPACE = _Namespace()
