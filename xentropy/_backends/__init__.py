"""One file for each library: how it differentiates, compiles and looks at memory. No formulas.

A backend is found from the type of an array and imported when the first such array is seen; nothing
here imports a library that the caller has not imported already.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from .generic import Backend, Traced

# the top-level module of an array's type -> the file of its backend
LIBRARIES = {"numpy": "numpy", "torch": "torch", "jax": "jax", "jaxlib": "jax", "cupy": "cupy", "dask": "dask"}


def backend_of(x: Any) -> Backend | None:
    """The backend of an array; None for anything that is no array."""
    if type(x) is Traced:
        return x.backend
    file = _library(type(x))
    if file is None:
        return None
    return _generic(x.__array_namespace__()) if file == "generic" else _known(file)


@cache
def _library(kind: type) -> str | None:
    for base in kind.__mro__:
        root = base.__module__.partition(".")[0]
        # what a mask hides would be read here
        if base.__name__ == "MaskedArray":
            return None
        if root in LIBRARIES:
            return LIBRARIES[root] if _is_array_type(kind) else None
    return "generic" if hasattr(kind, "__array_namespace__") else None


def _is_array_type(kind: type) -> bool:
    """Not a dtype, a generator or a module-level helper of the same library."""
    return hasattr(kind, "shape") and hasattr(kind, "dtype") and hasattr(kind, "ndim")


@cache
def _known(file: str) -> Backend:
    backend: Backend = import_module(f"{__name__}.{file}").BACKEND
    return backend


@cache
def _generic(xp: Any) -> Backend:
    return Backend(xp.__name__.partition(".")[0], xp)
