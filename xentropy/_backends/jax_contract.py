"""A product of slopes and tangents as one operation of JAX, whose transpose is a product and nothing else.

The tangent is taken less that of one class, which only rounding sees: the slopes of a row add up to 0. JAX's own
transpose of that would add the slopes up for each row of a gradient, for nothing.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

contract_p = Primitive("xentropy_contract")


def contract(slope: Any, tangent: Any, index: Any) -> Any:
    """The sum over the last axis of the slope times the tangent less that at the index, with that axis of size 1."""
    return contract_p.bind(slope, tangent, index)


def _relative(tangent: Any, index: Any) -> Any:
    return tangent - jnp.take_along_axis(tangent, index, axis=-1, mode="promise_in_bounds")


@contract_p.def_impl
def _value(slope: Any, tangent: Any, index: Any) -> Any:
    return jnp.sum(slope * _relative(tangent, index), axis=-1, keepdims=True)


@contract_p.def_abstract_eval
def _shape(slope: Any, tangent: Any, index: Any) -> Any:
    return jax.core.ShapedArray((*slope.shape[:-1], 1), slope.dtype)


def _batch(arrays: Any, axes: Any) -> Any:
    size = next(x.shape[axis] for x, axis in zip(arrays, axes, strict=True) if axis is not None)
    return contract(*(batching.bdim_at_front(x, axis, size) for x, axis in zip(arrays, axes, strict=True))), 0


def _transpose(cotangent: Any, slope: Any, tangent: Any, index: Any) -> Any:
    zero = type(cotangent) is ad.Zero
    if ad.is_undefined_primal(tangent):
        # +0.0 for a cotangent of 0 whatever the sign: XLA drops an addition of 0
        up = None if zero else slope >= 0
        product = (
            ad.Zero(tangent.aval)
            if zero
            else jnp.where(up, slope, 0.0) * cotangent - jnp.where(up, 0.0, -slope) * cotangent
        )
        return None, product, None
    return ad.Zero(slope.aval) if zero else cotangent * _relative(tangent, index), None, None


mlir.register_lowering(contract_p, mlir.lower_fun(_value, multiple_results=False))
batching.primitive_batchers[contract_p] = _batch
ad.primitive_transposes[contract_p] = _transpose
ad.defjvp(
    contract_p,
    lambda move, slope, tangent, index: contract(move, tangent, index),
    lambda move, slope, tangent, index: contract(slope, move, index),
    None,
)
