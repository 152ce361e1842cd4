"""Libraries without derivatives of their own: array-api-strict, Dask, CuPy."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from ..vectors import Array
from . import numpy as plain
from .base import ALL, INTEGERS, STANDARD, Library, fitting, written_array

# ---------------------------------------------------------------------------------------------
# array-api-strict: nothing but the standard


def strict(x: Array, device: str | None = None) -> Any:
    import array_api_strict as xp

    return xp.asarray(np.array(x.values), device=None if device is None else xp.Device(device))


def narrow(x: Array) -> Any:
    """On a device whose widest numbers have 32 bits."""
    import array_api_strict as xp

    values = fitting(x.values) if x.dtype in ("int64", "uint64") else x.values
    dtype = getattr(xp, "bool" if values.dtype == bool else values.dtype.name)
    flat = xp.asarray(values.reshape(-1).tolist(), dtype=dtype, device=xp.Device("no_x64"))
    return xp.reshape(flat, values.shape)


def strict_numbers(x: Any) -> np.ndarray:
    import array_api_strict as xp

    if not hasattr(x, "__array_namespace__") or x.__array_namespace__() is not xp:
        raise TypeError(f"{type(x).__name__} instead of an array of array-api-strict")
    return np.array(x.to_device(xp.Device("CPU_DEVICE")))


def numbers_on(device: str) -> Any:
    """The numbers of an array that has to be on a device."""

    def numbers(x: Any) -> np.ndarray:
        found = strict_numbers(x)
        if device not in str(x.device):
            raise TypeError(f"an array on {x.device} instead of {device}")
        return found

    return numbers


def strict_code(x: Array) -> str:
    return written_array(x, "xp.asarray", "xp.zeros", f"xp.{x.dtype}")


def on(device: str) -> Callable[[Array], str]:
    """How an array is written down that lives on another device."""

    def code(x: Array) -> str:
        return f'{strict_code(x)[:-1]}, device=xp.Device("{device}"))'

    return code


def narrow_code(x: Array) -> str:
    return on("no_x64")(Array("int32", x.values) if x.dtype in ("int64", "uint64") else x)


def strictest() -> AbstractContextManager[Any]:
    import array_api_strict as xp

    flags = xp.ArrayAPIStrictFlags(boolean_indexing=False, data_dependent_shapes=False, enabled_extensions=())
    context: AbstractContextManager[Any] = flags
    return context


def no_such_device() -> str | None:
    import array_api_strict as xp

    names = [str(d) for d in xp.__array_namespace_info__().devices()]
    return None if any("no_x64" in name for name in names) else "this version has no device without 64-bit numbers"


XP = ("import array_api_strict as xp",)
FLAGS = "xp.set_array_api_strict_flags(boolean_indexing=False, data_dependent_shapes=False, enabled_extensions=())"
STRICT = Library(
    "array_api_strict", "array_api_strict", XP, strict, strict_numbers, strict_code, plain.MODES, STANDARD, False
)
STRICTEST = Library(
    "array_api_strict strictest", "array_api_strict", (*XP, FLAGS), strict, strict_numbers, strict_code,
    plain.MODES, STANDARD, False, strictest,
)  # fmt: skip
DEVICE = Library(
    "array_api_strict device1", "array_api_strict", XP, lambda x: strict(x, "device1"), numbers_on("device1"),
    on("device1"), plain.MODES, STANDARD, False, device="device1",
)  # fmt: skip
NO_X64 = Library(
    "array_api_strict no x64", "array_api_strict", XP, narrow, strict_numbers, narrow_code, plain.MODES,
    ("bool", *INTEGERS, "float32"), False, missing=no_such_device, device="no_x64",
)  # fmt: skip

# ---------------------------------------------------------------------------------------------
# Dask: chunks of two along every axis, computed when they are read


def chunked(x: Array) -> Any:
    import dask.array as da

    return da.from_array(np.array(x.values), chunks=2)


def computed(x: Any) -> np.ndarray:
    import dask.array as da

    if not isinstance(x, da.Array):
        raise TypeError(f"{type(x).__name__} instead of a Dask array")
    return np.asarray(x.compute(scheduler="synchronous"))


def dask_code(x: Array) -> str:
    return f"da.from_array({plain.code(x)}, chunks=2)"


DASK = Library(
    "dask", "dask.array", ("import dask.array as da", "import numpy as np"), chunked, computed, dask_code,
    plain.MODES, STANDARD, False,
)  # fmt: skip

# ---------------------------------------------------------------------------------------------
# CuPy


def on_gpu(x: Array) -> Any:
    import cupy

    return cupy.asarray(x.values)


def from_gpu(x: Any) -> np.ndarray:
    import cupy

    if not isinstance(x, cupy.ndarray):
        raise TypeError(f"{type(x).__name__} instead of a CuPy array")
    return np.asarray(x.get())


def no_gpu() -> str | None:
    import cupy

    return None if cupy.is_available() else "no CUDA device"


CUPY = Library(
    "cupy", "cupy", ("import cupy as cp",), on_gpu, from_gpu,
    lambda x: written_array(x, "cp.asarray", "cp.zeros", f"cp.{x.dtype}"), plain.MODES,
    tuple(name for name in ALL if name != "bfloat16"), False, missing=no_gpu, device="cuda",
)  # fmt: skip
