"""Shapes, dtypes and libraries of the arguments: what is wrong is said with all that is known of it."""

from __future__ import annotations

from math import isfinite
from numbers import Real
from operator import index
from typing import Any

from ._backends import backend_of
from ._backends.generic import Backend
from ._core.labels import Complaint
from ._core.precision import dtype_name, is_floating, is_index, kind, working_dtype

__all__: list[str] = []

OPERANDS = ("labels", "p", "log_q", "y")  # arguments that are arrays, apart from the first
REDUCTIONS = ("mean", "sum", "none")
NUMBER = (float, int, Real)  # the first two are found faster


def about(name: str, x: Any) -> str:
    """`logits of shape (4, 3) and dtype float32`."""
    if not hasattr(x, "shape"):
        return f"{name} = {x!r}"
    return f"{name} of shape {tuple(x.shape)} and dtype {dtype_name(x.dtype)}"


def enter(**arrays: Any) -> Backend:
    """The backend of all of these arrays. Options may be None or plain numbers."""
    (first, x), *rest = arrays.items()
    v = _backend(first, x)
    place = v.place(x)
    for name, other in rest:
        if name not in OPERANDS and (other is None or isinstance(other, NUMBER)):
            continue
        w = _backend(name, other)
        if w is not v:
            raise TypeError(
                f"{about(first, x)} is an array of {v.name}, {about(name, other)} one of {w.name}: "
                "nothing is converted silently; convert one of them"
            )
        elsewhere = v.place(other)
        if place is not None and elsewhere is not None and place != elsewhere:
            raise ValueError(
                f"{about(first, x)} is on {place}, {about(name, other)} on {elsewhere}: "
                "nothing is moved silently; move one of them"
            )
    return v


def _backend(name: str, x: Any) -> Backend:
    v = backend_of(x)
    if v is None:
        raise TypeError(
            f"{name} is of type {type(x).__module__}.{type(x).__qualname__}; expected an array of NumPy, PyTorch, "
            "JAX, CuPy or another library of the array API standard"
        )
    return v


def floating(name: str, x: Any) -> None:
    if not is_floating(x):
        hint = "; convert it to a floating dtype" if kind(x.dtype) != "other" else ""
        raise TypeError(f"{about(name, x)}: expected a real floating dtype{hint}")


def class_axis(name: str, x: Any, axis: int) -> int:
    """The axis, counted from the front."""
    try:
        axis = index(axis)
    except TypeError:
        raise TypeError(f"axis = {axis!r}: expected an integer") from None
    if x.ndim == 0 or not -x.ndim <= axis < x.ndim:
        raise ValueError(f"axis = {axis} is out of range for {about(name, x)}")
    return axis % int(x.ndim)


def broadcasts(name: str, x: Any, to: tuple[int, ...], what: str) -> None:
    if x is None or isinstance(x, NUMBER):
        return
    fits = x.ndim <= len(to) and all(n in (1, m) for n, m in zip(reversed(x.shape), reversed(to), strict=False))
    if not fits:
        raise ValueError(f"{about(name, x)} does not broadcast to {what}, {tuple(to)}")


def broadcast_together(name: str, x: Any, other: str, y: Any) -> None:
    long, short = sorted((tuple(x.shape), tuple(y.shape)), key=len, reverse=True)
    padded = (1,) * (len(long) - len(short)) + short
    if any(n != m and 1 not in (n, m) for n, m in zip(long, padded, strict=True)):
        raise ValueError(f"{about(name, x)} and {about(other, y)} do not broadcast")


def mask(name: str, x: Any, to: tuple[int, ...], what: str) -> None:
    if x is None:
        return
    if kind(x.dtype) != "bool":
        raise TypeError(f"{about(name, x)}: expected dtype bool, True for what is kept")
    broadcasts(name, x, to, what)


def reduced(reduction: str, normalizer: Any) -> None:
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction = {reduction!r}: expected one of {', '.join(map(repr, REDUCTIONS))}")
    if normalizer is None:
        return
    if reduction != "mean":
        raise ValueError(f"normalizer is the denominator of reduction='mean'; reduction is {reduction!r}")
    zero_d("normalizer", normalizer)


def zero_d(name: str, x: Any) -> None:
    if not isinstance(x, NUMBER):
        if x.ndim != 0:
            raise ValueError(f"{about(name, x)}: expected a number or a 0-d array")
        floating(name, x)


def number(v: Backend, name: str, x: Any, neutral: float | None, low: float, high: float, *, closed: bool) -> Any:
    """A number within its range, or None where it is neutral; an array where its values can be seen."""
    if x is None:
        return None
    span = f"{'[' if closed else '('}{low:g}, {high:g}{']' if isfinite(high) else ')'}"
    if isinstance(x, NUMBER):
        x = float(x)
        if (isfinite(low) and not (low < x or (closed and x == low))) or x > high:
            raise ValueError(f"{name} = {x}: expected a number in {span}")
        return None if x == neutral else x
    floating(name, x)
    raw = v.peek(x)
    if isfinite(low) and v.visible(raw):
        bad = ~((raw >= low if closed else raw > low) & (raw <= high))
        if bool(v.xp.any(bad)):
            raise ValueError(Complaint(name, span)(v.xp, raw, bad))
    return x


def weights(v: Backend, name: str, x: Any, like: Any) -> Any:
    """Integer and boolean weights as floating ones; the rest as they are."""
    if x is None:
        return None
    if isinstance(x, NUMBER):
        return float(x)
    if is_floating(x):
        return x
    if not is_index(x) and kind(x.dtype) != "bool":
        raise TypeError(f"{about(name, x)}: expected real numbers")
    return v.xp.astype(x, working_dtype(v, like))


def row_weights(x: Any, rows: tuple[int, ...], what: str) -> None:
    """Of the rows' dimensions, or 0-d: (N,) weights next to (N, T) rows would weigh the columns."""
    if x is None or isinstance(x, NUMBER) or x.ndim == 0:
        return
    if x.ndim != len(rows):
        hint = f"; write sample_weight[{', '.join([':'] * x.ndim + ['None'] * (len(rows) - x.ndim))}]"
        raise ValueError(
            f"{about('sample_weight', x)} has {x.ndim} dimensions and {what} {len(rows)}, {rows}"
            f"{hint if x.ndim < len(rows) else ''}"
        )
    broadcasts("sample_weight", x, rows, what)
