"""The verbs of class indices for XLA on CPUs: row quantities without a class axis, and sums by windows of classes.

XLA's fast reductions take what goes into them along, like an exponential, but neither a selection nor an axis of
size 1 that is the last. So the label is not selected away in a row: its own window of classes is summed again.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt
from typing import Any

import jax
import jax.numpy as jnp

INF = float("inf")
SHORT = 128  # classes up to which a selection costs less than windows, or than a write in place
LONG = 4096


def verbs(base: Any) -> Any:
    """Those of the backend `base` for `walk`: of what is differentiated, and of what is not."""

    class Rows(base):
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

        def total_but(self, terms: Callable[..., Any], x: Any, top: Any, index: Any, nought: Any, axis: int) -> Any:
            classes = x.shape[-1]
            if classes <= SHORT:
                return self.total(terms(self, self.put(x, index, -INF, axis), top), axis) + nought
            size = window(classes)
            sums = _windows(terms(self, x, top), jnp.zeros((), x.dtype), jax.lax.add, size)
            here = index // size
            start = jnp.minimum(here * size, classes - size)  # the last one may reach back into that before
            place = start[:, None] + jnp.arange(size, dtype=index.dtype)
            near = jnp.take_along_axis(x, place, axis=-1, mode="promise_in_bounds")
            others = (place != index[:, None]) & (place >= (here * size)[:, None])
            near = terms(self, jnp.where(others, near, -INF), top)
            return self.total(self.put(sums, here, 0.0, axis), axis) + self.total(near, axis) + nought

    class Unguarded(Rows):
        def guard(self, x: Any, live: Any) -> Any:
            return x

    return Rows("jax", jnp), Unguarded("jax", jnp)


def window(classes: int) -> int:
    """About as many classes a window as there are windows, with none left over if that can be."""
    most = isqrt(classes)
    return max((n for n in range(most // 2, most + 1) if classes % n == 0), default=most)


def _windows(x: Any, start: Any, merge: Any, size: int) -> Any:
    """Each `size` classes merged to one, and what is left over to one more."""
    return jax.lax.reduce_window(x, start, merge, (1, size), (1, size), ((0, 0), (0, -x.shape[-1] % size)))
