"""Keras 3 on each of its backends: keras.losses, and keras.ops below them."""

from __future__ import annotations

from .base import Ask, Call, NotOfferedError, Setting, Target, name, settings, written

IMPORTS = ("import keras",)
BACKENDS = {
    "numpy": ("eager",),
    "torch": ("eager", "second order"),
    "jax": ("eager", "second order"),
    "tensorflow": ("eager",),
}
REDUCTIONS = {"none": "none", "sum": "sum", "mean": "mean_with_sample_weight"}


def cross_entropy(ask: Ask) -> Call:
    """keras.losses takes weights and reductions; the class axis is the last where it is not told."""
    if ask.labels == "sparse":
        raise NotOfferedError("label_probs")
    more: dict[str, object] = {}
    if ask.labels == "index":
        loss, more = "keras.losses.SparseCategoricalCrossentropy", {"ignore_class": ask.option("ignore_index", None)}
    else:
        loss, more = "keras.losses.CategoricalCrossentropy", {"label_smoothing": ask.number("label_smoothing", None)}
    if ask.case.dtype == "float64":  # computed in keras.config.floatx() if it is not told
        more["dtype"] = "float64"
    reduction, axis = REDUCTIONS[ask.option("reduction", "mean")], ask.axis
    made = written(loss, from_logits=True, reduction=reduction, axis=axis if axis != ask.ndim - 1 else -1, **more)
    call = written(made, "labels", "logits", sample_weight=name(ask.array("sample_weight")))
    return Call(call, IMPORTS, frozenset({"label_smoothing"}))


def binary(ask: Ask) -> Call:
    dtype = ask.case.inputs["labels"].dtype
    if dtype != ask.case.dtype:
        raise NotOfferedError(f"labels of dtype {dtype}")
    made = "keras.ops.binary_crossentropy(labels, {})"
    return Call(
        made.format("logits, from_logits=True") if "logits" in ask.case.inputs else made.format("probs"), IMPORTS
    )


def logsumexp(ask: Ask) -> Call:
    return Call(written("keras.ops.logsumexp", "x", axis=ask.axis, keepdims=ask.option("keepdims", None)), IMPORTS)


ADAPTERS = {
    "cross_entropy": cross_entropy,
    "binary_cross_entropy_with_logits": binary,
    "binary_cross_entropy": binary,
    "logsumexp": logsumexp,
    "softmax": lambda ask: Call(written("keras.ops.softmax", "x", axis=ask.axis), IMPORTS),
    "log_softmax": lambda ask: Call(written("keras.ops.log_softmax", "x", axis=ask.axis), IMPORTS),
    "sigmoid": lambda ask: Call("keras.ops.sigmoid(x)", IMPORTS),
    "log_sigmoid": lambda ask: Call("keras.ops.log_sigmoid(x)", IMPORTS),
    "softplus": lambda ask: Call("keras.ops.softplus(x)", IMPORTS),
}


def on(backend: str, modes: tuple[str, ...]) -> tuple[Setting, ...]:
    return settings(backend, modes, KERAS_BACKEND=backend)


TARGET = Target(
    name="keras",
    adapters=ADAPTERS,
    settings=tuple(each for backend, modes in BACKENDS.items() for each in on(backend, modes)),
    packages=("keras",),
    modules=("keras",),
)
