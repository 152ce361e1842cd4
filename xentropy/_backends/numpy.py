"""NumPy: scatters into temporaries, and sums that keep their digits along any axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._core.verbs import BLOCK
from .generic import Backend


class NumPy(Backend):
    def run(self, function: Callable[..., Any], arrays: tuple[Any, ...], options: dict[str, Any]) -> Any:
        out = super().run(function, arrays, options)
        return tuple(map(_array, out)) if isinstance(out, tuple) else _array(out)

    def place(self, x: Any) -> Any:
        return None

    def pick(self, x: Any, index: Any, axis: int) -> Any:
        return x[_along(x.shape, index, axis)]

    def put(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        x[_along(x.shape, index, axis)] = value
        return x

    def deposit(self, x: Any, index: Any, amount: Any, axis: int) -> Any:
        for k in range(index.shape[axis]):  # one column at a time: equal indices of a row add up
            cut = (*[slice(None)] * axis, slice(k, k + 1))
            x[_along(x.shape, index[cut], axis)] += amount[cut]
        return x

    def total(self, x: Any, axis: int) -> Any:
        if x.shape[axis] <= BLOCK or x.strides[axis] == x.itemsize:  # NumPy sums pairwise there
            return np.sum(x, axis=axis, keepdims=True)
        return super().total(x, axis)


def _array(x: Any) -> Any:
    """Arithmetic on 0-d arrays makes numbers of them."""
    return np.asarray(x) if isinstance(x, np.generic) else x


def _along(shape: tuple[int, ...], index: Any, axis: int) -> tuple[Any, ...]:
    """What `take_along_axis` indexes with, at half of its cost."""
    grid: list[Any] = list(np.ogrid[tuple(slice(n) for n in shape)])
    grid[axis] = index
    return tuple(grid)


BACKEND = NumPy("numpy", np)
