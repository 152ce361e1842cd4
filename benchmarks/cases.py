"""What is compared with what, on which arrays, and how fast it has to be. A ratio is theirs / ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import on_jax as jx
import on_numpy as np_
import on_torch as th
from batches import Batch

Make = Callable[[Batch], Callable[[], Any]]
FORWARD, BOTH = "forward", "forward + backward"
LIMITS = {FORWARD: 2.5, BOTH: 4.0}  # how many times the larger limit NumPy may take


@dataclass(frozen=True)
class Case:
    """One line of the tables. Goals can depend on the number of classes; without one the line is for information."""

    what: str
    library: str
    peer: str
    ours: Make
    theirs: Make
    goal: float | Callable[[int], float] | None = None
    wide: bool = True  # False: not with more than 1000 classes

    def goal_at(self, classes: int) -> float | None:
        return self.goal(classes) if callable(self.goal) else self.goal

    @property
    def names(self) -> tuple[str, str]:
        return f"theirs, {self.peer} {self.what}", f"ours, {self.library} {self.what}"

    @property
    def limit_goal(self) -> float | None:
        return LIMITS[BOTH if self.what == BOTH else FORWARD] if self.library == "NumPy" else None


CROSS_ENTROPY = (
    Case(FORWARD, "NumPy", "SciPy", np_.forward, np_.scipy_forward, lambda c: 6 if c <= 10 else 4),
    Case(FORWARD, "NumPy", "torch", np_.forward, th.torch_forward, 1.3),
    Case(BOTH, "NumPy", "torch", np_.both, th.torch_both, 2),
    Case(FORWARD, "torch", "torch", th.forward, th.torch_forward, 1.3),
    Case(BOTH, "torch", "torch", th.both, th.torch_both, 2),
    Case(FORWARD, "torch compiled", "torch compiled", th.compiled_forward, th.torch_compiled_forward, 1),
    Case(BOTH, "torch compiled", "torch compiled", th.compiled_both, th.torch_compiled_both, 1),
    Case(FORWARD, "JAX jit", "optax jit", jx.forward, jx.optax_forward, lambda c: 2 if c >= 128256 else 1),
    Case(BOTH, "JAX jit", "optax jit", jx.both, jx.optax_both, 1),
)
NORMALIZERS = (
    Case("logsumexp", "NumPy", "SciPy", np_.logsumexp, np_.scipy_logsumexp, 3),
    Case("log_softmax", "NumPy", "SciPy", np_.log_softmax, np_.scipy_log_softmax, 3),
    Case("softmax", "NumPy", "SciPy", np_.softmax, np_.scipy_softmax, 3),
)
OTHER_PEERS = (
    Case(FORWARD, "NumPy", "scikit-learn", np_.forward, np_.sklearn_forward, wide=False),
    Case(FORWARD, "JAX jit", "Keras jit", jx.forward, jx.keras_forward),
    Case(BOTH, "JAX jit", "Keras jit", jx.both, jx.keras_both),
)
BINARY = (
    Case(FORWARD, "NumPy", "torch", np_.binary_forward, th.torch_binary_forward),
    Case(BOTH, "NumPy", "torch", np_.binary_both, th.torch_binary_both, 1.5),
    Case(FORWARD, "torch", "torch", th.binary_forward, th.torch_binary_forward),
    Case(BOTH, "torch", "torch", th.binary_both, th.torch_binary_both),
    Case(FORWARD, "torch compiled", "torch compiled", th.compiled_binary_forward, th.torch_compiled_binary_forward),
    Case(BOTH, "torch compiled", "torch compiled", th.compiled_binary_both, th.torch_compiled_binary_both),
    Case(FORWARD, "JAX jit", "optax jit", jx.binary_forward, jx.optax_binary_forward),
    Case(BOTH, "JAX jit", "optax jit", jx.binary_both, jx.optax_binary_both),
)

SHAPES = ((65536, 10), (16384, 1000), (1024, 32000), (256, 128256))
QUICK_SHAPES = ((8192, 10), (1024, 1000), (64, 32000), (16, 128256))


def plan(quick: bool) -> Iterator[tuple[Batch, tuple[Case, ...]]]:
    """The batches, each with the lines of its table. What is slow to compile is in one batch of a quick run."""
    for i, (batch, cases) in enumerate(_plan(quick)):
        yield batch, tuple(c for c in cases if not quick or i == 0 or "compiled" not in c.library)


def _plan(quick: bool) -> Iterator[tuple[Batch, tuple[Case, ...]]]:
    shapes = QUICK_SHAPES if quick else SHAPES
    for dtype in ("float32", "float64"):
        for rows, classes in shapes[:: 3 if quick and dtype == "float64" else 1]:
            cases = CROSS_ENTROPY + NORMALIZERS + (OTHER_PEERS if dtype == "float32" else ())
            yield Batch(rows, classes, dtype), tuple(c for c in cases if c.wide or classes <= 1000)
    for rows, classes in shapes[:1] if quick else shapes:
        yield Batch(rows, classes, "float32", confident=True), CROSS_ENTROPY
        yield Batch(rows, classes, "float32", ignored=0.2), CROSS_ENTROPY
    if not quick:
        yield Batch(*shapes[1], "float64", confident=True, ignored=0.2), CROSS_ENTROPY
    for dtype in ("float32", "float64"):
        yield Batch(500_000 if quick else 10_000_000, None, dtype), BINARY
