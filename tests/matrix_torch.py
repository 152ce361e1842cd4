"""How torch is run in each of its compositions."""

from __future__ import annotations

import matrix_torch_around as around
import matrix_torch_compiled as compiled
import matrix_torch_eager as eager
from matrix_torch_call import Runner

COMPOSITIONS: dict[str, Runner] = {
    "backward": eager.backward,
    "gradcheck": eager.gradcheck,
    "gradgradcheck": eager.gradgradcheck,
    "forward gradcheck": eager.forward_gradcheck,
    "func.grad": eager.func_grad,
    "func.vjp": eager.func_vjp,
    "func.jvp": eager.func_jvp,
    "func.vmap": eager.vmap,
    "vmap(grad)": eager.vmap_grad,
    "jacrev": eager.jacrev,
    "jacfwd": eager.jacfwd,
    "hessian": eager.hessian,
    "compile": compiled.forward,
    "compile, backward": compiled.backward,
    "compile(func.grad)": compiled.func_grad,
    "compile(vmap(grad))": compiled.vmap_grad,
    "compile, dynamic shapes": compiled.dynamic,
    "export": compiled.export,
    "autocast": around.autocast,
    "inference_mode": around.inference_mode,
    "checkpoint": around.checkpointed,
    "meta tensors": around.meta,
    "tensor subclass": around.subclass,
}
