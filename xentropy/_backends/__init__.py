"""One file for each library: how it differentiates, compiles and looks at memory. No formulas.

A backend is found from the type of an array and imported when the first such array is seen; nothing
here imports a library that the caller has not imported already.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .generic import Backend, Traced

# the top-level module of an array's type -> the file of its backend
LIBRARIES = {"numpy": "numpy", "torch": "torch", "jax": "jax", "jaxlib": "jax", "cupy": "cupy", "dask": "dask"}

_by_type: dict[type, Backend | None] = {}
_by_namespace: dict[Any, Backend] = {}


def backend_of(x: Any) -> Backend | None:
    """The backend of an array; None for anything that is no array."""
    kind = type(x)
    if isinstance(x, Traced):
        return x.backend
    if _loaded(kind):
        return _by_type[kind]
    return _of_namespace(x) if hasattr(kind, "__array_namespace__") else None


def _loaded(kind: type) -> bool:
    """Whether a type of arrays has a backend, which is imported the first time."""
    if kind not in _by_type:
        _by_type[kind] = _load(kind)
    return _by_type[kind] is not None


# torch.compile calls it while it traces, and does not trace the import itself
_loaded._dynamo_marked_constant = True  # type: ignore[attr-defined]


def _load(kind: type) -> Backend | None:
    for base in kind.__mro__:
        file = LIBRARIES.get(base.__module__.partition(".")[0])
        if base.__name__ == "MaskedArray":  # what its mask hides would be read
            return None
        if file is not None:
            backend: Backend = import_module(f"{__name__}.{file}").BACKEND
            return backend if hasattr(kind, "shape") and hasattr(kind, "dtype") else None
    return None


def _of_namespace(x: Any) -> Backend | None:
    if any(base.__name__ == "MaskedArray" for base in type(x).__mro__):
        return None
    xp = x.__array_namespace__()
    if xp not in _by_namespace:
        _by_namespace[xp] = Backend(xp.__name__.partition(".")[0], xp)
    return _by_namespace[xp]
