"""The libraries that the tests run on: one table, one row a backend.

A row says how an array of the library is made from a NumPy array and turned back into one, and which dtypes
it has. Everything else in the tests is the same for all of them. To add a backend, add a row.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

Array = Any

INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
FLOATS = ("float16", "bfloat16", "float32", "float64")
ALL = ("bool", *INTEGERS, *FLOATS)
STANDARD = ("bool", *INTEGERS, "float32", "float64")


@dataclass(frozen=True)
class Backend:
    """One library in one mode; `name` is what the tests show, its part before the colon is `group`'s name."""

    name: str
    module: str
    asarray: Callable[[np.ndarray], Array]
    to_numpy: Callable[[Array], np.ndarray]
    dtypes: tuple[str, ...] = ALL
    has_autodiff: bool = False
    group: str = ""  # what `--backend` calls it, where that is not the name up to the colon
    context: Callable[[], contextlib.AbstractContextManager[Any]] = contextlib.nullcontext
    no_device: Callable[[], str | None] = lambda: None  # why it cannot run although it is installed
    files: tuple[str, ...] = ("*",)  # the tests that it runs

    @property
    def option(self) -> str:
        return self.group or self.name.split(":")[0]

    @property
    def xp(self) -> Any:
        """The array namespace of the library."""
        wrapped = {"torch": "array_api_compat.torch", "cupy": "array_api_compat.cupy", "jax": "jax.numpy"}
        return importlib.import_module(wrapped.get(self.module, self.module))

    def dtype(self, name: str) -> Any:
        """The library's own dtype object for a name such as "bfloat16"."""
        if self.module == "numpy":
            return numpy_dtype(name)
        return getattr(self.xp, name)

    def missing(self) -> str | None:
        """Why this backend cannot be tested here, or None."""
        if importlib.util.find_spec(self.module) is None:
            return "not installed"
        return self.no_device()

    def __str__(self) -> str:
        return self.name


def numpy_dtype(name: str) -> np.dtype:
    """NumPy's dtype for a name, `bfloat16` among them."""
    if name == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(name)


def own_copy(a: np.ndarray) -> np.ndarray:
    """Copy `a` into memory of its own with the same strides: what was not contiguous stays so."""
    a = np.asarray(a)
    if a.size == 0 or a.flags.c_contiguous or any(s % a.itemsize for s in a.strides):
        return a.copy()
    flip = tuple(slice(None, None, -1 if s < 0 else 1) for s in a.strides)
    forward = a[flip]
    last = sum((n - 1) * s for n, s in zip(forward.shape, forward.strides, strict=True)) // a.itemsize
    copy = np.lib.stride_tricks.as_strided(np.zeros(last + 1, a.dtype), forward.shape, forward.strides)
    copy[...] = forward
    return copy[flip]


def _readonly(a: np.ndarray) -> np.ndarray:
    a = own_copy(a)
    a.flags.writeable = False
    return a


def _torch_asarray(a: np.ndarray, device: str = "cpu") -> Array:
    import torch

    a = own_copy(a)
    if any(s < 0 for s in a.strides):  # torch has no negative strides
        a = a.copy()
    if a.dtype.name == "bfloat16":  # unknown to torch.from_numpy: carried over as bits
        return torch.from_numpy(a.view(np.int16)).view(torch.bfloat16).to(device)
    return torch.from_numpy(a).to(device)


def _torch_to_numpy(x: Array) -> np.ndarray:
    import torch

    x = x.detach().cpu()
    if x.dtype == torch.bfloat16:
        return x.view(torch.int16).numpy().view(numpy_dtype("bfloat16"))
    return x.numpy()


def _no_cuda() -> str | None:
    import torch

    return None if torch.cuda.is_available() else "no CUDA device"


def _jax_asarray(a: np.ndarray) -> Array:
    import jax.numpy as jnp

    return jnp.array(a)  # a copy: on a CPU `asarray` may share NumPy's memory


def _jax_on_gpu(a: np.ndarray) -> Array:
    import jax

    return jax.device_put(a, jax.devices("cuda")[0])


def _no_cuda_for_jax() -> str | None:
    import jax

    if not any(importlib.util.find_spec(f"jax_cuda{n}_plugin") for n in (12, 13)):
        return "no CUDA plugin"  # JAX is not asked: it would start its threads
    try:
        jax.devices("cuda")
    except RuntimeError:
        return "no CUDA device"
    return None


@contextlib.contextmanager
def _jax_context() -> Any:
    import jax

    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"):
        yield


def _strict_asarray(a: np.ndarray, device: str | None = None) -> Array:
    import array_api_strict as xp

    return xp.asarray(own_copy(a), device=None if device is None else xp.Device(device))


def _strict_to_numpy(x: Array) -> np.ndarray:
    import array_api_strict as xp

    return np.array(x.to_device(xp.Device("CPU_DEVICE")))


def _strictest() -> contextlib.AbstractContextManager[Any]:
    import array_api_strict as xp

    return xp.ArrayAPIStrictFlags(boolean_indexing=False, data_dependent_shapes=False, enabled_extensions=())


def _cupy_asarray(a: np.ndarray) -> Array:
    import cupy

    return cupy.array(a)


def _no_cupy_device() -> str | None:
    import cupy

    return None if cupy.is_available() else "no CUDA device"


def _strict(mode: str = "", **options: Any) -> Backend:
    return Backend(
        **{
            "name": "array_api_strict" + mode,
            "module": "array_api_strict",
            "asarray": _strict_asarray,
            "to_numpy": _strict_to_numpy,
            "dtypes": STANDARD,
            "group": "strict",
            **options,
        }
    )


@contextlib.contextmanager
def _with(**changes: Any) -> Any:
    """Names of `xentropy._backends` with other values: module__name=value."""
    import pytest

    with pytest.MonkeyPatch.context() as patch:
        for path, value in changes.items():
            patch.setattr("xentropy._backends." + path.replace("__", "."), value)
        yield


def _on_a_path(name: str, **changes: Any) -> Backend:
    """A library kept to one of the ways that it takes by the size of a call, or by what its arrays are."""
    [plain] = [b for b in LIBRARIES if b.name == name.split(":")[0]]
    files = ("test_accuracy.py", "test_semantics_*.py")
    return replace(plain, name=name, context=lambda: _with(**changes), files=files)


LIBRARIES = (
    Backend("numpy", "numpy", own_copy, np.asarray),
    Backend("numpy:readonly", "numpy", _readonly, np.asarray),
    Backend("torch", "torch", _torch_asarray, _torch_to_numpy, has_autodiff=True),
    Backend(
        "torch:cuda",
        "torch",
        lambda a: _torch_asarray(a, "cuda"),
        _torch_to_numpy,
        has_autodiff=True,
        no_device=_no_cuda,
    ),
    Backend("jax", "jax", _jax_asarray, np.asarray, has_autodiff=True, context=_jax_context),
    Backend(
        "jax:cuda",
        "jax",
        _jax_on_gpu,
        np.asarray,
        has_autodiff=True,
        context=_jax_context,
        no_device=_no_cuda_for_jax,
    ),
    _strict(),
    _strict(":strictest", context=_strictest),
    _strict(":device1", asarray=lambda a: _strict_asarray(a, "device1")),
    Backend(
        "cupy",
        "cupy",
        _cupy_asarray,
        lambda x: x.get(),
        dtypes=(*STANDARD, "float16"),
        no_device=_no_cupy_device,
    ),
)

LARGE = {"tiles__SMALL": 0, "tiles__TILE": 256, "replay__SMALL": -1}  # what takes any array for a large one

BACKENDS = (
    *LIBRARIES,
    _on_a_path("numpy:turned tiles", **LARGE, tiles__FEW=10**9, select__SHORT=0),
    _on_a_path("numpy:tiles", **LARGE, tiles__FEW=0),
    _on_a_path("numpy:at once", tiles__SMALL=10**9, replay__SMALL=-1),
    _on_a_path("numpy:scripts", replay__USES=0),
    replace(_on_a_path("numpy:by log", vectors__vectors=lambda name: name == "log"), files=("test_accuracy.py",)),
    _on_a_path("torch:its own", torch_host__views=lambda arrays: None),
)

OPTIONS = tuple(dict.fromkeys(b.option for b in BACKENDS))
