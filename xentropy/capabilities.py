"""What works where, as data: the table of the documentation, the skips and the tests are made from it."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["SEMANTICS", "Capability", "Composition", "capabilities"]

SEMANTICS = "1"  # the version of the rules for special values


class Composition(NamedTuple):
    """A way in which a library differentiates, maps or compiles, and what it gets of the derivatives here."""

    name: str
    derivative: str  # "rule": as written here; "formula": the library's own of the formula; "": none is taken
    functions: tuple[str, ...] = ()  # all of them, if empty
    dtypes: tuple[str, ...] = ("float32", "float64")


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
    compositions: tuple[Composition, ...]


# those that take class indices
_INDEXED = ("cross_entropy", "nll_loss", "focal_loss")
_HIGH = ("float64",)  # finite differences of float32 show nothing

_TORCH = (
    Composition("backward", "rule"),
    Composition("gradcheck", "rule", dtypes=_HIGH),
    Composition("gradgradcheck", "rule", dtypes=_HIGH),
    Composition("forward gradcheck", "rule", dtypes=_HIGH),
    Composition("func.grad", "rule"),
    Composition("func.vjp", "rule"),
    Composition("func.jvp", "rule"),
    Composition("func.vmap", ""),
    Composition("vmap(grad)", "rule"),
    Composition("jacrev", "rule"),
    Composition("jacfwd", "rule"),
    Composition("hessian", "rule"),
    Composition("compile", ""),
    Composition("compile, backward", "rule"),
    Composition("compile(func.grad)", "formula"),
    Composition("compile(vmap(grad))", "formula"),
    Composition("compile, dynamic shapes", "rule"),
    Composition("export", ""),
    Composition("autocast", "rule"),
    Composition("inference_mode", ""),
    Composition("checkpoint", "rule"),
    Composition("meta tensors", ""),
    Composition("tensor subclass", "rule"),
)
_JAX = (
    Composition("grad", "rule"),
    Composition("jvp", "rule"),
    Composition("vjp", "rule"),
    Composition("linearize", "rule"),
    Composition("hessian", "rule"),
    Composition("check_grads", "rule", dtypes=_HIGH),
    Composition("vmap", ""),
    Composition("vmap(grad)", "rule"),
    Composition("jit", ""),
    Composition("jit(grad)", "rule"),
    Composition("checkpoint", "rule"),
    Composition("scan", "rule"),
    Composition("eval_shape", ""),
    Composition("float0 labels", "rule", functions=_INDEXED),
    Composition("x64 off", "rule", dtypes=("float32",)),
    Composition("strict promotion", "rule"),
    Composition("debug_nans", "rule"),
)
_RECORDED = (Composition("value_and_grad", "rule"), Composition("value_and_grad of a lambda", "rule"))


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
        Capability("numpy", "cpu", True, "recorded", False, "", "raise", both, _RECORDED),
        Capability("torch", "cpu", True, "autodiff", True, "torch.compile", "raise", both, _TORCH),
        Capability("torch", "cuda", False, "autodiff", True, "torch.compile", "nan", both, _TORCH),
        Capability("jax", "cpu", True, "autodiff", True, "jax.jit", "raise", both, _JAX),
        Capability("jax", "cuda", False, "autodiff", True, "jax.jit", "nan", both, _JAX),
        Capability("array_api_strict", "cpu", True, "recorded", False, "", "raise", (), _RECORDED),
        Capability("cupy", "cuda", False, "recorded", False, "", "nan", ("float16",), _RECORDED),
        Capability("dask", "cpu", False, "recorded", False, "", "nan", (), _RECORDED),
    )
