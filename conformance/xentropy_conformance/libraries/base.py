"""What is known of an array library: its dtypes, how arrays are made, read and written down, and its modes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..vectors import Array

INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
STANDARD = ("bool", *INTEGERS, "float32", "float64")
ALL = (*STANDARD, "float16", "bfloat16")


class NotOfferedError(Exception):
    """What a case needs and a target or library does not have. Neither a failure nor a pass."""


Answer = dict[str, Any]  # "value", "second", and "gradients", "jacobians" or "products" by the names of inputs


@dataclass(frozen=True)
class Job:
    """A function of arrays, and the inputs of every case that calls it with the same shapes, dtypes and options."""

    function: Callable[..., Any]
    names: tuple[str, ...]
    wrt: tuple[int, ...]  # the places of what is differentiated
    examples: list[tuple[Any, ...]]
    directions: list[tuple[Any, ...]]  # of the second derivatives, one array for each place of `wrt`
    own_gradients: Callable[..., dict[str, Any]] | None = None  # of a target without a differentiating library

    def named(self, arrays: Any) -> dict[str, Any]:
        """Derivatives by the names of what they are taken with respect to."""
        return dict(zip((self.names[i] for i in self.wrt), arrays, strict=True))

    def with_chosen(self, example: tuple[Any, ...], chosen: Any) -> list[Any]:
        """The inputs of an example, with those in the places of `wrt` replaced."""
        out = list(example)
        for place, x in zip(self.wrt, chosen, strict=True):
            out[place] = x
        return out


@dataclass(frozen=True)
class Mode:
    """A way to run a function and its derivatives."""

    run: Callable[[Job], list[Answer]]
    lines: str  # of the reproduction, with {args}, {wrt} and {places} to be filled in
    order: int = 1  # of the derivatives that it takes
    signatures: int | None = None  # how many different calls are worth the time of compiling them; None is all
    loose: bool = False  # gradients are automatic derivatives of the formula
    elements: int | None = None  # in the largest example that it can take


@dataclass(frozen=True)
class Library:
    """One array library on one device."""

    name: str
    module: str
    imports: tuple[str, ...]
    array: Callable[[Array], Any]
    numbers: Callable[[Any], np.ndarray]  # raises TypeError for what is no array of the library
    code: Callable[[Array], str]
    modes: Mapping[str, Mode]
    dtypes: tuple[str, ...] = ALL
    differentiates: bool = True
    context: Callable[[], AbstractContextManager[Any]] = nullcontext
    missing: Callable[[], str | None] = lambda: None  # why it cannot run although it is installed
    device: str = "cpu"
    environment: Mapping[str, str] = field(default_factory=dict)


def first(out: Any) -> Any:
    """The value, where a call returns a pair."""
    return out[0] if isinstance(out, (tuple, list)) else out


def answer(out: Any, gradients: dict[str, Any] | None = None, **more: Any) -> Answer:
    pair = isinstance(out, (tuple, list))
    second = {"second": out[1]} if pair and len(out) > 1 else {}
    return {"value": first(out), **second, "gradients": gradients or {}, **more}


def literal(x: Array) -> str:
    """The numbers as nested lists that read back exactly."""

    def number(value: Any) -> str:
        if x.dtype in ("float32", "float16"):
            return short(str(value))
        return short(repr(float(value))) if x.floating else str(value.item())

    def nested(values: np.ndarray) -> str:
        if values.ndim == 0:
            return number(values[()])
        return "[" + ", ".join(map(nested, values)) + "]"

    return nested(x.values)


def fitting(values: np.ndarray) -> np.ndarray:
    """Wide integers as int32, where they fit."""
    if values.size and not (-(2**31) <= int(values.min()) and int(values.max()) < 2**31):
        raise NotOfferedError("labels of more than 32 bits")
    return values.astype(np.int32)


def short(digits: str) -> str:
    return digits.removesuffix("0") if digits.endswith(".0") else digits


def written_array(x: Array, make: str, zeros: str, dtype: str) -> str:
    """An array as code; one without elements by its shape."""
    if x.values.size == 0:
        return f"{zeros}({x.values.shape}, dtype={dtype})"
    return f"{make}({literal(x)}, dtype={dtype})"
