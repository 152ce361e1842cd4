"""CuPy: arrays of a GPU, never looked at from the host.

Written by the standard's rules and not yet run on a device: see `xentropy.capabilities()`.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from array_api_compat import cupy as xp

from .generic import Backend


class CuPy(Backend):
    def quiet(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def visible(self, x: Any) -> bool:
        return False

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        return self.xp.minimum(self.xp.maximum(x, low), high)  # clip of array-api-compat looks at the values


BACKEND = CuPy("cupy", xp)
