"""Mutants that give the right numbers and treat arrays wrongly: targets for the runner, which alone sees that.

Each wraps a right call. A wrapper gets the call and the arrays, in the order of the case's inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from xentropy_conformance.targets.base import Call, Setting, Target
from xentropy_conformance.targets.xentropy import TARGET

Wrapper = Callable[..., Any]


class Mishandled(NamedTuple):
    library: str
    wrapper: Wrapper
    complaint: str  # of the runner


def over_the_logits(f: Wrapper, x: Any, *more: Any) -> Any:
    """the logits are shifted where they stand"""
    out = f(x, *more)
    x -= x.max(axis=-1, keepdims=True)
    return out


def over_the_labels(f: Wrapper, x: Any, labels: Any, *more: Any) -> Any:
    """the labels are one-hot afterwards"""
    out = f(x, labels, *more)
    labels[...] = 0
    return out


def to_the_host(f: Wrapper, x: Any, *more: Any) -> Any:
    """the loss is on another device than the logits"""
    import array_api_strict as xp

    return f(x, *more).to_device(xp.Device("CPU_DEVICE"))


def to_numpy(f: Wrapper, *arrays: Any) -> Any:
    """the loss is an array of NumPy's"""
    return np.asarray(f(*arrays))


def wider(f: Wrapper, *arrays: Any) -> Any:
    """the loss is float64, whatever the logits are"""
    return f(*arrays).astype(np.float64)


def narrower(f: Wrapper, *arrays: Any) -> Any:
    """the loss of 16-bit floats has 16 bits"""
    return f(*arrays).astype(arrays[0].dtype)


def with_an_axis(f: Wrapper, *arrays: Any) -> Any:
    """the loss keeps an axis of length 1"""
    return f(*arrays)[..., None]


MISHANDLED = (
    Mishandled("numpy", over_the_logits, "changed its input logits"),
    Mishandled("numpy", over_the_labels, "changed its input labels"),
    Mishandled("array_api_strict device1", to_the_host, "instead of device1"),
    Mishandled("array_api_strict", to_numpy, "instead of an array of array-api-strict"),
    Mishandled("numpy", wider, "dtype float64, expected float32"),
    Mishandled("numpy", narrower, "dtype float16, expected float32"),
    Mishandled("numpy", with_an_axis, "shape"),
)


def target(mutant: Mishandled | None, library: str) -> Target:
    """xentropy's own target with every value passed through a wrapper; gradients are left as they are."""

    def adapter(ask: Any) -> Call:
        right = TARGET.adapters[ask.case.function](ask)
        names = ", ".join(ask.case.inputs)
        if mutant is None:
            return right
        given = {**right.given, "wrapper": mutant.wrapper}
        return replace(right, expression=f"wrapper(lambda {names}: {right.expression}, {names})", given=given)

    return replace(TARGET, adapters=dict.fromkeys(TARGET.adapters, adapter), settings=(Setting(library),), modes={})
