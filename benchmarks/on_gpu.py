"""The calls on a GPU, by library: ours, theirs, and the clock that the library itself has.

The same calls run on a CPU, slowly and by its clock, so that what no GPU was there for can be tried all the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from timing import once

import xentropy

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # other libraries want memory too
Call = Callable[[], Any]
Pass = tuple[Callable[..., Any], Callable[..., Any]]  # theirs and ours, of logits and labels


@dataclass(frozen=True)
class Library:
    """One library on one device."""

    name: str
    put: Callable[[np.ndarray, str], Any]  # an array on the device, in a dtype
    get: Callable[[Any], np.ndarray]
    clock: Callable[[Call, int], float]  # seconds a call, of so many in a row
    copy: Callable[[Any], Any]
    peak: Callable[[Call], int | None]  # bytes that a call allocates at its peak; None where nobody counts
    forget: Callable[[], None]  # what the library keeps of the device's memory
    ways: dict[str, dict[str, Pass]]  # eager, compiled: forward, forward + backward
    dtypes: tuple[str, ...] = ("bfloat16", "float32")


def uncounted(call: Call) -> None:
    return None


def nothing() -> None:
    pass


def torch_library(device: str) -> Library:
    import torch
    from on_torch import OURS as ours, THEIRS as theirs, compiled

    def put(x: np.ndarray, dtype: str) -> Any:
        return torch.from_numpy(x).to(device, getattr(torch, dtype))

    def get(x: Any) -> np.ndarray:
        return np.asarray(x.float().cpu())

    def clock(call: Call, repeats: int) -> float:
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for _ in range(repeats):
            call()
        end.record()
        end.synchronize()
        return float(start.elapsed_time(end)) / 1e3 / repeats

    def peak(call: Call) -> int:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call()
        return int(torch.cuda.max_memory_allocated() - before)

    def both(loss: Callable[..., Any]) -> Callable[..., Any]:
        def call(x: Any, y: Any) -> Any:
            leaf = x.detach().requires_grad_()
            value = loss(leaf, y)
            value.backward()
            return value.detach(), leaf.grad

        return call

    def passes(theirs: Any, ours: Any) -> dict[str, Pass]:
        return {"forward": (theirs, ours), "forward + backward": (both(theirs), both(ours))}

    ways = {"eager": passes(theirs, ours), "compiled": passes(compiled(theirs, False), compiled(ours, False))}
    if device == "cpu":
        return Library("torch", put, get, once, torch.clone, uncounted, nothing, ways)
    return Library("torch", put, get, clock, torch.clone, peak, torch.cuda.empty_cache, ways)


def jax_library(device: str) -> Library:
    import jax
    import jax.numpy as jnp
    import optax

    def optax_loss(x: Any, y: Any) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(x, y).mean()

    def put(x: np.ndarray, dtype: str) -> Any:
        return jax.device_put(x.astype("int32" if dtype == "int64" else jnp.dtype(dtype)), jax.devices(device)[0])

    def get(x: Any) -> np.ndarray:
        return np.asarray(x, np.float32)

    def clock(call: Call, repeats: int) -> float:
        """JAX has no timer of the device: of many calls in a row the host waits for the last."""

        def batch() -> None:
            for _ in range(repeats - 1):
                call()
            jax.block_until_ready(call())

        return once(batch, 1) / repeats

    losses = (optax_loss, lambda x, y: xentropy.cross_entropy(x, y))
    theirs, ours = map(jax.jit, losses)
    both = tuple(jax.jit(jax.value_and_grad(loss)) for loss in losses)
    ways = {"jit": {"forward": (theirs, ours), "forward + backward": (both[0], both[1])}}
    return Library("JAX", put, get, clock, jax.jit(jnp.copy), uncounted, nothing, ways)


def cupy_library(device: str) -> Library:
    import cupy

    def put(x: np.ndarray, dtype: str) -> Any:
        return cupy.asarray(x).astype(dtype)

    def get(x: Any) -> np.ndarray:
        return np.asarray(x.get(), np.float32)

    def clock(call: Call, repeats: int) -> float:
        start, end = cupy.cuda.Event(), cupy.cuda.Event()
        start.record()
        for _ in range(repeats):
            call()
        end.record()
        end.synchronize()
        return float(cupy.cuda.get_elapsed_time(start, end)) / 1e3 / repeats

    def plain(x: Any, y: Any) -> Any:
        top = x.max(axis=1, keepdims=True)
        return (cupy.log(cupy.exp(x - top).sum(axis=1)) + top[:, 0] - x[cupy.arange(len(y)), y]).mean()

    def plain_both(x: Any, y: Any) -> Any:
        rows = cupy.arange(len(y))
        e = cupy.exp(x - (top := x.max(axis=1, keepdims=True)))
        total = e.sum(axis=1, keepdims=True)
        slope = e / total
        slope[rows, y] -= 1.0
        return (cupy.log(total[:, 0]) + top[:, 0] - x[rows, y]).mean(), slope / len(y)

    both = xentropy.value_and_grad(xentropy.cross_entropy)
    ways = {"eager": {"forward": (plain, xentropy.cross_entropy), "forward + backward": (plain_both, both)}}
    forget = cupy.get_default_memory_pool().free_all_blocks
    return Library("CuPy", put, get, clock, cupy.copy, uncounted, forget, ways, ("float16", "float32"))


LIBRARIES = {"torch": torch_library, "jax": jax_library, "cupy": cupy_library}
