"""The verbs of class indices for XLA on CPUs: row quantities without a class axis, and sums without the label.

XLA's fast reductions take what goes into them along, like an exponential, but neither a selection nor an axis of
size 1 that is the last. So of many classes the label is not selected away: its own window of classes is summed again.
Few classes are a sum of columns, and what is between is selected all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt
from typing import Any

import jax
import jax.numpy as jnp

from .._core import ways

INF = float("inf")
FEW = 16  # classes that are summed one by one, for all rows at once: a loop over rows is fast, short sums are not
EVEN = 64  # rows, of which a multiple is computed by vectors on all cores
SHORT = 128  # classes up to which a selection costs less than windows, or than a write in place
LONG = 4096


def verbs(backend: Any) -> Any:
    """Those of a class of backends for `walk`: of what is differentiated, and of what is not."""

    class Rows(backend):
        def wide(self, x: Any) -> Any:
            return x[..., None]

        def top(self, x: Any, axis: int) -> Any:
            lowest = jnp.asarray(-INF, x.dtype)
            windows = x if x.shape[-1] < LONG else _windows(x, lowest, jax.lax.max, 256)
            return jnp.max(windows, axis=-1)

        def pick(self, x: Any, index: Any, axis: int) -> Any:
            return super().pick(x, index[..., None], axis)[..., 0]

        def put(self, x: Any, index: Any, value: Any, axis: int) -> Any:
            if x.shape[-1] <= SHORT:
                return super().put(x, index[..., None], value[..., None] if hasattr(value, "dtype") else value, axis)
            rows = jnp.arange(x.shape[0], dtype=index.dtype)  # in place: a comparison of every class takes longer
            return x.at[rows, index].set(
                value, mode="promise_in_bounds", unique_indices=True, wrap_negative_indices=False
            )

        def total(self, x: Any, axis: int) -> Any:
            return jnp.sum(x, axis=-1)

        def guard(self, x: Any, live: Any) -> Any:
            return super().guard(x, live if x.ndim == live.ndim else live[..., None])

        def keep(self, x: Any, live: Any) -> Any:
            return super().keep(x, live if x.ndim == live.ndim else live[..., None])

        def total_but(self, terms: Callable[..., Any], x: Any, base: Any, index: Any, axis: int) -> Any:
            classes = x.shape[-1]
            if classes <= SHORT:
                return self.total(terms(self, self.put(x, index, -INF, axis), base), axis)
            size = window(classes)
            sums = _windows(terms(self, x, base), jnp.zeros((), x.dtype), jax.lax.add, size)
            here = jax.lax.div(index, jnp.asarray(size, index.dtype))
            first = here * size
            start = jnp.minimum(first, classes - size)  # the last window may reach back into that before
            place = jnp.arange(size, dtype=jnp.int32)
            own, lowest = ((y - start).astype(jnp.int32)[:, None] for y in (index, first))
            others = place != own if classes % size == 0 else (place != own) & (place >= lowest)
            near = terms(self, jnp.where(others, _slices(x, start, size), -INF), base)
            return self.total(self.put(sums, here, 0.0, axis), axis) + self.total(near, axis)

        def all_but(self, terms: Callable[..., Any], x: Any, base: Any, index: Any, axis: int) -> Any:
            if x.shape[-1] > FEW:
                return super().all_but(terms, x, base, index, axis)
            e = terms(self, x, base)
            return e, in_parts(lambda e, i: ways.sum_but(self, [e[:, k] for k in range(e.shape[1])], i), e, index)

    class Unguarded(Rows):
        def guard(self, x: Any, live: Any) -> Any:
            return x

    return Rows("jax", jnp), Unguarded("jax", jnp)


def in_parts(f: Callable[..., Any], *arrays: Any) -> Any:
    """`f(*arrays)`, an array of one number a row, with the rows that are over computed apart."""
    count = arrays[0].shape[0]
    if not isinstance(count, int) or count < EVEN or count % EVEN == 0:  # jax.export may know no size
        return f(*arrays)
    over = count % EVEN
    parts = [f(*(x[part] for x in arrays)) for part in (slice(-over), slice(-over, None))]
    return jnp.concatenate(parts)


def window(classes: int) -> int:
    """Classes a window: between the root of their number and twice that, with none left over if that can be."""
    most = 2 * isqrt(classes)
    return max((n for n in range(most // 2, most + 1) if classes % n == 0), default=most)


def _windows(x: Any, start: Any, merge: Any, size: int) -> Any:
    """Each `size` classes merged to one, and what is left over to one more."""
    return jax.lax.reduce_window(x, start, merge, (1, size), (1, size), ((0, 0), (0, -x.shape[-1] % size)))


def _slices(x: Any, start: Any, size: int) -> Any:
    """`size` classes of each row: a slice takes less time than a gather of each class."""
    return jax.vmap(lambda row, first: jax.lax.dynamic_slice(row, (first,), (size,)))(x, start)
