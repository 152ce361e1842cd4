"""tf.nn and tf.math. Losses come unreduced."""

from __future__ import annotations

from .base import Ask, Call, Name, NotOfferedError, Target, settings, written


def cross_entropy(ask: Ask) -> Call:
    if ask.labels == "sparse":
        raise NotOfferedError("label_probs")
    if ask.labels == "soft":
        function = "tf.nn.softmax_cross_entropy_with_logits"
        return Call(written(function, labels=Name("labels"), logits=Name("logits"), axis=ask.axis))
    dtype = ask.case.inputs["labels"].dtype
    if dtype not in ("int32", "int64"):
        raise NotOfferedError(f"labels of dtype {dtype}")
    if ask.axis != ask.ndim - 1:
        raise NotOfferedError("axis of class indices")
    return Call("tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)")


def binary(ask: Ask) -> Call:
    dtype = ask.case.inputs["labels"].dtype
    if dtype != ask.case.dtype:
        raise NotOfferedError(f"labels of dtype {dtype}")
    if ask.array("pos_weight"):
        return Call("tf.nn.weighted_cross_entropy_with_logits(labels=labels, logits=logits, pos_weight=pos_weight)")
    return Call("tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)")


def logsumexp(ask: Ask) -> Call:
    return Call(written("tf.reduce_logsumexp", "x", axis=ask.axis, keepdims=ask.option("keepdims", None)))


ADAPTERS = {
    "cross_entropy": cross_entropy,
    "binary_cross_entropy_with_logits": binary,
    "logsumexp": logsumexp,
    "softmax": lambda ask: Call(written("tf.nn.softmax", "x", axis=ask.axis)),
    "log_softmax": lambda ask: Call(written("tf.nn.log_softmax", "x", axis=ask.axis)),
    "sigmoid": lambda ask: Call("tf.math.sigmoid(x)"),
    "log_sigmoid": lambda ask: Call("tf.math.log_sigmoid(x)"),
    "softplus": lambda ask: Call("tf.math.softplus(x)"),
    "xlogy": lambda ask: Call("tf.math.xlogy(x, y)"),
}
TARGET = Target(
    name="tensorflow",
    adapters=ADAPTERS,
    settings=settings("tensorflow", ("eager", "jit", "second order")),
    packages=("tensorflow", "tensorflow-cpu"),
    modules=("tensorflow",),
)
