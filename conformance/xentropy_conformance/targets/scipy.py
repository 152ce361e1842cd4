"""scipy.special, on NumPy arrays and, with its array API support, on those of torch and JAX.

Its functions are asked for values alone: SciPy promises no derivatives of them.
"""

from __future__ import annotations

from typing import Any

from .base import Ask, Call, NotOfferedError, Target, name, settings, written

IMPORTS = ("import scipy.special",)
ARRAY_API = {"SCIPY_ARRAY_API": "1"}
FROZEN = frozenset({"x", "y", "b"})


def call(function: str, ask: Ask, *args: str, **options: Any) -> Call:
    if ask.case.dtype == "bfloat16" and ask.setting.library == "numpy":
        raise NotOfferedError("NumPy arrays of bfloat16")
    return Call(written(f"scipy.special.{function}", *(args or ("x",)), **options), IMPORTS, FROZEN)


def logsumexp(ask: Ask) -> Call:
    options = dict(keepdims=ask.option("keepdims", None), return_sign=ask.option("return_sign", None))
    return call("logsumexp", ask, axis=ask.axis, b=name(ask.array("b")), **options)


ADAPTERS = {
    "logsumexp": logsumexp,
    "softmax": lambda ask: call("softmax", ask, axis=ask.axis),
    "log_softmax": lambda ask: call("log_softmax", ask, axis=ask.axis),
    "sigmoid": lambda ask: call("expit", ask),
    "log_sigmoid": lambda ask: call("log_expit", ask),
    "softplus": lambda ask: call("softplus", ask),
    "xlogy": lambda ask: call("xlogy", ask, "x", "y"),
}
TARGET = Target(
    name="scipy.special",
    adapters=ADAPTERS,
    settings=tuple(
        each for library in ("numpy", "torch", "jax") for each in settings(library, ("eager",), **ARRAY_API)
    ),
    packages=("scipy",),
    modules=("scipy",),
)
