"""The calls on JAX arrays, all under jit: ours, optax's and those of Keras with JAX."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"

import jax
import jax.numpy as jnp
import keras
import optax
from batches import IGNORED, Batch

import xentropy

jax.config.update("jax_enable_x64", True)  # float32 stays what it is
Call = Callable[[], Any]
Loss = Callable[..., Any]


def kept_mean(losses: Callable[[Any, Any], Any], x: Any, y: Any) -> Any:
    """The mean over the rows that are not ignored, of a library that has no option for it."""
    kept = y != IGNORED
    return jnp.where(kept, losses(x, jnp.where(kept, y, 0)), 0).sum() / kept.sum()


def _mean(losses: Callable[[Any, Any], Any]) -> Callable[[Batch], Loss]:
    return lambda b: partial(kept_mean, losses) if b.ignored else lambda x, y: losses(x, y).mean()


def _ours(b: Batch) -> Loss:
    return partial(xentropy.cross_entropy, **b.options)


def _made(loss_of: Callable[[Batch], Loss], transform: Callable[[Loss], Loss]) -> Callable[[Batch], Call]:
    def make(b: Batch) -> Call:
        x, y = jnp.asarray(b.x), jnp.asarray(b.y if b.classes is None else b.y.astype("int32"))
        f = jax.jit(transform(loss_of(b)))
        return lambda: jax.block_until_ready(f(x, y))

    return make


def plain(f: Loss) -> Loss:
    return f


OPTAX = _mean(optax.softmax_cross_entropy_with_integer_labels)
KERAS = _mean(lambda x, y: keras.losses.sparse_categorical_crossentropy(y, x, from_logits=True))
OPTAX_BINARY = _mean(optax.sigmoid_binary_cross_entropy)

forward, both = _made(_ours, plain), _made(_ours, jax.value_and_grad)
optax_forward, optax_both = _made(OPTAX, plain), _made(OPTAX, jax.value_and_grad)
keras_forward, keras_both = _made(KERAS, plain), _made(KERAS, jax.value_and_grad)


def _our_binary(b: Batch) -> Loss:
    return xentropy.binary_cross_entropy_with_logits


binary_forward, binary_both = _made(_our_binary, plain), _made(_our_binary, jax.value_and_grad)
optax_binary_forward, optax_binary_both = _made(OPTAX_BINARY, plain), _made(OPTAX_BINARY, jax.value_and_grad)
