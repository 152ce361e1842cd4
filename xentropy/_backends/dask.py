"""Dask: lazy and without a gather, so that a class is picked by a mask."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import dask.array
from array_api_compat.dask import array as xp

from .generic import Backend


class Dask(Backend):
    def quiet(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def visible(self, x: Any) -> bool:
        return False

    def device(self, x: Any) -> Any:
        return None

    def place(self, x: Any) -> Any:
        return None

    def pick(self, x: Any, index: Any, axis: int) -> Any:
        cuts = [(*[slice(None)] * (axis % x.ndim), slice(k, k + 1)) for k in range(index.shape[axis])]
        found = [
            self.xp.sum(self.xp.where(self.positions(x, axis) == index[cut], x, 0), axis=axis, keepdims=True)
            for cut in cuts
        ]
        out = found[0] if len(found) == 1 else xp.concat(found, axis=axis)
        return out != 0 if x.dtype == bool else out

    def top(self, x: Any, axis: int) -> Any:
        if 0 in x.shape:  # Dask's own maximum of no rows raises
            return self.xp.sum(x, axis=axis, keepdims=True)
        return super().top(x, axis)

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        return dask.array.clip(x, low, high)  # that of array-api-compat wants to know the shape

    def sum(self, x: Any) -> Any:
        return self.xp.sum(x)  # a tree of its chunks, and no reshape where there is nothing


BACKEND = Dask("dask", xp)
