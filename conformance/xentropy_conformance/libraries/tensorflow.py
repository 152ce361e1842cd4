"""TensorFlow: eager calls and compiled ones, reverse mode and second order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..vectors import Array
from .base import Answer, Job, Library, Mode, answer, first, written_array


def array(x: Array) -> Any:
    import tensorflow as tf

    return tf.constant(x.values, dtype=getattr(tf, x.dtype))


def numbers(x: Any) -> np.ndarray:
    import tensorflow as tf

    if not tf.is_tensor(x):
        raise TypeError(f"{type(x).__name__} instead of a tensor")
    return np.asarray(tf.convert_to_tensor(x).numpy())


def code(x: Array) -> str:
    return written_array(x, "tf.constant", "tf.zeros", f"tf.{x.dtype}")


def gradient(job: Job) -> Callable[..., Any]:
    """(gradients, output) of a call."""
    import tensorflow as tf

    def call(*xs: Any) -> tuple[Any, Any]:
        chosen = [xs[i] for i in job.wrt]
        with tf.GradientTape() as tape:
            tape.watch(chosen)
            out = job.function(*xs)
            value = tf.reduce_sum(first(out))
        zero = tf.UnconnectedGradients.ZERO
        return [tf.convert_to_tensor(g) for g in tape.gradient(value, chosen, unconnected_gradients=zero)], out

    return call


def eager(job: Job) -> list[Answer]:
    f = gradient(job)
    return [answer(out, job.named(gradients)) for gradients, out in (f(*xs) for xs in job.examples)]


def jitted(job: Job) -> list[Answer]:
    import tensorflow as tf

    f = tf.function(gradient(job), jit_compile=True)
    return [answer(out, job.named(gradients)) for gradients, out in (f(*xs) for xs in job.examples)]


def second_order(job: Job) -> list[Answer]:
    import tensorflow as tf

    f, out, zero = gradient(job), [], tf.UnconnectedGradients.ZERO
    for example, direction in zip(job.examples, job.directions, strict=True):
        chosen = [tf.identity(example[i]) for i in job.wrt]
        with tf.GradientTape() as tape:
            tape.watch(chosen)
            gradients, _ = f(*job.with_chosen(example, chosen))
            moved = tf.add_n([tf.reduce_sum(g * d) for g, d in zip(gradients, direction, strict=True)])
        products = tape.gradient(moved, chosen, unconnected_gradients=zero)
        out.append({"products": job.named([tf.convert_to_tensor(p) for p in products])})
    return out


TAPE = """\
def slope({args}):
    with tf.GradientTape() as tape:
        tape.watch([{wrt}])
        value = f({args})
        total = tf.reduce_sum(value)
    return value, tape.gradient(total, [{wrt}])

"""
MODES = {
    "eager": Mode(eager, TAPE + "value, gradients = slope({args})"),
    "jit": Mode(jitted, TAPE + "value, gradients = tf.function(slope, jit_compile=True)({args})", signatures=60),
    "second order": Mode(
        second_order,
        TAPE + "with tf.GradientTape() as tape:\n    tape.watch([{wrt}])\n    gradients = slope({args})[1]\n"
        "    moved = tf.add_n([tf.reduce_sum(g * d) for g, d in zip(gradients, direction)])\n"
        "products = tape.gradient(moved, [{wrt}])",
        order=2,
    ),
}
ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "TF_ENABLE_ONEDNN_OPTS": "0"}
LIBRARY = Library(
    "tensorflow", "tensorflow", ("import tensorflow as tf",), array, numbers, code, MODES, environment=ENVIRONMENT
)
