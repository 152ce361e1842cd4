"""What works where, as data: the table of the documentation, the skips and the tests are made from it."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["SEMANTICS", "Capability", "capabilities"]

SEMANTICS = "1"  # the version of the rules for special values


class Capability(NamedTuple):
    """One library on one kind of device."""

    library: str
    device: str
    tested: bool  # False: written by the standard's rules, not run on this device
    gradient: str  # who differentiates: the library ("autodiff") or `value_and_grad` alone ("recorded")
    second_order: bool
    compiled: str  # the compiler whose output is tested; "" where there is none
    bad_labels: str  # what check_labels="auto" does about one, eagerly
    half: tuple[str, ...]  # the 16-bit dtypes


def capabilities() -> tuple[Capability, ...]:
    """What works where, one `Capability` for each library and kind of device.

    Examples
    --------
    >>> import xentropy
    >>> [c.library for c in xentropy.capabilities() if c.gradient == "recorded" and c.tested]
    ['numpy', 'array_api_strict']
    """
    both = ("float16", "bfloat16")
    return (
        Capability("numpy", "cpu", True, "recorded", False, "", "raise", both),
        Capability("torch", "cpu", True, "autodiff", True, "torch.compile", "raise", both),
        Capability("torch", "cuda", False, "autodiff", True, "torch.compile", "nan", both),
        Capability("jax", "cpu", True, "autodiff", True, "jax.jit", "raise", both),
        Capability("jax", "cuda", False, "autodiff", True, "jax.jit", "nan", both),
        Capability("array_api_strict", "cpu", True, "recorded", False, "", "raise", ()),
        Capability("cupy", "cuda", False, "recorded", False, "", "nan", ("float16",)),
        Capability("dask", "cpu", False, "recorded", False, "", "nan", ()),
    )
