"""Which dtype a formula computes in, and what kind of number a dtype holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .verbs import Array, Verbs

_KINDS = {"bool": "bool", "float16": "half", "bfloat16": "half", "float32": "float", "float64": "float"}
_KINDS |= {"longdouble": "float", "float128": "float", "float96": "float"}
_KINDS |= {f"int{n}": "int" for n in (8, 16, 32, 64)} | {f"uint{n}": "uint" for n in (8, 16, 32, 64)}


_found: dict[Any, str] = {}  # the kinds of the dtypes seen: NumPy takes 3 us to tell a name


def dtype_name(dtype: Any) -> str:
    """`float32` for every library's spelling of it."""
    return getattr(dtype, "name", None) or str(dtype).rpartition(".")[2]


def kind(dtype: Any) -> str:
    """One of `bool`, `int`, `uint`, `half` (16-bit floats), `float`, or `other`.

    By name, because the standard's `isdtype` does not know bfloat16 everywhere.
    """
    key = (type(dtype), dtype)  # those of two libraries may be equal, or refuse to be compared
    found = _found.get(key)
    if found is None:
        found = _found[key] = _KINDS.get(dtype_name(dtype), "other")
    return found


# for torch.compile, which would trace the dictionary
kind._dynamo_marked_constant = True  # type: ignore[attr-defined]


def is_floating(x: Array) -> bool:
    return kind(x.dtype) in ("half", "float")


def is_index(x: Array) -> bool:
    return kind(x.dtype) in ("int", "uint")


def working_dtype(v: Verbs, x: Array) -> Any:
    """float32 for 16-bit floats: their sums overflow (65504) or stall (at 256 ones) in their own dtype."""
    return v.xp.float32 if kind(x.dtype) == "half" else x.dtype


def is_array(x: Any) -> bool:
    """Neither a number nor nothing. By type first: numbers that Dynamo has made symbols may not be asked for more."""
    return type(x) is not float and type(x) is not int and hasattr(x, "dtype")


def promote(v: Verbs, arrays: Sequence[Any], dtype: Any) -> list[Any]:
    """The floating arrays among `arrays` as `dtype`; everything else as it is."""
    return [v.xp.astype(x, dtype) if is_array(x) and x.dtype != dtype and is_floating(x) else x for x in arrays]
