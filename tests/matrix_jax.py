"""How JAX is run in each of its compositions."""

from __future__ import annotations

import matrix_jax_around as around
import matrix_jax_first as first
import matrix_jax_second as second
from matrix_jax_call import Runner

COMPOSITIONS: dict[str, Runner] = {
    "grad": first.grad,
    "jvp": first.jvp,
    "vjp": first.vjp,
    "linearize": first.linearize,
    "hessian": second.hessian,
    "check_grads": second.differences,
    "vmap": around.vmap,
    "vmap(grad)": around.vmap_grad,
    "jit": around.jit,
    "jit(grad)": around.jit_grad,
    "checkpoint": around.checkpoint,
    "scan": around.scan,
    "eval_shape": around.eval_shape,
    "float0 labels": first.float0_labels,
    "x64 off": first.x64_off,
    "strict promotion": first.strict_promotion,
    "debug_nans": first.debug_nans,
}
