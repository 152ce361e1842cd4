"""jax.nn and jax.scipy.special: the normalizers and elementwise functions below other libraries' losses."""

from __future__ import annotations

from .base import Ask, Call, Setting, Target, name, written

IMPORTS = ("import jax.scipy.special",)


def logsumexp(ask: Ask) -> Call:
    options = dict(keepdims=ask.option("keepdims", None), return_sign=ask.option("return_sign", None))
    where, b = name(ask.array("where")), name(ask.array("b"))
    return Call(written("jax.nn.logsumexp", "x", axis=ask.axis, b=b, where=where, **options))


def softmax(function: str, ask: Ask) -> Call:
    return Call(written(function, "x", axis=ask.axis, where=name(ask.array("where"))))


ADAPTERS = {
    "logsumexp": logsumexp,
    "softmax": lambda ask: softmax("jax.nn.softmax", ask),
    "log_softmax": lambda ask: softmax("jax.nn.log_softmax", ask),
    "sigmoid": lambda ask: Call("jax.nn.sigmoid(x)"),
    "log_sigmoid": lambda ask: Call("jax.nn.log_sigmoid(x)"),
    "softplus": lambda ask: Call("jax.nn.softplus(x)"),
    "xlogy": lambda ask: Call("jax.scipy.special.xlogy(x, y)", IMPORTS),
}
TARGET = Target(
    name="jax.nn",
    adapters=ADAPTERS,
    settings=tuple(
        Setting("jax", mode, {"JAX_PLATFORMS": "cpu"}) for mode in ("eager", "forward mode", "second order")
    ),
    packages=("jax",),
    modules=("jax",),
)
